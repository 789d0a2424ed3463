"""Read and write bytes at a place in a file, also where the system has no `pread`."""

from io import FileIO


def read_at(file: FileIO, start: int, length: int) -> bytes:
    """At most `length` bytes, fewer at the end of the file."""
    file.seek(start)
    return file.read(length)


def write_at(file: FileIO, start: int, data: bytes | memoryview) -> None:
    """All bytes of `data`.

    :raises OSError: when they cannot be written: a full disk, a quota.
    """
    file.seek(start)
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def size_of(file: FileIO) -> int:
    """Number of bytes in the file."""
    return file.seek(0, 2)
