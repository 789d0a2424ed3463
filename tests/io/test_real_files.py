"""Files as they are found: compressed, virtual, linked. Written with h5py, read by the library."""

import os
import pickle
import subprocess
import sys

import h5py
import numpy
import pytest
from silx.io.url import DataUrl

from ewoksndreg.io.input_stack import input_context
from ewoksndreg.io.output_stack import output_context

from ..conftest import parametrize_sample
from ..conftest import run_python

IMAGES = numpy.random.default_rng(0).poisson(20, size=(7, 12, 10)).astype(numpy.uint16)

LAYOUTS = {
    "contiguous": {},
    "one image": {"chunks": (1, 12, 10)},
    "many images": {"chunks": (3, 12, 10)},
    "tiles": {"chunks": (7, 4, 3)},
}
COMPRESSIONS = [
    "none",
    "gzip",
    "lzf",
    "gzip and shuffle",
    "bitshuffle",
    "bitshuffle zstd",
    "blosc2",
]


def options_of(compression):
    if compression in ("none", "gzip", "lzf"):
        return {} if compression == "none" else {"compression": compression}
    if compression == "gzip and shuffle":
        return {"compression": "gzip", "shuffle": True, "fletcher32": True}
    hdf5plugin = pytest.importorskip("hdf5plugin")
    if compression == "blosc2":
        return dict(hdf5plugin.Blosc2(cname="zstd"))
    return dict(hdf5plugin.Bitshuffle(cname="zstd" if "zstd" in compression else "lz4"))


def read(data):
    with input_context(data) as stacks:
        return {name: numpy.stack(list(stack)) for name, stack in stacks.items()}


@pytest.mark.parametrize(
    ("layout", "compression"),
    [
        (layout, compression)
        for layout in LAYOUTS
        for compression in COMPRESSIONS
        if layout != "contiguous" or compression == "none"  # HDF5 compresses chunks only
    ],
)
def test_every_layout_and_compression_is_read(tmp_path, layout, compression):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        options = {**LAYOUTS[layout], **options_of(compression)}
        file.create_dataset("a", data=IMAGES, **options)
    whole = read([f"{tmp_path}/a.h5::/a"])["a"]
    numpy.testing.assert_array_equal(whole, IMAGES)
    assert whole.dtype == numpy.uint16
    part = read([f"{tmp_path}/a.h5::/a&slice=::-2,1:9,2:"])["a"]
    numpy.testing.assert_array_equal(part, IMAGES[::-2, 1:9, 2:])


