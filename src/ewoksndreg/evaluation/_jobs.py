"""Split the scoring of stacks into jobs and run them, in this thread or with an executor."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED
from concurrent.futures import BrokenExecutor
from concurrent.futures import Executor
from concurrent.futures import Future
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from typing import Generic
from typing import TypeVar

from .._progress import Reporter
from .._stacks import Stack
from ..transformation import Transformation
from ..workers import count_workers
from ..workers import may_start_processes
from ..workers import processes
from ..workers import threads
from ._prepared_images import PreparedImages
from ._prepared_images import ReferenceImage

# Pixels of a job, some ms: large enough that its overhead is small.
_JOB_SIZE = 2**22

# A worker in another process reads and prepares the reference image again for each job. Therefore,
# a job has several images, and enough of them that each worker gets only a few jobs.
FEWEST_IMAGES_ELSEWHERE = 16
_JOBS_PER_PROCESS = 4

# Operations. With fewer, starting threads or processes takes longer than it saves.
_LEAST_FOR_THREADS = 2**23
_LEAST_FOR_PROCESSES = 2**29

# The interval (s) in which `should_stop` is called while an executor runs.
_INTERVAL = 0.02


def split_images(stack: Stack, fewest_images: int | None) -> list[range]:
    """Split a stack into chunks of images of about equal length that begin where chunks of the file
    begin.

    :param fewest_images: minimum number of images of a chunk; None for a single chunk.
    """
    if fewest_images is None:
        return [range(len(stack))]
    size = max(1, math.prod(stack.shape[1:]))
    fewest_images = max(fewest_images, math.ceil(_JOB_SIZE / size))
    length = math.ceil(len(stack) / max(1, len(stack) // fewest_images))
    parts, start = [], 0
    while start < len(stack):
        stop = stack.stored_together(min(start + length, len(stack)) - 1).stop
        parts.append(range(start, stop))
        start = stop
    return parts


@contextmanager
def choose_workers(
    image_stacks: Mapping[str, Stack],
    registrations: Mapping[str, Sequence[Transformation]],
    operations: float,
    kernel: str,
    max_workers: int | None,
) -> Iterator[tuple[Executor | None, int | None]]:
    """Choose the fastest executor, and the minimum number of images of a job for it; None and None
    if this thread is fastest.

    :param operations: see :func:`.select_kernel`.
    :param kernel: the name of the kernel.
    """
    number = count_workers(max_workers)
    stacks = image_stacks.values()
    # Threads wait for each other while HDF5 decompresses, and between the short steps of numpy.
    threads_help = kernel != "numpy" and not all(stack.slow_to_read for stack in stacks)
    processes_help = operations >= _LEAST_FOR_PROCESSES and all(stack.in_file for stack in stacks)
    if number == 1 or operations < _LEAST_FOR_THREADS:
        yield None, None
    elif threads_help:
        with threads(number) as executor:
            yield executor, 1
    elif (
        processes_help
        and may_start_processes()
        # Workers cannot import what the running script defines.
        and b"__main__" not in pickle.dumps((dict(image_stacks), dict(registrations)))
    ):
        with processes(number) as executor:
            images = sum(len(stack) for stack in stacks)
            yield executor, max(FEWEST_IMAGES_ELSEWHERE, images // (_JOBS_PER_PROCESS * number))
    else:
        yield None, None


_R = TypeVar("_R")


@dataclass(frozen=True, eq=False)
class Job(Generic[_R]):
    """A computation on some images, possibly in another process.

    :param images: the images, to count them and to name their stack in errors.
    :param references: the reference images it needs, which other jobs may share.
    :param run: returns the result; its argument `on_image` is optional and is called after each
        image.
    """

    images: PreparedImages
    references: Sequence[ReferenceImage]
    run: Callable[..., _R]


class Workers:
    """Runs jobs one after the other in this thread, or in any order with an executor.

    :param executor: None for this thread.
    """

    def __init__(self, executor: Executor | None, reporter: Reporter) -> None:
        self._executor = executor
        self._reporter = reporter

    def run(self, jobs: Sequence[Job[_R]], *, counted: bool = True) -> list[_R]:
        """Run jobs. If one fails or the reporter cancels, those that have started are finished, and
        the others do not start. A Dask cluster does not tell which have started: there they finish
        after this call.

        :param counted: whether the images count for the progress.
        :returns: the results, in the order of the jobs.
        :raises CancelledError: if the reporter cancels.
        :raises RuntimeError: if a worker died; names a stack that it scored.
        :raises TypeError: if a stack or a transformation cannot be sent to a worker; names it.
        """

        def on_image() -> None:
            if counted:
                self._reporter.count(1)
            self._reporter.check()

        if self._executor is None:
            results = []
            for n, job in enumerate(jobs):
                results.append(job.run(on_image=on_image))
                _forget_references(job, jobs[n + 1 :])
            return results
        futures: list[Future[_R]] = []
        try:
            for job in jobs:
                with _explain_errors(job):
                    futures.append(self._executor.submit(job.run))
            self._await(futures, jobs, counted)
        finally:
            # Dask cancels jobs that have started, too, and they never end for it.
            wait([future for future in futures if not future.cancel()])
        return [future.result() for future in futures]

    def _await(self, futures: Sequence[Future[_R]], jobs: Sequence[Job[_R]], counted: bool) -> None:
        pending = dict(zip(futures, jobs, strict=True))
        while pending:
            done, _ = wait(pending, timeout=_INTERVAL, return_when=FIRST_COMPLETED)
            for future in [each for each in pending if each in done]:
                job = pending.pop(future)
                with _explain_errors(job):
                    future.result()
                _forget_references(job, pending.values())
                if counted:
                    self._reporter.count(len(job.images))
            self._reporter.check()


def _forget_references(job: Job[Any], others: Collection[Job[Any]]) -> None:
    """Release the reference images that are no longer needed, so that memory does not grow with the
    number of stacks."""
    for reference in job.references:
        if not any(reference in other.references for other in others):
            reference.forget()


@contextmanager
def _explain_errors(job: Job[Any]) -> Iterator[None]:
    """Translate errors that occur while data is sent to or from a worker."""
    name = job.images.name
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
