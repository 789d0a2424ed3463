"""Killed, cancelled, full disk, two at a time: the file keeps what it had."""

import json
import logging
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy
import pytest

from ewoksndreg.io import _write
from ewoksndreg.io._write import try_lock
from ewoksndreg.io.output_stack import hdf5_output_context
from ewoksndreg.io.output_stack import output_context
from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation

from ..conftest import parametrize_sample
from ..conftest import run_python
from .killing import OLD
from .killing import make_file
from .killing import old_content_is_there
from .killing import write

ROOT = Path(__file__).parent.parent.parent
IMAGES = numpy.random.default_rng(0).normal(size=(6, 64, 64))


def run_from_root(*arguments):
    return run_python(*arguments, cwd=ROOT, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}).stdout


@pytest.fixture
def path(tmp_path):
    make_file(tmp_path / "data.h5")
    return tmp_path / "data.h5"


@pytest.fixture(scope="module")
def tracing():
    found = run_from_root("-c", "from tests.io.tracing import can_trace; print(can_trace())")
    if found.strip() != "True":
        pytest.skip("system calls cannot be followed here")


@pytest.mark.usefixtures("tracing")
@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize(
    ("group", "stride"),
    [("/entry/aligned", 24)]
    + [
        pytest.param(group, 1, marks=pytest.mark.full)
        for group in ("/entry/aligned", "/entry/maps/new/deep", "/other/new", "/")
    ],
)
def test_killed_at_any_step_the_old_content_is_there(tmp_path, group, stride, libver):
    """Each change of a file by the process, also those that HDF5 makes, is a step."""
    found = json.loads(
        run_from_root("-m", "tests.io.killing", "every", tmp_path, group, libver, stride)
    )
    print(found)
    first, last = min(found["touching"]), max(found["touching"])
    assert found["steps"] > 50
    # Only the flush that closes the file touches what was there, and only that can lose it.
    assert len(found["touching"]) <= 6
    assert last - first < 10
    assert all(first < step <= last for step in found["lost"])
    assert found["not again"] == []
    if libver == "latest":
        assert found["flagged"] > 4
        assert found["wrong sentence"] == []


@pytest.mark.usefixtures("tracing")
@pytest.mark.parametrize("stride", [6, pytest.param(1, marks=pytest.mark.full)])
def test_killed_at_any_step_a_new_file_is_there_or_not(tmp_path, stride):
    found = json.loads(run_from_root("-m", "tests.io.killing", "new", tmp_path, stride))
    assert found["steps"] > 20
    assert found["partly"] == []
    assert found["not again"] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
@pytest.mark.parametrize("kills", [4, pytest.param(200, marks=pytest.mark.full)])
def test_killed_at_random_the_old_content_is_there(tmp_path, kills):
    found = json.loads(run_from_root("-m", "tests.io.killing", "random", tmp_path, kills))
    print(found)
    assert found["killed"] == kills
    assert found["lost"] == 0
    assert found["last run"] == 0
    assert found["results"] >= found["finished"] + 2


