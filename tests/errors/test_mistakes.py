"""Make each mistake of the list and compare the message of the library."""

import hashlib
import os
import tempfile
import warnings
from contextlib import contextmanager
from errno import ENOSPC
from pathlib import Path

import pytest

from ewoksndreg.evaluation import evaluate_stacks
from ewoksndreg.io import input_context
from ewoksndreg.io import output_context
from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation

from .measurement import FOLDER
from .measurement import IMAGES
from .measurement import SHIFTS
from .measurement import good_inputs
from .measurement import inputs_of
from .measurement import write_measurement
from .mistakes import MISTAKES
from .mistakes import WARNINGS

ALL_MISTAKES = [mistake for chapter in MISTAKES.values() for mistake in chapter]
ALL_WARNINGS = [mistake for chapter in WARNINGS.values() for mistake in chapter]

NOBODY = 65534


@pytest.fixture
def folder(monkeypatch):
    # Not `tmp_path`, into which other users cannot look.
    with tempfile.TemporaryDirectory() as name:
        path = Path(name).resolve()
        write_measurement(path)
        monkeypatch.chdir(path)
        yield path


def content(folder):
    """Everything in a folder; two contents are equal when not a byte was changed."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(
            b"" if path.is_dir() else path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob("*"))
    }


@contextmanager
def without_permission(folder, modes):
    """Files and folders with these permissions, and a user who is bound by them."""
    if not modes:
        yield
        return
    if not hasattr(os, "setresuid"):
        pytest.skip("permissions work otherwise on this system")
    previous = {name: (folder / name).stat().st_mode for name in (".", *modes)}
    folder.chmod(0o777)
    for name, mode in modes.items():
        (folder / name).chmod(mode)
    is_root = os.geteuid() == 0
    if is_root:
        # Permissions do not bind root. The third number lets the way back open.
        try:
            os.setresuid(NOBODY, NOBODY, 0)
        except OSError:
            pytest.skip("permissions do not bind this user, and there is no other one")
    try:
        yield
    finally:
        if is_root:
            os.setresuid(0, 0, 0)
        for name, mode in previous.items():
            (folder / name).chmod(mode)


@pytest.fixture
def circumstances(folder, monkeypatch):
    """The circumstances in which a mistake happens, as a context."""

    def no_space(*_):
        raise OSError(ENOSPC, os.strerror(ENOSPC))

    def of(mistake):
        if mistake.full:
            monkeypatch.setattr(os, "posix_fallocate", no_space)
        return without_permission(folder, mistake.mode)

    return of


def call_directly(name, inputs):
    stacks, registrations = inputs["image_stacks"], inputs["transformations"]
    if name == "input_context":
        with input_context(stacks):
            pass
    elif name == "evaluate_stacks":
        with input_context(stacks) as opened:
            evaluate_stacks(opened, registrations, evaluate_on=inputs.get("evaluate_on", "all"))
    else:
        with output_context(inputs["output_root_uri"]) as output:
            for stack_name in SHIFTS:
                output.add_points(stack_name, IMAGES)


def test_without_a_mistake_there_is_no_error(folder):
    inputs = inputs_of(ALL_MISTAKES[0], folder)
    inputs["image_stacks"] = good_inputs()["image_stacks"]
    inputs["image_stacks"] = {
        name: url.replace(FOLDER, str(folder)) for name, url in inputs["image_stacks"].items()
    }
    task = Reg2DPostEvaluation(inputs=inputs)
    task.execute()
    assert task.get_output_value("ranked_stack_names") == ["Ca-K", "Fe-K"]
    assert (folder / "out.h5").exists()


@pytest.mark.parametrize("mistake", ALL_MISTAKES, ids=lambda mistake: mistake.title)
def test_the_task_says_it_in_one_sentence_and_writes_nothing(mistake, folder, circumstances):
    inputs = inputs_of(mistake, folder)
    before = content(folder)
    with circumstances(mistake):
        task = Reg2DPostEvaluation(inputs=inputs)
        with pytest.raises(RuntimeError, match="Execution failed") as caught:
            task.execute()
    error = caught.value.__cause__
    message = str(error).replace(str(folder), FOLDER)
    assert (type(error), message) == (mistake.kind, mistake.message)
    assert "\n" not in message
    for name in mistake.names:
        assert name in message
    assert content(folder) == before


@pytest.mark.parametrize(
    "mistake",
    [mistake for mistake in ALL_MISTAKES if mistake.direct],
    ids=lambda mistake: mistake.title,
)
def test_the_function_says_the_same_when_it_is_called_directly(mistake, folder, circumstances):
    inputs = inputs_of(mistake, folder)
    before = content(folder)
    with circumstances(mistake), pytest.raises(mistake.kind) as caught:
        call_directly(mistake.direct, inputs)
    assert type(caught.value) is mistake.kind
    assert str(caught.value).replace(str(folder), FOLDER) == mistake.message
    assert content(folder) == before


@pytest.mark.parametrize("mistake", ALL_WARNINGS, ids=lambda mistake: mistake.title)
def test_what_cannot_be_scored_is_told_in_one_warning(mistake, folder):
    inputs = inputs_of(mistake, folder)
    task = Reg2DPostEvaluation(inputs=inputs)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        task.execute()
    assert [(warning.category, str(warning.message)) for warning in caught] == [
        (RuntimeWarning, mistake.message)
    ]
    assert "\n" not in mistake.message
    for name in mistake.names:
        assert name in mistake.message
    ranking = task.get_output_value("ranked_stack_names")
    if mistake.direct:
        assert ranking[-1] == "Fe-K"
        with pytest.warns(RuntimeWarning) as direct:
            call_directly(mistake.direct, inputs)
        assert str(direct[0].message) == mistake.message
    else:
        assert ranking is None


def test_a_missing_folder_is_no_mistake(folder):
    inputs = inputs_of(ALL_WARNINGS[0], folder)
    inputs = {**inputs, "skip": True, "output_root_uri": f"{folder}/new/folder/out.h5::/entry/a"}
    with pytest.warns(RuntimeWarning, match="not ranked"):
        Reg2DPostEvaluation(inputs=inputs).execute()
    assert sorted(os.listdir(folder / "new" / "folder")) == ["out.h5"]
