"""The motion of the image corners."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

from ..transformation import Transformation
from .eval_metrics import move_corners


def move_all_corners(
    transformations: Sequence[Transformation], image_shape: tuple[int, ...]
) -> NDArray[numpy.float64]:
    """Apply the active transformation of each of N images to its corners; px, shape `(N, 2, 4)`,
    NaN if the transformation is singular or not finite."""
    corners = numpy.stack([move_corners(each, image_shape) for each in transformations])
    corners[~numpy.isfinite(corners).all(axis=(1, 2))] = numpy.nan
    return corners


def find_smoothness(corners: NDArray[numpy.float64], image_shape: tuple[int, ...]) -> float:
    """Compute :func:`.smoothness_eval`, skipping images without a transformation.

    :param corners: see :func:`move_all_corners`.
    :returns: 0 if there is no step; NaN if there is no transformation.
    """
    known = numpy.isfinite(corners[:, 0, 0])
    if not known.any():
        return numpy.nan
    steps = numpy.diff(corners, axis=0) / numpy.reshape(image_shape, (2, 1))
    lengths = numpy.hypot(steps[:, 0], steps[:, 1])[known[1:] & known[:-1]]
    return float(lengths.mean()) if lengths.size else 0.0
