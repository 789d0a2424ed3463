"""Stacks as other packages have them, read once and told in one sentence when they cannot be."""

import json
import os
import pickle
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy
import pytest

from ewoksndreg import align_stacks
from ewoksndreg import as_transformations
from ewoksndreg import evaluate_stacks
from ewoksndreg.io import open_stacks
from ewoksndreg.io import output_context

from .counting import NUMBER
from .counting import counted_decompressions

IMAGES = numpy.random.default_rng(0).poisson(9, size=(7, 12, 10)).astype(numpy.float32)


def read(data):
    with open_stacks(data) as stacks:
        return {name: numpy.stack(list(stack)) for name, stack in stacks.items()}


# Several datasets and files


@pytest.fixture
def scans(tmp_path, monkeypatch):
    """One map per scan, a dataset of several maps, and image files."""
    import fabio.edfimage

    monkeypatch.chdir(tmp_path)
    with h5py.File("scans.h5", "w") as file:
        for n, image in enumerate(IMAGES):
            file[f"{n + 1}.1/plotselect/Ca"] = image
        file["first three"] = IMAGES[:3]
        file["channels"] = numpy.stack([IMAGES, IMAGES + 1], axis=1)
    for n, image in enumerate(IMAGES):
        fabio.edfimage.EdfImage(data=image).write(f"image {n}.edf")
        numpy.save(f"image {n}.npy", image)
    return tmp_path


URLS = [f"scans.h5::/{n + 1}.1/plotselect/Ca" for n in range(7)]
LISTS = {
    "URLs": URLS,
    "tuple": tuple(URLS),
    "array of strings": numpy.array(URLS),
    "array of objects": numpy.array(URLS, dtype=object),
    "paths": [Path(url) for url in URLS],
    "images and stacks": ["scans.h5::/first three", *URLS[3:]],
    "slices": [f"scans.h5::/channels&slice={n},0" for n in range(7)],
    "files": [f"image {n}.edf" for n in range(7)],
    "paths of files": [Path(f"image {n}.npy") for n in range(7)],
    "files and URLs": ["image 0.edf", Path("image 1.npy"), *URLS[2:]],
}


@pytest.mark.parametrize("form", LISTS)
def test_a_stack_may_be_a_list_of_images(scans, form):
    """F16."""
    with open_stacks({"Ca": LISTS[form]}) as stacks:
        stack = stacks["Ca"]
        assert stack.shape == IMAGES.shape
        numpy.testing.assert_array_equal(list(stack), IMAGES)
        numpy.testing.assert_array_equal(list(stack[5:1:-2]), IMAGES[5:1:-2])
        os.chdir("/")
        again = pickle.loads(pickle.dumps(stack[2:4]))  # noqa: S301
        numpy.testing.assert_array_equal(list(again), IMAGES[2:4])


def test_an_image_file_may_be_a_stack(scans, monkeypatch):
    numpy.testing.assert_array_equal(read({"a": "image 3.edf"})["a"], IMAGES[3:4])
    monkeypatch.setenv("HOME", str(scans))
    monkeypatch.setenv("USERPROFILE", str(scans))
    numpy.testing.assert_array_equal(read({"a": "~/image 3.edf"})["a"], IMAGES[3:4])
    with pytest.raises(ValueError, match=r"^'image 3.edf' is not an HDF5 file; .* a dictionary"):
        read(["image 3.edf"])


@pytest.mark.parametrize("form", ["files", "images and stacks", "one file"])
def test_an_aligned_file_names_all_files_of_its_images(scans, form):
    given = {**LISTS, "one file": "image 3.edf"}[form]
    shifts = [(0, 0)] * (1 if form == "one file" else 7)
    align_stacks({"Ca": given}, shifts, "aligned.h5::/maps", max_workers=0)
    with h5py.File("aligned.h5") as file:
        inputs = json.loads(file["maps_alignment/inputs/data"][()])
    expected = [str(scans / each) if "::" not in each else each for each in numpy.atleast_1d(given)]
    assert inputs["image_stacks"] == {"Ca": expected[0] if form == "one file" else expected}


