"""Open what the task has saved; and no display."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import os
import sys

import h5py
import numpy
import pytest

from ewoksndreg.gui.__main__ import main
from ewoksndreg.gui.__main__ import open_window
from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation

from ..conftest import run_python
from .conftest import MOTION
from .conftest import WRONG
from .conftest import find_loaded_number
from .conftest import moving_sample


@pytest.fixture
def run(tmp_path):
    images = moving_sample()
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        file["maps/Ca-K"], file["maps/Fe-K"] = numpy.exp(images), images

    def run_task(group, **inputs):
        task = Reg2DPostEvaluation(
            inputs={
                "image_stacks": f"{tmp_path}/maps.h5::/maps",
                "transformations": {
                    "Ca-K": numpy.array(WRONG, float),
                    "Fe-K": numpy.add(MOTION, [[0, 0], *[[0.1, 0]] * 5]),
                },
                "output_root_uri": f"{tmp_path}/result.h5::/entry/{group}",
                **inputs,
            }
        )
        task.execute()
        return task

    return run_task


@pytest.fixture
def result_file(tmp_path):
    return f"{tmp_path}/result.h5"


def test_a_saved_result_is_shown_as_it_was(run, result_file, application, wait_until):
    task = run("aligned", refine=True)
    view = open_window(result_file)
    wait_until(lambda: find_loaded_number(view) == 5)
    shown = view._result
    assert shown.evaluation.scores() == task.evaluation.scores()
    assert shown.evaluation.trust() == task.evaluation.trust()
    assert shown.evaluation.reference_images == task.evaluation.reference_images[:1]
    assert shown.evaluation.warnings == task.evaluation.warnings
    numpy.testing.assert_array_equal(
        shown.evaluation.relative_error_per_image[0],
        task.evaluation.relative_error_per_image[1],  # Fe-K is best, and was given second
    )
    assert task.refinement.accepted
    assert view.summary.text().endswith(f"It was {task.refinement}.")
    view.choose("Ca-K")  # which was not refined
    assert view.summary.text().endswith("aligned with the registration of 'Ca-K'.")
    view.choose("Fe-K")
    assert view.images_tab.side_b.choice.currentData() == "Fe-K, refined"
    assert list(shown.refined["Fe-K"]) == list(task.refinement.transformations)
    assert list(shown.registrations["Ca-K"]) == list(task.registrations["Ca-K"])
    assert view.summary.text().startswith("The registration of 'Fe-K' is the best of 2.")
    view.close()
    view.deleteLater()


def test_without_a_file_of_the_images_the_numbers_and_warnings_are_shown(
    run, result_file, application
):
    images = moving_sample()
    images[3] = -images[3]
    pixels = {"Ca-K": numpy.exp(images), "Fe-K": images}
    pixels["Ca-K"][1, 2, 3] = numpy.inf
    with pytest.warns(RuntimeWarning) as caught:
        task = run("aligned", image_stacks=pixels)
    assert [str(each.message) for each in caught] == [*task.evaluation.warnings]
    view = open_window(result_file)
    shown = view._result.evaluation
    assert shown.opposite_images == task.evaluation.opposite_images != {}
    assert shown.infinite_pixels == task.evaluation.infinite_pixels
    assert shown.warnings == task.evaluation.warnings
    assert view.per_image_tab.plot.getCurve("Fe-K") is not None
    for name in pixels:
        view.selection.select_stack(name)
        assert (
            view.images_tab.error.text() == f"There is no file with the images of stack {name!r}."
        )
    assert view.motion_tab.message.text().endswith(": there is no file with them.")
    view.close()
    view.deleteLater()


def test_of_several_results_one_is_named(run, result_file, application, capsys):
    run("first", reference_stack="Ca-K")
    run("second")
    for group in ("/entry/second", "/entry/second_evaluation"):
        view = open_window(f"{result_file}::{group}")
        assert view._result.reference_stack == "Fe-K"
        view.close()
        view.deleteLater()
    assert main([result_file]) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert f"{result_file}::/entry/first_evaluation" in sentence
    assert main([f"{result_file}::/entry/nothing"]) == 2
    assert main([f"{result_file}.missing"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


WITHOUT_DISPLAY = """
from ewoksndreg.gui import EvaluationView
from ewoksndreg.gui import make_application
from ewoksndreg.gui.__main__ import main
for start in (EvaluationView, make_application):
    try:
        start()
    except RuntimeError as error:
        print(error)
print(main(["result.h5"]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a display is always there")
def test_without_a_display_a_sentence_says_what_works_there():
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    done = run_python("-c", WITHOUT_DISPLAY, env=environment)  # not killed by Qt
    *sentences, returned = done.stdout.splitlines()
    assert returned == "2"
    sentences.append(done.stderr.splitlines()[-1])
    assert len(sentences) == 3
    for sentence in sentences:
        assert "There is no display for a window" in sentence
        assert "write_report" in sentence
        assert "plots" in sentence


def test_a_display_that_does_not_answer_is_none():
    environment = {**os.environ, "DISPLAY": ":987", "QT_QPA_PLATFORM": "xcb"}
    code = "from ewoksndreg.gui import make_application; make_application()"
    done = run_python("-c", code, env=environment, check=False)
    assert done.returncode == 1
    assert "There is no display for a window" in done.stderr.splitlines()[-1]
