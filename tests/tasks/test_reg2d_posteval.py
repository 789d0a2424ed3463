import json
import logging
from concurrent.futures import CancelledError
from functools import partial
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

import h5py
import numpy
import pytest
import silx.io
from ewokscore import execute_graph
from ewokscore.task_discovery import discover_all_tasks
from silx.io.nxdata import NXdata
from silx.io.nxdata import get_default
from silx.io.url import DataUrl

from ewoksndreg.evaluation import evaluate_stacks
from ewoksndreg.io.input_stack import InputStacks
from ewoksndreg.io.input_stack import input_context
from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation
from ewoksndreg.transformation import Transformation

from ..conftest import run_python
from .conftest import MOTION
from .conftest import WRONG
from .conftest import Progress
from .conftest import find_cause
from .conftest import run_task
from .conftest import shift_images
from .conftest import shifts

IDENTIFIER = "ewoksndreg.tasks.reg2d_posteval.Reg2DPostEvaluation"
RANKING = ["Ca-K", "Fe-K", "Zn-K"]


run = partial(run_task, Reg2DPostEvaluation)
cause_of = partial(find_cause, run)


def read_saved(url):
    path, group = str(url).split("::")
    with h5py.File(path) as file:
        return {name: file[group][name][()] for name in file[group]}


def assert_saved(url, stacks, motions):
    result = read_saved(url)
    assert set(result) == set(stacks)
    for name, images in stacks.items():
        numpy.testing.assert_array_equal(result[name], shift_images(images, motions[name]))


@pytest.fixture
def output_url(tmp_path):
    return f"{tmp_path}/out.h5::/entry/aligned/"


def test_the_identifier_and_names_are_those_of_the_specification():
    assert Reg2DPostEvaluation.class_registry_name() == IDENTIFIER
    assert Reg2DPostEvaluation.required_input_names() == {"image_stacks", "transformations"}
    assert Reg2DPostEvaluation.optional_input_names() == {
        "convention",
        "reference_stack",
        "output_root_uri",
        "save_with",
        "compress",
        "output_configuration",
        "skip",
        "evaluate_on",
        "reference_image",
        "refine",
        "registered_from",
        "max_workers",
        "scheduler",
    }
    assert Reg2DPostEvaluation.output_names() == {
        "image_stacks",
        "transformations",
        "reference_stack",
        "ranked_stack_names",
        "output_configuration",
        "scores",
        "trust",
    }
    defaults = {
        name: field.default
        for name, field in Reg2DPostEvaluation.input_model().model_fields.items()
        if not field.is_required()
    }
    assert defaults == {
        "convention": None,
        "reference_stack": None,
        "output_root_uri": None,
        "save_with": None,
        "compress": True,
        "output_configuration": None,
        "skip": False,
        "evaluate_on": "all",
        "reference_image": "auto",
        "refine": False,
        "registered_from": None,
        "max_workers": None,
        "scheduler": None,
    }


def test_ewoks_discovers_the_task_and_the_workflow():
    assert IDENTIFIER in [task["task_identifier"] for task in discover_all_tasks()]
    assert "ewoksndreg.workflows.*" in entry_points(group="ewoks.workflows").names
    assert files("ewoksndreg.workflows").joinpath("post_evaluation.json").is_file()


@pytest.mark.parametrize("evaluate_on", ["all", "own"])
@pytest.mark.parametrize("save", [False, True])
def test_stacks_are_ranked(stacks, transformations, output_url, save, evaluate_on):
    configuration = {"param1": 0}
    outputs = run(
        image_stacks=stacks,
        transformations=transformations,
        evaluate_on=evaluate_on,
        output_configuration=configuration,
        output_root_uri=output_url if save else None,
    )
    assert outputs["reference_stack"] == "Ca-K"
    assert outputs["ranked_stack_names"] == RANKING
    # Names in the order of the stacks, everywhere the best registration
    assert list(outputs["transformations"]) == list(stacks)
    for items in outputs["transformations"].values():
        assert items == transformations["Ca-K"]
    assert outputs["image_stacks"] is stacks
    assert outputs["output_configuration"] == {"param1": 0, "reference_stack": "Ca-K"}
    assert configuration == {"param1": 0}
    evaluation = evaluate_stacks(stacks, transformations, evaluate_on=evaluate_on)
    assert list(outputs["scores"]) == RANKING
    for name, numbers in outputs["scores"].items():
        item = evaluation.registrations[name]
        assert numbers == {
            "score": item.score,
            "relative_error": item.relative_error,
            "own_relative_error": item.own_relative_error,
            "smoothness": item.smoothness,
            "min_overlap": item.min_overlap,
        }
    if save:
        assert_saved(output_url, stacks, WRONG)


