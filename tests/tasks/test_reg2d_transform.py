"""Each row of what 0.5.0's transformation task takes and gives, with its defects mended, against
scipy, h5py and silx."""

import json
import warnings
from concurrent.futures import CancelledError
from functools import partial

import h5py
import numpy
import pytest
from ewokscore.task_discovery import discover_all_tasks
from scipy import ndimage
from silx.io.nxdata import get_default
from silx.io.url import DataUrl

from ewoksndreg import align_stacks
from ewoksndreg import open_stacks
from ewoksndreg.tasks.reg2d_transform import Reg2DTransform
from ewoksndreg.tasks.select_nxdata import SelectNXdataImageStacks

from ..conftest import Foreign
from ..conftest import rotation_matrix
from .conftest import WRONG
from .conftest import Progress
from .conftest import find_cause
from .conftest import run_task
from .conftest import shift_images
from .conftest import shifts
from .nexus_file import AXES
from .nexus_file import make_nexus_file

IDENTIFIER = "ewoksndreg.tasks.reg2d_transform.Reg2DTransform"


run = partial(run_task, Reg2DTransform)
cause_of = partial(find_cause, run)


def read(stacks):
    with open_stacks(stacks) as opened:
        return {name: numpy.stack(list(stack)) for name, stack in opened.items()}


def test_the_identifier_names_and_defaults_are_those_of_0_5_0():
    assert Reg2DTransform.class_registry_name() == IDENTIFIER
    assert IDENTIFIER in {task["task_identifier"] for task in discover_all_tasks()}
    assert Reg2DTransform.required_input_names() == {"image_stacks", "transformations"}
    assert Reg2DTransform.optional_input_names() == {
        "output_root_uri",
        "image_stacks_nxmetadata",
        "convention",  # not in 0.5.0
        "crop",
        "interpolation_order",
        "output_configuration",
    }
    assert Reg2DTransform.output_names() == {"image_stacks", "output_configuration"}
    fields = Reg2DTransform.input_model().model_fields
    defaults = {name: field.default for name, field in fields.items() if not field.is_required()}
    assert defaults == {
        "output_root_uri": None,
        "image_stacks_nxmetadata": None,
        "convention": None,
        "crop": False,
        "interpolation_order": 1,
        "output_configuration": None,
    }


def test_without_a_url_the_result_is_lists_of_images(stacks, transformations):
    outputs = run(image_stacks=stacks, transformations=transformations)
    assert list(outputs["image_stacks"]) == list(stacks)
    assert isinstance(outputs["image_stacks"]["Fe-K"], list)
    for name, images in stacks.items():
        expected = shift_images(images, WRONG[name])
        numpy.testing.assert_array_equal(outputs["image_stacks"][name], expected)


def test_numbers_may_be_in_the_convention_of_a_tool(stacks, transformations):
    """(x, y) shifts that move the image back, as whole results of a tool."""
    given = {
        name: [((-float(column), -float(row)), 0.5) for row, column in motion]
        for name, motion in WRONG.items()
    }
    outputs = run(image_stacks=stacks, transformations=given, convention="active xy")
    for name, images in stacks.items():
        expected = shift_images(images, WRONG[name])
        numpy.testing.assert_array_equal(outputs["image_stacks"][name], expected)


@pytest.mark.parametrize("form", [str, DataUrl])
def test_with_a_url_the_result_is_the_urls_of_what_was_saved(
    tmp_path, stacks, transformations, form
):
    url = form(f"{tmp_path}/out.h5::/entry/aligned/")
    outputs = run(
        image_stacks={"maps/Ca-K": stacks["Ca-K"], "Fe-K": stacks["Fe-K"]},
        transformations={
            "maps/Ca-K": transformations["Ca-K"],
            "Fe-K": transformations["Fe-K"],
        },
        output_root_uri=url,
    )
    assert outputs["image_stacks"] == {
        "maps/Ca-K": f"{tmp_path}/out.h5::/entry/aligned/maps/Ca-K",
        "Fe-K": f"{tmp_path}/out.h5::/entry/aligned/Fe-K",
    }
    with h5py.File(tmp_path / "out.h5") as file:
        for name in ("maps/Ca-K", "Fe-K"):
            expected = shift_images(stacks[name[-4:]], WRONG[name[-4:]])
            dataset = file[f"/entry/aligned/{name}"]
            numpy.testing.assert_array_equal(dataset, expected)
            assert dataset.chunks == (1, *dataset.shape[1:])  # an image is read by itself
            assert dataset.compression == "gzip"
        assert get_default(file, validate=False).signal.name == "/entry/aligned/Fe-K"


