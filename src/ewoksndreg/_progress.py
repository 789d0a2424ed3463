"""Report progress, and cancel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError


class Reporter:
    """Counts images, reports the completed fraction and checks whether to stop.

    :param what: what is computed, such as "registration".
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
        """Add images to the total."""
        self._total += images

    def count(self, images: int = 1) -> None:
        self._done += images
        self._told = max(self._told, min(1.0, self._done / self._total))
        if self._progress is not None:
            self._progress(self._told)

    def finish(self) -> None:
        """Report that everything is done, even with fewer images than expected."""
        if self._told < 1:
            self.count(max(0, self._total - self._done))

    def check(self) -> None:
        """:raises CancelledError: if the computation should stop; says how much was done."""
        if self._should_stop is not None and self._should_stop():
            raise CancelledError(
                f"The {self._what} was cancelled after {self._done} of {self._total} images"
            )
