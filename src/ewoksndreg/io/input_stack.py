"""Stacks of images, in whatever form they are given, as a mapping of names to lazy stacks."""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import ExitStack
from contextlib import contextmanager
from typing import Any

import h5py
import numpy
from silx.io.url import DataUrl

from .._messages import located
from .._stacks import ArrayStack
from .._stacks import Stack
from ._blocks import Blocks
from ._hdf5_files import Hdf5Reader
from ._hdf5_files import open_to_read
from ._hdf5_lock import finish_interrupted_write
from ._hdf5_stack import Hdf5Stack
from ._urls import as_data_url
from ._urls import stack_names
from ._urls import url_text


class InputStacks(Mapping[str, Stack]):
    """Stack names and their stacks, in the order in which they were given.

    :param stacks: a stack is a lazy sequence of 2D images with `shape` `(N, H, W)` and `dtype`.
    """

    def __init__(self, stacks: Mapping[str, Stack]) -> None:
        self._stacks = dict(stacks)

    def __getitem__(self, name: str) -> Stack:
        return self._stacks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stacks)

    def __len__(self) -> int:
        return len(self._stacks)

    def __repr__(self) -> str:
        return f"InputStacks({self._stacks!r})"


class StackUrls(dict[str, DataUrl]):
    """Addresses of stacks that are still being written to a file.

    :param urls: where the stacks will be found.
    :param unfinished: gives the stacks as long as the file is not finished, then None.
    """

    def __init__(
        self, urls: Mapping[str, DataUrl], unfinished: Callable[[], InputStacks | None]
    ) -> None:
        super().__init__(urls)
        self.unfinished = unfinished

    def __reduce__(self) -> tuple[type[dict[str, DataUrl]], tuple[dict[str, DataUrl]]]:
        # Another process can only use the addresses.
        return dict, (dict(self),)


ImageStacks = (
    InputStacks
    | dict[str, Sequence[numpy.ndarray]]
    | dict[str, numpy.ndarray]
    | str
    | DataUrl
    | Sequence[str | DataUrl]
    | dict[str, str | DataUrl]
)
"""All forms in which stacks of images are given; a dictionary may mix them."""


def named_sources(data: Any) -> dict[str, Any]:
    """Name every stack, without opening any file.

    :param data: see :func:`open_stacks`, but for groups.
    :returns: name to stack, arrays or URL as given; a list of URLs and h5py datasets gets the names
        of :func:`.stack_names`.
    :raises TypeError: when it has another form.
    :raises ValueError: when a URL of a list is not valid or two stacks would have one name.
    """
    if isinstance(data, Mapping):
        for name in data:
            if not isinstance(name, str) or not name.strip("/ "):
                raise TypeError(f"A stack needs a name that is a string, not {name!r}")
        return dict(data)
    items = [data] if isinstance(data, (str, DataUrl, h5py.Dataset)) else data
    if isinstance(items, Sequence):
        for item in items:
            if not isinstance(item, (str, DataUrl, h5py.Dataset)):
                raise TypeError(
                    "A list of image stacks holds URLs of datasets, not"
                    f" {type(item).__name__}: give arrays as a dictionary with names"
                )
        urls = [_url_of(item) for item in items]
        sources = (
            item if isinstance(item, h5py.Dataset) else url
            for item, url in zip(items, urls, strict=True)
        )
        return dict(zip(stack_names(urls), sources, strict=True))
    raise TypeError(
        "Image stacks are a dictionary of arrays or URLs, or a list of URLs, not"
        f" {type(data).__name__}"
    )


def _url_of(item: str | DataUrl | h5py.Dataset) -> DataUrl:
    if isinstance(item, h5py.Dataset):
        return DataUrl(file_path=item.file.filename, data_path=item.name)
    return as_data_url(item)


