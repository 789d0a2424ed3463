"""Simulate samples with a known motion, measured in several channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Literal
from typing import get_args

import numpy
import skimage.color
import skimage.data
from numpy.typing import NDArray
from scipy import ndimage

from .._messages import unknown_name
from ..transformation import Homography
from ..transformation import Transformation
from ._channels import make_element_maps

Motion = Literal["translation", "rigid", "affine"]

# Pictures in the wheel of scikit-image: nothing is downloaded.
PICTURES = (
    "astronaut",
    "brick",
    "camera",
    "chelsea",
    "coffee",
    "coins",
    "grass",
    "gravel",
    "hubble_deep_field",
    "immunohistochemistry",
    "moon",
    "page",
    "retina",
    "rocket",
)

# Standard deviations of the steps of linear distortion and rotation from image to image.
_DISTORTION_STEP = 0.006
_ROTATION_STEP = numpy.deg2rad(0.7)


@dataclass(frozen=True, eq=False)
class Sample:
    """Stacks of images of one sample and its true motion.

    :param stacks: N images for each channel, shape `(N, H, W)`.
    :param truth: the N transformations that align the images with the reference image.
    """

    stacks: dict[str, NDArray[Any]]
    truth: list[Homography]


def make_sample(
    picture: str = "coins",
    *,
    motion: Motion = "translation",
    images: int = 12,
    size: int = 256,
    step: float = 1.2,
    dose: float = 1.0,
    seed: int = 0,
) -> Sample:
    """Simulate images of a moving picture.

    The position changes by a random step before each image. So does the angle if the motion is
    rigid, and also the four coefficients of a linear map if it is affine.

    :param picture: one of `PICTURES`.
    :param motion: how the sample may move.
    :param images: number N of images.
    :param size: height and width of the images in px.
    :param step: standard deviation of the steps along rows and columns in px.
    :param dose: number of photons relative to a typical measurement.
    :param seed: the same seed gives the same sample.
    :raises ValueError: if the picture or motion is unknown.
    """
    if picture not in PICTURES:
        raise ValueError(unknown_name("picture", picture, PICTURES))
    if motion not in get_args(Motion):
        raise ValueError(unknown_name("motion", motion, get_args(Motion)))
    rng = numpy.random.default_rng(seed)
    places = _make_walk(motion, images, size, step, rng)
    views = _make_views(load_gray(picture), places, size)
    return Sample(
        stacks=make_element_maps(views, dose=dose, rng=rng),
        truth=[Homography(numpy.linalg.inv(place) @ places[0]) for place in places],
    )


def true_error(
    transformations: Sequence[Transformation],
    truth: Sequence[Transformation],
    shape: tuple[int, ...],
) -> float:
    """Compute the distance between the positions of a point of the sample in the aligned reference
    image and in the other aligned images.

    :param transformations: the N transformations that were found.
    :param truth: the N transformations of `Sample.truth`.
    :param shape: shape of the images, `(H, W)`.
    :returns: root mean square in px over all pixels of all images except the reference image;
        infinite if a point is not in an aligned image.
    :raises ValueError: if the two have different lengths.
    """
    pixels = numpy.indices(shape).reshape(2, -1)
    sample = truth[0].apply_coordinates(pixels)
    first = transformations[0].apply_coordinates(pixels)
    squares = []
    for found, true in zip(transformations[1:], truth[1:], strict=True):
        in_image = Homography(true.active_matrix).apply_coordinates(sample)
        distances = found.apply_coordinates(in_image) - first
        squares.append(numpy.mean(numpy.sum(distances**2, axis=0)))
    error = float(numpy.sqrt(numpy.mean(squares)))
    return error if numpy.isfinite(error) else numpy.inf


def load_gray(name: str) -> NDArray[numpy.float64]:
    """Load a picture as gray values from 0 to 1."""
    picture = getattr(skimage.data, name)()
    if picture.ndim == 3:
        picture = skimage.color.rgb2gray(picture[..., :3])
    low, high = picture.min(), picture.max()
    return numpy.asarray((picture - float(low)) / float(high - low), dtype=numpy.float64)


def _make_walk(
    motion: Motion, images: int, size: int, step: float, rng: numpy.random.Generator
) -> list[NDArray[numpy.float64]]:
    """Make the matrices that map the pixels of each image to the positions of the same points of
    the sample in the reference image."""

    def walk(scale: float, *shape: int) -> NDArray[numpy.float64]:
        path = rng.normal(scale=scale, size=(images, *shape)).cumsum(axis=0)
        return numpy.asarray(path - path[0])

    shifts = walk(step, 2)
    angles = walk(_ROTATION_STEP)
    distortions = walk(_DISTORTION_STEP, 2, 2)
    center = numpy.full(2, (size - 1) / 2)
    places = []
    for shift, angle, distortion in zip(shifts, angles, distortions, strict=True):
        linear = numpy.identity(2)
        if motion != "translation":
            cos, sin = numpy.cos(angle), numpy.sin(angle)
            linear = numpy.array([[cos, -sin], [sin, cos]])
        if motion == "affine":
            linear = linear @ (numpy.identity(2) + distortion)
        place = numpy.identity(3)
        place[:2, :2] = linear
        place[:2, 2] = center - linear @ center + shift
        places.append(place)
    return places


def _make_views(
    picture: NDArray[numpy.float64], places: Sequence[NDArray[numpy.float64]], size: int
) -> NDArray[numpy.float64]:
    """Cut the middle of the moving picture for each image, shape `(N, size, size)`, 0 to 1."""
    middle = numpy.identity(3)
    middle[:2, 2] = (numpy.array(picture.shape) - size) / 2
    views = numpy.empty((len(places), size, size))
    for view, place in zip(views, places, strict=True):
        matrix = middle @ place
        # Cubic, because linear interpolation would blur; mirrored, because the sample continues
        # beyond the edge of the picture.
        ndimage.affine_transform(
            picture, matrix[:2, :2], matrix[:2, 2], output=view, order=3, mode="mirror"
        )
    numpy.clip(views, 0, 1, out=views)
    return views