def test_a_group_whose_links_lead_nowhere_says_why(tmp_path):
    """F13: also behind a link."""
    with h5py.File(tmp_path / "master.h5", "w") as file:
        file["maps/Ca"] = h5py.ExternalLink("scan.h5", "/entry")
        file["loops/Ca"] = h5py.SoftLink("Ca")
    (tmp_path / "scan.h5").write_bytes(b"no HDF5")
    message = "is a link to 'scan.h5::/entry', where nothing can be read"
    with pytest.raises(ValueError, match=message):
        read(f"{tmp_path}/master.h5::/maps")
    with pytest.raises(ValueError, match="is a link to 'Ca', where nothing can be read"):
        read(f"{tmp_path}/master.h5::/loops")
    with pytest.raises(ValueError, match=r"^Stack .Ca. .* is a link to .Ca., where"):
        read({"Ca": f"{tmp_path}/master.h5::/loops/Ca"})


def test_thousands_of_images_need_no_thousands_of_open_files(scans):
    resource = pytest.importorskip("resource")
    urls = []
    for n in range(120):
        with h5py.File(f"{n}.h5", "w") as file:
            file["a"] = IMAGES[n % 7]
        urls.append(f"{n}.h5::/a")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 300, hard))
    try:
        images = read({"a": urls * 3})["a"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    numpy.testing.assert_array_equal(images[::120], IMAGES[[0, 0, 0]])


@pytest.mark.parametrize(
    ("stack", "kind", "message"),
    [
        ([*URLS[:2], "scans.h5::/9.1/plotselect/Ca"], ValueError, "item 2 .*/9.1/.*: There is no"),
        (
            [URLS[0], "scans.h5::/channels&slice=0,:,:5"],
            ValueError,
            r"item 1 has .*\(5, 10\), item",
        ),
        ([URLS[0], "gone.edf"], ValueError, "item 1: The URL 'gone.edf' does not say where"),
        ([URLS[0], IMAGES[0]], TypeError, "item 1: expected the URL of an image, .* not ndarray"),
        ([URLS[0], "scans.h5::/channels"], ValueError, "item 1 .* this has the shape"),
        (["garbage.tif"], OSError, "item 0: cannot read '.*garbage.tif'"),
        ("garbage.tif", OSError, "cannot read '.*garbage.tif'"),
    ],
)
def test_what_is_no_image_of_a_list_is_named(scans, stack, kind, message):
    Path("garbage.tif").write_text("no image")
    with pytest.raises(kind, match=f"^Stack 'Ca': {message}") as caught:
        read({"Ca": stack})
    assert "\n" not in str(caught.value)


# Arrays of other packages


class Lazy:
    """An array that is read when it is indexed."""

    def __init__(self, images, **attributes):
        self.images, self.reads = images, []
        self.shape, self.dtype = images.shape, images.dtype
        self.__dict__.update(attributes)

    def __getitem__(self, index):
        self.reads.append(index)
        return self.images[index]


class Foreign:
    """What has no numpy in it but an interface."""

    def __init__(self, images, *interfaces):
        for name in interfaces:
            setattr(self, name, getattr(images, name))

    shape = property(lambda self: "no tuple")
    dtype = "float32 of another package"


def foreign(name):
    return type(
        "Tensor", (Foreign,), {name: lambda self, *_, **__: getattr(IMAGES, name)(*_, **__)}
    )(IMAGES)


ARRAYS = {
    "no len()": lambda: Lazy(IMAGES),
    "__array_interface__": lambda: Foreign(IMAGES, "__array_interface__"),
    "__array__": lambda: foreign("__array__"),
    "memoryview": lambda: memoryview(IMAGES),
    "array of arrays": lambda: pytest.importorskip("pandas").Series(list(IMAGES)),
    "pages": lambda: [type("Page", (), {"asarray": image.copy})() for image in IMAGES],
    "zarr": lambda: pytest.importorskip("zarr").array(IMAGES, chunks=(3, 5, 10)),
    "xarray": lambda: pytest.importorskip("xarray").DataArray(IMAGES),
    "Dask": lambda: pytest.importorskip("dask.array").from_array(IMAGES, chunks=(3, 5, 10)),
    "Dask in xarray": lambda: pytest.importorskip("xarray").DataArray(ARRAYS["Dask"]()),
}


@pytest.mark.parametrize("form", ARRAYS)
def test_arrays_of_other_packages(form):
    numpy.testing.assert_array_equal(read({"a": ARRAYS[form]()})["a"], IMAGES)


def test_dlpack_alone_will_do():
    class Tensor:
        def __dlpack__(self, **options):
            return IMAGES.__dlpack__(**options)

        def __dlpack_device__(self):
            return IMAGES.__dlpack_device__()

    numpy.testing.assert_array_equal(read({"a": Tensor()})["a"], IMAGES)


@pytest.mark.parametrize(
    "chunks",
    [
        {"chunks": (3, 12, 10)},
        {"chunks": ((3, 3, 1), (12,), (10,))},
        {"encoding": {"chunks": (3,)}},
    ],
)
def test_images_of_one_chunk_are_read_together(chunks):
    """F20: seven images in three chunks are three reads, by rows, backwards and by threads."""
    lazy = Lazy(IMAGES, **chunks)
    with open_stacks({"a": lazy}) as stacks:
        numpy.testing.assert_array_equal(list(stacks["a"]), IMAGES)
        assert len(lazy.reads) == 3
        numpy.testing.assert_array_equal(list(stacks["a"][::-1]), IMAGES[::-1])
        assert len(lazy.reads) == 4  # the last image is alone
        stacks["a"][1][:] = 0
        numpy.testing.assert_array_equal(stacks["a"][1], IMAGES[1])


def test_ranking_computes_each_chunk_once():
    """Also that of the reference image."""
    stacks = {name: Lazy(IMAGES, chunks=(7, 12, 10)) for name in "ab"}
    still = numpy.zeros((7, 2))
    registrations = {"a": still, "b": still + numpy.arange(7)[:, None] / 9}
    with pytest.warns(RuntimeWarning, match="No registration is better than none"):
        evaluate_stacks(stacks, registrations, reference_image=0, trust=False)
    assert [len(lazy.reads) for lazy in stacks.values()] == [1, 1]


def test_blocks_are_forgotten_with_their_stack():
    from ewoksndreg._kept import kept

    before = len(kept._values)
    with open_stacks({"a": Lazy(IMAGES, chunks=(7, 12, 10))}) as stacks:
        stacks["a"][0]
        assert len(kept._values) == before + 1
    del stacks
    assert len(kept._values) == before


def test_a_dask_array_of_unknown_length_is_told():
    array = pytest.importorskip("dask.array").from_array(IMAGES, chunks=(2, 12, 10))
    with pytest.raises(ValueError, match=r"^Stack 'a': the number of images .*compute_chunk_sizes"):
        read({"a": array[array[:, 0, 0] > 7]})


def test_what_is_read_may_be_of_a_larger_type_than_was_announced():
    """As the scaled integers of netCDF."""
    lazy = Lazy(IMAGES / 7)
    lazy.dtype = numpy.dtype(numpy.int16)
    numpy.testing.assert_array_equal(read({"a": lazy})["a"], IMAGES / 7)


ERRORS = [
    KeyError("x"),
    IndexError("gone"),
    StopIteration(),
    RuntimeError("two\nlines"),
    MemoryError(),
    ZeroDivisionError("0"),
    AssertionError(),
    OSError(5, "Input/output error"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("chunks", [(1, 12, 10), (7, 12, 10)])
def test_lazy_arrays_may_raise_anything(error, chunks):
    """One sentence with stack and image, in the ranking too; and iteration does not end early."""

    class Broken(Lazy):
        def __getitem__(self, index):
            if isinstance(index, slice) or index == 2:
                raise error
            return super().__getitem__(index)

    broken = Broken(IMAGES, chunks=chunks)
    with pytest.raises((OSError, RuntimeError)), open_stacks({"a": broken}) as stacks:
        list(stacks["a"])
    shifts = {"a": numpy.zeros((7, 2)), "b": numpy.ones((7, 2))}
    with pytest.raises(OSError, match=r"^Stack 'a', image \d: ") as caught:
        evaluate_stacks({"a": broken, "b": IMAGES}, shifts)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["shape", "dtype", "__getitem__"])
def test_so_may_looking_at_them(name):
    def fail(*_):
        raise RuntimeError("the server is gone")

    broken = type("Broken", (Lazy,), {name: property(fail)})
    lazy = broken.__new__(broken)
    lazy.__dict__.update(shape=IMAGES.shape, dtype=IMAGES.dtype, images=IMAGES, reads=[])
    with pytest.raises((OSError, TypeError), match=r"^Stack 'a'"):
        read({"a": lazy})


# Datasets of h5py


def test_a_dataset_of_a_closed_file_is_told(tmp_path):
    """F24."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"], file["b"] = IMAGES, IMAGES
        file["empty"] = h5py.Empty("f4")
        data = {name: file[name] for name in "ab"}
        view = file["a"].astype("f4")
        images = [file["a"]]
        with open_stacks(data) as open_before:
            with pytest.raises(ValueError, match=r"^Stack 'x': there are no images: .* is empty"):
                read({"x": file["empty"]})
            file.close()
            with pytest.raises(
                ValueError, match="file of the h5py dataset is closed: give its URL"
            ):
                open_before["a"][1]
    closed = r"file of (the|an) h5py dataset is closed: give its URL"
    for given in (data, list(data.values()), {"a": images}, {"a": view}):
        with pytest.raises(ValueError, match=closed):
            read(given)
    with pytest.raises(ValueError, match=closed):
        as_transformations(data["a"])
    with pytest.raises(TypeError, match=r"^Stack 'x': expected arrays or a URL, not Empty"):
        read({"x": h5py.Empty("f4")})


@pytest.fixture
def decompressed():
    with counted_decompressions() as sizes:
        yield sizes


@pytest.mark.parametrize("virtual", [False, True])
def test_datasets_of_h5py_decompress_each_chunk_once(tmp_path, decompressed, virtual):
    with h5py.File(tmp_path / "a.h5", "w", rdcc_nbytes=0) as file:
        file.create_dataset("a", data=IMAGES, chunks=(3, 5, 10), compression=NUMBER)
        layout = h5py.VirtualLayout(IMAGES.shape, IMAGES.dtype)
        layout[:] = h5py.VirtualSource(file["a"])
        file.create_virtual_dataset("v", layout)
    with h5py.File(tmp_path / "a.h5", rdcc_nbytes=0) as file:
        numpy.testing.assert_array_equal(read({"a": file["v" if virtual else "a"]})["a"], IMAGES)
    assert len(decompressed) == 9


def test_a_dataset_that_a_notebook_has_open_decompresses_once(tmp_path, decompressed):
    """HDF5 keeps the cache settings of the first one that opened it."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("a", data=IMAGES, chunks=(7, 12, 10), compression=NUMBER)
    with h5py.File(tmp_path / "a.h5", rdcc_nbytes=0) as file:
        dataset = file["a"]
        numpy.testing.assert_array_equal(read({"a": f"{tmp_path}/a.h5::/a"})["a"], IMAGES)
        assert dataset
    assert len(decompressed) == 1


@pytest.mark.parametrize("parts", ["one", "unlimited", "printf", "printf, two datasets"])
def test_virtual_datasets_of_every_kind(tmp_path, decompressed, parts):
    """F10: what h5py reads, with each chunk decompressed once."""
    unlimited = h5py.h5s.UNLIMITED
    with h5py.File(tmp_path / "v.h5", "w", libver="latest") as file:
        if parts == "printf, two datasets":
            space = h5py.h5s.create_simple((6, 12, 10), (unlimited, 12, 10))
            space.select_hyperslab((0, 0, 0), (unlimited, 1, 1), (2, 1, 1), (2, 12, 10))
            plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            source = h5py.h5s.create_simple((2, 12, 10))
            plist.set_virtual(space, b"%b.h5", b"/a", source)
            space = h5py.h5s.create_simple((6, 12, 10), (unlimited, 12, 10))
            h5py.h5d.create(file.id, b"v", h5py.h5t.IEEE_F32LE, space, plist)
        else:
            layout = h5py.VirtualLayout((6, 12, 10), "f4", maxshape=(None, 12, 10))
            source = h5py.VirtualSource("0.h5", "a", (6, 12, 10), maxshape=(None, 12, 10))
            whole = slice(None) if parts == "one" else slice(0, unlimited)
            layout[whole] = source[whole]
            file.create_virtual_dataset("v", layout)
    numbers = range(3) if "printf, two" in parts else [0]
    for n in numbers:
        with h5py.File(tmp_path / f"{n}.h5", "w", libver="latest") as file:
            images = IMAGES[2 * n : 2 * n + 2] if "printf, two" in parts else IMAGES[:6]
            options = {"chunks": (2, 12, 10), "maxshape": (None, 12, 10), "compression": NUMBER}
            file.create_dataset("a", data=images, **options)
    with h5py.File(tmp_path / "v.h5") as file:
        expected = file["v"][()]
    assert expected.shape == (6, 12, 10)
    decompressed.clear()
    numpy.testing.assert_array_equal(read({"v": f"{tmp_path}/v.h5::/v"})["v"], IMAGES[:6])
    assert len(decompressed) == 3
    last = tmp_path / f"{numbers[-1]}.h5"
    last.write_bytes(last.read_bytes()[:-2000])
    with pytest.raises(OSError, match=rf"^Stack 'v' .* contains data of '{last}', .* is truncated"):
        read({"v": f"{tmp_path}/v.h5::/v"})


def test_a_virtual_dataset_of_many_files_needs_no_file_for_each(tmp_path):
    resource = pytest.importorskip("resource")
    layout = h5py.VirtualLayout((400, 12, 10), "f4")
    for n in range(400):
        with h5py.File(tmp_path / f"{n}.h5", "w") as file:
            file["a"] = IMAGES[n % 7]
        layout[n] = h5py.VirtualSource(f"{n}.h5", "a", (12, 10))
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file.create_virtual_dataset("v", layout)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 250, hard))
    try:
        images = read({"v": f"{tmp_path}/v.h5::/v"})["v"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    numpy.testing.assert_array_equal(images, IMAGES[numpy.arange(400) % 7])


@pytest.mark.parametrize("shape", [(3, 12, 10), (12, 10)])
def test_a_virtual_dataset_without_sources_has_fill_values(tmp_path, shape):
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file.create_virtual_dataset("v", h5py.VirtualLayout(shape, "f4"), fillvalue=7)
    url = f"{tmp_path}/v.h5::/v"
    images = read({"v": [url] * 3 if len(shape) == 2 else url})["v"]
    numpy.testing.assert_array_equal(images, numpy.full((3, 12, 10), 7))


# Files that are damaged or closed


def test_a_truncated_file_is_told(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = IMAGES
    data = (tmp_path / "a.h5").read_bytes()
    (tmp_path / "a.h5").write_bytes(data[: len(data) // 2])
    with pytest.raises(OSError, match=r"^Stack 'a' \(.*a.h5::/a\): cannot read .* is truncated"):
        read({"a": f"{tmp_path}/a.h5::/a"})


def test_a_chunk_that_is_damaged_is_told_with_its_image(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("a", data=IMAGES, chunks=(1, 12, 10), fletcher32=True)
        place = data.id.get_chunk_info(4).byte_offset
    with open(tmp_path / "a.h5", "r+b") as raw:
        raw.seek(place)
        raw.write(b"damaged")
    url = f"{tmp_path}/a.h5::/a"
    shifts = {"a": numpy.zeros((7, 2)), "b": numpy.ones((7, 2))}
    with pytest.raises(OSError, match=r"^Stack 'a', image 4: .*: image 4 cannot be read") as caught:
        evaluate_stacks({"a": url, "b": IMAGES}, shifts)
    assert "\n" not in str(caught.value)
    del caught
    h5py.File(tmp_path / "a.h5", "w").close()  # nobody has it open


def test_raw_files_are_named_with_their_place(tmp_path, monkeypatch):
    IMAGES.tofile(tmp_path / "frames.raw")
    monkeypatch.chdir(tmp_path)
    with h5py.File("a.h5", "w") as file:
        file.create_dataset("a", IMAGES.shape, "f4", external=[("frames.raw", 0, IMAGES.nbytes)])
    url = f"{tmp_path}/a.h5::/a"
    numpy.testing.assert_array_equal(read({"a": url})["a"], IMAGES)
    with open("frames.raw", "r+b") as raw:
        raw.truncate(1000)
    with pytest.raises(OSError, match=rf"raw file '{tmp_path}/frames.raw', which is truncated"):
        read({"a": url})
    os.remove("frames.raw")
    with pytest.raises(OSError, match=rf"raw file '{tmp_path}/frames.raw', which does not exist"):
        read({"a": url})


def test_handles_that_are_closed_under_us_are_opened_again(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = IMAGES
    with open_stacks({"a": f"{tmp_path}/a.h5::/a"}) as stacks:
        stacks["a"][0]
        for kind in (h5py.h5f.OBJ_DATASET, h5py.h5f.OBJ_FILE):
            for each in h5py.h5f.get_obj_ids(h5py.h5f.OBJ_ALL, kind):
                h5py.h5i.dec_ref(each)
        numpy.testing.assert_array_equal(list(stacks["a"]), IMAGES)


def test_a_file_that_is_removed_while_it_is_read_is_told_with_the_image(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = IMAGES
    with open_stacks({"a": f"{tmp_path}/a.h5::/a"}) as stacks:
        os.remove(tmp_path / "a.h5")
        with pytest.raises(FileNotFoundError, match=r"::/a: image 2 cannot be read: there is no"):
            stacks["a"][2]


# Groups


def test_a_group_stands_for_its_stacks_and_the_log_names_what_is_left_out(tmp_path, caplog):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file.create_group("aligned")
        group["Ca"], group["energy"] = IMAGES, numpy.arange(7)
        group["deeper/Fe"] = IMAGES
        group["x"] = numpy.arange(3)
        group.attrs["axes"] = [".", ".", "x"]
        group.create_group("evaluation").attrs["NX_class"] = "NXprocess"
        group["evaluation/images"] = IMAGES
        file["elsewhere"] = IMAGES + 1
        group["link"] = h5py.SoftLink("/elsewhere")
        group["nowhere"] = h5py.SoftLink("/gone")
        for given in (f"{tmp_path}/a.h5::/aligned", [Path(f"{tmp_path}/a.h5::/aligned")], group):
            caplog.clear()
            images = read(given)
            assert list(images) == ["Ca", "link"]
            numpy.testing.assert_array_equal(images["link"], IMAGES + 1)
            assert caplog.messages == [
                f"{tmp_path}/a.h5::/aligned: ignored, not a stack: 'deeper', 'energy', 'nowhere'"
            ]


def test_uncertainties_in_a_group_are_no_stacks(tmp_path):
    """NeXus: those of `Ca` are called `Ca_errors`."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name in ("Ca", "Ca_errors", "reading_errors"):
            file[f"maps/{name}"] = IMAGES
    assert list(read(f"{tmp_path}/a.h5::/maps")) == ["Ca", "reading_errors"]


def test_a_dataset_in_a_group_that_numpy_has_no_type_for_is_named(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        odd = h5py.h5t.STD_I32LE.copy()
        odd.set_size(3)
        space = h5py.h5s.create_simple((2, 3, 4))
        h5py.h5d.create(file.create_group("maps").id, b"counts", odd, space)
    with pytest.raises(TypeError, match=r"a\.h5::/maps: dataset '/maps/counts': data type"):
        read(f"{tmp_path}/a.h5::/maps")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("MAPS/Ca", "There is no group in '{}::/' called 'MAPS': did you mean 'maps'?"),
        ("maps/CA", "There is no dataset in '{}::/maps' called 'CA': did you mean 'Ca'?"),
    ],
)
def test_a_name_that_differs_only_in_case_is_suggested(tmp_path, path, message):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["maps/Ca"] = IMAGES
    with pytest.raises(ValueError, match=re.escape(message.format(f"{tmp_path}/a.h5"))):
        read({"Ca": f"{tmp_path}/a.h5::/{path}"})


def test_an_image_that_does_not_exist_is_named():
    with open_stacks({"Ca": IMAGES}) as stacks:
        numpy.testing.assert_array_equal(stacks["Ca"][-7], IMAGES[0])
        with pytest.raises(IndexError, match="there is no image 7: the stack has 7 images"):
            stacks["Ca"][7]


# Names and URLs


def test_the_home_directory_may_be_in_a_url(tmp_path, monkeypatch):
    """F19."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with output_context("~/a.h5::/entry") as output:
        output.add_points("a", IMAGES)
    assert os.path.exists(tmp_path / "a.h5")
    numpy.testing.assert_array_equal(read({"a": Path("~/a.h5::/entry/a")})["a"], IMAGES)


def test_names_of_numpy_are_names():
    """F32."""
    with pytest.raises(ValueError, match=r"^Stack 'Fe': there are no images"):
        read({numpy.str_("Fe"): []})


def test_threads_share_an_open_stack(tmp_path, decompressed):
    from concurrent.futures import ThreadPoolExecutor

    with h5py.File(tmp_path / "a.h5", "w") as file:
        images = numpy.repeat(IMAGES, 9, axis=0)
        file.create_dataset("a", data=images, chunks=(9, 5, 10), compression=NUMBER)
    with open_stacks({"a": f"{tmp_path}/a.h5::/a"}) as stacks, ThreadPoolExecutor(2) as pool:
        parts = pool.map(lambda k: list(stacks["a"][k : k + 9]), range(0, 63, 9))
        numpy.testing.assert_array_equal(numpy.concatenate(list(parts)), images)
    # The second thread that comes makes the cache larger, which begins anew.
    assert len(decompressed) <= (7 + 2) * 3


OTHER_PROCESS = """
import pickle, sys
stack = pickle.loads(sys.stdin.buffer.read())
with stack:
    print(float(sum(image.sum() for image in stack)))
"""


def test_another_process_opens_the_file_by_its_url(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with h5py.File("a.h5", "w") as file:
        file["a"] = IMAGES
    with open_stacks({"a": "a.h5::/a"}) as stacks:
        stacks["a"][0]
        data = pickle.dumps(stacks["a"][2:5])
    assert len(data) < 2000
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", OTHER_PROCESS], input=data, capture_output=True, check=True, cwd="/"
    )
    assert float(done.stdout) == IMAGES[2:5].sum()


def test_two_threads_never_read_one_sequence_at_the_same_time():
    """A window shows images of a sequence while a task reads it; each has opened it."""

    class Images(Sequence):
        readers = most = 0

        def __len__(self):
            return 3

        def __getitem__(self, index):
            self.readers += 1
            self.most = max(self.most, self.readers)
            time.sleep(0.01)
            self.readers -= 1
            return numpy.zeros((4, 5))

    images = Images()

    with ThreadPoolExecutor(4) as executor:
        for found in executor.map(read, [{"Ca-K": images}] * 4):
            assert found["Ca-K"].shape == (3, 4, 5)
    assert images.most == 1
