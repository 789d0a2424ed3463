"""Choose a kernel."""

from __future__ import annotations

import functools
import importlib.util
import logging
import os
import stat
import sys
from pathlib import Path
from typing import Any

import numpy

from . import _numpy
from ._kernel import Kernel

_logger = logging.getLogger(__name__)

_NUMPY = Kernel("numpy", _numpy.smooth, _numpy.sum_products, _numpy.sum_gradients)

# Operations: importing numba takes 0.4 s, in which numpy does this many of them, and numba six
# times as many.
_LEAST_FOR_NUMBA = 2**28


def select_kernel(operations: float) -> Kernel:
    """Choose the fastest kernel.

    :param operations: the number of pixels that are prepared and compared; those that are resampled
        with more than a shift count six times.

    >>> from ewoksndreg.kernels import select_kernel
    >>> select_kernel(1000).name  # too little work for compiled loops
    'numpy'
    """
    # Nothing else may decide: all processes of a computation have to choose the same kernel.
    return find_kernel("numba" if operations >= _LEAST_FOR_NUMBA else "numpy")


def find_kernel(name: str) -> Kernel:
    """Return a kernel by name, "numpy" or "numba"; numpy if numba does not work.

    >>> from ewoksndreg.kernels import find_kernel
    >>> find_kernel("numpy").name
    'numpy'
    """
    return _NUMPY if name == "numpy" else _find_numba() or _NUMPY


@functools.cache
def _find_numba() -> Kernel | None:
    """None if numba is not installed or, after one warning, if it does not work."""
    if importlib.util.find_spec("numba") is None:
        return None
    try:
        kernel = _load_numba()
        _check(kernel)
    except Exception as error:  # whatever the reason is, numpy works
        _logger.warning(
            "Images are compared with numpy, which is several times slower, because numba does not"
            " work on this machine: %s",
            error or type(error).__name__,
        )
        return None
    return kernel


def _load_numba() -> Kernel:
    import numba

    config: Any = numba.config
    if config.DISABLE_JIT:
        raise RuntimeError("its compiler is switched off (NUMBA_DISABLE_JIT)")
    # Numba reads the setting when a function is decorated; other packages may need another value.
    before = config.CACHE_DIR
    config.CACHE_DIR = str(_make_cache_folder())
    try:
        from . import _numba
    finally:
        config.CACHE_DIR = before
    return Kernel("numba", _numba.smooth, _numba.sum_products, _numba.sum_gradients)


def _check(kernel: Kernel) -> None:
    """Compile the loops, or load them from the cache, and check their results."""
    image = kernel.prepare(numpy.arange(256, dtype=numpy.float32).reshape(16, 16))
    rotated = numpy.array([[1.0, 0.01, 0.5], [-0.01, 1.0, 0.5], [0.0, 0.0, 1.0]])
    for matrix in (None, rotated):
        if not 0 <= kernel.compare(image, image, matrix).mse < 0.01:
            raise RuntimeError("the compiled functions give wrong numbers")


def _make_cache_folder() -> Path:
    """Make a folder for compiled functions in which nobody else can write, since they are executed.

    :raises OSError: if there is none and none can be made.
    """
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    folder = Path(chosen) if chosen else _find_user_cache() / "ewoksndreg"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid"):
        status = folder.stat()
        if status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PermissionError(
                f"other users can write to the folder {str(folder)!r} for compiled functions: set"
                " NUMBA_CACHE_DIR to a folder of your own"
            )
    if not os.access(folder, os.W_OK):
        raise PermissionError(
            f"there is no permission to write to the folder {str(folder)!r} for compiled functions:"
            " set NUMBA_CACHE_DIR to a folder of your own"
        )
    return folder


def _find_user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
