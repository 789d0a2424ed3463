"""The two documented measures against loops written from the formulas of the design."""

import itertools
import math

import numpy
import pytest

from ewoksndreg import evaluation
from ewoksndreg.evaluation import eval_metrics
from ewoksndreg.evaluation import mse_eval
from ewoksndreg.evaluation import smoothness_eval
from ewoksndreg.transformation import Homography

from ..conftest import Foreign
from ..conftest import rotation_matrix
from ..conftest import shift_matrix

NAN, INF = numpy.nan, numpy.inf


def slow_mse(stack, reference):
    """(1/N) sum_n nanmean((stack[reference] - stack[n])^2), pixel after pixel, in Python's own
    numbers."""
    means = []
    for image in stack:
        squares = []
        for a, b in zip(numpy.ravel(stack[reference]), numpy.ravel(image), strict=True):
            difference = float(a) - float(b)
            if not math.isnan(difference):
                squares.append(difference**2)
        means.append(math.fsum(squares) / len(squares) if squares else NAN)
    return sum(means) / len(means)


def slow_smoothness(passive_matrices, size):
    """Mean over the steps and the corners of ||(corner_n - corner_{n-1}) / (H, W)||."""
    height, width = size
    steps = []
    for before, after in itertools.pairwise(passive_matrices):
        for corner in ((0, 0), (0, width), (height, 0), (height, width)):
            old = numpy.linalg.solve(before, (*corner, 1))
            new = numpy.linalg.solve(after, (*corner, 1))
            rows = (new[0] / new[2] - old[0] / old[2]) / height
            columns = (new[1] / new[2] - old[1] / old[2]) / width
            steps.append(math.sqrt(rows**2 + columns**2))
    return sum(steps) / len(steps)


def random_stack(seed, shape=(4, 7, 11)):
    return numpy.random.default_rng(seed).normal(3, 2, size=shape)


def random_matrices(seed, number, kind):
    rng = numpy.random.default_rng(seed)
    matrices = []
    for _ in range(number):
        matrix = shift_matrix(*rng.normal(scale=4, size=2))
        if kind != "translation":
            matrix[:2, :2] += rng.normal(scale=0.05, size=(2, 2))
        if kind == "projective":
            matrix[2, :2] = rng.normal(scale=1e-3, size=2)
        matrices.append(matrix)
    return matrices


@pytest.mark.parametrize("name", ["mse_eval", "smoothness_eval"])
def test_the_measures_are_the_same_functions_in_the_package_and_the_module(name):
    assert getattr(evaluation, name) is getattr(eval_metrics, name)


@pytest.mark.parametrize("reference", [0, 2, 3, -1])
@pytest.mark.parametrize("shape", [(4, 7, 11), (4, 11, 7), (4, 1, 1)])
def test_the_mse_is_the_mean_over_all_images_of_the_mean_squared_difference(shape, reference):
    stack = random_stack(1, shape)
    assert mse_eval(stack, reference) == pytest.approx(slow_mse(stack, reference), rel=1e-12)


def test_the_reference_itself_counts():
    """By hand: errors 0, (1 + 1) / 2 and (9 + 1) / 2, so (0 + 1 + 5) / 3."""
    assert mse_eval([[[0, 0]], [[1, -1]], [[3, 1]]], 0) == 2
    assert mse_eval(numpy.array([[[0.0, 0]], [[1, -1]], [[3, 1]]]), 0) == 2


@pytest.mark.parametrize("reference", [0, 1])
def test_the_reference_is_the_one_asked_for(reference):
    """By hand: from 0 errors 0, 1, 9; from 1 errors 1, 0, 4."""
    stack = numpy.array([[[0.0]], [[1]], [[3]]])
    assert mse_eval(stack, reference) == pytest.approx((10 / 3, 5 / 3)[reference])


@pytest.mark.parametrize("reference", [0, 1, 2])
def test_missing_pixels_are_left_out_of_the_mean(reference):
    stack = random_stack(2)
    stack[0, 0, 0] = stack[1, 3, 4] = stack[3, :4] = NAN
    assert mse_eval(stack, reference) == pytest.approx(slow_mse(stack, reference), rel=1e-12)


@pytest.mark.parametrize("missing", [0, 1])
def test_an_image_without_a_common_pixel_makes_the_mse_nan(missing):
    stack = random_stack(3)
    stack[missing] = NAN
    assert math.isnan(mse_eval(stack, 0))


def test_no_common_pixel_although_each_image_has_some():
    assert math.isnan(mse_eval([[[1.0, NAN]], [[NAN, 1.0]]], 0))


def test_an_infinite_pixel_makes_the_mse_infinite():
    """By the formula: inf - inf of the reference itself is left out, inf - 1 is not."""
    assert mse_eval(numpy.array([[[INF, 1.0]], [[1.0, 1.0]]]), 0) == INF
    assert mse_eval(numpy.array([[[1.0, 1.0]], [[-INF, 1.0]]]), 0) == INF


@pytest.mark.parametrize("dtype", [bool, "uint8", "int8", "uint16", "int16", "uint64", ">i2"])
def test_integer_images_do_not_wrap(dtype):
    """Expected: the loop on Python's numbers, over the full range of the type."""
    if dtype is bool:
        low, high = 0, 1
    else:
        info = numpy.iinfo(dtype)
        low, high = info.min, info.max
    stack = numpy.array([[[low, high]], [[high, low]], [[high, high]]], dtype=dtype)
    assert mse_eval(stack, 0) == pytest.approx(slow_mse(stack, 0), rel=1e-12)
    assert mse_eval(stack, 0) == pytest.approx((float(high) - float(low)) ** 2 / 2)


