"""The preparation of images against the same steps in plain numpy and scipy."""

import functools
import itertools
import math

import numpy
import pytest
from scipy import ndimage

from ewoksndreg.kernels._kernel import _find_percentiles as find_percentiles

from ..conftest import smooth_image
from ..evaluation import conftest as evaluation_conftest

NAN, INF = numpy.nan, numpy.inf
SHAPE = (43, 28)


@pytest.fixture
def prepare_image(kernel):
    return functools.partial(evaluation_conftest.prepare_image, kernel=kernel)


def reference(image):
    """Clip to the 1st and 99th percentile, scale to [0, 1], smooth by 1 px."""
    image = numpy.asarray(image, dtype=float)
    low, high = numpy.percentile(image, (1, 99))
    return binomial_filter((numpy.clip(image, low, high) - low) / (high - low))


def binomial_filter(image):
    return ndimage.convolve(image, binomial_kernel(), mode="reflect")


def binomial_kernel():
    """The numbers of ways in which 4 coins fall, along rows and along columns."""
    along = numpy.array([math.comb(4, heads) / 2**4 for heads in range(5)])
    return numpy.outer(along, along)


def slow_smooth(image):
    """Weighted mean of the finite pixels around each finite pixel, one after the other; the image
    is mirrored at its edges (d c b a | a b c d)."""
    padded = numpy.pad(image, 2, mode="symmetric")
    kernel = binomial_kernel()
    result = numpy.full(image.shape, NAN)
    for row, column in numpy.argwhere(numpy.isfinite(image)):
        window = padded[row : row + 5, column : column + 5]
        there = numpy.isfinite(window)
        result[row, column] = (kernel * window)[there].sum() / kernel[there].sum()
    return result


@pytest.mark.parametrize("seed", range(3))
def test_an_image_is_clipped_scaled_and_smoothed(seed, prepare_image):
    for scale, offset in itertools.product([1, 1e-6, 1e6], [0, 1000, -3]):
        image = scale * (smooth_image(seed, SHAPE) + offset)
        prepared = prepare_image(image)
        assert prepared.dtype == numpy.float32
        assert prepared.shape == SHAPE
        numpy.testing.assert_allclose(prepared, reference(image), atol=1e-5)


def test_the_smoothing_is_a_binomial_filter_of_1_px(prepare_image):
    """Single bright pixels show the kernel. They are 10 of 900, more than 1 %, and 10 px apart."""
    image = numpy.zeros((100, 9))
    image[5::10, 4] = 7
    prepared = prepare_image(image)
    numpy.testing.assert_allclose(prepared[43:48, 2:7], binomial_kernel(), atol=1e-6)
    assert prepared[41:50].sum() == pytest.approx(1)


def test_a_hot_pixel_does_not_set_the_scale(prepare_image):
    image = smooth_image(4, SHAPE)
    hot = image.copy()
    hot[20, 10] = 1e6
    difference = numpy.abs(prepare_image(hot) - prepare_image(image))
    numpy.testing.assert_allclose(prepare_image(hot), reference(hot), atol=1e-5)
    far = numpy.ones(SHAPE, dtype=bool)
    far[15:26, 5:16] = False
    assert difference[far].max() < 0.02


@pytest.mark.parametrize("dtype", [bool, "uint8", "int16", ">u2", "int32", "float16", ">f4"])
def test_every_type_of_pixels_gives_the_same_as_float64(dtype, prepare_image):
    image = (smooth_image(5, SHAPE) > 0) if dtype is bool else 40 + 30 * smooth_image(5, SHAPE)
    image = image.clip(0, 120).astype(dtype)
    numpy.testing.assert_allclose(prepare_image(image), reference(image.astype(float)), atol=1e-5)


def test_a_nested_list_is_an_image(prepare_image):
    image = [[0.0, 1.0, 4.0], [2.0, 2.0, 3.0]]
    numpy.testing.assert_allclose(prepare_image(image), reference(image), atol=1e-6)


def test_a_large_offset_does_not_eat_the_contrast(prepare_image):
    """1e9 + contrast 1 is exact to 1e-7 in float64, and nothing at all in float32."""
    image = smooth_image(6, SHAPE)
    numpy.testing.assert_allclose(prepare_image(image + 1e9), reference(image), atol=1e-5)


def test_percentiles_that_coincide_leave_the_full_range(prepare_image):
    """One pixel of 1204 differs, less than 1 %: the scale is from 0 to 5."""
    image = numpy.zeros(SHAPE)
    image[20, 10] = 5
    expected = numpy.zeros(SHAPE)
    expected[20, 10] = 1
    numpy.testing.assert_allclose(prepare_image(image), binomial_filter(expected), atol=1e-6)


