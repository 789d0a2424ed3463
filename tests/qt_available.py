"""Tests of windows need Qt; where it cannot start they are skipped and say what mends it."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import lru_cache

import pytest

REQUIRED = "EWOKSNDREG_REQUIRE_QT"

# PyQt6 by name: silx would say that there is none where a system library of it is missing.
_START = (
    "import PyQt6.QtWidgets, silx.gui.qt, ewoksorange;"
    " PyQt6.QtWidgets.QApplication([]); print('started')"
)
_INSTALL = 'pip install ".[orange]"'
LIBRARIES = (
    "libdbus-1-3",
    "libegl1",
    "libfontconfig1",
    "libgl1",
    "libglib2.0-0",
    "libgssapi-krb5-2",
    "libxkbcommon0",
)
"""What the wheels of Qt expect of a Debian system; `.ci/run` installs it."""


def require_qt() -> None:
    """Skip the rest of the test module where Qt cannot start.

    :raises RuntimeError: in place of that when the environment variable `REQUIRED` is 1.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    problem = _why_qt_cannot_start()
    if not problem:
        return
    if os.environ.get(REQUIRED) == "1":
        raise RuntimeError(problem)
    pytest.skip(problem, allow_module_level=True)


@lru_cache
def _why_qt_cannot_start() -> str:
    """One sentence; empty where Qt can start. Another process tries: Qt ends it when it fails."""
    process = subprocess.run(  # noqa: S603  (a constant command)
        [sys.executable, "-c", _START], capture_output=True, text=True, check=False
    )
    if process.returncode == 0 and "started" in process.stdout:
        return ""
    lines = process.stderr.strip().splitlines() or [f"exit code {process.returncode}"]
    library = [line for line in lines if ".so" in line or "platform plugin" in line]
    if library:
        return f"Qt cannot start ({library[0]}): apt-get install {' '.join(LIBRARIES)}"
    return f"Qt cannot start ({lines[-1]}): {_INSTALL}"
