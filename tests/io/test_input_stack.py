import os

import h5py
import numpy
import pytest
from silx.io.url import DataUrl

from ewoksndreg._stacks import Stack
from ewoksndreg.io.input_stack import InputStacks
from ewoksndreg.io.input_stack import input_context

IMAGES = numpy.arange(4 * 5 * 6, dtype=numpy.uint16).reshape(4, 5, 6)


@pytest.fixture
def h5_path(tmp_path):
    path = str(tmp_path / "maps.h5")
    with h5py.File(path, "w") as file:
        file["/entry/maps/Ca-K"] = IMAGES
        file["/entry/maps/Fe K"] = IMAGES.astype(numpy.float32) / 7
        file["/entry/scan"] = numpy.stack([IMAGES, IMAGES + 1000])
        file["/entry/rgb"] = numpy.zeros((5, 6))
        file["/entry/text"] = numpy.zeros((1, 2, 3), dtype="S3")
    return path


def _forms(path):
    url = f"{path}::/entry/maps/Ca-K"
    return {
        "3D array": {"Ca-K": IMAGES},
        "list of 2D arrays": {"Ca-K": list(IMAGES)},
        "tuple of 2D arrays": {"Ca-K": tuple(IMAGES)},
        "nested lists": {"Ca-K": IMAGES.tolist()},
        "list of text URLs": [url],
        "list of DataUrls": [DataUrl(url)],
        "dict of text URLs": {"Ca-K": url},
        "dict of DataUrls": {"Ca-K": DataUrl(url)},
        "text URL": url,
        "DataUrl": DataUrl(url),
    }


@pytest.mark.parametrize("form", _forms(""))
def test_every_form_gives_the_same_lazy_stack(form, h5_path):
    with input_context(_forms(h5_path)[form]) as stacks:
        assert isinstance(stacks, InputStacks)
        assert list(stacks) == ["Ca-K"]
        assert len(stacks) == 1
        stack = stacks["Ca-K"]
        assert len(stack) == 4
        assert stack.shape == (4, 5, 6)
        assert stack.dtype == (numpy.int64 if form == "nested lists" else numpy.uint16)
        assert stack[2].shape == (5, 6)
        assert stack[2].dtype == stack.dtype
        numpy.testing.assert_array_equal(stack[2], IMAGES[2])
        numpy.testing.assert_array_equal(stack[-1], IMAGES[3])
        numpy.testing.assert_array_equal(stack[1:3], IMAGES[1:3])
        numpy.testing.assert_array_equal(list(stack), IMAGES)
        with pytest.raises(IndexError):
            stack[4]


def test_a_dictionary_may_mix_forms_and_keeps_their_order(h5_path):
    data = {
        "z": f"{h5_path}::/entry/maps/Ca-K",
        "array": IMAGES,
        "registrations": IMAGES.tolist(),
        "b/c": DataUrl(f"{h5_path}::/entry/maps/Fe K"),
    }
    with input_context(data) as stacks:
        assert list(stacks) == ["z", "array", "registrations", "b/c"]
        for name in ("z", "array", "registrations"):
            numpy.testing.assert_array_equal(list(stacks[name]), IMAGES)
        numpy.testing.assert_allclose(list(stacks["b/c"]), IMAGES / 7, rtol=1e-6)


def test_input_stacks_pass_through_and_stay_open(h5_path):
    with input_context([f"{h5_path}::/entry/maps/Ca-K"]) as stacks:
        with input_context(stacks) as same:
            assert same is stacks
        numpy.testing.assert_array_equal(stacks["Ca-K"][0], IMAGES[0])


def test_a_url_list_names_stacks_relative_to_their_common_group(h5_path):
    urls = [f"{h5_path}::/entry/maps/Fe K", f"{h5_path}::/entry/scan&slice=0"]
    with input_context(urls) as stacks:
        assert list(stacks) == ["maps/Fe K", "scan"]


