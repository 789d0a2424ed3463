"""Dialogs in which the user chooses something in an HDF5 file.

A dialog of silx is deleted with its parent and not before: to delete it right after it has closed
crashes (silx 3.1.3).
"""

from __future__ import annotations

from collections.abc import Callable

import h5py
from silx.gui import qt
from silx.gui.dialog.DataFileDialog import DataFileDialog

from .hdf5_datasets import find_datasets


def choose_datasets(
    parent: qt.QWidget, what: str, accept: Callable[[h5py.Dataset], bool]
) -> list[str]:
    """Let the user choose a dataset, or a group for all its datasets of one kind.

    :param parent: window under the dialog.
    :param what: what can be chosen, plural.
    :param accept: whether a dataset fits.
    :returns: the URLs; none when the user chose nothing.
    """
    dialog = DataFileDialog(parent)
    dialog.setWindowTitle(f"Choose {what}: a dataset, or a group for all in it")
    if not dialog.exec():
        return []
    try:
        return find_datasets(dialog.selectedDataUrl(), what, accept)
    except (OSError, ValueError) as error:
        qt.QMessageBox.warning(parent, "Nothing was chosen", str(error))
        return []


def choose_output_group(parent: qt.QWidget, group: str) -> list[str]:
    """Let the user choose a file to save into.

    :param parent: window under the dialog.
    :param group: proposed group of the file.
    :returns: one URL; none when the user chose nothing.
    """
    path, _ = qt.QFileDialog.getSaveFileName(
        parent,
        "Save the aligned stacks in",
        "",
        "HDF5 (*.h5 *.hdf5 *.nx *.nxs);;All files (*)",
        # Nothing is ever overwritten: the group is added to a file that exists.
        options=qt.QFileDialog.DontConfirmOverwrite,
    )
    return [f"{path}::{group}"] if path else []


def choose_group(parent: qt.QWidget) -> list[str]:
    """Let the user choose a group of an HDF5 file.

    :param parent: window under the dialog.
    :returns: one URL; none when the user chose nothing.
    """
    dialog = DataFileDialog(parent)
    dialog.setWindowTitle("Choose the group in which to look for stacks")
    dialog.setFilterMode(DataFileDialog.FilterMode.ExistingGroup)
    if not dialog.exec():
        return []
    url = dialog.selectedDataUrl()
    return [f"{url.file_path()}::{url.data_path() or '/'}"]
