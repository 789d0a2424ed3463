"""The inner loops, compiled by numba.

Why they are fast: values that are computed for a pixel are used before they are written to memory;
a row is summed in float32 with vector instructions, and the rows are added in float64; along a row
of a rotated image, the four neighbors stay in the same two rows for ``1 / sin(angle)`` pixels.

Rows are indexed, not sliced: numba counts the references to each slice, which takes a fifth of the
time. Where the compiler cannot see that an index is not negative it does not vectorize the loop, so
some are compared with 0 before.
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
_SHORTEST_RUN = 2.5

# Pixels in a vector register. Runs are extended to a multiple of it (10 % faster at 1 degree).
_VECTOR = 16

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
    reference: Prepared, image: Prepared, matrix: Matrix | None
) -> NDArray[numpy.float64]:
    """See :class:`.Kernel`."""
    pixels, matrix = _simplify(image, matrix)
    sums = numpy.zeros(6)
    _sum_products(_read_only(reference.pixels, numpy.float32), pixels, matrix, sums)
    return sums


def sum_gradients(
    reference: Prepared, image: Prepared, matrix: Matrix, number: int
) -> NDArray[numpy.float64]:
    """See :class:`.Kernel`."""
    pixels, matrix = _simplify(image, matrix)
    places = (_read_only(each) for each in places_from_center(pixels.shape))
    moments = numpy.zeros((3, 27))
    a = _read_only(reference.pixels, numpy.float32)
    _sum_gradients(a, pixels.ravel(), matrix, *places, number > 2, moments)
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


def _simplify(image: Prepared, matrix: Matrix | None) -> tuple[NDArray[numpy.float32], Matrix]:
    """Return the pixels and the two rows of a finite affine matrix that aligns them; a shift by an
    integer is exact. For other matrices, the pixels are resampled here."""
    pixels, shift = image.pixels, (0.0, 0.0)
    if matrix is not None:
        translation = find_translation(matrix, pixels.shape)
        if translation is not None:
            shift = translation
        elif is_affine(matrix) and numpy.isfinite(matrix).all():
            return _read_only(pixels, numpy.float32), matrix[:2].copy()
        else:
            pixels = resample_linear(pixels, matrix)
    row, column = (sum(split_shift(each)) for each in shift)
    return _read_only(pixels, numpy.float32), numpy.array([(1.0, 0.0, row), (0.0, 1.0, column)])


def _read_only(pixels: NDArray[Any], dtype: Any = None) -> NDArray[Any]:
    """Give arrays from any source the same numba type: each type would be compiled separately."""
    view = numpy.ascontiguousarray(pixels, dtype=dtype).view()
    view.flags.writeable = False
    return view


# --- Prepare -----------------------------------------------------------------------------------


@_compile
def _smooth(pixels, low, high, center, factor, out):  # type: ignore[no-untyped-def]
    height, width = pixels.shape
    values = numpy.empty((5, width), numpy.float32)  # the last five rows, scaled
    invalid_in_row = numpy.zeros(5, numpy.int64)
    line = numpy.empty(width + 4, numpy.float32)
    weights = numpy.empty_like(line)
    invalid = infinite = 0
    loaded = -1
    for i in range(height):
        while loaded < min(i + 2, height - 1):
            loaded += 1
            k = loaded % 5
            invalid_in_row[k] = 0
            if not _scale(pixels, loaded, low, high, center, factor, values, k):
                invalid_in_row[k], more = _mark(pixels, loaded, values, k)
                invalid, infinite = invalid + invalid_in_row[k], infinite + more
        # Mirrored at the first and at the last row
        rows = (
            (i - 2 if i >= 2 else min(1 - i, height - 1)) % 5,
            (i - 1 if i >= 1 else 0) % 5,
            i % 5,
            (i + 1 if i + 1 < height else height - 1) % 5,
            (i + 2 if i + 2 < height else max(2 * height - 3 - i, 0)) % 5,
        )
        if invalid_in_row.any():
            _filter_valid(values, rows, line, weights, out, i)
        else:
            _filter(values, rows, line, out, i)
    return invalid, infinite


@_compile
def _scale(pixels, i, low, high, center, factor, values, k):  # type: ignore[no-untyped-def]
    """Scale a row; returns whether all pixels are valid (may be False if they are very large)."""
    total = _ZERO
    for j in range(pixels.shape[1]):
        x = pixels[i, j]
        total += numpy.float32(x) * _ZERO  # NaN where it is not finite
        x = low if x < low else x
        x = high if x > high else x
        values[k, j] = numpy.float32((x - center) * factor)
    return total == total


@_compile
def _mark(pixels, i, values, k):  # type: ignore[no-untyped-def]
    """Make the invalid pixels of a row NaN; returns their number and that of the infinite ones."""
    finite = known = _ZERO
    for j in range(pixels.shape[1]):
        x = pixels[i, j]
        is_finite = x - x == 0
        values[k, j] = values[k, j] if is_finite else _NAN
        finite += _ONE if is_finite else _ZERO
        known += _ONE if x == x else _ZERO
    return pixels.shape[1] - int(finite), int(known) - int(finite)


@_compile
def _filter(values, rows, line, out, i):  # type: ignore[no-untyped-def]
    """Filter five rows, mirrored at their ends, with weights 1, 4, 6, 4, 1 along both axes."""
    a, b, c, d, e = rows
    for j in range(out.shape[1]):
        outer, inner = values[a, j] + values[e, j], values[b, j] + values[d, j]
        line[j + 2] = outer + _FOUR * inner + _SIX * values[c, j]
    _mirror_ends(line, out.shape[1])
    for j in range(out.shape[1]):
        out[i, j] = _sum_five(line, j) * _WEIGHT_OF_ALL


@_compile
def _filter_valid(values, rows, line, weights, out, i):  # type: ignore[no-untyped-def]
    """As `_filter`, over the valid pixels."""
    a, b, c, d, e = rows
    for j in range(out.shape[1]):
        (v, x), (v1, x1) = _check(values[a, j]), _check(values[b, j])
        v2, x2 = _check(values[c, j])
        (v3, x3), (v4, x4) = _check(values[d, j]), _check(values[e, j])
        weights[j + 2] = v + v4 + _FOUR * (v1 + v3) + _SIX * v2
        line[j + 2] = x + x4 + _FOUR * (x1 + x3) + _SIX * x2
    _mirror_ends(line, out.shape[1])
    _mirror_ends(weights, out.shape[1])
    for j in range(out.shape[1]):
        x = values[c, j]
        out[i, j] = _sum_five(line, j) / _sum_five(weights, j) if x == x else _NAN


@_compile
def _check(x):  # type: ignore[no-untyped-def]
    """Return 1 and the value, or 0 and 0 if it is invalid."""
    return (_ONE, x) if x == x else (_ZERO, _ZERO)


@_compile
def _sum_five(line, j):  # type: ignore[no-untyped-def]
    outer, inner = line[j] + line[j + 4], line[j + 1] + line[j + 3]
    return outer + _FOUR * inner + _SIX * line[j + 2]


@_compile
def _mirror_ends(line, width):  # type: ignore[no-untyped-def]
    line[1], line[0] = line[2], line[min(3, width + 1)]
    line[width + 2], line[width + 3] = line[width + 1], line[max(width, 2)]


# --- Interpolate -------------------------------------------------------------------------------


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
    low, high = min(max(low, float(start)), float(stop)), max(min(high, float(stop - 1)), -1.0)
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
def _interpolate_row(pixels, shape, matrix, i, ramp, line):  # type: ignore[no-untyped-def]
    """Resample a row in runs: within a run, the source row and the difference between source column
    and column are constant.

    :param ramp: 0, 1, 2 ..., which is faster than converting integers in the loop.
    :returns: the range of columns that come from inside the image.
    """
    height, width = shape
    dy, drift = matrix[0, 1], matrix[1, 1] - 1.0
    y0, x0 = matrix[0, 0] * i + matrix[0, 2], matrix[1, 0] * i + matrix[1, 2]
    start, stop = _clip_to_inside(y0, dy, height, 0, width)
    start, stop = _clip_to_inside(x0, drift + 1.0, width, start, stop)
    if (abs(dy) + abs(drift)) * _SHORTEST_RUN > 1:
        for j in range(start, stop):
            line[j] = _interpolate(pixels, width, y0 + dy * j, x0 + drift * j + j)
        return start, stop
    per_dy = 1 / dy if dy != 0 else 0.0
    per_drift = 1 / drift if drift != 0 else 0.0
    wy1, wx1 = numpy.float32(dy), numpy.float32(drift)
    j = max(start, 0)
    while j < stop:
        y, offset = y0 + dy * j, x0 + drift * j
        row, shift = math.floor(y + ON_PIXEL), math.floor(offset + ON_PIXEL)
        along_rows, along_columns = y - row, offset - shift
        # A neighbor with weight 0 in the whole run is not read.
        down = 0 if dy == 0 and along_rows <= ON_PIXEL else 1
        right = 0 if drift == 0 and along_columns <= ON_PIXEL else 1
        if (down and _is_near_pixel(along_rows)) or (right and _is_near_pixel(along_columns)):
            line[j] = _interpolate(pixels, width, y, offset + j)
            j += 1
            continue
        end = float(stop)
        if dy != 0:
            end = min(end, math.ceil((row + (dy > 0) - y0) * per_dy))
        if drift != 0:
            end = min(end, math.ceil((shift + (drift > 0) - x0) * per_drift))
        count = max(int(end) - j, 1)
        while count > 1 and (
            (down and _is_near_pixel(along_rows + dy * (count - 1)))
            or (right and _is_near_pixel(along_columns + drift * (count - 1)))
        ):
            count -= 1
        here, first = max(j, 0), max(int(row) * width + j + int(shift), 0)
        below = max(first + down * width, 0)
        # Pixels that are written beyond the run are overwritten by the next one.
        filled = (count + _VECTOR - 1) // _VECTOR * _VECTOR
        filled = filled if below + right + filled <= pixels.shape[0] else count
        wy0, wx0 = numpy.float32(along_rows), numpy.float32(along_columns)
        for t in range(filled):
            wy, wx = wy0 + wy1 * ramp[t], wx0 + wx1 * ramp[t]
            u, u1 = pixels[first + t], pixels[first + right + t]
            v, v1 = pixels[below + t], pixels[below + right + t]
            u, v = u + wx * (u1 - u), v + wx * (v1 - v)
            line[here + t] = u + wy * (v - u)
        j += count
    return start, stop


@_compile
def _is_near_pixel(fraction):  # type: ignore[no-untyped-def]
    """Whether a neighbor may have weight 0, which only `_interpolate` checks."""
    return not ROUNDING < fraction < 1 - ROUNDING


@_compile
def _make_lines(width):  # type: ignore[no-untyped-def]
    """Make the ramp and the line of `_interpolate_row`."""
    ramp = numpy.arange(width + _VECTOR).astype(numpy.float32)
    return ramp, numpy.empty_like(ramp)


# --- Compare -----------------------------------------------------------------------------------


@_compile
def _add(a, b, n, sa, sb, saa, sab, sbb):  # type: ignore[no-untyped-def]
    """Add a pair of pixels to the sums if both are valid; the test takes a tenth of the time."""
    both = a + b
    valid = both == both
    a, b = a if valid else _ZERO, b if valid else _ZERO
    one = _ONE if valid else _ZERO
    return n + one, sa + a, sb + b, saa + a * a, sab + a * b, sbb + b * b


@_compile
def _sum_products(reference, image, matrix, sums):  # type: ignore[no-untyped-def]
    if matrix[0, 0] == matrix[1, 1] == 1 and matrix[0, 1] == matrix[1, 0] == 0:
        _sum_shifted(reference, image, matrix[0, 2], matrix[1, 2], sums)
        return
    pixels = image.ravel()
    ramp, line = _make_lines(reference.shape[1])
    for i in range(reference.shape[0]):
        start, stop = _interpolate_row(pixels, reference.shape, matrix, i, ramp, line)
        first = max(start, 0)
        n = sa = sb = saa = sab = sbb = _ZERO
        for j in range(stop - start):
            a, b = reference[i, first + j], line[first + j]
            n, sa, sb, saa, sab, sbb = _add(a, b, n, sa, sb, saa, sab, sbb)
        _add_row((n, sa, sb, saa, sab, sbb), sums)


@_compile
def _add_row(row_sums, sums):  # type: ignore[no-untyped-def]
    for k in range(6):
        sums[k] += row_sums[k]


@_compile
def _sum_shifted(reference, image, down, along, sums):  # type: ignore[no-untyped-def]
    """Sum without storing the interpolated pixels, which would take a third longer."""
    height, width = reference.shape
    top, bottom = _clip_to_inside(down, 1.0, height, 0, height)
    left, right = _clip_to_inside(along, 1.0, width, 0, width)
    if bottom <= top or right <= left:
        return
    row, column = math.floor(down), math.floor(along)
    wy, wx = numpy.float32(down - row), numpy.float32(along - column)
    # If the fraction is 0, the neighbor has weight 0 and may be invalid or outside the image.
    next_row, next_column = int(wy > 0), int(wx > 0)
    w11, w10 = wy * wx, wy * (_ONE - wx)
    w01, w00 = (_ONE - wy) * wx, (_ONE - wy) * (_ONE - wx)
    left, first = max(left, 0), max(left + column, 0)
    second = first + next_column
    for i in range(top, bottom):
        upper = max(i + row, 0)
        lower = upper + next_row
        n = sa = sb = saa = sab = sbb = _ZERO
        if next_row + next_column == 0:
            for j in range(right - left):
                a, b = reference[i, left + j], image[upper, first + j]
                n, sa, sb, saa, sab, sbb = _add(a, b, n, sa, sb, saa, sab, sbb)
        else:
            for j in range(right - left):
                a = reference[i, left + j]
                b = w00 * image[upper, first + j] + w01 * image[upper, second + j]
                b += w10 * image[lower, first + j] + w11 * image[lower, second + j]
                n, sa, sb, saa, sab, sbb = _add(a, b, n, sa, sb, saa, sab, sbb)
        _add_row((n, sa, sb, saa, sab, sbb), sums)


# --- Gradients ---------------------------------------------------------------------------------


@_compile
def _sum_gradients(reference, pixels, matrix, vertical, horizontal, affine, moments):  # type: ignore[no-untyped-def]
    height, width = reference.shape
    ramp, line = _make_lines(width)
    for i in range(1, height - 1):
        start, stop = _interpolate_row(pixels, reference.shape, matrix, i, ramp, line)
        start, stop = max(start, 1), min(stop, width - 1)
        sums = _sum_factors(reference, i, line, start, stop)
        for k in range(15):
            moments[0, k] += sums[k]
        if affine:
            place = vertical[i]
            for k in range(15):
                moments[1, k] += sums[k] * place
                moments[2, k] += sums[k] * place * place
            more = _sum_placed_factors(reference, i, line, horizontal, start, stop)
            for k in range(12):
                moments[0, 15 + k] += more[k]
                moments[1, 15 + k] += more[k] * place


@_compile
def _find_factors(reference, i, line, j):  # type: ignore[no-untyped-def]
    """Return 1, a, b and the gradient; all are 0 if one of them is invalid. (They stay in
    registers: a loop that writes them to memory is not vectorized.)"""
    a, b, above, below = reference[i, j], line[j], max(i - 1, 0), i + 1
    f, g = reference[below, j] - reference[above, j], reference[i, j + 1] - reference[i, j - 1]
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
def _sum_factors(reference, i, line, start, stop):  # type: ignore[no-untyped-def]
    n = sa = sb = sf = sg = saa = sab = saf = sag = sbb = sbf = sbg = sff = sfg = sgg = _ZERO
    first = max(start, 1)
    for j in range(stop - start):
        one, a, b, f, g = _find_factors(reference, i, line, first + j)
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
def _sum_placed_factors(reference, i, line, places, start, stop):  # type: ignore[no-untyped-def]
    """As `_sum_factors`, also with p and q, the gradient times the position in the row."""
    sp = sap = sbp = sfp = sgp = sq = saq = sbq = sgq = spp = spq = sqq = _ZERO
    first = max(start, 1)
    for j in range(stop - start):
        _, a, b, f, g = _find_factors(reference, i, line, first + j)
        p, q = f * places[first + j], g * places[first + j]
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
