"""The registration that is put out, refined on all stacks."""

from __future__ import annotations

import json

import h5py
import numpy
import pytest

from ewoksndreg import Homography
from ewoksndreg.tasks import reg2d_posteval
from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation

from ..conftest import shift_matrix
from ..evaluation.conftest import moving_stack
from ..evaluation.conftest import translations

SHAPE = (60, 64)
MOTION = numpy.array([(0, 0), (1.4, -2.2), (2.7, -3.1), (3.5, -5.6)])


@pytest.fixture
def stacks():
    return {name: moving_stack(seed, MOTION, SHAPE) for seed, name in enumerate("abc")}


@pytest.fixture
def transformations():
    rng = numpy.random.default_rng(0)
    errors = {name: rng.normal(scale=scale, size=(4, 2)) for name, scale in zip("abc", (0.3, 2, 3))}  # noqa: B905
    for each in errors.values():
        each[0] = 0
    return {name: translations(MOTION + each) for name, each in errors.items()}


def run(**inputs):
    task = Reg2DPostEvaluation(inputs={"refine": True, **inputs})
    task.execute()
    return task, task.get_output_values()


def error_of(transformations):
    found = numpy.array([each.passive_matrix[:2, 2] for each in transformations])
    return numpy.abs(found - MOTION).max()


def test_the_best_registration_is_refined_for_all_stacks(stacks, transformations, caplog):
    caplog.set_level("INFO")
    task, outputs = run(image_stacks=stacks, transformations=transformations)
    assert outputs["reference_stack"] == "a"
    assert outputs["ranked_stack_names"] == ["a", "b", "c"]
    assert set(outputs["transformations"]) == {"a", "b", "c"}
    for each in outputs["transformations"].values():
        assert error_of(each) < 0.05 < error_of(transformations["a"])
    scores = outputs["scores"]
    assert scores["a"]["refined_score"] < task.refinement.before.score
    assert scores["a"]["refined_relative_error"] < scores["a"]["relative_error"]
    assert scores["a"]["moved"] == pytest.approx(task.refinement.moved.mean())
    assert "moved" not in scores["b"]
    json.dumps(scores)
    assert "refined on 3 of 3 stacks: moved by 0." in caplog.text


def test_the_refined_registration_is_saved(stacks, transformations, tmp_path):
    task, outputs = run(
        image_stacks=stacks,
        transformations=transformations,
        output_root_uri=f"{tmp_path / 'aligned.h5'}::/entry/aligned",
    )
    with h5py.File(tmp_path / "aligned.h5") as file:
        for name, stack in stacks.items():
            expected = outputs["transformations"][name][2].apply_data(stack[2])
            numpy.testing.assert_allclose(file[f"entry/aligned/{name}"][2], expected, rtol=1e-6)
        saved = file["entry/aligned_evaluation/transformations"]
        name = outputs["reference_stack"]
        numpy.testing.assert_array_equal(
            saved[f"{name}, refined"],
            [each.passive_matrix for each in outputs["transformations"][name]],
        )
        assert file["entry/aligned"].attrs["title"].endswith("refined on all stacks")
        told, found = file["entry/aligned_evaluation/refinement"], task.refinement
        assert told["summary"].asstr()[()] == str(found)
        assert told["accepted"][()]
        assert list(told["score"]) == [found.before.score, found.after.score]
        assert list(told["remaining_shift"]) == [
            found.remaining_shift_before,
            found.remaining_shift_after,
        ]
        assert list(told["moved"]) == list(found.moved)
        assert told["moved"].attrs["units"] == "px"
        assert json.loads(told["stack_weights"].asstr()[()]) == found.stack_weights


def test_a_forced_registration_is_refined(stacks, transformations):
    task, outputs = run(image_stacks=stacks, transformations=transformations, reference_stack="b")
    assert outputs["reference_stack"] == "b"
    assert outputs["scores"] is None
    assert task.refinement.accepted
    assert error_of(outputs["transformations"]["c"]) < 0.05 < error_of(transformations["b"])


def test_scored_on_own_stacks_it_is_refined_on_all_of_its_shape(stacks, transformations):
    stacks["c"] = numpy.pad(stacks["c"], ((0, 0), (3, 3), (3, 3)), mode="reflect")
    task, outputs = run(image_stacks=stacks, transformations=transformations, evaluate_on="own")
    assert set(task.refinement.stack_weights) == {"a", "b"}
    assert error_of(outputs["transformations"]["c"]) < 0.05


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"skip": True}, "Nothing is refined: the stacks are not ranked"),
        ({"same": True}, "Nothing to rank or to refine: all registrations are equal"),
    ],
)
def test_nothing_to_refine_is_warned_of(inputs, message, stacks, transformations):
    if inputs.pop("same", False):
        transformations = dict.fromkeys("abc", transformations["a"])
    with pytest.warns(RuntimeWarning) as warned:
        task, outputs = run(image_stacks=stacks, transformations=transformations, **inputs)
    assert any(message in str(each.message) for each in warned)
    assert outputs["transformations"] == transformations
    assert task.refinement is None


def test_what_cannot_be_refined_is_passed_on(stacks, transformations, tmp_path):
    matrix = shift_matrix(0, 0)
    matrix[2, 0] = 1e-5
    transformations["a"][1] = Homography(transformations["a"][1].passive_matrix @ matrix)
    with pytest.warns(RuntimeWarning, match="'a' was not refined: its type is projective"):
        task, outputs = run(
            image_stacks=stacks,
            transformations=transformations,
            output_root_uri=f"{tmp_path / 'aligned.h5'}::/entry/aligned",
        )
    assert outputs["transformations"]["b"] == transformations["a"]
    assert outputs["reference_stack"] == "a"
    assert not task.refinement.accepted
    with h5py.File(tmp_path / "aligned.h5") as file:
        told = file["entry/aligned_evaluation/refinement"]
        assert not told["accepted"][()]
        assert told["summary"].asstr()[()].startswith("not refined: its type is projective")


def test_a_failure_does_not_lose_the_ranking(stacks, transformations, monkeypatch):
    def fail(*_args, **_options):
        raise MemoryError("no memory is left")

    monkeypatch.setattr(reg2d_posteval, "refine_registration", fail)
    with pytest.warns(RuntimeWarning, match="'a' was not refined: no memory is left"):
        _, outputs = run(image_stacks=stacks, transformations=transformations)
    assert outputs["ranked_stack_names"] == ["a", "b", "c"]
    assert outputs["transformations"]["b"] == transformations["a"]
