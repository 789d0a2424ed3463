"""What a registration does to the images, in numbers that can be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from .base import Transformation


@dataclass(frozen=True, eq=False)
class Motion:
    """How far a registration shifts, rotates and scales each of N images, shape `(N,)` each.

    NaN where a transformation diverged.

    :param rows: by how much the center of the image is moved down, px.
    :param columns: by how much it is moved to the right, px.
    :param rotation: of the middle of the image, degrees, positive counterclockwise as seen on
        the screen, where rows run down.
    :param scale: by how much the middle of the image grows, percent; 0 keeps its size.
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
    """Follow the center of the images and four points half-way to the edges.

    The points are moved with :meth:`.Transformation.apply_coordinates`, so that no matrix is
    needed. With the linear map J from a step in the image to the step between the moved points
    (exact for affine transformations, a mean over the middle of the image for others), the
    rotation is that of the rotation matrix nearest to J, ``atan2(J[1, 0] - J[0, 1], J[0, 0] +
    J[1, 1])``, and the scale ``sqrt(abs(det J))``.

    :param transformations: N transformations.
    :param image_shape: `(H, W)` in px.
    """
    height, width = image_shape
    center = numpy.array([[(height - 1) / 2], [(width - 1) / 2]])
    half_steps = numpy.array([height / 4, width / 4])
    points = center + numpy.array(
        [
            [0, half_steps[0], -half_steps[0], 0, 0],
            [0, 0, 0, half_steps[1], -half_steps[1]],
        ]
    )
    moved = numpy.empty((len(transformations), 2, 5))
    for n, transformation in enumerate(transformations):
        moved[n] = transformation.apply_coordinates(points)
    moved[~numpy.isfinite(moved).all(axis=(1, 2))] = numpy.nan

    jacobian = (moved[:, :, [1, 3]] - moved[:, :, [2, 4]]) / (2 * half_steps)
    (drr, drc), (dcr, dcc) = jacobian[:, 0].T, jacobian[:, 1].T
    shift = moved[:, :, 0] - center[:, 0]
    return Motion(
        rows=shift[:, 0],
        columns=shift[:, 1],
        rotation=numpy.rad2deg(numpy.arctan2(dcr - drc, drr + dcc)),
        scale=100 * (numpy.sqrt(numpy.abs(drr * dcc - drc * dcr)) - 1),
    )
