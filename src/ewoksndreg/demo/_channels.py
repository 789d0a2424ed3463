"""Simulate the channels of one moving sample, as detectors measure them."""

from typing import Any

import numpy
from numpy.typing import NDArray
from scipy import ndimage

Views = NDArray[numpy.float64]


def make_element_maps(
    views: Views, *, dose: float, rng: numpy.random.Generator
) -> dict[str, NDArray[Any]]:
    """Simulate six channels of the same sample that differ as in real measurements.

    :param views: noise-free images, shape `(N, H, W)`, 0 to 1.
    :param dose: number of photons relative to a typical measurement; fewer give more noise.
    :param rng: source of the noise.
    :returns: six stacks of shape `(N, H, W)`.
    """
    return {
        "Ca-K": _make_strong(views, dose, rng),
        "Fe-K": _make_weak(views, dose, rng),
        "S-K": _make_fading(views, dose, rng),
        "As-K": _make_nearly_empty(views, dose, rng),
        "Ar-K": _make_static_pattern(views, dose, rng),
        "Compton": _make_inverted(views, dose, rng),
    }


def _make_strong(views: Views, dose: float, rng: numpy.random.Generator) -> NDArray[Any]:
    """Thousands of counts, in mass fractions below 1e-3."""
    return (rng.poisson(dose * (2000 * views + 50)) * (1e-3 / (2050 * dose))).astype(numpy.float32)


def _make_weak(views: Views, dose: float, rng: numpy.random.Generator) -> NDArray[Any]:
    """A few counts per pixel."""
    return rng.poisson(dose * (8 * views + 0.5)).astype(numpy.float32)


def _make_fading(views: Views, dose: float, rng: numpy.random.Generator) -> NDArray[Any]:
    """Counts that fade from image to image with radiation damage."""
    left = numpy.linspace(1, 0.4, len(views))[:, numpy.newaxis, numpy.newaxis]
    return rng.poisson(dose * (60 * views * left + 2)).astype(numpy.uint16)


def _make_nearly_empty(views: Views, dose: float, rng: numpy.random.Generator) -> NDArray[Any]:
    """An element in a few spots only, with few counts."""
    spots = views > numpy.quantile(views, 0.985)
    return rng.poisson(dose * (0.1 * spots + 0.01)).astype(numpy.uint16)


def _make_static_pattern(views: Views, dose: float, rng: numpy.random.Generator) -> NDArray[Any]:
    """A static detector pattern on top of a sample with low contrast."""
    shape = views.shape[1:]
    grain: Views = ndimage.gaussian_filter(rng.normal(size=shape), 0.8)
    stripes = numpy.arange(shape[1]) % 16 == 0
    gain = numpy.exp(0.25 * grain / grain.std()) + 0.05 * stripes
    counts = rng.poisson(dose * 1600 * (1 + 0.5 * views))
    return numpy.asarray(gain * counts / 40, dtype=numpy.float32)


def _make_inverted(views: Views, dose: float, rng: numpy.random.Generator) -> NDArray[Any]:
    """Smooth, with inverted contrast and values up to 1e5."""
    smooth: Views = ndimage.gaussian_filter(views, (0, 1.5, 1.5))
    noise = rng.normal(scale=2e3 / numpy.sqrt(dose), size=views.shape)
    return 1e5 * (1 - smooth) ** 2 + noise
