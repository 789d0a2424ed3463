"""The same tests for every kernel."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from ewoksndreg.kernels import Kernel
from ewoksndreg.kernels import find_kernel

# In one process, which compiles.
NUMBA = pytest.mark.xdist_group("numba")


@pytest.fixture(params=["numpy", pytest.param("numba", marks=NUMBA)])
def kernel(request: Any) -> Kernel:
    return kernel_or_skip(request.param)


def kernel_or_skip(name: str) -> Kernel:
    if importlib.util.find_spec(name) is None:
        pytest.skip('pip install ".[fast]"')
    kernel = find_kernel(name)
    # Installed and not found is a failure.
    assert kernel.name == name
    return kernel
