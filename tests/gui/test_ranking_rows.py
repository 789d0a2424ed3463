"""What stands in the table of the ranking."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import math

import pytest

from ewoksndreg._stacks import ArrayStack
from ewoksndreg.gui._ranking_rows import describe
from ewoksndreg.gui._ranking_rows import make_rows
from ewoksndreg.gui._result import RunResult
from ewoksndreg.gui._score_bars import split_score

from .conftest import shifts


@pytest.fixture
def ranked(result):
    return make_rows(
        RunResult(
            {}, result.registrations, result.chosen, result.evaluation, reference_stack="Fe-K"
        )
    )


def test_rows_are_in_the_order_of_the_ranking(ranked, result):
    assert [(row.rank, row.name, row.best, row.applied) for row in ranked] == [
        (1, "Fe-K", True, True),
        (2, "Ca-K", False, False),
    ]
    numbers = result.evaluation.registrations["Ca-K"]
    row = ranked[1]
    assert (row.score, row.relative_error) == (numbers.score, numbers.relative_error)
    assert (row.smoothness, row.min_overlap) == (numbers.smoothness, numbers.min_overlap)


def test_the_two_parts_of_a_bar_make_the_score(ranked):
    for row in ranked:
        relative_error, smoothness = split_score(row)
        assert relative_error + smoothness == pytest.approx(row.score)
        assert smoothness == pytest.approx(0.6 * row.smoothness)


def test_without_a_ranking_the_smoothness_is_known_as_far_as_registrations_were_read(result):
    stacks = {name: ArrayStack(images) for name, images in result.stacks.items()}
    registrations = {"Ca-K": [], "Fe-K": shifts([(0, 0), (4, 0), (4, 0)])}
    first, second = make_rows(RunResult(stacks, registrations, registrations))
    # One step of 4 rows in two, as a fraction of 40 rows
    assert second.smoothness == pytest.approx(4 / 40 / 2)
    assert math.isnan(first.smoothness)
    assert first.reason == "its registration was not needed and not read"
    assert second.reason == ""
    assert math.isnan(second.rank)
    assert math.isnan(second.score)
    assert split_score(second) == (0, 0)


def test_the_numbers_are_said_in_words(ranked):
    words = describe(ranked[0])
    row = ranked[0]
    assert words.startswith("The registration of 'Fe-K': ")
    assert f"{100 * row.relative_error:.1f} % of the differences" in words
    assert f"{100 * row.smoothness:.1f} % of the image size" in words
    assert f"covers {100 * row.min_overlap:.1f} % of the reference image" in words
