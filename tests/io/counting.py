"""An HDF5 filter that changes nothing and counts how often HDF5 asks it to decompress a chunk."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import h5py

# HDF5 leaves the numbers 256 to 511 to tests.
NUMBER = 300

_REVERSE = 0x0100
_FUNCTION = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.c_uint,
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_uint),
    ctypes.c_size_t,
    ctypes.c_void_p,
    ctypes.c_void_p,
)


class _FilterClass(ctypes.Structure):
    """`H5Z_class2_t` of H5Zpublic.h."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("id", ctypes.c_int),
        ("encoder_present", ctypes.c_uint),
        ("decoder_present", ctypes.c_uint),
        ("name", ctypes.c_char_p),
        ("can_apply", ctypes.c_void_p),
        ("set_local", ctypes.c_void_p),
        ("filter", _FUNCTION),
    )


@contextmanager
def counted_decompressions() -> Iterator[list[int]]:
    """Datasets made with `compression=NUMBER` can be written and read.

    :returns: a registration that receives the size in bytes of every chunk that is decompressed.
    """
    sizes: list[int] = []

    @_FUNCTION
    def pass_on(flags, number, values, size, buffer_size, buffer):  # type: ignore[no-untyped-def]
        if flags & _REVERSE:
            sizes.append(size)
        return size

    description = _FilterClass(1, NUMBER, 1, 1, b"counting", None, None, pass_on)
    h5py.h5z.register_filter(ctypes.addressof(description))
    try:
        yield sizes
    finally:
        h5py.h5z.unregister_filter(NUMBER)
