"""What must not change a ranking.

Stacks are random fields with noise, registrations are random, some of them affine; both come from a
seed.
"""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewoksndreg.transformation import Homography

from ..conftest import smooth_image
from ..evaluation.conftest import evaluate

SWAP = numpy.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])

# An image is prepared as float32 on the scale 0 to 1, where rounding is 6e-8. These images have a
# standard deviation above 0.05 there, so the standardized pixels differ by some 1e-6, and so does
# their MSE. The relative error is that over an unaligned MSE of 0.1 or more here. (The largest
# difference of scores seen in 250 cases of each kind is 2e-7.)
TOLERANCE = 1e-5

SEEDS = st.integers(0, 2**32)
SIZES = st.tuples(st.integers(10, 24), st.integers(10, 24))
ON = st.sampled_from(["all", "own"])


def inputs_of(seed, shape, *, number=None):
    """Stacks and registrations of random transformations."""
    rng = numpy.random.default_rng(seed)
    number = number or int(rng.integers(2, 5))
    images = int(rng.integers(2, 5))
    stacks, registrations = {}, {}
    for k in range(number):
        fields = [smooth_image(int(rng.integers(1e9)), shape, 1.5) for _ in range(2)]
        weights = rng.uniform(0, 1, size=(images, 2, 1, 1))
        stack = (weights * numpy.stack(fields)).sum(axis=1)
        stack += rng.normal(scale=0.1, size=stack.shape)
        if rng.random() < 0.3:
            stack[rng.random(stack.shape) < 0.05] = numpy.nan
        matrices = numpy.tile(numpy.identity(3), (images, 1, 1))
        matrices[1:, :2, 2] += rng.normal(scale=1.5, size=(images - 1, 2))
        if rng.random() < 0.5:
            matrices[1:, :2, :2] += rng.normal(scale=0.03, size=(images - 1, 2, 2))
        stacks[f"s{k}"] = stack
        registrations[f"s{k}"] = [Homography(matrix) for matrix in matrices]
    return stacks, registrations


def assert_same(actual, expected, *, tolerance):
    """The same scores, and the same ranking but for scores that are as good as equal."""
    for name, item in expected.registrations.items():
        assert actual.registrations[name].reason == item.reason
        assert actual.registrations[name].score == pytest.approx(
            item.score, abs=tolerance, nan_ok=True
        )
        assert actual.registrations[name].min_overlap == item.min_overlap
    scores = [expected.registrations[name].score for name in actual.ranked_names]
    scored = [score for score in scores if not numpy.isnan(score)]
    assert numpy.isnan(scores[len(scored) :]).all()
    assert (numpy.diff(scored) >= -2 * tolerance).all()
    gaps = numpy.diff([expected.registrations[name].score for name in expected.ranked_names])
    if tolerance == 0 or (len(scored) == len(scores) and (gaps > 2 * tolerance).all()):
        assert actual.ranked_names == expected.ranked_names


@given(seed=SEEDS, shape=SIZES, evaluate_on=ON, power=st.integers(-60, 60))
def test_a_gain_that_is_a_power_of_two_changes_no_bit(seed, shape, evaluate_on, power):
    stacks, registrations = inputs_of(seed, shape)
    name = sorted(stacks)[seed % len(stacks)]
    expected = evaluate(stacks, registrations, evaluate_on=evaluate_on)
    scaled = {**stacks, name: stacks[name] * 2.0**power}
    actual = evaluate(scaled, registrations, evaluate_on=evaluate_on)
    numpy.testing.assert_array_equal(
        actual.relative_error_per_image, expected.relative_error_per_image
    )
    assert_same(actual, expected, tolerance=0)


@given(
    seed=SEEDS,
    shape=SIZES,
    evaluate_on=ON,
    # An offset larger than 1e6 times the contrast leaves float64 less than 1e-10 of it.
    changes=st.lists(
        st.tuples(st.floats(1e-6, 1e6), st.floats(-1e6, 1e6), st.booleans()), min_size=4, max_size=4
    ),
)
def test_gain_and_offset_of_a_stack_do_not_matter(seed, shape, evaluate_on, changes):
    stacks, registrations = inputs_of(seed, shape)
    expected = evaluate(stacks, registrations, evaluate_on=evaluate_on)
    changed = {
        # A negative gain inverts all images of the stack: their correlation stays.
        name: (-gain if inverted else gain) * (stack + offset)
        for (name, stack), (gain, offset, inverted) in zip(stacks.items(), changes, strict=False)
    }
    actual = evaluate(changed, registrations, evaluate_on=evaluate_on)
    assert_same(actual, expected, tolerance=TOLERANCE)


@given(seed=SEEDS, shape=SIZES, evaluate_on=ON)
def test_a_stack_that_fades_is_ranked_as_one_that_does_not(seed, shape, evaluate_on):
    stacks, registrations = inputs_of(seed, shape)
    expected = evaluate(stacks, registrations, evaluate_on=evaluate_on)
    rng = numpy.random.default_rng(seed)
    fading = {
        name: stack * rng.uniform(0.1, 1, (len(stack), 1, 1)) + rng.normal(size=(len(stack), 1, 1))
        for name, stack in stacks.items()
    }
    actual = evaluate(fading, registrations, evaluate_on=evaluate_on)
    assert_same(actual, expected, tolerance=TOLERANCE)


@given(seed=SEEDS, shape=SIZES, evaluate_on=ON, order=st.permutations(range(6)))
def test_the_order_of_the_stacks_changes_no_bit(seed, shape, evaluate_on, order):
    # More than four: the first images of further registrations are aligned again for every image.
    stacks, registrations = inputs_of(seed, shape, number=6)
    expected = evaluate(stacks, registrations, evaluate_on=evaluate_on)
    names = [list(stacks)[k] for k in order]
    actual = evaluate(
        {name: stacks[name] for name in names},
        {name: registrations[name] for name in reversed(names)},
        evaluate_on=evaluate_on,
    )
    columns = [actual.stack_names.index(name) for name in expected.stack_names]
    back = numpy.ix_([list(actual.registrations).index(name) for name in stacks], columns)
    numpy.testing.assert_array_equal(
        actual.relative_error_per_image[back], expected.relative_error_per_image
    )
    numpy.testing.assert_array_equal(actual.stack_weights[columns], expected.stack_weights)
    assert_same(actual, expected, tolerance=0)
    assert {name: repr(item) for name, item in actual.registrations.items()} == {
        name: repr(item) for name, item in expected.registrations.items()
    }


@given(seed=SEEDS, shape=SIZES, evaluate_on=ON)
def test_rows_and_columns_may_be_swapped(seed, shape, evaluate_on):
    stacks, registrations = inputs_of(seed, shape)
    expected = evaluate(stacks, registrations, evaluate_on=evaluate_on)
    actual = evaluate(
        {name: stack.transpose(0, 2, 1) for name, stack in stacks.items()},
        {
            name: [Homography(SWAP @ item.passive_matrix @ SWAP) for item in items]
            for name, items in registrations.items()
        },
        evaluate_on=evaluate_on,
    )
    assert_same(actual, expected, tolerance=TOLERANCE)
    for name, item in expected.registrations.items():
        assert actual.registrations[name].smoothness == pytest.approx(item.smoothness, rel=1e-12)
