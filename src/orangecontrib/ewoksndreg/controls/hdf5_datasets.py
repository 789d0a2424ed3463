"""Find the datasets that a user chose in a file. Needs no Qt."""

from __future__ import annotations

from collections.abc import Callable

import h5py
from silx.io.url import DataUrl

from ewoksndreg.io._hdf5_files import open_to_read


def is_stack(dataset: h5py.Dataset) -> bool:
    """Whether it may be a stack of images, shape `(N, H, W)`."""
    return bool(dataset.ndim == 3)


def is_transformations(dataset: h5py.Dataset) -> bool:
    """Whether it may be a list of matrices, `(N, 3, 3)` or `(N, 2, 3)`, or shifts `(N, 2)`."""
    return dataset.shape[1:] in ((3, 3), (2, 3), (2,))


def find_datasets(url: DataUrl, what: str, accept: Callable[[h5py.Dataset], bool]) -> list[str]:
    """URLs of a dataset or, for a group, of all its accepted datasets, in the order of the file.

    :param url: of a dataset or group.
    :param what: what is looked for, plural, for the message.
    :param accept: whether a dataset fits.
    :raises ValueError: when there is none.
    :raises OSError: when the file cannot be read.
    """
    path = str(url.file_path())
    with open_to_read(path) as file:
        place = url.data_path() or "/"
        node = file.get(place)
        if isinstance(node, h5py.Dataset):
            members = {place: node}
        elif node is None:
            members = {}
        else:  # a member is None where a link is broken
            members = {f"{place.rstrip('/')}/{name}": node.get(name) for name in node}
        found = [
            name
            for name, member in members.items()
            if isinstance(member, h5py.Dataset) and accept(member)
        ]
    if not found:
        raise ValueError(f"There are no {what} in {path}::{place}")
    return [f"{path}::{name}" for name in found]
