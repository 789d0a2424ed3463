import json
from datetime import datetime

import h5py
import numpy
import pytest
import silx.io
from silx.io.nxdata import get_default

from ewoksndreg import __version__
from ewoksndreg.io.output_stack import hdf5_output_context

IMAGES = numpy.arange(24.0).reshape(2, 3, 4)


@pytest.fixture
def path(tmp_path):
    path = str(tmp_path / "out.h5")
    with hdf5_output_context(f"{path}::/entry/process/results/maps/") as output:
        for name in ("Ca-K", "Fe K", "other shape", "nested/Zn"):
            images = IMAGES[:, :2] if name == "other shape" else IMAGES
            output.add_points(name, images)
        output.describe(
            signal="Fe K",
            inputs={"image_stacks": ["a.h5::/e"], "skip": False},
            results={"stack_name": ["Fe K", "Ca-K"], "score": [0.1, 0.2]},
        )
    return path


def test_every_level_has_its_nexus_class_and_leads_to_the_plot(path):
    with h5py.File(path) as file:
        names = ["/", "/entry", "/entry/process", "/entry/process/results"]
        classes = ["NXroot", "NXentry", "NXcollection", "NXcollection"]
        assert [file[name].attrs["NX_class"] for name in names] == classes
        assert file["/entry/process/results/maps"].attrs["NX_class"] == "NXdata"
        assert [file[name].attrs["default"] for name in names] == [
            "entry",
            "process",
            "results",
            "maps",
        ]


@pytest.mark.parametrize("start", ["/", "/entry/process/results/maps"])
def test_silx_finds_a_valid_plot_with_the_signal_first(path, start):
    with silx.io.open(path) as file:
        plot = get_default(file[start])
        assert plot is not None
        assert plot.is_valid
        assert plot.issues == []
        assert plot.signal_name == "Fe K"
        numpy.testing.assert_array_equal(plot.signal[()], IMAGES)
        assert plot.interpretation == "image"
        assert set(plot.auxiliary_signals_names) == {"Ca-K", "nested/Zn"}


def test_the_process_beside_the_stacks_tells_how_they_came_to_be(path):
    with h5py.File(path) as file:
        process = file["/entry/process/results/maps/post_evaluation"]
        assert process.attrs["NX_class"] == "NXprocess"
        assert process["program"].asstr()[()] == "ewoksndreg"
        assert process["version"].asstr()[()] == __version__
        age = datetime.now().astimezone() - datetime.fromisoformat(process["date"].asstr()[()])
        assert abs(age.total_seconds()) < 3600
        assert process["inputs"].attrs["NX_class"] == "NXnote"
        assert process["inputs/type"].asstr()[()] == "application/json"
        inputs = json.loads(process["inputs/data"].asstr()[()])
        assert inputs == {"image_stacks": ["a.h5::/e"], "skip": False}
        assert list(process["scores/stack_name"].asstr()[()]) == ["Fe K", "Ca-K"]
        assert list(process["scores/score"]) == [0.1, 0.2]


def test_a_stack_with_the_name_of_the_process_keeps_it(tmp_path):
    with hdf5_output_context(f"{tmp_path}/out.h5::/entry") as output:
        output.add_points("post_evaluation", IMAGES)
        output.describe(signal="post_evaluation", inputs={}, results={})
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["/entry/post_evaluation"].shape == IMAGES.shape
        assert file["/entry/post_evaluation_details"].attrs["NX_class"] == "NXprocess"
        assert file["/entry"].attrs["NX_class"] == "NXdata"
