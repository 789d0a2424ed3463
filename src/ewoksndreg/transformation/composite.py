"""Two transformations, one after the other."""

from typing import Any

import numpy
from numpy.typing import ArrayLike
from numpy.typing import NDArray

from .base import Transformation
from .types import TransformationType


class Composite(Transformation):
    """What ``first @ second`` is when no single transformation can stand for both.

    :param first: applied first.
    :param second: applied to the result of the first.
    """

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
        aligned = self._both(image, interpolation_order)
        if not numpy.isnan(cval):
            # Only afterwards: the second step would mix it with the pixels of the image.
            inside = numpy.zeros(aligned.shape, dtype=aligned.dtype)
            aligned[numpy.isnan(self._both(inside, interpolation_order))] = cval
        return aligned

    def _both(self, image: ArrayLike, order: int) -> NDArray[Any]:
        aligned = self._first.apply_data(image, cval=numpy.nan, interpolation_order=order)
        return self._second.apply_data(aligned, cval=numpy.nan, interpolation_order=order)

    @property
    def passive_matrix(self) -> NDArray[Any]:
        return numpy.asarray(self._first.passive_matrix @ self._second.passive_matrix)

    @property
    def active_matrix(self) -> NDArray[Any]:
        return numpy.asarray(self._second.active_matrix @ self._first.active_matrix)
