"""Resampling of one image, mostly through :meth:`Homography.apply_data`."""

import numpy
import pytest
from scipy import ndimage

from ewoksndreg.transformation import Homography
from ewoksndreg.transformation._warp import warp

from ..conftest import parametrize_sample
from ..conftest import rotation_matrix
from ..conftest import shift_matrix
from ..conftest import smooth_image

# Not square, and higher than the number of rows that are resampled at a time.
SHAPE = (71, 46)
CENTRE = (35.0, 22.5)
NAN, INF = numpy.nan, numpy.inf

# No pixel comes from the middle between two, where the nearest would be a matter of rounding.
AFFINE = {
    "translation": shift_matrix(2.3, -4.71),
    "rotation": rotation_matrix(17, CENTRE),
    "zoom": numpy.array([[0.83, 0, 3.1], [0, 0.83, -2.2], [0, 0, 1]]),
    "affine": numpy.array([[1.07131, 0.11177, -3.30071], [-0.06113, 0.93171, 4.40037], [0, 0, 1]]),
}
PROJECTIVE = {
    "tilt": numpy.array([[1.02, 0.03, -1.3], [-0.04, 0.97, 2.1], [9e-4, -6e-4, 1]]),
    "strong tilt": numpy.array([[1.21, 0.103, -3.71], [0.057, 1.13, -2.93], [4.1e-3, 3.3e-3, 1]]),
}
MATRICES = {**AFFINE, **PROJECTIVE}
ORDERS = range(6)
orders = pytest.mark.parametrize("order", ORDERS)
each_affine = pytest.mark.parametrize("matrix", AFFINE.values(), ids=AFFINE)
each_projective = pytest.mark.parametrize("matrix", PROJECTIVE.values(), ids=PROJECTIVE)
each_matrix = pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)


def bits(image):
    """The bits of an image: NaN equals NaN, and 0.0 differs from -0.0."""
    return image.view(f"u{image.itemsize}")


def places(matrix, shape=SHAPE):
    """Where in the image each pixel of the result comes from: rows and columns."""
    rows, columns = numpy.indices(shape)
    moved = matrix @ numpy.stack([rows.ravel(), columns.ravel(), numpy.ones(rows.size)])
    with numpy.errstate(divide="ignore", invalid="ignore"):
        return (moved[:2] / moved[2]).reshape(2, *shape)


def is_inside(position, shape=SHAPE):
    """Whether a place, or each of several, lies between the centers of the outermost pixels."""
    row, column = position
    return (row >= 0) & (row <= shape[0] - 1) & (column >= 0) & (column <= shape[1] - 1)


def neighbors(position):
    """The pixels that take part in linear interpolation, and their weights."""
    row, column = position
    top, left = int(numpy.floor(row)), int(numpy.floor(column))
    for r, row_weight in ((top, top + 1 - row), (top + 1, row - top)):
        for c, column_weight in ((left, left + 1 - column), (left + 1, column - left)):
            if row_weight * column_weight > 0:
                yield (r, c), row_weight * column_weight


def nearest(position):
    row, column = position
    return int(numpy.floor(row + 0.5)), int(numpy.floor(column + 0.5))


def slow_warp(image, matrix, order):
    """Nearest pixel or linear interpolation, one pixel after the other, NaN outside."""
    result = numpy.full(image.shape, NAN)
    positions = places(matrix, image.shape)
    for row, column in numpy.argwhere(is_inside(positions, image.shape)):
        position = positions[:, row, column]
        if order == 0:
            result[row, column] = image[nearest(position)]
        else:
            result[row, column] = sum(weight * image[at] for at, weight in neighbors(position))
    return result


@each_matrix
@pytest.mark.parametrize("order", [0, 1])
def test_orders_0_and_1_take_the_nearest_pixel_and_interpolate_linearly(matrix, order):
    image = smooth_image(1, SHAPE)
    aligned = Homography(matrix).apply_data(image, interpolation_order=order)
    expected = slow_warp(image, matrix, order)
    assert 0.3 < numpy.isfinite(expected).mean() < 1
    numpy.testing.assert_allclose(aligned, expected, rtol=1e-9, atol=1e-12)


