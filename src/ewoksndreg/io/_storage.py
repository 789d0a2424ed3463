"""How the pixels of an HDF5 dataset are stored: in chunks, compressed, in other files."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from contextlib import suppress
from itertools import count
from itertools import takewhile

import h5py

# Numbers of filters: shuffle, checksum, LZF, LZ4, bitshuffle.
_FAST_FILTERS = {2, 3, 32000, 32004, 32008}


def check_storage(dataset: h5py.Dataset) -> None:
    """Reject data that cannot be read, for which HDF5 would return zeros or fill values.

    Some files of a virtual dataset may be missing, so that incomplete measurements can be read.

    :raises OSError: if a filter or a file is missing, or a file is truncated; names it.
    """
    with suppress(ImportError):  # importing it registers its filters in HDF5
        importlib.import_module("hdf5plugin")
    for number, name in _filters(dataset).items():
        if not h5py.h5z.filter_avail(number):
            raise OSError(
                f"the dataset is compressed with {name or 'a filter'} (HDF5 filter {number}),"
                " which is not installed: `pip install hdf5plugin`"
            )
    sources = dataset.virtual_sources() if dataset.is_virtual else ()
    paths = {path for source in sources for path in _source_files(dataset, source)}
    if sources and not paths:
        missing = os.path.join(os.path.dirname(dataset.file.filename), sources[0].file_name)
        raise OSError(
            f"the images of the virtual dataset are in {missing!r}, which does not exist"
            if len(sources) == 1
            else f"the images of the virtual dataset are in {len(sources)} files, of which none"
            f" exists, such as {missing!r}"
        )
    for path in sorted(paths - {dataset.file.filename}):
        try:
            h5py.File(path, "r", locking=False, swmr=dataset.file.swmr_mode).close()
        except OSError as error:
            raise OSError(
                f"the virtual dataset contains data of {path!r}, which cannot be read:"
                f" {explain(path, str(error))}"
            ) from error
    _check_raw_files(dataset)


def _check_raw_files(dataset: h5py.Dataset) -> None:
    prefix = os.environ.get("HDF5_EXTFILE_PREFIX", "")
    prefix = prefix.replace("${ORIGIN}", os.path.dirname(dataset.file.filename))
    rest = dataset.nbytes
    for name, offset, size in dataset.external or ():
        path = os.path.abspath(os.path.join(prefix, name))  # as in HDF5
        if not os.path.exists(path):
            raise OSError(f"the pixels are in the raw file {path!r}, which does not exist")
        needed = min(size, rest)
        rest -= needed
        if os.path.getsize(path) < offset + needed:
            raise OSError(
                f"the pixels are in the raw file {path!r}, which is truncated: it has"
                f" {os.path.getsize(path)} bytes instead of {offset + needed}"
            )


def explain(path: str, problem: str) -> str:
    """Explain why HDF5 cannot open a file, and what to do."""
    if "truncated" in problem:
        return (
            "the file is truncated, as if it was not copied completely or the program that wrote it"
            " crashed"
        )
    if not any(each in problem for each in ("open for", "SWMR", "lock file")):
        return problem
    try:  # HDF5 checks the lock before the flag
        h5py.File(path, "r", locking=True).close()
    except OSError as error:
        if "lock file" in str(error):
            return (
                "another program has it open for writing in a way that does not allow reading: wait"
                " until it is closed"
            )
    return (
        "it is marked as open for writing: the program that wrote it crashed, or still writes it"
        f" without a lock; if no program writes it anymore, run `h5clear -s {path}`"
    )


def decompresses_slowly(dataset: h5py.Dataset) -> bool:
    """Whether reading the dataset takes much longer than copying it, as with gzip."""
    return not set(_filters(dataset)) <= _FAST_FILTERS


def explain_filters(dataset: h5py.Dataset) -> str:
    """Suggest, as part of a sentence, what may help if a virtual dataset cannot be read."""
    if dataset.is_virtual and sys.modules.get("hdf5plugin") is None:
        return ", perhaps because its sources are compressed and need `pip install hdf5plugin`"
    return ""


def chunk_shape(dataset: h5py.Dataset) -> tuple[int, ...] | None:
    """Find the shape of the chunks, for a virtual dataset those of its first source; None if there
    are no chunks or they are unknown."""
    chunks: tuple[int, ...] | None
    if not dataset.is_virtual:
        chunks = dataset.chunks
        return chunks
    for source in dataset.virtual_sources()[:1]:
        name = _number(source.dset_name, 0)
        with suppress(KeyError, OSError, StopIteration, ValueError):  # missing: fill values
            path = next(_source_files(dataset, source))
            own, swmr = dataset.file, dataset.file.swmr_mode
            with (
                nullcontext(own)
                if path == own.filename
                else h5py.File(path, "r", locking=False, swmr=swmr)
            ) as file:
                chunks = file[name].chunks
            if chunks and len(chunks) == dataset.ndim:
                return chunks
    return None


def _filters(dataset: h5py.Dataset) -> dict[int, str]:
    """Find the filters of the dataset by number."""
    pipeline = dataset.id.get_create_plist()
    filters = [pipeline.get_filter(n) for n in range(pipeline.get_nfilters())]
    names = (name.decode(errors="replace").partition(";")[0].strip() for *_, name in filters)
    return dict(zip((number for number, *_ in filters), names, strict=True))


def _source_files(dataset: h5py.Dataset, source: h5py.h5d.VDSmap) -> Iterator[str]:
    """Find the existing files of a source; there may be one for each number in place of ``%b``."""
    own = dataset.file.filename
    if source.file_name == ".":
        return iter((own,))
    path = os.path.join(os.path.dirname(own), source.file_name)
    several = "%b" in path.replace("%%", "")
    numbered = (_number(path, n) for n in (count() if several else (0,)))
    return takewhile(os.path.exists, numbered)


def _number(pattern: str, number: int) -> str:
    return "%".join(part.replace("%b", str(number)) for part in pattern.split("%%"))
