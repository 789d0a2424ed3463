"""What tasks have in common that run for long."""

from __future__ import annotations

from ewokscore import TaskWithProgress


class CancellableTask(TaskWithProgress):
    """A task that reports a fraction as its progress, and stops when asked to."""

    def cancel(self) -> None:
        """Ask the running task to stop; it raises :class:`concurrent.futures.CancelledError`
        after the current image and leaves no output."""
        self.cancelled = True

    def _report(self, fraction: float) -> None:
        self.progress = int(100 * fraction)