def test_stacks_and_registrations_as_urls(tmp_path, stacks, stacks_url):
    with h5py.File(tmp_path / "shifts.h5", "w") as file:
        for name in stacks:
            file[name] = numpy.array(WRONG[name], dtype=float)
    urls = [f"{stacks_url}/{name}" for name in stacks]
    registrations = {name: f"{tmp_path}/shifts.h5::/{name}" for name in stacks}
    outputs = run(image_stacks=urls, transformations=registrations)
    for name, images in stacks.items():
        expected = shift_images(images, WRONG[name])
        numpy.testing.assert_array_equal(outputs["image_stacks"][name], expected)


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("foreign", [False, True])
def test_every_order_holds_for_every_transformation(order, foreign, stacks):
    from ewoksndreg import Homography

    images = stacks["Zn-K"]
    matrix = rotation_matrix(8, (12, 14))
    rotations = [Homography(numpy.identity(3))] + [Homography(matrix)] * 3
    if foreign:
        rotations = [Foreign(rotation) for rotation in rotations]
    outputs = run(
        image_stacks={"a": images}, transformations={"a": rotations}, interpolation_order=order
    )
    expected = ndimage.affine_transform(images[2], matrix, order=order, cval=numpy.nan)
    numpy.testing.assert_allclose(outputs["image_stacks"]["a"][2], expected, atol=1e-12)


def test_an_order_that_does_not_exist_is_told_before_any_work(stacks, transformations):
    error = cause_of(image_stacks=stacks, transformations=transformations, interpolation_order=7)
    assert str(error) == ("Input 'interpolation_order' should be less than or equal to 5, not 7")


@pytest.mark.parametrize("dtype", ["bool", "u1", "u2", "i4", "f2"])
def test_what_comes_from_outside_is_nan_for_every_type_of_pixels(dtype):
    images = numpy.ones((2, 6, 7), dtype=dtype)
    (aligned,) = run(image_stacks={"a": images}, transformations={"a": [(0, 0), (1, 2)]})[
        "image_stacks"
    ].values()
    numpy.testing.assert_array_equal(aligned, shift_images(images, [(0, 0), (1, 2)]))


def test_stacks_that_are_open_are_aligned(stacks, transformations):
    with open_stacks(stacks) as opened:
        outputs = run(image_stacks=opened, transformations=transformations)
    for name, images in stacks.items():
        expected = shift_images(images, WRONG[name])
        numpy.testing.assert_array_equal(outputs["image_stacks"][name], expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Fe_K": []}, "There is no stack for the registration 'Fe_K': did you mean 'Fe-K'?"),
        (
            {"Fe-K": [(0, 0)] * 3},
            "Stack 'Fe-K' has 4 images, but its registration has 3 transformations",
        ),
    ],
)
def test_a_registration_that_does_not_fit_is_named(stacks, transformations, change, message):
    change = {name: value or transformations["Fe-K"] for name, value in change.items()}
    error = cause_of(image_stacks=stacks, transformations={**transformations, **change})
    assert type(error) is ValueError
    assert str(error).startswith(message)


def test_a_registration_that_is_missing_is_named(stacks, transformations):
    del transformations["Fe-K"]
    error = cause_of(image_stacks=stacks, transformations=transformations)
    assert str(error).startswith("There is no registration for stack 'Fe-K'")


def test_integers_are_cropped_as_others_are(stacks, transformations):
    motion = shifts([(0, 0), (3, -2), (-5, 4), (0, 0)])
    outputs = run(image_stacks=stacks, transformations=dict.fromkeys(stacks, motion), crop=True)
    for name, images in stacks.items():
        part = shift_images(images, [(0, 0), (3, -2), (-5, 4), (0, 0)])[:, 5:-3, 2:-4]
        assert numpy.isfinite(part).all()
        numpy.testing.assert_array_equal(outputs["image_stacks"][name], part)


