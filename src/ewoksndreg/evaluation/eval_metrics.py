"""The two measures of ewoksndreg 0.5.0, and the motion of the image corners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import ArrayLike
from numpy.typing import NDArray

from .._pixels import as_floating
from ..transformation import Transformation


def mse_eval(stack: Sequence[ArrayLike] | NDArray[Any], reference_image: int) -> float:
    """Compute the mean squared error between the images of an aligned stack and one of them.

    ``(1 / N) sum_n nanmean((stack[reference_image] - stack[n])**2)``, where N includes the
    reference image itself, whose error is 0. This is the definition of ewoksndreg 0.5.0.

    :param stack: N aligned images, shape `(N, H, W)`.
    :param reference_image: index of the image with which the others are compared.
    :returns: error in squared units of the pixels; NaN if an image has no finite pixels in common
        with the reference image, or there are no images.
    :raises ValueError: if the images differ in shape or do not have two dimensions.
    :raises TypeError: if the pixels are not real numbers.
    :raises IndexError: if the reference image does not exist.

    >>> import numpy
    >>> from ewoksndreg import mse_eval
    >>> mse_eval(numpy.array([[[0.0]], [[1.0]], [[2.0]]]), 1)
    0.6666666666666666
    """
    if len(stack) == 0:
        return numpy.nan
    reference = as_floating(stack[reference_image]).astype(numpy.float64)
    errors = [_mean_squared_error(reference, as_floating(image)) for image in stack]
    return float(numpy.mean(errors))


def _mean_squared_error(
    reference: NDArray[numpy.float64], image: NDArray[numpy.floating[Any]]
) -> float:
    if image.shape != reference.shape:
        raise ValueError(
            f"An image has the shape {image.shape}, the reference image {reference.shape}"
        )
    with numpy.errstate(invalid="ignore", over="ignore"):  # inf - inf is an invalid pixel
        squares = (reference - image) ** 2
    valid = ~numpy.isnan(squares)
    if not valid.any():
        return numpy.nan
    return float(squares[valid].mean())


def smoothness_eval(transformations: Sequence[Transformation], img_size: Sequence[int]) -> float:
    """Compute the mean step of the image corners from one transformation to the next.

    This is the mean over the N - 1 steps and the 4 corners of ``||(corner_n - corner_(n-1)) / (H,
    W)||``, where corner_n is a corner of the image, `(0 or H, 0 or W)`, after the active
    transformation n. Small values are smooth. This is the definition of ewoksndreg 0.5.0.

    :param transformations: N transformations in the order of the images.
    :param img_size: `(H, W)` in px.
    :returns: step as a fraction of the image size; 0 for one transformation; not finite if a
        transformation gives a corner position that is not finite.

    >>> from ewoksndreg import as_transformations, smoothness_eval
    >>> smoothness_eval(as_transformations([(0, 0), (3, 0), (3, 0)]), (100, 200))
    0.015
    """
    if len(transformations) < 2:
        return 0.0
    corners = numpy.stack([_move_corners(each, img_size) for each in transformations])
    return float(_find_step_lengths(corners, img_size).mean())


def _move_corners(
    transformation: Transformation, img_size: Sequence[int]
) -> NDArray[numpy.float64]:
    """Apply the active transformation to the four corners of the image; px, shape `(2, 4)`."""
    height, width = img_size
    corners = numpy.array([[0, 0, height, height], [0, width, 0, width]], dtype=numpy.float64)
    return numpy.asarray(transformation.apply_coordinates(corners), dtype=numpy.float64)


def move_corners(
    transformations: Sequence[Transformation], image_shape: tuple[int, ...]
) -> NDArray[numpy.float64]:
    """Apply the active transformation of each of N images to its corners; px, shape `(N, 2, 4)`,
    NaN if the transformation is singular or not finite."""
    corners = numpy.stack([_move_corners(each, image_shape) for each in transformations])
    corners[~numpy.isfinite(corners).all(axis=(1, 2))] = numpy.nan
    return corners


def find_smoothness(corners: NDArray[numpy.float64], image_shape: tuple[int, ...]) -> float:
    """Compute :func:`.smoothness_eval`, skipping images without a transformation.

    :param corners: see :func:`move_corners`.
    :returns: 0 if there is no step; NaN if there is no transformation.
    """
    known = numpy.isfinite(corners[:, 0, 0])
    if not known.any():
        return numpy.nan
    lengths = _find_step_lengths(corners, image_shape)[known[1:] & known[:-1]]
    return float(lengths.mean()) if lengths.size else 0.0


def _find_step_lengths(
    corners: NDArray[numpy.float64], image_shape: Sequence[int]
) -> NDArray[numpy.float64]:
    """Find the step of each corner from one image to the next, shape `(N - 1, 4)`."""
    with numpy.errstate(all="ignore"):
        steps = numpy.diff(corners, axis=0) / numpy.reshape(image_shape, (2, 1))
        return numpy.asarray(numpy.hypot(steps[:, 0], steps[:, 1]))
