"""From comparisons to a ranking, with numbers made and added up by hand."""

import dataclasses
import itertools
import math
import pickle
from functools import reduce
from operator import add

import numpy
import pytest

from ewoksndreg.evaluation._ranking import rank_registrations

from .conftest import make_comparisons
from .conftest import make_scores
from .conftest import rank_scores

NAN, INF = numpy.nan, numpy.inf


# Two stacks of three images. Each row of the aligned MSE's belongs to one registration.
TWO = {
    "a": make_scores(
        [NAN, 0.5, 0.3], [[NAN, 0.1, 0.3], [NAN, 0.6, 0.8]], [[1, 0.7, 0.8], [1, 0.6, 1]]
    ),
    "b": make_scores(
        [NAN, 1.2, 0.8], [[NAN, 0.4, 0.2], [NAN, 0.1, 0.1]], [[1, 0.5, 1], [1, 1, 0.4]]
    ),
}
SMOOTHNESS = {"a": 0.2, "b": 0.1}
# Root of mean aligned / (mean unaligned + 0.01), at most 1
A_ON_A = (0.2 / 0.41) ** 0.5
B_ON_A = 1.0
A_ON_B = (0.3 / 1.01) ** 0.5
B_ON_B = (0.1 / 1.01) ** 0.5


# A stack counts as much as the registration of the other stack improves its MSE.
WEIGHT_A = 0.01
WEIGHT_B = 0.01 + (1 / 1.01 - A_ON_B**2)


def weighted(on_a, on_b):
    return (WEIGHT_A * on_a + WEIGHT_B * on_b) / (WEIGHT_A + WEIGHT_B)


def test_a_score_is_the_weighted_relative_error_and_six_tenths_of_the_smoothness():
    evaluation = rank_scores(TWO, SMOOTHNESS)
    assert evaluation.stack_weights == pytest.approx([WEIGHT_A, WEIGHT_B])
    a, b = evaluation.registrations["a"], evaluation.registrations["b"]
    assert a.relative_error == pytest.approx(weighted(A_ON_A, A_ON_B))
    assert b.relative_error == pytest.approx(weighted(B_ON_A, B_ON_B))
    assert a.score == pytest.approx(weighted(A_ON_A, A_ON_B) + 0.6 * 0.2)
    assert b.score == pytest.approx(weighted(B_ON_A, B_ON_B) + 0.6 * 0.1)
    assert (a.smoothness, b.smoothness) == (0.2, 0.1)
    # b is better on the only stack that another registration improves, its own.
    assert evaluation.ranked_names == ("b", "a")


def test_a_stack_that_no_other_registration_improves_has_hardly_a_say():
    """The registration of a pattern that does not move is good on that pattern only."""
    pattern = make_scores([0, 1], [[0, 0.0], [0, 1.2], [0, 1.1]])
    sample = make_scores([0, 1], [[0, 1.0], [0, 0.5], [0, 0.1]])
    noisy = make_scores([0, 1], [[0, 1.0], [0, 0.9], [0, 0.8]])
    evaluation = rank_scores(
        {"pattern": pattern, "sample": sample, "noisy": noisy},
        {"pattern": 0, "sample": 0, "noisy": 0},
    )
    assert evaluation.stack_weights == pytest.approx([0.01, 0.01 + 0.9 / 1.01, 0.01 + 0.1 / 1.01])
    assert evaluation.ranked_names == ("noisy", "sample", "pattern")


def test_where_no_registration_improves_another_stack_all_count_the_same():
    """Each registration is worthless elsewhere: the plain mean of the roots of 0.4 / 1.01 and 1."""
    all_scores = {
        "a": make_scores([0, 1], [[0, 0.4], [0, 1.5]]),
        "b": make_scores([0, 1], [[0, 1.5], [0, 0.6]]),
    }
    evaluation = rank_scores(all_scores, {"a": 0, "b": 0})
    assert evaluation.registrations["a"].score == pytest.approx(((0.4 / 1.01) ** 0.5 + 1) / 2)
    assert evaluation.registrations["b"].score == pytest.approx(((0.6 / 1.01) ** 0.5 + 1) / 2)