@pytest.mark.parametrize("value", [0, 1, -2.5, 1e30, 255])
def test_a_constant_image_is_zero(value, prepare_image):
    numpy.testing.assert_array_equal(prepare_image(numpy.full(SHAPE, value)), numpy.zeros(SHAPE))


@pytest.mark.parametrize("holes", [(NAN,), (INF,), (-INF,), (NAN, INF, -INF)])
@pytest.mark.parametrize("fraction", [0.01, 0.3, 0.9])
def test_the_smoothing_ignores_invalid_pixels_and_keeps_them_missing(
    fraction, holes, prepare_image
):
    """Percentiles of the finite pixels, then the mean of the finite pixels around each."""
    rng = numpy.random.default_rng(7)
    image = smooth_image(7, SHAPE)
    invalid = rng.random(SHAPE) < fraction
    image[invalid] = rng.choice(holes, size=invalid.sum())
    low, high = numpy.percentile(image[~invalid], (1, 99))
    scaled = (numpy.clip(image, low, high) - low) / (high - low)
    expected = slow_smooth(numpy.where(invalid, NAN, scaled))
    prepared = prepare_image(image)
    numpy.testing.assert_array_equal(numpy.isnan(prepared), invalid)
    numpy.testing.assert_allclose(prepared, expected, atol=1e-5)


def test_masked_pixels_are_invalid(prepare_image):
    image = smooth_image(8, SHAPE)
    mask = numpy.random.default_rng(8).random(SHAPE) < 0.1
    numpy.testing.assert_array_equal(
        prepare_image(numpy.ma.MaskedArray(image, mask)),
        prepare_image(numpy.where(mask, NAN, image)),
    )


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_an_image_of_invalid_pixels_stays_one(value, prepare_image):
    assert numpy.isnan(prepare_image(numpy.full(SHAPE, value))).all()


def test_one_pixel_that_is_there_is_a_constant(prepare_image):
    image = numpy.full(SHAPE, NAN)
    image[3, 4] = 8
    expected = numpy.full(SHAPE, NAN)
    expected[3, 4] = 0
    numpy.testing.assert_array_equal(prepare_image(image), expected)


@pytest.mark.parametrize(("gain", "offset"), [(1000, 0), (1e-3, 5), (2, -1e4)])
def test_gain_and_offset_make_no_difference(gain, offset, prepare_image):
    image = smooth_image(9, SHAPE)
    numpy.testing.assert_allclose(
        prepare_image(gain * image + offset), prepare_image(image), atol=1e-5
    )


def test_a_negative_gain_turns_the_scale_around(prepare_image):
    image = smooth_image(10, SHAPE)
    numpy.testing.assert_allclose(prepare_image(-image), 1 - prepare_image(image), atol=1e-5)


# All larger than the sample from which the percentiles are estimated.
@pytest.mark.parametrize("shape", [(1024, 256), (512, 512), (300, 1000), (4, 70000), (70000, 4)])
@pytest.mark.parametrize("pattern", ["along columns", "along rows", "random"])
def test_the_percentiles_of_a_large_image_are_estimated_within_a_percent(
    pattern, shape, prepare_image
):
    """Values uniform in [0, 1]: the percentiles are 0.01 and 0.99, wherever the values stand."""
    rows, columns = numpy.indices(shape)
    image = {
        "along columns": (columns + rows / shape[0]) / shape[1],
        "along rows": (rows + columns / shape[1]) / shape[0],
        "random": numpy.random.default_rng(11).random(shape),
    }[pattern]
    prepared = prepare_image(image)
    expected = binomial_filter((numpy.clip(image, 0.01, 0.99) - 0.01) / 0.98)
    numpy.testing.assert_allclose(prepared, expected, atol=0.01)


@pytest.mark.parametrize("shape", [(1024, 256), (512, 512), (256, 1030)])
@pytest.mark.parametrize("period", [2, 4])
def test_a_pattern_of_columns_does_not_mislead_the_estimate(period, shape, prepare_image):
    """Every second or fourth column is dark, and every fourth pixel would be in the sample."""
    image = numpy.random.default_rng(15).random(shape)
    image[:, ::period] *= 0.1
    numpy.testing.assert_allclose(prepare_image(image), reference(image), atol=0.01)


