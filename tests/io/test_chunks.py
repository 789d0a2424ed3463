"""Every chunk is decompressed once: HDF5 decompresses a chunk as a whole, also for one image."""

import itertools
import math
import os
import sys

import h5py
import numpy
import pytest

from ewoksndreg import _kept
from ewoksndreg.io import _hdf5_files
from ewoksndreg.io.input_stack import input_context

from ..conftest import parametrize_sample
from ..conftest import run_python
from .counting import NUMBER
from .counting import counted_decompressions

IMAGES = numpy.random.default_rng(0).integers(0, 60000, size=(13, 8, 9)).astype(numpy.uint16)
IMAGE_SIZE = 8 * 9 * 2

CHUNKS = [
    (1, 8, 9),
    (1, 3, 4),
    (2, 8, 9),
    (5, 8, 9),
    (5, 4, 4),
    (13, 8, 9),
    (13, 1, 1),
    (16, 3, 9),
]


@pytest.fixture
def decompressed():
    with counted_decompressions() as sizes:
        yield sizes


def number_of_chunks(chunks, shape=IMAGES.shape):
    return math.prod(math.ceil(size / chunk) for size, chunk in zip(shape, chunks, strict=True))


def write(path, chunks, *, name="a", images=IMAGES):
    with h5py.File(path, "a") as file:
        maxshape = (None,) * images.ndim
        options = {"chunks": chunks, "maxshape": maxshape, "compression": NUMBER}
        file.create_dataset(name, data=images, **options)
    return f"{path}::/{name}"


@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize("passes", [1, 2])
def test_every_chunk_is_decompressed_once_per_pass(tmp_path, decompressed, chunks, passes):
    url = write(tmp_path / "a.h5", chunks)
    with input_context([url]) as stacks:
        for _ in range(passes):
            for index, image in enumerate(IMAGES):
                numpy.testing.assert_array_equal(stacks["a"][index], image)
    assert len(decompressed) <= number_of_chunks(chunks) * passes


@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize("way", ["iteration", "backwards", "as one slice", "every third"])
def test_every_way_through_the_stack_is_right_and_decompresses_once(
    tmp_path, decompressed, chunks, way
):
    url = write(tmp_path / "a.h5", chunks)
    with input_context([url]) as stacks:
        stack = stacks["a"]
        if way == "iteration":
            read, expected = list(stack), IMAGES
        elif way == "backwards":
            read, expected = [stack[-n - 1] for n in range(len(stack))], IMAGES[::-1]
        elif way == "as one slice":
            read, expected = list(stack[2:12:3]), IMAGES[2:12:3]
        else:
            read, expected = [stack[n] for n in range(0, 13, 3)], IMAGES[::3]
    numpy.testing.assert_array_equal(read, expected)
    assert len(decompressed) <= number_of_chunks(chunks)


@pytest.mark.parametrize("chunks", CHUNKS)
def test_random_access_is_right(tmp_path, decompressed, chunks):
    url = write(tmp_path / "a.h5", chunks)
    with input_context([url]) as stacks:
        for index in numpy.random.default_rng(1).integers(-13, 13, size=60):
            numpy.testing.assert_array_equal(stacks["a"][int(index)], IMAGES[index])


SLICES = [
    (start, stop, step)
    for start, stop in [("", ""), (2, ""), (11, 3), (3, 11), ("", 4)]
    for step in (-14, -7, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 7, 14)
    if range(13)[slice(start or None, stop or None, step)]
]