def test_on_its_own_stack_another_registration_can_be_the_best():
    evaluation = rank_scores(TWO, SMOOTHNESS, evaluate_on="own")
    assert list(evaluation.stack_weights) == [1, 1]
    a, b = evaluation.registrations["a"], evaluation.registrations["b"]
    assert a.score == pytest.approx(A_ON_A + 0.6 * 0.2)
    assert b.score == pytest.approx(B_ON_B + 0.6 * 0.1)
    assert evaluation.ranked_names == ("b", "a")


@pytest.mark.parametrize(
    ("sample", "ranked", "relative_error"),
    [
        # The sample moves, so what does not move is a pattern of the detector.
        (0.8, ("sample", "pattern"), 1),
        # As much as fits noise: perhaps nothing moves.
        (0.92, ("pattern", "sample"), (0.006 / 0.016) ** 0.5),
    ],
)
def test_on_its_own_stack_a_pattern_that_does_not_move_is_not_the_best(
    sample, ranked, relative_error
):
    """Its images are nearly equal as they are (0.006), and no better with its registration."""
    scores = {
        "pattern": make_scores([0, 0.006], [[0, 0.006], [0, 1.0]]),
        "sample": make_scores([0, 1], [[0, 1.0], [0, sample]]),
    }
    evaluation = rank_scores(scores, {"pattern": 0, "sample": 0}, evaluate_on="own")
    assert evaluation.ranked_names == ranked
    assert evaluation.registrations["pattern"].relative_error == pytest.approx(relative_error)


@pytest.mark.parametrize("evaluate_on", ["all", "own"])
def test_the_relative_error_on_the_own_stack_is_always_given(evaluate_on):
    evaluation = rank_scores(TWO, SMOOTHNESS, evaluate_on=evaluate_on)
    assert evaluation.registrations["a"].own_relative_error == pytest.approx(A_ON_A)
    assert evaluation.registrations["b"].own_relative_error == pytest.approx(B_ON_B)


@pytest.mark.parametrize(("evaluate_on", "smallest"), [("all", (0.5, 0.4)), ("own", (0.7, 0.4))])
def test_the_min_overlap_is_that_of_the_scored_stacks(evaluate_on, smallest):
    evaluation = rank_scores(TWO, SMOOTHNESS, evaluate_on=evaluate_on)
    assert tuple(item.min_overlap for item in evaluation.registrations.values()) == smallest


def test_each_image_has_its_relative_error_and_overlap():
    """Axes: registration, stack, image; the root of the MSE of each image over that of the stack
    without alignment."""
    evaluation = rank_scores(TWO, SMOOTHNESS)
    expected = [
        [[NAN, 0.1 / 0.41, 0.3 / 0.41], [NAN, 0.4 / 1.01, 0.2 / 1.01]],
        [[NAN, 0.6 / 0.41, 0.8 / 0.41], [NAN, 0.1 / 1.01, 0.1 / 1.01]],
    ]
    numpy.testing.assert_allclose(evaluation.relative_error_per_image**2, expected)
    numpy.testing.assert_array_equal(
        evaluation.overlap, [[[1, 0.7, 0.8], [1, 0.5, 1]], [[1, 0.6, 1], [1, 1, 0.4]]]
    )


def test_each_registration_has_its_relative_error_on_each_stack():
    expected = [[A_ON_A, A_ON_B], [B_ON_A, B_ON_B]]
    numpy.testing.assert_allclose(rank_scores(TWO, SMOOTHNESS).relative_error, expected)


