"""The standardized MSE of two images against numpy.corrcoef and hand-made cases."""

import math

import numpy
import pytest

from ewoksndreg.kernels import UNRELATED
from ewoksndreg.kernels import Prepared

NAN, INF = numpy.nan, numpy.inf


@pytest.fixture
def compare(kernel):
    """Images as they are."""
    return lambda a, b: kernel.compare(Prepared.of(a), Prepared.of(b))


def tolerance(kernel):
    """numpy takes float64 images as they are; compiled loops have float32 only."""
    return {"rel": 1e-9, "abs": 1e-10} if kernel.name == "numpy" else {"abs": 2e-6}


def two_images(seed, shape, similarity=0.5):
    rng = numpy.random.default_rng(seed)
    a, b = rng.random((2, *shape))
    return a, similarity * a + (1 - similarity) * b


def standardized_mse(a, b):
    """Both images brought to mean 0 and variance 1 where both are finite, and subtracted."""
    both = numpy.isfinite(a) & numpy.isfinite(b)
    a, b = a[both].astype(float), b[both].astype(float)
    return (((a - a.mean()) / a.std() - (b - b.mean()) / b.std()) ** 2).mean()


# Also more rows than are summed at a time.
@pytest.mark.parametrize("shape", [(12, 9), (9, 12), (150, 20), (64, 3), (65, 3)])
@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
def test_the_mse_is_2_minus_twice_the_correlation_coefficient(dtype, shape, compare, kernel):
    # Sums of float32 carry its rounding errors, far below what a score shows. Compiled loops have
    # no others.
    exact = dtype == numpy.float64 and kernel.name == "numpy"
    rounding = 1e-12 if exact else 1e-6
    for similarity in (0, 0.5, 0.9, 1 - 1e-4):
        a, b = (image.astype(dtype) for image in two_images(1, shape, similarity))
        result = compare(a, b)
        r = numpy.corrcoef(a.ravel().astype(float), b.ravel().astype(float))[0, 1]
        assert result.mse == pytest.approx(2 * (1 - r), rel=1e-6, abs=rounding)
        assert result.mse == pytest.approx(standardized_mse(a, b), rel=1e-6, abs=rounding)
        assert result.overlap == 1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("holes", [(NAN, NAN), (INF, NAN), (INF, -INF), (INF, INF)])
def test_only_pixels_that_are_finite_in_both_count(holes, seed, compare, kernel):
    a, b = two_images(seed, (20, 15))
    rng = numpy.random.default_rng(seed)
    a[rng.random(a.shape) < 0.2] = holes[0]
    b[rng.random(a.shape) < 0.3] = holes[1]
    both = numpy.isfinite(a) & numpy.isfinite(b)
    assert 0.3 < both.mean() < 0.8
    r = numpy.corrcoef(a[both], b[both])[0, 1]
    result = compare(a, b)
    assert result.mse == pytest.approx(2 * (1 - r), **tolerance(kernel))
    assert result.overlap == both.sum() / 300


def test_equal_images_have_no_error(compare):
    a, _ = two_images(2, (12, 12))
    assert compare(a, a).mse == pytest.approx(0, abs=1e-12)
    assert compare(a, a).mse >= 0


@pytest.mark.parametrize(("gain", "offset"), [(0.01, 0), (1, 0.7), (3, -2)])
def test_gain_and_offset_are_no_error(gain, offset, compare, kernel):
    a, b = two_images(3, (12, 12))
    assert compare(a, gain * a + offset).mse == pytest.approx(0, **tolerance(kernel))
    expected = compare(a, b).mse
    assert compare(a, gain * b + offset).mse == pytest.approx(expected, **tolerance(kernel))


def test_an_inverted_image_has_the_largest_error(compare):
    a, _ = two_images(4, (12, 12))
    assert compare(a, 1 - a).mse == pytest.approx(4)


def test_unrelated_images_have_the_error_that_stands_for_no_comparison(compare):
    a, b = two_images(5, (300, 300), similarity=0)
    assert compare(a, b).mse == pytest.approx(UNRELATED, abs=0.02)
    assert UNRELATED == 2


# min(100, H W / 4) pixels
@pytest.mark.parametrize(
    ("shape", "threshold"),
    [((40, 30), 100), ((20, 20), 100), ((8, 8), 16), ((8, 5), 10), ((5, 9), 12), ((2, 2), 2)],
)
@pytest.mark.parametrize("which", ["a", "b", "both"])
def test_images_with_too_few_common_pixels_cannot_be_compared(which, shape, threshold, compare):
    """45 / 4 = 11.25 needs 12 pixels. Of 2 x 2 pixels one would do, but is constant."""
    a, b = two_images(6, shape)
    for count, comparable in ((threshold, True), (threshold - 1, False)):
        common = numpy.zeros(a.size, dtype=bool)
        common[:: a.size // threshold][:count] = True
        common = common.reshape(shape)
        assert common.sum() == count
        result = compare(
            numpy.where(common, a, NAN) if which in ("a", "both") else a,
            numpy.where(common, b, NAN) if which in ("b", "both") else b,
        )
        assert math.isfinite(result.mse) is comparable
        assert result.overlap == count / a.size


@pytest.mark.parametrize("value", [0, 0.5, 1, 0.123456789, -3, 100])
@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
def test_a_constant_image_cannot_be_compared(dtype, value, compare):
    a, _ = two_images(7, (80, 31))
    constant = numpy.full(a.shape, value, dtype)
    a = a.astype(dtype)
    for pair in ((a, constant), (constant, a), (constant, constant)):
        result = compare(*pair)
        assert math.isnan(result.mse)
        assert result.overlap == 1


def test_an_image_that_is_constant_where_both_are_finite_cannot_be_compared(compare):
    a, b = two_images(8, (20, 20))
    a[:10] = 0.3
    b[10:] = NAN
    assert math.isnan(compare(a, b).mse)
    assert compare(a, b).overlap == 0.5


def test_weak_contrast_is_no_constant(compare, kernel):
    """A contrast of 1e-4 of the scale, above the rounding of float32, which is 6e-8."""
    a, b = two_images(9, (20, 20))
    r = numpy.corrcoef(a.ravel(), b.ravel())[0, 1]
    rounding = 1e-6 if kernel.name == "numpy" else 6e-8 / 1e-4
    assert compare(0.5 + 1e-4 * a, b).mse == pytest.approx(2 * (1 - r), rel=rounding)


@pytest.mark.parametrize("shape", [(0, 4), (4, 0)])
def test_images_without_pixels_cannot_be_compared(shape, compare):
    result = compare(numpy.empty(shape), numpy.empty(shape))
    assert math.isnan(result.mse)
    assert result.overlap == 0


def test_the_order_of_the_two_images_does_not_matter(compare):
    a, b = two_images(10, (20, 20))
    a[3, 4], b[5, 6] = NAN, INF
    assert compare(a, b) == compare(b, a)


def test_the_images_are_not_changed(compare):
    a, b = two_images(11, (10, 10))
    a[3, 3] = NAN
    before = a.copy(), b.copy()
    a.flags.writeable = b.flags.writeable = False
    compare(a, b)
    numpy.testing.assert_array_equal(a, before[0])
    numpy.testing.assert_array_equal(b, before[1])
