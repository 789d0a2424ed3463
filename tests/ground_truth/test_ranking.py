"""Is the right registration put first? The figures of the specification."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy
import pytest

from .cases import Case
from .cases import build_cases
from .figures import TOLERANCE
from .figures import Figures
from .figures import Outcome
from .figures import compute
from .figures import outcome
from .tolerance import median_and_range


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """What was ranked for `figures`; the images are gone, since together they fill the memory."""
    return []


@pytest.fixture(scope="module")
def figures(cases: list[Case]) -> Figures:
    def one_at_a_time() -> Iterator[Case]:
        for case in build_cases():
            cases.append(replace(case, stacks={}))
            yield case

    return compute(one_at_a_time())


@pytest.mark.full
def test_scored_on_all_stacks_the_right_registration_is_first(figures: Figures) -> None:
    assert figures.over("all").right >= 0.95


@pytest.mark.full
def test_scored_on_its_own_stack_the_right_registration_is_first(figures: Figures) -> None:
    assert figures.over("own").right >= 0.9


@pytest.mark.full
def test_catastrophes_are_rare(figures: Figures) -> None:
    assert figures.over("all").catastrophic <= 0.02
    assert figures.over("own").catastrophic == 0


@pytest.mark.full
def test_the_set_is_not_so_easy_that_anything_is_right(figures: Figures) -> None:
    assert figures.over("chance").right < 0.5
    assert figures.over("raw sum").right < 0.75


@pytest.mark.full
@pytest.mark.usefixtures("figures")
def test_the_set_is_balanced(cases: list[Case]) -> None:
    assert len(cases) >= 48
    assert Counter(case.motion for case in cases) == {"translation": 24, "rigid": 24, "affine": 24}
    assert Counter(case.dose for case in cases) == {1.0: 36, 0.25: 36}
    assert Counter(len(case.errors) for case in cases) == {6: 36, 5: 36}
    assert len({case.picture for case in cases}) == 14
    assert len({case.algorithm for case in cases}) >= 10


@pytest.mark.full
@pytest.mark.usefixtures("figures")
def test_no_place_in_the_order_of_the_stacks_is_favored(cases: list[Case]) -> None:
    best = Counter(list(case.errors).index(min(case.errors, key=case.errors.get)) for case in cases)
    assert max(best.values()) < len(cases) / 2


def test_of_every_24th_case_the_right_registration_is_first() -> None:
    figures = compute(build_cases(every=24))
    assert figures.over("all").right >= 0.95
    assert figures.over("all").catastrophic == 0


def test_the_set_is_always_the_same() -> None:
    case, again = next(build_cases()), next(build_cases())
    assert list(case.stacks) == list(case.transformations) == list(case.errors)
    assert list(again.stacks) == list(case.stacks)
    for name, stack in case.stacks.items():
        assert stack.shape == (6, 160, 160)
        numpy.testing.assert_array_equal(again.stacks[name], stack)
    assert again.transformations == case.transformations
    assert again.errors == case.errors


def test_what_counts_as_right() -> None:
    errors = {"best": 0.5, "near": 0.75, "far": 0.76, "wrong": 2.4, "catastrophe": 2.5}
    case = Case("rigid", "", "", 1.0, False, {}, {}, errors)
    assert outcome(case, "best") == Outcome(right=1, best=1, catastrophic=0)
    assert outcome(case, "near") == Outcome(right=1, best=0, catastrophic=0)
    assert outcome(case, "far") == Outcome(right=0, best=0, catastrophic=0)
    assert outcome(case, "wrong") == Outcome(right=0, best=0, catastrophic=0)
    assert outcome(case, "catastrophe") == Outcome(right=0, best=0, catastrophic=1)


def test_the_tolerance_is_what_linear_interpolation_changes_anyway() -> None:
    middle, low, high = median_and_range(TOLERANCE)
    assert middle == pytest.approx(1, abs=0.2)
    assert low > 0.5
    assert high < 1.5
