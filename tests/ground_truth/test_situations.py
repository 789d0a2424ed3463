"""Is the ranking right in the situations of daily work, and is what it says of itself true?"""

import pytest

from .situations import build_situations
from .trust import GOOD
from .trust import OFF
from .trust import Judged
from .trust import judge
from .trust import one_motion
from .trust import rank_correlation
from .trust import share


@pytest.fixture(scope="module")
def judged() -> list[Judged]:
    return [judge(each) for each in build_situations("check", 8)]


@pytest.mark.full
def test_the_right_registration_is_first(judged: list[Judged]) -> None:
    assert share(one_motion(judged), lambda item: item.right) >= 0.95


@pytest.mark.full
def test_most_good_registrations_are_called_good_and_few_others_are(judged: list[Judged]) -> None:
    able = [item for item in one_motion(judged) if item.smallest_error < GOOD]
    good = [item for item in one_motion(judged) if item.verdict == "good"]
    assert share(able, lambda item: item.verdict == "good") >= 0.5
    assert share(good, lambda item: item.right) >= 0.98
    assert share(good, lambda item: item.error > OFF) <= 0.02


@pytest.mark.full
def test_the_remaining_shift_follows_the_true_error(judged: list[Judged]) -> None:
    assert rank_correlation(one_motion(judged)) >= 0.75


@pytest.mark.full
def test_two_motions_are_found(judged: list[Judged]) -> None:
    assert share([i for i in judged if i.moves_apart], lambda item: item.groups) >= 0.8
    assert share([i for i in judged if i.groups], lambda item: item.moves_apart) >= 0.8


SOME = ("absorption edge", "first image dead in the best stack", "detector gap", "aperture")


def test_in_situations_that_reversed_the_ranking_the_right_registration_is_first() -> None:
    judged = [judge(each) for each in build_situations("check", 1, SOME)]
    assert [item.name for item in judged] == list(SOME)
    assert all(item.right for item in judged)
    assert all(item.error < OFF for item in judged if item.verdict == "good")
