"""How far (px) aligned images still lie apart."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from .._typing import Matrix
from ..kernels import Kernel
from ..kernels import Prepared

# Images that are measured.
MEASURED_IMAGES = 12

# Where the correlation coefficient has no peak within 1 px, the images lie further apart than can
# be measured: about so many px.
_FAR = 1.5

# The middle, and one px to each side.
_STEPS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))


class PairShift(NamedTuple):
    """By how much an aligned image lies beside another one.

    :param rows: px.
    :param columns: px.
    :param curvature: how sharp the peak of the correlation coefficient is, along the axis where it
        is less sharp; 0 where there is no peak within 1 px, so that the shift is not known.
    """

    rows: float
    columns: float
    curvature: float


NOT_MEASURED = PairShift(math.nan, math.nan, math.nan)
_OUT_OF_REACH = PairShift(math.nan, math.nan, 0.0)


def choose_images(number: int, reference: int) -> list[int]:
    """At most 12 images but the reference image, spread evenly."""
    others = [n for n in range(number) if n != reference]
    chosen = numpy.linspace(0, len(others) - 1, min(MEASURED_IMAGES, len(others)))
    return [others[round(n)] for n in chosen]


def measure_shift(
    kernel: Kernel, reference: Prepared, image: Prepared, matrix: Matrix | None
) -> PairShift:
    """The place of the highest correlation coefficient, from a parabola along each axis through its
    values at -1, 0 and 1 px: ``(r[1] - r[-1]) / (2 (2 r[0] - r[1] - r[-1]))``. Of images with
    opposite contrast, the lowest one.

    :param reference: is moved by one px to each side. The pixels that are compared are the same
        each time.
    :param image: is compared with it, aligned by `matrix`.
    :param matrix: passive matrix; see :meth:`.Kernel.compare`.
    """
    if min(reference.pixels.shape) < 3:
        return NOT_MEASURED
    holes = _find_holes(reference)
    moved = numpy.empty_like(reference.pixels)
    correlation = []
    for step in _STEPS:
        _move(reference, step, holes, moved)
        # How many are invalid does not matter, only whether there are some.
        mse = kernel.compare(Prepared(moved, 1, 0), image, matrix).mse
        correlation.append(1 - mse / 2)
    if math.isnan(sum(correlation)):
        return NOT_MEASURED
    if correlation[0] < 0:  # opposite contrast: an absorption edge lies between them
        correlation = [-r for r in correlation]
    middle, down, up, right, left = correlation
    curvatures = 2 * middle - down - up, 2 * middle - right - left
    if min(curvatures) <= 0:
        return _OUT_OF_REACH
    rows, columns = (
        (after - before) / (2 * curvature)
        for after, before, curvature in zip((down, right), (up, left), curvatures, strict=True)
    )
    if max(abs(rows), abs(columns)) > 1:
        return _OUT_OF_REACH
    return PairShift(rows, columns, min(curvatures))


def _find_holes(reference: Prepared) -> NDArray[numpy.bool_] | None:
    """Inner pixels of which one of the five that are compared with them is invalid."""
    if not reference.invalid:
        return None
    invalid = numpy.isnan(reference.pixels)
    holes = numpy.zeros_like(invalid[1:-1, 1:-1])
    for step in _STEPS:
        holes |= invalid[_inner(step, invalid.shape)]
    return holes


def _move(
    reference: Prepared,
    step: tuple[int, int],
    holes: NDArray[numpy.bool_] | None,
    out: NDArray[numpy.float32],
) -> None:
    """``out[p] = reference[p + step]``; the pixels at the edge are invalid."""
    out[[0, -1]] = numpy.nan
    out[:, [0, -1]] = numpy.nan
    inner = out[1:-1, 1:-1]
    inner[...] = reference.pixels[_inner(step, out.shape)]
    if holes is not None:
        numpy.copyto(inner, numpy.float32(numpy.nan), where=holes)


def _inner(step: tuple[int, int], shape: tuple[int, ...]) -> tuple[slice, slice]:
    rows, columns = (
        slice(1 + each, size - 1 + each) for each, size in zip(step, shape, strict=True)
    )
    return rows, columns


def leave_out_bad_images(
    shifts: NDArray[numpy.float64], bad: NDArray[numpy.bool_], reference: int
) -> NDArray[numpy.float64]:
    """The shifts without those of images that resemble no other image of their stack. An image that
    is bad in all stacks stays: it may be the registration that is wrong there.

    :param shifts: see :func:`find_remaining_shift`.
    :param bad: shape `(S, N)`.
    """
    bad = bad & ~bad.all(axis=0)
    shifts = shifts.copy()
    shifts[bad] = numpy.nan
    shifts[bad[:, reference], :, 0] = numpy.nan
    shifts[:, 1:, 1][bad[:, :-1]] = numpy.nan
    return shifts


def find_remaining_shift(shifts: NDArray[numpy.float64], weights: NDArray[numpy.float64]) -> float:
    """The mean length of the shifts of all images, the larger one of that against the reference
    image and against the previous image.

    The shift of one image is the mean over the stacks, as a vector, each with the weight of the
    stack times the curvature; for the share of the stacks where there is no peak within 1 px it is
    1.5 px.

    :param shifts: see :class:`.Inspection`, shape `(S, N, 2, 3)`.
    :param weights: of the stacks, shape `(S,)`.
    :returns: px; NaN where nothing was measured. From about 0.8 px on it is a lower bound.
    """
    curvature = shifts[..., 2]
    measured = numpy.isfinite(curvature)
    weights = numpy.where(measured, weights[:, numpy.newaxis, numpy.newaxis], 0.0)
    sharpness = weights * numpy.nan_to_num(curvature)
    with numpy.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 where nothing was measured
        far = _sum(numpy.where(curvature == 0, weights, 0.0)) / _sum(weights)
        rows, columns = (
            _sum(sharpness * numpy.nan_to_num(shifts[..., axis])) / _sum(sharpness)
            for axis in (0, 1)
        )
    near = numpy.nan_to_num(numpy.hypot(rows, columns))
    lengths = far * _FAR + (1 - far) * near
    means = [each[numpy.isfinite(each)] for each in lengths.T]
    return max((float(each.mean()) for each in means if each.size), default=math.nan)


def _sum(values: NDArray[numpy.float64]) -> NDArray[numpy.float64]:
    """Over the stacks, whatever their order, to the last bit."""
    return numpy.asarray(numpy.sort(values, axis=0).sum(axis=0))