def test_registrations_that_come_from_nowhere_count_for_every_stack():
    """By hand: three registrations, two of them of one stack; the third is the best one."""
    all_scores = {
        "a": make_scores([0, 0.99], [[0, 0.5], [0, 0.3], [0, 0.1]]),
        "b": make_scores([0, 0.99], [[0, 0.6], [0, 0.8], [0, 0.4]]),
    }
    sources = {"tool 1": "a", "tool 2": "a", "other": None}
    evaluation = rank_scores(all_scores, dict.fromkeys(sources, 0.0), sources=sources)
    # Of stack a only "other" is known not to come from it, of stack b all are.
    assert evaluation.stack_weights == pytest.approx([0.01 + 0.89, 0.01 + 0.59])
    assert evaluation.ranked_names == ("other", "tool 2", "tool 1")
    numbers = evaluation.registrations
    assert numbers["tool 1"].own_relative_error == pytest.approx(0.5**0.5)
    assert math.isnan(numbers["other"].own_relative_error)


def test_one_stack_alone_has_weight_1():
    scores = {"a": make_scores([0, 0.99], [[0, 0.5], [0, 0.3]])}
    sources = {"tool 1": "a", "tool 2": "a"}
    evaluation = rank_scores(scores, dict.fromkeys(sources, 0.0), sources=sources)
    assert evaluation.stack_weights == [1]
    assert evaluation.registrations["tool 1"].score == pytest.approx(0.5**0.5)


def test_as_text_it_is_a_table():
    lines = str(rank_scores(TWO, SMOOTHNESS, evaluate_on="own")).splitlines()
    assert lines[0].split() == [
        "rank",
        "registration",
        "score",
        "relative",
        "error",
        "smoothness",
        "overlap",
    ]
    assert lines[1].split() == ["1", "b", f"{B_ON_B + 0.06:.4f}", f"{B_ON_B:.4f}", "0.1000", "0.40"]
    assert len({len(line) for line in lines}) == 1
    assert repr(rank_scores(TWO, SMOOTHNESS)).startswith(
        "<Evaluation of 2 registrations on 2 stacks: best"
    )


def test_what_was_not_scored_is_nan():
    evaluation = rank_scores(TWO, SMOOTHNESS, evaluate_on="own")
    assert numpy.isnan(evaluation.relative_error).tolist() == [[False, True], [True, False]]
    for array in (evaluation.relative_error_per_image, evaluation.overlap):
        assert numpy.isfinite(array[0, 0, 1:]).all()
        assert numpy.isfinite(array[1, 1, 1:]).all()
        assert numpy.isnan(array[0, 1]).all()
        assert numpy.isnan(array[1, 0]).all()


def test_an_image_that_cannot_be_compared_once_aligned_counts_2():
    """With and without alignment: (2 + 0.2) / 2 over (1.8 + 0.8) / 2."""
    evaluation = rank_scores({"a": make_scores([NAN, 1.8, 0.8], [[NAN, NAN, 0.2]])}, {"a": 0})
    assert evaluation.registrations["a"].relative_error ** 2 == pytest.approx(1.1 / 1.31)
    numpy.testing.assert_allclose(
        evaluation.relative_error_per_image**2, [[[NAN, 2 / 1.31, 0.2 / 1.31]]]
    )
    numpy.testing.assert_array_equal(evaluation.aligned_mse, [[[NAN, 2, 0.2]]])


def test_an_image_that_cannot_be_compared_whatever_the_registration_is_left_out():
    """Two registrations of one stack; image 1 is empty."""
    scores = {"a": make_scores([NAN, NAN, 0.8], [[NAN, NAN, 0.2], [NAN, NAN, 0.4]])}
    sources = {"x": "a", "y": "a"}
    evaluation = rank_scores(scores, dict.fromkeys(sources, 0.0), sources=sources)
    assert evaluation.registrations["x"].relative_error ** 2 == pytest.approx(0.2 / 0.81)
    assert evaluation.registrations["y"].relative_error ** 2 == pytest.approx(0.4 / 0.81)
    numpy.testing.assert_array_equal(evaluation.unaligned_mse, [[NAN, 2, 0.8]])
    # One registration brings something into sight, so that the other one can be told from it.
    scores = {"a": make_scores([NAN, NAN, 0.8], [[NAN, 0.4, 0.2], [NAN, NAN, 0.4]])}
    evaluation = rank_scores(scores, dict.fromkeys(sources, 0.0), sources=sources)
    assert evaluation.registrations["x"].relative_error ** 2 == pytest.approx(0.3 / 1.41)
    assert evaluation.registrations["y"].relative_error ** 2 == pytest.approx(1.2 / 1.41)