@pytest.mark.parametrize("stack", ["list", "array"])
def test_stacks_with_different_registrations_are_cropped_without_nan(stack):
    images = numpy.random.default_rng(0).random((3, 60, 60))
    stacks = {"a": images if stack == "array" else list(images), "b": images}
    registrations = {
        "a": [rotation_matrix(angle, (30, 30)) for angle in (0, 5, -5)],
        "b": [(0, 0), (4, 0), (0, 9)],
    }
    aligned = run(image_stacks=stacks, transformations=registrations, crop=True)["image_stacks"]
    assert numpy.shape(aligned["a"]) == numpy.shape(aligned["b"])
    assert numpy.isfinite(aligned["a"]).all()
    assert numpy.isfinite(aligned["b"]).all()


def test_one_image_out_of_the_frame_is_an_error_that_names_it(stacks, transformations):
    transformations["Fe-K"] = [(0, 0), (0, 0), (100, 0), (0, 0)]
    error = cause_of(image_stacks=stacks, transformations=transformations, crop=True)
    assert "Cropping leaves nothing: image 2 of stack 'Fe-K' covers 0 of" in str(error)


def test_the_configuration_comes_out_extended_and_the_input_as_it_was(stacks, transformations):
    given = {"a": numpy.int64(1), "crop": "?"}
    outputs = run(image_stacks=stacks, transformations=transformations, output_configuration=given)
    assert outputs["output_configuration"] == {"a": 1, "crop": False, "interpolation_order": 1}
    assert given == {"a": 1, "crop": "?"}


# In a NeXus file


@pytest.fixture
def nexus_file(tmp_path):
    return make_nexus_file(tmp_path / "in.h5")


def select(url, **inputs):
    task = SelectNXdataImageStacks(inputs={"input_root_uri": str(url), **inputs})
    task.execute()
    return task.get_output_values()


def align(selected, **inputs):
    motion = [(0, 0), (1, 0), (0, 2), (-1, 1)]
    transformations = dict.fromkeys(selected["image_stacks"], motion)
    return run(**selected, transformations=transformations, **inputs)


@pytest.mark.parametrize("into", ["the same file", "another file"])
@pytest.mark.parametrize("crop", [False, True])
def test_select_and_transform_make_a_file_that_opens_as_a_plot(tmp_path, nexus_file, crop, into):
    inputs = {} if into == "the same file" else {"output_root_uri": f"{tmp_path}/out.h5"}
    selected = select(nexus_file, **inputs)
    outputs = align(selected, crop=crop, output_configuration={"mapper": "x"})
    path = nexus_file if into == "the same file" else tmp_path / "out.h5"
    rows, columns = (slice(1, 19), slice(0, 28)) if crop else (slice(None), slice(None))
    with h5py.File(path) as file:
        for group in ("parameters", "uncertainties"):
            plot = file[f"/entry/align/results/{group}"]
            assert plot.attrs["signal"] == "Ca-K"
            assert list(plot.attrs["axes"]) == ["energy", "y", "x"]
            numpy.testing.assert_array_equal(plot["energy"], AXES["energy"])
            numpy.testing.assert_array_equal(plot["y"], AXES["y"][rows])
            numpy.testing.assert_array_equal(plot["x"], AXES["x"][columns])
            assert plot["y"].attrs["units"] == "um"
            assert plot["Ca-K"].shape == (4, len(plot["y"]), len(plot["x"]))
        process = file["/entry/align"]
        assert process.attrs["NX_class"] == "NXprocess"
        note = json.loads(process["configuration/data"][()])
        assert note == outputs["output_configuration"]
        assert note == {"mapper": "x", "crop": crop, "interpolation_order": 1}
        plot = get_default(file)
        expected = "align/results" if into == "another file" else "process/results"
        assert plot.signal.name == f"/entry/{expected}/parameters/Ca-K"
        assert plot.axes_dataset_names == ["energy", "y", "x"]
        assert file["/entry"].attrs["default"] == (
            "align" if into == "another file" else "process/results/parameters"
        )


def test_running_twice_finds_the_same_stacks_and_keeps_the_first_result(nexus_file):
    first = select(nexus_file)
    align(first)
    second = select(nexus_file)
    assert second["image_stacks"] == first["image_stacks"]
    assert first["output_root_uri"].endswith("in.h5::/entry/align/results")
    assert second["output_root_uri"].endswith("in.h5::/entry/align_2/results")
    align(second, crop=True)
    assert select(nexus_file)["image_stacks"] == first["image_stacks"]
    with h5py.File(nexus_file) as file:
        assert file["/entry/align/results/parameters/Ca-K"].shape == (4, 20, 30)
        assert file["/entry/align_2/results/parameters/Ca-K"].shape == (4, 18, 28)
        assert file["/entry/align_2/results/parameters/y"].shape == (18,)


