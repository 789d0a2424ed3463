"""What stands in the table of the ranking."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import math
from dataclasses import replace

import pytest

from ewoksndreg._stacks import ArrayStack
from ewoksndreg.gui._ranking_table import make_rows
from ewoksndreg.gui._ranking_table import split_score
from ewoksndreg.gui._result import RunResult

from .conftest import shifts


@pytest.fixture
def ranked(result):
    return make_rows(RunResult({}, result.registrations, result.evaluation, "Fe-K"))


def test_rows_are_in_the_order_of_the_ranking_with_its_numbers(ranked, result):
    assert [(row.rank, row.name, row.best, row.tied) for row in ranked] == [
        (1, "Fe-K", True, False),
        (2, "Ca-K", False, False),
    ]
    for row in ranked:
        assert row.numbers == result.evaluation.registrations[row.name]
    assert ranked[0].note == "best; chosen for all stacks"


def test_what_cannot_be_told_from_the_best_one_is_tied_with_it(result):
    evaluation = replace(result.evaluation, rivals={"Ca-K": 0.25})
    best, rival = make_rows(RunResult({}, result.registrations, evaluation))
    assert (best.tied, rival.tied) == (True, True)
    assert rival.note == "not distinguishable from the best, up to 0.25 px apart"
    assert (best.short_note, rival.short_note) == ("best", "tied")


def test_the_two_parts_of_a_bar_make_the_score(ranked):
    for row in ranked:
        relative_error, smoothness = split_score(row)
        assert relative_error + smoothness == pytest.approx(row.numbers.score)
        assert smoothness == pytest.approx(0.6 * row.numbers.smoothness)


def test_without_a_ranking_the_smoothness_is_known_as_far_as_registrations_were_read(result):
    stacks = {name: ArrayStack(images) for name, images in result.stacks.items()}
    registrations = {"Ca-K": [], "Fe-K": shifts([(0, 0), (4, 0), (4, 0)])}
    first, second = make_rows(RunResult(stacks, registrations))
    # One step of 4 rows in two, as a fraction of 40 rows
    assert second.numbers.smoothness == pytest.approx(4 / 40 / 2)
    assert math.isnan(first.numbers.smoothness)
    assert first.note == "not read, because it is not needed"
    assert first.short_note == "not read"
    assert second.note == ""
    assert math.isnan(second.rank)
    assert math.isnan(second.numbers.score)
    assert split_score(second) == (0, 0)
