"""Go through the images of all stacks in jobs, in this thread or with an executor."""

from __future__ import annotations

import math
import pickle
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED
from concurrent.futures import BrokenExecutor
from concurrent.futures import Executor
from concurrent.futures import Future
from concurrent.futures import wait
from contextlib import ExitStack
from contextlib import contextmanager
from typing import TypeVar

import numpy
from numpy.typing import NDArray

from .._progress import Reporter
from .._stacks import Stack
from ..kernels import select_kernel
from ..transformation import Transformation
from ..transformation import TransformationType
from ..workers import count_workers
from ..workers import may_start_processes
from ..workers import processes
from ..workers import threads
from ._prepared_images import PreparedImages

# Pixels of a job, some ms: large enough that its overhead is small.
_JOB_SIZE = 2**22

# A worker in another process reads and prepares the reference image again for each job. Therefore,
# a job has several images, and enough of them that each worker gets only a few jobs.
_FEWEST_IMAGES_ELSEWHERE = 16
_JOBS_PER_PROCESS = 4

# Operations. With fewer, starting threads or processes takes longer than it saves.
_LEAST_FOR_THREADS = 2**23
_LEAST_FOR_PROCESSES = 2**29

# The interval (s) in which `should_stop` is called while an executor runs.
_INTERVAL = 0.02

_R = TypeVar("_R")

# Some images, to count them and to name their stack in errors, and a function that computes the
# result. Its argument `on_image` is optional and is called after each image.
Job = tuple[PreparedImages, Callable[..., _R]]


class Workers(ExitStack):
    """Runs jobs on the images of S stacks, in this thread or with an executor, whichever is faster,
    as a context that keeps the executor.

    :param registrations: N transformations for each of K registrations.
    :param comparisons: how often each registration is compared with each stack, shape `(K, S)`.
    :param executor: used in any case, if given.
    """

    def __init__(
        self,
        stacks: Mapping[str, Stack],
        registrations: Mapping[str, Sequence[Transformation]],
        comparisons: NDArray[numpy.bool_ | numpy.int64],
        reporter: Reporter,
        max_workers: int | None,
        executor: Executor | None,
    ) -> None:
        super().__init__()
        self._reporter = reporter
        operations = _count_operations(stacks, registrations, comparisons)
        kernel = select_kernel(operations).name
        self.images = [
            PreparedImages(name, stack, range(len(stack)), kernel) for name, stack in stacks.items()
        ]
        self.executor, self._fewest_images = executor, _FEWEST_IMAGES_ELSEWHERE
        number = 1 if executor is not None else count_workers(max_workers)
        if number == 1 or operations < _LEAST_FOR_THREADS:
            return
        # Threads wait for each other while HDF5 decompresses, and between the short steps of numpy.
        if kernel != "numpy" and not all(stack.slow_to_read for stack in stacks.values()):
            self.executor, self._fewest_images = self.enter_context(threads(number)), 1
        elif (
            operations >= _LEAST_FOR_PROCESSES
            and all(stack.in_file for stack in stacks.values())
            and may_start_processes()
            # Workers cannot import what the running script defines.
            and b"__main__" not in pickle.dumps((dict(stacks), dict(registrations)))
        ):
            self.executor = self.enter_context(processes(number))
            total = sum(len(stack) for stack in stacks.values())
            self._fewest_images = max(
                _FEWEST_IMAGES_ELSEWHERE, total // (_JOBS_PER_PROCESS * number)
            )

    def split(self, images: PreparedImages) -> list[slice]:
        """Split a stack into chunks of images of about equal length that begin where chunks of the
        file begin; only one for this thread."""
        stack, number = images.stack, len(images)
        if self.executor is None:
            return [slice(0, number)]
        fewest = max(self._fewest_images, math.ceil(_JOB_SIZE / math.prod(stack.shape[1:])))
        length = math.ceil(number / max(1, number // fewest))
        chunks, start = [], 0
        while start < number:
            stop = stack.stored_together(min(start + length, number) - 1).stop
            chunks.append(slice(start, stop))
            start = stop
        return chunks

    def run(self, jobs: Iterable[Job[_R]], *, counted: bool = True) -> dict[str, list[_R]]:
        """Run jobs. If one fails or the reporter cancels, those that have started are finished, and
        the others do not start. A Dask cluster does not tell which have started: there they finish
        after this call.

        :param jobs: an iterator, so that what they need is released as soon as they are done.
        :param counted: whether the images count for the progress.
        :returns: the results by the name of the stack, in the order of the jobs.
        :raises CancelledError: if the reporter cancels.
        :raises RuntimeError: if a worker died; names a stack that it scored.
        :raises TypeError: if a stack or a transformation cannot be sent to a worker; names it.
        """
        results = defaultdict(list)
        if self.executor is None:

            def on_image() -> None:
                if counted:
                    self._reporter.count(1)
                self._reporter.check()

            for images, compute in jobs:
                results[images.name].append(compute(on_image=on_image))
            return results
        futures: dict[Future[_R], PreparedImages] = {}
        try:
            for images, compute in jobs:
                with _explain_errors(images.name):
                    futures[self.executor.submit(compute)] = images
            pending = set(futures)
            while pending:
                done, pending = wait(pending, timeout=_INTERVAL, return_when=FIRST_COMPLETED)
                for future in [each for each in futures if each in done]:
                    with _explain_errors(futures[future].name):
                        future.result()
                    if counted:
                        self._reporter.count(len(futures[future]))
                self._reporter.check()
        finally:
            # Dask cancels jobs that have started, too, and they never end for it.
            wait([future for future in futures if not future.cancel()])
        for future, images in futures.items():
            results[images.name].append(future.result())
        return results


@contextmanager
def _explain_errors(name: str) -> Iterator[None]:
    """Translate errors that occur while data is sent to or from a worker."""
    try:
        yield
    except Exception as error:
        # Dask has its own exception for it.
        if isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker":
            raise RuntimeError(
                f"A worker died while stack {name!r} was scored, perhaps for lack of memory: run"
                " again with fewer workers"
            ) from error
        unsendable = (pickle.PicklingError, AttributeError, TypeError)
        if isinstance(error, unsendable) and "pickle" in str(error):
            raise TypeError(
                f"Stack {name!r} or one of the transformations for it cannot be sent to another"
                f" process: {error}; give arrays or HDF5 URLs, or use no workers"
            ) from error
        raise


def _count_operations(
    stacks: Mapping[str, Stack],
    registrations: Mapping[str, Sequence[Transformation]],
    comparisons: NDArray[numpy.bool_ | numpy.int64],
) -> float:
    """Count the operations for :func:`.select_kernel`: each image is prepared, and compared with
    and without alignment."""
    pixels = [math.prod(stack.shape) for stack in stacks.values()]
    shifts = TransformationType.identity, TransformationType.translation
    costs = [
        1 if items[-1].transformation_type in shifts else 6 for items in registrations.values()
    ]
    return float(numpy.dot(pixels, 2 + numpy.dot(costs, comparisons)))