@pytest.mark.parametrize("save", [False, True])
def test_skip_passes_everything_on(stacks, transformations, output_url, save):
    with pytest.warns(RuntimeWarning, match=r"not ranked \(skip\), but their registrations differ"):
        outputs = run(
            image_stacks=stacks,
            transformations=transformations,
            skip=True,
            reference_stack="whatever",
            output_root_uri=output_url if save else None,
        )
    assert outputs["reference_stack"] == "whatever"
    assert outputs["ranked_stack_names"] is None
    assert outputs["scores"] is None
    assert outputs["transformations"] is transformations
    assert outputs["image_stacks"] is stacks
    assert outputs["output_configuration"] == {"reference_stack": "whatever"}
    if save:
        assert_saved(output_url, stacks, WRONG)


def test_skip_does_not_warn_when_the_registrations_are_equal_and_checks_nothing():
    registrations = {"a": shifts(MOTION), "b": shifts(MOTION)}
    stacks = {"c": "no_such_file.h5::/entry"}
    outputs = run(image_stacks=stacks, transformations=registrations, skip=True)
    assert outputs["transformations"] is registrations
    assert outputs["reference_stack"] is None


@pytest.mark.parametrize("save", [False, True])
def test_a_reference_stack_serves_every_stack(stacks, transformations, output_url, save):
    outputs = run(
        image_stacks=stacks,
        transformations={"Fe-K": transformations["Fe-K"], "other": shifts(MOTION)},
        reference_stack="Fe-K",
        output_root_uri=output_url if save else None,
    )
    assert outputs["reference_stack"] == "Fe-K"
    assert outputs["ranked_stack_names"] is None
    assert outputs["scores"] is None
    assert list(outputs["transformations"]) == list(stacks)
    for items in outputs["transformations"].values():
        assert items == transformations["Fe-K"]
    if save:
        assert_saved(output_url, stacks, dict.fromkeys(stacks, WRONG["Fe-K"]))


def test_an_unknown_reference_stack_is_refused_with_the_near_match(stacks, transformations):
    error = cause_of(image_stacks=stacks, transformations=transformations, reference_stack="Fe_K")
    assert type(error) is ValueError
    assert "'Fe_K': did you mean 'Fe-K'? Available: 'Fe-K', 'Zn-K', 'Ca-K'" in str(error)


@pytest.mark.parametrize("form", ["arrays", "URLs"])
@pytest.mark.parametrize("save", [False, True])
@pytest.mark.parametrize("of", ["registration", "stack"])
def test_a_reference_stack_whose_registration_does_not_fit_is_refused(
    stacks, stacks_url, transformations, output_url, of, save, form
):
    sources = stacks if form == "arrays" else {name: f"{stacks_url}/{name}" for name in stacks}
    if of == "registration":
        transformations["Fe-K"] = transformations["Fe-K"][:3]
        message = (
            "Registration 'Fe-K' has 3 transformations, but the stacks have 4 images: each image"
            " needs one"
        )
    else:
        sources["Zn-K"] = stacks["Zn-K"][:3] if form == "arrays" else f"{sources['Zn-K']}&slice=1:4"
        message = (
            "Stack 'Zn-K' has 3 images and stack 'Fe-K' has 4: one registration must fit all stacks"
        )
    inputs = {"output_root_uri": output_url} if save else {}
    error = cause_of(
        image_stacks=sources, transformations=transformations, reference_stack="Fe-K", **inputs
    )
    assert type(error) is ValueError
    assert str(error) == message