@pytest.mark.parametrize(
    ("suffix", "index"),
    [
        ("maps/Ca-K&slice=1:3", numpy.s_[1:3]),
        ("maps/Ca-K&slice=::-1", numpy.s_[::-1]),
        ("maps/Ca-K&slice=3:0:-2", numpy.s_[3:0:-2]),
        ("maps/Ca-K&slice=:,1:4,2:", numpy.s_[:, 1:4, 2:]),
        ("maps/Ca-K&slice=...,-3:-1", numpy.s_[..., -3:-1]),
        ("maps/Ca-K&slice=:,::2,::-1", numpy.s_[:, ::2, ::-1]),
        ("scan&slice=1", numpy.s_[1]),
        ("scan&slice=-1,...,0:2", numpy.s_[-1, ..., 0:2]),
        ("scan&slice=:,2", numpy.s_[:, 2]),
    ],
)
def test_slices_are_honoured(h5_path, suffix, index):
    name = suffix.split("&")[0]
    with h5py.File(h5_path) as file:
        expected = file[f"/entry/{name}"][()][index]
    with input_context({"a": f"{h5_path}::/entry/{suffix}"}) as stacks:
        assert stacks["a"].shape == expected.shape
        numpy.testing.assert_array_equal(list(stacks["a"]), expected)


def test_hdf5_images_are_read_one_at_a_time(h5_path, monkeypatch):
    reads = []
    original = h5py.Dataset.__getitem__

    def counting(self, args, **kwargs):
        result = original(self, args, **kwargs)
        reads.append(numpy.shape(result))
        return result

    monkeypatch.setattr(h5py.Dataset, "__getitem__", counting)
    with input_context([f"{h5_path}::/entry/maps/Ca-K"]) as stacks:
        assert reads == []
        for _image in stacks["Ca-K"]:
            pass
    assert reads == [(1, 5, 6)] * 4


def _open_files():
    return [
        os.readlink(f"/proc/self/fd/{number}")
        for number in os.listdir("/proc/self/fd")
        if os.path.exists(f"/proc/self/fd/{number}")
    ]


def test_files_are_closed_after_the_context_and_after_errors(h5_path):
    with input_context([f"{h5_path}::/entry/maps/Ca-K"]) as stacks:
        stack = stacks["Ca-K"]
        stack[0]
    with pytest.raises(ValueError, match="closed: read inside `open_stacks`"):
        stack[0]
    good = f"{h5_path}::/entry/maps/Ca-K"
    with pytest.raises(ValueError, match="Fe-K"), input_context([good, f"{h5_path}::/entry/Fe-K"]):
        pass
    with pytest.raises(KeyError), input_context([good]) as stacks:
        _ = stacks["Ca-K"][0], stacks["nothing"]
    # HDF5 would refuse to truncate a file that is open.
    h5py.File(h5_path, "w").close()


def test_a_file_is_opened_once_for_all_its_stacks(h5_path):
    urls = [f"{h5_path}::/entry/maps/Ca-K", f"{h5_path}::/entry/maps/Fe K"]
    with input_context(urls) as stacks:
        for stack in stacks.values():
            stack[0]
        assert _open_files().count(h5_path) == 1


def test_images_of_mixed_types_come_in_one_type_that_holds_all():
    images = [IMAGES[0].astype(numpy.uint8), IMAGES[1].astype(numpy.float32)]
    with input_context({"a": images}) as stacks:
        assert {image.dtype for image in stacks["a"]} == {numpy.dtype(numpy.float32)}
        numpy.testing.assert_array_equal(list(stacks["a"]), IMAGES[:2])


def test_a_sequence_that_reads_its_images_is_read_lazily():
    class Files:
        read = 0

        def __len__(self):
            return 4

        def __getitem__(self, index):
            self.read += 1
            return IMAGES[index]

    files = Files()
    with input_context({"a": files}) as stacks:
        assert stacks["a"].shape == (4, 5, 6)
        assert files.read == 1
        numpy.testing.assert_array_equal(stacks["a"][3], IMAGES[3])
        assert files.read == 2


@pytest.mark.parametrize("mode", ["r", "a"])
def test_a_file_that_a_notebook_has_open_can_be_read(h5_path, mode):
    with (
        h5py.File(h5_path, mode),
        input_context([f"{h5_path}::/entry/maps/Ca-K"]) as stacks,
    ):
        numpy.testing.assert_array_equal(stacks["Ca-K"][1], IMAGES[1])


