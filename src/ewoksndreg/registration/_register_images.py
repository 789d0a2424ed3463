"""Register stacks of the same shape, image by image."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import wait
from contextlib import ExitStack
from typing import Literal
from typing import NamedTuple
from typing import get_args

import numpy
from numpy.typing import ArrayLike
from numpy.typing import NDArray

from .._progress import Reporter
from .._stacks import Stack
from .._typing import Mask
from .._typing import Matrix
from ..evaluation import PreparedImages
from ..evaluation import choose_few
from ..evaluation import find_unchanging
from ..kernels import Kernel
from ..kernels import Prepared
from ..kernels import select_kernel
from ..transformation import Homography
from ..transformation import TransformationType
from ..workers import count_workers
from ..workers import threads
from ._features import FeatureMethod
from ._hot_pixels import find_hot_pixels
from ._intensities import IntensityMethod
from ._result import Align
from ._result import Alignment
from ._result import Registration

Method = Literal["intensities", "sift", "orb"]
METHODS: tuple[Method, ...] = get_args(Method)

# Operations per pixel, see `select_kernel`; for about twenty images of 128 px, importing numba
# takes as long as it saves.
_OPERATIONS = 800

# The interval (s) in which `should_stop` is called.
_INTERVAL = 0.02

# The correlation coefficient of an image with noise that is smoothed by 1 px has a standard
# deviation of up to sqrt(4 pi / number of pixels). The best of the tens of thousands of matrices
# that are tried reaches four standard deviations.
_ABOVE_NOISE = 5 * math.sqrt(4 * math.pi)

# An image is registered again from where the one before it is when its correlation is below this
# and 1 - correlation is above that of the one before by this factor.
_GOOD = 0.9
_MUCH_WORSE = 1.5


class _Found(NamedTuple):
    """The result for one image.

    :param why: the reason why it failed, or None.
    """

    alignment: Alignment
    correlation: float
    why: str | None

    @property
    def quality(self) -> float:
        """The absolute correlation; -1 if the image failed."""
        return -1.0 if self.why is not None else abs(self.correlation)


class Options(NamedTuple):
    """How to register; see :func:`.register_stack`."""

    transformation_type: TransformationType
    method: Method = "intensities"
    reference_image: int | float = 0
    mask: ArrayLike | None = None
    block_size: int = 1


def register_images(
    stacks: Mapping[str, Stack],
    options: Options,
    reporter: Reporter,
    max_workers: int | None,
    weights: Sequence[float] = (1,),
) -> Registration:
    """Register stacks of the same shape together, without warnings.

    :param weights: the weights of the stacks, all positive.
    """
    number, *shape = next(iter(stacks.values())).shape
    if not isinstance(options.block_size, (int, numpy.integer)):
        raise TypeError(f"The block size must be an integer, not {options.block_size!r}")
    q = _find_index(options.reference_image, number)
    masked = _find_masked(options.mask, tuple(shape))
    kernel = select_kernel(_OPERATIONS * len(stacks) * number * math.prod(shape))
    workers = count_workers(max_workers)
    if kernel.name == "numpy":
        workers = 1  # threads would wait for each other between the short steps
    with ExitStack() as context:
        opened = [
            PreparedImages(name, stack, range(number), kernel.name)
            for name, stack in stacks.items()
        ]
        for images in opened:
            context.enter_context(images.open())
            images.unchanging = _find_invalid(images, q, masked)
        references = [images.prepare(q) for images in opened]
        align = _select_method(options, references, weights, kernel)

        def register(n: int, start: Matrix | None = None) -> _Found:
            if n == q:
                return _check(references, references, align.reference, kernel)
            prepared = [images.prepare(n) for images in opened]
            return _check(references, prepared, align(prepared, start), kernel)

        # Features find an image wherever it is.
        block_size = max(1, options.block_size) if options.method == "intensities" else number
        found = _register_all(register, number, q, block_size, workers, reporter)
    return _as_registration(found, options.transformation_type, q)


def _as_registration(
    found: Sequence[_Found], transformation_type: TransformationType, q: int
) -> Registration:
    failed = {n: each.why for n, each in enumerate(found) if each.why is not None and n != q}
    if transformation_type is TransformationType.identity:
        failed = {}
    alignments = [each.alignment for each in found]
    matrices = [
        numpy.full((3, 3), numpy.nan) if n in failed or each.matrix is None else each.matrix
        for n, each in enumerate(alignments)
    ]
    return Registration(
        transformations=tuple(map(Homography, matrices)),
        correlation=numpy.array([each.correlation for each in found]),
        failed=failed,
        transformation_type=transformation_type,
        reference_image=q,
        features=tuple(each.features for each in alignments),
        matches=tuple(each.matches for each in alignments),
    )


def _find_index(reference_image: int | float, number: int) -> int:
    """:raises ValueError: if there is no such image."""
    fraction = isinstance(reference_image, (float, numpy.floating))
    if fraction and 0 <= reference_image <= 1:
        return min(int(reference_image * number), number - 1)
    index = isinstance(reference_image, (int, numpy.integer))
    if index and not isinstance(reference_image, bool) and -number <= reference_image < number:
        return int(reference_image) % number
    raise ValueError(
        f"There is no reference image {reference_image!r}: give an index from {-number} to"
        f" {number - 1}, or a relative position in the stack as a float from 0.0 to 1.0"
    )


def _find_masked(mask: ArrayLike | None, shape: tuple[int, ...]) -> Mask | None:
    """Find the pixels that are not used."""
    if mask is None:
        return None
    used = numpy.asarray(mask)
    if used.dtype.kind not in "biu":
        raise TypeError(f"The mask must be boolean, True for the pixels to use, not {used.dtype}")
    if used.shape != shape:
        raise ValueError(f"The mask has the shape {used.shape}, the images have {shape}")
    if not used.any():
        raise ValueError("The mask leaves no pixels: it must be True for the pixels to use")
    return numpy.asarray(used == 0)


def _find_invalid(
    images: PreparedImages, reference_image: int, masked: Mask | None
) -> NDArray[numpy.uint8] | None:
    """Find the pixels that carry no information on the motion (masked, hot, or never changing), as
    packed bits."""
    invalid = find_hot_pixels(images, reference_image)
    if masked is not None:
        invalid |= masked
    unchanging = find_unchanging(choose_few(images)).bits
    bits = numpy.packbits(invalid)
    if unchanging is not None:
        bits |= unchanging
    return bits if bits.any() else None


class _NoMotion:
    reference = Alignment(numpy.identity(3))

    def __call__(self, images: Sequence[Prepared], start: Matrix | None = None) -> Alignment:
        return self.reference


def _select_method(
    options: Options, references: Sequence[Prepared], weights: Sequence[float], kernel: Kernel
) -> Align:
    if options.transformation_type is TransformationType.identity:
        return _NoMotion()
    if options.method == "intensities":
        return IntensityMethod(references, weights, options.transformation_type, kernel)
    return FeatureMethod(references[0], options.transformation_type, options.method)


def _check(
    references: Sequence[Prepared],
    images: Sequence[Prepared],
    alignment: Alignment,
    kernel: Kernel,
) -> _Found:
    """Compute how well an image is aligned, and whether that may be by chance."""
    if alignment.matrix is None:
        return _Found(alignment, math.nan, _explain(references, images))
    compared = [
        kernel.compare(reference, image, alignment.matrix)
        for reference, image in zip(references, images, strict=True)
    ]
    r = numpy.array([1 - each.mse / 2 for each in compared])
    if numpy.isnan(r).all():
        return _Found(alignment, math.nan, _explain(references, images))
    correlation = float(r[0] if len(r) == 1 else numpy.nanmean(numpy.abs(r)))
    pixels = numpy.array([each.overlap for each in compared]) * images[0].pixels.size
    by_chance = not (r**2 * pixels > _ABOVE_NOISE**2).any()
    why = "no more in common with the reference image than noise has" if by_chance else None
    return _Found(alignment, correlation, why)


def _explain(references: Sequence[Prepared], images: Sequence[Prepared]) -> str:
    """Explain why an image could not be compared with the reference image."""
    if not any(map(_has_contrast, references)):
        return "the reference image is empty or constant: choose another one"
    if not any(map(_has_contrast, images)):
        return "empty or constant"
    return "nothing in common with the reference image"


def _has_contrast(image: Prepared) -> bool:
    # A constant image is prepared as 0.
    return bool(numpy.any(image.pixels > 0))


def _register_all(
    register: Callable[..., _Found],
    number: int,
    reference_image: int,
    block_size: int,
    workers: int,
    reporter: Reporter,
) -> list[_Found]:
    """Register images, outward from the reference image.

    :param register: takes the index of an image, and a matrix to start from as well.
    """
    order = [*range(reference_image, number), *range(reference_image - 1, -1, -1)]
    found: dict[int, _Found] = {}
    with ExitStack() as context:
        futures: dict[int, Future[_Found]] = {}
        if workers > 1:
            executor = context.enter_context(threads(workers))
            futures = {n: executor.submit(register, n) for n in order}
            context.callback(lambda: [future.cancel() for future in futures.values()])
        for n in order:
            reporter.check()
            while futures and wait([futures[n]], timeout=_INTERVAL).not_done:
                reporter.check()
            found[n] = futures[n].result() if futures else register(n)
            before = _find_before(n, reference_image, block_size, found)
            if before is not None and _is_much_worse(found[n], found[before]):
                again = register(n, found[before].alignment.matrix)
                found[n] = max(found[n], again, key=lambda each: each.quality)
            reporter.count()
    return [found[n] for n in range(number)]


def _find_before(
    n: int, reference_image: int, block_size: int, found: Mapping[int, _Found]
) -> int | None:
    """The image from which one may have drifted; None where that is the reference image.

    :param block_size: how many images share the image before them, which is the last one of the
        block between them and the reference image. One that failed has the image before it instead.
    """
    distance = abs(n - reference_image)
    while distance > block_size:
        distance = (distance - 1) // block_size * block_size
        before = reference_image + (distance if n > reference_image else -distance)
        if found[before].why is None:
            return before
    return None


def _is_much_worse(found: _Found, before: _Found) -> bool:
    return found.quality < _GOOD and 1 - found.quality > _MUCH_WORSE * (1 - before.quality)
