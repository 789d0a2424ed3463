"""The widget "Post-Registration Evaluation": typed into, clicked on and read."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import ast
import os
import re
from contextlib import nullcontext

import h5py
import numpy
import pytest
from silx.gui import qt
from silx.gui.utils.testutils import QTest
from silx.io.url import DataUrl

from ewoksndreg.evaluation import evaluate_stacks
from ewoksndreg.tasks import reg2d_posteval
from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation
from orangecontrib.ewoksndreg.controls import dialogs
from orangecontrib.ewoksndreg.reg2d_posteval import OWReg2DPostEvaluation

from .conftest import SlowImages
from .conftest import messages


@pytest.fixture
def widget(make_widget):
    return make_widget(OWReg2DPostEvaluation)


@pytest.fixture
def settle(wait_until):
    def wait(widget):
        wait_until(lambda: not widget.task_executor.isRunning() and not _busy(widget))

    return wait


@pytest.fixture
def run(settle):
    def click_and_wait(widget, button="Trigger"):
        _click(widget, button)
        settle(widget)

    return click_and_wait


def _button(widget, label):
    (button,) = [b for b in widget.findChildren(qt.QPushButton) if b.text() == label]
    return button


def _click(widget, label):
    assert _button(widget, label).isEnabled()
    QTest.mouseClick(_button(widget, label), qt.Qt.LeftButton)


def _busy(widget):
    return _button(widget, "Cancel").isEnabled()


def _field(widget, name):
    return widget.fields[name]


def _type(widget, name, typed):
    editor = _field(widget, name).editor
    editor.setFocus()
    editor.selectAll()
    QTest.keyClick(editor, qt.Qt.Key_Delete)
    for n, line in enumerate(typed.split("\n")):
        if n > 0:
            QTest.keyClick(editor, qt.Qt.Key_Return)
        QTest.keyClicks(editor, line)


def _choose(widget, name, words):
    combo = _field(widget, name).editor
    index = combo.findText(words)
    assert index >= 0, [combo.itemText(n) for n in range(combo.count())]
    combo.setCurrentIndex(index)
    combo.activated.emit(index)


def _read_labels(widget, name):
    """All that is written at a field, apart from what the user typed."""
    labels = _field(widget, name).findChildren(qt.QLabel)
    return [label.text() for label in labels if not label.isHidden() and label.text()]


def _message(widget):
    """The sentence that is shown in place of a result."""
    return widget.view.message.text()


def _link(widget, **values):
    for name, value in values.items():
        widget.set_dynamic_input(name, value)
    widget.handleNewSignals()


def _read_saved(widget):
    """The settings as they are written into the workflow file, and read from it."""
    return ast.literal_eval(repr(widget.settingsHandler.pack_data(widget)))


def _read_outputs(widget):
    return widget.get_task_output_values()


def test_before_it_ran_it_says_so(widget):
    assert _message(widget) == "Not run yet: press Trigger or Execute."
    assert widget.view.message.isVisible()
    assert not _busy(widget)
    assert messages(widget) == []


def test_stacks_and_registrations_that_are_typed_are_ranked(widget, run, measured):
    _type(widget, "image_stacks", "\n".join(measured.urls))
    _type(widget, "transformations", "\n".join(measured.registration_urls))
    run(widget)
    assert _read_outputs(widget)["ranked_stack_names"] == ["Fe-K", "Ca-K"]
    assert widget.view.summary.text() == (
        "The registration of 'Fe-K' is the best of 2. All stacks are aligned with it."
    )
    assert widget.view.tabs.isVisible()


def test_json_does_as_well(widget, run, measured):
    named = dict(zip(("calcium", "iron"), measured.urls, strict=True))
    registrations = dict(zip(named, measured.registrations.values(), strict=True))
    _type(widget, "image_stacks", str(named).replace("'", '"'))
    _type(widget, "transformations", str(registrations).replace("'", '"'))
    run(widget)
    assert _read_outputs(widget)["ranked_stack_names"] == ["iron", "calcium"]


@pytest.mark.parametrize(("number", "displayed"), [(1, "1"), (-1, "one on each processor")])
def test_worker_processes_rank_as_well(widget, run, measured, number, displayed):
    widget.update_default_inputs(image_stacks=measured.urls, transformations=measured.registrations)
    _field(widget, "max_workers").editor.setValue(number)
    assert _field(widget, "max_workers").editor.text() == displayed
    run(widget)
    assert messages(widget) == []
    assert _read_outputs(widget)["ranked_stack_names"] == ["Fe-K", "Ca-K"]


def test_execute_does_not_send_the_result_on(widget, run, measured, monkeypatch):
    sent = []
    monkeypatch.setattr(widget, "trigger_downstream", lambda: sent.append(True))
    widget.update_default_inputs(image_stacks=measured.urls, transformations=measured.registrations)
    run(widget, "Execute")
    assert _read_outputs(widget)["reference_stack"] == "Fe-K"
    assert sent == []
    run(widget, "Trigger")
    assert sent == [True]


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("image_stacks", '["a.h5::/x", ', "This is not JSON (line 1, column 13: Expecting value)"),
        (
            "transformations",
            "shifts.h5",
            "The URL 'shifts.h5' does not say where in which file: write it as"
            " 'file.h5::/path/inside/the/file'",
        ),
        (
            "output_root_uri",
            "out.h5",
            "The URL 'out.h5' does not say where in which file: write it as"
            " 'file.h5::/path/inside/the/file'",
        ),
    ],
)
def test_what_cannot_be_read_is_explained_at_the_field_and_kept(
    widget, make_widget, measured, name, typed, sentence
):
    widget.update_default_inputs(image_stacks=measured.urls, transformations=measured.registrations)
    widget._show_inputs()
    _type(widget, name, typed)
    assert sentence in _read_labels(widget, name)
    assert "border" in _field(widget, name).editor.styleSheet()

    label = _read_labels(widget, name)[0]
    _click(widget, "Trigger")
    # What is wrong stands at the field, and nowhere else.
    assert messages(widget) == [f"Not run\nCorrect {label!r} first"]
    assert _message(widget) == f"Not run: correct {label!r} first"
    assert widget.task_done is None

    again = make_widget(OWReg2DPostEvaluation, _read_saved(widget))
    assert _field(again, name).text() == typed
    assert sentence in _read_labels(again, name)

    _type(widget, name, "a.h5::/x")
    assert _read_labels(widget, name) == [label]
    assert _field(widget, name).editor.styleSheet() == ""
    assert messages(widget) == []


def test_a_missing_input_is_named(widget, measured):
    _click(widget, "Trigger")
    assert messages(widget) == [
        "Not run\nFill in 'Image stacks' and 'Registrations', or link a widget that provides that"
    ]
    _link(widget, image_stacks=measured.urls)
    assert _message(widget).startswith("Not run: fill in 'Registrations', or")


def test_values_of_a_link_are_shown_and_cannot_be_edited(widget, settle, measured):
    _type(widget, "image_stacks", "mine.h5::/x")
    _link(
        widget,
        image_stacks=measured.stacks,
        transformations=measured.registrations,
        convention="passive",
        evaluate_on="own",
        save_with="best",
        skip=False,
        refine=False,
        max_workers=0,
        reference_stack="Fe-K",
        output_root_uri=f"{measured.folder}/out.h5::/x",
    )
    settle(widget)
    for name in widget.fields:
        assert not _field(widget, name).editor.isEnabled(), name
    assert _field(widget, "image_stacks").table.rows() == [
        ("Ca-K", "4 x 40 x 44"),
        ("Fe-K", "4 x 40 x 44"),
    ]
    assert _field(widget, "transformations").table.rows() == [
        ("Ca-K", "4 transformations"),
        ("Fe-K", "4 transformations"),
    ]
    assert _field(widget, "evaluate_on").editor.currentText() == "its own stack only"
    assert _field(widget, "reference_stack").editor.currentText() == "Fe-K"
    assert _field(widget, "output_root_uri").text() == f"{measured.folder}/out.h5::/x"
    assert _read_labels(widget, "image_stacks")[0] == "Image stacks (from link)"

    widget.set_dynamic_input("image_stacks", None)
    widget.handleNewSignals()
    settle(widget)
    assert _field(widget, "image_stacks").editor.isEnabled()
    assert _field(widget, "image_stacks").text() == "mine.h5::/x"
    assert _read_saved(widget)["_ewoks_default_inputs"] == {
        "image_stacks": ["mine.h5::/x"],
        "save_with": "best",
    }


def test_all_that_is_set_comes_back_with_the_workflow(widget, make_widget, measured):
    _type(widget, "image_stacks", "\n".join(measured.urls))
    _type(widget, "transformations", "\n".join(measured.registration_urls))
    _type(widget, "output_root_uri", "out.h5::/aligned")
    _choose(widget, "reference_stack", "Fe-K")
    _choose(widget, "convention", "opencv")
    _choose(widget, "evaluate_on", "its own stack only")
    _choose(widget, "save_with", "each its own registration")
    widget.fields["max_workers"].editor.setValue(2)
    QTest.mouseClick(
        _field(widget, "skip").editor, qt.Qt.LeftButton, qt.Qt.NoModifier, qt.QPoint(8, 8)
    )
    again = make_widget(OWReg2DPostEvaluation, _read_saved(widget))
    assert again.get_task_input_values() == {
        "image_stacks": measured.urls,
        "transformations": dict(
            zip(measured.registrations, measured.registration_urls, strict=True)
        ),
        "output_root_uri": "out.h5::/aligned",
        "reference_stack": "Fe-K",
        "convention": "opencv",
        "evaluate_on": "own",
        "reference_image": "auto",
        "refine": False,
        "save_with": "own",
        "compress": True,
        "skip": True,
        "max_workers": 2,
    }
    for name in widget.fields:
        assert _field(again, name).value() == _field(widget, name).value(), name
    assert _field(again, "image_stacks").text() == "\n".join(measured.urls)
    assert _field(again, "reference_stack").editor.currentText() == "Fe-K"
    assert _field(again, "skip").editor.isChecked()


def test_a_value_that_was_removed_is_gone(widget, measured):
    _type(widget, "output_root_uri", "out.h5::/aligned")
    _type(widget, "output_root_uri", "")
    assert "output_root_uri" not in widget.get_task_input_values()


def test_a_saved_reference_stack_stays_where_its_stack_is_gone(make_widget):
    settings = {"_ewoks_default_inputs": {"reference_stack": "Zn-K", "image_stacks": ["a.h5::/x"]}}
    widget = make_widget(OWReg2DPostEvaluation, settings)
    assert _field(widget, "reference_stack").editor.currentText() == "Zn-K (not among the inputs)"
    assert widget.get_task_input_value("reference_stack") == "Zn-K"
    _type(widget, "image_stacks", "a.h5::/Zn-K")
    assert _field(widget, "reference_stack").editor.currentText() == "Zn-K"


def test_an_error_is_told_in_the_words_of_the_library_and_vanishes(widget, run, measured):
    _type(widget, "image_stacks", "\n".join(measured.urls))
    _type(widget, "transformations", measured.registration_urls[0])
    run(widget)
    (message,) = widget.message_bar.messages()
    assert message.severity == message.Severity.Error
    assert message.text == "Failed"
    assert message.informativeText == "There is no registration for stack 'Fe-K'. Available: 'Ca-K'"
    assert "Traceback" in message.detailedText
    assert _message(widget) == message.informativeText

    _type(widget, "transformations", "\n".join(measured.registration_urls))
    assert messages(widget) == ["The inputs have changed: press Trigger or Execute"]
    run(widget)
    assert messages(widget) == []
    assert widget.view.tabs.isVisible()


def test_a_warning_is_told_and_vanishes(widget, settle, measured):
    stacks = {**measured.stacks, "failed": measured.stacks["Ca-K"]}
    registrations = {**measured.registrations, "failed": numpy.full((4, 2), numpy.nan)}
    with pytest.warns(RuntimeWarning, match="Cannot be scored"):
        _link(widget, image_stacks=stacks, transformations=registrations)
        settle(widget)
    (message,) = widget.message_bar.messages()
    assert message.severity == message.Severity.Warning
    assert message.text.startswith("Cannot be scored and rank last: 'failed' (")
    _link(widget, image_stacks=measured.stacks, transformations=measured.registrations)
    settle(widget)
    assert messages(widget) == []


@pytest.mark.parametrize(
    ("inputs", "summary", "warning"),
    [
        (
            {"skip": True},
            "Nothing was ranked: each stack keeps the registration that it was given.",
            "The stacks are not ranked (skip), but their registrations differ",
        ),
        (
            {"skip": True, "reference_stack": "Ca-K"},
            "Nothing was ranked: each stack keeps the registration that it was given.",
            "The stacks are not ranked (skip), but their registrations differ",
        ),
        (
            {"reference_stack": "Ca-K"},
            "Nothing was ranked: all stacks are aligned with the registration of 'Ca-K', as"
            " requested.",
            None,
        ),
        (
            {"transformations": {}},
            "Nothing was ranked: each stack keeps the registration that it was given.",
            "Nothing to rank: there are fewer than two registrations",
        ),
    ],
    ids=["skipped", "skipped with a reference", "forced", "nothing to rank"],
)
def test_every_branch_shows_the_images(widget, run, measured, inputs, summary, warning):
    widget.update_default_inputs(
        **{"image_stacks": measured.urls, "transformations": measured.registrations, **inputs}
    )
    with pytest.warns(RuntimeWarning, match=re.escape(warning)) if warning else nullcontext():
        run(widget)
    assert widget.view.tabs.isVisible()
    assert widget.view.summary.text() == summary
    assert messages(widget) == ([warning] if warning else [])
    choice = widget.view.stack_choice
    assert [choice.itemText(n) for n in range(choice.count())] == ["Ca-K", "Fe-K"]


def test_a_long_run_shows_progress_and_can_be_cancelled(widget, wait_until, settle, measured):
    assert not _button(widget, "Cancel").isEnabled()
    progress = []
    widget.progressBarValueChanged.connect(progress.append)
    slow = {name: SlowImages(numpy.tile(s, (25, 1, 1))) for name, s in measured.stacks.items()}
    registrations = {name: steps * 25 for name, steps in measured.registrations.items()}
    _link(widget, image_stacks=slow, transformations=registrations)
    assert _message(widget) == "Running..."
    assert not _button(widget, "Trigger").isEnabled()
    assert not _button(widget, "Execute").isEnabled()
    wait_until(lambda: progress and progress[-1] >= 10)
    assert widget.task_executor.isRunning()
    bar = widget.findChild(qt.QProgressBar)
    assert bar.isVisible()
    assert bar.value() == progress[-1]
    _click(widget, "Cancel")
    assert not _button(widget, "Cancel").isEnabled()
    settle(widget)
    assert _button(widget, "Trigger").isEnabled()
    assert max(progress) < 100
    assert messages(widget) == ["Cancelled"]
    assert _message(widget) == "Cancelled: there is no new result."
    assert progress == sorted(progress)


def test_the_window_answers_while_the_task_runs(widget, application, measured):
    slow = {name: SlowImages(numpy.tile(s, (10, 1, 1))) for name, s in measured.stacks.items()}
    registrations = {name: steps * 10 for name, steps in measured.registrations.items()}
    progress = [0]
    widget.progressBarValueChanged.connect(progress.append)
    _link(widget, image_stacks=slow, transformations=registrations)
    turns = []
    clock = qt.QElapsedTimer()
    while progress[-1] < 50:
        clock.restart()
        application.processEvents()
        turns.append(clock.elapsed())
        qt.QThread.msleep(2)
    assert widget.task_executor.isRunning()
    assert len(turns) > 20
    assert max(turns) < max(500, sum(turns) / 2)  # ms; on a busy machine everything takes longer


def test_inputs_that_arrive_while_it_runs_are_the_ones_that_count(widget, wait_until, measured):
    slow = {name: SlowImages(numpy.tile(s, (25, 1, 1))) for name, s in measured.stacks.items()}
    registrations = {name: steps * 25 for name, steps in measured.registrations.items()}
    _link(widget, image_stacks=slow, transformations=registrations)
    wait_until(lambda: widget.task_executor.isRunning())
    other = {"iron": measured.stacks["Fe-K"], "calcium": measured.stacks["Ca-K"]}
    _link(
        widget,
        image_stacks=other,
        transformations={
            "iron": measured.registrations["Fe-K"],
            "calcium": measured.registrations["Ca-K"],
        },
    )
    wait_until(lambda: widget.task_succeeded and _button(widget, "Trigger").isEnabled())
    assert _read_outputs(widget)["ranked_stack_names"] == ["iron", "calcium"]
    assert widget.view.summary.text().startswith("The registration of 'iron' is the best of 2.")


def test_a_widget_that_is_removed_stops_its_task(widget, measured):
    slow = {name: SlowImages(numpy.tile(s, (25, 1, 1))) for name, s in measured.stacks.items()}
    registrations = {name: steps * 25 for name, steps in measured.registrations.items()}
    _link(widget, image_stacks=slow, transformations=registrations)
    task = widget.task_executor.current_task
    thread = widget.task_executor
    widget.onDeleteWidget()
    assert thread.isFinished()
    assert not task.succeeded


@pytest.mark.parametrize("in_file", [False, True])
def test_another_registration_can_be_chosen_in_the_result(widget, run, settle, measured, in_file):
    urls = dict(zip(measured.registrations, measured.registration_urls, strict=True))
    registrations = urls if in_file else measured.registrations
    widget.update_default_inputs(image_stacks=measured.urls, transformations=registrations)
    run(widget)
    assert _field(widget, "reference_stack").editor.currentText() == "the best"
    widget.view.sigReferenceStackRequested.emit("Ca-K")
    settle(widget)
    assert _field(widget, "reference_stack").editor.currentText() == "Ca-K"
    assert _read_outputs(widget)["reference_stack"] == "Ca-K"
    assert _read_saved(widget)["_ewoks_default_inputs"]["reference_stack"] == "Ca-K"
    choice = widget.view.images_tab.side_b.choice
    assert {choice.itemData(n) for n in range(choice.count())} == {"Ca-K", "Fe-K"}
    _choose(widget, "reference_stack", "the best")
    run(widget)
    assert _read_outputs(widget)["reference_stack"] == "Fe-K"


def test_the_aligned_stacks_are_saved_where_the_field_says(widget, run, measured):
    widget.update_default_inputs(image_stacks=measured.urls, transformations=measured.registrations)
    _type(widget, "output_root_uri", f"{measured.folder}/out.h5::/entry/aligned")
    run(widget)
    with h5py.File(measured.folder / "out.h5") as file:
        aligned = file["/entry/aligned/Fe-K"][()]
    inside = numpy.isfinite(aligned[2])
    assert inside.any()
    images = measured.stacks["Fe-K"]
    # Image 2 shows the sample moved by (3, 1): its pixel (r + 3, c + 1) is pixel (r, c) of image 0.
    assert numpy.allclose(aligned[2][:37, :43], images[0][:37, :43])


@pytest.fixture
def count_rankings(monkeypatch):
    rankings = []

    def rank(*arguments, **options):
        rankings.append(1)
        return evaluate_stacks(*arguments, **options)

    monkeypatch.setattr(reg2d_posteval, "evaluate_stacks", rank)
    return rankings


def test_choosing_does_not_rank_again(widget, run, settle, measured, count_rankings):
    widget.update_default_inputs(image_stacks=measured.urls, transformations=measured.registrations)
    run(widget)
    table = widget.view.ranking_tab.table.model()
    scores = [table.index(0, column).data() for column in range(table.columnCount())]
    widget.view.sigReferenceStackRequested.emit("Ca-K")
    settle(widget)
    # The numbers stay, the mark moves.
    assert scores[2:5] == [table.index(0, column).data() for column in range(2, 5)]
    assert widget.view.summary.text() == (
        "The registration of 'Fe-K' is the best of 2. All stacks are aligned with the registration"
        " of 'Ca-K'."
    )
    _choose(widget, "reference_stack", "the best")
    run(widget)
    _type(widget, "output_root_uri", f"{measured.folder}/maps.h5::/entry/aligned")
    run(widget)
    _type(widget, "output_root_uri", f"{measured.folder}/maps.h5::/entry/again")
    run(widget)
    assert len(count_rankings) == 1

    _type(widget, "output_root_uri", "")
    _choose(widget, "evaluate_on", "its own stack only")
    run(widget)
    assert len(count_rankings) == 2
    os.utime(measured.folder / "maps.h5")  # as if the file was written to
    _choose(widget, "reference_stack", "the best")
    run(widget)
    assert len(count_rankings) == 3
    # Without a change, to press Trigger is to rank.
    run(widget)
    assert len(count_rankings) == 4


def test_a_saved_result_says_what_is_where_and_offers_the_next_name(widget, run, measured):
    place = f"{measured.folder}/out.h5::/entry/aligned"
    widget.update_default_inputs(image_stacks=measured.urls, transformations=measured.registrations)
    _type(widget, "output_root_uri", place)
    run(widget)
    assert widget.view.banner.text() == (
        f"Saved in {place}: all stacks with the registration of 'Fe-K', the best one. The"
        " evaluation is in /entry/aligned_evaluation"
    )
    _click(widget, "Trigger")
    field = _field(widget, "output_root_uri")
    assert field.problem == "This group exists, and nothing is overwritten"
    assert field.next_free.text() == "Use /entry/aligned_2"
    assert widget.view.summary.isVisible()
    QTest.mouseClick(field.next_free, qt.Qt.LeftButton)
    assert field.value() == f"{place}_2"
    assert field.problem == ""
    run(widget)
    assert widget.view.banner.text().startswith(f"Saved in {place}_2: ")


def test_a_ranking_survives_a_failed_save(widget, run, measured, count_rankings, monkeypatch):
    def fail(*_, **__):
        raise OSError("No space left on the disk")

    widget.update_default_inputs(image_stacks=measured.urls, transformations=measured.registrations)
    _type(widget, "output_root_uri", f"{measured.folder}/out.h5::/entry/aligned")
    with monkeypatch.context() as patch:
        patch.setattr(Reg2DPostEvaluation, "_save", fail)
        run(widget)
    assert widget.view.banner.text() == "No space left on the disk"
    assert widget.view.summary.text().startswith("The registration of 'Fe-K' is the best of 2.")
    assert not widget.view._veil.isVisible()
    run(widget)
    assert widget.view.banner.text().startswith("Saved in ")
    assert len(count_rankings) == 1


@pytest.mark.parametrize(
    ("settings", "value", "shown"),
    [
        (None, "best", "the best registration"),
        (
            {"_ewoks_default_inputs": {"evaluate_on": "all"}},
            None,
            "each its own registration (not set)",
        ),
        ({"_ewoks_default_inputs": {"save_with": "own"}}, "own", "each its own registration"),
    ],
    ids=["a new widget", "a workflow without the value", "a workflow with it"],
)
def test_only_a_new_widget_saves_with_the_best_registration(make_widget, settings, value, shown):
    widget = make_widget(OWReg2DPostEvaluation, settings)
    assert _read_saved(widget)["_ewoks_default_inputs"].get("save_with") == value
    assert _field(widget, "save_with").editor.currentText() == shown


def test_images_and_motion_can_be_looked_at_while_the_first_ranking_runs(
    widget, wait_until, settle, measured
):
    slow = {name: SlowImages(numpy.tile(s, (25, 1, 1))) for name, s in measured.stacks.items()}
    registrations = {name: steps * 25 for name, steps in measured.registrations.items()}
    _link(widget, image_stacks=slow, transformations=registrations)
    wait_until(lambda: widget.view.tabs.isVisible())
    assert widget.task_executor.isRunning()
    assert widget.view.banner.text() == "Running..."
    assert not widget.view._veil.isVisible()
    _click(widget, "Cancel")
    settle(widget)
    assert widget.view.banner.text() == "Cancelled: there is no new result."
    assert widget.view.tabs.isVisible()


def test_a_result_stays_when_the_next_run_is_cancelled(widget, run, settle, wait_until, measured):
    widget.update_default_inputs(image_stacks=measured.urls, transformations=measured.registrations)
    run(widget)
    shown = widget.view.summary.text()
    slow = {name: SlowImages(numpy.tile(s, (25, 1, 1))) for name, s in measured.stacks.items()}
    registrations = {name: steps * 25 for name, steps in measured.registrations.items()}
    _link(widget, image_stacks=slow, transformations=registrations)
    assert (widget.view.banner.text(), widget.view.summary.text()) == ("Running...", shown)
    wait_until(lambda: widget.task_executor.isRunning())
    _click(widget, "Cancel")
    settle(widget)
    assert widget.view.banner.text() == "Cancelled: there is no new result."
    assert widget.view.summary.text() == shown
    assert widget.view._veil.isVisible()


def test_the_fields_close_without_shrinking_the_window(widget, application):
    action = widget.findChild(qt.QAction, "action-show-control-area")
    size = widget.size()
    for visible in (False, True):
        action.trigger()
        application.processEvents()
        assert _field(widget, "skip").editor.visibleRegion().isEmpty() != visible
        assert widget.size() == size


def test_names_and_shapes_take_the_place_of_urls(widget, measured, wait_until):
    field = _field(widget, "image_stacks")
    _type(widget, "image_stacks", "\n".join(measured.urls))
    wait_until(lambda: field.table.rows() == [("Ca-K", "4 x 40 x 44"), ("Fe-K", "4 x 40 x 44")])
    _field(widget, "output_root_uri").editor.setFocus()
    wait_until(lambda: not field.editor.isVisible())
    QTest.mouseClick(field.edit_button, qt.Qt.LeftButton)
    assert field.editor.isVisible()
    _type(widget, "image_stacks", f"{measured.folder}/none.h5::/x")
    wait_until(
        lambda: field.table.rows() == [("x", f"there is no file '{measured.folder}/none.h5'")]
    )


@pytest.fixture
def choose(monkeypatch, measured):
    """Press Browse... at a field and choose something of the file in the dialog, or nothing."""

    def press(field, place):
        class Dialog:
            def __init__(self, parent):
                assert parent is field

            def setWindowTitle(self, title):
                self.title = title

            def exec(self):
                return place is not None

            def selectedDataUrl(self):
                return DataUrl(file_path=f"{measured.folder}/maps.h5", data_path=place)

        monkeypatch.setattr(dialogs, "DataFileDialog", Dialog)
        QTest.mouseClick(field._browse_button, qt.Qt.LeftButton)

    return press


def test_a_group_that_is_chosen_adds_its_stacks(widget, measured, choose):
    field = _field(widget, "image_stacks")
    _type(widget, "image_stacks", measured.urls[1])
    choose(field, "/entry/maps")
    assert field.text().splitlines() == measured.urls[::-1]
    assert widget.get_task_input_value("image_stacks") == measured.urls[::-1]


def test_what_is_chosen_takes_the_place_of_json(widget, measured, choose):
    _type(widget, "transformations", '{"Ca-K": [[0, 0]]}')
    choose(_field(widget, "transformations"), "/entry/fits")
    assert _field(widget, "transformations").text().splitlines() == measured.registration_urls


def test_choosing_nothing_changes_nothing(widget, measured, choose):
    _type(widget, "image_stacks", measured.urls[1])
    choose(_field(widget, "image_stacks"), None)
    assert _field(widget, "image_stacks").text() == measured.urls[1]


@pytest.mark.parametrize("place", ["/entry", "/nowhere"])
def test_choosing_what_does_not_fit_is_told(widget, measured, choose, monkeypatch, place):
    warnings = []
    monkeypatch.setattr(qt.QMessageBox, "warning", lambda *arguments: warnings.append(arguments))
    choose(_field(widget, "image_stacks"), place)
    ((parent, _, sentence),) = warnings
    assert parent is _field(widget, "image_stacks")
    assert sentence == f"There are no stacks (3D) in {measured.folder}/maps.h5::{place}"
    assert _field(widget, "image_stacks").text() == ""


def test_an_output_file_that_is_chosen_gets_a_group(widget, monkeypatch):
    monkeypatch.setattr(
        qt.QFileDialog, "getSaveFileName", lambda *_, **__: ("/data/out.h5", "HDF5")
    )
    QTest.mouseClick(_field(widget, "output_root_uri")._browse_button, qt.Qt.LeftButton)
    assert _field(widget, "output_root_uri").text() == "/data/out.h5::/entry/aligned"
