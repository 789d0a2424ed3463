"""Junk as an input of the task: a documented exception or a result, and soon."""

import os
import shutil
import signal
import threading
import warnings
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy
import pytest
from hypothesis import event
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation

from . import junk
from .conftest import EXAMPLES
from .conftest import FUZZ

# Exactly these: a special one, such as UnicodeEncodeError, was not meant for the user.
DOCUMENTED = {TypeError, ValueError, OSError, FileNotFoundError, FileExistsError, PermissionError}

# The warnings of the documentation; any other one fails the test.
WARNINGS = (
    "Cannot be scored and rank last",
    "No registration can be scored",
    "Nothing to rank",
    "The stacks are not ranked",
    "Infinite pixels",
    "Pixels with the largest value",
    "Pixels that never change",
    "No registration is better than none",
    "The registration .* has no transformation of",
    "The stacks .*do not share one motion",
    "Images that resemble no other",
    "Images have the opposite contrast",
)

# Seconds for one input; most need a thousandth of one.
PATIENCE = 20


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """The working folder, with files that the URLs of the junk may name."""
    path = tmp_path_factory.mktemp("junk")
    previous = os.getcwd()
    os.chdir(path)
    (path / "folder").mkdir()
    (path / "text.txt").write_text("not HDF5")
    images = numpy.array(junk.IMAGES)
    with h5py.File("maps.h5", "w") as file:
        file["/maps/a"] = images
        file["/maps/b"] = images
        file["/scan"] = numpy.stack([images, images])
        file["/text"] = "text"
    yield path
    os.chdir(previous)


@contextmanager
def folder_as_before():
    """What was written is taken away, so that an input does the same whatever was tried before."""
    names = set(os.listdir())
    state = os.stat("maps.h5")
    data = Path("maps.h5").read_bytes()
    try:
        yield
    finally:
        if os.stat("maps.h5").st_mtime_ns != state.st_mtime_ns:
            Path("maps.h5").write_bytes(data)
        for name in set(os.listdir()) - names:
            shutil.rmtree(name) if os.path.isdir(name) else os.remove(name)
        for name in os.listdir("folder"):
            os.remove(f"folder/{name}")


@contextmanager
def time_limit():
    if not hasattr(signal, "setitimer") or threading.current_thread() != threading.main_thread():
        yield
        return

    def give_up(*_):
        raise TimeoutError(f"not done after {PATIENCE} s")

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def check(inputs):
    task = Reg2DPostEvaluation(inputs=inputs)
    try:
        with folder_as_before(), time_limit(), warnings.catch_warnings():
            warnings.simplefilter("error")
            for message in WARNINGS:
                warnings.filterwarnings("ignore", message, RuntimeWarning)
            task.execute()
    except RuntimeError as error:
        cause = error.__cause__
        if type(cause) not in DOCUMENTED:
            raise
        assert "\n" not in str(cause)
        event(type(cause).__name__)  # counted by --hypothesis-show-statistics
        return
    event("result")
    ranking = task.get_output_value("ranked_stack_names")
    assert ranking is None or sorted(ranking) == sorted(inputs["transformations"])


# Of the long run, a part goes to each input.
@settings(max_examples=FUZZ // (len(junk.INPUTS) + 1) if FUZZ else 6 * EXAMPLES)
@pytest.mark.parametrize("name", junk.INPUTS)
@given(data=st.data())
def test_one_input_is_junk(name, data):
    value = data.draw(junk.INPUTS[name], label=name)
    check({**junk.good_inputs(), name: value})


@settings(max_examples=FUZZ // (len(junk.INPUTS) + 1) if FUZZ else 6 * EXAMPLES)
@given(inputs=st.fixed_dictionaries({}, optional=junk.INPUTS))
def test_several_inputs_are_junk(inputs):
    check({**junk.good_inputs(), **inputs})
