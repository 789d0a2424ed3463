"""The input `transformations` in every form, and when a file of them is opened."""

import json
from contextlib import nullcontext
from functools import partial
from importlib.metadata import version
from importlib.resources import files

import h5py
import numpy
import pytest
from ewokscore import execute_graph
from silx.io.url import DataUrl

from ewoksndreg.evaluation import evaluate_stacks
from ewoksndreg.evaluation import post_evaluation
from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation
from ewoksndreg.transformation import Homography
from ewoksndreg.transformation import Transformation

from .conftest import MOTION
from .conftest import WRONG
from .conftest import run_task
from .conftest import shift_images
from .conftest import shifts

RANKING = ["Ca-K", "Fe-K", "Zn-K"]
NOWHERE = "no_such_file.h5::/entry/shifts"


run = partial(run_task, Reg2DPostEvaluation)


@pytest.fixture
def shifts_url(tmp_path):
    with h5py.File(tmp_path / "shifts.h5", "w") as file:
        for name, motion in WRONG.items():
            file[f"/entry/{name}"] = numpy.array(motion, dtype=float)
    return f"{tmp_path}/shifts.h5::/entry"


@pytest.fixture(params=["(N, 2)", "(N, 2, 3)", "(N, 3, 3)", "nested", "URL", "DataUrl", "mixed"])
def registrations(request, shifts_url):
    """The registrations of the fixture `transformations`, in another form."""
    matrices = {
        name: numpy.stack([item.passive_matrix for item in shifts(motion)])
        for name, motion in WRONG.items()
    }
    urls = {name: f"{shifts_url}/{name}" for name in WRONG}
    return {
        "(N, 2)": {name: numpy.array(motion) for name, motion in WRONG.items()},
        "(N, 2, 3)": {name: stack[:, :2] for name, stack in matrices.items()},
        "(N, 3, 3)": matrices,
        "nested": {name: stack.tolist() for name, stack in matrices.items()},
        "URL": urls,
        "DataUrl": {name: DataUrl(url) for name, url in urls.items()},
        "mixed": {**urls, "Fe-K": shifts(WRONG["Fe-K"]), "Zn-K": WRONG["Zn-K"]},
    }[request.param]


def read_saved(url):
    path, group = url.split("::")
    with h5py.File(path) as file:
        images = {name: item[()] for name, item in file[group].items()}
        return images, json.loads(file[f"{group}_evaluation/inputs/data"].asstr()[()])


def test_every_form_is_ranked_and_saved(stacks, transformations, registrations, tmp_path):
    expected = run(image_stacks=stacks, transformations=transformations)
    output_url = f"{tmp_path}/out.h5::/entry/aligned"
    outputs = run(image_stacks=stacks, transformations=registrations, output_root_uri=output_url)
    assert outputs["ranked_stack_names"] == RANKING
    assert outputs["scores"] == expected["scores"]
    for items in outputs["transformations"].values():
        assert all(isinstance(item, Transformation) for item in items)
        assert items == transformations["Ca-K"]
    images, inputs = read_saved(output_url)
    for name, stack in stacks.items():
        numpy.testing.assert_array_equal(images[name], shift_images(stack, WRONG[name]))
        if isinstance(registrations[name], str):
            assert inputs["transformations"][name] == registrations[name]
        elif not isinstance(registrations[name], DataUrl):
            matrices = numpy.array(inputs["transformations"][name])
            numpy.testing.assert_array_equal(matrices[:, :2, 2], WRONG[name])


def test_every_form_is_evaluated(stacks, transformations, registrations):
    expected = evaluate_stacks(stacks, transformations)
    assert evaluate_stacks(stacks, registrations).scores() == expected.scores()
    assert post_evaluation(stacks, registrations) == post_evaluation(stacks, transformations)


@pytest.mark.parametrize("function", [evaluate_stacks, post_evaluation])
def test_an_evaluation_names_the_stack_of_a_registration_it_cannot_read(
    stacks, transformations, function
):
    with pytest.raises(FileNotFoundError, match=f"^Registration 'Zn-K': {NOWHERE}"):
        function(stacks, {**transformations, "Zn-K": NOWHERE})


def test_a_forced_registration_serves_every_stack_and_no_other_is_read(
    stacks, registrations, tmp_path
):
    output_url = f"{tmp_path}/out.h5::/entry/aligned"
    registrations = {"Fe-K": registrations["Fe-K"], "other": NOWHERE, "third": "no URL"}
    outputs = run(
        image_stacks=stacks,
        transformations=registrations,
        reference_stack="Fe-K",
        output_root_uri=output_url,
    )
    assert list(outputs["transformations"]) == list(stacks)
    for items in outputs["transformations"].values():
        assert all(isinstance(item, Transformation) for item in items)
        assert items == shifts(WRONG["Fe-K"])
    images, inputs = read_saved(output_url)
    for name, stack in stacks.items():
        numpy.testing.assert_array_equal(images[name], shift_images(stack, WRONG["Fe-K"]))
    assert inputs["transformations"]["other"] == NOWHERE


