"""Files that another program has open, and files that are read and written at the same time."""

import pickle
import subprocess
import sys
from contextlib import contextmanager

import h5py
import numpy
import pytest

from ewoksndreg.io.input_stack import input_context
from ewoksndreg.io.output_stack import hdf5_output_context

from ..conftest import run_python

IMAGES = numpy.random.default_rng(0).normal(size=(4, 12, 10)).astype(numpy.float32)

# Another program that has a file open until its standard input ends, and goes on writing to it.
OTHER = """
import sys, h5py
mode, libver, swmr = sys.argv[2:]
file = h5py.File(sys.argv[1], mode, libver=libver or None)
if swmr:
    file.swmr_mode = True
if mode == "a":
    data = file["a"]
    data.resize(5, axis=0)
    data[4] = 1
    file.flush()
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def open_elsewhere(path, mode="a", libver="", swmr=""):
    command = [sys.executable, "-c", OTHER, str(path), mode, libver, swmr]
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "ready\n"
        yield
        other.stdin.close()


# Before HDF5 1.14.4 (h5py 3.12), files behind links and virtual datasets are opened with locks, and
# virtual datasets silently show zeros in place of a file that is open elsewhere.
FOLLOWS_WITHOUT_LOCKS = h5py.version.hdf5_version_tuple >= (1, 14, 4)
WAYS = ["a.h5::/a", *(["master.h5::/link", "master.h5::/virtual"] * FOLLOWS_WITHOUT_LOCKS)]


def create(path, libver=None, **options):
    with h5py.File(path, "w", libver=libver) as file:
        file.create_dataset(
            "a", data=IMAGES, maxshape=(None, 12, 10), chunks=(2, 12, 10), **options
        )


def read(url):
    with input_context({"a": url}) as stacks:
        return numpy.stack(list(stacks["a"]))


@pytest.fixture
def master(tmp_path):
    """Another file that leads to the dataset, by a link and by a virtual dataset."""
    with h5py.File(tmp_path / "master.h5", "w") as file:
        file["link"] = h5py.ExternalLink("a.h5", "/a")
        layout = h5py.VirtualLayout(IMAGES.shape, IMAGES.dtype)
        layout[:] = h5py.VirtualSource("a.h5", "a", IMAGES.shape, maxshape=(None, 12, 10))
        file.create_virtual_dataset("virtual", layout)
    return tmp_path / "master.h5"


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("mode", ["r", "a"])
@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_another_process_has_open_is_read(tmp_path, master, way, mode, compression):
    create(tmp_path / "a.h5", compression=compression)
    with open_elsewhere(tmp_path / "a.h5", mode):
        images = read(f"{tmp_path}/{way}")
    numpy.testing.assert_array_equal(images[:4], IMAGES)


def test_a_file_that_is_opened_for_writing_while_we_read(tmp_path):
    create(tmp_path / "a.h5")
    with input_context([f"{tmp_path}/a.h5::/a"]) as stacks:
        stack = stacks["a"]
        numpy.testing.assert_array_equal(stack[0], IMAGES[0])
        with open_elsewhere(tmp_path / "a.h5"):
            numpy.testing.assert_array_equal(list(stack), IMAGES)


@pytest.mark.parametrize("way", ["a.h5::/a", "master.h5::/link", "master.h5::/virtual"])
def test_a_file_with_an_swmr_writer_is_read_also_beside_others(tmp_path, master, way):
    create(tmp_path / "a.h5", libver="latest")
    with h5py.File(master, "a") as file:
        file["other"] = IMAGES
    with (
        open_elsewhere(tmp_path / "a.h5", libver="latest", swmr="swmr"),
        input_context({"before": f"{master}::/other", "a": f"{tmp_path}/{way}"}) as stacks,
    ):
        numpy.testing.assert_array_equal(stacks["before"][0], IMAGES[0])
        images = numpy.stack(list(stacks["a"]))
        numpy.testing.assert_array_equal(stacks["before"][1], IMAGES[1])
        numpy.testing.assert_array_equal(pickle.loads(pickle.dumps(stacks["a"]))[2], IMAGES[2])  # noqa: S301
    numpy.testing.assert_array_equal(images[:4], IMAGES)
    assert len(images) == (4 if "virtual" in way else 5)
    assert (images[4:] == 1).all()


@pytest.mark.parametrize("target", ["/", "/maps/a"])
def test_a_group_behind_a_link_to_a_file_with_an_swmr_writer(tmp_path, target):
    """A master file, as Bliss writes it."""
    create(tmp_path / "a.h5", libver="latest")
    with h5py.File(tmp_path / "master.h5", "w") as file:
        file["1.1" if target == "/" else "1.1/a"] = h5py.ExternalLink("a.h5", target[5:] or "/")
    with (
        open_elsewhere(tmp_path / "a.h5", libver="latest", swmr="swmr"),
        input_context(f"{tmp_path}/master.h5::/1.1") as stacks,
    ):
        numpy.testing.assert_array_equal(stacks["a"][2], IMAGES[2])


READ = """
import sys
from ewoksndreg.io import input_context
with input_context({"a": f"{sys.argv[1]}::/a"}) as stacks:
    print(*(image[0, 0] for image in stacks["a"]))
"""


def test_a_stack_that_grows_keeps_the_images_that_it_had(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver="latest") as file:
        data = file.create_dataset("a", (0, 8, 9), "f4", maxshape=(None, 8, 9), chunks=(2, 8, 9))
        file.swmr_mode = True
        lengths = []
        for n in range(1, 20):
            data.resize(n, axis=0)
            data[n - 1] = n
            data.flush()
            if n % 6 == 1:
                printed = run_python("-c", READ, path).stdout
                lengths.append([float(word) for word in printed.split()])
    assert lengths == [[float(m) for m in range(1, n + 1)] for n in (1, 7, 13, 19)]


KILLED = """
import h5py, os, sys
file = h5py.File(sys.argv[1], "w", libver="latest")
file["a"] = [[[1.0]]]
if sys.argv[2:]:
    file.swmr_mode = True
