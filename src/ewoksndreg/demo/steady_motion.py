"""Simulate stacks of a picture that moves by the same step from image to image."""

from __future__ import annotations

from typing import Any
from typing import Literal
from typing import get_args

import numpy
from numpy.typing import NDArray
from scipy import ndimage

from .._messages import unknown_name
from .._typing import Matrix
from ..transformation import Homography
from .samples import PICTURES
from .samples import Sample
from .samples import load_gray

Noise = Literal["s&p", "uniform", "none"]

_ANGLE = numpy.deg2rad(4)

# The same pictures, and the one of a workflow of ewoksndreg 0.5.0.
STEADY_PICTURES = (*PICTURES, "cell")

# How a step changes the position of a pixel, relative to the image center.
_STEPS = {
    "identity": numpy.identity(3),
    "translation": numpy.array([[1, 0, -3], [0, 1, -2], [0, 0, 1]]),
    "rigid": numpy.array(
        [
            [numpy.cos(_ANGLE), -numpy.sin(_ANGLE), 0],
            [numpy.sin(_ANGLE), numpy.cos(_ANGLE), 0],
            [0, 0, 1],
        ]
    ),
    "similarity": numpy.diag([1 / 1.05, 1 / 1.05, 1]),
    "affine": numpy.array([[1, 0, 0], [numpy.tan(_ANGLE), 1, 0], [0, 0, 1]]),
    "projective": numpy.array([[1, 0, 0], [0, 1, 0], [-0.001, -0.001, 1]]),
}

# The fraction of the pixels, or of the range of the picture, by which the noise grows per stack.
_NOISE_STEP = 0.08


def make_steady_stacks(
    picture: str,
    transformation_type: str,
    *,
    shape: tuple[int, int] = (200, 220),
    images: int = 4,
    stacks: int = 3,
    noise: Noise = "s&p",
    seed: int = 0,
) -> Sample:
    """Simulate images of the middle of a picture that, depending on the type, moves by 3 rows and 2
    columns per image, rotates by 4 degrees, grows by 5 %, is sheared by 4 degrees or gains a
    perspective of 0.001 per px.

    :param picture: one of `STEADY_PICTURES`; it is flipped upside down, as in plots with the origin
        at the bottom.
    :param transformation_type: identity, translation, rigid, similarity, affine or projective.
    :param shape: `(H, W)` in px.
    :param images: number N of images.
    :param stacks: number of stacks, `stack_0` (without noise), `stack_1` and so on.
    :param noise: `"s&p"` makes 8 % of the pixels of `stack_1` black or white, 16 % of `stack_2` and
        so on; `"uniform"` adds up to 8 % of the full scale, 16 % and so on, of either sign.
    :param seed: the same seed gives the same noise.
    :raises ValueError: if the picture, type or noise is unknown.
    """
    for what, name, known in (
        ("picture", picture, STEADY_PICTURES),
        ("example of the transformation type", transformation_type, _STEPS),
        ("noise", noise, get_args(Noise)),
    ):
        if name not in known:
            raise ValueError(unknown_name(what, name, known))
    pixels = load_gray(picture)[::-1]
    middle = _shift(numpy.array(shape) / 2)
    step = middle @ _STEPS[transformation_type] @ numpy.linalg.inv(middle)
    truth = [numpy.linalg.matrix_power(step, n) for n in range(images)]
    in_picture = _shift((numpy.array(pixels.shape) - shape) // 2)
    views = numpy.stack([_view(pixels, in_picture @ numpy.linalg.inv(m), shape) for m in truth])
    rng = numpy.random.default_rng(seed)
    return Sample(
        stacks={
            f"stack_{k}": _add_noise(views, noise, k * _NOISE_STEP, rng) for k in range(stacks)
        },
        truth=[Homography(matrix) for matrix in truth],
    )


def _shift(shift: NDArray[Any]) -> Matrix:
    matrix = numpy.identity(3)
    matrix[:2, 2] = shift
    return matrix


def _view(
    picture: NDArray[numpy.float64], matrix: Matrix, shape: tuple[int, int]
) -> NDArray[numpy.float64]:
    pixels = numpy.stack([*numpy.indices(shape), numpy.ones(shape)])
    y, x, w = numpy.tensordot(matrix, pixels, 1)
    # Mirrored, because the sample continues beyond the edge of the picture.
    view = ndimage.map_coordinates(picture, [y / w, x / w], order=3, mode="mirror")
    return numpy.asarray(numpy.clip(view, 0, 1))


def _add_noise(
    views: NDArray[numpy.float64], noise: Noise, amount: float, rng: numpy.random.Generator
) -> NDArray[numpy.float64]:
    if noise == "none" or amount == 0:
        return views.copy()
    if noise == "uniform":
        return views + rng.uniform(-amount, amount, views.shape)
    spoiled = rng.random(views.shape) < amount
    return numpy.where(spoiled, rng.integers(0, 2, views.shape), views)