def test_opposite_contrast_is_no_worse_than_no_relation():
    """With and without alignment: (2 + 0.2) / 2 over (2 + 0.8) / 2."""
    scores = {"a": make_scores([NAN, 3.1, 0.8], [[NAN, 3.9, 0.2]])}
    with pytest.warns(RuntimeWarning, match="opposite contrast.*image 1 of stack 'a'"):
        evaluation = rank_scores(scores, {"a": 0})
    assert evaluation.registrations["a"].relative_error ** 2 == pytest.approx(1.1 / 1.41)


def test_the_reference_image_does_not_count_wherever_it_is():
    scores = {"a": make_scores([0.5, NAN, 0.3], [[0.1, NAN, 0.3]])}
    evaluation = rank_scores(scores, {"a": 0}, reference=1)
    assert evaluation.registrations["a"].relative_error ** 2 == pytest.approx(0.2 / 0.41)
    assert evaluation.reference_images == (1,)


def test_each_stack_counts_once_with_each_reference_image():
    """By hand; image 0 of stack b shows nothing, so it has the smallest weight there is."""
    scores = {
        0: {
            "a": make_scores([NAN, 0.5, 0.3], [[NAN, 0.1, 0.3], [NAN, 0.3, 0.1]]),
            "b": make_scores([NAN, NAN, NAN], [[NAN, NAN, NAN], [NAN, NAN, NAN]]),
        },
        2: {
            "a": make_scores([0.3, 0.5, NAN], [[0.1, 0.2, NAN], [0.2, 0.2, NAN]]),
            "b": make_scores([NAN, 0.8, NAN], [[NAN, 0.4, NAN], [NAN, 0.2, NAN]]),
        },
    }
    comparisons = make_comparisons(scores, {"a": "a", "b": "b"}, [0.1, 0.2])
    evaluation = rank_registrations(comparisons)
    # Registration, then (reference, stack); image 0 of b says nothing to image 2 either.
    a_on = [0.2 / 0.41, 1.0, 0.15 / 0.41, 0.4 / 0.81]
    b_on = [0.2 / 0.41, 1.0, 0.20 / 0.41, 0.2 / 0.81]
    weights = [0.01 + 0.2 / 0.41, 0.01, 0.01 + 0.2 / 0.41, 0.01 + 0.4 / 0.81]
    for name, on, smoothness in (("a", a_on, 0.1), ("b", b_on, 0.2)):
        expected = sum(w * r**0.5 for w, r in zip(weights, on, strict=True)) / sum(weights)
        item = evaluation.registrations[name]
        assert item.relative_error == pytest.approx(expected)
        assert item.score == pytest.approx(expected + 0.6 * smoothness)
    assert evaluation.reference_images == (2, 0)
    numpy.testing.assert_array_equal(evaluation.unaligned_mse, [[0.3, 0.5, NAN], [2, 0.8, NAN]])
    means = [(weights[0] + weights[2]) / 2, (weights[1] + weights[3]) / 2]
    assert evaluation.stack_weights == pytest.approx(means)


def test_a_stack_that_is_aligned_already_does_not_divide_by_nothing():
    evaluation = rank_scores({"a": make_scores([NAN, 0], [[NAN, 0.002]])}, {"a": 0})
    assert evaluation.registrations["a"].score == pytest.approx(0.2**0.5)


def unequal(scores):
    """One scored list per score, alone on its stack, with this relative error and no smoothness."""
    number = len(scores)
    all_scores = {}
    for k, (name, score) in enumerate(scores.items()):
        aligned = numpy.full((number, 2), NAN)
        aligned[k] = 0, score
        all_scores[name] = make_scores([0, 0.99], aligned)
    return rank_scores(all_scores, dict.fromkeys(scores, 0.0), evaluate_on="own")


