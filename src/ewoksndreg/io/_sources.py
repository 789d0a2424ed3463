"""Where the pixels of an HDF5 dataset are, when they are not in the dataset itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from itertools import takewhile

import h5py


def check_sources(dataset: h5py.Dataset) -> None:
    """Refuse files that cannot be read, for which HDF5 shows zeros or fill values.

    That a file of a virtual dataset does not exist is no error: measurements are shown before they
    are complete.

    :raises OSError: names the file with its place.
    """
    if dataset.is_virtual:
        paths = {path for source in dataset.virtual_sources() for path in _paths(dataset, source)}
        for path in sorted(paths - {dataset.file.filename}):
            try:
                h5py.File(path, "r", locking=False, swmr=dataset.file.swmr_mode).close()
            except OSError as error:
                raise OSError(
                    f"the virtual dataset shows data of {path!r}, which cannot be read:"
                    f" {explain(path, str(error))}"
                ) from error
    prefix = os.environ.get("HDF5_EXTFILE_PREFIX", "")
    prefix = prefix.replace("${ORIGIN}", os.path.dirname(dataset.file.filename))
    rest = dataset.nbytes
    for name, offset, size in dataset.external or ():
        # HDF5 looks from the current folder on.
        path = os.path.abspath(os.path.join(prefix, name))
        if not os.path.exists(path):
            raise OSError(f"the pixels are in the raw file {path!r}, which does not exist")
        here = min(size, rest)
        rest -= here
        if os.path.getsize(path) < offset + here:
            raise OSError(
                f"the pixels are in the raw file {path!r}, which is truncated: it has"
                f" {os.path.getsize(path)} bytes instead of {offset + here}"
            )


def explain(path: str, problem: str) -> str:
    """Why HDF5 cannot open a file, in words that say what to do."""
    if "truncated" in problem:
        return (
            "the file is truncated, as when it was not copied to its end or the program that wrote"
            " it crashed"
        )
    if "open for" in problem or "SWMR" in problem or "lock file" in problem:
        if _is_locked(path):
            return (
                "another program has it open for writing in a way that does not allow reading: wait"
                " until it is closed"
            )
        return (
            "it is marked as open for writing: the program that wrote it crashed, or still writes"
            f" it without a lock; if nothing writes it any more, run `h5clear -s {path}`"
        )
    return problem


def _is_locked(path: str) -> bool:
    try:  # HDF5 asks for the lock before it looks at the mark
        h5py.File(path, "r", locking=True).close()
    except OSError as error:
        return "lock file" in str(error)
    return False


def chunk_shape(dataset: h5py.Dataset) -> tuple[int, ...] | None:
    """What HDF5 reads at once, of a virtual dataset that of its first source; None where that is
    any part of it or not known."""
    chunks: tuple[int, ...] | None
    if not dataset.is_virtual:
        chunks = dataset.chunks
        return chunks
    for source in dataset.virtual_sources()[:1]:
        try:
            name = _number(source.dset_name, 0)
            if source.file_name == ".":
                chunks = dataset.file[name].chunks
            else:
                path = next(_paths(dataset, source))
                swmr = dataset.file.swmr_mode
                with h5py.File(path, "r", locking=False, swmr=swmr) as file:
                    chunks = file[name].chunks
        except (KeyError, OSError, StopIteration, ValueError):
            continue  # missing sources are fill values
        if chunks and len(chunks) == dataset.ndim:
            return tuple(chunks)
    return None


def _paths(dataset: h5py.Dataset, source: h5py.h5d.VDSmap) -> Iterator[str]:
    """The files of a source that exist; there may be one for each number in place of ``%b``."""
    own = dataset.file.filename
    if source.file_name == ".":
        return iter((own,))
    path = os.path.join(os.path.dirname(own), source.file_name)
    several = "%b" in path.replace("%%", "")
    numbered = (_number(path, n) for n in (count() if several else (0,)))
    return takewhile(os.path.exists, numbered)


def _number(pattern: str, number: int) -> str:
    return "%".join(part.replace("%b", str(number)) for part in pattern.split("%%"))
