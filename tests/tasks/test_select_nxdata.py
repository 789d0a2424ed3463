"""Each row of what 0.5.0's selection task takes and gives, with its defects mended. The expected
paths were read off 0.5.0 where it has any."""

from functools import partial

import h5py
import numpy
import pytest
from silx.io.dictdump import dicttonx
from silx.io.url import DataUrl

from ewoksndreg import align_stacks
from ewoksndreg import open_stacks
from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation
from ewoksndreg.tasks.select_nxdata import SelectNXdataImageStacks

from .conftest import find_cause
from .conftest import run_task
from .nexus_file import AXES
from .nexus_file import add_group
from .nexus_file import add_plot
from .nexus_file import make_nexus_file

SMALL = {"energy": numpy.arange(3), "y": numpy.arange(5), "x": numpy.arange(6)}


def run(url, **inputs):
    return run_task(SelectNXdataImageStacks, input_root_uri=url, **inputs)


cause_of = partial(find_cause, run)


@pytest.fixture
def nexus_file(tmp_path):
    return make_nexus_file(tmp_path / "in.h5")


def make_file(path, plots):
    """NXdata groups by their paths; the classes of the groups above are told by their names."""
    classes = {"e": "NXentry", "p": "NXprocess", "c": "NXcollection"}
    with h5py.File(path, "w") as file:
        for plot in plots:
            group = file
            *above, name = plot.strip("/").split("/")
            for part in above:
                group = group[part] if part in group else add_group(group, part, classes[part[0]])
            add_plot(group, name, SMALL)
    return path


def test_the_identifier_names_and_defaults_are_those_of_0_5_0():
    name = "ewoksndreg.tasks.select_nxdata.SelectNXdataImageStacks"
    assert SelectNXdataImageStacks.class_registry_name() == name
    assert SelectNXdataImageStacks.required_input_names() == {"input_root_uri"}
    assert SelectNXdataImageStacks.optional_input_names() == {"output_root_uri", "stack_names"}
    assert SelectNXdataImageStacks.output_names() == {
        "image_stacks",
        "output_root_uri",
        "image_stacks_nxmetadata",
    }
    fields = SelectNXdataImageStacks.input_model().model_fields
    assert fields["output_root_uri"].default is None


def test_some_of_the_stacks_can_be_selected_by_name(nexus_file):
    every = run(f"{nexus_file}::/entry/process/results/parameters")
    one = run(f"{nexus_file}::/entry/process/results/parameters", stack_names=["Fe-K"])
    assert one["image_stacks"] == {"Fe-K": every["image_stacks"]["Fe-K"]}
    assert one["output_root_uri"] == every["output_root_uri"]
    plot = one["image_stacks_nxmetadata"]["entry"]["align"]["results"]["parameters"]
    assert plot["@signal"] == "Fe-K"
    assert "@auxiliary_signals" not in plot


@pytest.mark.parametrize(
    ("names", "message"),
    [(["Fe-L"], "did you mean 'Fe-K'"), ([], "Input 'stack_names' selects no stack")],
)
def test_a_selection_that_cannot_be_made_is_an_error(nexus_file, names, message):
    with pytest.raises(ValueError, match=message):
        raise cause_of(f"{nexus_file}::/entry/process/results/parameters", stack_names=names)


@pytest.mark.parametrize("url", ["{}", "{}::/", "{}::/entry", "{}::/entry/process/results"])
def test_every_stack_below_the_url_is_found(nexus_file, url):
    outputs = run(url.format(nexus_file))
    assert outputs["image_stacks"] == {
        f"{group}/{name}": f"{nexus_file}::/entry/process/results/{group}/{name}"
        for group in ("parameters", "uncertainties")
        for name in ("Ca-K", "Fe-K")
    }
    assert outputs["output_root_uri"] == f"{nexus_file}::/entry/align/results"


@pytest.mark.parametrize("store", [numpy.bytes_, lambda text: numpy.array([text], dtype=object)])
def test_attributes_may_be_stored_as_other_programs_do(nexus_file, store):
    expected = run(f"{nexus_file}::/entry")

    def change(_, item):
        for key in item.attrs.keys() & {"NX_class", "signal"}:
            item.attrs[key] = store(item.attrs[key])

    with h5py.File(nexus_file, "r+") as file:
        file.visititems(change)
    found = run(f"{nexus_file}::/entry")
    assert found["image_stacks"] == expected["image_stacks"]
    assert found["output_root_uri"] == expected["output_root_uri"]


