"""What Qt needs before there can be a widget."""

from __future__ import annotations

import os
import subprocess
import sys

from silx.gui import qt

_NO_DISPLAY = (
    "There is no display for a window: ewoksndreg.write_report writes the result to an HTML file,"
    " and ewoksndreg.plots draws it in a notebook"
)
_TIMEOUT = 60  # s; Qt needs less than one


def make_application() -> qt.QApplication:
    """The `QApplication` of this process; a new one where there is none.

    :raises RuntimeError: when there is no display, where Qt would end the process.
    """
    application = qt.QApplication.instance()
    if application is not None:
        return application
    if not _has_display():
        raise RuntimeError(_NO_DISPLAY)
    return qt.QApplication([])


def check_application() -> None:
    """Make sure that there can be a widget.

    :raises RuntimeError: when there is no `QApplication`; without one, Qt would end the process.
    """
    if qt.QApplication.instance() is None:
        if not _has_display():
            raise RuntimeError(_NO_DISPLAY)
        raise RuntimeError(
            "A widget needs a QApplication: call ewoksndreg.gui.make_application() before, and keep"
            " what it returns"
        )


def _has_display() -> bool:
    """Whether Qt can start, which is tried in another process."""
    on_linux = sys.platform.startswith("linux")
    if on_linux and not {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"} & set(os.environ):
        return False
    code = "from silx.gui import qt; qt.QApplication([])"
    try:
        tried = subprocess.run(  # noqa: S603
            [sys.executable, "-c", code], capture_output=True, timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return tried.returncode == 0
