"""Is the ranking right in the situations of daily work, and is what it says of itself true?"""

import pytest

from .situations import build_situations
from .trust import GOOD
from .trust import OFF
from .trust import SituationResult
from .trust import evaluate_situation
from .trust import one_motion
from .trust import rank_correlation
from .trust import share


@pytest.fixture(scope="module")
def results() -> list[SituationResult]:
    return [evaluate_situation(each) for each in build_situations("check", 8)]


@pytest.mark.full
def test_the_right_registration_is_first(results: list[SituationResult]) -> None:
    assert share(one_motion(results), lambda item: item.right) >= 0.95


@pytest.mark.full
def test_most_good_registrations_are_called_good_and_few_others_are(
    results: list[SituationResult],
) -> None:
    able = [item for item in one_motion(results) if item.smallest_error < GOOD]
    good = [item for item in one_motion(results) if item.verdict == "good"]
    assert share(able, lambda item: item.verdict == "good") >= 0.5
    assert share(good, lambda item: item.right) >= 0.98
    assert share(good, lambda item: item.error > OFF) <= 0.02


@pytest.mark.full
def test_the_remaining_shift_follows_the_true_error(results: list[SituationResult]) -> None:
    assert rank_correlation(one_motion(results)) >= 0.75


@pytest.mark.full
def test_two_motions_are_found(results: list[SituationResult]) -> None:
    assert share([i for i in results if i.moves_apart], lambda item: item.groups) >= 0.8
    assert share([i for i in results if i.groups], lambda item: item.moves_apart) >= 0.8


SOME = ("absorption edge", "first image dead in the best stack", "detector gap", "aperture")


def test_in_situations_that_reversed_the_ranking_the_right_registration_is_first() -> None:
    results = [evaluate_situation(each) for each in build_situations("check", 1, SOME)]
    assert [item.name for item in results] == list(SOME)
    assert all(item.right for item in results)
    assert all(item.error < OFF for item in results if item.verdict == "good")