def test_the_url_may_name_the_nxdata_group_itself(nexus_file):
    path = "/entry/process/results/parameters"
    outputs = run(DataUrl(file_path=str(nexus_file), data_path=path))
    assert list(outputs["image_stacks"]) == ["Ca-K", "Fe-K"]
    assert outputs["output_root_uri"] == f"{nexus_file}::/entry/align/results/parameters"


def test_the_metadata_is_a_tree_of_classes_and_axes(nexus_file, tmp_path):
    tree = run(str(nexus_file))["image_stacks_nxmetadata"]
    assert tree["@NX_class"] == "NXroot"
    assert tree["entry"]["@NX_class"] == "NXentry"
    assert tree["entry"]["align"]["@NX_class"] == "NXprocess"
    plot = tree["entry"]["align"]["results"]["uncertainties"]
    assert plot["@NX_class"] == "NXdata"
    assert plot["@signal"] == "Ca-K"
    assert plot["@auxiliary_signals"] == ["Fe-K"]
    assert plot["@axes"] == ["energy", "y", "x"]
    for name, values in AXES.items():
        numpy.testing.assert_array_equal(plot[name], values)
    assert plot["y@units"] == "um"
    # It can be written, and leads to a group of it.
    tree["entry"]["align"]["results"]["parameters"]["Ca-K"] = numpy.zeros((4, 20, 30))
    dicttonx(tree, str(tmp_path / "tree.h5"))
    with h5py.File(tmp_path / "tree.h5") as file:
        group = file
        while "default" in group.attrs:
            group = group[group.attrs["default"]]
        assert group.name == "/entry/align/results/parameters"


@pytest.mark.parametrize(
    ("plots", "output", "expected"),
    [
        (["/e/p/c/maps"], None, "in.h5::/e/align/c/maps"),
        (["/e/p/c/maps"], "out.h5", "out.h5::/e/align/c/maps"),
        (["/e/p/c/maps"], "out.h5::/", "out.h5::/e/align/c/maps"),
        (["/e/p/c/maps"], "out.h5::/x/y", "out.h5::/x/y/c/maps"),
        (["/e/p1/p2/maps"], None, "in.h5::/e/align/p2/maps"),
        (["/e/p1/p2/maps"], "out.h5::/x/y", "out.h5::/x/y/p2/maps"),
        (["/e/maps"], None, "in.h5::/e/align"),
        (["/e/maps"], "out.h5::/e/here", "out.h5::/e/here"),
        (["/maps"], None, "in.h5::/align"),
        # 0.5.0 would replace the entry, or stop.
        (["/e/p1/maps", "/e/p2/maps"], None, "in.h5::/e/align"),
        (["/e1/p/maps", "/e2/p/maps"], None, "in.h5::/entry/align"),
    ],
)
def test_the_process_is_called_align_or_what_the_url_says(
    tmp_path, monkeypatch, plots, output, expected
):
    monkeypatch.chdir(tmp_path)
    make_file("in.h5", plots)
    outputs = run("in.h5", **({} if output is None else {"output_root_uri": output}))
    assert outputs["output_root_uri"] == expected
    assert len(outputs["image_stacks"]) == 2 * len(plots)
    with open_stacks(outputs["image_stacks"]) as stacks:
        assert {stack.shape for stack in stacks.values()} == {(3, 5, 6)}
    tree = outputs["image_stacks_nxmetadata"]
    for part in expected.split("::")[1].strip("/").split("/"):
        tree = tree[part]
    assert tree["@NX_class"] in ("NXdata", "NXprocess", "NXcollection")


@pytest.mark.parametrize("form", ["bytes", "marked dataset"])
def test_attributes_as_other_programs_write_them(tmp_path, form):
    """Strings of fixed length, which h5py reads as bytes; and a signal that is marked by an
    attribute of its dataset, as before NeXus 2014."""
    make_file(tmp_path / "in.h5", ["/e/p/maps"])
    with h5py.File(tmp_path / "in.h5", "a") as file:
        for item in (file["e"], file["e/p"], file["e/p/maps"]):
            item.attrs["NX_class"] = numpy.bytes_(item.attrs["NX_class"])
        plot = file["e/p/maps"].attrs
        del plot["auxiliary_signals"]
        if form == "marked dataset":
            file["e/p/maps/Fe-K"].attrs["signal"] = 1
            file["e/p/maps/Fe-K"].attrs["axes"] = "energy:y:x"
            del plot["signal"], plot["axes"]
        else:
            plot["signal"] = numpy.bytes_("Fe-K")
            plot["axes"] = numpy.array(["energy", "y", "x"], dtype="S")
    outputs = run(f"{tmp_path}/in.h5")
    assert outputs["image_stacks"] == {
        name: f"{tmp_path}/in.h5::/e/p/maps/{name}" for name in ("Ca-K", "Fe-K")
    }
    assert outputs["output_root_uri"] == f"{tmp_path}/in.h5::/e/align/maps"
    plot = outputs["image_stacks_nxmetadata"]["e"]["align"]["maps"]
    assert plot["@signal"] == "Fe-K"
    assert plot["@axes"] == ["energy", "y", "x"]
    numpy.testing.assert_array_equal(plot["x"], SMALL["x"])


