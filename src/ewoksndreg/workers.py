"""Executors that evaluate stacks: threads, processes, a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextlib import contextmanager
from multiprocessing.context import SpawnContext
from multiprocessing.context import SpawnProcess
from typing import Any

import numpy


def count_workers(max_workers: int | None) -> int:
    """Return the number of workers to use.

    :param max_workers: None or -1: one per available processor or, on a worker of a Dask cluster,
        one per thread of that worker. 0 or 1: the calling thread does the work.
    :raises ValueError: if the number is less than -1.
    :raises TypeError: if it is no integer.
    """
    if max_workers is not None and not isinstance(max_workers, (int, numpy.integer)):
        raise TypeError(f"the number of workers must be an integer, not {max_workers!r}")
    if max_workers is not None and max_workers < -1:
        raise ValueError(f"the number of workers must be -1 or more, not {max_workers}")
    if max_workers is not None and max_workers >= 0:
        return max(1, max_workers)
    on_dask = _count_dask_threads()
    if on_dask is not None:
        return on_dask
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not available on this system
        return os.cpu_count() or 1


def _count_dask_threads() -> int | None:
    worker = sys.modules.get("distributed.worker")
    if worker is None:
        return None
    try:
        return int(worker.get_worker().state.nthreads)
    except ValueError:  # this is no task of a cluster
        return None


def may_start_processes() -> bool:
    """Whether this process may start worker processes: a worker process may not."""
    return not multiprocessing.current_process().daemon


@contextmanager
def threads(number: int) -> Iterator[Executor]:
    """Provide threads inside the context. Only one of them at a time can decompress HDF5."""
    with ThreadPoolExecutor(number, thread_name_prefix="ewoksndreg") as executor:
        yield executor


@contextmanager
def processes(number: int) -> Iterator[Executor]:
    """Provide worker processes on this machine inside the context.

    They do not import the running script, so that it needs no ``if __name__ == "__main__":``.
    Therefore, objects that the script defines cannot be sent to them.
    """
    # A forked process would share HDF5 and the threads of BLAS with this one.
    with ProcessPoolExecutor(number, mp_context=_Context()) as executor:
        yield executor


class _Process(SpawnProcess):
    def start(self) -> None:
        # The new process would import the script that these two attributes name.
        main = sys.modules["__main__"]
        hidden = {
            name: main.__dict__.pop(name)
            for name in ("__file__", "__spec__")
            if hasattr(main, name)
        }
        main.__spec__ = None
        try:
            super().start()
        finally:
            main.__dict__.update(hidden)


class _Context(SpawnContext):
    Process = _Process


@contextmanager
def dask_workers(scheduler: str) -> Iterator[Executor]:
    """Provide the workers of a Dask cluster inside the context; they keep running afterwards.

    The workers need this library, and the files of the stacks under the same paths. This can be
    used inside a task of the same cluster: the worker of that task accepts other tasks meanwhile.

    :param scheduler: address of the scheduler, such as ``"tcp://host:8786"``.
    :raises ImportError: if Dask is not installed; says how to install it.
    :raises OSError: if there is no scheduler at this address.

    >>> from distributed import LocalCluster
    >>> from ewoksndreg.workers import dask_workers
    >>> options = {"n_workers": 1, "processes": False, "dashboard_address": None}
    >>> with LocalCluster(**options) as cluster:
    ...     with dask_workers(cluster.scheduler_address) as executor:
    ...         executor.submit(abs, -1).result()
    1
    """
    try:
        import distributed
    except ImportError as error:
        raise ImportError(
            'A Dask scheduler needs the package Dask: pip install ".[dask]" in the folder of the'
            " sources"
        ) from error
    with ExitStack() as stack:
        try:
            inside = distributed.get_worker().scheduler.address == scheduler
        except ValueError:  # this is no task of a cluster
            inside = False
        if inside:
            client: Any = stack.enter_context(distributed.worker_client())
        else:
            try:
                client = stack.enter_context(
                    distributed.Client(scheduler, set_as_default=False)  # type: ignore[no-untyped-call, unused-ignore]
                )
            except (OSError, ValueError) as error:
                raise OSError(f"There is no Dask scheduler at {scheduler!r}: {error}") from error
        yield client.get_executor(pure=False)