def test_the_squares_of_float16_do_not_overflow():
    stack = numpy.array([[[60000.0]], [[-60000.0]]], dtype=numpy.float16)
    assert mse_eval(stack, 0) == pytest.approx(120000.0**2 / 2, rel=1e-3)


def test_numbers_are_accumulated_in_float64():
    """(1 + 2^-12)^2 has 25 binary digits, one more than float32."""
    stack = numpy.zeros((2, 1, 2**18), dtype=numpy.float32)
    stack[1] = 1 + 2**-12
    assert mse_eval(stack, 0) == pytest.approx((1 + 2**-12) ** 2 / 2, rel=1e-14)


def test_the_mse_of_one_image_is_zero():
    assert mse_eval(random_stack(4, (1, 5, 6)), 0) == 0


def test_the_mse_of_no_image_is_nan():
    assert math.isnan(mse_eval(numpy.empty((0, 5, 6)), 0))
    assert math.isnan(mse_eval([], 0))


def test_masked_pixels_are_missing():
    """By hand: pixel 0 is masked in image 1, so the error is that of pixel 1, 1 / 2 images."""
    stack = [numpy.array([[0.0, 0.0]]), numpy.ma.MaskedArray([[9.0, 1.0]], [[True, False]])]
    assert mse_eval(stack, 0) == 0.5


def test_the_stack_is_not_changed():
    stack = random_stack(5)
    stack[1, 2, 3] = NAN
    before = stack.copy()
    stack.flags.writeable = False
    mse_eval(stack, 1)
    numpy.testing.assert_array_equal(stack, before)


def test_images_of_different_shapes_are_refused():
    """Also where numpy would repeat the one row of an image."""
    with pytest.raises(ValueError, match=r"shape|broadcast"):
        mse_eval([numpy.zeros((3, 4)), numpy.zeros((4, 3))], 0)
    with pytest.raises(ValueError, match="shape"):
        mse_eval([numpy.zeros((3, 4)), numpy.zeros((1, 4))], 0)


@pytest.mark.parametrize("kind", ["translation", "affine", "projective"])
@pytest.mark.parametrize("size", [(30, 50), (50, 30), (8, 8)])
@pytest.mark.parametrize("number", [2, 6])
def test_the_smoothness_is_the_mean_step_of_the_corners(number, size, kind):
    matrices = random_matrices(6, number, kind)
    smoothness = smoothness_eval([Homography(matrix) for matrix in matrices], size)
    assert smoothness == pytest.approx(slow_smoothness(matrices, size), rel=1e-9)


def test_the_smoothness_is_a_fraction_of_the_image_size_along_each_axis():
    """By hand: rows 3 of 10 and columns 8 of 20 make sqrt(0.3^2 + 0.4^2) = 0.5, for all corners;
    the second step is twice as long."""
    shifts = [(0, 0), (3, 8), (-3, -8)]
    transformations = [Homography(shift_matrix(*shift)) for shift in shifts]
    assert smoothness_eval(transformations, (10, 20)) == pytest.approx((0.5 + 1.0) / 2)


def test_the_corners_are_those_of_the_active_transformation():
    """By hand: the passive zoom by 1/2 doubles the image. Corner (0, 0) stays, (0, W) and (H, 0)
    move by one image size, (H, W) by the square root of 2."""
    zoom = [Homography(numpy.identity(3)), Homography(numpy.diag([0.5, 0.5, 1]))]
    assert smoothness_eval(zoom, (30, 70)) == pytest.approx((0 + 1 + 1 + math.sqrt(2)) / 4)


def test_the_corners_are_at_the_size_of_the_image_not_at_its_last_pixel():
    """By hand: a half turn about pixel (0, 0) takes (H, W) to (-H, -W)."""
    turn = [Homography(numpy.identity(3)), Homography(rotation_matrix(180, (0, 0)))]
    assert smoothness_eval(turn, (3, 5)) == pytest.approx((0 + 2 + 2 + 2 * math.sqrt(2)) / 4)


@pytest.mark.parametrize("number", [0, 1])
def test_without_a_step_the_smoothness_is_zero(number):
    assert smoothness_eval([Homography(shift_matrix(5, 5))] * number, (10, 10)) == 0


def test_equal_transformations_are_perfectly_smooth():
    assert smoothness_eval([Homography(shift_matrix(5, 5))] * 4, (10, 10)) == 0


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("matrix", [numpy.zeros((3, 3)), numpy.full((3, 3), NAN)])
def test_a_useless_transformation_makes_the_smoothness_nan(matrix, place):
    transformations = [Homography(numpy.identity(3))] * 3
    transformations[place] = Homography(matrix)
    assert math.isnan(smoothness_eval(transformations, (10, 10)))


def test_foreign_transformations_are_as_smooth_as_what_they_wrap():
    homographies = [Homography(matrix) for matrix in random_matrices(7, 4, "affine")]
    foreign = [Foreign(homography) for homography in homographies]
    assert smoothness_eval(foreign, (20, 30)) == smoothness_eval(homographies, (20, 30))