def test_an_empty_reference_stack_is_none(stacks, transformations):
    outputs = run(image_stacks=stacks, transformations=transformations, reference_stack="")
    assert outputs["ranked_stack_names"] == RANKING


@pytest.mark.parametrize(
    ("case", "save"),
    [("equal", False), ("equal", True), ("one", False), ("one", True), ("none", False)],
)
def test_nothing_is_ranked_without_a_choice(stacks, output_url, save, case):
    names = {"equal": list(stacks), "one": ["Fe-K"], "none": []}[case]
    stacks = {name: stacks[name] for name in names}
    registrations = {name: shifts(MOTION) for name in names}
    reason = "all registrations are equal" if case == "equal" else "fewer than two"
    with pytest.warns(RuntimeWarning, match=f"Nothing to rank: .*{reason}"):
        outputs = run(
            image_stacks=stacks,
            transformations=registrations,
            output_root_uri=output_url if save else None,
        )
    assert outputs["reference_stack"] is None
    assert outputs["ranked_stack_names"] is None
    assert outputs["scores"] is None
    assert outputs["transformations"] is registrations
    assert outputs["output_configuration"] == {"reference_stack": None}
    if save:
        assert_saved(output_url, stacks, dict.fromkeys(names, MOTION))


@pytest.mark.parametrize(
    ("skip", "warning"),
    [(True, "The stacks are not ranked"), (False, "all registrations are equal")],
)
def test_no_image_is_opened_where_nothing_is_ranked_or_saved(transformations, skip, warning):
    equal = dict.fromkeys(transformations, shifts(MOTION))
    registrations = transformations if skip else equal
    urls = {name: f"no_such_file.h5::/entry/{name}" for name in registrations}
    with pytest.warns(RuntimeWarning, match=warning):
        outputs = run(image_stacks=urls, transformations=registrations, skip=skip)
    assert outputs["image_stacks"] is urls


@pytest.mark.parametrize(
    "form", ["dict", "list", "DataUrl list", "registrations", "mixed", "opened"]
)
def test_every_form_of_stacks_gives_the_same_scores(stacks, transformations, stacks_url, form):
    expected = run(image_stacks=stacks, transformations=transformations)
    urls = {name: f"{stacks_url}/{name}" for name in stacks}
    with input_context(urls) as opened:
        data = {
            "dict": urls,
            "list": list(urls.values()),
            "DataUrl list": [DataUrl(url) for url in urls.values()],
            "registrations": {name: list(images) for name, images in stacks.items()},
            "mixed": {**urls, "Fe-K": stacks["Fe-K"], "Zn-K": stacks["Zn-K"].tolist()},
            "opened": opened,
        }[form]
        outputs = run(image_stacks=data, transformations=transformations)
        assert isinstance(opened, InputStacks)
    assert outputs["image_stacks"] is data
    assert outputs["scores"] == expected["scores"]
    assert outputs["ranked_stack_names"] == RANKING


def test_the_example_of_the_specification_validates():
    stacks = {"stack1": [[0, 0, 0], [1, 1, 1], [2, 2, 2]]}
    outputs = run(image_stacks=stacks, transformations={}, skip=True)
    assert outputs["image_stacks"] is stacks


@pytest.fixture
def workflow(tmp_path):
    workflow = files("ewoksndreg.workflows").joinpath("post_evaluation.json").read_text()
    path = tmp_path / "workflow.json"
    path.write_text(workflow)
    return str(path)


