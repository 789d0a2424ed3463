"""Apply registrations to stacks."""

from __future__ import annotations

import math
import posixpath
import warnings
from collections import deque
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from concurrent.futures import Executor
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Any

import numpy
from numpy.typing import NDArray
from silx.io.url import DataUrl

from ._aligned_stack import AlignedStack
from ._aligned_stack import Registration
from ._aligned_stack import Resampling
from ._aligned_stack import Source
from ._aligned_stack import explain_errors
from ._crop import Rectangle
from ._crop import Runs
from ._crop import find_covered
from ._crop import find_largest_rectangle
from ._crop import find_valid
from ._crop import intersect
from ._crop import whole_frame
from ._json import as_json
from ._messages import list_images
from ._nexus import crop_axes
from ._nexus import describe_nxdata
from ._nexus import find_process
from ._nexus import make_process
from ._nexus import passive_matrices
from ._nexus import update_groups
from ._nexus import write_groups
from ._pixels import floating_type
from ._progress import Reporter
from ._stacks import Stack
from .evaluation import check_registration_per_stack
from .evaluation import check_same_image_shapes
from .evaluation import check_stack_per_registration
from .evaluation import check_transformation_per_image
from .io import Hdf5OutputStacks
from .io import find_sources
from .io import hdf5_output_context
from .io import open_stacks
from .transformation import Conventions
from .transformation import Transformation
from .transformation import TransformationSource
from .transformation import as_registrations
from .transformation import as_transformations
from .workers import count_workers
from .workers import threads

# The number of images that are sent to an executor whose number of workers is unknown.
_SENT_IMAGES = 16