def find_sources(data: Any) -> dict[str, Any]:
    """:func:`named_sources`, with the 3D datasets in a group in place of its URL.

    :raises OSError: when a file is missing or cannot be read.
    :raises ValueError: when a group holds no 3D dataset.
    """
    if isinstance(data, Mapping):
        return named_sources(data)
    items = [data] if isinstance(data, (str, DataUrl)) else data
    if isinstance(items, Sequence):
        items = [each for item in items for each in _expand_group(item)]
    return named_sources(items)


def _expand_group(item: Any) -> list[Any]:
    if not isinstance(item, (str, DataUrl)):
        return [item]
    url = as_data_url(item)
    path = str(url.file_path())
    if not os.path.exists(path):
        return [item]  # opening it says what is wrong
    with open_to_read(path) as file:
        group = file.get(url.data_path())
        if not isinstance(group, h5py.Group):
            return [item]
        names = [name for name in group if _is_stack(group.get(name))]
        if not names:
            raise ValueError(
                f"{url_text(url)} is a group without stacks, which are 3D datasets of numbers:"
                f" it holds {', '.join(map(repr, group)) or 'nothing'}"
            )
        root = str(url.data_path()).rstrip("/")
        return [DataUrl(file_path=path, data_path=f"{root}/{name}") for name in names]


def _is_stack(item: Any) -> bool:
    return isinstance(item, h5py.Dataset) and item.ndim == 3 and item.dtype.kind in "biuf"


@contextmanager
def open_stacks(data: Any) -> Iterator[InputStacks]:
    """Open stacks of images, in any of these forms.

    - an :class:`InputStacks`, which is passed through and not closed,
    - a dictionary whose values are each an array of shape `(N, H, W)`, a sequence of arrays or
      nested lists of shape `(H, W)`, an h5py dataset, or the URL of an HDF5 dataset, as a string
      or `DataUrl`,
    - the URL of a dataset, or of a group, which stands for the 3D datasets in it,
    - a list of URLs and h5py datasets, see :func:`.stack_names` for the names.

    HDF5 images are read when they are asked for, one at a time, as long as the context lasts.

    :raises TypeError: when it has another form or the pixels are not real numbers.
    :raises ValueError: when a stack is not a stack of images; names the stack.
    :raises OSError: when a file is missing or cannot be read; names the stack.

    >>> import numpy
    >>> from ewoksndreg import open_stacks
    >>> with open_stacks({"Ca-K": numpy.zeros((5, 20, 30))}) as stacks:
    ...     print(stacks["Ca-K"].shape)
    (5, 20, 30)
    """
    if isinstance(data, InputStacks):
        yield data
        return
    unfinished = data.unfinished() if isinstance(data, StackUrls) else None
    if unfinished is not None:
        yield unfinished
        return
    with ExitStack() as files:
        readers: dict[str, Hdf5Reader] = {}
        blocks = Blocks()
        files.callback(blocks.clear)
        stacks = {
            name: _open_stack(name, source, readers, blocks, files)
            for name, source in find_sources(data).items()
        }
        yield InputStacks(stacks)


input_context = open_stacks
"""The name of :func:`open_stacks` in ewoksndreg 0.5.0."""


def _open_stack(
    name: str, source: Any, readers: dict[str, Hdf5Reader], blocks: Blocks, files: ExitStack
) -> Stack:
    label = f"Stack {name!r}"
    try:
        if isinstance(source, Stack):
            return source
        if not isinstance(source, (str, DataUrl)):
            # A mapping has items and a length too, but no order of images.
            mapping = isinstance(source, Mapping)
            if mapping or not hasattr(source, "__getitem__") or not hasattr(source, "__len__"):
                raise TypeError(f"expected arrays or a URL, not {type(source).__name__}")
            stack = ArrayStack(source)
            if isinstance(source, h5py.Dataset):
                stack.source = url_text(_url_of(source))
            return stack
        url = as_data_url(source)
        label += f" ({url_text(url)})"
        path = str(url.file_path())
        if path not in readers:
            finish_interrupted_write(path)
            readers[path] = Hdf5Reader(path)
            files.callback(readers[path].close)
        return Hdf5Stack(readers[path], url, blocks)
    except (OSError, TypeError, ValueError) as error:
        raise located(error, label) from error