# Run without and with the package, in a process that imports nothing but the library.
READ = """
import sys, numpy
if sys.argv[2] == "missing":
    sys.modules["hdf5plugin"] = None
if sys.argv[3] == "task":
    from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation
from ewoksndreg.io import input_context
try:
    with input_context({"Ca-K": sys.argv[1]}) as stacks:
        print(sum(int(image.sum()) for image in stacks["Ca-K"]))
except OSError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def compressed(tmp_path):
    """A dataset, and a virtual one in another file that shows it."""
    hdf5plugin = pytest.importorskip("hdf5plugin")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("a", data=IMAGES, chunks=(1, 12, 10), **hdf5plugin.Bitshuffle())
    with h5py.File(tmp_path / "v.h5", "w") as file:
        layout = h5py.VirtualLayout(IMAGES.shape, IMAGES.dtype)
        layout[:] = h5py.VirtualSource("a.h5", "a", IMAGES.shape)
        file.create_virtual_dataset("v", layout)
    return {"itself": f"{tmp_path}/a.h5::/a", "virtual": f"{tmp_path}/v.h5::/v"}


@parametrize_sample("which, entrance", ["itself", "virtual"], ["io", "task"], every=3)
def test_a_fresh_process_reads_bitshuffle_without_further_imports(compressed, which, entrance):
    done = run_python("-W", "error", "-c", READ, compressed[which], "installed", entrance)
    assert done.stdout.strip() == str(int(IMAGES.sum()))


def test_a_worker_reads_bitshuffle_without_further_imports(compressed):
    with input_context({"a": compressed["itself"]}) as stacks:
        data = pickle.dumps(stacks["a"])
    code = "import pickle, sys; print(sum(int(i.sum()) for i in pickle.load(sys.stdin.buffer)))"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], input=data, capture_output=True, check=True
    )
    assert int(done.stdout) == IMAGES.sum()


@pytest.mark.parametrize("which", ["itself", "virtual"])
def test_without_hdf5plugin_one_sentence_says_what_to_install(compressed, which):
    done = run_python("-W", "error", "-c", READ, compressed[which], "missing", "io")
    message = done.stdout.strip()
    assert message.startswith(f"OSError Stack 'Ca-K' ({compressed[which]}): ")
    assert message.endswith(
        "the dataset is compressed with bitshuffle (HDF5 filter 32008), which is not installed:"
        " `pip install hdf5plugin`"
    )
    assert ("a.h5', which cannot be read: the dataset" in message) == (which == "virtual")
    assert "\n" not in message


def sources(folder):
    """Two files of two images and one of three, each in a folder of its own."""
    parts = numpy.split(IMAGES, [2, 4])
    for n, part in enumerate(parts):
        os.makedirs(folder / f"scan {n}")
        with h5py.File(folder / f"scan {n}" / "détecteur#1.h5", "w") as file:
            file["entry/data"] = part
    return parts


@pytest.fixture
def virtual(tmp_path):
    parts = sources(tmp_path)
    layout = h5py.VirtualLayout(IMAGES.shape, IMAGES.dtype)
    start = 0
    for n, part in enumerate(parts):
        path = f"scan {n}/détecteur#1.h5"
        source = h5py.VirtualSource(path, "entry/data", part.shape)
        layout[start : start + len(part)] = source
        start += len(part)
    with h5py.File(tmp_path / "master.h5", "w") as file:
        file.create_virtual_dataset("entry/all", layout, fillvalue=7)
        inside = h5py.VirtualLayout((3, 12, 10), IMAGES.dtype)
        inside[:] = h5py.VirtualSource(".", "entry/all", IMAGES.shape)[1::2]
        file.create_virtual_dataset("entry/odd", inside)
    return tmp_path / "master.h5"


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize(
    ("url", "index"),
    [
        ("/entry/all", numpy.s_[:]),
        ("/entry/all&slice=5:0:-2,:,1:3", numpy.s_[5:0:-2, :, 1:3]),
        ("/entry/odd", numpy.s_[1::2]),
        ("/entry/odd&slice=1:", numpy.s_[3::2]),
    ],
)
def test_virtual_datasets_across_files_with_relative_paths(
    virtual, tmp_path, monkeypatch, url, index, elsewhere
):
    os.makedirs(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path / "elsewhere" if elsewhere else tmp_path)
    path = virtual if elsewhere else "master.h5"
    numpy.testing.assert_array_equal(read({"a": f"{path}::{url}"})["a"], IMAGES[index])


def test_a_source_that_is_missing_shows_as_fill_value(virtual, tmp_path):
    os.remove(tmp_path / "scan 1" / "détecteur#1.h5")
    images = read({"a": f"{virtual}::/entry/all"})["a"]
    numpy.testing.assert_array_equal(images[:2], IMAGES[:2])
    numpy.testing.assert_array_equal(images[2:4], 7)
    for path in tmp_path.glob("scan */*.h5"):
        os.remove(path)
    with pytest.raises(OSError, match=r"^Stack 'a' .* in 3 files, of which none exists, such as "):
        read({"a": f"{virtual}::/entry/all"})


@pytest.fixture
def linked(tmp_path):
    sources(tmp_path)
    with h5py.File(tmp_path / "links.h5", "w") as file:
        file["data/real"] = IMAGES
        file["soft"] = h5py.SoftLink("/data/real")
        file["soft group"] = h5py.SoftLink("data")
        file["soft twice"] = h5py.SoftLink("/soft group/real")
        file["external"] = h5py.ExternalLink("scan 2/détecteur#1.h5", "/entry/data")
        file["external group"] = h5py.ExternalLink("scan 2/détecteur#1.h5", "/entry")
        file["nowhere"] = h5py.SoftLink("/data/gone")
        file["no file"] = h5py.ExternalLink("gone.h5", "/entry/data")
        file["no dataset"] = h5py.ExternalLink("scan 2/détecteur#1.h5", "/gone")
    return tmp_path / "links.h5"


@pytest.mark.parametrize(
    ("path", "index"),
    [
        ("/soft", numpy.s_[:]),
        ("/soft group/real", numpy.s_[:]),
        ("/soft twice", numpy.s_[:]),
        ("/soft twice&slice=2:4,::2", numpy.s_[2:4, ::2]),
        ("/external", numpy.s_[4:]),
        ("/external&slice=::-1", numpy.s_[:3:-1]),
        ("/external group/data", numpy.s_[4:]),
    ],
)
def test_soft_and_external_links(linked, path, index):
    numpy.testing.assert_array_equal(read({"a": f"{linked}::{path}"})["a"], IMAGES[index])


@pytest.mark.parametrize("name", ["nowhere", "no file", "no dataset"])
def test_a_link_to_nothing_is_told_from_a_misspelled_name(linked, name):
    with pytest.raises(ValueError, match=f"'/{name}' in '.*links.h5' is a link to") as caught:
        read({"a": f"{linked}::/{name}"})
    assert "\n" not in str(caught.value)
    assert "gone" in str(caught.value)


@pytest.mark.parametrize("form", [str, DataUrl])
def test_a_relative_path_holds_after_the_folder_was_changed(tmp_path, monkeypatch, form):
    os.makedirs(tmp_path / "x")
    with h5py.File(tmp_path / "x" / "a.h5", "w") as file:
        file["a"] = IMAGES
    monkeypatch.chdir(tmp_path / "x")
    with input_context({"a": form("./a.h5::/a"), "b": form("../x/a.h5::/a")}) as stacks:
        monkeypatch.chdir("/")
        for stack in stacks.values():
            numpy.testing.assert_array_equal(list(stack), IMAGES)


def test_a_relative_output_path_holds_after_the_folder_was_changed(tmp_path, monkeypatch):
    os.makedirs(tmp_path / "x")
    monkeypatch.chdir(tmp_path)
    with output_context("x/b.h5::/entry") as output:
        monkeypatch.chdir("/")
        output.add_points("a", IMAGES)
    numpy.testing.assert_array_equal(read([f"{tmp_path}/x/b.h5::/entry/a"])["a"], IMAGES)