def align_stacks(
    stacks: Any,
    transformations: TransformationSource | Mapping[str, TransformationSource],
    output: str | DataUrl | None = None,
    *,
    convention: Conventions = None,
    crop: bool = False,
    interpolation_order: int = 1,
    progress: Callable[[float], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
    max_workers: int | None = None,
    executor: Executor | None = None,
    nxmetadata: Mapping[str, Any] | None = None,
    configuration: Mapping[str, Any] | None = None,
) -> dict[str, AlignedStack] | dict[str, DataUrl]:
    """Resample each image of the stacks with its transformation, and optionally save the result.

    ``aligned[p] = image[M p]`` with the passive matrix M of the image, see :ref:`where-from`.
    Images are read and written one at a time.

    The aligned images are floating point: float32 if that holds all values of the pixel type (bool,
    integers of up to 16 bits, float16, float32), else float64. Pixels that come from outside the
    image, that is from beyond the centers of its outermost pixels, are NaN. A pixel
    is also NaN if its linear interpolation (with order 0, the nearest pixel) uses an invalid pixel:
    NaN, infinite or masked. A shift by an integer number of pixels copies the pixels.

    With `crop`, all stacks are cropped to the same rectangle: the largest one that, in every image
    of every stack, comes from inside the frame and from inside its invalid border, which is the
    rows and columns at the edges without a valid pixel. Other invalid pixels are not considered,
    nor are images without a transformation. Floating-point images are read twice for this.
    (ewoksndreg 0.5.0 uses the bounding box of the valid pixels after the alignment instead. It
    keeps the empty corners of a rotation, and areas that only some of the stacks cover.)

    :param stacks: S stacks of N images of shape `(H, W)`, in any form that :func:`.open_stacks`
        accepts.
    :param transformations: one registration for all stacks, N transformations in any form that
        :func:`.as_transformations` accepts, or a dictionary with one registration per stack, by
        name. An image whose transformation is NaN or singular becomes NaN.
    :param output: URL of the HDF5 group in which to save the aligned stacks, one dataset each. The
        group and its file are created if they do not exist. The stacks are written completely or
        not at all, together with an `NXprocess` group that records how they were aligned: the one
        above them in `nxmetadata`, or `<group>_alignment`.
    :param convention: what the numbers of the transformations mean, see
        :func:`.as_transformations`; for all registrations, or a dictionary by name.
    :param crop: keep only what is visible in all images. All images must have the same shape then.
    :param interpolation_order: order of the spline, from 0 (nearest pixel) and 1 (linear) to 5.
    :param progress: called with the completed fraction, from 0 to 1, never decreasing.
    :param should_stop: called after each image; the alignment is cancelled if it returns True.
    :param max_workers: number of threads. None or -1: one per available processor; 0: no additional
        threads. The result is the same.
    :param executor: used instead of threads. It is not shut down.
    :param nxmetadata: groups, attributes and datasets to save with the stacks: a tree from the root
        of the file, in the form of :func:`silx.io.dictdump.dicttonx`. Its `axes` are cropped like
        the stacks; what exists in the file is kept. By default, the output group becomes an
        `NXdata` group with the axes and units of the NXdata groups that the stacks come from.
    :param configuration: parameters to save with the stacks, as JSON, as the `configuration` of
        the alignment.
    :returns: with `output`, the URLs of the datasets by name. Without it, lazy stacks by name,
        which align an image when it is accessed: ``stack[n]`` is an image, ``stack[a:b]`` a stack
        and ``numpy.asarray(stack)`` an array of all images. The file stays open inside ``with
        stack:``. With `crop`, `offset` is the first row and column of the frame that is kept.
    :raises ValueError: if there are no stacks, a registration does not fit a stack, a name is
        unknown, `interpolation_order` or `max_workers` is out of range, nothing is left after
        cropping, or the output is not the URL of a group.
    :raises TypeError: if pixels are not real numbers, or an object is not a transformation.
    :raises OSError: if a file is missing, cannot be read or cannot be written.
    :raises FileExistsError: if the output group already has something with the name of a stack.
    :raises concurrent.futures.CancelledError: if `should_stop` returned True.
    :raises RuntimeError: if a worker of the executor died.
    :warns RuntimeWarning: if images have no transformation; names them.

    In the second image, the sample is one row further down:

    >>> import numpy
    >>> from ewoksndreg import align_stacks
    >>> first = numpy.array([[1, 2], [3, 4], [5, 6]])
    >>> stack = [first, numpy.roll(first, 1, axis=0)]
    >>> aligned = align_stacks({"Ca-K": stack}, [(0, 0), (1, 0)])
    >>> aligned["Ca-K"][1]
    array([[ 1.,  2.],
           [ 3.,  4.],
           [nan, nan]])
    >>> cropped = align_stacks({"Ca-K": stack}, [(0, 0), (1, 0)], crop=True)
    >>> cropped["Ca-K"].shape
    (2, 2, 2)
    """
    if interpolation_order not in range(6):
        raise ValueError(
            f"The interpolation order is an integer from 0 to 5, not {interpolation_order!r}"
        )
    order = int(interpolation_order)
    sources = find_sources(stacks)
    if not sources:
        raise ValueError("There are no image stacks to align")
    try:
        plain_configuration = as_json(configuration)
    except ValueError as error:
        raise ValueError(f"The configuration {error}") from None
    with ExitStack() as context:
        saved = None
        if output is not None:
            # First, so that an output that cannot be written is refused before the computation,
            # and that the stacks are closed when the output is moved into their file.
            saved = context.enter_context(hdf5_output_context(output))
            saved.reserve(sources)
        opened = context.enter_context(open_stacks(sources))
        registrations = _find_registrations(opened, transformations, convention)
        total = sum(
            len(stack) * ((crop and _may_be_invalid(stack)) + (saved is not None))
            for stack in opened.values()
        )
        reporter = Reporter("alignment", total, progress, should_stop)
        work = context.enter_context(_Work(reporter, max_workers, executor))
        common = _find_common_rectangle(opened, registrations, work) if crop else None
        _warn_of_failed(registrations)
        aligned = {}
        for name, stack in opened.items():
            # What was opened here is closed at the end, and opened again to be read.
            again = stack.in_file and stack is not sources[name]
            source = Source(name, stack.origin if again else stack)
            rectangle = common or whole_frame(stack.shape[1:])
            resampling = Resampling(order, rectangle, floating_type(stack.dtype))
            aligned[name] = AlignedStack(source, registrations[name], resampling)
        if saved is None:
            return aligned
        for name, stack in opened.items():
            for image in work.run(name, stack, registrations[name], aligned[name].resampling):
                saved.add_point(name, image)
        options = {"crop": crop, "interpolation_order": order}
        _describe(saved, opened, aligned, options, nxmetadata, plain_configuration)
        return dict(saved.data_for_input())


class _Work(ExitStack):
    """Reads images one by one and processes each, as a context that keeps the workers."""

    def __init__(
        self, reporter: Reporter, max_workers: int | None, executor: Executor | None
    ) -> None:
        super().__init__()
        self._reporter = reporter
        self._submit: Callable[..., Future[Any]] = _run_here
        self._most_waiting = 0
        number = count_workers(max_workers)
        if executor is not None:
            self._submit, self._most_waiting = executor.submit, _SENT_IMAGES
        elif number > 1:
            self._submit = self.enter_context(threads(number)).submit
            self._most_waiting = number

    def run(
        self,
        name: str,
        stack: Stack,
        registration: Registration,
        function: Callable[[Any, Any], Any],
    ) -> Iterator[Any]:
        """Yield ``function(image, transformation)`` for each image of a stack, in order. An image
        without a transformation is not read: both arguments are None then."""
        waiting: deque[tuple[int, Future[Any]]] = deque()
        try:
            with stack:
                for n, transformation in enumerate(registration):
                    self._reporter.check()
                    with explain_errors(name, n):
                        image = None if transformation is None else stack[n]
                        waiting.append((n, self._submit(function, image, transformation)))
                    del image
                    if len(waiting) > self._most_waiting:
                        yield self._wait(name, *waiting.popleft())
                while waiting:
                    self._reporter.check()
                    yield self._wait(name, *waiting.popleft())
        finally:
            for _, future in waiting:
                future.cancel()

    def _wait(self, name: str, n: int, future: Future[Any]) -> Any:
        with explain_errors(name, n):
            result = future.result()
        self._reporter.count()
        return result


def _run_here(function: Callable[..., Any], *arguments: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(function(*arguments))
    return future


def _find_registrations(
    stacks: Mapping[str, Stack], transformations: Any, convention: Conventions
) -> dict[str, Registration]:
    if isinstance(transformations, Mapping):
        given = as_registrations(transformations, convention)
        check_registration_per_stack(stacks, given)
        check_stack_per_registration(stacks, given)
    else:
        if isinstance(convention, Mapping):
            raise TypeError("One registration for all stacks has one convention, not a dictionary")
        given = dict.fromkeys(stacks, as_transformations(transformations, convention=convention))
    check_transformation_per_image(stacks, given)
    return {
        name: [_none_if_failed(each, stack.shape[1:]) for each in given[name]]
        for name, stack in stacks.items()
    }


def _none_if_failed(
    transformation: Transformation, shape: tuple[int, int]
) -> Transformation | None:
    center = (numpy.array(shape).reshape(2, 1) - 1) / 2
    return (
        transformation if numpy.isfinite(transformation.apply_coordinates(center)).all() else None
    )


def _warn_of_failed(registrations: Mapping[str, Registration]) -> None:
    failed = {
        name: [n for n, each in enumerate(registration) if each is None]
        for name, registration in registrations.items()
    }
    failed = {name: images for name, images in failed.items() if images}
    if failed:
        warnings.warn(
            "Images without a transformation (NaN or singular) are NaN in the aligned stacks: "
            + list_images(failed),
            RuntimeWarning,
            stacklevel=3,
        )


def _find_common_rectangle(
    stacks: Mapping[str, Stack], registrations: Mapping[str, Registration], work: _Work
) -> Rectangle:
    """Find the largest rectangle of aligned pixels that come from valid parts of all images.

    :raises ValueError: if there is none; names the image that covers least.
    """
    check_same_image_shapes(stacks, "only stacks of the same shape can be cropped together")
    shape = next(stack.shape[1:] for stack in stacks.values())
    common: Runs | None = None
    least, culprit = math.inf, ("", 0)
    for name, stack in stacks.items():
        if _may_be_invalid(stack):
            covered = work.run(name, stack, registrations[name], _find_covered_by_valid)
        else:
            frame = whole_frame(shape)
            covered = (
                None if each is None else find_covered(each, frame, shape)
                for each in registrations[name]
            )
        for n, part in enumerate(covered):
            if part is None:
                continue
            common = part if common is None else intersect(common, part)
            if part.size < least:
                least, culprit = part.size, (name, n)
    if common is None:
        return whole_frame(shape)
    rectangle = find_largest_rectangle(common)
    if rectangle is None:
        name, n = culprit
        raise ValueError(
            f"Cropping leaves nothing: image {n} of stack {name!r} covers {least} of the"
            f" {math.prod(shape)} px of the frame, and no image covers less; correct its"
            " transformation, or set it to NaN to exclude this image"
        )
    return rectangle


def _may_be_invalid(stack: Stack) -> bool:
    return stack.dtype.kind == "f"


def _find_covered_by_valid(
    image: NDArray[Any] | None, transformation: Transformation | None
) -> Runs | None:
    if image is None or transformation is None:
        return None
    return find_covered(transformation, find_valid(image), image.shape)


def _describe(
    saved: Hdf5OutputStacks,
    stacks: Mapping[str, Stack],
    aligned: Mapping[str, AlignedStack],
    options: Mapping[str, Any],
    nxmetadata: Mapping[str, Any] | None,
    configuration: Mapping[str, Any] | None,
) -> None:
    """Write the axes of the aligned stacks, and how they were aligned."""
    root = str(saved.url.data_path())
    shapes = {name: stack.shape for name, stack in stacks.items()}
    groups = describe_nxdata(stacks, shapes, root)
    groups[root].setdefault(("", "title"), "Aligned images")
    update_groups(groups, nxmetadata or {})
    first_in_group = {posixpath.dirname(posixpath.join(root, name)): name for name in stacks}
    for path, name in first_in_group.items():
        rectangle = aligned[name].resampling.rectangle
        crop_axes(groups[path], stacks[name].shape[1:], rectangle)
    inputs = {
        "image_stacks": {name: stack.describe_sources() for name, stack in stacks.items()},
        "offset": {name: stack.offset for name, stack in aligned.items()},
        **options,
    }
    matrices = passive_matrices({name: stack.registration for name, stack in aligned.items()})
    notes = {"inputs": inputs} | ({} if configuration is None else {"configuration": configuration})
    saved.write(find_process(groups, saved), make_process(notes, matrices))
    write_groups(saved, groups)
