"""Look into files for what a user chose: which datasets, of which shapes. Needs no Qt."""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import h5py
from silx.io.url import DataUrl

from ewoksndreg.io import as_data_url
from ewoksndreg.io import find_sources
from ewoksndreg.io import name_sources
from ewoksndreg.io import open_to_read


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
    :raises ValueError: if there is none.
    :raises OSError: if the file cannot be read.
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


def describe_stacks(value: Any) -> list[tuple[str, str]]:
    """Names and shapes of image stacks, or why a shape is not known.

    :param value: in any form that :func:`ewoksndreg.io.find_sources` takes; None if it is not
        one of these.
    """
    try:
        sources = find_sources(value)
    except (OSError, TypeError, ValueError):
        sources = _name(value)
    return [(name, _describe(source, "images")) for name, source in sources.items()]


def describe_registrations(value: Any) -> list[tuple[str, str]]:
    """Names of registrations, and how many transformations each has."""
    return [(name, _describe(source, "transformations")) for name, source in _name(value).items()]


def _name(value: Any) -> dict[str, Any]:
    try:
        return name_sources(value)
    except (TypeError, ValueError):
        return {}


def _describe(source: Any, items: str) -> str:
    if isinstance(source, (str, os.PathLike, DataUrl)):
        try:
            url = as_data_url(source)
            path = str(url.file_path())
            changed = os.stat(path).st_mtime_ns if os.path.exists(path) else 0
            shape = _read_shape(path, str(url.data_path()), changed)
        except (OSError, ValueError) as error:
            return str(error)
        if url.data_slice() is not None:
            return f"part of {format_shape(shape)}"
    else:
        shape = getattr(source, "shape", ())
        if not shape and isinstance(source, Sequence):
            return f"{len(source)} {items}"
    return f"{shape[0]} {items}" if items != "images" and shape else format_shape(shape)


@lru_cache(maxsize=1024)
def _read_shape(path: str, place: str, changed: int) -> tuple[int, ...]:
    """
    :param changed: when the file was changed.
    """
    with open_to_read(path) as file:
        dataset = file.get(place)
        if not isinstance(dataset, h5py.Dataset):
            raise ValueError(f"there is no dataset {place!r}")
        return tuple(dataset.shape or ())


def format_shape(shape: Sequence[int]) -> str:
    """As users read it."""
    return " x ".join(map(str, shape))


def find_free_group(url: str | DataUrl, names: Collection[str]) -> str | None:
    """The next free name of a group to save into; None where the group itself can be used, or the
    file cannot be read.

    :param names: of the stacks that will be saved; none where they are not known.
    """
    try:
        place = as_data_url(url)
        path, group = str(place.file_path()), str(place.data_path()).rstrip("/")
        with open_to_read(path) as file:
            held = file.get(group or "/", ())
            if not (any(name in held for name in names) if names else len(held)):
                return None
            numbered = (f"{group or '/aligned'}_{n}" for n in count(2))
            free = next(name for name in numbered if file.get(name, getlink=True) is None)
    except (OSError, TypeError, ValueError):  # there is no such file yet, or the task says what is
        return None
    return f"{path}::{free}"


def identify(value: Any) -> Any:
    """What is equal as long as stacks or registrations are the same: URLs in files that have not
    changed, or the same objects."""
    if isinstance(value, (str, os.PathLike, DataUrl)):
        try:
            path = str(as_data_url(value).file_path())
            status = os.stat(path)
        except (OSError, ValueError):
            return str(value)
        return str(value), status.st_mtime_ns, status.st_size
    if isinstance(value, Mapping):
        return {name: identify(source) for name, source in value.items()}
    if isinstance(value, (list, tuple)) and value and all(isinstance(url, str) for url in value):
        return [identify(url) for url in value]
    return value if isinstance(value, (bool, int, float, type(None))) else _Same(value)


class _Same:
    """Equal only to what holds the same object."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._value is other._value

    __hash__ = None  # type: ignore[assignment]
