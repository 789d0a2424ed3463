"""A file in which HDF5 works while what was in it stays untouched."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ._positioned import read_at
from ._positioned import size_of
from ._positioned import write_at

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PAGE = 4096


class PendingFile(io.RawIOBase):
    """The file object that `h5py.File(..., driver="fileobj")` writes to.

    What HDF5 appends goes to the file. What it changes in the bytes that were there before, a few
    pages of its index, is kept in memory: the file is as it was for everybody who reads it, until
    somebody writes `changed_pages` to their places.

    A write that fails (full disk, quota) is kept in `error` and from then on nothing is written.
    HDF5 does not get to know: it cannot close a file whose last bytes it cannot write.

    :param file: open for reading and writing; it is not closed here.
    :param first_new_byte: where appended bytes begin; 0 writes everything through.
    """

    def __init__(self, file: io.FileIO, first_new_byte: int = 0) -> None:
        self._file = file
        self._first_new_byte = first_new_byte
        self._position = 0
        self.size = size_of(file)
        self.changed_pages: dict[int, bytes] = {}
        self.error: OSError | None = None

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}
        self._position = origin[whence] + offset
        return self._position

    def truncate(self, size: int | None = None, /) -> int:
        # Only remembered: whether the file may end here is known when all went well.
        self.size = self._position if size is None else size
        return self.size

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        target = memoryview(buffer).cast("B")
        stop = min(self._position + len(target), self.size)
        data = self._read(self._position, stop)
        target[: len(data)] = data
        self._position += len(data)
        return len(data)

    def write(self, buffer: object, /) -> int:
        data = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        start, stop = self._position, self._position + len(data)
        split = min(max(start, self._first_new_byte), stop)
        if split > start:
            self._change(start, data[: split - start])
        if stop > split:
            self._append(split, data[split - start :])
        self._position = stop
        self.size = max(self.size, stop)
        return len(data)

    def _read(self, start: int, stop: int) -> bytearray:
        """Bytes as HDF5 has to see them; zeros where nothing was written."""
        if stop <= start:
            return bytearray()
        data = bytearray(stop - start)
        there = read_at(self._file, start, stop - start)
        data[: len(there)] = there
        for offset in range(start - start % PAGE, stop, PAGE):
            page = self.changed_pages.get(offset)
            if page is not None:
                first, last = max(offset, start), min(offset + len(page), stop)
                data[first - start : last - start] = page[first - offset : last - offset]
        return data

    def _change(self, start: int, data: memoryview) -> None:
        stop = start + len(data)
        for offset in range(start - start % PAGE, stop, PAGE):
            end = min(offset + PAGE, self._first_new_byte)
            page = self._read(offset, end)
            first, last = max(offset, start), min(end, stop)
            page[first - offset : last - offset] = data[first - start : last - start]
            self.changed_pages[offset] = bytes(page)

    def _append(self, start: int, data: memoryview) -> None:
        if self.error is not None:
            return
        try:
            write_at(self._file, start, data)
        except OSError as error:
            self.error = error