@pytest.mark.parametrize("order", list(itertools.permutations("abc")))
def test_registrations_are_ranked_by_ascending_score(order):
    scores = {"a": 0.1, "b": 0.2, "c": 0.3}
    assert unequal({name: scores[name] for name in order}).ranked_names == ("a", "b", "c")


@pytest.mark.parametrize("order", list(itertools.permutations("abc")))
def test_ties_keep_the_input_order(order):
    assert unequal(dict.fromkeys(order, 0.5)).ranked_names == order
    assert unequal({"z": 0.6, **dict.fromkeys(order, 0.5)}).ranked_names == (*order, "z")


@pytest.mark.parametrize("evaluate_on", ["all", "own"])
def test_a_registration_of_which_more_than_half_failed_ranks_last_and_is_named(evaluate_on):
    """Its smoothness is the best, and so would be its score."""
    scores = {"bad": make_scores([NAN, 0.5, 0.5], [[NAN, 0.1, 0.1]] * 2)}
    scores["good"] = make_scores([NAN, 0.5, 0.5], [[NAN, 0.4, 0.4]] * 2)
    reason = "2 of its 3 transformations are singular or not finite"
    with pytest.warns(RuntimeWarning, match=f"rank last: 'bad' \\({reason}\\)$") as caught:
        evaluation = rank_scores(
            scores, {"bad": 0.0, "good": 0.9}, failed={"bad": [1, 2]}, evaluate_on=evaluate_on
        )
    assert len(caught) == 1
    assert "good" not in str(caught[0].message)
    assert evaluation.ranked_names == ("good", "bad")
    bad, good = evaluation.registrations["bad"], evaluation.registrations["good"]
    assert math.isnan(bad.score)
    assert bad.reason == reason
    assert not bad.scored
    assert math.isfinite(good.score)
    assert good.scored
    assert good.reason is None
    assert evaluation.failed_images == {}


def test_a_registration_of_which_half_failed_is_scored_and_named():
    scores = {"a": make_scores([NAN, 1.5, 1.5, 1.5], [[NAN, 0.1, NAN, NAN]])}
    match = "^The registration 'a' has no transformation of images 2 and 3: singular or not finite$"
    with pytest.warns(RuntimeWarning, match=match):
        evaluation = rank_scores(scores, {"a": 0.0}, failed={"a": [2, 3]})
    assert evaluation.registrations["a"].scored
    assert evaluation.failed_images == {"a": (2, 3)}
    assert evaluation.registrations["a"].min_overlap == 0.9


def test_a_registration_of_a_stack_that_shows_nothing_is_scored_on_the_others():
    scores = {
        "dead": make_scores([NAN, NAN], [[NAN, NAN]] * 2),
        "good": make_scores([NAN, 0.5], [[NAN, 0.1], [NAN, 0.2]]),
    }
    evaluation = rank_scores(scores, {"dead": 0.0, "good": 0.0})
    assert evaluation.ranked_names == ("dead", "good")
    with pytest.warns(RuntimeWarning, match=r"'dead' \(its stack has no images to compare: "):
        rank_scores(scores, {"dead": 0.0, "good": 0.0}, evaluate_on="own")


@pytest.mark.parametrize("evaluate_on", ["all", "own"])
def test_a_registration_that_leaves_no_images_to_compare_ranks_last(evaluate_on):
    nothing = [NAN, NAN, NAN]
    all_scores = {
        "bad": make_scores([0, 0.5, 0.5], [nothing, [0, 0.4, 0.4]]),
        "good": make_scores([0, 0.5, 0.5], [nothing, [0, 0.4, 0.4]]),
    }
    with pytest.warns(RuntimeWarning, match="'bad' .*leave no images to compare"):
        evaluation = rank_scores(all_scores, {"bad": 0, "good": 5}, evaluate_on=evaluate_on)
    assert evaluation.ranked_names == ("good", "bad")