def test_a_json_workflow_reads_and_writes_hdf5(
    workflow, stacks, stacks_url, transformations, output_url
):
    urls = [f"{stacks_url}/{name}" for name in stacks]
    outputs = execute_graph(
        workflow,
        inputs=[
            {"name": "image_stacks", "value": urls},
            {"name": "transformations", "value": transformations},
            {"name": "output_root_uri", "value": output_url},
            {"name": "output_configuration", "value": {"param1": 0}},
        ],
        outputs=[{"all": True}],
    )
    assert outputs["ranked_stack_names"] == RANKING
    assert outputs["image_stacks"] == urls
    assert_saved(output_url, stacks, WRONG)
    path, group = output_url.split("::")
    with h5py.File(path) as file:
        aligned = file[group]
        assert aligned.attrs["signal"] == "Ca-K"
        assert sorted(aligned.attrs["auxiliary_signals"]) == ["Fe-K", "Zn-K"]
        process = file["entry/aligned_evaluation"]
        inputs = json.loads(process["inputs/data"].asstr()[()])
        assert inputs["image_stacks"] == dict(zip(stacks, urls, strict=True))
        assert inputs["output_configuration"] == {"param1": 0}
        assert inputs["evaluate_on"] == "all"
        assert inputs["skip"] is False
        matrices = numpy.array(inputs["transformations"]["Fe-K"])
        numpy.testing.assert_array_equal(matrices[:, :2, 2], WRONG["Fe-K"])
        scores = process["scores"]
        assert list(scores["registration"].asstr()) == RANKING
        assert list(scores["stack"].asstr()) == list(stacks)
        for number in ("score", "own_relative_error", "smoothness", "min_overlap"):
            expected = [outputs["scores"][name][number] for name in RANKING]
            assert list(scores[number]) == expected
        # Each registration on its own stack: rows are ranked, columns as they were given
        own = [outputs["scores"][name]["own_relative_error"] for name in RANKING]
        columns = [list(stacks).index(name) for name in RANKING]
        assert scores["relative_error"][()][range(3), columns] == pytest.approx(own)
        per_image = process["per_image/relative_error"][()]
        assert per_image.shape == (3, 3, len(MOTION))
        mean = (per_image[range(3), columns, 1:] ** 2).mean(axis=1)
        assert numpy.sqrt(mean).clip(max=1) == pytest.approx(own)
        motion = process["motion"]
        given = list(transformations)
        assert list(motion["registration"].asstr()) == given
        # Images are moved back by what they moved.
        expected = -numpy.array([WRONG[name] for name in given])
        numpy.testing.assert_allclose(motion["rows"], expected[:, :, 0])
        numpy.testing.assert_allclose(motion["columns"], expected[:, :, 1])


@pytest.mark.parametrize("save_with", ["own", "best"])
def test_stacks_are_saved_with_their_own_registration_or_the_best(
    stacks, transformations, output_url, caplog, save_with
):
    with caplog.at_level(logging.INFO):
        outputs = run(
            image_stacks=stacks,
            transformations=transformations,
            output_root_uri=output_url,
            save_with=save_with,
        )
    assert outputs["reference_stack"] == "Ca-K"
    own = save_with == "own"
    assert_saved(output_url, stacks, WRONG if own else dict.fromkeys(stacks, WRONG["Ca-K"]))
    title = "Images aligned, " + (
        "each stack with its own registration"
        if own
        else "all stacks with the registration of 'Ca-K', the best one"
    )
    path, group = output_url.split("::")
    with h5py.File(path) as file:
        assert file[group].attrs["title"] == title
        assert file["entry/aligned_evaluation/stacks/title"].asstr()[()] == title
    assert f"{title}, in {output_url}" in caplog.text


def test_several_registrations_of_one_stack_compete(stacks, transformations, output_url):
    registrations = {f"{name}, shifts": each for name, each in transformations.items()}
    registrations["motor"] = shifts([(0, 0)] * 4)
    sources = {f"{name}, shifts": "Zn-K" for name in stacks}
    inputs = {
        "image_stacks": stacks,
        "transformations": registrations,
        "registered_from": sources,
        "output_root_uri": output_url,
    }
    error = cause_of(**inputs, save_with="own")
    assert "There is no registration for stack 'Fe-K'" in str(error)
    outputs = run(**inputs)
    assert outputs["reference_stack"] == "Ca-K, shifts"
    evaluation = evaluate_stacks(stacks, registrations, registered_from=sources)
    assert outputs["scores"] == evaluation.scores()
    assert outputs["transformations"] == dict.fromkeys(stacks, transformations["Ca-K"])
    assert_saved(output_url, stacks, dict.fromkeys(stacks, WRONG["Ca-K"]))
    path, group = output_url.split("::")
    with h5py.File(path) as file:
        assert file[group].attrs["signal"] == "Zn-K"