@pytest.mark.parametrize("save", [False, True])
def test_skip_hands_on_what_it_was_given(stacks, registrations, tmp_path, save):
    output_url = f"{tmp_path}/out.h5::/entry/aligned"
    # Without reading them nobody knows whether they differ.
    read = save or not all(isinstance(each, (str, DataUrl)) for each in registrations.values())
    differ = pytest.warns(RuntimeWarning, match="The stacks are not ranked")
    with differ if read else nullcontext():
        outputs = run(
            image_stacks=stacks,
            transformations=registrations,
            skip=True,
            output_root_uri=output_url if save else None,
        )
    assert outputs["transformations"] is registrations
    if save:
        images, _ = read_saved(output_url)
        for name, stack in stacks.items():
            numpy.testing.assert_array_equal(images[name], shift_images(stack, WRONG[name]))


def test_skip_opens_no_file_and_checks_nothing(stacks):
    registrations = {"Ca-K": NOWHERE, "Fe-K": f"{NOWHERE}2", "Zn-K": MOTION, "Cu-K": 5, "K": []}
    outputs = run(image_stacks=stacks, transformations=registrations, skip=True)
    assert outputs["transformations"] is registrations


def test_skip_warns_of_numbers_that_differ(stacks):
    registrations = {"Ca-K": NOWHERE, "Fe-K": MOTION, "Zn-K": [[0, 0]] * 4}
    with pytest.warns(RuntimeWarning, match=r"not ranked \(skip\), but their registrations differ"):
        run(image_stacks=stacks, transformations=registrations, skip=True)


def test_skip_needs_the_registrations_where_it_saves(stacks, tmp_path):
    with pytest.raises(RuntimeError) as caught:
        run(
            image_stacks=stacks,
            transformations=dict.fromkeys(stacks, NOWHERE),
            skip=True,
            output_root_uri=f"{tmp_path}/out.h5::/entry",
        )
    assert type(caught.value.__cause__) is FileNotFoundError
    assert list(tmp_path.iterdir()) == []


def test_registrations_are_equal_in_whatever_form(tmp_path):
    """No stack is opened, and what was given is passed on."""
    with h5py.File(tmp_path / "shifts.h5", "w") as file:
        file["shifts"] = MOTION
    registrations = {"a": f"{tmp_path}/shifts.h5::/shifts", "b": [list(shift) for shift in MOTION]}
    stacks = dict.fromkeys(registrations, "no_such_file.h5::/entry")
    with pytest.warns(RuntimeWarning, match="Nothing to rank: all registrations are equal"):
        outputs = run(image_stacks=stacks, transformations=registrations)
    assert outputs["transformations"] is registrations


def test_one_registration_that_is_not_needed_is_not_read():
    with pytest.warns(RuntimeWarning, match="Nothing to rank: .* fewer than two"):
        outputs = run(image_stacks={"a": "no.h5::/entry"}, transformations={"a": NOWHERE})
    assert outputs["transformations"] == {"a": NOWHERE}


def test_a_json_workflow_needs_nothing_but_json(stacks, tmp_path):
    """A JSON workflow with its inputs."""
    workflow = json.loads(
        files("ewoksndreg.workflows").joinpath("post_evaluation.json").read_text()
    )
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        for name, images in stacks.items():
            file[name] = images
    workflow["nodes"][0]["default_inputs"] = [
        {
            "name": "image_stacks",
            "value": {name: f"{tmp_path}/maps.h5::/{name}" for name in stacks},
        },
        {"name": "transformations", "value": {name: WRONG[name] for name in stacks}},
        {"name": "output_root_uri", "value": f"{tmp_path}/out.h5::/entry/aligned"},
    ]
    outputs = execute_graph(json.loads(json.dumps(workflow)))
    assert outputs["ranked_stack_names"] == RANKING
    images, _ = read_saved(f"{tmp_path}/out.h5::/entry/aligned")
    for name, stack in stacks.items():
        numpy.testing.assert_array_equal(images[name], shift_images(stack, WRONG[name]))


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("save", [False, True])
def test_numbers_in_another_convention_are_ranked_and_passed_on(
    stacks, transformations, by_name, save, tmp_path
):
    """(x, y) shifts that move the image back, as whole results of a tool."""
    given = {
        name: [((-float(column), -float(row)), 0.5) for row, column in motion]
        for name, motion in WRONG.items()
    }
    convention = dict.fromkeys(WRONG, "active xy") if by_name else numpy.str_("Active XY")
    url = f"{tmp_path}/out.h5::/entry" if save else None
    outputs = run(
        image_stacks=stacks, transformations=given, convention=convention, output_root_uri=url
    )
    assert outputs["ranked_stack_names"] == RANKING
    assert outputs["scores"] == run(image_stacks=stacks, transformations=transformations)["scores"]
    assert outputs["transformations"]["Fe-K"] == transformations["Ca-K"]
    assert evaluate_stacks(stacks, given, convention=convention).best == "Ca-K"
    if by_name:
        mixed = {**given, "Ca-K": WRONG["Ca-K"]}
        outputs = run(
            image_stacks=stacks,
            transformations=mixed,
            convention={"Fe-K": "active xy", "Zn-K": "active xy", "Ca-K": None},
        )
        assert outputs["ranked_stack_names"] == RANKING