@each_affine
@orders
def test_affine_transformations_equal_scipy_inside_and_at_the_border(matrix, order):
    image = numpy.random.default_rng(2).normal(size=SHAPE)
    expected = ndimage.affine_transform(image, matrix, order=order, mode="constant", cval=NAN)
    assert 0.3 < numpy.isfinite(expected).mean() < 1
    aligned = Homography(matrix).apply_data(image, interpolation_order=order)
    numpy.testing.assert_allclose(aligned, expected, rtol=1e-9, atol=1e-12)


@each_projective
@orders
def test_projective_transformations_equal_scipy_inside_and_at_the_border(matrix, order):
    image = numpy.random.default_rng(3).normal(size=SHAPE)
    expected = ndimage.map_coordinates(
        image, places(matrix), order=order, mode="constant", cval=NAN
    )
    assert 0.3 < numpy.isfinite(expected).mean() < 1
    aligned = Homography(matrix).apply_data(image, interpolation_order=order)
    numpy.testing.assert_allclose(aligned, expected, rtol=1e-9, atol=1e-12)


@each_matrix
@pytest.mark.parametrize("order", [0, 1])
def test_the_inside_equals_scikit_image(matrix, order):
    """scikit-image counts (column, row), blends with the outside at the border, and has kernels of
    its own for the higher orders."""
    transform = pytest.importorskip("skimage.transform")
    image = smooth_image(4, SHAPE)
    swap = numpy.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])
    expected = transform.warp(image, swap @ matrix @ swap, order=order, mode="constant", cval=NAN)
    aligned = Homography(matrix).apply_data(image, interpolation_order=order)
    inside = ndimage.binary_erosion(numpy.isfinite(aligned))
    assert inside.mean() > 0.2
    numpy.testing.assert_allclose(aligned[inside], expected[inside], atol=1e-9)


def test_the_order_of_interpolation_is_the_one_asked_for():
    image = numpy.random.default_rng(5).normal(size=(20, 30))
    homography = Homography(shift_matrix(0.3, 0.4))
    aligned = [homography.apply_data(image, interpolation_order=order) for order in range(6)]
    for higher in range(6):
        for lower in range(higher):
            assert numpy.nanmax(numpy.abs(aligned[higher] - aligned[lower])) > 1e-3


def test_the_default_is_linear_with_nan_outside():
    """By hand: every pixel is the mean of itself and its right neighbor."""
    aligned = Homography(shift_matrix(0, 0.5)).apply_data([[1.0, 2, 4], [0, 8, 0]])
    numpy.testing.assert_array_equal(aligned, [[1.5, 3, NAN], [4, 4, NAN]])


@pytest.mark.parametrize("order", [numpy.int64(3), numpy.uint8(3), 3.0])
def test_the_order_may_be_any_whole_number_3(order):
    image = smooth_image(6, (12, 10))
    homography = Homography(AFFINE["translation"])
    numpy.testing.assert_array_equal(
        homography.apply_data(image, interpolation_order=order),
        homography.apply_data(image, interpolation_order=3),
    )


@pytest.mark.parametrize("order", [-1, 6, 1.5, "1", None, NAN])
@pytest.mark.parametrize("matrix", [numpy.identity(3), AFFINE["affine"], numpy.zeros((3, 3))])
def test_an_order_that_does_not_exist_is_refused(matrix, order):
    with pytest.raises(ValueError, match=f"0 to 5, not {order!r}"):
        Homography(matrix).apply_data(numpy.ones((3, 3)), interpolation_order=order)


TYPES = {
    "bool": "float32",
    "uint8": "float32",
    "int16": "float32",
    ">u2": "float32",
    "int64": "float64",
    "uint64": "float64",
    "float16": "float32",
    "float32": "float32",
    ">f4": "float32",
    "float64": "float64",
    ">f8": "float64",
}