def test_an_h5py_dataset_is_read_lazily(h5_path):
    with h5py.File(h5_path) as file, input_context({"a": file["/entry/maps/Ca-K"]}) as stacks:
        assert isinstance(stacks["a"], Stack)
        numpy.testing.assert_array_equal(stacks["a"][1], IMAGES[1])


@pytest.mark.parametrize("as_url", [str, DataUrl])
@pytest.mark.parametrize("as_list", [False, True])
def test_a_group_stands_for_the_3d_datasets_in_it(h5_path, as_url, as_list):
    with h5py.File(h5_path, "a") as file:
        file["/entry/maps/energy"] = numpy.arange(4)
        file["/entry/maps/names"] = numpy.zeros((2, 3, 4), dtype="S3")
        file["/entry/maps/later"] = h5py.SoftLink("/nowhere")
        file["/entry/maps/deeper/Zn-K"] = IMAGES
    url = as_url(f"{h5_path}::/entry/maps")
    with input_context([url] if as_list else url) as stacks:
        assert list(stacks) == ["Ca-K", "Fe K"]
        numpy.testing.assert_array_equal(stacks["Ca-K"][1], IMAGES[1])


def test_groups_datasets_and_open_datasets_may_be_mixed_in_a_list(h5_path, tmp_path):
    other = str(tmp_path / "other.h5")
    with h5py.File(other, "w") as file:
        file["/entry/maps/Zn-K"] = IMAGES + 1
        given = [f"{h5_path}::/entry/maps", file["/entry/maps/Zn-K"]]
        with input_context(given) as stacks:
            assert list(stacks) == ["Ca-K", "Fe K", "Zn-K"]
            numpy.testing.assert_array_equal(stacks["Zn-K"][1], IMAGES[1] + 1)
        with input_context(file["/entry/maps/Zn-K"]) as stacks:
            assert list(stacks) == ["Zn-K"]


def test_the_root_is_a_group_too(tmp_path):
    path = str(tmp_path / "flat.h5")
    with h5py.File(path, "w") as file:
        file["a"], file["b"] = IMAGES, IMAGES
    with input_context(f"{path}::/") as stacks:
        assert list(stacks) == ["a", "b"]


def test_a_group_without_stacks_is_refused_and_says_what_it_holds(h5_path):
    with (
        pytest.raises(
            ValueError, match=r"maps.h5::/entry is a group without stacks.*'maps', 'rgb'"
        ),
        input_context(f"{h5_path}::/entry"),
    ):
        pass


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        ({1: IMAGES}, TypeError, "string, not 1"),
        ({"a": [IMAGES[0], IMAGES[0, :3]]}, ValueError, r"Stack 'a': .*\(3, 6\)"),
        ({"a": IMAGES[:0]}, ValueError, "Stack 'a': there are no images"),
        ({"a": IMAGES[:, :0]}, ValueError, "Stack 'a': the images have no pixels"),
        (b"a.h5::/e", TypeError, "a list of URLs, not bytes"),
        ({"a": IMAGES * 1j}, TypeError, "Stack 'a': .* complex128"),
        ({"a": None}, TypeError, "Stack 'a': .* not NoneType"),
    ],
)
def test_mistakes_are_told_in_one_sentence_that_names_the_stack(data, kind, message):
    """`tests/errors` makes others."""
    with pytest.raises(kind, match=message) as caught, input_context(data):
        pass
    assert "\n" not in str(caught.value)


def test_a_slice_without_images_is_refused(h5_path):
    url = f"{h5_path}::/entry/scan&slice=1,2:2"
    with pytest.raises(ValueError, match="there are no images"), input_context({"a": url}):
        pass


def test_a_stack_whose_later_image_has_another_shape_is_told_when_it_is_read():
    class Growing:
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return numpy.zeros((3, 3 + index))

    with (
        input_context({"a": Growing()}) as stacks,
        pytest.raises(ValueError, match=r"image 1 has the shape \(3, 4\), image 0 \(3, 3\)"),
    ):
        stacks["a"][1]