def test_a_registration_that_leaves_images_on_another_stack_is_scored():
    """1, because 2 / 0.51 is more, and the root of 0.1 / 0.51, weighted."""
    all_scores = {
        "a": make_scores([NAN, 0.5], [[NAN, NAN], [NAN, 0.2]]),
        "b": make_scores([NAN, 0.5], [[NAN, 0.1], [NAN, 0.2]]),
    }
    evaluation = rank_scores(all_scores, {"a": 0, "b": 0})
    weights = 0.01 + 0.3 / 0.51, 0.01 + 0.4 / 0.51
    score = (weights[0] * 1 + weights[1] * (0.1 / 0.51) ** 0.5) / sum(weights)
    assert evaluation.registrations["a"].score == pytest.approx(score)
    with pytest.warns(RuntimeWarning, match="'a' .*leave no images to compare"):
        rank_scores(all_scores, {"a": 0, "b": 0}, evaluate_on="own")


def test_a_stack_with_one_image_pair_to_compare_is_not_dead():
    all_scores = {"a": make_scores([0, NAN, 0.5], [[0, NAN, 0.1]])}
    assert rank_scores(all_scores, {"a": 0}).registrations["a"].scored


@pytest.mark.parametrize("order", list(itertools.permutations(["rough", "smooth", "nan", "good"])))
def test_among_themselves_they_follow_smoothness_not_finite_last(order):
    smoothness = {"rough": 0.8, "smooth": 0.1, "nan": NAN, "good": 3.0}
    all_scores = {name: make_scores([0, 0.5], [[0, 0.4]] * 4) for name in order}
    failed = dict.fromkeys(("rough", "smooth", "nan"), (0, 1))
    smoothness = {name: smoothness[name] for name in order}
    with pytest.warns(RuntimeWarning, match="rank last"):
        evaluation = rank_scores(all_scores, smoothness, failed=failed)
    assert evaluation.ranked_names == ("good", "smooth", "rough", "nan")


@pytest.mark.parametrize("order", list(itertools.permutations("abc")))
@pytest.mark.parametrize("values", [(0.5, 0.5, 0.5), (NAN, INF, NAN), (INF, NAN, -INF)])
def test_among_themselves_ties_keep_the_input_order(values, order):
    all_scores = {name: make_scores([0, 0.5], [[0, 0.4]] * 3) for name in order}
    smoothness = dict(zip("abc", values, strict=True))
    with pytest.warns(RuntimeWarning, match="smoothness alone"):
        evaluation = rank_scores(all_scores, smoothness, failed=dict.fromkeys(order, (0, 1)))
    assert evaluation.ranked_names == order


@pytest.mark.parametrize("order", list(itertools.permutations("abc")))
def test_if_no_registration_can_be_scored_smoothness_alone_decides_and_a_warning_says_so(order):
    all_scores = {name: make_scores([NAN, NAN], [[NAN, NAN]] * 3) for name in order}
    with pytest.warns(
        RuntimeWarning, match="No registration can be scored.*smoothness alone"
    ) as caught:
        evaluation = rank_scores(all_scores, {"a": 0.3, "b": 0.1, "c": 0.2})
    assert len(caught) == 1
    for name in order:
        assert repr(name) in str(caught[0].message)
    assert evaluation.ranked_names == ("b", "c", "a")
    assert all(math.isnan(item.score) for item in evaluation.registrations.values())


def test_one_image_cannot_be_scored():
    all_scores = {name: make_scores([0], [[0]] * 2) for name in "ab"}
    with pytest.warns(RuntimeWarning, match="'a' .*only one image.*'b' .*only one image"):
        evaluation = rank_scores(all_scores, {"a": 0.0, "b": 0.0})
    assert evaluation.ranked_names == ("a", "b")
    assert math.isnan(evaluation.registrations["a"].relative_error)
    assert evaluation.registrations["a"].min_overlap == 0.9


def test_a_warning_names_all_registrations_that_cannot_be_scored():
    all_scores = {name: make_scores([0, 0.5], [[0, 0.4]] * 3) for name in ("x", "y", "z")}
    with pytest.warns(RuntimeWarning, match=r"'x' \(2 of .*'z' \(2 of ") as caught:
        rank_scores(all_scores, dict.fromkeys("xyz", 0.0), failed={"z": (0, 1), "x": (0, 1)})
    assert "'y'" not in str(caught[0].message)


