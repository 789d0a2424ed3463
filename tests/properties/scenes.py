"""Noise-free measurements with known motion, from one random seed."""

from __future__ import annotations

from typing import Any
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from ewoksndreg.transformation import Homography

from ..conftest import shift_matrix

# Contrasts of channels that show one sample.
_CONTRASTS = (lambda x: x, lambda x: 5 - 3 * x, numpy.exp, numpy.arctan)


class Measurement(NamedTuple):
    """Several channels of one moving sample, and what was registered from each.

    :param motion: of the images, px, shape `(N, 2)`; the first one is at rest.
    :param stacks: by name, shape `(N, H, W)`.
    :param registrations: by name N transformations.
    :param true_errors: of the registrations: root mean square distance (px), over all images but
        the first, between where a registration puts a point of the sample and where it is in the
        first image.
    """

    motion: NDArray[Any]
    stacks: dict[str, NDArray[Any]]
    registrations: dict[str, list[Homography]]
    true_errors: dict[str, float]


def sample(seed: int, shape: tuple[int, int]) -> Any:
    """A function that gives the image of a sample that moved by so many px, without any
    interpolation: a sum of waves whose amplitude falls with their frequency, as in photographs."""
    rng = numpy.random.default_rng(seed)
    count = 60
    wavelengths = numpy.exp(rng.uniform(numpy.log(5), numpy.log(2 * max(shape)), count))
    angles = rng.uniform(0, numpy.pi, count)
    frequencies = numpy.stack([numpy.sin(angles), numpy.cos(angles)]) / wavelengths
    phases = rng.uniform(0, 1, count)
    amplitudes = wavelengths / wavelengths.max()
    rows, columns = numpy.indices(shape).reshape(2, -1)

    def image(motion: Any) -> NDArray[Any]:
        places = numpy.stack([rows - motion[0], columns - motion[1]])
        waves = numpy.cos(2 * numpy.pi * (frequencies.T @ places + phases[:, None]))
        return (amplitudes @ waves).reshape(shape)

    return image


def measurement(
    seed: int, shape: tuple[int, int], images: int, step: float, errors: list[float]
) -> Measurement:
    """A sample that drifts, with one registration for each true error (px)."""
    rng = numpy.random.default_rng(seed)
    motion = numpy.cumsum(rng.normal(scale=step, size=(images, 2)), axis=0)
    motion -= motion[0]
    scene = sample(seed, shape)
    pictures = numpy.stack([scene(shift) for shift in motion])
    pictures /= numpy.abs(pictures).max()
    stacks, registrations, true_errors = {}, {}, {}
    for k, error in enumerate(errors):
        wrong = _wrong_shifts(rng, images)
        wrong *= error / numpy.sqrt((wrong[1:] ** 2).sum(axis=1).mean())
        stacks[f"s{k}"] = _CONTRASTS[k % len(_CONTRASTS)](pictures)
        registrations[f"s{k}"] = [Homography(shift_matrix(*shift)) for shift in motion + wrong]
        true_errors[f"s{k}"] = error
    return Measurement(motion, stacks, registrations, true_errors)


def _wrong_shifts(rng: numpy.random.Generator, images: int) -> NDArray[Any]:
    """Errors as registrations make them: of every image, adding up, of one image, of all but the
    first alike."""
    wrong = rng.normal(size=(images, 2))
    kind = rng.integers(4)
    if kind == 1:
        wrong = numpy.cumsum(wrong, axis=0)
    elif kind == 2:
        wrong[numpy.arange(images) != rng.integers(1, images)] = 0
    elif kind == 3:
        wrong[1:] = wrong[1]
    return wrong - wrong[0]