@parametrize_sample("kind, order, dtype", [*MATRICES], ORDERS, [*TYPES], every=7)
def test_every_type_of_pixels_gives_floating_point_values_that_are_not_wrapped(kind, order, dtype):
    """Expected: scipy in float64. Full contrast, so that splines overshoot the integers' range."""
    limits = {"u": (0, 250), "i": (-120, 120), "f": (-100, 100), "b": (0, 1)}
    low, high = limits[numpy.dtype(dtype).kind]
    shape = (13, 17)
    image = numpy.where(numpy.random.default_rng(7).random(shape) < 0.5, low, high).astype(dtype)
    matrix = shift_matrix(6, 8) @ MATRICES[kind] @ shift_matrix(-6, -8)
    expected = ndimage.map_coordinates(
        image.astype(float), places(matrix, shape), order=order, mode="constant", cval=NAN
    )
    assert numpy.isnan(expected).any()
    assert numpy.isfinite(expected).any()
    aligned = Homography(matrix).apply_data(image, interpolation_order=order)
    assert aligned.dtype == numpy.dtype(TYPES[dtype])
    assert aligned.shape == shape
    numpy.testing.assert_allclose(aligned, expected, rtol=1e-5, atol=2e-5 * high)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "uint32"])
def test_the_extreme_values_of_integers_survive_a_shift(dtype):
    info = numpy.iinfo(dtype)
    image = numpy.array([[info.min, info.max, 1]], dtype=dtype)
    aligned = Homography(shift_matrix(0, -1)).apply_data(image)
    numpy.testing.assert_array_equal(aligned, [[NAN, float(info.min), float(info.max)]])


def test_the_mean_of_integers_is_not_rounded():
    aligned = Homography(shift_matrix(0, 0.5)).apply_data(numpy.array([[0, 255]], numpy.uint8))
    numpy.testing.assert_array_equal(aligned, [[127.5, NAN]])


def image_with_holes(dtype, shape=(9, 14)):
    image = numpy.random.default_rng(8).normal(size=shape).astype(dtype)
    image[2, 3], image[4, 4], image[8, 13], image[5, 0], image[0, 0] = NAN, INF, -INF, NAN, -0.0
    return image


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
@pytest.mark.parametrize(
    "matrix",
    [numpy.identity(3), -3 * numpy.identity(3), numpy.identity(3, dtype=numpy.float32) / 7],
    ids=["exact", "scaled", "float32"],
)
def test_the_identity_changes_no_bit_of_any_pixel(matrix, dtype):
    image = image_with_holes(dtype)
    for order in ORDERS:
        aligned = Homography(matrix).apply_data(image, interpolation_order=order)
        numpy.testing.assert_array_equal(bits(aligned), bits(image))


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
@pytest.mark.parametrize("shift", [(1, 0), (0, -3), (-2, 5), (8, -13), (-8, 13)])
def test_an_exact_integer_shift_changes_no_bit_of_any_pixel(shift, dtype):
    """Expected: result[r, c] = image[r + rows, c + columns], one pixel after the other."""
    rows, columns = shift
    image = image_with_holes(dtype)
    expected = numpy.full_like(image, NAN)
    for r, c in numpy.ndindex(image.shape):
        if 0 <= r + rows < image.shape[0] and 0 <= c + columns < image.shape[1]:
            expected[r, c] = image[r + rows, c + columns]
    for noise in (0, 1e-9):
        homography = Homography(shift_matrix(rows + noise, columns - noise))
        for order in ORDERS:
            aligned = homography.apply_data(image, interpolation_order=order)
            numpy.testing.assert_array_equal(bits(aligned), bits(expected))


@pytest.mark.parametrize(
    "matrix",
    [
        shift_matrix(1e-4, -3 + 1e-4),
        numpy.array([[1, 0, 0], [0, 1 - 1e-6, 0], [0, 0, 1]]),
        numpy.array([[1, 0, 0], [0, 1, 0], [5e-9, 4e-9, 1]]),
    ],
    ids=["translation", "zoom", "perspective"],
)
def test_what_is_almost_an_integer_shift_is_none(matrix):
    """Each moves pixels by 1e-5 px or more, which linear interpolation shows."""
    image = numpy.random.default_rng(16).normal(size=SHAPE)
    expected = slow_warp(image, matrix, 1)
    aligned = Homography(matrix).apply_data(image)
    both = numpy.isfinite(expected)
    numpy.testing.assert_array_equal(numpy.isfinite(aligned), both)
    numpy.testing.assert_allclose(aligned[both], expected[both], rtol=0, atol=1e-9)


