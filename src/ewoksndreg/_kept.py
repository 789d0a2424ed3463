"""What was read or opened last, kept for the next image: bounded memory for the whole process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy
from numpy.typing import NDArray

LIMIT = 256 * 2**20  # bytes, of blocks of images and of the chunk caches of HDF5 together


class _Kept:
    """Values by the object that owns them, dropped with it, the least recently used first."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._values: WeakKeyDictionary[Any, tuple[int, Any]] = WeakKeyDictionary()

    def get(self, owner: object) -> Any:
        with self._lock:
            found = self._values.pop(owner, None)
            if found is None:
                return None
            self._values[owner] = found
            return found[1]

    def put(self, owner: object, value: Any, size: int) -> None:
        with self._lock:
            self._values.pop(owner, None)
            while self._values and sum(each for each, _ in self._values.values()) + size > LIMIT:
                self._values.pop(next(iter(self._values)), None)
            self._values[owner] = size, value

    def drop(self, owner: object) -> None:
        with self._lock:
            self._values.pop(owner, None)

    def drop_all(self, kind: type) -> None:
        """Drop what objects of a class own."""
        with self._lock:
            for owner in [each for each in self._values if isinstance(each, kind)]:
                self._values.pop(owner, None)


kept = _Kept()


class _Block:
    """Owns the pixels of some images."""


class Blocks:
    """Images of one stack that are read together because they are stored together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks: dict[range, _Block] = {}

    def image(
        self, index: int, together: range, size: int, read: Callable[[range], NDArray[Any]]
    ) -> NDArray[Any]:
        """One image, which belongs to the caller.

        :param together: the images around it, of which as many are read as fit into half the limit.
        :param size: bytes of one image.
        :param read: gives images, shape `(N, H, W)`.
        """
        length = max(1, min(len(together), LIMIT // 2 // max(size, 1)))
        start = index - (index - together.start) % length
        images = range(start, min(start + length, together.stop))
        with self._lock:
            block = self._blocks.setdefault(images, _Block())
            pixels = kept.get(block)
            if pixels is None:
                pixels = numpy.asanyarray(read(images))
                if len(images) > 1:
                    kept.put(block, pixels, pixels.nbytes)
        # A copy: a view would keep the whole block, and changing it would change the block.
        image: NDArray[Any] = pixels[index - start].copy()
        return image

    def __reduce__(self) -> tuple[type[Blocks], tuple[()]]:
        return Blocks, ()
