"""Read a dataset that is not images as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy
from numpy.typing import NDArray
from silx.io.url import DataUrl

from ._compression import check_filters
from ._find_dataset import find_dataset
from ._hdf5_files import Hdf5Reader
from ._urls import as_data_url


def read_small_dataset(
    url: str | DataUrl, check: Callable[[tuple[int, ...], numpy.dtype[Any]], None]
) -> NDArray[Any]:
    """All numbers of a dataset, or of the part that the URL selects.

    :param url: see :func:`.as_data_url`.
    :param check: is given the shape and type of what is selected before it is read, and raises
        what should be raised. A URL of images by mistake can be larger than the memory.
    :raises ValueError: when there is no such dataset, or the slice does not fit it.
    :raises OSError: when the file is missing or cannot be read.
    """
    address = as_data_url(url)
    reader = Hdf5Reader(str(address.file_path()))
    try:
        with reader.opened() as file:
            dataset = find_dataset(file, str(address.data_path()))
            selection = address.data_slice()
            check_filters(dataset)
            check(_selected_shape(dataset, selection), dataset.dtype)
            # numpy slices, because HDF5 does not read backwards.
            numbers = numpy.asarray(dataset[()])
            return numbers if selection is None else numpy.asarray(numbers[selection])
    finally:
        reader.close()


def _selected_shape(
    dataset: h5py.Dataset, selection: tuple[int | slice, ...] | None
) -> tuple[int, ...]:
    if dataset.shape is None:
        raise ValueError(f"the dataset {dataset.name!r} is empty")
    if selection is None:
        return tuple(dataset.shape)
    try:
        # The shape without the numbers: one number stands for all.
        return numpy.broadcast_to(0, dataset.shape)[selection].shape
    except IndexError as error:
        raise ValueError(
            f"the slice does not fit the shape {dataset.shape} of the dataset: {error}"
        ) from error
