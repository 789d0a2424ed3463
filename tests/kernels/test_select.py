"""Without a working numba, numpy is used, with one warning."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ewoksndreg.kernels import find_kernel
from ewoksndreg.kernels import select_kernel

from ..conftest import run_python
from .conftest import kernel_or_skip

SHOW = "import ewoksndreg.kernels as k; [print(k.find_kernel('numba').name) for _ in range(2)]"


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run_python("-c", code, env={**os.environ, **environment})


def assert_numpy_with_one_message(done: subprocess.CompletedProcess[str], reason: str) -> None:
    assert done.stdout.split() == ["numpy", "numpy"]
    assert done.stderr.count("Images are compared with numpy") == 1
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture(autouse=True)
def needs_numba():
    kernel_or_skip("numba")


def test_small_work_is_left_to_numpy():
    assert select_kernel(1000).name == "numpy"
    assert select_kernel(1e9).name == "numba"


def test_small_work_does_not_import_numba():
    code = (
        "import sys, numpy; from ewoksndreg.evaluation import evaluate_stacks;"
        "from ewoksndreg.transformation import Homography;"
        "stack = numpy.random.default_rng(0).random((3, 20, 20));"
        "evaluate_stacks({'a': stack}, {'a': [Homography(numpy.identity(3))] * 3});"
        "print('numba' in sys.modules)"
    )
    assert run(code).stdout.split() == ["False"]


def test_without_numba_there_is_no_message(tmp_path):
    code = "import importlib.util as u; u.find_spec = lambda name, *_: None;" + SHOW
    done = run(code)
    assert done.stdout.split() == ["numpy", "numpy"]
    assert done.stderr == ""


def test_a_numba_that_cannot_be_imported(tmp_path):
    """As one that says that numpy is too new."""
    (tmp_path / "numba.py").write_text("raise ImportError('Numba needs NumPy 0.1 or less')\n")
    done = run(f"import sys; sys.path.insert(0, {str(tmp_path)!r});" + SHOW)
    assert_numpy_with_one_message(done, "Numba needs NumPy 0.1 or less")


def test_a_compiler_that_is_switched_off():
    assert_numpy_with_one_message(run(SHOW, NUMBA_DISABLE_JIT="1"), "NUMBA_DISABLE_JIT")


@pytest.mark.skipif(sys.platform == "win32", reason="other permissions")
@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_cache_in_which_others_can_write_is_not_used(tmp_path, mode):
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(mode)
    done = run(SHOW, NUMBA_CACHE_DIR=str(folder))
    assert_numpy_with_one_message(done, "other users can write to the folder")
    assert not list(folder.iterdir())


@pytest.mark.parametrize("place", ["file", "file/inside"])
def test_a_cache_that_cannot_be_made(tmp_path, place):
    (tmp_path / "file").touch()
    done = run(SHOW, NUMBA_CACHE_DIR=str(tmp_path / place))
    assert_numpy_with_one_message(done, "file")


def test_a_read_only_cache(tmp_path):
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o500)
    done = run(SHOW, NUMBA_CACHE_DIR=str(folder))
    assert_numpy_with_one_message(done, "no permission to write")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="another folder")
@pytest.mark.full  # compiles in an empty cache
def test_the_cache_is_in_the_folder_of_the_user_and_nobody_else_may_write_there(tmp_path):
    package = Path(find_kernel.__code__.co_filename).parent
    before = sorted(package.rglob("*.nb*"))
    code = "import os; os.environ.pop('NUMBA_CACHE_DIR', None); os.umask(0);" + SHOW
    done = run(code, XDG_CACHE_HOME=str(tmp_path / "new"))
    assert (done.stdout.split(), done.stderr) == (["numba", "numba"], "")
    folder = tmp_path / "new" / "ewoksndreg"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(folder.rglob("*.nbc"))
    # And nowhere else: beside the sources others may write.
    assert sorted(package.rglob("*.nb*")) == before


def test_the_folder_of_other_functions_of_numba_stays_what_it_was():
    code = (
        "import numba; before = numba.config.CACHE_DIR; import ewoksndreg.kernels as k;"
        "k.find_kernel('numba'); print(numba.config.CACHE_DIR == before)"
    )
    assert run(code).stdout.split() == ["True"]


@pytest.mark.full
def test_two_processes_may_compile_at_once_and_a_damaged_cache_does_no_harm(tmp_path):
    folder = tmp_path / "cache"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    both = [
        subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", SHOW], env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    assert [process.communicate()[0].split() for process in both] == [["numba", "numba"]] * 2
    for path in (*folder.rglob("*.nbc"), *folder.rglob("*.nbi")):
        path.write_bytes(path.read_bytes()[:100])
    done = run(SHOW, NUMBA_CACHE_DIR=str(folder))
    assert done.stdout.split() in (["numba", "numba"], ["numpy", "numpy"])


def test_a_kernel_that_does_not_exist_here_is_replaced(monkeypatch):
    from ewoksndreg.kernels import _select

    monkeypatch.setattr(_select, "_find_numba", lambda: None)
    assert find_kernel("numba").name == "numpy"