file.flush()
os._exit(9)
"""


def test_a_file_whose_writer_was_killed_says_what_to_do(tmp_path):
    """F13. Nobody can tell it from a writer that does not lock; HDF5's own writers do."""
    path = str(tmp_path / "a.h5")
    run_python("-c", KILLED, path, check=False)
    with pytest.raises(OSError, match=rf"crashed, or still writes .* `h5clear -s {path}`"):
        read(f"{path}::/a")
    run_python("-c", KILLED, path, "swmr", check=False)
    assert read(f"{path}::/a") == 1


@pytest.mark.parametrize("way", ["a.h5::/a", "master.h5::/link", "master.h5::/virtual"])
def test_a_file_that_cannot_be_read_before_its_writer_closes_it(tmp_path, master, way):
    """HDF5 marks files of the newest format as unreadable."""
    create(tmp_path / "a.h5", libver="latest")
    with (
        open_elsewhere(tmp_path / "a.h5", libver="latest"),
        pytest.raises((OSError, ValueError), match=r"open (for|external)") as caught,
    ):
        read(f"{tmp_path}/{way}")
    assert way in str(caught.value)
    assert "h5clear" not in str(caught.value)
    assert "\n" not in str(caught.value)
    numpy.testing.assert_array_equal(read(f"{tmp_path}/{way}")[:4], IMAGES)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("target", ["a.h5", "master.h5"])
def test_results_go_into_a_file_that_is_being_read(tmp_path, master, way, target):
    create(tmp_path / "a.h5")
    with (
        input_context({"stack": f"{tmp_path}/{way}"}) as stacks,
        hdf5_output_context(f"{tmp_path}/{target}::/entry/aligned") as output,
    ):
        output.add_points("stack", stacks["stack"])
    numpy.testing.assert_array_equal(read(f"{tmp_path}/{target}::/entry/aligned/stack"), IMAGES)
    numpy.testing.assert_array_equal(read(f"{tmp_path}/{way}"), IMAGES)


# Appends to a stack under SWMR, or keeps the file open without; ends or dies.
WRITER = """
import sys, os, h5py
path, how = sys.argv[1:]
file = h5py.File(path, "r+", libver="latest", locking=how != "no lock")
data = file["a"]
if how == "swmr":
    file.swmr_mode = True
data.resize(5, axis=0); data[4] = 1; data.flush()
print("ready", flush=True)
if sys.stdin.readline():
    data.resize(6, axis=0); data[5] = 2; file.close()
else:
    os._exit(9)
"""


@pytest.mark.parametrize("end", ["writer lives", "writer dies"])
@pytest.mark.parametrize(
    ("how", "said"), [("swmr", r"\(SWMR\)"), ("no lock", r"\(without a lock\)")]
)
def test_a_file_that_is_being_written_is_refused_before_the_work(tmp_path, how, said, end):
    """What could be read before can be read after, and what the writer adds as well."""
    path = tmp_path / "a.h5"
    create(path, libver="latest")
    command = [sys.executable, "-c", WRITER, str(path), how]
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        writer.stdout.readline()
        if end == "writer dies":
            writer.stdin.close()
            writer.wait()
        before = path.read_bytes()
        with (
            pytest.raises(OSError, match=f"is being written by another program {said}") as caught,
            hdf5_output_context(f"{path}::/entry/new"),
        ):
            pytest.fail("too late")
        assert "choose another output file" in str(caught.value)
        assert f"`h5clear -s {path}`" in str(caught.value)
        assert path.read_bytes() == before
        assert sorted(item.name for item in tmp_path.iterdir()) == ["a.h5"]
        # HDF5 itself says no, for the same reason.
        with pytest.raises(OSError, match="already open for"):
            h5py.File(path, "r+")
        if end == "writer lives":
            writer.communicate("go on")
            with h5py.File(path) as file:
                numpy.testing.assert_array_equal(file["a"][:4], IMAGES)
                numpy.testing.assert_array_equal(file["a"][4:, 0, 0], [1, 2])


@pytest.mark.parametrize("userblock", [0, 512, 4096])
def test_flags_are_found_behind_a_user_block(tmp_path, userblock):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver="latest", userblock_size=userblock) as file:
        file.create_dataset("a", data=IMAGES, maxshape=(None, 12, 10), chunks=(2, 12, 10))
        wait = pytest.raises(OSError, match="open in this Python process")
        with wait, hdf5_output_context(f"{path}::/entry"):
            pytest.fail("too late")
        file.flush()
        marked = path.read_bytes()
    (tmp_path / "b.h5").write_bytes(marked)
    with (
        pytest.raises(OSError, match="is being written by another program"),
        hdf5_output_context(f"{tmp_path}/b.h5::/entry"),
    ):
        pytest.fail("too late")


@pytest.mark.parametrize("dtype", ["f2", "u1", "i8"])
def test_masked_images_that_are_written_as_they_are_miss_their_masked_pixels(tmp_path, dtype):
    images = numpy.ma.MaskedArray((10 * IMAGES).astype(dtype), IMAGES > 1)
    with hdf5_output_context(f"{tmp_path}/out.h5::/entry") as output:
        output.add_points("a", images)
    written = read(f"{tmp_path}/out.h5::/entry/a")
    numpy.testing.assert_array_equal(numpy.isnan(written), IMAGES > 1)
