"""The interface of the registration methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import NamedTuple
from typing import Protocol

from .._typing import Matrix
from ..kernels import Prepared

if TYPE_CHECKING:
    from ._features import Features


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
