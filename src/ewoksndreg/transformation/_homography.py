"""The one concrete transformation: a 3x3 matrix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy
from numpy.typing import ArrayLike
from numpy.typing import NDArray

from .._typing import Matrix
from ._warp import warp
from .base import Transformation
from .types import TransformationType

# Matrices from an optimizer or a file have rounding errors. A coefficient closer than this to its
# ideal value moves no pixel of a 2048 px image by more than 0.01 px, which cannot be seen, so it
# does not turn a translation into an affine transformation.
_LINEAR_TOLERANCE = 1e-6
_PERSPECTIVE_TOLERANCE = 2e-9
_TRANSLATION_TOLERANCE = 1e-6  # px


class Homography(Transformation):
    """A transformation described by a 3x3 matrix, from a translation to a projective one.

    A matrix that is singular or not finite is kept, because one registration that diverged must
    not stop a workflow: its images come out as `cval` everywhere, and its points as NaN.

    :param passive_matrix: shape `(3, 3)`, in px and (row, column) order, maps a pixel of the
        aligned image to its position in the image. Any multiple of it is the same homography.
    :param transfo_type: kind of transformation, see :class:`.TransformationType`; by default it is
        derived from the matrix.
    :raises ValueError: if the matrix has another shape or is not of real numbers, or the kind is
        unknown.

    >>> import numpy
    >>> from ewoksndreg import Homography
    >>> shift = Homography([[1, 0, 2], [0, 1, 0], [0, 0, 1]])
    >>> shift.apply_data(numpy.array([[1.0], [2.0], [3.0], [4.0]])).ravel()
    array([ 3.,  4., nan, nan])
    >>> shift.transformation_type == "translation"
    True
    """

    def __init__(
        self,
        passive_matrix: ArrayLike,
        transfo_type: TransformationType | str | None = None,
    ) -> None:
        passive = _normalize(_check_matrix(passive_matrix))
        active = _invert(passive)
        super().__init__(_classify(passive) if transfo_type is None else transfo_type)
        passive.flags.writeable = active.flags.writeable = False
        self._passive, self._active = passive, active

    def __repr__(self) -> str:
        return f"Homography({self._passive.tolist()}, {self.transformation_type.value!r})"

    @property
    def passive_matrix(self) -> NDArray[numpy.float64]:
        """Shape `(3, 3)`, read-only, scaled so that its last element is 1 (unless that is 0)."""
        return self._passive

    @property
    def active_matrix(self) -> NDArray[numpy.float64]:
        """The inverse of `passive_matrix`, read-only; all NaN if there is none."""
        return self._active

    @property
    def invertible(self) -> bool:
        """Whether the matrix has an inverse; False where the registration diverged."""
        return bool(numpy.isfinite(self._active).all())

    def apply_coordinates(self, coord: ArrayLike) -> NDArray[numpy.float64]:
        points = numpy.asarray(coord, dtype=numpy.float64)
        if points.ndim != 2 or points.shape[0] != 2:
            raise ValueError(
                f"Coordinates need the shape (2, M), rows and columns, not {points.shape}"
            )
        with numpy.errstate(all="ignore"):
            moved = self._active[:, :2] @ points + self._active[:, 2:]
            return numpy.asarray(moved[:2] / moved[2])

    def apply_data(
        self,
        image: ArrayLike,
        *,
        cval: float = numpy.nan,
        interpolation_order: int = 1,
    ) -> NDArray[numpy.floating[Any]]:
        """Resample an image: ``aligned[p] = image[passive_matrix p]``.

        A shift by an integer number of pixels copies the pixels. Otherwise, a pixel of the result
        is NaN if its linear interpolation (with order 0, the nearest pixel) uses a pixel that is
        not finite.

        :param image: shape `(H, W)`, real numbers.
        :param cval: value of the pixels that come from outside the image, that is from beyond the
            centers of its outermost pixels.
        :param interpolation_order: order of the spline, from 0 (nearest pixel) and 1 (linear) to 5.
        :returns: the aligned image, shape `(H, W)`; float32 if that holds the pixel values exactly,
            else float64.
        :raises ValueError: if the image does not have two dimensions or the order does not exist.
        :raises TypeError: if the pixels are not real numbers.
        """
        matrix = self._passive if self.invertible else None
        return warp(image, matrix, cval=cval, interpolation_order=interpolation_order)

    def between(self, reference: Transformation) -> Matrix | None:
        # A subclass may resample differently.
        both = (self, reference)
        if any(type(each).apply_data is not Homography.apply_data for each in both):
            return None
        if not self.invertible:
            return numpy.full((3, 3), numpy.nan)
        with numpy.errstate(all="ignore"):
            return numpy.asarray(self._passive @ reference.active_matrix)

    def __iter__(self) -> Iterator[NDArray[numpy.float64]]:
        """Iterate over the rows of `passive_matrix`; ewoks uses this to compute a hash."""
        return iter(self._passive)

    def __reduce__(self) -> tuple[type[Homography], tuple[object, ...]]:
        # Use the constructor: unpickled arrays would be writable.
        return type(self), (self._passive, self.transformation_type)

    def __matmul__(self, other: Transformation) -> Transformation:
        # One matrix resamples once; a composite would interpolate twice.
        if isinstance(other, Homography):
            with numpy.errstate(invalid="ignore", over="ignore"):
                return Homography(self._passive @ other._passive)
        return super().__matmul__(other)


def _check_matrix(passive_matrix: ArrayLike) -> NDArray[numpy.float64]:
    try:
        matrix = numpy.asarray(passive_matrix)
    except ValueError:  # rows of different lengths
        matrix = numpy.empty(0, dtype=object)
    if matrix.dtype.kind not in "biuf":
        raise ValueError(f"A homography needs a 3x3 matrix of real numbers, not {passive_matrix!r}")
    if matrix.shape != (3, 3):
        raise ValueError(
            f"A homography needs a matrix of shape (3, 3), not {matrix.shape}: {matrix.tolist()}"
        )
    return matrix.astype(numpy.float64)


def _normalize(matrix: NDArray[numpy.float64]) -> NDArray[numpy.float64]:
    largest = numpy.abs(matrix).max()
    if not numpy.isfinite(largest) or largest == 0:
        return matrix
    scale = matrix[2, 2]
    if abs(scale) < numpy.finfo(numpy.float64).eps * largest:
        scale = matrix.flat[numpy.abs(matrix).argmax()]
    return numpy.asarray(matrix / scale)


def _invert(matrix: NDArray[numpy.float64]) -> NDArray[numpy.float64]:
    """The normalized inverse; all NaN if the matrix is numerically singular."""
    with numpy.errstate(all="ignore"), suppress(numpy.linalg.LinAlgError):
        inverse = numpy.asarray(numpy.linalg.inv(matrix), dtype=numpy.float64)
        if numpy.allclose(matrix @ inverse, numpy.identity(3), rtol=0, atol=1e-6):
            return _normalize(inverse)
    return numpy.full((3, 3), numpy.nan)


def _classify(matrix: NDArray[numpy.float64]) -> TransformationType:
    def is_close(actual: ArrayLike, ideal: ArrayLike, tolerance: float) -> bool:
        return bool(numpy.allclose(actual, ideal, rtol=0, atol=tolerance))

    if not numpy.isfinite(matrix).all() or not is_close(
        matrix[2], (0, 0, 1), _PERSPECTIVE_TOLERANCE
    ):
        return TransformationType.projective
    linear = matrix[:2, :2]
    if is_close(linear, numpy.identity(2), _LINEAR_TOLERANCE):
        if is_close(matrix[:2, 2], 0, _TRANSLATION_TOLERANCE):
            return TransformationType.identity
        return TransformationType.translation
    # A rotation times a scale, without reflection: [[a, -b], [b, a]]
    scale = float(numpy.hypot(linear[0, 0], linear[1, 0]))
    if not is_close(linear[:, 1], (-linear[1, 0], linear[0, 0]), _LINEAR_TOLERANCE * max(scale, 1)):
        return TransformationType.affine
    if is_close(scale, 1, _LINEAR_TOLERANCE):
        return TransformationType.rigid
    return TransformationType.similarity
