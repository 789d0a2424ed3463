import os
import pickle

import h5py
import numpy
import pytest

from ewoksndreg._nexus import describe_evaluation
from ewoksndreg.io.input_stack import input_context
from ewoksndreg.io.output_stack import hdf5_output_context
from ewoksndreg.io.output_stack import output_context

IMAGES = numpy.random.default_rng(0).normal(size=(3, 4, 5)).astype(numpy.float32)


@pytest.fixture(params=["memory", "hdf5"])
def url(request, tmp_path):
    return None if request.param == "memory" else f"{tmp_path}/new/out.h5::/entry/aligned"


def test_images_come_back_after_closing(url):
    with output_context(url) as output:
        output.add_points("Ca-K", IMAGES)
        output.add_point("Ca-K", IMAGES[0] + 1)
        output.add_points("Fe/K", (image for image in IMAGES))
        early = output.data_for_input()
    expected = numpy.concatenate([IMAGES, IMAGES[:1] + 1])
    for data in (early, output.data_for_input(), pickle.loads(pickle.dumps(early))):  # noqa: S301
        with input_context(data) as stacks:
            assert list(stacks) == ["Ca-K", "Fe/K"]
            assert stacks["Ca-K"].dtype == numpy.float32
            numpy.testing.assert_array_equal(list(stacks["Ca-K"]), expected)
            numpy.testing.assert_array_equal(list(stacks["Fe/K"]), IMAGES)


def test_memory_keeps_copies():
    image = numpy.zeros((2, 2))
    with output_context() as output:
        output.add_point("a", image)
        image += 1
        output.add_point("a", image)
    numpy.testing.assert_array_equal(output.data_for_input()["a"], [[[0] * 2] * 2, [[1] * 2] * 2])


@pytest.mark.parametrize(
    ("image", "kind", "message"),
    [
        (
            numpy.zeros((4, 6)),
            ValueError,
            r"Image 1 for stack 'a' .*\(4, 6\), not the shape \(4, 5",
        ),
        (numpy.zeros(3), ValueError, r"Image 1 for stack 'a' has the shape \(3,\)"),
        (numpy.zeros((4, 5)), TypeError, "Image 1 for stack 'a' .* float64, .* float32"),
    ],
)
def test_images_that_do_not_fit_are_refused(url, image, kind, message):
    with pytest.raises(kind, match=message), output_context(url) as output:
        output.add_point("a", IMAGES[0])
        output.add_point("a", image)


def test_nothing_can_be_added_after_closing(tmp_path):
    with output_context(f"{tmp_path}/out.h5::/entry") as output:
        output.add_point("a", IMAGES[0])
    with pytest.raises(ValueError, match="finished: write inside `output_context`"):
        output.add_point("a", IMAGES[0])


def _content(path):
    """Everything in a file that can be compared."""
    found = {}

    def visit(name, item):
        value = numpy.asarray(item).tolist() if isinstance(item, h5py.Dataset) else None
        found[name] = value, {key: str(item.attrs[key]) for key in item.attrs}

    with h5py.File(path) as file:
        visit("/", file)
        file.visititems(visit)
    return found


@pytest.fixture
def existing(tmp_path):
    path = str(tmp_path / "data.h5")
    with h5py.File(path, "w") as file:
        file["/entry/maps/Ca-K"] = IMAGES
        file["/entry/maps"].attrs["NX_class"] = "NXcollection"
        file["/entry/done/Ca-K"] = IMAGES
        file["/entry/done"].attrs["signal"] = "Ca-K"
        file["/entry/note"] = "keep me"
    return path


def test_an_existing_file_gets_the_stacks_and_keeps_everything_else(existing):
    before = _content(existing)
    with output_context(f"{existing}::/entry/maps") as output:
        output.add_points("Fe-K", IMAGES + 1)
    after = _content(existing)
    for name, content in before.items():
        assert after[name] == content
    assert set(after) - set(before) == {"entry/maps/Fe-K"}
    numpy.testing.assert_array_equal(after["entry/maps/Fe-K"][0], IMAGES + 1)


def test_the_plot_of_an_existing_group_stays_its_own(existing):
    with hdf5_output_context(f"{existing}::/entry/done") as output:
        output.add_points("b", IMAGES)
        output.add_points("c", IMAGES)
        describe_evaluation(output, signal="b", inputs={})
    with h5py.File(existing) as file:
        assert file["/entry/done"].attrs["signal"] == "Ca-K"
        assert "auxiliary_signals" not in file["/entry/done"].attrs


@pytest.mark.parametrize("when", ["dataset exists", "group is a dataset", "caller fails", "merge"])
def test_after_an_error_the_file_is_as_before(existing, tmp_path, monkeypatch, when):
    before = _content(existing)
    files = sorted(os.listdir(tmp_path))
    group = "/entry/note/x" if when == "group is a dataset" else "/entry/done"
    kind, message = {
        "dataset exists": (FileExistsError, "data.h5::/entry/done/Ca-K' exists already"),
        "group is a dataset": (FileExistsError, "'/entry/note', which is a dataset"),
        "caller fails": (ZeroDivisionError, "division"),
        "merge": (OSError, "disk is full"),
    }[when]

    def run():
        with output_context(f"{existing}::{group}") as output:
            output.add_points("b", IMAGES)
            if when == "dataset exists":
                output.add_points("Ca-K", IMAGES)
            elif when == "caller fails":
                _ = 1 / 0
            elif when == "merge":
                output.add_points("c", IMAGES)
                _fail_second_copy(monkeypatch)

    with pytest.raises(kind, match=message):
        run()
    assert _content(existing) == before
    assert sorted(os.listdir(tmp_path)) == files