def test_a_single_registration_is_scored_if_its_stack_is_given(stacks, transformations):
    inputs = {
        "image_stacks": {"Ca-K": stacks["Ca-K"]},
        "transformations": {"shifts": transformations["Ca-K"]},
    }
    outputs = run(**inputs, registered_from={"shifts": "Ca-K"})
    assert outputs["ranked_stack_names"] == ["shifts"]
    assert outputs["transformations"] == {"Ca-K": transformations["Ca-K"]}
    error = cause_of(**inputs, registered_from={"shifts": "Ca_K"})
    assert "'Ca_K': did you mean 'Ca-K'?" in str(error)


def test_how_far_it_can_be_trusted_is_saved(stacks, transformations, output_url):
    """An image of noise, and one whose registrations failed."""
    stacks["Fe-K"][2] = numpy.random.default_rng(0).normal(size=stacks["Fe-K"].shape[1:])
    failed = numpy.full((3, 3), numpy.nan)
    transformations = {name: [*each[:3], failed] for name, each in transformations.items()}
    with (
        pytest.warns(RuntimeWarning, match="resemble no other image"),
        pytest.warns(RuntimeWarning, match="has no transformation of image 3"),
    ):
        outputs = run(
            image_stacks=stacks, transformations=transformations, output_root_uri=output_url
        )
    trust = outputs["trust"]
    assert trust["reasons"]
    assert trust["bad_images"] == {"Fe-K": [2]}
    with h5py.File(output_url.split("::")[0]) as file:
        saved = file["entry/aligned_evaluation/trust"]
        assert saved["verdict"].asstr()[()] == trust["verdict"] == "check"
        for name in ("reasons", "silent_stacks"):
            assert list(saved[name].asstr()) == trust[name]
        for name in ("rivals", "bad_images", "motion_groups"):
            assert json.loads(saved[name].asstr()[()]) == trust[name]
        assert saved["remaining_shift"][()] == trust["remaining_shift"]
        assert saved["remaining_shift"].attrs["units"] == "px"
        assert any("resemble no other image" in each for each in saved["warnings"].asstr())


def test_saved_registrations_are_inputs_again(stacks, transformations, output_url):
    first = run(image_stacks=stacks, transformations=transformations, output_root_uri=output_url)
    path = output_url.split("::")[0]
    urls = {name: f"{path}::/entry/aligned_evaluation/transformations/{name}" for name in stacks}
    assert run(image_stacks=stacks, transformations=urls)["scores"] == first["scores"]


@pytest.mark.parametrize(
    ("part", "energies", "rows"), [("", [7.0, 7.1, 7.2, 7.3], 24), ("&slice=1:,2:", None, 22)]
)
def test_axes_and_units_of_the_input_are_carried_over(
    stacks, transformations, output_url, tmp_path, part, energies, rows
):
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        group = file.create_group("entry/maps")
        group.attrs.update(NX_class="NXdata", signal="Ca-K", axes=["energy", "y", "."])
        for name, images in stacks.items():
            group[name] = images
        group["Ca-K"].attrs["units"] = "ng/mm2"
        group["energy"] = [7.0, 7.1, 7.2, 7.3]
        group["energy"].attrs["units"] = "keV"
        group["y"] = numpy.arange(24) * 0.5
        group["y"].attrs["units"] = "um"
    run(
        image_stacks={name: f"{tmp_path}/maps.h5::/entry/maps/{name}{part}" for name in stacks},
        transformations={
            name: each if not part else each[1:] for name, each in transformations.items()
        },
        output_root_uri=output_url,
    )
    with silx.io.open(output_url.split("::")[0]) as file:
        assert file["entry/aligned/Ca-K"].attrs["units"] == "ng/mm2"
        assert set(file["entry/aligned"]) == set(stacks)
        plot = get_default(file)
        assert plot.issues == []
        assert plot.signal.attrs["units"] == "ng/mm2"
        assert plot.axes_dataset_names == ["energy", "y", None]
        assert [axis.attrs["units"] for axis in plot.axes[:2]] == ["keV", "um"]
        assert list(plot.axes[0]) == (energies or [7.1, 7.2, 7.3])
        assert list(plot.axes[1]) == list(numpy.arange(24 - rows, 24) * 0.5)
        motion = NXdata(file["entry/aligned_evaluation/motion"])
        assert motion.axes_dataset_names == [None, "energy"]


