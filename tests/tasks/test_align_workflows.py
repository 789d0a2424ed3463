"""From a file to an aligned file: the workflows that ship with the package."""

import json
import shlex
from importlib.resources import files
from pathlib import Path

import h5py
import numpy
import pytest
from ewokscore import execute_graph
from silx.io.nxdata import get_default

from .conftest import WRONG
from .nexus_file import add_group
from .nexus_file import add_plot
from .test_ewoks_execute import execute

ROOT = Path(__file__).parents[2]


def shipped(name):
    return json.loads(files("ewoksndreg.workflows").joinpath(f"{name}.json").read_text())


@pytest.fixture
def folder(tmp_path, stacks):
    """`maps.h5`: stacks in an NXdata group, and shifts beside it, as in the documentation."""
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        entry = add_group(file, "entry", "NXentry")
        axes = {"energy": numpy.arange(4.0), "y": numpy.arange(24.0), "x": numpy.arange(28.0)}
        plot = add_plot(add_group(entry, "fit", "NXprocess"), "maps", axes, list(stacks))
        for name, images in stacks.items():
            del plot[name]
            plot[name] = images
            file[f"/entry/shifts/{name}"] = numpy.array(WRONG[name], dtype=float)
    return tmp_path


def assert_aligned(path, stacks):
    """With the motion of the sample, which the registration of Ca-K is."""
    with h5py.File(path) as file:
        plot = get_default(file)
        assert plot.signal.name == "/entry/align/maps/Fe-K"
        assert plot.axes_dataset_names == ["energy", "y", "x"]
        # Rows from 0 to 3 and columns from -2 to 2 are missing somewhere.
        assert plot.signal.shape == (4, 21, 24)
        numpy.testing.assert_array_equal(file["/entry/align/maps/y"], numpy.arange(21))
        numpy.testing.assert_array_equal(file["/entry/align/maps/x"], numpy.arange(2, 26))
        for name, images in stacks.items():
            aligned = file[f"/entry/align/maps/{name}"][()]
            assert numpy.isfinite(aligned).all()
            # The sample does not move any more.
            for image in aligned[1:]:
                numpy.testing.assert_allclose(image, aligned[0], rtol=1e-4)
            numpy.testing.assert_array_equal(aligned[0], images[0, :21, 2:26])
        configuration = json.loads(file["/entry/align/configuration/data"][()])
        assert configuration["reference_stack"] == "Ca-K"
        assert configuration["crop"] is True


def inputs_of(folder, stacks):
    registrations = {name: f"{folder}/maps.h5::/entry/shifts/{name}" for name in stacks}
    return [
        {"id": "select", "name": "input_root_uri", "value": f"{folder}/maps.h5"},
        {"id": "select", "name": "output_root_uri", "value": f"{folder}/aligned.h5"},
        {"id": "rank", "name": "transformations", "value": registrations},
    ]


def test_from_a_nexus_file_to_an_aligned_one(folder, stacks):
    outputs = execute_graph(shipped("align"), inputs=inputs_of(folder, stacks))
    assert set(outputs["image_stacks"]) == set(stacks)
    assert_aligned(folder / "aligned.h5", stacks)


def test_from_a_nexus_file_to_an_aligned_one_without_registrations(folder, stacks):
    inputs = inputs_of(folder, stacks)[:2]
    outputs = execute_graph(shipped("align_a_file"), inputs=inputs)
    assert set(outputs["image_stacks"]) == set(stacks)
    with h5py.File(folder / "aligned.h5") as file:
        assert get_default(file).signal.name.startswith("/entry/align/maps/")


def test_the_same_on_a_dask_cluster(folder, stacks):
    execute_with_dask = pytest.importorskip("ewoksdask").execute_graph
    execute_with_dask(shipped("align"), inputs=inputs_of(folder, stacks))
    assert_aligned(folder / "aligned.h5", stacks)


def test_the_command_of_the_documentation_works(folder, stacks):
    pytest.importorskip("ewoks")
    text = (ROOT / "doc/how_to/workflow.md").read_text()
    start = text.index("ewoks execute align ")
    command = text[start : text.index("```", start)].replace("\\\n", " ")
    _, _, *arguments = shlex.split(command)
    done = execute(folder, *arguments)
    assert done.returncode == 0, done.stderr
    assert_aligned(folder / "aligned.h5", stacks)


def test_the_example_aligns_what_it_makes():
    pytest.importorskip("skimage")
    aligned = execute_graph(shipped("align_example"))["image_stacks"]
    assert len(aligned) == 4
    (shape,) = {numpy.shape(images) for images in aligned.values()}
    # Each of the 12 images moves by 3 rows and 2 columns; a thousandth of a pixel can cost one.
    numpy.testing.assert_allclose(shape, (12, 200 - 33, 220 - 22), atol=1)
    assert all(numpy.isfinite(images).all() for images in aligned.values())
    # Without noise, the sample does not move any more.
    for image in aligned["stack_0"]:
        numpy.testing.assert_allclose(image, aligned["stack_0"][0], atol=0.05)
