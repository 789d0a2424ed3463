"""What viewers and old scripts find in a file: read with h5py and with silx's own plots."""

import json
from datetime import datetime

import h5py
import numpy
import pytest
import silx.io
from silx.io.nxdata import NXdata
from silx.io.nxdata import get_default

from ewoksndreg import __version__
from ewoksndreg._nexus import Axis
from ewoksndreg._nexus import StackAxes
from ewoksndreg._nexus import describe_evaluation
from ewoksndreg._nexus import find_axes
from ewoksndreg._nexus import make_plot
from ewoksndreg.io.output_stack import hdf5_output_context
from ewoksndreg.transformation import as_transformations

IMAGES = numpy.arange(24.0).reshape(2, 3, 4)
ENERGY = Axis("energy", [7.1, 7.2], {"units": "keV"})
MATRICES = numpy.tile(numpy.identity(3), (2, 1, 1))
MATRICES[1, 0, 2] = 2.5


def save(url, names=("Ca-K", "Fe K", "other shape", "nested/Zn"), signal="Fe K"):
    with hdf5_output_context(url) as output:
        output.reserve(names)
        for name in names:
            output.add_points(name, IMAGES[:, :2] if name == "other shape" else IMAGES)
        describe_evaluation(
            output,
            signal=signal,
            title="Images aligned somehow",
            inputs={"image_stacks": ["a.h5::/e"], "skip": False},
            axes=[ENERGY, None, None],
            units={signal: "ppm"},
            results={
                "scores": make_plot(
                    "Relative error",
                    {"relative_error": numpy.eye(3)},
                    columns={"registration": ["a", "b", "c"]},
                )
            },
            matrices={"Fe K": MATRICES},
        )


@pytest.fixture
def path(tmp_path):
    save(f"{tmp_path}/out.h5::/entry/process/results/maps/")
    return str(tmp_path / "out.h5")


def test_every_level_has_its_nexus_class_and_leads_to_the_plot(path):
    with h5py.File(path) as file:
        names = ["/", "/entry", "/entry/process", "/entry/process/results"]
        classes = ["NXroot", "NXentry", "NXcollection", "NXcollection"]
        assert [file[name].attrs["NX_class"] for name in names] == classes
        results = file["/entry/process/results"]
        assert results["maps"].attrs["NX_class"] == "NXdata"
        assert results["maps_evaluation"].attrs["NX_class"] == "NXprocess"
        assert [file[name].attrs["default"] for name in names] == [
            "entry",
            "process",
            "results",
            "maps_evaluation",
        ]


@pytest.mark.parametrize("start", ["/", "/entry/process/results/maps"])
def test_silx_finds_a_valid_plot_with_the_signal_first(path, start):
    with silx.io.open(path) as file:
        plot = get_default(file[start])
        assert plot is not None
        assert plot.is_valid
        assert plot.issues == []
        assert plot.signal_dataset_name == "Fe K"
        assert plot.signal.attrs["units"] == "ppm"
        numpy.testing.assert_array_equal(plot.signal[()], IMAGES)
        assert plot.interpretation == "image"
        if start == "/":
            assert plot.title == "Images aligned somehow"
            assert plot.axes_dataset_names == ["energy", None, None]
            assert plot.axes[0].attrs["units"] == "keV"
            numpy.testing.assert_array_equal(plot.axes[0][()], [7.1, 7.2])
            assert set(plot.auxiliary_signals_names) == {"Ca-K", "nested_Zn"}
        else:
            assert set(plot.auxiliary_signals_names) == {"Ca-K", "nested/Zn"}


def test_each_plot_of_the_evaluation_is_drawn(path):
    with silx.io.open(path) as file:
        plot = NXdata(file["/entry/process/results/maps_evaluation/scores"])
        assert plot.is_valid
        assert plot.issues == []
        assert plot.interpretation == "image"
        numpy.testing.assert_array_equal(plot.signal[()], numpy.eye(3))


def test_the_process_beside_the_stacks_tells_how_they_came_to_be(path):
    with h5py.File(path) as file:
        process = file["/entry/process/results/maps_evaluation"]
        assert process["program"].asstr()[()] == "ewoksndreg"
        assert process["version"].asstr()[()] == __version__
        age = datetime.now().astimezone() - datetime.fromisoformat(process["date"].asstr()[()])
        assert abs(age.total_seconds()) < 3600
        assert process["inputs"].attrs["NX_class"] == "NXnote"
        assert process["inputs/type"].asstr()[()] == "application/json"
        inputs = json.loads(process["inputs/data"].asstr()[()])
        assert inputs == {"image_stacks": ["a.h5::/e"], "skip": False}