def test_a_process_that_is_there_stays_as_it_is(nexus_file):
    """Also where the tree names it: its dataset and classes are kept, the stacks go where the URL
    says, and what was applied is said beside them."""
    tree = {
        "entry": {
            "@NX_class": "NXentry",
            "process": {
                "@NX_class": "NXprocess",
                "program": "mine",
                "results": {"new": {"@NX_class": "NXdata", "@signal": "Ca-K", "note": "added"}},
            },
        }
    }
    url = f"{nexus_file}::/entry/process/results/new"
    stack = {"Ca-K": f"{nexus_file}::/entry/process/results/parameters/Ca-K"}
    outputs = run(
        image_stacks=stack,
        transformations={"Ca-K": [(0, 0)] * 4},
        output_root_uri=url,
        image_stacks_nxmetadata=tree,
    )
    assert outputs["image_stacks"] == {"Ca-K": f"{url}/Ca-K"}
    assert "configuration" not in tree["entry"]["process"]
    with h5py.File(nexus_file) as file:
        assert list(file["/entry"]) == ["process", "title"]
        assert file["/entry/process/program"].asstr()[()] == "fit"
        assert file["/entry/process/results/new/note"].asstr()[()] == "added"
        assert file["/entry/process/results/new_alignment"].attrs["NX_class"] == "NXprocess"
        assert "configuration" in file["/entry/process/results/new_alignment"]


def test_the_metadata_is_not_changed_and_may_be_anything_silx_writes(tmp_path, stacks):
    tree = {
        "@NX_class": "NXroot",
        "entry/aligned": {"@axes": [".", "y", "x"], "y": numpy.arange(24), "Ca-K@units": "cts"},
        "entry": {"sample": {"name": "gold", "@NX_class": "NXsample"}, ">link": "sample/name"},
    }
    run(
        image_stacks={"Ca-K": stacks["Ca-K"]},
        transformations={"Ca-K": [(0, 0), (2, 0), (0, 1), (0, 0)]},
        output_root_uri=f"{tmp_path}/out.h5::/entry/aligned",
        image_stacks_nxmetadata=tree,
        crop=True,
    )
    assert len(tree["entry/aligned"]["y"]) == 24
    with h5py.File(tmp_path / "out.h5") as file:
        group = file["/entry/aligned"]
        numpy.testing.assert_array_equal(group["y"], numpy.arange(22))
        # There was no axis for the columns.
        assert list(group.attrs["axes"]) == [".", "y", "column"]
        numpy.testing.assert_array_equal(group["column"], numpy.arange(27))
        assert group["Ca-K"].attrs["units"] == "cts"
        assert get_default(file).axes_dataset_names == [None, "y", "column"]
        assert file["/entry/link"].asstr()[()] == "gold"


def test_quantities_in_the_metadata_keep_their_units(tmp_path, stacks):
    """As silx writes them."""
    pint = pytest.importorskip("pint")
    run(
        image_stacks={"Ca-K": stacks["Ca-K"]},
        transformations={"Ca-K": [(0, 0)] * 4},
        output_root_uri=f"{tmp_path}/out.h5::/entry/aligned",
        image_stacks_nxmetadata={"entry": {"width": pint.UnitRegistry().Quantity(3.5, "mm")}},
    )
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["/entry/width"][()] == 3.5
        assert file["/entry/width"].attrs["units"] == "mm"


# Without metadata


def test_the_axes_of_the_input_are_saved_beside_the_stacks(tmp_path, nexus_file):
    url = f"{nexus_file}::/entry/process/results/parameters"
    run(
        image_stacks={"Ca": f"{url}/Ca-K&slice=1:4,:,2:30", "y": f"{url}/Fe-K&slice=1:4,:,2:30"},
        transformations={key: [(0, 0), (2, 0), (0, 3)] for key in ("Ca", "y")},
        output_root_uri=f"{tmp_path}/out.h5::/a",
        crop=True,
    )
    check_axes(tmp_path / "out.h5")


