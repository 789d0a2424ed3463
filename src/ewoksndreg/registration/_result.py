"""What registration methods take and return, for an image and for a stack."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import NamedTuple
from typing import Protocol

import numpy
from numpy.typing import NDArray

from .._messages import list_numbers
from .._typing import Matrix
from ..kernels import Prepared
from ..transformation import Homography
from ..transformation import TransformationType

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


@dataclass(frozen=True, eq=False)
class Registration:
    """The transformations that align the N images of a stack with its reference image.

    :param transformations: one per image: the identity for the reference image, a matrix of NaN for
        an image that failed.
    :param correlation: Pearson correlation coefficient of each aligned image with the reference
        image, both prepared as for a ranking (:meth:`.Kernel.prepare`), over their common valid
        pixels, shape `(N,)`. Negative if the contrast is inverted, NaN if they cannot be compared.
        For several stacks, the mean of the absolute values.
    :param failed: the images that could not be registered, with the reasons.
    :param transformation_type: the type of the transformations.
    :param reference_image: index of the reference image.
    :param features: the features of each image; None for `"intensities"`.
    :param matches: for each image, features of the reference image and the matching features of the
        image, in the same order; None for the reference image and for `"intensities"`.
    """

    transformations: tuple[Homography, ...]
    correlation: NDArray[numpy.float64]
    failed: Mapping[int, str]
    transformation_type: TransformationType
    reference_image: int
    features: tuple[Features | None, ...]
    matches: tuple[tuple[Features, Features] | None, ...]

    @property
    def succeeded(self) -> NDArray[numpy.bool_]:
        """Which of the images were registered, shape `(N,)`."""
        return numpy.array([n not in self.failed for n in range(len(self.transformations))])

    @property
    def warning(self) -> str | None:
        """A sentence that names the images that failed; None if there are none."""
        if not self.failed:
            return None
        number, total = len(self.failed), len(self.transformations)
        by_reason: dict[str, list[int]] = {}
        for n, why in self.failed.items():
            by_reason.setdefault(why, []).append(n)
        named = (f"{list_numbers('image', each)} ({why})" for why, each in by_reason.items())
        return f"{number} of {total} images could not be registered: {', '.join(named)}"
