"""Executors for :func:`ewoksndreg.evaluation.evaluate_stacks`: processes here or a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from concurrent.futures import Executor
from concurrent.futures import Future
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from contextlib import contextmanager
from functools import partial
from typing import Any

from . import _opencv


@contextmanager
def processes(max_workers: int) -> Iterator[Executor]:
    """Worker processes on this machine, as long as the context lasts.

    :param max_workers: their number; -1 for one on each processor that this process may use.
    :raises ValueError: when the number is 0 or less than -1.
    :raises RuntimeError: when this process is a worker itself and may not have any.
    """
    if max_workers == 0 or max_workers < -1:
        raise ValueError(f"The number of workers is 1 or more, or -1, not {max_workers}")
    if multiprocessing.current_process().daemon:
        raise RuntimeError(
            "A worker process cannot start workers: do without (max_workers=0), or give the address"
            " of a Dask scheduler"
        )
    number = _processors() if max_workers == -1 else max_workers
    # A process that is forked would share HDF5 and the threads of BLAS with this one.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        number, mp_context=context, initializer=_opencv.use_one_thread
    ) as executor:
        yield executor


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


@contextmanager
def dask_workers(address: str) -> Iterator[Executor]:
    """The workers of a Dask cluster, which are left running.

    They need this library and the files of the stacks under the same paths. May be used inside a
    task of the same cluster: the worker of that task is free for others meanwhile.

    :param address: of the scheduler, such as ``"tcp://host:8786"``.
    :raises ImportError: when Dask is not installed; says how to get it.
    :raises OSError: when there is no scheduler at this address.
    """
    try:
        import distributed
    except ImportError as error:
        raise ImportError(
            'A Dask scheduler needs the package Dask: pip install "ewoksndreg[dask]"'
        ) from error
    with ExitStack() as stack:
        try:
            inside = distributed.get_worker().scheduler.address == address
        except ValueError:  # this is no task of a cluster
            inside = False
        if inside:
            client = stack.enter_context(distributed.worker_client())
        else:
            try:
                client = stack.enter_context(
                    distributed.Client(address, set_as_default=False)  # type: ignore[no-untyped-call, unused-ignore]
                )
            except (OSError, ValueError) as error:
                raise OSError(f"There is no Dask scheduler at {address!r}: {error}") from error
        yield _DaskExecutor(client, distributed.KilledWorker)


class _DaskExecutor(Executor):
    """Other than the executor of Dask it knows which works have begun, and it tells that a worker
    died as other executors do."""

    def __init__(self, client: Any, killed: type[Exception]) -> None:
        self._client = client
        self._killed = killed
        # Dask forgets a work whose future nobody holds.
        self._works: set[Any] = set()

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        # It may run from now on, so that it counts as done only when it has ended.
        future.set_running_or_notify_cancel()
        work = self._client.submit(function, *args, pure=False, **kwargs)
        self._works.add(work)
        work.add_done_callback(partial(self._pass_on, future))
        return future

    def call_everywhere(self, function: Callable[[], object]) -> None:
        """Call a function here and in each worker process, also in those that are busy."""
        function()
        self._client.run(function)

    def _pass_on(self, future: Future[Any], work: Any) -> None:
        self._works.discard(work)
        if work.cancelled():
            future.set_exception(BrokenExecutor("the scheduler has lost the work"))
            return
        error = work.exception()
        if isinstance(error, self._killed):
            error = BrokenExecutor(str(error))
        if error is None:
            future.set_result(work.result())
        else:
            future.set_exception(error)