@pytest.mark.parametrize("shift", [9, -9, 1e6, -1e12, 1e18, 1e19, 1e300, 9.5, -1e6 - 0.3])
def test_a_shift_out_of_the_image_leaves_nothing(shift):
    for matrix in (shift_matrix(shift, 0), shift_matrix(0, shift)):
        for order in ORDERS:
            aligned = Homography(matrix).apply_data(numpy.ones((9, 9)), interpolation_order=order)
            assert numpy.isnan(aligned).all()


@pytest.mark.parametrize("quarters", [1, 2, 3])
@pytest.mark.parametrize("size", [7, 8, 64, 65])
def test_a_rotation_by_90_degrees_about_the_center_permutes_all_pixels(size, quarters):
    """Expected: numpy.rot90; the passive matrix turns the places, so the image turns back."""
    image = numpy.random.default_rng(9).normal(size=(size, size))
    center = ((size - 1) / 2, (size - 1) / 2)
    matrix = rotation_matrix(90 * quarters, center)
    assert (matrix != numpy.rint(matrix)).any()  # cos(90 degrees) is not exactly 0
    expected = numpy.rot90(image, -quarters)
    for order in ORDERS:
        aligned = Homography(matrix).apply_data(image, interpolation_order=order)
        numpy.testing.assert_allclose(aligned, expected, rtol=0, atol=1e-9 if order else 0)


@orders
def test_no_border_pixel_is_lost_to_the_rounding_errors_of_many_products(order):
    """Four rotations by 22.5 degrees, multiplied, are one by 90 degrees."""
    image = numpy.random.default_rng(10).normal(size=(40, 40))
    matrix = numpy.linalg.matrix_power(rotation_matrix(22.5, (19.5, 19.5)), 4)
    aligned = Homography(matrix).apply_data(image, interpolation_order=order)
    numpy.testing.assert_allclose(aligned, numpy.rot90(image, -1), rtol=0, atol=1e-9)


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
@pytest.mark.parametrize("hole", [NAN, INF, -INF])
def test_a_rotation_by_90_degrees_moves_an_invalid_pixel_and_no_other(hole, dtype):
    image = smooth_image(11, (12, 12)).astype(dtype)
    image[3, 4] = hole
    invalid = numpy.zeros((12, 12), dtype=bool)
    invalid[3, 4] = True
    homography = Homography(rotation_matrix(90, (5.5, 5.5)))
    for order in ORDERS:
        aligned = homography.apply_data(image, interpolation_order=order)
        numpy.testing.assert_array_equal(numpy.isnan(aligned), numpy.rot90(invalid, -1))


HOLES = {
    "pixel": [(30, 20)],
    "two pixels": [(30, 20), (36, 25)],
    "block": [(r, c) for r in range(25, 32) for c in range(10, 20)],
    "corner": [(0, 0)],
    "border": [(70, c) for c in range(46)],
}


@parametrize_sample("kind, order, holes", [*MATRICES], ORDERS, [*HOLES], every=7)
def test_invalid_pixels_stay_local(kind, order, holes):
    """Expected: invalid where linear interpolation (for order 0: the nearest pixel) meets an
    invalid pixel; the other pixels as without holes, but for what splines carry over a few
    pixels, which is small against the contrast, whose standard deviation is 1."""
    clean = smooth_image(12, SHAPE, sigma=3)
    image = clean.copy()
    for number, hole in enumerate(HOLES[holes]):
        image[hole] = (NAN, INF, -INF)[number % 3]
    matrix = MATRICES[kind]
    positions = places(matrix)
    touched = ~is_inside(positions)
    near = touched.copy()
    for hole in HOLES[holes]:
        rows, columns = (numpy.abs(positions[axis] - hole[axis]) for axis in (0, 1))
        near |= (rows < 8) & (columns < 8)
        reach = 0.5 if order == 0 else 1
        touched |= (rows < reach) & (columns < reach)
    homography = Homography(matrix)
    aligned = homography.apply_data(image, interpolation_order=order)
    numpy.testing.assert_array_equal(numpy.isnan(aligned), touched)
    assert not numpy.isinf(aligned).any()
    changed = numpy.abs(aligned - homography.apply_data(clean, interpolation_order=order))
    if order < 2:
        assert numpy.nanmax(changed) < 1e-12
    else:
        assert numpy.nanmax(changed) < 0.1
        assert numpy.nanmax(changed[~near]) < 1e-3


