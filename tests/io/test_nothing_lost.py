"""Killed, cancelled, full disk, two at a time: the file keeps what it had."""

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy
import pytest

from ewoksndreg.io import _hdf5_lock as hdf5_lock
from ewoksndreg.io import _staging as staging
from ewoksndreg.io._journal import journal_path
from ewoksndreg.io._journal import write_journal
from ewoksndreg.io._pending_file import PendingFile
from ewoksndreg.io.input_stack import input_context
from ewoksndreg.io.output_stack import output_context

from .killing import KILLS
from .killing import OLD
from .killing import make_file
from .killing import old_content_is_there

ROOT = Path(__file__).parent.parent.parent
IMAGES = numpy.random.default_rng(0).normal(size=(6, 64, 64))

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")


def run_python(*arguments, **kwargs):
    done = subprocess.run(  # noqa: S603
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        check=False,
        **kwargs,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def path(tmp_path):
    make_file(tmp_path / "data.h5")
    return tmp_path / "data.h5"


@needs_fork
@pytest.mark.parametrize(
    "group",
    [
        "/entry/new",
        pytest.param("/entry/maps/new/deep", marks=pytest.mark.full),
        pytest.param("/other/new", marks=pytest.mark.full),
    ],
)
def test_killed_at_any_step_the_old_content_is_there_and_the_run_can_be_repeated(tmp_path, group):
    found = json.loads(run_python("-m", "tests.io.killing", "every", tmp_path, group))
    assert found["steps"] > 50
    assert found["lost for us"] == []
    assert found["not again"] == []
    # Found by any other program, except in the moment in which a journal exists and the index of
    # the file changes in several pages ("half done"): other programs do not know the journal.
    assert found["lost"] == []


@needs_fork
@pytest.mark.full
def test_killed_at_random_the_old_content_is_there(tmp_path):
    found = json.loads(run_python("-m", "tests.io.killing", "random", tmp_path))
    assert found["killed"] == KILLS >= 50
    assert found["lost"] == 0
    assert found["last run"] == 0


FULL_DISK = """
import resource, sys
import numpy
from ewoksndreg.io.output_stack import hdf5_output_context
limit, path, group = int(sys.argv[1]), sys.argv[2], sys.argv[3]
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
images = numpy.random.default_rng(0).normal(size=(6, 64, 64))
try:
    with hdf5_output_context(f"{path}::{group}") as output:
        output.add_points("a", images)
        output.describe(signal="a", inputs={}, results={})
except OSError as error:
    print(type(error).__name__, error)
else:
    print("written")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.99, 0.999])
def test_on_a_full_disk_the_error_names_the_file_and_nothing_changes(tmp_path, existing, share):
    """The limit leaves room for a share of what the file would grow to."""
    path = tmp_path / "data.h5"
    if existing:
        make_file(path)
    before = path.read_bytes() if existing else b""
    full = tmp_path / "enough.h5"
    full.write_bytes(before)
    if not existing:
        full.unlink()
    assert "written" in run_python("-c", FULL_DISK, 10**9, full, "/entry/a")
    need = full.stat().st_size - len(before)
    full.unlink()

    limit = len(before) + int(share * need)
    printed = run_python("-c", FULL_DISK, limit, path, "/entry/a").strip()
    assert printed == f"OSError Cannot write to {str(path)!r}: File too large"
    if existing:
        assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == (["data.h5"] if existing else [])
    # Unlocked, and the same can be run again at once
    assert "written" in run_python("-c", FULL_DISK, 10**9, path, "/entry/a")


def test_a_full_disk_is_noticed_at_the_image_that_does_not_fit(tmp_path, monkeypatch):
    written = []
    original = PendingFile._append

    def fails_after_two_images(self, start, data):
        if len(written) >= 2:
            self.error = OSError(28, "No space left on device")
        original(self, start, data)

    def images():
        for _ in range(6):
            written.append(large)
            yield large

    # Larger than what HDF5 keeps in memory before it writes
    large = numpy.zeros((1200, 1200))
    monkeypatch.setattr(PendingFile, "_append", fails_after_two_images)
    with (
        pytest.raises(OSError, match="No space left on device"),
        output_context(f"{tmp_path}/out.h5::/entry") as output,
    ):
        output.add_points("a", images())
    assert len(written) == 2


WRITER = """
import sys
import numpy
from ewoksndreg.io.output_stack import output_context
path, name = sys.argv[1:]
images = numpy.random.default_rng(0).normal(size=(6, 64, 64))
with output_context(f"{path}::/entry/{name}") as output:
    output.add_points("a", images)
"""


@pytest.mark.parametrize("existing", [True, False])
def test_processes_that_write_at_the_same_time_wait_for_each_other(tmp_path, existing):
    path = tmp_path / "data.h5"
    if existing:
        make_file(path)
    names = [f"writer{n}" for n in range(4)]
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name])  # noqa: S603
        for name in names
    ]
    assert [writer.wait() for writer in writers] == [0] * len(names)
    with h5py.File(path) as file:
        for name in names:
            numpy.testing.assert_array_equal(file[f"/entry/{name}/a"], IMAGES)
    assert not existing or old_content_is_there(path)


HOLDER = """
import sys, time
import h5py
with h5py.File(sys.argv[1], "a"):
    print("open", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def hold_open(path, seconds):
    holder = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", HOLDER, str(path), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "open\n"
    return holder


def test_a_writer_waits_for_another_program_and_says_so(path, caplog):
    with (
        hold_open(path, 1),
        caplog.at_level(logging.WARNING),
        output_context(f"{path}::/entry/new") as output,
    ):
        output.add_points("a", IMAGES)
    assert "is open in another program: waiting up to 60 s" in caplog.text
    with h5py.File(path) as file:
        numpy.testing.assert_array_equal(file["/entry/new/a"], IMAGES)


def test_a_writer_gives_up_after_a_while(path, monkeypatch):
    monkeypatch.setattr(hdf5_lock, "_PATIENCE", 0.3)
    start = time.monotonic()
    with hold_open(path, 5) as holder:
        with (
            pytest.raises(OSError, match=r"data.h5' because another program has had it open for"),
            output_context(f"{path}::/entry/new") as output,
        ):
            output.add_points("a", IMAGES)
        assert time.monotonic() - start < 4
        holder.kill()
    assert old_content_is_there(path)
    with h5py.File(path) as file:
        assert "new" not in file["entry"]
    assert [item.name for item in path.parent.iterdir()] == ["data.h5"]


def test_a_file_that_this_process_has_open_is_refused_before_any_work(path):
    with (
        h5py.File(path),
        pytest.raises(OSError, match=r"data.h5' because it is open in this Python process"),
        output_context(f"{path}::/entry/new"),
    ):
        pytest.fail("too late")


@pytest.mark.parametrize("userblock", [0, 512])
@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("tail", [0, 100_000])
def test_files_of_any_format_get_the_result(tmp_path, userblock, libver, tail):
    """Also one with bytes behind the HDF5 data, which a process that was killed leaves."""
    path = tmp_path / "data.h5"
    with h5py.File(path, "w", userblock_size=userblock, libver=libver) as file:
        for name, images in OLD.items():
            file[name] = images
    with path.open("ab") as raw:
        raw.write(b"x" * tail)
    for n in range(3):
        with output_context(f"{path}::/entry/new{n}") as output:
            output.add_points("a", IMAGES + n)
    assert old_content_is_there(path)
    with h5py.File(path) as file:
        for n in range(3):
            numpy.testing.assert_array_equal(file[f"/entry/new{n}/a"], IMAGES + n)
    with h5py.File(path, "a") as file:
        file["more"] = 1


def interrupted(path):
    """A change of the first byte that was decided and not made."""
    with open(path, "r+b", buffering=0) as file:
        write_journal(file, str(path), {0: b"\x00"})
    return Path(journal_path(str(path)))


def test_what_a_killed_process_decided_is_finished_before_reading(path):
    first = path.read_bytes()[:1]
    with open(path, "r+b", buffering=0) as file:
        write_journal(file, str(path), {0: first})
        file.seek(0)
    journal = Path(journal_path(str(path)))
    assert journal.exists()
    with input_context([f"{path}::/entry/maps/Ca-K"]) as stacks:
        numpy.testing.assert_array_equal(list(stacks["Ca-K"]), OLD["/entry/maps/Ca-K"])
    assert not journal.exists()


def test_what_a_killed_process_decided_is_not_done_to_a_file_that_changed(path):
    journal = interrupted(path)
    with path.open("r+b") as file:
        file.write(b"?")
    changed = path.read_bytes()
    with (
        pytest.raises(OSError, match=r"changed by another program .* then delete"),
        output_context(f"{path}::/entry/new"),
    ):
        pass
    assert path.read_bytes() == changed
    assert journal.exists()


def test_a_journal_that_cannot_be_written_changes_nothing(path, monkeypatch):
    def fail(source, target):
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    # Nothing else replaces a file: all is written but the journal.
    monkeypatch.setattr(os, "replace", fail)
    with (
        pytest.raises(OSError, match=r"Cannot write to '.*data.h5': No space left on device"),
        output_context(f"{path}::/entry/new") as output,
    ):
        output.add_points("a", IMAGES)
    assert path.read_bytes() == before
    assert [item.name for item in path.parent.iterdir()] == ["data.h5"]


def test_leftovers_of_killed_processes_are_removed_and_those_of_others_kept(path, monkeypatch):
    monkeypatch.setattr(staging, "_FRESH", -1)
    hidden = [path.parent / f".data.h5.{digit * 32}.tmp" for digit in "ab"]
    other = path.parent / ".other.h5.tmp"
    for leftover in (*hidden, other):
        leftover.write_bytes(b"")
    with hidden[1].open("r+b", buffering=0) as in_use:
        assert hdf5_lock.try_lock(in_use)
        with output_context(f"{path}::/entry/new") as output:
            output.add_points("a", IMAGES)
    assert not hidden[0].exists()
    assert hidden[1].exists()
    assert other.exists()


def test_a_fresh_leftover_is_kept(path):
    leftover = path.parent / f".data.h5.{'a' * 32}.tmp"
    leftover.write_bytes(b"")
    with output_context(f"{path}::/entry/new") as output:
        output.add_points("a", IMAGES)
    assert leftover.exists()
