"""What registration methods take and return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import NamedTuple
from typing import Protocol

import numpy
from numpy.typing import NDArray

from .._typing import Matrix
from ..kernels import Prepared

Points = NDArray[numpy.float64]


@dataclass(frozen=True, eq=False)
class Features:
    """Feature points of an image and their descriptors.

    :param coordinates: in px, rows and columns, shape `(2, M)`.
    :param descriptors: shape `(M, D)`.
    """

    coordinates: Points
    descriptors: NDArray[Any]

    def __len__(self) -> int:
        return int(self.coordinates.shape[1])

    def __getitem__(self, some: NDArray[Any]) -> Features:
        """Select features by index."""
        return Features(self.coordinates[:, some], self.descriptors[some])


class Alignment(NamedTuple):
    """The result of a method for one image.

    :param matrix: passive, ``reference[p] = image[matrix p]``, shape `(3, 3)`; None if none was
        found.
    :param features: the features of the image.
    :param matches: features of the reference image, and the features of the image that match them.
    """

    matrix: Matrix | None
    features: Features | None = None
    matches: tuple[Features, Features] | None = None


class Align(Protocol):
    """Aligns an image with its reference image, given in one stack or in several."""

    @property
    def reference(self) -> Alignment:
        """The result for the reference image itself."""

    def __call__(self, images: Sequence[Prepared], start: Matrix | None = None) -> Alignment:
        """Align an image.

        :param images: the image in each stack.
        :param start: a passive matrix, which is an additional starting point.
        """
