"""Find a dataset in an HDF5 file, or say why it is not there."""

from __future__ import annotations

import h5py

from .._messages import unknown_name


def find_dataset(file: h5py.File, data_path: str) -> h5py.Dataset:
    """The dataset at a path.

    :raises ValueError: when there is none; offers the near match.
    """
    item = file.get(data_path)
    if isinstance(item, h5py.Dataset):
        return item
    if item is not None:
        raise ValueError(
            f"{data_path!r} in {file.filename!r} is a group, not a dataset: {_inside(item)}"
        )
    _check_links(file, data_path)
    parent_path, _, name = data_path.rpartition("/")
    parent = file.get(parent_path or "/")
    siblings = list(parent) if isinstance(parent, h5py.Group) else []
    where = f"dataset in '{file.filename}::{parent_path or '/'}' called"
    raise ValueError(unknown_name(where, name, siblings))


def _check_links(file: h5py.File, data_path: str) -> None:
    names = data_path.strip("/").split("/")
    for depth in range(1, len(names) + 1):
        path = "/" + "/".join(names[:depth])
        link = file.get(path, getlink=True)
        if file.get(path) is not None or not isinstance(link, (h5py.SoftLink, h5py.ExternalLink)):
            continue
        target = f"{link.filename}::" if isinstance(link, h5py.ExternalLink) else ""
        raise ValueError(
            f"{path!r} in {file.filename!r} is a link to '{target}{link.path}', where nothing can"
            f" be read: {_why_not_opened(file, path)}"
        )


def _why_not_opened(file: h5py.File, path: str) -> str:
    try:
        file[path]
    except (KeyError, OSError) as error:
        return str(error.args[0])
    return "try again"


def _inside(group: h5py.Group) -> str:
    names = ", ".join(repr(name) for name in group)
    return f"it holds {names}" if names else "it is empty"
