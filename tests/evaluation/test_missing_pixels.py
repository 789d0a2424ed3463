"""Invalid pixels (NaN, infinite, masked) neither count nor spread, and infinite ones are told."""

import warnings
from concurrent.futures import CancelledError

import numpy
import pytest

from ewoksndreg.evaluation import evaluate_stacks
from ewoksndreg.transformation import Homography

from ..conftest import rotation_matrix
from ..conftest import shift_matrix
from ..conftest import smooth_image
from .conftest import WatchedStack
from .conftest import moving_stack
from .conftest import prepare_image
from .conftest import translations

NAN, INF = numpy.nan, numpy.inf
SHAPE = (36, 50)
MOTION = [(0, 0), (1.4, -2.2), (2.7, -3.1), (3.5, -5.6)]


def holes(seed):
    """A dead rectangle and some dead pixels, others in every image."""
    rng = numpy.random.default_rng(seed)
    missing = rng.random((len(MOTION), *SHAPE)) < 0.01
    for image in missing:
        row, column = rng.integers(0, 25, size=2)
        image[row : row + 6, column : column + 9] = True
    return missing


def stacks_and_registrations():
    stacks = {name: moving_stack(seed, MOTION, SHAPE) for seed, name in enumerate("abc")}
    registrations = {
        "a": translations(MOTION),
        "b": translations([(0.8 * row, 0.7 * column) for row, column in MOTION]),
        "c": translations([(0, 0)] * len(MOTION)),
    }
    return stacks, registrations


def scores(stacks, registrations, evaluate_on="all"):
    return evaluate_stacks(stacks, registrations, evaluate_on=evaluate_on).scores()


@pytest.mark.parametrize("evaluate_on", ["all", "own"])
@pytest.mark.parametrize("value", [0, 1e9, -1e30, NAN])
def test_what_stands_behind_a_mask_has_no_influence(value, evaluate_on):
    """The very same numbers whatever the masked pixels hold, and as for NaN in their place."""
    stacks, registrations = stacks_and_registrations()
    expected, masked = {}, {}
    for n, (name, images) in enumerate(stacks.items()):
        missing = holes(n)
        expected[name] = numpy.where(missing, NAN, images)
        masked[name] = numpy.ma.MaskedArray(numpy.where(missing, value, images), missing)
    assert scores(masked, registrations, evaluate_on) == scores(
        expected, registrations, evaluate_on
    )


@pytest.mark.parametrize("value", [INF, -INF])
@pytest.mark.parametrize("evaluate_on", ["all", "own"])
def test_infinite_pixels_are_as_good_as_nan(value, evaluate_on):
    stacks, registrations = stacks_and_registrations()
    missing = {name: holes(n) for n, name in enumerate(stacks)}
    nan = {name: numpy.where(missing[name], NAN, images) for name, images in stacks.items()}
    infinite = {name: numpy.where(missing[name], value, images) for name, images in stacks.items()}
    with pytest.warns(RuntimeWarning, match="Infinite pixels"):
        assert scores(infinite, registrations, evaluate_on) == scores(
            nan, registrations, evaluate_on
        )


@pytest.mark.parametrize("missing", [0.05, 0.3])
def test_missing_pixels_do_not_change_who_is_best(missing):
    stacks, registrations = stacks_and_registrations()
    rng = numpy.random.default_rng(3)
    holed = {
        name: numpy.where(rng.random(images.shape) < missing, NAN, images)
        for name, images in stacks.items()
    }
    assert evaluate_stacks(holed, registrations).ranked_names == ("a", "b", "c")


@pytest.mark.parametrize("evaluate_on", ["all", "own"])
def test_one_warning_counts_the_infinite_pixels_of_each_stack(evaluate_on):
    stacks, registrations = stacks_and_registrations()
    stacks["a"][0, :2, :3] = INF
    stacks["a"][2, 5, 5:9] = -INF
    stacks["a"][3, 7, 7] = NAN
    stacks["c"] = stacks["c"].astype(numpy.float16)
    stacks["c"][1, 1, 1] = INF
    with pytest.warns(RuntimeWarning) as caught:
        evaluate_stacks(stacks, registrations, evaluate_on=evaluate_on)
    assert [str(item.message) for item in caught] == [
        "Infinite pixels are invalid: 10 in stack 'a', 1 in stack 'c'"
    ]
    assert caught[0].filename == __file__


def test_no_warning_without_infinite_pixels_or_without_a_result():
    stacks, registrations = stacks_and_registrations()
    stacks["a"][1, 3, 4] = NAN
    evaluate_stacks(stacks, registrations)
    stacks["a"][1, 3, 4] = INF
    with pytest.raises(CancelledError):
        evaluate_stacks(stacks, registrations, should_stop=lambda: True)