def test_invalid_pixels_of_a_large_image_do_not_disturb_the_percentiles(prepare_image):
    """Values uniform in [0, 1], as above, with one in 21 invalid."""
    image = numpy.random.default_rng(12).random((600, 500))
    image[::7, ::3] = NAN
    expected = (numpy.clip(image, 0.01, 0.99) - 0.01) / 0.98
    there = numpy.isfinite(image)
    numpy.testing.assert_allclose(
        prepare_image(image)[there].mean(), expected[there].mean(), atol=0.005
    )


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64, numpy.uint8])
def test_the_image_is_neither_changed_nor_shared(dtype, prepare_image):
    image = (50 + 10 * smooth_image(13, SHAPE)).astype(dtype)
    if dtype != numpy.uint8:
        image[3, 3] = INF
    before = image.copy()
    image.flags.writeable = False
    prepared = prepare_image(image)
    assert not numpy.shares_memory(prepared, image)
    prepared[:] = -1
    numpy.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(("dtype", "scale"), [("float32", 8e37), ("float64", 1e300)])
def test_very_large_values_are_brought_to_the_same_scale(dtype, scale, prepare_image):
    """The range of the float32 image is larger than the largest float32."""
    image = smooth_image(14, SHAPE)
    large = (scale * image).astype(dtype)
    assert numpy.isfinite(large).all()
    numpy.testing.assert_allclose(prepare_image(large), reference(image), atol=1e-5)


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4), ()])
def test_an_image_that_is_not_2d_is_refused_with_its_shape(shape, prepare_image):
    with pytest.raises(ValueError, match="two dimensions") as caught:
        prepare_image(numpy.zeros(shape))
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize("image", [numpy.zeros((3, 3), complex), [["a"]], [[None]]])
def test_pixels_that_are_no_real_numbers_are_refused(image, prepare_image):
    with pytest.raises(TypeError, match="real numbers"):
        prepare_image(image)


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (0, 0)])
def test_an_image_without_pixels_stays_one(shape, prepare_image):
    assert prepare_image(numpy.empty(shape)).shape == shape


# Also images that are mirrored more than once, and more rows than are smoothed at a time.
@pytest.mark.parametrize(
    "shape",
    [(1, 1), (2, 2), (3, 50), (50, 3), (4, 4), (5, 4), (2, 9), (63, 10), (65, 70), (4, 20000)],
)
def test_an_image_of_any_shape_is_smoothed_like_scipy_does_it(shape, prepare_image):
    image = numpy.random.default_rng(0).random(shape)
    image[0, 0], image[-1, -1] = 0, 1
    low, high = numpy.percentile(image, (1, 99))
    expected = numpy.zeros(shape) if low == high else reference(image)
    atol = 1e-5 if image.size <= 32_768 else 0.01  # percentiles of large images are estimated
    numpy.testing.assert_allclose(prepare_image(image), expected, atol=atol)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_invalid_and_infinite_pixels_are_counted(dtype, kernel):
    image = smooth_image(16, (300, 200)).astype(dtype)
    image[0, :7] = NAN
    image[100:103, 50] = INF
    image[-1, -1] = -INF
    prepared = kernel.prepare(image)
    assert (prepared.invalid, prepared.infinite) == (11, 4)
    assert numpy.isnan(prepared.pixels).sum() == 11


def test_the_mean_of_a_prepared_image_is_about_0(kernel):
    """So that sums of squares are no larger than they have to be."""
    for image in (smooth_image(20, (300, 200)), smooth_image(21, SHAPE) ** 8):
        assert abs(kernel.prepare(image + 1e5).pixels.mean()) < 0.01


def test_the_result_is_put_where_it_is_wanted(kernel):
    image = smooth_image(17, SHAPE)
    out = numpy.empty(SHAPE, dtype=numpy.float32)
    assert kernel.prepare(image, out).pixels is out
    numpy.testing.assert_array_equal(out, kernel.prepare(image).pixels)


@pytest.mark.parametrize("view", [lambda a: a[::2], lambda a: a[:, ::3], lambda a: a.T])
def test_pixels_may_lie_in_memory_in_any_order(view, prepare_image):
    image = view(smooth_image(18, (60, 90)))
    numpy.testing.assert_array_equal(prepare_image(image), prepare_image(image.copy()))


@pytest.mark.parametrize("size", [1, 2, 3, 50, 99, 100, 101, 102, 1000, 5000, 32_768])
def test_percentiles_are_those_of_numpy(size):
    rng = numpy.random.default_rng(19)
    for sample in (
        rng.random(size),
        rng.integers(0, 3, size).astype(numpy.uint8),
        rng.poisson(0.3, size).astype(numpy.uint16),
        numpy.zeros(size),
        (rng.normal(size=size) ** 9).astype(numpy.float32),
    ):
        expected = numpy.percentile(sample.astype(float), (1, 99))
        numpy.testing.assert_allclose(find_percentiles(sample), expected, rtol=1e-6)