def _fail_second_copy(monkeypatch):
    original = h5py.Group.copy
    calls = []

    def copy(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise OSError("the disk is full")
        return original(self, *args, **kwargs)

    monkeypatch.setattr(h5py.Group, "copy", copy)


def test_a_dataset_that_appears_while_writing_is_not_overwritten(existing):
    url = f"{existing}::/entry/later"
    with (
        pytest.raises(FileExistsError, match=r"/entry/later/b' exists already"),
        output_context(url) as output,
    ):
        output.add_points("a", IMAGES)
        output.add_points("b", IMAGES)
        with h5py.File(existing, "a") as file:
            file["/entry/later/b"] = 1
    with h5py.File(existing) as file:
        assert list(file["/entry/later"]) == ["b"]


def test_after_an_error_new_folders_and_files_are_gone(tmp_path):
    def run():
        with output_context(f"{tmp_path}/x/y/out.h5::/entry") as output:
            output.add_points("a", IMAGES)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        run()
    assert os.listdir(tmp_path) == []


def test_a_new_file_has_ordinary_permissions(tmp_path):
    with output_context(f"{tmp_path}/out.h5::/entry") as output:
        output.add_point("a", IMAGES[0])
    with open(tmp_path / "ordinary", "w"):
        pass
    assert os.stat(tmp_path / "out.h5").st_mode == os.stat(tmp_path / "ordinary").st_mode
    assert os.path.getsize(tmp_path / "out.h5") < 30_000  # without the reserved space
    assert sorted(os.listdir(tmp_path)) == ["ordinary", "out.h5"]


@pytest.mark.parametrize("can_link", [True, False])
def test_a_file_system_without_links_will_do(tmp_path, monkeypatch, can_link):
    def link(source, target):
        raise PermissionError("no links here")

    if not can_link:
        monkeypatch.setattr(os, "link", link)
    for name in ("a", "b"):
        with output_context(f"{tmp_path}/out.h5::/entry") as output:
            output.add_point(name, IMAGES[0])
    with h5py.File(tmp_path / "out.h5") as file:
        assert list(file["entry"]) == ["a", "b"]
    assert os.listdir(tmp_path) == ["out.h5"]


@pytest.mark.parametrize("order", ["input outside", "output outside"])
def test_the_file_that_is_being_read_can_be_written(existing, order):
    source = [f"{existing}::/entry/maps/Ca-K"]
    target = f"{existing}::/entry/aligned"
    if order == "input outside":
        with input_context(source) as stacks:
            with output_context(target) as output:
                output.add_points("Ca-K", stacks["Ca-K"])
            # and goes on being read
            numpy.testing.assert_array_equal(stacks["Ca-K"][1], IMAGES[1])
    else:
        with output_context(target) as output, input_context(source) as stacks:
            output.add_points("Ca-K", stacks["Ca-K"])
    with h5py.File(existing) as file:
        numpy.testing.assert_array_equal(file["/entry/aligned/Ca-K"], IMAGES)


@pytest.mark.parametrize("mode", ["r", "a"])
def test_a_file_that_cannot_be_written_is_named_before_the_work(existing, mode):
    with (
        h5py.File(existing, mode),
        pytest.raises(OSError, match=r"Cannot write to '.*data.h5'"),
        output_context(f"{existing}::/entry/new"),
    ):
        pytest.fail("too late")


@pytest.fixture
def linked(tmp_path, existing):
    """A master file, as Bliss writes it: the top-level groups are links."""
    with h5py.File(tmp_path / "master.h5", "w") as file:
        file["1.1"] = h5py.ExternalLink("data.h5", "/entry")
        file["soft"] = h5py.SoftLink("/1.1/maps")
        file["here"] = h5py.SoftLink("/real")
        file.create_group("real")
        file["nowhere"] = h5py.ExternalLink("gone.h5", "/entry")
        file["loop"] = h5py.SoftLink("/loop")
    return tmp_path / "master.h5"


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ("/1.1/new", r"a link to another file: .* '.*data.h5', where it leads"),
        ("/1.1", r"a link to another file: .* '.*data.h5', where it leads"),
        ("/soft/new", r"a link to another file: .* '.*data.h5', where it leads"),
        ("/nowhere/new", r"'/nowhere' .* is a link to 'gone.h5::/entry', where nothing can be"),
        ("/loop/new", r"'/loop' in .* is a link to '/loop', where nothing can be read"),
    ],
)
def test_a_group_behind_a_link_to_another_file_is_refused_before_the_work(linked, group, message):
    with pytest.raises(ValueError, match=message), output_context(f"{linked}::{group}"):
        pytest.fail("too late")


def test_a_link_within_the_file_is_followed(linked):
    with output_context(f"{linked}::/here/new") as output:
        output.add_points("a", IMAGES)
    with h5py.File(linked) as file:
        numpy.testing.assert_array_equal(file["real/new/a"], IMAGES)


@pytest.mark.parametrize("url", ["out.h5::/&slice=0", "out.h5::/entry&slice=0"])
def test_the_output_url_must_name_a_group(url):
    with (
        pytest.raises(ValueError, match=r"for example 'out.h5::/entry/aligned'"),
        output_context(url),
    ):
        pass


def test_stacks_that_would_be_dataset_and_group_are_refused(tmp_path):
    with (
        pytest.raises(ValueError, match=r"Stacks 'a' and 'a/b' cannot be saved together"),
        output_context(f"{tmp_path}/out.h5::/entry") as output,
    ):
        output.add_point("a", IMAGES[0])
        output.add_point("a/b", IMAGES[0])
    assert os.listdir(tmp_path) == []
