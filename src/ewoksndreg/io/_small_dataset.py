"""Read a dataset that is not images as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from numpy.typing import NDArray

from ._hdf5_files import open_dataset
from ._hdf5_files import reading
from ._selection import Selection
from ._urls import Url
from ._urls import as_data_url


def read_small_dataset(
    url: Url, check: Callable[[tuple[int, ...], numpy.dtype[Any]], None]
) -> tuple[NDArray[Any], dict[str, Any]]:
    """All values of a dataset, or of the part that the URL selects, and its attributes.

    :param url: see :func:`.as_data_url`.
    :param check: is given the shape and type of what is selected before it is read, and raises
        what should be raised. A URL of images by mistake can be larger than the memory.
    :raises ValueError: when there is no such dataset, or the slice does not fit it.
    :raises OSError: when the file is missing or cannot be read.
    """
    address = as_data_url(url)
    with reading:
        dataset = open_dataset(str(address.file_path()), str(address.data_path()))
        with dataset.file:
            selection = Selection(dataset.shape, address.data_slice())
            check(selection.shape, dataset.dtype)
            return selection.read(dataset), dict(dataset.attrs)
