import numpy
import pytest
from scipy import ndimage

from ewoksndreg import _opencv
from ewoksndreg.evaluation.smoothing import smooth


@pytest.fixture(params=["fast", "core"], autouse=True)
def fast(request, monkeypatch):
    """With OpenCV, where it is installed, and without."""
    if request.param == "core":
        monkeypatch.setattr(_opencv, "_opencv", lambda: None)


# Also more pixels than are smoothed at a time, and images that are mirrored more than once.
@pytest.mark.parametrize(
    "shape",
    [(1, 1), (3, 50), (50, 3), (4, 4), (5, 4), (2, 9), (63, 10), (65, 70), (300, 600), (2, 70000)],
)
@pytest.mark.parametrize("factor", [1, 0.3])
def test_smoothing_is_a_convolution_with_the_binomial_weights(factor, shape):
    image = numpy.random.default_rng(0).random(shape).astype(numpy.float32)
    before = image.copy()
    smoothed = smooth(image, factor)
    assert smoothed.dtype == numpy.float32
    weights = numpy.array([1, 4, 6, 4, 1]) / 16
    kernel = factor * numpy.outer(weights, weights)
    expected = ndimage.convolve(image.astype(float), kernel, mode="reflect")
    numpy.testing.assert_allclose(smoothed, expected, rtol=0, atol=1e-6)
    numpy.testing.assert_array_equal(image, before)


def test_the_standard_deviation_of_the_weights_is_1_px():
    point = numpy.zeros((21, 21), dtype=numpy.float32)
    point[10, 10] = 1
    smoothed = smooth(point)
    distances = numpy.arange(-10, 11)
    for axis in (0, 1):
        assert (smoothed.sum(axis=axis) * distances**2).sum() == pytest.approx(1)
