"""Measure the shift (px) that remains between aligned images."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from .._typing import Matrix
from ..kernels import Kernel
from ..kernels import Prepared

# The number of images that are measured.
MEASURED_IMAGES = 12

# px: the assumed shift if the correlation coefficient has no peak within 1 px, so that the shift is
# too large to be measured.
_FAR = 1.5

# px: from here on, the remaining shift is only a lower bound.
_LARGEST = 0.8

# The center, and one px to each side.
_STEPS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))


class PairShift(NamedTuple):
    """The shift of an aligned image relative to another one.

    :param rows: px.
    :param columns: px.
    :param curvature: curvature of the peak of the correlation coefficient, along the axis where it
        is smaller; 0 if there is no peak within 1 px, so that the shift is unknown.
    """

    rows: float
    columns: float
    curvature: float


NOT_MEASURED = PairShift(math.nan, math.nan, math.nan)
_OUT_OF_REACH = PairShift(math.nan, math.nan, 0.0)


def choose_images(number: int, reference: int) -> list[int]:
    """Choose at most 12 evenly spaced images other than the reference image."""
    others = [n for n in range(number) if n != reference]
    chosen = numpy.linspace(0, len(others) - 1, min(MEASURED_IMAGES, len(others)))
    return [others[round(n)] for n in chosen]


def measure_shift(
    kernel: Kernel, reference: Prepared, image: Prepared, matrix: Matrix | None
) -> PairShift:
    """Find the position of the highest correlation coefficient with a parabola along each axis
    through its values at -1, 0 and 1 px: ``(r[1] - r[-1]) / (2 (2 r[0] - r[1] - r[-1]))``. For
    images with opposite contrast, the position of the lowest one.

    :param reference: image that is moved by one px to each side. The same pixels are compared each
        time.
    :param image: image that is compared with it, aligned with `matrix`.
    :param matrix: passive matrix; see :meth:`.Kernel.compare`.
    """
    if min(reference.pixels.shape) < 3:
        return NOT_MEASURED
    holes = _find_holes(reference)
    moved = numpy.empty_like(reference.pixels)
    correlation = []
    for step in _STEPS:
        _move(reference, step, holes, moved)
        # The number of invalid pixels does not matter, only whether there are any.
        mse = kernel.compare(Prepared(moved, 1, 0), image, matrix).mse
        correlation.append(1 - mse / 2)
    if math.isnan(sum(correlation)):
        return NOT_MEASURED
    if correlation[0] < 0:  # opposite contrast, as below and above an absorption edge
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
    """Find the inner pixels for which one of the five compared pixels is invalid."""
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
    """Exclude the shifts of images that resemble no other image of their stack. An image that is
    bad in all stacks is kept, since the registration may be the reason.

    :param shifts: see :func:`find_remaining_shift`.
    :param bad: mask of the bad images, shape `(S, N)`.
    """
    bad = bad & ~bad.all(axis=0)
    shifts = shifts.copy()
    shifts[bad] = numpy.nan
    shifts[bad[:, reference], :, 0] = numpy.nan
    shifts[:, 1:, 1][bad[:, :-1]] = numpy.nan
    return shifts


def find_remaining_shift(shifts: NDArray[numpy.float64], weights: NDArray[numpy.float64]) -> float:
    """Compute the mean length of the shifts of all images, relative to the reference image or to
    the previous image, whichever is larger.

    The shift of one image is the vector mean over the stacks, weighted with the weight of the stack
    times the curvature; for the fraction of the stacks without a peak within 1 px it is 1.5 px.

    :param shifts: see :class:`.Inspection`, shape `(S, N, 2, 3)`.
    :param weights: the weights of the stacks, shape `(S,)`.
    :returns: px; NaN if nothing was measured. From about 0.8 px on it is a lower bound.
    """
    curvature = shifts[..., 2]
    measured = numpy.isfinite(curvature)
    weights = numpy.where(measured, weights[:, numpy.newaxis, numpy.newaxis], 0.0)
    sharpness = weights * numpy.nan_to_num(curvature)
    with numpy.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 if nothing was measured
        far = _sum(numpy.where(curvature == 0, weights, 0.0)) / _sum(weights)
        rows, columns = (
            _sum(sharpness * numpy.nan_to_num(shifts[..., axis])) / _sum(sharpness)
            for axis in (0, 1)
        )
    near = numpy.nan_to_num(numpy.hypot(rows, columns))
    lengths = far * _FAR + (1 - far) * near
    means = [each[numpy.isfinite(each)] for each in lengths.T]
    return max((float(each.mean()) for each in means if each.size), default=math.nan)


def describe_shift(remaining_shift: float) -> str:
    """``0.12 px``, or ``1 px or more`` where the number is only a lower bound."""
    return f"{remaining_shift:.2f} px" if remaining_shift < _LARGEST else "1 px or more"


def _sum(values: NDArray[numpy.float64]) -> NDArray[numpy.float64]:
    """Sum over the stacks, with the same result, bit for bit, for any order of the stacks."""
    return numpy.asarray(numpy.sort(values, axis=0).sum(axis=0))