@pytest.mark.parametrize("options", [{"skip": True}, {"reference_stack": "Fe-K"}, {}])
def test_nobody_behind_the_task_needs_the_convention(stacks, shifts_url, options):
    name = "Fe-K"
    given = {name: f"{shifts_url}/{name}"}
    alone = pytest.warns(RuntimeWarning, match="fewer than two registrations")
    with nullcontext() if options else alone:
        outputs = run(
            image_stacks={name: stacks[name]},
            transformations=given,
            convention="passive xy",
            **options,
        )
    found = [item.passive_matrix[:2, 2].tolist() for item in outputs["transformations"][name]]
    assert found == [[column, row] for row, column in WRONG[name]]


def test_values_of_numpy_and_of_json_are_those_of_python(stacks, transformations):
    """F32."""
    expected = run(image_stacks=stacks, transformations=transformations)
    names = numpy.array(list(stacks))
    outputs = run(
        image_stacks={name: stacks[str(name)] for name in names},
        transformations={name: transformations[str(name)] for name in names},
        max_workers=numpy.int64(0),
        skip=numpy.bool_(False),
        evaluate_on=numpy.str_("all"),
    )
    assert outputs["scores"] == expected["scores"]
    assert repr(outputs["ranked_stack_names"]) == repr(RANKING)
    optional = [
        name
        for name, field in Reg2DPostEvaluation.input_model().model_fields.items()
        if not field.is_required()
    ]
    nothing = dict.fromkeys(optional)
    outputs = run(image_stacks=stacks, transformations=transformations, **nothing)
    assert outputs["scores"] == expected["scores"]
    outputs = run(
        image_stacks=stacks, transformations=transformations, reference_stack=numpy.str_("Fe-K")
    )
    assert repr(outputs["reference_stack"]) == "'Fe-K'"


class Shift(Transformation):
    """A class of the user."""

    def __init__(self, shift):
        super().__init__("translation")
        self.shift = shift

    def apply_coordinates(self, coord):
        return numpy.asarray(coord) - numpy.reshape(self.shift, (2, 1))

    def apply_data(self, image, *, cval=numpy.nan, interpolation_order=1):
        return Homography(self.matrix).apply_data(image)

    @property
    def matrix(self):
        return [[1, 0, self.shift[0]], [0, 1, self.shift[1]], [0, 0, 1]]


@pytest.mark.skipif(
    version("ewokscore").startswith("4."), reason="ewokscore 4 saves no objects as JSON"
)
@pytest.mark.parametrize("form", ["numbers", "homographies", "composites", "own"])
def test_workflows_that_keep_their_results(stacks, tmp_path, form):
    """Of every form of transformations a hash can be made, without which ewoks keeps nothing."""
    make = {
        "numbers": lambda shift: list(shift),
        "homographies": lambda shift: Homography(Shift(shift).matrix),
        "composites": lambda shift: Shift(shift) @ Shift((0, 0)),
        "own": Shift,
    }[form]
    given = {name: [make(shift) for shift in motion] for name, motion in WRONG.items()}
    identifier = "ewoksndreg.tasks.reg2d_posteval.Reg2DPostEvaluation"
    node = {"id": "n", "task_type": "class", "task_identifier": identifier}
    values = [
        {"name": "image_stacks", "value": stacks},
        {"name": "transformations", "value": given},
    ]
    outputs = execute_graph(
        {"graph": {"id": "g"}, "nodes": [node], "links": []},
        inputs=values,
        varinfo={"root_uri": str(tmp_path), "scheme": "json"},
    )
    assert outputs["ranked_stack_names"] == RANKING