FULL_DISK = """
import resource, sys
from pathlib import Path
from tests.io.killing import write
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    write(Path(sys.argv[2]), "/entry/a")
except OSError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize(
    "share",
    [0, 0.5, 0.999, *(pytest.param(share, marks=pytest.mark.full) for share in (0.001, 0.1, 0.99))],
)
def test_on_a_full_disk_the_error_names_the_file_and_nothing_changes(tmp_path, existing, share):
    """The limit allows a fraction of the growth of the file."""
    path = tmp_path / "data.h5"
    if existing:
        make_file(path)
    before = path.read_bytes() if existing else b""
    full = tmp_path / "enough.h5"
    if existing:
        full.write_bytes(before)
    write(full, "/entry/a")
    need = full.stat().st_size - len(before)
    full.unlink()

    limit = len(before) + int(share * need)
    printed = run_from_root("-c", FULL_DISK, limit, path).strip()
    assert printed == f"OSError Cannot write to {str(path)!r}: File too large"
    if existing:
        assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == (["data.h5"] if existing else [])
    # Unlocked, and the same can be run again at once
    write(path, "/entry/a")


def test_a_full_disk_is_noticed_at_the_image_that_does_not_fit(tmp_path, monkeypatch):
    written = []
    original = _write.reserve

    def fails_after_two_images(*arguments):
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        original(*arguments)

    def images():
        for _ in range(6):
            written.append(large)
            yield large

    large = numpy.zeros((1200, 1200))
    monkeypatch.setattr(_write, "reserve", fails_after_two_images)
    with (
        pytest.raises(OSError, match="No space left on device"),
        output_context(f"{tmp_path}/out.h5::/entry") as output,
    ):
        output.add_points("a", images())
    assert len(written) == 3
    assert list(tmp_path.iterdir()) == []


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


@parametrize_sample("existing, libver", [True, False], ["earliest", "latest"], every=3)
def test_threads_write_into_one_file_that_they_also_read(tmp_path, existing, libver):
    path = tmp_path / "data.h5"
    make_file(tmp_path / "old.h5", libver)
    source = path if existing else tmp_path / "old.h5"
    if existing:
        make_file(path, libver)
    names = ["Ca-K", "Fe-K"]
    registrations = {"Ca-K": numpy.zeros((4, 2)), "Fe-K": numpy.arange(8).reshape(4, 2)}

    def run(number):
        Reg2DPostEvaluation(
            inputs={
                "image_stacks": {name: f"{source}::/entry/maps/{name}" for name in names},
                "transformations": registrations,
                "output_root_uri": f"{path}::/results/run{number}",
                "max_workers": 0,
            }
        ).execute()

    with (
        pytest.warns(RuntimeWarning, match="No registration is better than none"),
        ThreadPoolExecutor(4) as pool,
    ):
        list(pool.map(run, range(8)))
    with h5py.File(path) as file:
        for number in range(8):
            assert sorted(file[f"results/run{number}"]) == names
            assert f"results/run{number}_evaluation/scores" in file
    assert not existing or old_content_is_there(path)


def test_threads_that_write_the_same_get_one_result(path):
    def write(number):
        try:
            with output_context(f"{path}::/entry/new") as output:
                output.add_points("a", IMAGES + number)
        except FileExistsError:
            return None
        return number

    with ThreadPoolExecutor(4) as pool:
        written = [number for number in pool.map(write, range(4)) if number is not None]
    assert len(written) == 1
    with h5py.File(path) as file:
        numpy.testing.assert_array_equal(file["entry/new/a"], IMAGES + written[0])


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
    monkeypatch.setattr(_write, "_PATIENCE", 0.3)
    start = time.monotonic()
    with hold_open(path, 5) as holder:
        with (
            pytest.raises(OSError, match=r"data.h5' because another program has had it open, with"),
            output_context(f"{path}::/entry/new"),
        ):
            pytest.fail("too late")
        assert time.monotonic() - start < 4
        holder.kill()
    assert old_content_is_there(path)
    with h5py.File(path) as file:
        assert "new" not in file["entry"]
    assert [item.name for item in path.parent.iterdir()] == ["data.h5"]


@pytest.mark.parametrize("locking", [True, False])
@pytest.mark.parametrize("mode", ["r", "r+"])
def test_a_file_that_this_process_has_open_is_refused_before_any_work(path, mode, locking):
    with (
        h5py.File(path, mode, locking=locking),
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


def test_leftovers_of_killed_processes_are_removed_and_those_of_others_kept(path, monkeypatch):
    monkeypatch.setattr(_write, "_FRESH", -1)
    hidden = [path.parent / f".data.h5.{digit * 32}.tmp" for digit in "ab"]
    other = path.parent / ".other.h5.tmp"
    for leftover in (*hidden, other):
        leftover.write_bytes(b"")
    with hidden[1].open("r+b", buffering=0) as in_use:
        assert try_lock(in_use.fileno())
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


def test_an_error_after_everything_was_written_changes_no_byte(path):
    before = path.read_bytes()
    with pytest.raises(FileExistsError), output_context(f"{path}::/entry/new") as output:
        output.add_points("a", IMAGES)
        with h5py.File(path, "a") as file:
            file["/entry/new/a"] = 1
        before = path.read_bytes()
    assert path.read_bytes() == before


def test_a_link_to_a_file_that_does_not_exist_yet_gets_one(tmp_path):
    (tmp_path / "scratch").mkdir()
    (tmp_path / "out.h5").symlink_to("scratch/real.h5")
    for name in ("a", "b"):
        with output_context(f"{tmp_path}/out.h5::/entry/{name}") as output:
            output.add_points("x", IMAGES)
    assert (tmp_path / "out.h5").is_symlink()
    with h5py.File(tmp_path / "scratch" / "real.h5") as file:
        assert sorted(file["entry"]) == ["a", "b"]
    assert os.listdir(tmp_path / "scratch") == ["real.h5"]


@pytest.mark.parametrize("letter", ["x", "é", "鉄"])
def test_a_name_may_be_as_long_as_the_system_allows(tmp_path, letter):
    name = letter * (252 // len(letter.encode())) + ".h5"
    for group in ("a", "b"):
        with output_context(f"{tmp_path}/{name}::/entry/{group}") as output:
            output.add_points("x", IMAGES)
    assert os.listdir(tmp_path) == [name]


def test_a_tilde_is_the_home_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    with output_context("~/new/out.h5::/entry") as output:
        output.add_points("a", IMAGES)
    assert os.listdir(tmp_path) == ["home"]
    assert os.listdir(tmp_path / "home" / "new") == ["out.h5"]


@pytest.mark.parametrize(
    "path",
    [
        "~nobody-of-this-name/out.h5",
        "$NOWHERE/out.h5",
        "%NOWHERE%\\out.h5",
        pytest.param("C:\\data\\out.h5", marks=pytest.mark.skipif(os.name == "nt", reason="valid")),
    ],
)
def test_what_only_a_shell_or_windows_would_expand_is_refused(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(ValueError, match="which is not a folder: write its path in full"),
        output_context(f"{path}::/entry"),
    ):
        pytest.fail("too late")
    assert os.listdir(tmp_path) == []


def test_a_link_that_leads_to_itself_is_refused_before_the_work(tmp_path):
    (tmp_path / "a.h5").symlink_to("b.h5")
    (tmp_path / "b.h5").symlink_to("a.h5")
    with (
        pytest.raises(OSError, match=r"Cannot write to .*Too many levels of symbolic links"),
        output_context(f"{tmp_path}/a.h5::/entry"),
    ):
        pytest.fail("too late")


READ_ONLY_FOLDER = """
import os, sys, numpy
import numpy.ma, silx.io.commonh5  # which the other user may not be able to read
from ewoksndreg.io import output_context
if os.geteuid() == 0:
    os.setuid(65534)
