"""Where stacks can be saved: which groups of which files, under which names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from collections.abc import Sequence
from itertools import pairwise

import h5py
from silx.io.url import DataUrl

from ._hdf5_files import no_readers
from ._hdf5_files import open_to_read
from ._hdf5_lock import finish_interrupted_write
from ._hdf5_lock import refuse_if_open_here
from ._urls import url_text

# Control characters, and what is not Unicode. HDF5 keeps neither.
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def check_dataset_names(names: Sequence[str]) -> None:
    """Refuse names that HDF5 does not take, or takes for something else: one that begins with a
    slash would be written outside the group.

    :raises ValueError: names the stack, or both of two that stand in each other's way.
    """
    for name in names:
        if _NOT_IN_NAMES.search(name) or {"", ".", ".."} & set(name.split("/")):
            raise ValueError(
                f"A stack called {name!r} cannot be saved: parts of a name, between slashes, are"
                " not empty, '.' or '..' and hold no control characters"
            )
    # Sorted by parts, a group comes right before what it holds.
    in_order = sorted(names, key=lambda name: name.split("/"))
    for outer, inner in pairwise(in_order):
        if inner.startswith(f"{outer}/"):
            raise ValueError(
                f"Stacks {outer!r} and {inner!r} cannot be saved side by side: one is a dataset"
                " where the other needs a group"
            )


def check_group(url: DataUrl) -> None:
    """Refuse a group into which nothing can be written.

    :raises ValueError: when it is no group below the root of a file.
    :raises FileExistsError: when there is a dataset on the way to it.
    :raises OSError: when the file cannot be written or is open in this Python process.
    """
    if url.data_path() == "/" or url.data_slice() is not None:
        raise ValueError(
            f"The output URL {url_text(url)!r} must name a group below the root of the file,"
            f" for example '{url.file_path()}::/entry/aligned'"
        )
    path = str(url.file_path())
    if not os.path.basename(path):
        raise ValueError(f"The output URL {url_text(url)!r} names a folder, not a file")
    if not os.path.exists(path):
        return
    if not os.access(path, os.W_OK):
        raise PermissionError(f"Cannot write to {path!r}: Permission denied")
    finish_interrupted_write(path)
    with no_readers(path):
        refuse_if_open_here(path)
    with open_to_read(path) as file:
        names = str(url.data_path()).strip("/").split("/")
        for depth in range(1, len(names) + 1):
            item = file.get("/".join(names[:depth]))
            if isinstance(item, h5py.Dataset):
                raise FileExistsError(
                    f"The output URL {url_text(url)!r} goes through {item.name!r}, which is a"
                    " dataset: choose another group"
                )


def check_free(url: DataUrl) -> None:
    """:raises FileExistsError: when the file has something there already."""
    path = str(url.file_path())
    if not os.path.exists(path):
        return
    with open_to_read(path) as file:
        if file.get(url.data_path(), getlink=True) is not None:
            raise FileExistsError(f"{url_text(url)!r} exists already: choose another output URL")


def process_name(stack_names: Iterable[str]) -> str:
    """Name of the group that describes stacks. A stack may have that name: it is the user's data
    and keeps it."""
    taken = {name.split("/")[0] for name in stack_names}
    name = "post_evaluation"
    while name in taken:
        name += "_details"
    return name
