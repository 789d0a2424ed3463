"""The widget "Example Stacks"."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import numpy
from silx.gui import qt

from ewoksndreg.demo.registration import register
from ewoksndreg.demo.samples import make_sample
from orangecontrib.ewoksndreg.example_stacks import OWExampleStacks

from .conftest import messages


def test_what_is_chosen_is_made_and_saved_with_the_workflow(make_widget, wait_until):
    widget = make_widget(OWExampleStacks)
    widget.fields["picture"].editor.setCurrentText("moon")
    widget.fields["picture"].editor.activated.emit(0)
    for name, number in (("images", 3), ("size", 64), ("seed", 5)):
        widget.fields[name].editor.setValue(number)
    (trigger,) = [b for b in widget.findChildren(qt.QPushButton) if b.text() == "Trigger"]
    trigger.click()
    wait_until(lambda: widget.task_succeeded and trigger.isEnabled())

    expected = make_sample("moon", images=3, size=64, step=2.5, seed=5)
    outputs = widget.get_task_output_values()
    assert list(outputs["image_stacks"]) == list(expected.stacks)
    for name, stack in expected.stacks.items():
        assert numpy.array_equal(outputs["image_stacks"][name], stack)
        assert outputs["transformations"][name] == register(stack)
    labels = [label.text() for label in widget.findChildren(qt.QLabel)]
    assert "6 stacks of 3 x 64 x 64:\nCa-K, Fe-K, S-K, As-K, Ar-K, Compton" in labels
    assert widget.settingsHandler.pack_data(widget)["_ewoks_default_inputs"] == {
        "picture": "moon",
        "images": 3,
        "size": 64,
        "seed": 5,
    }


def test_it_can_be_cancelled(make_widget, wait_until):
    widget = make_widget(OWExampleStacks)
    widget.update_default_inputs(images=60, size=256)
    progress = []
    widget.progressBarValueChanged.connect(progress.append)
    (cancel,) = [b for b in widget.findChildren(qt.QPushButton) if b.text() == "Cancel"]
    widget.execute_ewoks_task()
    wait_until(lambda: progress and progress[-1] > 0)
    cancel.click()
    wait_until(lambda: not widget.task_executor.isRunning() and widget.task_done)
    wait_until(lambda: messages(widget))
    assert messages(widget) == ["Cancelled: there is no result"]
    assert max(progress) < 100
