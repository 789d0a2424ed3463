"""Make sure that what an HDF5 dataset is compressed with can be read."""

from __future__ import annotations

import sys
from contextlib import suppress

import h5py

# Numbers of filters: shuffle, checksum, LZF, LZ4, bitshuffle.
_FAST_FILTERS = {2, 3, 32000, 32004, 32008}


def check_filters(dataset: h5py.Dataset) -> None:
    """HDF5 itself knows gzip and few others; hdf5plugin, where it is installed, the rest.

    :raises OSError: when a filter of the dataset is missing; names it and how to get it.
    """
    pipeline = dataset.id.get_create_plist()
    filters = [pipeline.get_filter(n) for n in range(pipeline.get_nfilters())]
    missing = [each for each in filters if not h5py.h5z.filter_avail(each[0])]
    if not missing and not dataset.is_virtual:
        return
    # Importing it is what makes the filters known. Those of the sources of a virtual dataset show
    # when these are read.
    with suppress(ImportError):
        import hdf5plugin  # noqa: F401
    for number, _, _, name in missing:
        if not h5py.h5z.filter_avail(number):
            label = name.decode(errors="replace").partition(";")[0].strip()
            raise OSError(
                f"the dataset is compressed with {label or 'a filter'} (HDF5 filter {number}),"
                " which cannot be read here: `pip install hdf5plugin`"
            )


def decompresses_slowly(dataset: h5py.Dataset) -> bool:
    """Whether reading the dataset takes much longer than copying it, as with gzip."""
    pipeline = dataset.id.get_create_plist()
    filters = {pipeline.get_filter(n)[0] for n in range(pipeline.get_nfilters())}
    return not filters <= _FAST_FILTERS


def filter_hint(dataset: h5py.Dataset) -> str:
    """What may help when a dataset cannot be read, to be put into a sentence."""
    if dataset.is_virtual and sys.modules.get("hdf5plugin") is None:
        return ", perhaps because its sources are compressed and need `pip install hdf5plugin`"
    return ""
