"""Stacks whose images are in several datasets or files."""

from __future__ import annotations

import os
import threading
from bisect import bisect_right
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import numpy
from numpy.typing import NDArray

from .._messages import add_context
from .._stacks import Stack


class JoinedStack(Stack):
    """The concatenated images of several stacks.

    :param parts: one or more stacks, all in files.
    :raises ValueError: if images differ in shape; names the first part that differs.
    """

    in_file = True

    def __init__(self, parts: Sequence[Stack]) -> None:
        expected = parts[0].shape[1:]
        for n, part in enumerate(parts):
            if part.shape[1:] != expected:
                raise ValueError(
                    f"item {n} has the shape {part.shape[1:]}, item 0 {expected}: all images of a"
                    " stack need the same shape"
                )
        self._parts = parts
        self.sources = [source for part in parts for source in part.sources]
        self._ends = list(accumulate(len(part) for part in parts))
        dtype = numpy.result_type(*{part.dtype for part in parts})
        super().__init__((self._ends[-1], *expected), dtype)
        self.slow_to_read = any(part.slow_to_read for part in parts)

    def close(self) -> None:
        for part in self._parts:
            part.close()

    def _find(self, index: int) -> tuple[Stack, int]:
        """Find the part that contains an image, and the index of its first image."""
        n = bisect_right(self._ends, index)
        return self._parts[n], self._ends[n] - len(self._parts[n])

    def _together(self, index: int) -> range:
        part, start = self._find(index)
        together = part.stored_together(index - start)
        return range(start + together.start, start + together.stop)

    def _read(self, index: int) -> NDArray[Any]:
        part, start = self._find(index)
        return part[index - start].astype(self.dtype, copy=False)


# fabio may not be thread-safe.
_lock = threading.Lock()


class ImageFile(Stack):
    """The images of a file that is not HDF5: TIFF, EDF, CBF and other formats of fabio.

    :raises OSError: if it cannot be read.
    """

    in_file = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.path.abspath(os.path.expanduser(os.fsdecode(path)))
        self.sources = (self._path,)
        with self._open() as file:
            if file.data is None:
                raise ValueError("fabio finds no image in it")
            super().__init__((file.nframes, *file.shape), numpy.dtype(file.dtype))

    def _read(self, index: int) -> NDArray[Any]:
        with self._open() as file:
            return numpy.asarray(file.get_frame(index).data if len(self) > 1 else file.data)

    @contextmanager
    def _open(self) -> Iterator[Any]:
        import fabio

        try:
            with _lock, fabio.open(self._path) as file:
                yield file
        except Exception as error:  # the formats raise errors of any type
            raise add_context(error, f"cannot read {self._path!r}") from error