@orders
@pytest.mark.parametrize("value", [NAN, INF])
def test_an_image_of_invalid_pixels_stays_one(value, order):
    aligned = Homography(AFFINE["affine"]).apply_data(
        numpy.full(SHAPE, value), interpolation_order=order
    )
    assert numpy.isnan(aligned).all()


def test_an_image_that_is_infinite_both_ways_does_not_pass_for_a_valid_one():
    """The sum of its pixels is NaN, and so is that of infinities alone."""
    image = numpy.ones((5, 5))
    image[1, 1], image[3, 3] = INF, -INF
    aligned = Homography(shift_matrix(0, 0.5)).apply_data(image)
    expected = numpy.ones((5, 5))
    expected[:, 4] = expected[1, 0:2] = expected[3, 2:4] = NAN
    numpy.testing.assert_array_equal(aligned, expected)


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
def test_very_large_values_are_no_invalid_pixels(dtype):
    """Their sum overflows, they do not: the mean of a pixel and its equal is the pixel."""
    large = numpy.finfo(dtype).max / 4
    aligned = Homography(shift_matrix(0, 0.5)).apply_data(numpy.full((40, 41), large, dtype))
    numpy.testing.assert_array_equal(aligned[:, :-1], numpy.full((40, 40), large, dtype))


@parametrize_sample(
    "kind, order, cval, dtype",
    ["integer shift", *MATRICES],
    ORDERS,
    [0, -7.5, INF],
    [numpy.uint8, numpy.float32, numpy.float64],
    every=11,
)
def test_cval_is_the_value_of_exactly_the_pixels_from_outside(kind, order, cval, dtype):
    matrix = MATRICES.get(kind, shift_matrix(-2, 0))
    image = numpy.full(SHAPE, 3, dtype=dtype)
    outside = ~is_inside(places(matrix))
    assert outside.any()
    aligned = Homography(matrix).apply_data(image, cval=cval, interpolation_order=order)
    numpy.testing.assert_allclose(aligned, numpy.where(outside, cval, 3), rtol=1e-6)


@pytest.mark.parametrize("invalid", ["one", "all but one", "all"])
@pytest.mark.parametrize("rows", [-2, -2.5])
def test_cval_is_the_value_of_pixels_from_outside_also_where_others_are_invalid(rows, invalid):
    """The first rows come from outside, whatever is inside."""
    image = numpy.full((8, 6), NAN if invalid != "one" else 1.0)
    if invalid == "one":
        image[4, 4] = NAN
    elif invalid == "all but one":
        image[4, 4] = 1.0
    outside = int(numpy.ceil(-rows))
    homography = Homography(shift_matrix(rows, 0))
    for order in ORDERS:
        aligned = homography.apply_data(image, cval=-1, interpolation_order=order)
        numpy.testing.assert_array_equal(aligned[:outside], -1)
        assert not (aligned[outside:] == -1).any()
        assert numpy.isnan(aligned[outside:]).any()


def test_pixels_beyond_the_center_of_the_outermost_pixels_come_from_outside():
    """0.001 px beyond is outside, a rounding error of 1e-9 px is not."""
    image = numpy.arange(12.0).reshape(3, 4) + 1
    beyond = Homography(shift_matrix(0.001, 0)).apply_data(image)
    numpy.testing.assert_array_equal(numpy.isnan(beyond), [[False] * 4, [False] * 4, [True] * 4])
    zoom = numpy.diag([1 + 5e-7, 1 + 3e-7, 1])
    numpy.testing.assert_allclose(Homography(zoom).apply_data(image), image, rtol=1e-5)


def test_a_plane_seen_edge_on_is_outside():
    """Pixels on the horizon, column 2, come from infinity: 1 - c / 2 = 0; behind it from (-r, -c)
    and so from outside but for the origin's row and column."""
    matrix = numpy.array([[1, 0, 0], [0, 1, 0], [0, -0.5, 1]])
    image = numpy.arange(15.0).reshape(3, 5)
    aligned = Homography(matrix).apply_data(image)
    expected = slow_warp(image, matrix, 1)
    assert numpy.isfinite(expected).any()
    numpy.testing.assert_allclose(aligned, expected, atol=1e-12)


