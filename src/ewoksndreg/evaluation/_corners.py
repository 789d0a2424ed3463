"""How a registration moves the corners of the images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

from ..transformation import Transformation
from .eval_metrics import moved_corners


def move_all_corners(
    transformations: Sequence[Transformation], image_shape: tuple[int, ...]
) -> NDArray[numpy.float64]:
    """The corners of each of N images after its active transformation, px, shape `(N, 2, 4)`; NaN
    where it is singular or not finite."""
    corners = numpy.stack([moved_corners(each, image_shape) for each in transformations])
    corners[~numpy.isfinite(corners).all(axis=(1, 2))] = numpy.nan
    return corners


def find_smoothness(corners: NDArray[numpy.float64], image_shape: tuple[int, ...]) -> float:
    """:func:`.smoothness_eval` over the steps from one image to the next that exist.

    :param corners: see :func:`move_all_corners`.
    :returns: 0 where there is no step; NaN where there is no transformation.
    """
    known = numpy.isfinite(corners[:, 0, 0])
    if not known.any():
        return numpy.nan
    steps = numpy.diff(corners, axis=0) / numpy.reshape(image_shape, (2, 1))
    lengths = numpy.hypot(steps[:, 0], steps[:, 1])[known[1:] & known[:-1]]
    return float(lengths.mean()) if lengths.size else 0.0