def test_only_signals_in_3d_count_and_links_are_not_followed(tmp_path):
    with h5py.File(tmp_path / "in.h5", "w") as file:
        entry = add_group(file, "entry", "NXentry")
        plot = add_plot(entry, "maps", SMALL)
        plot["sum"] = numpy.zeros((5, 6))
        plot["text"] = numpy.zeros((1, 1, 1), dtype="S3")
        plot["linked"] = h5py.SoftLink("/entry/maps/Ca-K")
        flat = add_group(entry, "flat", "NXdata")
        flat["cube"], flat["image"] = numpy.zeros((3, 5, 6)), numpy.zeros((5, 6))
        flat.attrs["signal"] = "image"
        unmarked = add_group(entry, "unmarked", "NXdata")
        unmarked["cube"] = numpy.zeros((3, 5, 6))
        entry["again"] = h5py.SoftLink("/entry/maps")
        entry["circle"] = h5py.SoftLink("/entry")
        entry["nowhere"] = h5py.SoftLink("/nothing")
    assert set(run(f"{tmp_path}/in.h5")["image_stacks"]) == {"Ca-K", "Fe-K", "linked"}


def test_results_are_left_out_whoever_of_us_has_written_them(tmp_path, nexus_file):
    """Unless the URL names them."""
    group = f"{nexus_file}::/entry/process/results/parameters"
    before = run(str(nexus_file))["image_stacks"]
    align_stacks(group, [(0, 0)] * 4, f"{nexus_file}::/entry/process/results/mine")
    task = Reg2DPostEvaluation(
        inputs={
            "image_stacks": group,
            "transformations": {"Ca-K": [(0, 0)] * 4, "Fe-K": [(n, 0) for n in range(4)]},
            "output_root_uri": f"{nexus_file}::/entry/ranked",
        }
    )
    with pytest.warns(RuntimeWarning, match="No registration is better than none"):
        task.execute()
    assert run(str(nexus_file))["image_stacks"] == before
    named = run(f"{nexus_file}::/entry/process/results/mine")
    assert list(named["image_stacks"]) == ["Ca-K", "Fe-K"]
    assert named["output_root_uri"] == f"{nexus_file}::/entry/align/results/mine"


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("nothing.h5", FileNotFoundError, "There is no file 'nothing.h5'"),
        (
            "in.h5::/entry/proces",
            ValueError,
            "There is no group in 'in.h5::/entry' called 'proces': did you mean 'process'?"
            " Available: 'process'",
        ),
        (
            "in.h5::/Entry/process",
            ValueError,
            "There is no group in 'in.h5::/' called 'Entry': did you mean 'entry'?"
            " Available: 'empty', 'entry', 'plain'",
        ),
        (None, TypeError, "A URL is a string, a path or a silx DataUrl, not NoneType"),
        (
            "",
            ValueError,
            "Input 'input_root_uri': The URL '' does not say where in which file: write it as"
            " 'file.h5::/path/inside/the/file'",
        ),
        (
            "in.h5::/entry/process/results/parameters/Ca-K",
            ValueError,
            "'in.h5::/entry/process/results/parameters/Ca-K' is a dataset: give the URL of a group"
            " above it",
        ),
        (
            "in.h5::/plain",
            ValueError,
            "There is no NXdata group with a 3D signal below 'in.h5::/plain', but there are stacks"
            " in it: 'a'; give the URL of the group as 'image_stacks' to the next task",
        ),
        (
            "in.h5::/empty",
            ValueError,
            "There is no NXdata group with a 3D signal below 'in.h5::/empty'",
        ),
        (
            "in.h5::/entry&slice=0",
            ValueError,
            "Input 'input_root_uri': the URL 'in.h5::/entry&slice=0' has a slice, expected a group",
        ),
    ],
)
def test_mistakes_are_told(tmp_path, monkeypatch, nexus_file, url, error, message):
    monkeypatch.chdir(tmp_path)
    with h5py.File(nexus_file, "a") as file:
        file["/plain/a"] = numpy.zeros((3, 5, 6))
        file.create_group("empty")
    cause = cause_of(url)
    assert type(cause) is error
    assert str(cause) == message