@parametrize_sample("chunks, selected", [(2, 8, 9), (5, 4, 4), (16, 3, 9)], SLICES, every=5)
def test_slices_with_steps_on_the_image_axis(tmp_path, decompressed, chunks, selected):
    start, stop, step = selected
    cut = slice(start or None, stop or None, step)
    expected = IMAGES[cut, 1:7, ::-2]
    url = write(tmp_path / "a.h5", chunks)
    with input_context({"a": f"{url}&slice={start}:{stop}:{step},1:7,::-2"}) as stacks:
        numpy.testing.assert_array_equal(list(stacks["a"]), expected)
        middle = len(expected) // 2
        once = len(decompressed)
        numpy.testing.assert_array_equal(stacks["a"][middle], expected[middle])
    touched = {n // chunks[0] for n in range(13)[cut]}
    assert once <= len(touched) * number_of_chunks(chunks) // math.ceil(13 / chunks[0])


@pytest.mark.parametrize(
    ("data_slice", "index"),
    [("1", numpy.s_[1]), (":,2", numpy.s_[:, 2]), ("...,3", numpy.s_[..., 3])],
)
def test_any_axis_may_be_the_one_of_the_images(tmp_path, decompressed, data_slice, index):
    scan = numpy.random.default_rng(2).normal(size=(6, 5, 7, 8))
    url = write(tmp_path / "a.h5", (4, 3, 7, 4), images=scan)
    with input_context({"a": f"{url}&slice={data_slice}"}) as stacks:
        numpy.testing.assert_array_equal(list(stacks["a"]), scan[index])
    # There are 2 x 2 x 1 x 2 chunks, and each of the slices touches half of them.
    assert len(decompressed) == 4


@pytest.mark.parametrize(("fit", "times"), [(13, 1), (7, 2), (5, 3), (2, 7), (1, 13), (0, 13)])
def test_a_chunk_that_is_too_large_is_read_in_parts(
    tmp_path, decompressed, monkeypatch, fit, times
):
    """As many images at a time as fit: 13 images in parts of 5 are 3 parts."""
    monkeypatch.setattr(_kept, "LIMIT", 2 * fit * IMAGE_SIZE + 2)
    monkeypatch.setattr(_hdf5_files, "CACHE", 0)
    url = write(tmp_path / "a.h5", (13, 8, 9))
    with input_context([url]) as stacks:
        numpy.testing.assert_array_equal(list(stacks["a"]), IMAGES)
    assert len(decompressed) == times


def test_the_limit_is_a_quarter_of_a_gigabyte():
    assert _kept.LIMIT == 256 * 1024**2
    assert 200 * _hdf5_files.CACHE <= _kept.LIMIT


READ = """
import resource, sys
from ewoksndreg import _kept
from ewoksndreg.io import open_stacks

_kept.LIMIT = 64 * 2**20

def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024  # MiB

with open_stacks(sys.argv[1:]) as stacks:
    before = memory()
    for n in range(len(next(iter(stacks.values())))):
        for stack in stacks.values():
            stack[n]
    print(memory() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units")
@parametrize_sample("which", ["together", "one", "virtual"], every=3)
def test_memory_is_bounded_by_the_limit(tmp_path, which):
    """160 MiB, the limit is 64: a stack, a virtual one in 20 files, or 4 read alternately."""
    number = {"one": 1, "virtual": 20, "together": 4}[which]
    images = 160 // number  # of 1 MiB, in chunks of eight
    layout = h5py.VirtualLayout((160, 512, 512), "f4")
    for n in range(number):
        with h5py.File(tmp_path / f"{n}.h5", "w") as file:
            ones = numpy.ones((images, 512, 512), "f4")
            file.create_dataset(str(n), data=ones, chunks=(8, 512, 512), compression="lzf")
        part = slice(n * images, (n + 1) * images)
        layout[part] = h5py.VirtualSource(f"{n}.h5", str(n), (images, 512, 512))
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file.create_virtual_dataset("v", layout)
    urls = [f"{tmp_path}/{n}.h5::/{n}" for n in range(number)]
    urls = [f"{tmp_path}/v.h5::/v"] if which == "virtual" else urls
    assert int(run_python("-c", READ, *urls).stdout) < 64 + 30


def test_stacks_that_are_read_by_turns_decompress_once_as_long_as_they_fit(tmp_path, decompressed):
    names = list("abc")
    urls = {name: write(tmp_path / "a.h5", (5, 8, 9), name=name) for name in names}
    with input_context(urls) as stacks:
        for index, image in enumerate(IMAGES):
            for name in names:
                numpy.testing.assert_array_equal(stacks[name][index], image)
    assert len(decompressed) == 3 * 3


def test_an_image_belongs_to_who_asked_for_it(tmp_path, decompressed):
    url = write(tmp_path / "a.h5", (5, 8, 9))
    with input_context([url]) as stacks:
        image = stacks["a"][1]
        image[:] = 0
        numpy.testing.assert_array_equal(stacks["a"][1], IMAGES[1])
        # and does not keep the whole block in memory
        assert image.base is None or image.base.nbytes == image.nbytes


def test_nothing_is_kept_after_the_context(tmp_path, decompressed):
    url = write(tmp_path / "a.h5", (13, 8, 9))
    with input_context([url]) as stacks:
        stack = stacks["a"]
        stack[0]
    with pytest.raises(ValueError, match="closed: read inside `open_stacks`"):
        stack[1]


@pytest.mark.parametrize("selected", [slice(None), slice(1, None), slice(0, 12, 2)])
@pytest.mark.parametrize("order", ["one after the other", "alternating"])
def test_chunks_of_the_sources_of_a_virtual_dataset_are_decompressed_once(
    tmp_path, decompressed, monkeypatch, order, selected
):
    """Three files of 13 images in chunks of 5 that do not begin where the virtual images do."""
    monkeypatch.setattr(_hdf5_files, "CACHE", 0)
    number = len(range(13)[selected])
    layout = h5py.VirtualLayout((3 * number, 8, 9), numpy.uint16)
    expected = numpy.zeros((3 * number, 8, 9), numpy.uint16)
    for n in range(3):
        write(tmp_path / f"{n}.h5", (5, 8, 9), images=IMAGES + n)
        source = h5py.VirtualSource(f"{n}.h5", "a", IMAGES.shape)
        place = slice(number * n, number * (n + 1))
        place = place if order == "one after the other" else slice(n, None, 3)
        layout[place] = source if selected == slice(None) else source[selected]
        expected[place] = (IMAGES + n)[selected]
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file.create_virtual_dataset("v", layout)
    with input_context([f"{tmp_path}/v.h5::/v"]) as stacks:
        numpy.testing.assert_array_equal(list(stacks["v"]), expected)
    assert len(decompressed) == 3 * 3


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc")
def test_virtual_datasets_do_not_keep_many_files_open(tmp_path):
    """If too many are open, HDF5 gives fill values without an error."""
    layout = h5py.VirtualLayout((20, 8, 80), "i4")
    for n, module in itertools.product(range(20), range(10)):
        with h5py.File(tmp_path / f"{n}_{module}.h5", "w") as file:
            file["a"] = numpy.full((1, 8, 8), n, "i4")
        source = h5py.VirtualSource(f"{n}_{module}.h5", "a", (1, 8, 8))
        layout[n : n + 1, :, 8 * module : 8 * module + 8] = source
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file.create_virtual_dataset("v", layout, fillvalue=-1)
    before = len(os.listdir("/proc/self/fd"))
    with input_context([f"{tmp_path}/v.h5::/v"]) as stacks:
        for n, image in enumerate(stacks["v"]):
            assert (image == n).all()
            assert len(os.listdir("/proc/self/fd")) - before < 110


@pytest.mark.skipif(
    h5py.version.hdf5_version_tuple < (1, 14, 4), reason="HDF5 locks the sources, also itself"
)
@pytest.mark.parametrize("where", ["v.h5", "a.h5"])
@pytest.mark.parametrize("maxshape", [None, (None, 8, 9)])
def test_a_virtual_dataset_that_shows_another_one_whole(tmp_path, decompressed, where, maxshape):
    write(tmp_path / "a.h5", (5, 8, 9))
    layout = h5py.VirtualLayout(IMAGES.shape, IMAGES.dtype)
    layout[:] = h5py.VirtualSource("a.h5", "a", IMAGES.shape, maxshape=maxshape)
    with h5py.File(tmp_path / where, "a") as file:
        file.create_virtual_dataset("v", layout)
    with input_context({"v": f"{tmp_path}/{where}::/v"}) as stacks:
        numpy.testing.assert_array_equal(list(stacks["v"]), IMAGES)
    assert len(decompressed) == 3


def test_a_contiguous_dataset_is_read_one_image_at_a_time(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = IMAGES
    sizes = []
    original = h5py.Dataset.__getitem__

    def counting(self, args, **kwargs):
        result = original(self, args, **kwargs)
        sizes.append(result.nbytes)
        return result

    monkeypatch.setattr(h5py.Dataset, "__getitem__", counting)
    with input_context([f"{tmp_path}/a.h5::/a"]) as stacks:
        numpy.testing.assert_array_equal(list(stacks["a"]), IMAGES)
    assert sizes == [IMAGE_SIZE] * 13
