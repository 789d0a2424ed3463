"""Starting points for the refinement of an image: shifts and rotations from correlation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import gaussian_filter

from .._typing import FloatImage
from .._typing import Matrix
from ..kernels import Prepared
from ..kernels import resample_linear
from ..transformation import TransformationType

# Degrees. For images of 64 px, half of a step moves the edge by 1.4 px.
_ANGLES = tuple(range(-30, 31, 5))

# The minimum fraction of common pixels.
_LEAST_OVERLAP = 0.2

# px; structure that is coarser than this, such as the shading of a detector, is removed for the
# second correlation.
_WIDEST = 3.0

# The number of starting points from each of the two correlations, and their minimum distance (px).
_NUMBER = 3
_APART = 3


class _Template(NamedTuple):
    """A reference image at several angles, as Fourier transforms, shape `(angles, P, P / 2 + 1)`,
    and sums over its overlap with the image at each shift, shape `(angles, P, P)`.

    :param pixels: 0 where invalid.
    :param valid: 1 where a pixel is valid, else 0.
    """

    pixels: NDArray[numpy.complex64]
    valid: NDArray[numpy.complex64]
    number: NDArray[numpy.float32]
    mean: NDArray[numpy.float32]
    variance: NDArray[numpy.float32]


class StartFinder:
    """Finds starting points for images of one size.

    :param reference: a small image, shape `(H, W)`.
    """

    def __init__(self, reference: Prepared, transformation_type: TransformationType) -> None:
        self._shape = reference.pixels.shape
        # Padded, so that shifts by up to half of the image do not wrap around.
        self._padded = tuple(fft.next_fast_len(size + size // 2, real=True) for size in self._shape)
        angles = (0,) if transformation_type is TransformationType.translation else _ANGLES
        self._rotations = [_rotation(angle, self._shape) for angle in angles]
        self._template = self._make_template(reference.pixels)

    def find(self, image: Prepared) -> list[Matrix]:
        """Find passive matrices, ``reference[p] = image[matrix p]``, with the highest correlation
        and, since the contrast may be inverted, the lowest.

        :param image: shape `(H, W)`; invalid pixels are replaced with the mean.
        """
        return list(self._find_peaks(self._correlate(image.pixels)))

    def _make_template(self, reference: FloatImage) -> _Template:
        rotated = numpy.stack([resample_linear(reference, each) for each in self._rotations])
        valid = numpy.isfinite(rotated).astype(numpy.float32)
        rotated = numpy.where(valid > 0, rotated, numpy.float32(0))
        everywhere = self._transform(numpy.ones(self._shape, dtype=numpy.float32))
        pixels, valid_transform = self._transform(rotated), self._transform(valid)
        number = numpy.maximum(self._multiply(valid_transform, everywhere), 1)
        mean = numpy.divide(self._multiply(pixels, everywhere), number, dtype=numpy.float32)
        squares = self._multiply(self._transform(rotated**2), everywhere)
        variance = numpy.subtract(squares / number, mean**2, dtype=numpy.float32)
        number[number < _LEAST_OVERLAP * reference.size] = 0
        return _Template(pixels, valid_transform, number, mean, variance)

    def _correlate(self, image: FloatImage) -> NDArray[numpy.float32]:
        """Compute the Pearson correlation over the common pixels, times the square root of their
        fraction, since the correlation of few pixels may be high by chance."""
        template = self._template
        valid = numpy.isfinite(image)
        mean_of_all = image[valid].mean() if valid.any() else 0
        image = numpy.where(valid, image - mean_of_all, numpy.float32(0))
        transform = self._transform(image)
        share = numpy.maximum(template.number, 1)
        mean = self._multiply(template.valid, transform) / share
        squares = self._multiply(template.valid, self._transform(image**2)) / share
        product = self._multiply(template.pixels, transform) / share
        variance = template.variance * (squares - mean**2)
        smallest = 1e-3 * variance.max()
        with numpy.errstate(invalid="ignore", divide="ignore"):
            r = (product - template.mean * mean) / numpy.sqrt(numpy.maximum(variance, smallest))
        r *= numpy.sqrt(template.number / image.size)
        return numpy.where(numpy.isfinite(r), r, numpy.float32(0))

    def _find_peaks(self, correlation: NDArray[numpy.float32]) -> Iterator[Matrix]:
        size = numpy.abs(correlation)
        for _ in range(_NUMBER):
            k, i, j = (int(each) for each in numpy.unravel_index(size.argmax(), size.shape))
            if size[k, i, j] == 0:
                return
            shift = numpy.identity(3)
            shift[:2, 2] = [
                n - padded if n > padded // 2 else n
                for n, padded in zip((i, j), self._padded, strict=True)
            ]
            yield shift @ numpy.linalg.inv(self._rotations[k])
            around = (numpy.arange(-_APART, _APART + 1) + n for n in (i, j))
            rows, columns = (
                each % padded for each, padded in zip(around, self._padded, strict=True)
            )
            size[max(k - 1, 0) : k + 2, rows[:, numpy.newaxis], columns] = 0

    def _transform(self, images: NDArray[numpy.float32]) -> NDArray[numpy.complex64]:
        return numpy.asarray(fft.rfft2(images, self._padded))

    def _multiply(
        self, a: NDArray[numpy.complex64], b: NDArray[numpy.complex64]
    ) -> NDArray[numpy.float32]:
        """Compute the sum of ``a[p] b[p + shift]`` for each shift."""
        return numpy.asarray(fft.irfft2(a.conj() * b, self._padded))


def _rotation(degrees: float, shape: tuple[int, ...]) -> Matrix:
    """Make the matrix of a rotation about the image center."""
    cos, sin = numpy.cos(numpy.deg2rad(degrees)), numpy.sin(numpy.deg2rad(degrees))
    matrix = numpy.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    center = (numpy.array(shape) - 1) / 2
    matrix[:2, 2] = center - matrix[:2, :2] @ center
    return matrix


def fine_structure(image: Prepared) -> Prepared:
    """Remove the coarse structure of an image, such as the shading of a detector."""
    valid = numpy.isfinite(image.pixels)
    weights = gaussian_filter(valid.astype(numpy.float32), _WIDEST, mode="constant")
    wide = gaussian_filter(numpy.where(valid, image.pixels, 0), _WIDEST, mode="constant")
    return Prepared.of(image.pixels - wide / numpy.maximum(weights, numpy.float32(1e-6)))
