"""Give stacks of images, in whatever form, one face: a mapping of names to lazy stacks."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import ExitStack
from contextlib import contextmanager
from typing import Any

import numpy
from silx.io.url import DataUrl

from .._messages import located
from .._stacks import ArrayStack
from .._stacks import Stack
from .blocks import Blocks
from .hdf5_files import Hdf5Reader
from .hdf5_lock import finish_interrupted_write
from .hdf5_stack import Hdf5Stack
from .urls import as_data_url
from .urls import stack_names
from .urls import url_text


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
    | Sequence[str | DataUrl]
    | dict[str, str | DataUrl]
)
"""All forms in which stacks of images are given; a dictionary may mix them."""


def named_sources(data: Any) -> dict[str, Any]:
    """Name every stack, without opening any.

    :param data: see :func:`input_context`.
    :returns: name to stack, arrays or URL as given; a list of URLs gets the names of
        :func:`.stack_names`.
    :raises TypeError: when it is neither a mapping with text as keys nor a sequence of URLs.
    :raises ValueError: when a URL of a list is not valid or two stacks would have one name.
    """
    if isinstance(data, Mapping):
        for name in data:
            if not isinstance(name, str) or not name.strip("/ "):
                raise TypeError(f"A stack needs a name that is text, not {name!r}")
        return dict(data)
    if isinstance(data, Sequence) and not isinstance(data, str):
        for item in data:
            if not isinstance(item, (str, DataUrl)):
                raise TypeError(
                    "A list of image stacks holds URLs of datasets, not"
                    f" {type(item).__name__}: give arrays as a dictionary with names"
                )
        urls = [as_data_url(item) for item in data]
        return dict(zip(stack_names(urls), urls, strict=True))
    raise TypeError(
        "Image stacks are a dictionary of arrays or URLs, or a list of URLs, not"
        f" {type(data).__name__}"
    )


@contextmanager
def input_context(data: Any) -> Iterator[InputStacks]:
    """Open stacks of images, in any of these forms.

    - an :class:`InputStacks`, which is passed through and not closed,
    - a dictionary whose values are each an array of shape `(N, H, W)`, a sequence of arrays or
      nested lists of shape `(H, W)`, or the URL of an HDF5 dataset, as text or `DataUrl`,
    - a list of URLs, see :func:`.stack_names` for the names.

    HDF5 images are read when they are asked for, one at a time, as long as the context lasts.

    :raises TypeError: when it has another form or the pixels are not real numbers.
    :raises ValueError: when a stack is not a stack of images; names the stack.
    :raises OSError: when a file is missing or cannot be read; names the stack.
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
            for name, source in named_sources(data).items()
        }
        yield InputStacks(stacks)


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
            return ArrayStack(source)
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
