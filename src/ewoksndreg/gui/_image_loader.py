"""Read images in a separate thread, so that the window stays responsive."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor

from silx.gui import qt

from ._image_reader import ImageReader
from ._image_reader import ImageRequest

_logger = logging.getLogger(__name__)


class ImageLoader(qt.QObject):
    """One worker thread that reads the most recently requested image.

    It has no Qt parent: the worker keeps it alive until the image has arrived, even if the window
    has been closed by then.
    """

    sigLoaded = qt.Signal(object)
    """The most recently requested :class:`.LoadedImages`."""

    sigFailed = qt.Signal(str)
    """Why they cannot be displayed, one sentence."""

    _sigDone = qt.Signal(int, object)  # generation, loaded images or an error

    def __init__(self) -> None:
        super().__init__()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="images")
        self._reader = ImageReader()
        self._generation = 0
        self.loading = False
        """Whether an image is awaited."""
        self._sigDone.connect(self._deliver, qt.Qt.QueuedConnection)

    def load(self, request: ImageRequest) -> None:
        """Read an image, and drop earlier requests."""
        self.cancel()
        self.loading = True
        self._executor.submit(self._read, self._generation, request)

    def cancel(self) -> None:
        """Drop all requests; an image that is being read is discarded when it arrives."""
        self._generation += 1
        self.loading = False

    def close_when_idle(self, close: Callable[[], object]) -> Future[None]:
        """Drop all requests and close the files that the images came from.

        :param close: called by the worker once it has stopped reading.
        :returns: a future that is done when the files are closed.
        """
        self.cancel()
        return self._executor.submit(self._close, close)

    def _close(self, close: Callable[[], object]) -> None:
        self._reader.forget()
        close()

    def _read(self, generation: int, request: ImageRequest) -> None:
        def is_stale() -> bool:
            return generation != self._generation

        if is_stale():
            return
        result: object
        try:
            result = self._reader.read(request, is_stale)
        except (OSError, TypeError, ValueError) as error:
            result = str(error)
        except Exception as error:  # transformation classes of users may raise anything
            _logger.exception("Cannot show image %d of stack %r", request.number, request.name)
            result = f"Stack {request.name!r}, image {request.number}: {error!r}"
        if result is not None:
            self._sigDone.emit(generation, result)

    def _deliver(self, generation: int, result: object) -> None:
        if generation != self._generation:
            return
        self.loading = False
        if isinstance(result, str):
            self.sigFailed.emit(result)
        else:
            self.sigLoaded.emit(result)