def test_infinite_pixels_are_counted_while_the_images_pass():
    """No image is read again and no more are in memory than without infinite pixels."""
    images = moving_stack(0, MOTION, SHAPE)
    images[:, 3, 3] = INF
    watched = {name: WatchedStack(len(images), lambda n: images[n].copy()) for name in "ab"}
    _, registrations = stacks_and_registrations()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        registrations = {name: registrations[name] for name in "ab"}
        evaluate_stacks(watched, registrations, reference_image=0, trust=False)
    assert len(caught) == 1
    for stack in watched.values():
        # Two were looked at before; the first one was kept.
        assert stack.read == [0, 3, 1, 2, 3]
        assert stack.most_alive <= 2


RECTANGLE = (slice(12, 18), slice(20, 29))


@pytest.mark.parametrize("value", [NAN, INF])
def test_smoothing_changes_only_what_is_within_the_kernel_of_a_hole(value):
    """The filter reaches 2 px far. The scale stays, for extremes stand elsewhere."""
    image = smooth_image(1, SHAPE)
    holed = image.copy()
    holed[RECTANGLE] = value
    # As many pixels at the ends of the scale that its percentiles do not move.
    image[:, :4], image[:, -4:] = -9, 9
    holed[:, :4], holed[:, -4:] = -9, 9
    before, after = prepare_image(image), prepare_image(holed)
    inside = numpy.zeros(SHAPE, dtype=bool)
    inside[RECTANGLE] = True
    numpy.testing.assert_array_equal(numpy.isnan(after), inside)
    near = numpy.zeros(SHAPE, dtype=bool)
    near[12 - 2 : 18 + 2, 20 - 2 : 29 + 2] = True
    numpy.testing.assert_allclose(after[~near], before[~near], atol=1e-6)
    assert numpy.abs(after[near & ~inside] - before[near & ~inside]).max() > 1e-3


def taken_from(matrix, order):
    """Pixel by pixel: does the result miss a value it needs? The four neighbors with a weight,
    as the linear interpolation takes them; the nearest one for order 0."""
    result = numpy.zeros(SHAPE, dtype=bool)
    hole = numpy.zeros(SHAPE, dtype=bool)
    hole[RECTANGLE] = True
    for row, column in numpy.ndindex(SHAPE):
        y, x, w = matrix @ (row, column, 1)
        y, x = y / w, x / w
        if not (0 <= y <= SHAPE[0] - 1 and 0 <= x <= SHAPE[1] - 1):
            result[row, column] = True
            continue
        if order == 0:
            result[row, column] = hole[int(numpy.floor(y + 0.5)), int(numpy.floor(x + 0.5))]
            continue
        for i in (int(y), min(int(y) + 1, SHAPE[0] - 1)):
            for j in (int(x), min(int(x) + 1, SHAPE[1] - 1)):
                weight = max(0, 1 - abs(y - i)) * max(0, 1 - abs(x - j))
                result[row, column] |= hole[i, j] and weight > 1e-5
    return result


@pytest.mark.parametrize("value", [NAN, INF])
@pytest.mark.parametrize("order", [0, 1, 2, 3, 5])
@pytest.mark.parametrize(
    "matrix",
    [
        shift_matrix(2, -3),
        shift_matrix(0.4, 0.3),
        shift_matrix(0.5, 4),
        rotation_matrix(7.3, (17, 24)),
        numpy.array([[1.02, 0.01, -0.7], [0.03, 0.97, 0.6], [1e-4, -2e-4, 1]]),
    ],
    ids=["integer shifts", "less than a pixel", "along rows", "rotation", "perspective"],
)
def test_a_hole_grows_by_the_pixels_that_take_part_in_the_interpolation(matrix, order, value):
    image = smooth_image(2, SHAPE)
    image[RECTANGLE] = value
    aligned = Homography(matrix).apply_data(image, interpolation_order=order)
    missing = ~numpy.isfinite(aligned)
    numpy.testing.assert_array_equal(missing, taken_from(matrix, order))


@pytest.mark.parametrize("order", [0, 1])
def test_values_beside_a_hole_are_those_of_the_image_without_it(order):
    image = smooth_image(3, SHAPE)
    holed = image.copy()
    holed[RECTANGLE] = NAN
    transformation = Homography(rotation_matrix(-4.1, (17, 24)))
    whole = transformation.apply_data(image, interpolation_order=order)
    aligned = transformation.apply_data(holed, interpolation_order=order)
    there = numpy.isfinite(aligned)
    numpy.testing.assert_allclose(aligned[there], whole[there], atol=1e-12)
