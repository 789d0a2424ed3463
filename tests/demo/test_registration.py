"""One stack, registered by itself."""

import numpy
import pytest
import skimage.data
from scipy import ndimage

from ewoksndreg.demo.registration import register


def matrices(stack: object) -> numpy.ndarray:
    return numpy.stack([item.passive_matrix for item in register(stack)])


def test_whole_pixels() -> None:
    picture = skimage.data.camera()
    offsets = [(0, 0), (3, -2), (-4, 5)]
    # Zero around it, so that the content is the same in all images.
    stack = numpy.zeros((3, 128, 128))
    for image, (row, column) in zip(stack, offsets, strict=True):
        image[40 + row : 80 + row, 50 + column : 90 + column] = picture[200:240, 200:240]
    expected = numpy.stack([numpy.identity(3)] * 3)
    expected[:, :2, 2] = offsets
    numpy.testing.assert_allclose(matrices(stack), expected, atol=1e-9)


@pytest.mark.parametrize("scale", [1e-3, 1, 1e5])
def test_fractions_of_a_pixel_in_any_units(scale: float) -> None:
    picture = skimage.data.coins()[:128, :128]
    spectrum = ndimage.fourier_shift(numpy.fft.fftn(picture), (1.35, -2.6))
    moved = numpy.fft.ifftn(spectrum).real
    _, second = matrices(scale * numpy.stack([picture, moved]))
    # What lies at p in the first image lies at p + (1.35, -2.6) in the second.
    numpy.testing.assert_allclose(second[:2, 2], (1.35, -2.6), atol=0.026)
    numpy.testing.assert_array_equal(second[:2, :2], numpy.identity(2))


def test_a_sequence_of_images() -> None:
    image = skimage.data.coins()[:64, :64]
    found = matrices([image, numpy.roll(image, (2, 1), axis=(0, 1))])
    numpy.testing.assert_allclose(found[:, :2, 2], [(0, 0), (2, 1)], atol=1e-9)


@pytest.mark.parametrize("empty", [0, 1])
def test_an_empty_image_stays_where_it_is(empty: int) -> None:
    stack = numpy.stack([skimage.data.coins()[:64, :64]] * 2)
    stack[empty] = 0
    numpy.testing.assert_array_equal(matrices(stack), [numpy.identity(3)] * 2)
