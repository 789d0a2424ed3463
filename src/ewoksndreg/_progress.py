"""How long work takes, and whether it is to go on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError


class Reporter:
    """Counts images, passes the fraction that is done on and asks whether to go on.

    :param what: is done, such as "registration".
    :param total: number of images.
    """

    def __init__(
        self,
        what: str,
        total: int,
        progress: Callable[[float], object] | None,
        should_stop: Callable[[], bool] | None,
    ) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._told = 0.0
        self._progress = progress
        self._should_stop = should_stop

    def extend(self, images: int) -> None:
        """There is more to do than was known before."""
        self._total += images

    def count(self, images: int = 1) -> None:
        self._done += images
        self._told = max(self._told, min(1.0, self._done / self._total))
        if self._progress is not None:
            self._progress(self._told)

    def finish(self) -> None:
        """All is done, perhaps with fewer images than there might have been."""
        if self._told < 1:
            self.count(max(0, self._total - self._done))

    def check(self) -> None:
        """:raises CancelledError: when the work is to stop; says how much was done."""
        if self._should_stop is not None and self._should_stop():
            raise CancelledError(
                f"The {self._what} was cancelled after {self._done} of {self._total} images"
            )
