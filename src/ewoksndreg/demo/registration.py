"""Register one stack by itself with scikit-image."""

from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import ArrayLike
from numpy.typing import NDArray
from skimage.registration import phase_cross_correlation

from ..transformation import Homography

# The shifts are found in steps of 1/20 px.
_UPSAMPLING = 20


def register(stack: Sequence[ArrayLike] | NDArray[Any]) -> list[Homography]:
    """Find the translation that brings each image onto the reference image, image 0.

    :param stack: N images of shape `(H, W)`.
    :returns: N transformations. That of the reference image is the identity, and so is that of an
        empty image.
    """
    reference = numpy.asarray(stack[0])
    transformations = []
    for n in range(len(stack)):
        image = numpy.asarray(stack[n])
        matrix = numpy.identity(3)
        if n > 0 and reference.any() and image.any():
            shift, _, _ = phase_cross_correlation(  # type: ignore[no-untyped-call, unused-ignore]
                reference, image, upsample_factor=_UPSAMPLING, normalization=None
            )
            # scikit-image says how far the image moves, a passive matrix where it comes from.
            matrix[:2, 2] = -shift
        transformations.append(Homography(matrix))
    return transformations