def check_axes(path):
    with h5py.File(path) as file:
        plot = get_default(file)
        assert plot.signal.name == "/a/Ca"
        assert [each.name for each in plot.auxiliary_signals] == ["/a/y"]
        # A stack has the name of an axis.
        assert plot.axes_dataset_names == ["energy", "y_axis", "x"]
        numpy.testing.assert_array_equal(file["/a/energy"], AXES["energy"][1:4])
        numpy.testing.assert_array_equal(file["/a/y_axis"], AXES["y"][:18])
        numpy.testing.assert_array_equal(file["/a/x"], AXES["x"][2:27])
        assert file["/a/x"].attrs["units"] == "um"


@pytest.mark.parametrize("open_dataset", [False, True])
def test_so_are_those_of_stacks_that_are_open(tmp_path, nexus_file, open_dataset):
    """Of which some images are taken."""
    url = f"{nexus_file}::/entry/process/results/parameters"
    with h5py.File(nexus_file) as file:
        given = {"Ca": f"{url}/Ca-K&slice=:,:,2:30", "y": f"{url}/Fe-K&slice=:,:,2:30"}
        if open_dataset:
            given = {"Ca": file["/entry/process/results/parameters/Ca-K"]}
        shifts = {key: [(0, 0), (2, 0), (0, 3)] for key in given}
        with open_stacks(given) as opened:
            stacks = {name: stack[1:4] for name, stack in opened.items()}
            align_stacks(stacks, shifts, f"{tmp_path}/out.h5::/a", crop=True)
    if not open_dataset:
        check_axes(tmp_path / "out.h5")
    with h5py.File(tmp_path / "out.h5") as file:
        numpy.testing.assert_array_equal(file["/a/energy"], AXES["energy"][1:4])


def test_names_may_hold_what_is_an_attribute_or_a_link_for_silx(tmp_path, stacks):
    given = dict(zip(["Fe@K", ">Ca", "a/b@c"], stacks.values(), strict=True))
    align_stacks(given, [(0, 0)] * 4, f"{tmp_path}/out.h5::/e")
    with h5py.File(tmp_path / "out.h5") as file:
        for group in (file["e"], file["e_alignment/transformations"]):
            assert sorted(group) == [">Ca", "Fe@K", "a"]
            assert list(group["a"]) == ["b@c"]
        assert file["e_alignment/transformations/Fe@K"].attrs["convention"] == "passive"


def test_without_a_url_the_metadata_is_not_used(stacks, transformations):
    (images,) = run(
        image_stacks={"Fe-K": stacks["Fe-K"]},
        transformations={"Fe-K": transformations["Fe-K"]},
        image_stacks_nxmetadata={"entry": {"@NX_class": "NXentry"}},
    )["image_stacks"].values()
    numpy.testing.assert_array_equal(images, shift_images(stacks["Fe-K"], WRONG["Fe-K"]))


@pytest.mark.parametrize("tree", [None, {"entry": {"title": "mine"}}])
def test_the_root_of_a_file_may_hold_the_stacks(tmp_path, nexus_file, tree):
    run(
        image_stacks={"Ca": f"{nexus_file}::/entry/process/results/parameters/Ca-K"},
        transformations={"Ca": [(0, 0)] * 4},
        output_root_uri=f"{tmp_path}/out.h5::/",
        image_stacks_nxmetadata=tree,
    )
    with h5py.File(tmp_path / "out.h5") as file:
        assert get_default(file).axes_dataset_names == ["energy", "y", "x"]
        assert file["/alignment"].attrs["NX_class"] == "NXprocess"


def test_what_was_applied_is_said_beside_the_stacks_and_can_be_given_back(
    tmp_path, stacks, transformations
):
    run(
        image_stacks=stacks,
        transformations=transformations,
        output_root_uri=f"{tmp_path}/out.h5::/entry/aligned",
        output_configuration={"nan": numpy.nan, "array": numpy.arange(2)},
    )
    with h5py.File(tmp_path / "out.h5") as file:
        process = file["/entry/aligned_alignment"]
        assert process.attrs["NX_class"] == "NXprocess"
        assert process["program"].asstr()[()] == "ewoksndreg"
        assert process["transformations/Fe-K"].attrs["convention"] == "passive"
        inputs = json.loads(process["inputs/data"][()])
        assert inputs["crop"] is False
        assert set(inputs["image_stacks"]) == set(stacks)
        configuration = json.loads(process["configuration/data"][()])
        assert configuration["array"] == [0, 1]
        assert configuration["nan"] is None
    given_back = {
        name: f"{tmp_path}/out.h5::/entry/aligned_alignment/transformations/{name}"
        for name in stacks
    }
    again = run(image_stacks=stacks, transformations=given_back)["image_stacks"]
    saved = read({name: f"{tmp_path}/out.h5::/entry/aligned/{name}" for name in stacks})
    for name in stacks:
        numpy.testing.assert_array_equal(again[name], saved[name])