def test_the_parameters_are_valid_json_with_every_value(stacks, transformations, output_url):
    """As the standard library reads JSON that has no NaN."""
    masked = numpy.ma.masked_array([1.0, 99.0], [False, True])
    run(
        image_stacks=stacks,
        transformations=transformations,
        output_root_uri=output_url,
        output_configuration={
            "iterations": numpy.int64(50),
            "tolerance": numpy.float32(0.5),
            "mask": numpy.arange(2000),
            "limits": (float("nan"), float("inf")),
            "rois": {("a", "b"): 0.5, numpy.int64(3): "top", None: True},
            "same": {1: "number", "1": "string"},
            "masked": masked,
            "table": numpy.array([(1, 2.5)], dtype=[("x", int), ("y", float)]),
            "path": Path("a/b.h5"),
            "set": {1},
            "yes": numpy.bool_(True),
            1: {"key": "one"},
            None: {},
        },
    )

    def refuse(constant):
        raise AssertionError(constant)

    with h5py.File(output_url.split("::")[0]) as file:
        text = file["entry/aligned_evaluation/inputs/data"].asstr()[()]
    assert json.loads(text, parse_constant=refuse)["output_configuration"] == {
        "iterations": 50,
        "tolerance": 0.5,
        "mask": list(range(2000)),
        "limits": [None, "inf"],
        "rois": {"('a', 'b')": 0.5, "3": "top", "None": True},
        "same": {"1 (int)": "number", "1": "string"},
        "masked": [1.0, None],
        "table": {"x": [1], "y": [2.5]},
        "path": "a/b.h5",
        "set": [1],
        "yes": True,
        "1": {"key": "one"},
        "None": {},
    }


def test_parameters_that_hold_themselves_are_refused_before_the_work(
    stacks, transformations, output_url, tmp_path
):
    circle: dict[str, object] = {}
    circle["circle"] = circle
    progress = Progress()
    task = Reg2DPostEvaluation(
        inputs={
            "image_stacks": stacks,
            "transformations": transformations,
            "output_root_uri": output_url,
            "output_configuration": circle,
        },
        progress=progress,
    )
    with pytest.raises(RuntimeError) as caught:
        task.execute()
    assert type(caught.value.__cause__) is ValueError
    assert "Input 'output_configuration' cannot be saved: it contains itself" in str(caught.value)
    assert max(progress.values, default=0) == 0
    assert list(tmp_path.iterdir()) == []


class Unreadable:
    """Images of which the third is lost."""

    shape = (len(MOTION), 8, 9)
    dtype = numpy.dtype(float)

    def __len__(self):
        return len(MOTION)

    def __getitem__(self, index):
        if index == 2:
            raise OSError("bad sector")
        return numpy.zeros(self.shape[1:])


def test_an_image_that_cannot_be_read_is_named_while_saving(output_url, tmp_path):
    error = cause_of(
        image_stacks={"Ca-K": Unreadable()},
        transformations={"Ca-K": shifts(MOTION)},
        reference_stack="Ca-K",
        output_root_uri=output_url,
    )
    assert type(error) is OSError
    assert str(error) == "Stack 'Ca-K', image 2: bad sector"
    assert list(tmp_path.iterdir()) == []


class Mirrored(Transformation):
    """Known to nobody: no matrix, no type."""

    def apply_coordinates(self, coord):
        return numpy.asarray(coord)[:, ::-1]

    def apply_data(self, image, *, cval=numpy.nan, interpolation_order=1):
        return numpy.asarray(image, dtype=float)[:, ::-1]

    def __repr__(self):
        return "Mirrored()"


