"""Collect stacks of images, in memory or in an HDF5 file."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from contextlib import suppress
from itertools import permutations
from typing import Any

import h5py
import numpy
from numpy.typing import ArrayLike
from numpy.typing import NDArray
from silx.io.dictdump import dicttoh5
from silx.io.url import DataUrl

from .._pixels import as_floating
from ._hdf5_files import follow
from ._urls import as_data_url
from ._urls import url_text
from ._write import open_existing
from ._write import staged_file

# Control characters, and invalid Unicode. HDF5 supports neither.
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
# Half the size at 80 MB/s; LZF takes 0.64 at 130 MB/s and few programs read it, gzip at level 4
# 0.46 at 50 MB/s (float32 images of interpolated counts, 512 x 512).
_COMPRESSION = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
# More than HDF5 needs (bytes) for a group, dataset or attribute without its values.
_ITEM = 1 << 14


class OutputStacks:
    """Collects images by stack name, in lists; see :func:`output_context`."""

    def __init__(self) -> None:
        # Number, shape and type of the images of each stack
        self._known: dict[str, tuple[int, tuple[int, ...], numpy.dtype[Any]]] = {}
        self._images: dict[str, list[NDArray[Any]]] = {}

    def add_point(self, name: str, image: ArrayLike) -> None:
        """Append an image of shape `(H, W)` to a stack. Masked pixels become NaN.

        :raises ValueError: if its shape is not that of the previous images.
        :raises TypeError: if its type does not fit in that of the previous images.
        :raises FileExistsError: if the file already has an item with this name.
        """
        pixels = as_floating(image) if numpy.ma.isMaskedArray(image) else numpy.asarray(image)
        number, shape, dtype = self._known.get(name, (0, pixels.shape, pixels.dtype))
        if pixels.ndim != 2 or pixels.shape != shape:
            expected = f"the shape {shape}" if number else "two dimensions"
            raise ValueError(
                f"Image {number} for stack {name!r} has the shape {pixels.shape}, not {expected}"
            )
        if not numpy.can_cast(pixels.dtype, dtype, "safe"):
            raise TypeError(
                f"Image {number} for stack {name!r} is of type {pixels.dtype}, which does not fit"
                f" in the {dtype} of the previous images"
            )
        self._append(name, pixels)
        self._known[name] = number + 1, shape, dtype

    def add_points(self, name: str, images: Iterable[ArrayLike]) -> None:
        """Append images of shape `(H, W)` to a stack, one at a time."""
        for image in images:
            self.add_point(name, image)

    def data_for_input(self) -> Mapping[str, Any]:
        """The added images in a form that :func:`.open_stacks` accepts: lists of images, or the
        URLs at which they are found after the context has ended."""
        return {name: list(images) for name, images in self._images.items()}

    def _append(self, name: str, pixels: NDArray[Any]) -> None:
        # A copy: the caller may reuse the array for the next image.
        self._images.setdefault(name, []).append(pixels.copy())


class Hdf5OutputStacks(OutputStacks):
    """Collects each stack in a dataset of an HDF5 group.

    :param url: URL of the group to which the stacks will be moved.
    :param file: the temporary file; other items that are added to it are moved with the stacks.
    :param reserve_space: makes sure that a number of bytes can be added to it.
    :param compress: whether to compress images.
    """

    def __init__(
        self, url: DataUrl, file: h5py.File, reserve_space: Callable[[int], None], compress: bool
    ) -> None:
        super().__init__()
        self.url = url
        self.file = file
        for path in describe_parents(str(url.data_path())):
            self._group = file.require_group(path)
        self._reserve_space = reserve_space
        self._compression = _COMPRESSION if compress else {}

    def reserve(self, names: Iterable[str]) -> None:
        """Make sure that stacks with these names can be written.

        :raises ValueError: if HDF5 cannot have datasets with these names in the same group.
        :raises FileExistsError: if the file already has an item with such a name.
        """
        names = list(names)
        for name in names:
            # A stack whose name begins with a slash would be written outside the group.
            if _NOT_IN_NAMES.search(name) or {"", ".", ".."} & set(name.split("/")):
                raise ValueError(
                    f"A stack called {name!r} cannot be saved: parts of a name, between slashes,"
                    " must not be empty, '.' or '..' and must not contain control characters"
                )
        for outer, inner in permutations(names, 2):
            if inner.startswith(f"{outer}/"):
                raise ValueError(
                    f"Stacks {outer!r} and {inner!r} cannot be saved together: one is a dataset"
                    " where the other needs a group"
                )
        _check_free(self.url, names)

    def _append(self, name: str, pixels: NDArray[Any]) -> None:
        if not self._group:
            raise ValueError(f"{url_text(self.url)!r} is finished: write inside `output_context`")
        if name not in self._known:
            self.reserve([*self._known, name])
            self._group.create_dataset(
                name,
                shape=(0, *pixels.shape),
                maxshape=(None, *pixels.shape),
                chunks=(1, *pixels.shape),
                dtype=pixels.dtype,
                **self._compression,
            )
        self._reserve_space(pixels.nbytes)
        dataset = self._group[name]
        dataset.resize(len(dataset) + 1, axis=0)
        dataset[-1] = pixels

    def find_taken(self, paths: Iterable[str]) -> set[str]:
        """Find the paths that the file has already, without this output."""
        if not os.path.exists(str(self.url.file_path())):
            return set()
        with open_existing(str(self.url.file_path())) as (file, _):
            return {path for path in paths if path in file}

    def __contains__(self, path: object) -> bool:
        """Whether the file has an item already, without this output."""
        return bool(self.find_taken([str(path)]))

    def write(self, path: str, tree: Mapping[Any, Any]) -> None:
        """Add groups, datasets, links and attributes; those that exist stay as they are.

        :param path: path of a group, which is created if needed.
        :param tree: its content, as for :func:`silx.io.dictdump.dicttoh5`.
        """
        own = {key: value for key, value in tree.items() if not isinstance(value, Mapping)}
        size = sum(numpy.asarray(value).nbytes for value in own.values())
        self._reserve_space(size + _ITEM * len(own))
        if path not in self.file:
            self.file.create_group(path, track_order=True)
        dicttoh5(own, self.file, h5path=path)  # type: ignore[no-untyped-call, unused-ignore]
        for name in tree:
            if name not in own:
                self.write(posixpath.join(path, name), tree[name])

    def data_for_input(self) -> dict[str, DataUrl]:
        path, group = self.url.file_path(), str(self.url.data_path())
        return {
            name: DataUrl(file_path=path, data_path=posixpath.join(group, name))
            for name in self._known
        }


@contextmanager
def output_context(url: str | DataUrl | None = None) -> Iterator[OutputStacks]:
    """Collect stacks of images.

    The file is not changed before the context ends. It then receives all stacks or, if anything
    failed, none.

    :param url: URL of the HDF5 group for the stacks, one dataset each; the group, its parents and
        the file are created if they do not exist. None keeps the images in memory.
    :raises ValueError: if the URL has a slice, or goes through a link to another file.
    :raises FileExistsError: if an item to be written already exists; names it.
    :raises OSError: if the file cannot be written.
    """
    if url is None:
        yield OutputStacks()
    else:
        with hdf5_output_context(url) as output:
            yield output


def check_output(url: str | DataUrl, names: Iterable[str]) -> None:
    """Make sure, before a computation, that stacks with these names can be saved in a group.

    :raises ValueError: see :func:`output_context`.
    :raises OSError: see :func:`output_context`, also if an item with such a name exists.
    """

    class Checked(Exception):
        """Ends the context without a result."""

    with suppress(Checked), hdf5_output_context(url) as output:
        output.reserve(names)
        raise Checked


@contextmanager
def hdf5_output_context(url: str | DataUrl, *, compress: bool = True) -> Iterator[Hdf5OutputStacks]:
    """:func:`output_context` for a file.

    :param compress: whether images are compressed.
    """
    group = _find_group(url)
    with staged_file(str(group.file_path())) as (file, reserve_space):
        output = Hdf5OutputStacks(group, file, reserve_space, compress)
        yield output
        for path, attributes in describe_parents(str(group.data_path())).items():
            output.write(path, attributes)


def describe_parents(path: str) -> dict[str, dict[tuple[str, str], str]]:
    """Describe a group and those above it so that viewers plot the group by default.

    :param path: absolute path of the group.
    :returns: attributes for :meth:`Hdf5OutputStacks.write`, by path: the group is an `NXdata` group
        in `NXcollection` groups of an `NXentry`; or the root group.
    """
    found = {}
    above, nx_class = "/", "NXroot"
    for name in filter(None, path.split("/")):
        found[above] = {("", "NX_class"): nx_class, ("", "default"): name}
        above, nx_class = posixpath.join(above, name), "NXentry" if above == "/" else "NXcollection"
    return found | {above: {("", "NX_class"): nx_class if above == "/" else "NXdata"}}


def _find_group(url: str | DataUrl) -> DataUrl:
    """Find the group of an output URL, in the file to which symbolic links lead."""
    given = as_data_url(url)
    if given.data_slice() is not None:
        raise ValueError(
            f"The output URL {url_text(given)!r} must name a group, without a slice, for example"
            f" '{given.file_path()}::/entry/aligned'"
        )
    path = str(given.file_path())
    if not os.path.basename(path):
        raise ValueError(f"The output URL {url_text(given)!r} names a folder, not a file")
    first = re.split(r"[\\/]", path)[0]
    of_shell = first.startswith(("~", "$", "%")) or (first[1:] == ":" and os.name != "nt")
    if first != path and of_shell and not os.path.exists(first):
        raise ValueError(
            f"The output URL {url_text(given)!r} begins with {first!r}, which is not a folder:"
            " write its path in full"
        )
    # Absolute and without links, so that the current folder or a link may change.
    group = DataUrl(file_path=os.path.realpath(path), data_path=given.data_path())
    _check_free(group, ())
    return group


def _check_free(group: DataUrl, stacks: Iterable[str]) -> None:
    """Make sure that stacks with these names can be written to a group.

    :raises ValueError: if the group, or a stack, is behind a link to another file.
    :raises FileExistsError: if the file already has an item with such a name.
    :raises OSError: if the file cannot be written, is being written, or is open in this process.
    """
    if not os.path.lexists(str(group.file_path())):
        return
    root = str(group.data_path())
    through = f"The output URL {url_text(group)!r} goes through"
    with open_existing(str(group.file_path())) as (file, _):
        for place in (root, *(posixpath.join(root, name) for name in stacks)):
            found, path, missing = follow(file, place)
            if place != root and not missing:
                taken = f"{group.file_path()}::{place}"
                raise FileExistsError(f"{taken!r} exists already: choose another output URL")
            if isinstance(found, h5py.Dataset):
                raise FileExistsError(
                    f"{through} {path!r}, which is a dataset: choose another group"
                )
            if found.file.filename != file.filename:
                raise ValueError(
                    f"{through} a link to another file: choose a group of {found.file.filename!r},"
                    " where it leads"
                )
