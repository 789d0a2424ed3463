"""Use the memory of one image for the next."""

import functools

import numpy


@functools.cache
def keep_freed_memory() -> None:
    """Make the C library of Linux keep up to 62 MiB that are free instead of giving them back to
    the system.

    Memory that is given back comes back empty, page by page, which takes as long as a quarter of
    all that is done with an image. How much is kept follows from the largest block that was freed
    so far: twice its size, and blocks of 32 MiB or more do not count (mallopt(3),
    M_MMAP_THRESHOLD). So one block is freed here, which was never touched and cost nothing.
    """
    numpy.empty(31 * 2**20, dtype=numpy.uint8)