def test_registrations_can_be_given_back_as_inputs(path):
    url = f"{path}::/entry/process/results/maps_evaluation/transformations/Fe K"
    with h5py.File(path) as file:
        assert file[url.split("::")[1]].attrs["convention"] == "passive"
    for item, matrix in zip(as_transformations(url), MATRICES, strict=True):
        numpy.testing.assert_array_equal(item.passive_matrix, matrix)


def old_script(path, group):
    """As people have written it for the files of 0.5.0."""
    with h5py.File(path) as f:
        return {name: f[group][name][()] for name in f[group]}


@pytest.mark.parametrize("group", ["/entry/aligned", "/aligned"])
@pytest.mark.parametrize("existing", [False, True])
def test_an_old_script_gets_the_stacks_and_nothing_else(tmp_path, group, existing):
    if existing:
        with h5py.File(tmp_path / "out.h5", "w") as file:
            file["raw"] = 1
    save(f"{tmp_path}/out.h5::{group}", ["Ca-K", "Fe K"])
    found = old_script(tmp_path / "out.h5", group)
    assert list(found) == ["Ca-K", "Fe K"]
    for images in found.values():
        numpy.testing.assert_array_equal(images, IMAGES)


@pytest.mark.parametrize("existing", [False, True])
def test_the_root_group_holds_the_stacks_and_their_evaluation(tmp_path, existing):
    if existing:
        with h5py.File(tmp_path / "out.h5", "w") as file:
            file["raw"] = 1
    save(f"{tmp_path}/out.h5::/", ["Ca-K", "Fe K"])
    with h5py.File(tmp_path / "out.h5") as file:
        assert set(file) - {"raw"} == {"Ca-K", "Fe K", "evaluation"}
        assert file["evaluation"].attrs["NX_class"] == "NXprocess"
        assert "signal" not in file.attrs
    with silx.io.open(str(tmp_path / "out.h5")) as file:
        plot = get_default(file["evaluation"] if existing else file)
        assert plot.issues == []
        numpy.testing.assert_array_equal(plot.signal[()], IMAGES)


@pytest.mark.parametrize("existing", [False, True])
def test_an_evaluation_gets_a_number_where_its_name_is_taken(tmp_path, existing):
    url = f"{tmp_path}/out.h5::/entry/aligned"
    save(url if existing else url.replace("/entry/aligned", "/entry"), ["Fe K"])
    if not existing:
        save(f"{tmp_path}/out.h5::/", ["evaluation", "other"], signal="other")
    else:
        save(url, ["second"], signal="second")
    with h5py.File(tmp_path / "out.h5") as file:
        if existing:
            assert sorted(file["entry/aligned"]) == ["Fe K", "second"]
            assert sorted(file["entry"]) == [
                "aligned",
                "aligned_evaluation",
                "aligned_evaluation_2",
            ]
            second = file["entry/aligned_evaluation_2/stacks/second"]
        else:
            assert file["evaluation"].shape == IMAGES.shape
            second = file["evaluation_2/stacks/other"]
        numpy.testing.assert_array_equal(second, IMAGES)


def test_an_existing_file_keeps_its_defaults_and_classes(tmp_path):
    with h5py.File(tmp_path / "out.h5", "w") as file:
        file["entry/raw"] = 1
        file.attrs["default"] = "entry"
        file["entry"].attrs.update({"default": "raw", "NX_class": "NXsubentry"})
    save(f"{tmp_path}/out.h5::/entry/aligned", ["Fe K"])
    with h5py.File(tmp_path / "out.h5") as file:
        assert dict(file.attrs) == {"default": "entry"}
        assert dict(file["entry"].attrs) == {"default": "raw", "NX_class": "NXsubentry"}


def test_images_are_compressed_one_by_one_unless_that_is_turned_off(tmp_path):
    for name, compress in (("a", True), ("b", False)):
        with hdf5_output_context(f"{tmp_path}/out.h5::/{name}", compress=compress) as output:
            output.add_points("x", IMAGES)
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["a/x"].chunks == file["b/x"].chunks == (1, 3, 4)
        assert file["a/x"].compression == "gzip"
        assert file["b/x"].compression is None


@pytest.mark.parametrize("attributes", [{"signal": 3}, {"axes": [1, 2, 3]}, {"@default_slice": 1}])
def test_attributes_of_a_wrong_type_mean_no_axes(tmp_path, attributes):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["maps/Ca"] = IMAGES
        file["maps"].attrs.update({"NX_class": "NXdata", "signal": "Ca", **attributes})
        assert find_axes(file["maps/Ca"]) == StackAxes()
