import numpy
import pytest
from scipy import ndimage

from ewoksndreg.evaluation.smoothing import gaussian


@pytest.mark.parametrize(
    "shape", [(1, 1), (3, 50), (50, 3), (4, 4), (5, 4), (63, 10), (64, 64), (65, 70), (200, 33)]
)
@pytest.mark.parametrize("sigma", [0.5, 1, 2])
def test_smoothing_is_that_of_scipy(shape, sigma):
    image = numpy.random.default_rng(0).random(shape).astype(numpy.float32)
    before = image.copy()
    smoothed = gaussian(image, sigma)
    assert smoothed.dtype == numpy.float32
    expected = ndimage.gaussian_filter(image.astype(float), sigma)
    numpy.testing.assert_allclose(smoothed, expected, rtol=0, atol=1e-6)
    numpy.testing.assert_array_equal(image, before)
