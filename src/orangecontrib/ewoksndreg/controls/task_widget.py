"""The base class of the widgets: run, progress, cancel, messages, saved inputs."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from concurrent.futures import CancelledError
from functools import partial
from typing import Any
from typing import ClassVar

from ewoksorange.gui.orange_utils.signals import Input
from ewoksorange.gui.orange_utils.signals import Output
from ewoksorange.gui.owwidgets.threaded import OWEwoksWidgetOneThread
from ewoksorange.gui.utils.invalid_data import INVALIDATION_DATA
from ewoksorange.gui.utils.invalid_data import as_invalidation
from ewoksorange.gui.utils.invalid_data import is_invalid_data
from orangecanvas.scheme.events import LinkEvent
from orangewidget.settings import Setting
from orangewidget.widget import Msg
from silx.gui import qt

from .fields import Field
from .hdf5_datasets import find_free_group
from .messages import extract_sentence
from .stack_fields import OutputField
from .stack_fields import StackNameField
from .text_fields import TextField
from .text_values import list_names

# The interval (ms) of requests to cancel a task: a request before it starts is lost.
_ASK_AGAIN = 50

_FIELDS_WIDTH = 290  # px


def make_inputs(task: Any, default: str | None = None, shown: Collection[str] = ()) -> type:
    """Make the inputs of a widget from those of its task.

    :param default: the input to which a new link goes.
    :param shown: other inputs to which a new link may go; the rest are linked manually.
    """
    signals = {}
    for name in task.input_model().model_fields:
        explicit = name != default and name not in shown
        # Any output can be linked: the task rejects values that it cannot use. A summary would
        # print all images and transformations.
        signals[name] = Input(
            name, object, default=name == default, explicit=explicit, auto_summary=False
        )
    return type("Inputs", (), signals)


def make_outputs(task: Any, default: str) -> type:
    """Make the outputs of a widget from those of its task.

    :param default: the output from which a new link comes.
    """
    names = task.output_model().model_fields
    signals = {
        name: Output(name, object, default=name == default, auto_summary=False) for name in names
    }
    return type("Outputs", (), signals)


class OWTaskWidget(  # type: ignore[call-arg]  # ewoksorange has no types
    OWEwoksWidgetOneThread, openclass=True
):
    """A widget with fields for the inputs of its task, and buttons to run and cancel it."""

    category = "Registration"

    initial_inputs: ClassVar[Mapping[str, Any]] = {}
    """Values of inputs for a new widget, not for one in a workflow that is opened."""

    # The message bar shows only the first line.
    class Error(OWEwoksWidgetOneThread.Error):
        inputs = Msg("Not run\n{}")
        failed = Msg("Failed\n{}")

    class Warning(OWEwoksWidgetOneThread.Warning):
        of_task = Msg("{}")

    class Information(OWEwoksWidgetOneThread.Information):
        outdated = Msg("The inputs have changed: press Trigger or Execute")
        cancelled = Msg("Cancelled")
        next_free = Msg("The linked group exists, and nothing is overwritten: using {}")

    invalid_entries = Setting({}, schema_only=True)
    """Typed values that are not valid, by the name of the input."""

    def __new__(cls, *arguments: Any, **options: Any) -> OWTaskWidget:
        widget: OWTaskWidget = super().__new__(cls, *arguments, **options)
        # A workflow file has settings for each of its widgets.
        widget._is_new = not options.get("stored_settings")
        return widget

    def __init__(self) -> None:
        super().__init__()
        if self._is_new:
            self.update_default_inputs(**self.initial_inputs)
        self.fields: dict[str, Field] = {}
        self._run_again: bool | None = None
        for field in self._make_fields():
            self.fields[field.name] = field
            self.controlArea.layout().addWidget(field)
            field.sigEdited.connect(partial(self._on_edit, field))
        self.left_side.layout().itemAt(0).widget().setMinimumWidth(_FIELDS_WIDTH)
        self.controlArea.layout().addStretch()
        self._init_control_area()
        self._show_inputs()

    # --- What a subclass provides

    def _make_fields(self) -> Iterable[Field]:
        """The fields, top to bottom."""
        raise NotImplementedError

    def _show_status(self, sentence: str) -> None:
        """Display that the task runs, or why there is no new result."""

    def _show_result(self, task: Any) -> None:
        """Show the result of a task that has succeeded."""

    def _show_failure(self, task: Any, sentence: str) -> None:
        """Display why a task has failed, and the previous result."""
        self._show_status(sentence)

    # --- Inputs

    def handleNewSignals(self) -> None:
        """Run with the new values of the links."""
        self._show_inputs()
        super().handleNewSignals()

    def setGeometry(self, geometry: qt.QRect) -> None:
        """Keep the size: Orange would shrink the window when its panel of fields is closed."""

    def event(self, event: qt.QEvent) -> bool:
        """A link was added, removed, enabled or disabled."""
        if isinstance(event, LinkEvent):
            self._show_inputs()
        return bool(super().event(event))

    def set_default_input(self, name: str, value: Any) -> None:
        super().set_default_input(name, value)
        self.invalid_entries.pop(name, None)

    def _find_linked_widgets(self) -> dict[str, str]:
        """Find the title of the widget that each input is linked from, by the name of the input."""
        if self.signalManager is None:
            return {}
        scheme = self.signalManager.scheme()
        links = scheme.find_links(sink_node=scheme.node_for_widget(self))
        return {link.sink_channel.name: link.source_node.title for link in links if link.enabled}

    def _find_missing(self) -> list[str]:
        given = self.get_task_inputs()
        required = self.ewokstaskclass.required_input_names()
        return [
            name
            for name in self.fields
            if name in required and is_invalid_data(given.get(name, INVALIDATION_DATA))
        ]

    def _show_inputs(self) -> None:
        linked = self.get_dynamic_input_names()
        saved = self.get_default_input_values()
        given = self.get_task_input_values()
        sources = self._find_linked_widgets()
        names = list_names(given.get("image_stacks"), given.get("transformations"))
        for name, field in self.fields.items():
            if isinstance(field, StackNameField):
                field.offer(names)
            if name in linked:
                field.show_linked(self.get_dynamic_input_value(name))
            elif name in self.invalid_entries and isinstance(field, TextField):
                field.show_text(self.invalid_entries[name])
            elif name in sources and is_invalid_data(saved.get(name, INVALIDATION_DATA)):
                field.show_waiting(sources[name])
            else:
                field.show_value(as_invalidation(saved.get(name)))

    def _on_edit(self, field: Field) -> None:
        self.set_default_input(field.name, field.value())
        if field.problem and isinstance(field, TextField):
            self.invalid_entries[field.name] = field.text()
        self._show_inputs()
        self._on_inputs_changed()

    def _on_inputs_changed(self) -> None:
        """Remove the messages about the last run, which had other inputs."""
        had_run = self.task_done is not None
        self.clear_messages()
        if had_run and not self.task_executor.isRunning():
            self.Information.outdated()

    def _find_problem(self) -> str:
        stacks = list_names(self.get_task_input_value("image_stacks", None), None)
        for field in self.fields.values():
            if isinstance(field, OutputField):
                field.offer_next_free(stacks)
        wrong = [field.label for field in self.fields.values() if field.problem]
        if wrong:
            # The field explains the problem.
            return f"Correct {' and '.join(map(repr, wrong))} first"
        missing = self._find_missing()
        sources = self._find_linked_widgets()
        waiting = {sources[name]: None for name in missing if name in sources}
        if waiting:
            return f"Run {' and '.join(map(repr, waiting))} first"
        labels = " and ".join(repr(self.fields[name].label) for name in missing)
        return f"Fill in {labels}, or link a widget that provides that" if missing else ""

    # --- Run

    def _init_control_area(self) -> None:
        super()._init_control_area()
        self._trigger_button.setToolTip("Run, and send the result to the linked widgets")
        self._execute_button.setToolTip("Run, without sending the result")
        self._cancel_button = qt.QPushButton("Cancel")
        self._cancel_button.setToolTip("Stop after the current image")
        self._cancel_button.clicked.connect(self._cancel)
        # Below the fields, which may be scrolled.
        for button in (self._trigger_button, self._execute_button, self._cancel_button):
            button.setAutoDefault(False)  # Enter in a field does not click it
            self.buttonsArea.layout().addWidget(button)
        self._show_running(False)

    def _show_running(self, running: bool) -> None:
        self._trigger_button.setEnabled(not running)
        self._execute_button.setEnabled(not running)
        self._cancel_button.setEnabled(running)

    def _execute_ewoks_task(self, propagate: bool, log_missing_inputs: bool) -> None:
        if self.task_executor.isRunning():
            # With the new inputs, which the running task does not have.
            self._run_again = propagate
            self.task_executor.cancel_running_task()
            return
        self._show_inputs()
        self.clear_messages()
        problem = self._find_problem()
        if problem:
            self.Error.inputs(problem)
            self._show_status(f"Not run: {problem[0].lower()}{problem[1:]}")
            self._withdraw_outputs()
            return
        self._show_running(True)
        self._show_status("Running...")
        super()._execute_ewoks_task(propagate, log_missing_inputs)

    def _get_task_arguments(self) -> dict[str, Any]:
        """Use the next free name where the group of a link exists, for example because another
        registration was chosen: the user cannot edit it here."""
        arguments = dict(super()._get_task_arguments())
        for name, field in self.fields.items():
            if isinstance(field, OutputField) and name in self.get_dynamic_input_names():
                stacks = list_names(self.get_task_input_value("image_stacks", None), None)
                free = find_free_group(self.get_dynamic_input_value(name), stacks)
                if free is not None:
                    arguments["inputs"] = {**arguments["inputs"], name: free}
                    self.Information.next_free(free)
        return arguments

    def _withdraw_outputs(self) -> None:
        for name in self.get_output_names():
            self._get_output_signal(name).send(INVALIDATION_DATA)

    def _cancel(self) -> None:
        self._cancel_button.setEnabled(False)
        self.cancel_running_task()

    def task_output_changed(self) -> None:
        """Show the result of the task that has just ended."""
        self._show_running(False)
        if self._run_again is not None:
            propagate, self._run_again = self._run_again, None
            self._execute_ewoks_task(propagate, log_missing_inputs=False)
            return
        error = self.task_exception
        task = self.task_executor.current_task
        if isinstance(error, CancelledError):
            self.Information.cancelled()
            self._show_failure(task, "Cancelled: there is no new result.")
        elif error is not None:
            sentence = extract_sentence(error)
            self.Error.failed(sentence, exc_info=error)
            self._show_failure(task, sentence)
        else:
            warnings = getattr(task, "warnings", ())
            self.Warning.of_task("\n".join(warnings), shown=bool(warnings))
            self._show_result(task)

    def onDeleteWidget(self) -> None:
        """Wait until the thread of the task has ended."""
        executor = self.task_executor
        while executor.isRunning():
            executor.cancel_running_task()
            executor.wait(_ASK_AGAIN)
        super().onDeleteWidget()