def test_the_scores_do_not_depend_on_the_order_of_the_stacks():
    """The sum of these relative error's depends on their order in floating point."""
    values = [0.1, 0.2, 0.3, 0.7, 1 / 3, 1e-3]
    assert len({reduce(add, order) for order in itertools.permutations(values)}) > 1
    scores = set()
    for order in itertools.islice(itertools.permutations(values), 0, None, 37):
        all_scores = {
            str(value): make_scores([0, 0.99], [[0, value]] * len(values)) for value in order
        }
        evaluation = rank_scores(all_scores, dict.fromkeys(all_scores, 0.0))
        scores.update(item.score for item in evaluation.registrations.values())
    assert len(scores) == 1


def test_the_result_is_frozen():
    evaluation = rank_scores(TWO, SMOOTHNESS)
    with pytest.raises(dataclasses.FrozenInstanceError):
        evaluation.ranked_names = ("b", "a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        evaluation.registrations["a"].score = 0


@pytest.mark.parametrize(
    "name", ["relative_error", "relative_error_per_image", "overlap", "stack_weights"]
)
@pytest.mark.parametrize(
    "again",
    [lambda it: it, lambda it: pickle.loads(pickle.dumps(it))],  # noqa: S301
    ids=["made", "pickled"],
)
def test_the_arrays_are_read_only(again, name):
    array = getattr(again(rank_scores(TWO, SMOOTHNESS)), name)
    with pytest.raises(ValueError, match="read-only"):
        array[...] = 0


def test_the_names_are_kept_in_input_order():
    evaluation = rank_scores(TWO, SMOOTHNESS, evaluate_on="own")
    assert evaluation.stack_names == ("a", "b")
    assert tuple(evaluation.registrations) == ("a", "b")
    assert evaluation.registered_from == {"a": "a", "b": "b"}
    assert evaluation.best == "b"


def test_the_numbers_are_plain_floats_that_json_can_write():
    for item in rank_scores(TWO, SMOOTHNESS).registrations.values():
        for field in ("score", "relative_error", "own_relative_error", "min_overlap"):
            assert type(getattr(item, field)) is float


def test_the_scores_come_by_name_best_first():
    evaluation = rank_scores(TWO, SMOOTHNESS, evaluate_on="own")
    scores = evaluation.scores()
    assert list(scores) == ["b", "a"]
    assert scores["b"] == {
        "score": pytest.approx(B_ON_B + 0.6 * 0.1),
        "relative_error": pytest.approx(B_ON_B),
        "own_relative_error": pytest.approx(B_ON_B),
        "smoothness": 0.1,
        "min_overlap": 0.4,
    }


def test_errors_and_overlaps_of_each_image_are_kept():
    """Axes: registration, stack, image."""
    evaluation = rank_scores(TWO, SMOOTHNESS, evaluate_on="own")
    empty = [NAN] * 3
    numpy.testing.assert_allclose(
        evaluation.relative_error_per_image,
        numpy.sqrt(
            [[[NAN, 0.1 / 0.41, 0.3 / 0.41], empty], [empty, [NAN, 0.1 / 1.01, 0.1 / 1.01]]]
        ),
    )
    numpy.testing.assert_array_equal(
        evaluation.overlap, [[[1, 0.7, 0.8], empty], [empty, [1, 1, 0.4]]]
    )


def test_a_registration_that_failed_keeps_its_overlaps_and_says_why():
    with pytest.warns(RuntimeWarning, match="'a' "):
        evaluation = rank_scores(TWO, SMOOTHNESS, failed={"a": (0, 1)})
    reason = "2 of its 3 transformations are singular or not finite"
    assert evaluation.registrations["a"].reason == reason
    assert evaluation.registrations["b"].reason is None
    numpy.testing.assert_array_equal(
        evaluation.overlap, [[[1, 0.7, 0.8], [1, 0.5, 1]], [[1, 0.6, 1], [1, 1, 0.4]]]
    )