def test_stacks_with_different_axes_share_none_of_them(tmp_path, nexus_file):
    make_nexus_file(tmp_path / "other.h5", energy=AXES["energy"] + 1)
    group = "/entry/process/results/parameters"
    with pytest.warns(RuntimeWarning, match="have different axes, 'energy' and 'energy'"):
        run(
            image_stacks={
                "a": f"{nexus_file}::{group}/Ca-K",
                "b": f"{tmp_path}/other.h5::{group}/Ca-K",
            },
            transformations=dict.fromkeys("ab", [(0, 0)] * 4),
            output_root_uri=f"{tmp_path}/out.h5::/entry/aligned",
        )
    with h5py.File(tmp_path / "out.h5") as file:
        assert list(file["/entry/aligned"].attrs["axes"]) == [".", "y", "x"]


def test_a_group_takes_more_stacks_later_and_says_of_both_how_they_came_to_be(tmp_path, stacks):
    url = f"{tmp_path}/out.h5::/entry/aligned"
    for name, images in stacks.items():
        run(
            image_stacks={name: images},
            transformations={name: WRONG[name]},
            output_root_uri=url,
            output_configuration={"of": name},
        )
    with h5py.File(tmp_path / "out.h5") as file:
        assert list(file["/entry/aligned"]) == sorted(stacks)
        assert file["/entry/aligned"].attrs["signal"] == "Fe-K"
        numbered = [f"/entry/aligned_alignment{number}" for number in ("", "_2", "_3")]
        for process, name in zip(numbered, stacks, strict=True):
            assert json.loads(file[process]["configuration/data"][()])["of"] == name
            assert list(file[process]["transformations"]) == [name]


# All or nothing


def test_what_exists_is_refused_and_nothing_of_the_others_is_written(
    tmp_path, stacks, transformations
):
    with h5py.File(tmp_path / "out.h5", "w") as file:
        file["/entry/aligned/Zn-K"] = 1
    url = f"{tmp_path}/out.h5::/entry/aligned"
    error = cause_of(image_stacks=stacks, transformations=transformations, output_root_uri=url)
    assert isinstance(error, FileExistsError)
    assert "Zn-K' exists already: choose another output URL" in str(error)
    with h5py.File(tmp_path / "out.h5") as file:
        assert list(file["/entry/aligned"]) == ["Zn-K"]


def test_a_url_without_a_path_is_refused_and_leaves_no_file(tmp_path, stacks, transformations):
    error = cause_of(
        image_stacks=stacks,
        transformations=transformations,
        output_root_uri=f"{tmp_path}/out.h5",
    )
    assert "does not say where in which file" in str(error)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("saved", [False, True])
def test_progress_goes_from_0_to_100_and_cancelling_leaves_nothing(
    tmp_path, stacks, transformations, saved
):
    inputs = {"image_stacks": stacks, "transformations": transformations}
    if saved:
        inputs["output_root_uri"] = f"{tmp_path}/out.h5::/entry/aligned"
    progress = Progress(stop_at=50)
    task = progress.task = Reg2DTransform(inputs=inputs, progress=progress)
    with pytest.raises(RuntimeError) as caught:
        task.execute()
    assert isinstance(caught.value.__cause__, CancelledError)
    assert str(caught.value.__cause__) == "The alignment was cancelled after 6 of 12 images"
    assert list(tmp_path.iterdir()) == []
    progress = Progress()
    Reg2DTransform(inputs=inputs, progress=progress).execute()
    assert progress.values == sorted(progress.values)
    assert progress.values[-1] == 100
    assert 50 in progress.values


def test_images_without_a_transformation_are_nan_and_named(stacks, transformations):
    transformations["Fe-K"] = numpy.array(WRONG["Fe-K"], dtype=float)
    transformations["Fe-K"][2] = numpy.nan
    with pytest.warns(RuntimeWarning, match="image 2 of stack 'Fe-K'$"):
        outputs = run(image_stacks=stacks, transformations=transformations)
    assert numpy.isnan(outputs["image_stacks"]["Fe-K"][2]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(image_stacks={"a": stacks["Ca-K"]}, transformations={"a": [(0, 0)] * 4})