def test_a_foreign_transformation_and_arrays_are_saved_and_described(stacks, output_url):
    registrations = {name: [Mirrored() for _ in MOTION] for name in stacks}
    stacks["Zn-K"] = list(stacks["Zn-K"])
    with pytest.warns(RuntimeWarning, match=r"not ranked \(skip\)"):
        run(
            image_stacks=stacks,
            transformations=registrations,
            output_root_uri=output_url,
            skip=True,
        )
    for name, images in read_saved(output_url).items():
        numpy.testing.assert_array_equal(images, numpy.array(stacks[name])[:, :, ::-1])
    path, group = output_url.split("::")
    with h5py.File(path) as file:
        process = file[f"{group.rstrip('/')}_evaluation"]
        assert "scores" not in process
        inputs = json.loads(process["inputs/data"].asstr()[()])
    assert inputs["transformations"]["Fe-K"] == ["Mirrored()"] * len(MOTION)
    expected = "images in memory, shape (4, 24, 28)"
    assert inputs["image_stacks"] == dict.fromkeys(stacks, expected)


def test_the_output_may_be_the_file_that_is_read(stacks, stacks_url, transformations):
    path = stacks_url.split("::")[0]
    urls = [f"{stacks_url}/{name}" for name in stacks]
    output_url = f"{path}::/entry/aligned"
    run(image_stacks=urls, transformations=transformations, output_root_uri=output_url)
    assert_saved(output_url, stacks, WRONG)
    numpy.testing.assert_equal(read_saved(stacks_url), stacks)


def test_existing_results_are_refused_before_any_work(stacks, transformations, stacks_url):
    error = cause_of(
        image_stacks=dict.fromkeys(stacks, "no_such_file.h5::/entry"),
        transformations=transformations,
        output_root_uri=stacks_url,
    )
    assert type(error) is FileExistsError
    assert f"{stacks_url}/Fe-K' exists already" in str(error)


@pytest.mark.parametrize("save", [False, True])
def test_progress_rises_to_100(stacks, transformations, output_url, save):
    progress = Progress()
    task = Reg2DPostEvaluation(
        inputs={
            "image_stacks": stacks,
            "transformations": transformations,
            "output_root_uri": output_url if save else None,
        },
        progress=progress,
    )
    task.execute()
    assert progress.values == sorted(progress.values)
    assert progress.values[-1] == 100
    assert len(progress.values) >= 12


@pytest.mark.parametrize(("stop_at", "message"), [(30, "evaluation was"), (85, "saving was")])
def test_a_cancelled_task_leaves_nothing_and_runs_again(
    stacks, transformations, output_url, tmp_path, stop_at, message
):
    progress = Progress(stop_at)
    task = Reg2DPostEvaluation(
        inputs={
            "image_stacks": stacks,
            "transformations": transformations,
            "output_root_uri": output_url,
        },
        progress=progress,
    )
    progress.task = task
    with pytest.raises(RuntimeError, match="Execution failed") as caught:
        task.execute()
    assert isinstance(caught.value.__cause__, CancelledError)
    assert message in str(caught.value.__cause__)
    assert list(tmp_path.iterdir()) == []
    # Within one image: 12 images make the first 80 percent, 12 the rest
    assert max(progress.values) <= stop_at + 7
    progress.stop_at = 101
    task.execute()
    assert task.get_output_value("ranked_stack_names") == RANKING


def test_importing_the_task_imports_no_optional_package():
    optional = ["skimage", "SimpleITK", "matplotlib", "pystackreg", "cv2", "numba", "dask", "PyQt6"]
    optional += ["Orange", "ewoks", "distributed", "silx.gui"]
    code = (
        "import sys; import ewoksndreg.tasks.reg2d_posteval;"
        f"print([name for name in {optional} if name in sys.modules])"
    )
    assert run_python("-c", code).stdout.strip() == "[]"


def test_nothing_to_save_is_told(transformations, tmp_path):
    """`tests/errors` makes all other mistakes."""
    inputs = {"transformations": transformations, "skip": True}
    with pytest.warns(RuntimeWarning, match="The stacks are not ranked"):
        error = cause_of(image_stacks={}, output_root_uri=f"{tmp_path}/out.h5::/x", **inputs)
    assert (type(error), str(error)) == (ValueError, "There are no image stacks to save")
    assert list(tmp_path.iterdir()) == []