@parametrize_sample(
    "matrix, dtype, order",
    [
        numpy.identity(3),
        shift_matrix(1, 1),
        *AFFINE.values(),
        PROJECTIVE["tilt"],
        numpy.zeros((3, 3)),
    ],
    [numpy.uint8, numpy.float32, numpy.float64],
    ORDERS,
    every=5,
)
def test_the_image_is_neither_changed_nor_shared(matrix, dtype, order):
    image = (10 * smooth_image(13, (20, 15)) + 100).astype(dtype)
    if dtype != numpy.uint8:
        image[3, 4] = NAN
    before = image.copy()
    image.flags.writeable = False
    aligned = Homography(matrix).apply_data(image, interpolation_order=order)
    assert not numpy.shares_memory(aligned, image)
    aligned[:] = 1e6  # the result may be written to
    numpy.testing.assert_array_equal(bits(image), bits(before))


@each_matrix
@pytest.mark.parametrize("dtype", [numpy.uint16, numpy.float32])
def test_masked_pixels_are_invalid(dtype, matrix):
    """Expected: the same image with NaN instead of the masked pixels."""
    image = (100 * smooth_image(14, SHAPE) + 500).astype(dtype)
    mask = numpy.zeros(SHAPE, dtype=bool)
    mask[20:25, 30:40] = True
    masked = numpy.ma.MaskedArray(image, mask)
    with_nan = numpy.where(mask, numpy.float32(NAN), image.astype(numpy.float32))
    homography = Homography(matrix)
    for order in ORDERS:
        aligned = homography.apply_data(masked, interpolation_order=order)
        expected = homography.apply_data(with_nan, interpolation_order=order)
        assert type(aligned) is numpy.ndarray
        numpy.testing.assert_array_equal(aligned, expected)
        assert numpy.isnan(aligned).sum() > numpy.isnan(homography.apply_data(image)).sum()


@pytest.mark.parametrize("layout", ["C", "F", "strided", "reversed"])
def test_the_layout_in_memory_does_not_matter(layout):
    image = smooth_image(15, SHAPE)
    laid_out = {
        "C": image,
        "F": numpy.asfortranarray(image),
        "strided": numpy.repeat(image, 2, axis=1)[:, ::2],
        "reversed": numpy.ascontiguousarray(image[::-1])[::-1],
    }[layout]
    expected = ndimage.affine_transform(image, AFFINE["affine"], order=1, cval=NAN)
    aligned = Homography(AFFINE["affine"]).apply_data(laid_out)
    numpy.testing.assert_allclose(aligned, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
@pytest.mark.parametrize("matrix", [numpy.identity(3), AFFINE["affine"]])
def test_an_image_without_pixels_stays_one(matrix, shape):
    assert Homography(matrix).apply_data(numpy.empty(shape)).shape == shape


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_images_of_one_row_or_column_can_be_resampled(shape):
    """A constant stays one where it is inside: the zoom by 2 about the origin reads from p / 2."""
    homography, image = Homography(numpy.diag([0.5, 0.5, 1])), numpy.full(shape, 4.0)
    for order in ORDERS:
        aligned = homography.apply_data(image, interpolation_order=order)
        numpy.testing.assert_allclose(aligned, image)


@pytest.mark.parametrize("shape", [(5,), (1, 5, 5), ()])
@pytest.mark.parametrize("matrix", [numpy.identity(3), AFFINE["affine"], numpy.zeros((3, 3))])
def test_an_image_that_is_not_2d_is_refused_with_its_shape(matrix, shape):
    with pytest.raises(ValueError, match="two dimensions") as caught:
        Homography(matrix).apply_data(numpy.ones(shape))
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize("image", [numpy.ones((3, 3), complex), [["a", "b"]], [[None, 1]]])
def test_pixels_that_are_no_real_numbers_are_refused(image):
    with pytest.raises(TypeError, match="real numbers"):
        Homography(shift_matrix(0.5, 0)).apply_data(image)


def test_without_a_matrix_all_pixels_come_from_outside():
    numpy.testing.assert_array_equal(warp([[1, 2]], None), [[NAN, NAN]])
