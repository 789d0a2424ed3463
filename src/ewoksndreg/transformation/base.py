"""The abstract image transformation, and the composition of two."""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy
from numpy.typing import ArrayLike
from numpy.typing import NDArray

from .._typing import Matrix
from .types import TransformationType


class Transformation(ABC):
    """Abstract base class: aligns one image with the reference image of its stack.

    A subclass only needs :meth:`apply_coordinates` and :meth:`apply_data`. It may also have a
    `passive_matrix` and an `active_matrix` if a 3x3 matrix describes the transformation.
    ``a @ b`` is the transformation that applies first `a`, then `b`.

    :param transfo_type: kind of transformation, see :class:`.TransformationType`. The default, also
        of a subclass that does not call this constructor, is a displacement field.
    :raises ValueError: if the kind is unknown.

    >>> import numpy
    >>> from ewoksndreg import Transformation
    >>> class UpsideDown(Transformation):
    ...     def __init__(self, height):
    ...         super().__init__()
    ...         self.height = height
    ...
    ...     def apply_coordinates(self, coord):
    ...         rows, columns = coord
    ...         return numpy.stack([self.height - 1 - rows, columns])
    ...
    ...     def apply_data(self, image, *, cval=numpy.nan, interpolation_order=1):
    ...         return image[::-1]
    >>> UpsideDown(4).apply_coordinates(numpy.array([[0, 1], [5, 6]]))
    array([[3, 2],
           [5, 6]])
    """

    _transformation_type = TransformationType.displacement_field

    def __init__(
        self,
        transfo_type: TransformationType | str = TransformationType.displacement_field,
    ) -> None:
        self._transformation_type = TransformationType(transfo_type)

    @property
    def transformation_type(self) -> TransformationType:
        """The kind of transformation, which equals its name: `"translation"`, `"rigid"`, ..."""
        return self._transformation_type

    @abstractmethod
    def apply_coordinates(self, coord: ArrayLike) -> NDArray[Any]:
        """Map points of the image to the aligned image (the active transformation).

        :param coord: points in px, shape `(2, M)`, first the rows, then the columns.
        :returns: the mapped points in px, shape `(2, M)`.
        """

    @abstractmethod
    def apply_data(
        self,
        image: ArrayLike,
        *,
        cval: float = numpy.nan,
        interpolation_order: int = 1,
    ) -> NDArray[Any]:
        """Resample an image: each pixel of the result is the value at the position to which the
        passive transformation maps it.

        :param image: shape `(H, W)`, real numbers.
        :param cval: value of the pixels that come from outside the image.
        :param interpolation_order: order of the spline, from 0 (nearest pixel) and 1 (linear) to 5.
        :returns: the aligned image, shape `(H, W)`, floating point.
        """

    @property
    def passive_matrix(self) -> NDArray[Any]:
        """3x3 matrix in (row, column) order that maps a pixel of the aligned image to its position
        in the image: ``aligned[p] = image[passive_matrix p]``.

        :raises AttributeError: if no matrix describes the transformation.
        """
        raise AttributeError(f"{type(self).__name__} has no passive_matrix")

    @property
    def active_matrix(self) -> NDArray[Any]:
        """The inverse of `passive_matrix`: maps a point of the image to its position in the aligned
        image.

        :raises AttributeError: if no matrix describes the transformation.
        """
        raise AttributeError(f"{type(self).__name__} has no active_matrix")

    def between(self, reference: Transformation) -> Matrix | None:
        """Compute the passive matrix that aligns the image with the unaligned reference image,
        ``M inv(M_reference)``, shape `(3, 3)`.

        :param reference: the transformation of the reference image.
        :returns: the matrix, not finite if one of the two is singular. None if resampling with a
            matrix does not give what the two transformations give.
        """
        return None

    def __eq__(self, other: object) -> bool:
        """Whether both matrices are equal within the tolerance of :func:`numpy.allclose`. Without
        a matrix, a transformation equals only itself."""
        if not isinstance(other, Transformation):
            return NotImplemented
        if self is other:
            return True
        try:
            return bool(numpy.allclose(self.passive_matrix, other.passive_matrix))
        except AttributeError:
            return False

    # Equality with a tolerance is not transitive, so no hash can agree with it.
    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[object]:
        """Iterate over the attributes; ewoks computes a hash from these to cache results."""
        return iter(sorted(vars(self).items()))

    def __matmul__(self, other: Transformation) -> Transformation:
        """Compose: ``a @ b`` applies first `a`, then `b`."""
        if not isinstance(other, Transformation):
            return NotImplemented
        return Composite(self, other)


class Composite(Transformation):
    """The composition ``first @ second`` of transformations that have no common matrix."""

    def __init__(self, first: Transformation, second: Transformation) -> None:
        super().__init__(TransformationType.composite)
        self._first = first
        self._second = second

    def __repr__(self) -> str:
        return f"Composite({self._first!r}, {self._second!r})"

    def apply_coordinates(self, coord: ArrayLike) -> NDArray[Any]:
        return self._second.apply_coordinates(self._first.apply_coordinates(coord))

    def apply_data(
        self,
        image: ArrayLike,
        *,
        cval: float = numpy.nan,
        interpolation_order: int = 1,
    ) -> NDArray[Any]:
        aligned = self._apply_both(image, interpolation_order)
        if not numpy.isnan(cval):
            # Not before the second step, which would interpolate between `cval` and pixels.
            inside = numpy.zeros(aligned.shape, dtype=aligned.dtype)
            aligned[numpy.isnan(self._apply_both(inside, interpolation_order))] = cval
        return aligned

    def _apply_both(self, image: ArrayLike, order: int) -> NDArray[Any]:
        aligned = self._first.apply_data(image, cval=numpy.nan, interpolation_order=order)
        return self._second.apply_data(aligned, cval=numpy.nan, interpolation_order=order)

    @property
    def passive_matrix(self) -> NDArray[Any]:
        return numpy.asarray(self._first.passive_matrix @ self._second.passive_matrix)

    @property
    def active_matrix(self) -> NDArray[Any]:
        return numpy.asarray(self._second.active_matrix @ self._first.active_matrix)
