"""Measure the motion that remains between images aligned with the best registration."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from functools import partial
from functools import reduce
from itertools import chain
from typing import NamedTuple

import numpy
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .._typing import Matrix
from ..kernels import Kernel
from ..kernels import Linearization
from ..kernels import Prepared
from ..transformation import Transformation
from ._jobs import Job
from ._jobs import Workers
from ._prepared_images import PreparedImages
from ._prepared_images import ReferenceImage
from ._prepared_images import in_one_frame
from ._ranking import sum_stacks

# The number of images that are measured.
MEASURED_IMAGES = 12

# px: the assumed shift if the correlation coefficient has no peak within 1 px, so that the shift is
# too large to be measured.
_FAR = 1.5

# The center, and one px to each side.
_STEPS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))

# The minimum of 1 - r^2, so that nearly identical images do not dominate.
_LEAST_NOISE = 0.02


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


_NOT_MEASURED = PairShift(math.nan, math.nan, math.nan)
_OUT_OF_REACH = PairShift(math.nan, math.nan, 0.0)


class Inspection(NamedTuple):
    """Comparisons of N aligned images of S stacks.

    :param neighbor_mse: standardized MSE of each image and the previous one, shape `(S, N)`; NaN if
        they were not, or cannot be, compared.
    :param shifts: the :class:`.PairShift` of each image relative to the reference image and to the
        previous image, shape `(S, N, 2, 3)`; NaN if it was not measured.
    :param linearizations: of some pairs with the reference image, by stack and image.
    """

    neighbor_mse: NDArray[numpy.float64]
    shifts: NDArray[numpy.float64]
    linearizations: dict[tuple[int, int], Linearization]

    def leave_out(self, bad: NDArray[numpy.bool_], reference: int) -> Inspection:
        """Leave out what was measured with bad images. An image that is bad in all stacks is kept,
        since the registration may be the reason.

        :param bad: mask of the images that resemble no other image of their stack, shape `(S, N)`.
        """
        bad = bad & ~bad.all(axis=0)
        shifts = self.shifts.copy()
        shifts[bad] = numpy.nan
        shifts[bad[:, reference], :, 0] = numpy.nan
        shifts[:, 1:, 1][bad[:, :-1]] = numpy.nan
        measured = numpy.isfinite(shifts[:, :, 0, 2])
        linearizations = {key: each for key, each in self.linearizations.items() if measured[key]}
        return self._replace(shifts=shifts, linearizations=linearizations)


# The same of one image of one stack, preceded by its index.
_Inspected = tuple[int, float, Sequence[PairShift], Linearization | None]


def inspect_stacks(
    workers: Workers,
    transformations: Sequence[Transformation],
    reference: int,
    suspects: Mapping[str, NDArray[numpy.bool_]],
) -> Inspection:
    """Inspect a few aligned images of some stacks.

    :param suspects: mask of the images to compare with their neighbors, of each of these stacks.
    """
    number = len(transformations)
    measured = choose_images(number, reference)

    def make_jobs() -> Iterator[Job[list[_Inspected]]]:
        for images in workers.images:
            if images.name not in suspects:
                continue
            shared = ReferenceImage(images, reference)
            around = numpy.add.outer(numpy.flatnonzero(suspects[images.name]), (-1, 0, 1))
            needed = {*measured, *(n - 1 for n in measured), *around.ravel().tolist()}
            for run in _find_runs(needed & set(range(number))):
                some, pair = images[run], (transformations[reference], transformations[run])
                yield some, partial(_inspect_images, some, shared, pair, measured)

    found = Inspection(
        numpy.full((len(suspects), number), numpy.nan),
        numpy.full((len(suspects), number, 2, len(_NOT_MEASURED)), numpy.nan),
        {},
    )
    results = workers.run(make_jobs())
    for j, name in enumerate(suspects):
        for n, mse, shifts, linearization in chain.from_iterable(results[name]):
            found.neighbor_mse[j, n] = mse
            found.shifts[j, n] = shifts
            if linearization is not None:
                found.linearizations[j, n] = linearization
    return found


def choose_images(number: int, reference: int) -> list[int]:
    """Choose at most 12 evenly spaced images other than the reference image."""
    others = [n for n in range(number) if n != reference]
    chosen = numpy.linspace(0, len(others) - 1, min(MEASURED_IMAGES, len(others)))
    return [others[round(n)] for n in chosen]


def _find_runs(numbers: set[int]) -> list[slice]:
    """Find runs of consecutive numbers."""
    starts = sorted(n for n in numbers if n - 1 not in numbers)
    stops = sorted(n + 1 for n in numbers if n + 1 not in numbers)
    return list(map(slice, starts, stops))


def _inspect_images(
    images: PreparedImages,
    reference_image: ReferenceImage,
    registration: tuple[Transformation, Sequence[Transformation]],
    measured: Sequence[int],
    on_image: Callable[[], object] = lambda: None,
) -> list[_Inspected]:
    """Compare each of some consecutive images with the previous one, and those to be measured with
    the reference image, too.

    :param registration: the transformation of the reference image, and those of the images.
    :param measured: indices in the whole stack.
    """
    kernel = images.kernel
    to_reference, transformations = registration
    reference = reference_image.prepare()
    buffers = [numpy.empty_like(reference.pixels) for _ in range(2)]
    found: list[_Inspected] = []
    before = None
    # Of all of them, it would take a quarter of the time of a ranking of three registrations.
    linearized = measured[::-2]
    with images.open():
        for n, transformation in enumerate(transformations):
            index = images.indices[n]
            image = images.prepare(n, out=buffers[n % 2])
            mse, shifts, linearization = math.nan, [_NOT_MEASURED, _NOT_MEASURED], None
            with images.locate_errors(n):
                if before is not None:
                    pair = in_one_frame(before, image, transformations[n - 1], transformation)
                    mse = kernel.compare(*pair).mse
                    if index in measured:
                        shifts[1] = measure_shift(kernel, *pair)
                if index in measured:
                    pair = in_one_frame(reference, image, to_reference, transformation)
                    shifts[0] = measure_shift(kernel, *pair)
                if index in linearized:
                    a, b, matrix = pair
                    matrix = numpy.identity(3) if matrix is None else matrix
                    linearization = kernel.linearize(a, b, matrix, 6)
            found.append((index, mse, shifts, linearization))
            before = image
            on_image()
    return found


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
    height, width = reference.pixels.shape
    if min(height, width) < 3:
        return _NOT_MEASURED
    inner_parts = sliding_window_view(reference.pixels, (height - 2, width - 2))
    parts = [inner_parts[1 + row, 1 + column] for row, column in _STEPS]
    holes = reduce(numpy.logical_or, map(numpy.isnan, parts)) if reference.invalid else None
    moved = numpy.full_like(reference.pixels, numpy.nan)
    correlation = []
    for part in parts:
        moved[1:-1, 1:-1] = part
        if holes is not None:
            numpy.copyto(moved[1:-1, 1:-1], numpy.float32(numpy.nan), where=holes)
        # The number of invalid pixels does not matter, only whether there are any.
        mse = kernel.compare(Prepared(moved, 1, 0), image, matrix).mse
        correlation.append(1 - mse / 2)
    if math.isnan(sum(correlation)):
        return _NOT_MEASURED
    if correlation[0] < 0:  # opposite contrast, as below and above an absorption edge
        correlation = [-r for r in correlation]
    middle, down, up, right, left = correlation
    curvatures = 2 * middle - down - up, 2 * middle - right - left
    if min(curvatures) <= 0:
        return _OUT_OF_REACH
    rows, columns = (down - up) / (2 * curvatures[0]), (right - left) / (2 * curvatures[1])
    if max(abs(rows), abs(columns)) > 1:
        return _OUT_OF_REACH
    return PairShift(rows, columns, min(curvatures))


def find_remaining_shift(shifts: NDArray[numpy.float64], weights: NDArray[numpy.float64]) -> float:
    """Compute the mean length of the shifts of all images, relative to the reference image or to
    the previous image, whichever is larger.

    The shift of one image is the vector mean over the stacks, weighted with the weight of the stack
    times the curvature; for the fraction of the stacks without a peak within 1 px it is 1.5 px.

    :param shifts: see :class:`Inspection`.
    :param weights: the weights of the stacks, shape `(S,)`.
    :returns: px; NaN if nothing was measured. From about 0.8 px on it is a lower bound.
    """
    curvature = shifts[..., 2]
    measured = numpy.isfinite(curvature)
    weights = numpy.where(measured, weights[:, numpy.newaxis, numpy.newaxis], 0.0)
    sharpness = weights * numpy.nan_to_num(curvature)
    with numpy.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 if nothing was measured
        far = sum_stacks(numpy.where(curvature == 0, weights, 0.0)) / sum_stacks(weights)
        rows, columns = (
            sum_stacks(sharpness * numpy.nan_to_num(shifts[..., axis])) / sum_stacks(sharpness)
            for axis in (0, 1)
        )
    near = numpy.nan_to_num(numpy.hypot(rows, columns))
    lengths = far * _FAR + (1 - far) * near
    means = [each[numpy.isfinite(each)] for each in lengths.T]
    return max((float(each.mean()) for each in means if each.size), default=math.nan)


def find_remaining_distortion(
    linearizations: Mapping[tuple[int, int], Linearization], weights: NDArray[numpy.float64]
) -> float:
    """Compute by how far a remaining rotation, scale or shear displaces the pixels: root mean
    square over the pixels of a square image, without the mean shift, and mean over the images,
    weighted by the number of their pixels that are compared.

    The displacement of an image is that of one affine Gauss-Newton step in all stacks together:
    each stack has its weight times ``r^2 / (1 - r^2)``, the ratio of signal to noise, times the
    number of pixels.

    :param linearizations: see :class:`Inspection`.
    :param weights: the weights of the stacks, shape `(S,)`.
    :returns: px; NaN if nothing was measured.
    """
    lengths, numbers = [], []
    for n in sorted({n for _, n in linearizations}):
        normal, right, number = numpy.zeros((6, 6)), numpy.zeros(6), 0
        for j, weight in enumerate(weights):
            found = linearizations.get((j, n))
            if found is not None and numpy.isfinite(found.r):
                signal = found.r**2 / max(1 - found.r**2, _LEAST_NOISE)
                share = weight * signal * found.number
                normal += share * found.normal
                right += share * found.right
                number += found.number
        if normal.any():
            step = numpy.linalg.lstsq(normal, right, rcond=1e-9)[0]
            # The mean square of each of the two coordinates, from -1 to 1, is 1/3.
            lengths.append(numpy.sqrt((step[2:] ** 2).sum() / 3))
            numbers.append(number)
    return float(numpy.average(lengths, weights=numbers)) if lengths else numpy.nan
