"""The inner loops, compiled by numba.

Why they are fast: values that are computed for a pixel are used before they are written to memory;
a row is summed in float32 with vector instructions, and the rows are added in float64; along a row
of a rotated image, the four neighbors stay in the same two rows for ``1 / sin(angle)`` pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy
from numpy.typing import NDArray

from .._typing import Matrix
from ._geometry import ON_PIXEL
from ._geometry import ROUNDING
from ._geometry import find_inside
from ._geometry import find_translation
from ._geometry import is_affine
from ._geometry import places_from_center
from ._geometry import split_shift
from ._kernel import Prepared
from ._kernel import Scale
from ._resample import resample_linear

# Not `nnan`: NaN marks invalid pixels.
_FAST_MATH = {"reassoc", "contract", "arcp", "nsz"}

_ZERO, _HALF, _ONE, _FOUR, _SIX = (numpy.float32(value) for value in (0, 0.5, 1, 4, 6))
_NAN = numpy.float32(numpy.nan)
_WEIGHT_OF_ALL = numpy.float32(1 / 16**2)

# Pixels. Shorter runs take longer than looking up each pixel separately.
_SHORTEST_RUN = 6.0

# Pixel types for which loops are compiled; other types are converted.
_PIXEL_TYPES = ("float32", "float64", "uint8", "int16", "uint16", "int32", "uint32")


def _compile(function: Callable[..., Any]) -> Callable[..., Any]:
    compiled: Callable[..., Any] = numba.njit(
        fastmath=_FAST_MATH, error_model="numpy", nogil=True, cache=True
    )(function)
    return compiled


def smooth(pixels: NDArray[Any], scale: Scale, out: NDArray[numpy.float32]) -> tuple[int, int]:
    """See :class:`.Kernel`."""
    if pixels.dtype.name not in _PIXEL_TYPES:
        pixels = pixels.astype(numpy.uint8 if pixels.dtype.kind == "b" else scale.low.dtype)
    invalid, infinite = _smooth(_read_only(pixels), *scale, out)
    return int(invalid), int(infinite)


def sum_products(
    reference: Prepared, image: Prepared, matrix: Matrix | None, pivots: tuple[float, float]
) -> NDArray[numpy.float64]:
    """See :class:`.Kernel`."""
    a, b = reference.pixels, image.pixels
    shift: tuple[float, float] | None = (0.0, 0.0)
    if matrix is not None:
        shift = find_translation(matrix, b.shape)
        if shift is None and not is_affine(matrix):
            b, shift = resample_linear(b, matrix), (0.0, 0.0)
    a, b = (_read_only(pixels.astype(numpy.float32, copy=False)) for pixels in (a, b))
    pivot_a, pivot_b = (numpy.float32(pivot) for pivot in pivots)
    sums = numpy.zeros(6)
    if shift is not None:
        rows, columns = find_inside(shift, b.shape)
        (row, along_rows), (column, along_columns) = (split_shift(each) for each in shift)
        if rows:
            corners = (rows.start, rows.stop, columns.start, columns.stop)
            fractions = (numpy.float32(along_rows), numpy.float32(along_columns))
            _sum_shifted(a, b, corners, (row, column), fractions, pivot_a, pivot_b, sums)
    elif matrix is not None and numpy.isfinite(matrix).all():
        _sum_affine(a, b, matrix[:2].copy(), pivot_a, pivot_b, sums)
    return sums


def sum_gradients(
    reference: Prepared, image: Prepared, matrix: Matrix, number: int
) -> NDArray[numpy.float64]:
    """See :class:`.Kernel`."""
    a, b = reference.pixels, image.pixels
    shift = find_translation(matrix, b.shape)
    if shift is None and not is_affine(matrix):
        b, shift = resample_linear(b, matrix), (0.0, 0.0)
    a, b = (_read_only(pixels.astype(numpy.float32, copy=False)) for pixels in (a, b))
    vertical, horizontal = (_read_only(places) for places in places_from_center(b.shape))
    moments = numpy.zeros((3, 27))
    if shift is not None:
        rows, columns = find_inside(shift, b.shape)
        (row, along_rows), (column, along_columns) = (split_shift(each) for each in shift)
        if rows:
            corners = (rows.start, rows.stop, columns.start, columns.stop)
            fractions = (numpy.float32(along_rows), numpy.float32(along_columns))
            _sum_shifted_gradients(
                a, b, corners, (row, column), fractions, vertical, horizontal, number > 2, moments
            )
    elif numpy.isfinite(matrix).all():
        _sum_affine_gradients(a, b, matrix[:2].copy(), vertical, horizontal, number > 2, moments)
    factor, power = _FACTORS[:, : 3 + number]
    products = _PRODUCTS[factor[:, numpy.newaxis], factor]
    return numpy.asarray(moments[power[:, numpy.newaxis] + power, products])


# Along a row, seven factors make 27 products: 1, a, b, f, g, and f and g times the position in the
# row, where f and g are the two components of the gradient. Row and column: two factors; value:
# index into the sums.
_PRODUCTS = numpy.array(
    [
        (0, 1, 2, 3, 4, 15, 20),
        (1, 5, 6, 7, 8, 16, 21),
        (2, 6, 9, 10, 11, 17, 22),
        (3, 7, 10, 12, 13, 18, 19),
        (4, 8, 11, 13, 14, 19, 23),
        (15, 16, 17, 18, 19, 24, 25),
        (20, 21, 22, 19, 23, 25, 26),
    ]
)

# The factors of `Kernel.sum_gradients`: which of the seven, and times which power of the position
# of the row.
_FACTORS = numpy.array([(0, 1, 2, 3, 4, 3, 5, 4, 6), (0, 0, 0, 0, 0, 1, 0, 1, 0)])


def _read_only(pixels: NDArray[Any]) -> NDArray[Any]:
    """Give arrays from any source the same numba type: each type would be compiled separately."""
    view = numpy.ascontiguousarray(pixels).view()
    view.flags.writeable = False
    return view


# --- Prepare -----------------------------------------------------------------------------------


@_compile
def _smooth(pixels, low, high, center, factor, out):  # type: ignore[no-untyped-def]
    height, width = pixels.shape
    # The last five rows, scaled, 0 where they are invalid; and their masks, 1 where they are valid.
    # The masks are computed only where needed, since most rows are valid.
    values = numpy.empty((5, width), numpy.float32)
    valid = numpy.empty((5, width), numpy.float32)
    is_filled = numpy.zeros(5, numpy.bool_)
    invalid_in_row = numpy.zeros(5, numpy.int64)
    line = numpy.empty(width + 4, numpy.float32)
    weights = numpy.empty(width, numpy.float32)
    invalid = infinite = 0
    loaded = -1
    for i in range(height):
        while loaded < min(i + 2, height - 1):
            loaded += 1
            k = loaded % 5
            row = pixels[loaded]
            invalid_in_row[k] = width - _scale(row, low, high, center, factor, values[k])
            invalid += invalid_in_row[k]
            is_filled[k] = invalid_in_row[k] > 0
            if is_filled[k]:
                infinite += _mark(row, valid[k])
        # Mirrored at the first and at the last row
        k0 = (i - 2 if i >= 2 else min(1 - i, height - 1)) % 5
        k1 = (i - 1 if i >= 1 else 0) % 5
        k2 = i % 5
        k3 = (i + 1 if i + 1 < height else height - 1) % 5
        k4 = (i + 2 if i + 2 < height else max(2 * height - 3 - i, 0)) % 5
        _filter(values[k0], values[k1], values[k2], values[k3], values[k4], line, out[i])
        if invalid_in_row.any():
            for k in range(5):
                if not is_filled[k]:
                    valid[k] = _ONE
                    is_filled[k] = True
            _filter(valid[k0], valid[k1], valid[k2], valid[k3], valid[k4], line, weights)
            _divide(out[i], weights, valid[k2])
    return invalid, infinite


@_compile
def _scale(row, low, high, center, factor, values):  # type: ignore[no-untyped-def]
    """Scale a row; returns the number of valid pixels."""
    count = _ZERO
    for j in range(row.shape[0]):
        x = row[j]
        y = low if x < low else x
        y = high if y > high else y
        finite = x - x == 0
        values[j] = numpy.float32((y - center) * factor) if finite else _ZERO
        count += _ONE if finite else _ZERO
    return int(count)


@_compile
def _mark(row, valid):  # type: ignore[no-untyped-def]
    """Make the mask of valid pixels; returns the number of infinite pixels."""
    infinite = 0
    for j in range(row.shape[0]):
        x = row[j]
        finite = x - x == 0
        valid[j] = _ONE if finite else _ZERO
        infinite += 1 if x == x and not finite else 0
    return infinite


@_compile
def _filter(a, b, c, d, e, line, out):  # type: ignore[no-untyped-def]
    """Filter five rows, mirrored at their ends, with weights 1, 4, 6, 4, 1 along both axes."""
    width = out.shape[0]
    middle = line[2 : width + 2]
    for j in range(width):
        middle[j] = a[j] + e[j] + _FOUR * (b[j] + d[j]) + _SIX * c[j]
    line[1], line[0] = line[2], line[min(3, width + 1)]
    line[width + 2], line[width + 3] = line[width + 1], line[max(width, 2)]
    l0, l1, l3, l4 = line[:width], line[1 : width + 1], line[3 : width + 3], line[4:]
    for j in range(width):
        total = l0[j] + l4[j] + _FOUR * (l1[j] + l3[j]) + _SIX * middle[j]
        out[j] = total * _WEIGHT_OF_ALL


@_compile
def _divide(out, weights, valid):  # type: ignore[no-untyped-def]
    for j in range(out.shape[0]):
        mean = out[j] / weights[j]
        out[j] = mean if valid[j] > _ZERO else _NAN


# --- Compare -----------------------------------------------------------------------------------


@_compile
def _add(a, b, n, sa, sb, saa, sab, sbb):  # type: ignore[no-untyped-def]
    """Add a pair of pixels to the sums if both are valid; the test takes no measurable time."""
    both = a + b
    valid = both == both
    a, b = a if valid else _ZERO, b if valid else _ZERO
    one = _ONE if valid else _ZERO
    return n + one, sa + a, sb + b, saa + a * a, sab + a * b, sbb + b * b


@_compile
def _add_row(row_sums, sums):  # type: ignore[no-untyped-def]
    for k in range(6):
        sums[k] += row_sums[k]


@_compile
def _sum_row(a, b, pivot_a, pivot_b):  # type: ignore[no-untyped-def]
    n = sa = sb = saa = sab = sbb = _ZERO
    for j in range(a.shape[0]):
        n, sa, sb, saa, sab, sbb = _add(a[j] - pivot_a, b[j] - pivot_b, n, sa, sb, saa, sab, sbb)
    return n, sa, sb, saa, sab, sbb


@_compile
def _sum_blended_row(a, p, p1, q, q1, wy, wx, pivot_a, pivot_b):  # type: ignore[no-untyped-def]
    """Sum a row where b is interpolated between four rows of neighbors with constant weights."""
    w11, w10 = wy * wx, wy * (_ONE - wx)
    w01, w00 = (_ONE - wy) * wx, (_ONE - wy) * (_ONE - wx)
    n = sa = sb = saa = sab = sbb = _ZERO
    for j in range(a.shape[0]):
        b = w00 * p[j] + w01 * p1[j] + w10 * q[j] + w11 * q1[j]
        n, sa, sb, saa, sab, sbb = _add(a[j] - pivot_a, b - pivot_b, n, sa, sb, saa, sab, sbb)
    return n, sa, sb, saa, sab, sbb


@_compile
def _sum_shifted(reference, image, corners, shift, fractions, pivot_a, pivot_b, sums):  # type: ignore[no-untyped-def]
    """Sum over a rectangle of the reference that comes entirely from inside the image."""
    top, bottom, left, right = corners
    # If the fraction is 0, the neighbor has weight 0 and may be invalid or outside the image.
    next_row, next_column = int(fractions[0] > 0), int(fractions[1] > 0)
    first, last = left + shift[1], right + shift[1]
    for i in range(top, bottom):
        upper, lower = image[i + shift[0]], image[i + shift[0] + next_row]
        a, p = reference[i, left:right], upper[first:last]
        if next_row + next_column == 0:
            _add_row(_sum_row(a, p, pivot_a, pivot_b), sums)
            continue
        p1, q = upper[first + next_column : last + next_column], lower[first:last]
        q1 = lower[first + next_column : last + next_column]
        row_sums = _sum_blended_row(a, p, p1, q, q1, fractions[0], fractions[1], pivot_a, pivot_b)
        _add_row(row_sums, sums)


@_compile
def _sum_affine(reference, image, matrix, pivot_a, pivot_b, sums):  # type: ignore[no-untyped-def]
    height, width = reference.shape
    line = numpy.empty(width, numpy.float32)
    pixels = image.ravel()
    for i in range(height):
        start, stop = _resample_row(pixels, height, width, matrix, i, line)
        if stop > start:
            _add_row(_sum_row(reference[i, start:stop], line[start:stop], pivot_a, pivot_b), sums)


@_compile
def _resample_row(pixels, height, width, matrix, i, line):  # type: ignore[no-untyped-def]
    """Resample a row; returns the range of columns that come from inside the image."""
    dy, dx = matrix[0, 1], matrix[1, 1]
    y0, x0 = matrix[0, 0] * i + matrix[0, 2], matrix[1, 0] * i + matrix[1, 2]
    start, stop = _clip_to_inside(y0, dy, height, 0, width)
    start, stop = _clip_to_inside(x0, dx, width, start, stop)
    if stop > start and (abs(dy) + abs(dx - 1)) * _SHORTEST_RUN < 1:
        _interpolate_in_runs(pixels, width, y0, dy, x0, dx, start, stop, line)
    else:
        for j in range(start, stop):
            line[j] = _interpolate(pixels, width, y0 + dy * j, x0 + dx * j)
    return start, stop


@_compile
def _clip_to_inside(origin, step, size, start, stop):  # type: ignore[no-untyped-def]
    """Limit the columns `start` to `stop` to those for which -ROUNDING <= origin + step * column <=
    size - 1 + ROUNDING."""
    low, high = -ROUNDING - origin, size - 1 + ROUNDING - origin
    if step == 0:
        return (start, stop) if low <= 0 <= high else (0, 0)
    low, high = low / step, high / step
    if step < 0:
        low, high = high, low
    # Clipped before the conversion: they may be larger than any integer.
    low, high = max(low, float(start)), min(high, float(stop - 1))
    return math.ceil(low), math.floor(high) + 1


@_compile
def _interpolate(pixels, width, y, x):  # type: ignore[no-untyped-def]
    """Interpolate one pixel; neighbors with weight 0 are not read."""
    # The position may be outside by a rounding error.
    bottom, end = pixels.shape[0] // width - 1, width - 1
    y = 0.0 if y < 0 else y
    y = float(bottom) if y > bottom else y
    x = 0.0 if x < 0 else x
    x = float(end) if x > end else x
    i, j = int(y + ON_PIXEL), int(x + ON_PIXEL)
    wy, wx = numpy.float32(y - i), numpy.float32(x - j)
    k = i * width + j
    down = width if y - i > ON_PIXEL else 0
    right = 1 if x - j > ON_PIXEL else 0
    p, p1, q, q1 = pixels[k], pixels[k + right], pixels[k + down], pixels[k + down + right]
    u, v = p + wx * (p1 - p), q + wx * (q1 - q)
    return u + wy * (v - u)


@_compile
def _is_near_pixel(place):  # type: ignore[no-untyped-def]
    # Or near the edge: `_interpolate` finds out
    return abs(place - math.floor(place + 0.5)) <= ROUNDING


@_compile
def _interpolate_in_runs(pixels, width, y0, dy, x0, dx, start, stop, line):  # type: ignore[no-untyped-def]
    """Resample a row in runs: within a run, the source row and the difference between source column
    and column are constant."""
    drift = dx - 1.0
    per_dy = 1 / dy if dy != 0 else 0.0
    per_drift = 1 / drift if drift != 0 else 0.0
    j = start
    while j < stop:
        # Close to a pixel, a neighbor may have weight 0, which only `_interpolate` checks.
        y, offset = y0 + dy * j, x0 + drift * j
        if _is_near_pixel(y) or _is_near_pixel(offset):
            line[j] = _interpolate(pixels, width, y, offset + j)
            j += 1
            continue
        row, shift = math.floor(y), math.floor(offset)
        end = float(stop)
        if dy != 0:
            end = min(end, math.ceil((row + (dy > 0) - y0) * per_dy))
        if drift != 0:
            end = min(end, math.ceil((shift + (drift > 0) - x0) * per_drift))
        k = max(int(end), j + 1)
        while k > j + 1 and (
            _is_near_pixel(y0 + dy * (k - 1)) or _is_near_pixel(x0 + drift * (k - 1))
        ):
            k -= 1
        first, count = int(row) * width + j + int(shift), k - j
        p, p1 = pixels[first : first + count], pixels[first + 1 : first + count + 1]
        q = pixels[first + width : first + width + count]
        q1 = pixels[first + width + 1 : first + width + count + 1]
        out = line[j:k]
        wy0, wx0 = numpy.float32(y - row), numpy.float32(offset - shift)
        wy1, wx1 = numpy.float32(dy), numpy.float32(drift)
        for t in range(count):
            wy, wx = wy0 + wy1 * numpy.float32(t), wx0 + wx1 * numpy.float32(t)
            u, v = p[t] + wx * (p1[t] - p[t]), q[t] + wx * (q1[t] - q[t])
            out[t] = u + wy * (v - u)
        j = k


# --- Gradients ---------------------------------------------------------------------------------


@_compile
def _sum_shifted_gradients(  # type: ignore[no-untyped-def]
    reference, image, corners, shift, fractions, vertical, horizontal, affine, moments
):
    height, width = reference.shape
    top, bottom = max(corners[0], 1), min(corners[1], height - 1)
    left, right = max(corners[2], 1), min(corners[3], width - 1)
    count = right - left
    if count <= 0:
        return
    next_row, next_column = int(fractions[0] > 0), int(fractions[1] > 0)
    line = numpy.empty(width, numpy.float32)
    first, last = left + shift[1], right + shift[1]
    for i in range(top, bottom):
        upper, lower = image[i + shift[0]], image[i + shift[0] + next_row]
        p, p1 = upper[first:last], upper[first + next_column : last + next_column]
        q, q1 = lower[first:last], lower[first + next_column : last + next_column]
        _blend(p, p1, q, q1, fractions[0], fractions[1], line[:count])
        _add_gradients(reference, line[:count], i, left, vertical[i], horizontal, affine, moments)


@_compile
def _blend(p, p1, q, q1, wy, wx, line):  # type: ignore[no-untyped-def]
    """Interpolate between four rows of neighbors with the same weights everywhere."""
    w11, w10 = wy * wx, wy * (_ONE - wx)
    w01, w00 = (_ONE - wy) * wx, (_ONE - wy) * (_ONE - wx)
    for j in range(line.shape[0]):
        line[j] = w00 * p[j] + w01 * p1[j] + w10 * q[j] + w11 * q1[j]


@_compile
def _sum_affine_gradients(reference, image, matrix, vertical, horizontal, affine, moments):  # type: ignore[no-untyped-def]
    height, width = reference.shape
    line = numpy.empty(width, numpy.float32)
    pixels = image.ravel()
    for i in range(1, height - 1):
        start, stop = _resample_row(pixels, height, width, matrix, i, line)
        start, stop = max(start, 1), min(stop, width - 1)
        if stop > start:
            _add_gradients(
                reference,
                line[start:stop],
                i,
                start,
                vertical[i],
                horizontal,
                affine,
                moments,
            )


@_compile
def _add_gradients(reference, line, i, start, place, places, affine, moments):  # type: ignore[no-untyped-def]
    """Add a row of the reference image and of the aligned image, both from column `start`."""
    stop = start + line.shape[0]
    here, above, below = (
        reference[i, start:stop],
        reference[i - 1, start:stop],
        reference[i + 1, start:stop],
    )
    before, after = reference[i, start - 1 : stop - 1], reference[i, start + 1 : stop + 1]
    sums = _sum_factors(here, line, above, below, before, after)
    for k in range(15):
        moments[0, k] += sums[k]
    if affine:
        for k in range(15):
            moments[1, k] += sums[k] * place
            moments[2, k] += sums[k] * place * place
        more = _sum_placed_factors(here, line, above, below, before, after, places[start:stop])
        for k in range(12):
            moments[0, 15 + k] += more[k]
            moments[1, 15 + k] += more[k] * place


@_compile
def _find_factors(a, b, above, below, before, after):  # type: ignore[no-untyped-def]
    """Return 1, a, b and the gradient; all are 0 if one of them is invalid. (They stay in
    registers: a loop that writes them to memory is not vectorized.)"""
    f, g = below - above, after - before
    total = a + b + f + g
    valid = total == total
    return (
        _ONE if valid else _ZERO,
        a if valid else _ZERO,
        b if valid else _ZERO,
        _HALF * f if valid else _ZERO,
        _HALF * g if valid else _ZERO,
    )


@_compile
def _sum_factors(here, line, above, below, before, after):  # type: ignore[no-untyped-def]
    n = sa = sb = sf = sg = saa = sab = saf = sag = sbb = sbf = sbg = sff = sfg = sgg = _ZERO
    for j in range(line.shape[0]):
        one, a, b, f, g = _find_factors(here[j], line[j], above[j], below[j], before[j], after[j])
        n += one
        sa += a
        sb += b
        sf += f
        sg += g
        saa += a * a
        sab += a * b
        saf += a * f
        sag += a * g
        sbb += b * b
        sbf += b * f
        sbg += b * g
        sff += f * f
        sfg += f * g
        sgg += g * g
    return n, sa, sb, sf, sg, saa, sab, saf, sag, sbb, sbf, sbg, sff, sfg, sgg


@_compile
def _sum_placed_factors(here, line, above, below, before, after, places):  # type: ignore[no-untyped-def]
    """As `_sum_factors`, also with p and q, the gradient times the position in the row."""
    sp = sap = sbp = sfp = sgp = sq = saq = sbq = sgq = spp = spq = sqq = _ZERO
    for j in range(line.shape[0]):
        _, a, b, f, g = _find_factors(here[j], line[j], above[j], below[j], before[j], after[j])
        p, q = f * places[j], g * places[j]
        sp += p
        sap += a * p
        sbp += b * p
        sfp += f * p
        sgp += g * p
        sq += q
        saq += a * q
        sbq += b * q
        sgq += g * q
        spp += p * p
        spq += p * q
        sqq += q * q
    return sp, sap, sbp, sfp, sgp, sq, saq, sbq, sgq, spp, spq, sqq
