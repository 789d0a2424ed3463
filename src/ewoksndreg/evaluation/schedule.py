"""Have works done, here or by an executor."""

from __future__ import annotations

import os
import pickle
import tempfile
import uuid
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED
from concurrent.futures import BrokenExecutor
from concurrent.futures import CancelledError
from concurrent.futures import Executor
from concurrent.futures import Future
from concurrent.futures import wait
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from .judge import StackJudgement
from .judge import Work
from .judge import judge

# How often (s) it is asked whether to stop while an executor works.
_INTERVAL = 0.02


class Reporter:
    """Counts images, passes the fraction on and asks whether to go on."""

    def __init__(
        self,
        total: int,
        progress: Callable[[float], object] | None,
        should_stop: Callable[[], bool] | None,
    ) -> None:
        self._total = total
        self._done = 0
        self._progress = progress
        self._should_stop = should_stop

    def count(self, images: int) -> None:
        self._done += images
        if self._progress is not None:
            self._progress(self._done / self._total)

    def check(self) -> None:
        """:raises CancelledError: when the work is to stop; says how much was done."""
        if self._should_stop is not None and self._should_stop():
            raise CancelledError(
                f"The evaluation was cancelled after {self._done} of {self._total} images"
            )


def have_judged(
    works: Sequence[Work], reporter: Reporter, executor: Executor | None
) -> list[StackJudgement]:
    """Do works here, one after the other, or have them done by an executor in any order.

    When one fails or the reporter says so, those that have begun stop after their current image and
    the others do not begin. The workers of an executor learn that from a file in the folder for
    temporary files. An executor with workers on other machines has a method
    ``call_everywhere(function)``, which is used to put the file there too.

    :returns: the judgements, in the order of the works.
    :raises CancelledError: when the reporter says so.
    :raises RuntimeError: when a worker died; names a stack that it judged.
    :raises TypeError: when a stack or a transformation cannot be sent to a worker; names it.
    """

    def image_done() -> None:
        reporter.count(1)
        reporter.check()

    if executor is None:
        return [judge(work, image_done) for work in works]
    flag = Path(tempfile.gettempdir(), f"ewoksndreg-stop-{uuid.uuid4().hex}")
    everywhere = getattr(executor, "call_everywhere", lambda function: function())
    futures: list[Future[Any]] = []
    try:
        for work in works:
            with _explained(work):
                futures.append(executor.submit(_judge_until, work, str(flag)))
        return _results(futures, works, reporter)
    except BaseException:
        everywhere(flag.touch)
        for future in futures:
            future.cancel()
        wait(futures)
        everywhere(partial(flag.unlink, missing_ok=True))
        raise


def _judge_until(work: Work, flag: str) -> StackJudgement | None:
    """In the worker. None, which nobody looks at, is no error that a cluster would tell."""

    def stop_if_there() -> None:
        if os.path.exists(flag):
            raise CancelledError

    try:
        stop_if_there()
        return judge(work, stop_if_there)
    except CancelledError:
        return None


def _results(
    futures: Sequence[Future[Any]], works: Sequence[Work], reporter: Reporter
) -> list[StackJudgement]:
    pending = dict(zip(futures, works, strict=True))
    while pending:
        done, _ = wait(pending, timeout=_INTERVAL, return_when=FIRST_COMPLETED)
        for future in [each for each in pending if each in done]:
            work = pending.pop(future)
            with _explained(work):
                future.result()
            reporter.count(len(work.images))
        reporter.check()
    return [future.result() for future in futures]


@contextmanager
def _explained(work: Work) -> Iterator[None]:
    """Say in our words what goes wrong on the way to the worker or from there."""
    try:
        yield
    except BrokenExecutor as error:
        raise RuntimeError(
            f"A worker died while stack {work.name!r} was judged, perhaps for lack of memory: run"
            " again with fewer workers; a script that starts workers needs"
            " `if __name__ == '__main__':`"
        ) from error
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        if "pickle" not in str(error):
            raise
        raise TypeError(
            f"Stack {work.name!r} or one of the transformations for it cannot be sent to another"
            f" process: {error}; give arrays or HDF5 URLs, or do without workers"
        ) from error