for name in ("data.h5", "other.h5"):
    try:
        with output_context(f"{sys.argv[1]}/{name}::/entry/new") as output:
            output.add_points("a", numpy.zeros((2, 8, 8)))
        print("written")
    except OSError as error:
        print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="permissions work otherwise on this system")
def test_a_file_can_be_written_in_a_folder_that_cannot():
    """In another process and another folder, because permissions do not bind root."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "data.h5"
        make_file(path)
        path.chmod(0o666)
        folder.chmod(0o555)
        printed = run_from_root("-c", READ_ONLY_FOLDER, folder).splitlines()
        folder.chmod(0o755)
        other = str(folder / "other.h5")
        assert printed == [
            "written",
            f"PermissionError Cannot write to {other!r}: Permission denied",
        ]
        assert old_content_is_there(path)
        assert os.listdir(folder) == ["data.h5"]


@pytest.mark.parametrize("existing", [True, False])
def test_without_hard_links_a_new_file_is_created_and_never_replaces(
    tmp_path, monkeypatch, existing
):
    def link(source, target):
        if existing:  # appears in this very moment
            make_file(Path(target))
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    path = tmp_path / "out.h5"
    with hdf5_output_context(f"{path}::/entry/new") as output:
        output.add_points("a", IMAGES)
    with h5py.File(path) as file:
        numpy.testing.assert_array_equal(file["entry/new/a"], IMAGES)
    assert not existing or old_content_is_there(path)
    assert os.listdir(tmp_path) == ["out.h5"]


@pytest.mark.parametrize("existing", [True, False])
def test_on_windows_a_new_file_is_renamed_and_never_replaces(tmp_path, monkeypatch, existing):
    """As far as that can be tried elsewhere: no locks of files, and a rename that refuses."""
    rename, path = os.rename, tmp_path / "out.h5"

    def rename_as_windows_does(source, target):
        if existing and not path.exists():  # appears in this very moment
            make_file(path)
        assert source not in open_files()
        if os.path.exists(target):
            raise FileExistsError(17, "Cannot create a file when that file already exists")
        rename(source, target)

    def open_files():
        for link in Path("/proc/self/fd").glob("*"):  # nothing but in Linux
            with suppress(OSError):
                yield os.readlink(link)

    monkeypatch.setattr(_write, "_WINDOWS", True)
    monkeypatch.setattr(_write, "fcntl", None)
    monkeypatch.delattr(os, "posix_fallocate")
    monkeypatch.setattr(os, "rename", rename_as_windows_does)
    monkeypatch.delattr(os, "link")
    for name in "ab":
        with hdf5_output_context(f"{path}::/entry/new") as output:
            output.add_points(name, IMAGES)
    with h5py.File(path) as file:
        for name in "ab":
            numpy.testing.assert_array_equal(file["entry/new"][name], IMAGES)
    assert not existing or old_content_is_there(path)
    assert os.listdir(tmp_path) == ["out.h5"]


def test_where_the_new_file_cannot_get_its_name_nothing_stays(tmp_path, monkeypatch):
    def fail(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", fail)
    monkeypatch.setattr(os, "replace", fail)
    with (
        pytest.raises(PermissionError, match=r"Cannot write to '.*out.h5': Operation not"),
        hdf5_output_context(f"{tmp_path}/out.h5::/entry") as output,
    ):
        output.add_points("a", IMAGES)
    assert os.listdir(tmp_path) == []


def test_an_empty_file_is_no_hdf5_file(tmp_path):
    (tmp_path / "out.h5").touch()
    with pytest.raises(OSError, match=r"out.h5' is not an HDF5 file"):
        output_context(f"{tmp_path}/out.h5::/entry").__enter__()
    assert os.listdir(tmp_path) == ["out.h5"]


def test_a_truncated_file_is_refused(path):
    with path.open("r+b") as raw:
        raw.truncate(path.stat().st_size - 1000)
    with (
        pytest.raises(OSError, match=r"Cannot write to '.*data.h5': the file is truncated, as if"),
        output_context(f"{path}::/entry/new"),
    ):
        pytest.fail("too late")
