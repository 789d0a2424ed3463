"""Is a registration that is refined on all stacks closer to the truth? The figures of the page."""

from __future__ import annotations

import numpy
import pytest

from .refinement import SITUATIONS
from .refinement import Outcome
from .refinement import build_case
from .refinement import build_cases
from .refinement import refine


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return [refine(case) for case in build_cases()]


def errors(outcomes: list[Outcome], which: str) -> numpy.ndarray:
    return numpy.array([getattr(each, which) for each in outcomes])


@pytest.mark.full
def test_the_median_error(outcomes: list[Outcome]) -> None:
    chosen, best, refined = (
        numpy.median(errors(outcomes, which)) for which in ("chosen", "best", "refined")
    )
    assert refined <= 0.65 * chosen
    assert refined < best
    translations = [each for each in outcomes if each.motion == "translation"]
    assert numpy.median(errors(translations, "refined")) <= 0.5 * numpy.median(
        errors(translations, "chosen")
    )


@pytest.mark.full
def test_more_are_below_a_tenth_of_a_pixel(outcomes: list[Outcome]) -> None:
    before, after = ((errors(outcomes, which) < 0.1).mean() for which in ("chosen", "refined"))
    assert after >= before + 0.15


@pytest.mark.full
def test_few_become_worse(outcomes: list[Outcome]) -> None:
    worse = errors(outcomes, "refined") > errors(outcomes, "chosen") + 0.1
    assert worse.mean() <= 0.025


@pytest.mark.full
def test_errors_of_a_few_pixels_are_removed(outcomes: list[Outcome]) -> None:
    far = [each for each in outcomes if 1 <= each.chosen <= 10]
    assert (errors(far, "refined") < 1).mean() >= 0.4


@pytest.mark.parametrize("situation", ["two images", "two stacks", "registrations 1 to 10 px off"])
def test_one_case_of_some_situations(situation: str) -> None:
    outcome = refine(build_case(situation, 3))
    assert outcome.accepted
    assert outcome.refined < min(outcome.chosen, outcome.best)


def test_every_situation_has_every_motion() -> None:
    assert len(SITUATIONS) == 12
    assert build_case("deformation", 1).motion == "rigid"
