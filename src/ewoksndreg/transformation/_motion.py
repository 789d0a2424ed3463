"""The motion that a registration corrects: shift, rotation and scale of each image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from .base import Transformation


@dataclass(frozen=True, eq=False)
class Motion:
    """How far a registration shifts, rotates and scales each of N images.

    All arrays have the shape `(N,)`; NaN where a transformation diverged.

    :param rows: shift of the image center along the rows (down), px.
    :param columns: shift of the image center along the columns (to the right), px.
    :param rotation: rotation of the middle of the image, degrees, positive counterclockwise on the
        screen, where row 0 is at the top.
    :param scale: magnification of the middle of the image, percent; 0 keeps the size.
    """

    rows: NDArray[numpy.float64]
    columns: NDArray[numpy.float64]
    rotation: NDArray[numpy.float64]
    scale: NDArray[numpy.float64]

    @property
    def diverged(self) -> tuple[int, ...]:
        """Images whose transformation is singular or not finite."""
        return tuple(int(n) for n in numpy.flatnonzero(numpy.isnan(self.rows)))


def find_motion(transformations: Sequence[Transformation], image_shape: tuple[int, int]) -> Motion:
    """Compute the shift, rotation and scale of each image.

    The image center and four points halfway to the edges are moved with
    :meth:`.Transformation.apply_coordinates`; no matrix is needed. Let J be the linear map from the
    distances of these points to the distances of the moved points (exact for affine
    transformations, an average over the middle of the image for others). The rotation is that of
    the rotation matrix nearest to J, ``atan2(J[1, 0] - J[0, 1], J[0, 0] + J[1, 1])``, and the scale
    is ``sqrt(abs(det J))``.

    :param transformations: N transformations.
    :param image_shape: `(H, W)` in px.

    >>> from ewoksndreg import as_transformations
    >>> from ewoksndreg.transformation import find_motion
    >>> motion = find_motion(as_transformations([(0, 0), (1.5, -2)]), (64, 64))
    >>> motion.rows, motion.columns
    (array([ 0. , -1.5]), array([0., 2.]))
    """
    size = numpy.array(image_shape)
    center = (size - 1) / 2
    steps = numpy.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]]) * size / 4
    points = (center + steps).T
    moved = numpy.array([each.apply_coordinates(points) for each in transformations], dtype=float)
    moved = moved.reshape(-1, 2, 5)
    moved[~numpy.isfinite(moved).all(axis=(1, 2))] = numpy.nan

    jacobian = (moved[:, :, [1, 3]] - moved[:, :, [2, 4]]) / (size / 2)
    (drr, drc), (dcr, dcc) = jacobian[:, 0].T, jacobian[:, 1].T
    shift = moved[:, :, 0] - center
    return Motion(
        rows=shift[:, 0],
        columns=shift[:, 1],
        rotation=numpy.rad2deg(numpy.arctan2(dcr - drc, drr + dcc)),
        scale=100 * (numpy.sqrt(numpy.abs(drr * dcc - drc * dcr)) - 1),
    )
