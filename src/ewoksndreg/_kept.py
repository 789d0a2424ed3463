"""A cache, of bounded size for the whole process, for data and files that were used last."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy
from numpy.typing import NDArray

LIMIT = 256 * 2**20  # bytes, of blocks of images and of the chunk caches of HDF5 together


class _Kept:
    """Values by owner, dropped together with the owner, or when they are least recently used."""

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
        """Drop the values that objects of a class own."""
        with self._lock:
            for owner in [each for each in self._values if isinstance(each, kind)]:
                self._values.pop(owner, None)


kept = _Kept()


class _Block:
    """Owns the pixels of some images."""


class Blocks:
    """Caches images of one stack that are read together because they are stored together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks: dict[range, _Block] = {}

    def image(
        self, index: int, together: range, size: int, read: Callable[[range], NDArray[Any]]
    ) -> NDArray[Any]:
        """Return one image.

        :param together: the images that are stored with it; as many are read as fit into half of
            the limit.
        :param size: size of one image in bytes.
        :param read: reads a range of images, shape `(N, H, W)`.
        """
        length = max(1, min(len(together), LIMIT // 2 // max(size, 1)))
        start = index - (index - together.start) % length
        images = range(start, min(start + length, together.stop))
        image: NDArray[Any]
        if len(images) == 1:
            image = read(images)[0]
            return image
        with self._lock:
            block = self._blocks.setdefault(images, _Block())
            pixels = kept.get(block)
            if pixels is None:
                kept.put(block, None, len(images) * size)  # frees memory before it is needed
                pixels = numpy.asanyarray(read(images))
                kept.put(block, pixels, pixels.nbytes)
        # A copy: a view would keep the whole block alive, and changing it would change the block.
        image = pixels[index - start].copy()
        return image

    def __reduce__(self) -> tuple[type[Blocks], tuple[()]]:
        return Blocks, ()
