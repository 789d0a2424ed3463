"""Images that were read together, kept until they are asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Hashable
from typing import Any

import numpy
from numpy.typing import NDArray

# Bytes. A stack in chunks of a few MB, each of which spans some ten images, needs less.
LIMIT = 256 * 2**20


class Blocks:
    """The blocks of images that were read last, one per stack and not more than `LIMIT` bytes.

    Stacks that are read by turns all keep their block as long as they fit, then the one that was
    used last stays. May be used from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks: OrderedDict[Hashable, tuple[range, NDArray[Any]]] = OrderedDict()

    def image(
        self,
        stack: Hashable,
        index: int,
        together: range,
        image_size: int,
        read: Callable[[range], NDArray[Any]],
    ) -> NDArray[Any]:
        """One image of a stack, which belongs to the caller.

        :param together: images around `index` that are best read together; of these as many are
            read as fit into the limit, but at least one.
        :param image_size: bytes of one image.
        :param read: gives images, shape `(N, H, W)`.
        """
        length = max(1, min(len(together), LIMIT // max(image_size, 1)))
        if length == 1:
            image: NDArray[Any] = read(range(index, index + 1))[0]
            return image
        begin = index - (index - together.start) % length
        images = range(begin, min(begin + length, together.stop))
        with self._lock:
            known, pixels = self._blocks.pop(stack, (range(0), numpy.empty(0)))
            if known != images:
                self._make_room(len(images) * image_size)
                pixels = read(images)
            self._blocks[stack] = images, pixels
        # A copy: a view would keep the whole block, and changing it would change the block.
        return numpy.array(pixels[index - begin])

    def discard(self, stack: Hashable) -> None:
        with self._lock:
            self._blocks.pop(stack, None)

    def clear(self) -> None:
        with self._lock:
            self._blocks.clear()

    def _make_room(self, size: int) -> None:
        kept = sum(pixels.nbytes for _, pixels in self._blocks.values())
        while self._blocks and kept + size > LIMIT:
            _, (_, pixels) = self._blocks.popitem(last=False)
            kept -= pixels.nbytes
