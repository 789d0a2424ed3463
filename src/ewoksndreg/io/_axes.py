"""Find the axes of stacks in NeXus files: energies, angles, motor positions."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from typing import Any

import h5py
import numpy
from silx.io.nxdata.parse import NXdata
from silx.io.url import DataUrl

from .._stacks import Stack
from ._hdf5_files import open_to_read
from ._nexus import Axis
from ._urls import as_data_url


@dataclass(frozen=True)
class StackAxes:
    """The axes of a stack according to its file.

    :param axes: those of the images, rows and columns, each None if it is unknown; or empty.
    :param units: units of the pixels.
    """

    axes: tuple[Axis | None, ...] = ()
    units: str | None = None


def find_axes(source: Any) -> StackAxes:
    """Find the axes of a stack in an `NXdata` group, and the units of its pixels.

    :param source: URL or h5py dataset, or a stack that comes from there; other sources have no
        axes.
    """
    if isinstance(source, Stack):
        known = find_axes(source.origin)
        images, *others = known.axes or [None]
        if images is not None:
            images = replace(images, values=numpy.asarray(images.values)[source.indices])
        return replace(known, axes=(images, *others) if known.axes else ())
    if isinstance(source, h5py.Dataset):
        return _axes_in(source.parent, source, ())
    if not isinstance(source, (str, DataUrl)):
        return StackAxes()
    url = as_data_url(source)
    parent, _, name = str(url.data_path()).rpartition("/")
    with open_to_read(str(url.file_path())) as file:
        group = file[parent or "/"]
        return _axes_in(group, group[name], url.data_slice() or ())


def _axes_in(group: h5py.Group, dataset: h5py.Dataset, selection: tuple[Any, ...]) -> StackAxes:
    if not isinstance(dataset, h5py.Dataset):
        return StackAxes()
    units = _as_text(dataset.attrs.get("units"))
    if _as_text(group.attrs.get("NX_class")) != "NXdata":
        return StackAxes(units=units)
    plot: Any = NXdata(group)
    if not plot.is_valid or plot.signal.shape != dataset.shape:
        return StackAxes(units=units)
    axes = tuple(
        None if found is None else _axis(found, index, length)
        for found, index, length in zip(
            plot.axes, _per_axis(selection, dataset.ndim), dataset.shape, strict=True
        )
        if not isinstance(index, int)
    )
    return StackAxes(axes if any(axes) and len(axes) == 3 else (), units)


def _per_axis(selection: tuple[Any, ...], ndim: int) -> list[Any]:
    """Expand a selection to one index per axis of a dataset."""
    indices = list(selection)
    if ... not in indices:
        indices.append(...)
    at = indices.index(...)
    indices[at : at + 1] = [slice(None)] * (ndim - len(indices) + 1)
    return indices


def _axis(found: h5py.Dataset, index: slice, length: int) -> Axis | None:
    if found.shape != (length,) or found.dtype.kind not in "biuf":
        return None
    attributes = {key: found.attrs[key] for key in ("units", "long_name") if key in found.attrs}
    return Axis(found.name.rpartition("/")[2], numpy.asarray(found[()])[index], attributes)


def _as_text(value: Any) -> str | None:
    return value.decode() if isinstance(value, bytes) else value
