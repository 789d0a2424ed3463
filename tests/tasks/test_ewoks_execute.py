"""The command of the documentation, run in a process of its own."""

import json
import shlex
from pathlib import Path

import h5py
import numpy
import pytest

from ..conftest import run_python
from .conftest import WRONG
from .conftest import shift_images

pytest.importorskip("ewoks")

ROOT = Path(__file__).parents[2]


def execute(folder, *arguments):
    return run_python("-m", "ewoks", "execute", *arguments, cwd=folder, timeout=120, check=False)


def workflow_of(**inputs):
    parameters = [f"{name}={json.dumps(value)}" for name, value in inputs.items()]
    return (
        "post_evaluation",
        "--workflow-module",
        "ewoksndreg.workflows",
        *[part for parameter in parameters for part in ("-ps", parameter)],
    )


@pytest.fixture
def folder(tmp_path, stacks):
    """`maps.h5`, with the names that the documentation uses."""
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        for name, images in stacks.items():
            file[f"/entry/maps/{name}"] = images
        for name, motion in WRONG.items():
            file[f"/entry/shifts/{name}"] = numpy.array(motion, dtype=float)
    return tmp_path


def assert_saved(folder, stacks, names):
    with h5py.File(folder / "aligned.h5") as file:
        group = file["/entry/aligned"]
        ranked = list(file["/entry/aligned_evaluation/scores/registration"].asstr())
        assert ranked == [name for name in ("Ca-K", "Fe-K", "Zn-K") if name in names]
        for name in names:
            numpy.testing.assert_array_equal(
                group[name][()], shift_images(stacks[name], WRONG[name])
            )


@pytest.mark.full
@pytest.mark.parametrize("form", ["URLs", "nested lists", "both"])
def test_ewoks_executes_the_shipped_workflow_with_json_only(folder, stacks, form):
    urls = {name: f"maps.h5::/entry/shifts/{name}" for name in stacks}
    numbers = {name: WRONG[name] for name in stacks}
    registrations = {
        "URLs": urls,
        "nested lists": numbers,
        "both": {**urls, "Fe-K": numbers["Fe-K"]},
    }
    done = execute(
        folder,
        *workflow_of(
            image_stacks=[f"maps.h5::/entry/maps/{name}" for name in stacks],
            transformations=registrations[form],
            output_root_uri="aligned.h5::/entry/aligned",
        ),
    )
    assert done.returncode == 0, done.stderr
    assert "FINISHED" in done.stdout
    assert_saved(folder, stacks, list(stacks))


def test_a_mistake_is_told_and_nothing_is_written(folder, stacks):
    done = execute(
        folder,
        *workflow_of(
            image_stacks=[f"maps.h5::/entry/maps/{name}" for name in stacks],
            transformations={name: f"maps.h5::/entry/shifts/{name[:2]}" for name in stacks},
            output_root_uri="aligned.h5::/entry/aligned",
        ),
    )
    assert done.returncode == 1
    assert "Registration 'Fe-K': maps.h5::/entry/shifts/Fe: There is no" in done.stderr
    assert "did you mean 'Fe-K'?" in done.stderr
    assert not (folder / "aligned.h5").exists()


def read_command(page):
    content = (ROOT / page).read_text()
    start = content.index("ewoks execute post_evaluation")
    return content[start : content.index("```", start)].replace("\\\n", " ")


def test_the_command_of_the_documentation_works(folder, stacks):
    command = read_command("doc/how_to/workflow.md")
    _, _, *arguments = shlex.split(command)
    done = execute(folder, *arguments)
    assert done.returncode == 0, done.stderr
    assert_saved(folder, stacks, ["Ca-K", "Fe-K"])
