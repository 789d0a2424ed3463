"""What the methods have in common."""

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
    """What a method finds for one image.

    :param matrix: passive, ``reference[p] = image[matrix p]``, shape `(3, 3)`; None where it finds
        none.
    :param features: of the image.
    :param matches: some features of the reference image and those that they match.
    """

    matrix: Matrix | None
    features: Features | None = None
    matches: tuple[Features, Features] | None = None


class Align(Protocol):
    """Brings an image onto its reference image, as one stack shows them or several together."""

    @property
    def reference(self) -> Alignment:
        """Of the reference image itself."""

    def __call__(self, images: Sequence[Prepared]) -> Alignment:
        """:param images: the image in each stack."""
