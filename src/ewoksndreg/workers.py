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


def count_workers(max_workers: int | None) -> int:
    """How many workers an evaluation uses.

    :param max_workers: None or -1 for as many as this process may use: its processors, or on a
        worker of a Dask cluster the threads of that worker. 0 and 1 mean that the calling
        thread does the work.
    :raises ValueError: when the number is less than -1.
    """
    if max_workers is not None and max_workers < -1:
        raise ValueError(f"the number of workers is 0 or more, or -1, not {max_workers}")
    if max_workers is not None and max_workers >= 0:
        return max(1, max_workers)
    on_dask = _count_dask_threads()
    if on_dask is not None:
        return on_dask
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
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
    """Whether this process may have worker processes: a worker itself may not."""
    return not multiprocessing.current_process().daemon


@contextmanager
def threads(number: int) -> Iterator[Executor]:
    """Threads, as long as the context lasts. Only one at a time can decompress HDF5."""
    with ThreadPoolExecutor(number, thread_name_prefix="ewoksndreg") as executor:
        yield executor


@contextmanager
def processes(number: int) -> Iterator[Executor]:
    """Worker processes on this machine, as long as the context lasts.

    They do not run the script that is running here, so that it needs no
    ``if __name__ == "__main__":``. So nothing that the script defines can be sent to them.
    """
    # A forked process would share HDF5 and the threads of BLAS with this one.
    with ProcessPoolExecutor(number, mp_context=_Context()) as executor:
        yield executor


class _Process(SpawnProcess):
    def start(self) -> None:
        # The new process runs the script that it finds in these two attributes.
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
    """The workers of a Dask cluster, which are left running.

    They need this library and the files of the stacks under the same paths. May be used inside a
    task of the same cluster: the worker of that task accepts other work meanwhile.

    :param scheduler: its address, such as ``"tcp://host:8786"``.
    :raises ImportError: when Dask is not installed; says how to get it.
    :raises OSError: when there is no scheduler at this address.
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
