"""The widget "Post-Registration Evaluation"."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from typing import ClassVar

from silx.gui import qt

from ewoksndreg.gui import EvaluationView
from ewoksndreg.tasks.reg2d_posteval import Findings
from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation

from .controls.fields import CheckField
from .controls.fields import ChoiceField
from .controls.fields import Field
from .controls.fields import NumberField
from .controls.hdf5_datasets import identify
from .controls.stack_fields import OutputField
from .controls.stack_fields import StackNameField
from .controls.stack_fields import make_convention_field
from .controls.stack_fields import make_registrations_field
from .controls.stack_fields import make_stacks_field
from .controls.task_widget import OWTaskWidget
from .controls.task_widget import make_inputs
from .controls.task_widget import make_outputs

__all__ = ["OWReg2DPostEvaluation"]

# What a ranking depends on
_RANKED_INPUTS = (
    "image_stacks",
    "transformations",
    "convention",
    "registered_from",
    "evaluate_on",
    "reference_image",
)

_LOOK_AGAIN = 100  # ms, until the task has read the registrations


class OWReg2DPostEvaluation(  # type: ignore[call-arg]  # ewoksorange has no types
    OWTaskWidget, ewokstaskclass=Reg2DPostEvaluation
):
    """Ranks the registrations of several stacks and shows why."""

    name = "Post-Registration Evaluation"
    description = "Find out which of several image registrations is best, and see why"
    icon = "icons/reg2d_posteval.svg"
    keywords = ("registration", "alignment", "ranking", "evaluation")
    priority = 10
    want_main_area = True

    initial_inputs: ClassVar = {"save_with": "best"}

    Inputs = make_inputs(Reg2DPostEvaluation, "image_stacks", ["transformations"])
    Outputs = make_outputs(Reg2DPostEvaluation, "image_stacks")

    def __init__(self) -> None:
        self._findings = Findings()
        self._key: Any = None
        self._go_on = False
        super().__init__()
        self.view = EvaluationView()
        self.view.sigReferenceStackRequested.connect(self._use_reference_stack)
        self.mainArea.layout().addWidget(self.view)
        self._preview = qt.QTimer(self)
        self._preview.setInterval(_LOOK_AGAIN)
        self._preview.timeout.connect(self._show_preview)
        self._shown = False
        self._show_status("Not run yet: press Trigger or Execute.")

    def sizeHint(self) -> qt.QSize:
        """Wide enough for two images side by side."""
        return qt.QSize(1100, 750)

    def _make_fields(self) -> Iterable[Field]:
        reference = StackNameField(
            "reference_stack",
            "Registration to use",
            "The best one, or that of a stack that you choose. Choosing does not rank again.",
            "the best",
        )
        evaluate_on = ChoiceField(
            "evaluate_on",
            "Score every registration on",
            "A registration is applied to all stacks, so all of them can show how good it is.",
            {"all": "all stacks", "own": "its own stack only"},
        )
        skip = CheckField(
            "skip", "Skip ranking (pass everything through)", "Nothing is ranked then."
        )
        refine = CheckField(
            "refine",
            "Refine the best registration on all stacks",
            "All stacks together know the motion better than any one of them.",
        )
        output = OutputField(
            "The group of an HDF5 file. Nothing is ever overwritten. Empty: nothing is saved."
        )
        save_with = ChoiceField(
            "save_with",
            "Save the stacks aligned with",
            "The registration that is passed on, or each stack's own one, to check the ranking.",
            {"best": "the best registration", "own": "each its own registration"},
            unset="each its own registration (not set)",
        )
        max_workers = NumberField(
            "max_workers",
            "Workers",
            "How many threads or processes rank at the same time, whichever is faster.",
            least=-1,
            most=256,
            least_means="one on each processor",
        )
        return (
            make_stacks_field(),
            make_registrations_field(),
            make_convention_field(),
            reference,
            evaluate_on,
            skip,
            refine,
            output,
            save_with,
            max_workers,
        )

    def _use_reference_stack(self, name: str) -> None:
        """The user has chosen another registration than the best."""
        self.set_default_input("reference_stack", name)
        self._go_on = True
        self.execute_ewoks_task()

    def _on_edit(self, field: Field) -> None:
        self._go_on = True
        super()._on_edit(field)

    @contextmanager
    def _ewoks_task_start_context(self) -> Iterator[None]:
        with super()._ewoks_task_start_context():
            self._prepare(self.task_executor.current_task)
            yield

    def _prepare(self, task: Reg2DPostEvaluation) -> None:
        """Let a task use the findings of the last one where only what is done with them has
        changed. To press Trigger again without a change ranks again."""
        key = self._make_key()
        if key != self._key or not self._go_on:
            self._findings = Findings()
        self._key, self._go_on = key, False
        task.findings = self._findings
        if not self._shown:
            self._preview.start()

    def _make_key(self) -> list[Any]:
        given = self.get_task_input_values()
        return [identify(given.get(name)) for name in _RANKED_INPUTS]

    def _show_preview(self) -> None:
        """Until the first ranking ends, images and motion are all there is."""
        task = self.task_executor.current_task
        if task is not None and task.registrations is not None:
            self._preview.stop()
            self._shown = True
            self.view.show_preview(self.get_task_input_value("image_stacks"), task.registrations)
            self.view.show_message("Running...", outdated=False)

    def _show_status(self, sentence: str) -> None:
        self.view.show_message(sentence)

    def _show_result(self, task: Reg2DPostEvaluation) -> None:
        self._preview.stop()
        outputs = task.get_output_values()
        # With `skip`, no registration was applied to all stacks.
        skipped = task.get_input_value("skip")
        reference = None if skipped else outputs["reference_stack"]
        self._show(
            outputs["image_stacks"],
            evaluation=None if skipped else self._findings.evaluation,
            reference_stack=reference,
            refinement=task.refinement,
        )
        if task.saved is not None:
            self._key = self._make_key()  # the file may be that of the stacks
            self.view.show_message(task.saved, outdated=False)

    def _show_failure(self, task: Reg2DPostEvaluation | None, sentence: str) -> None:
        """A ranking is not lost when the stacks cannot be saved."""
        self._preview.stop()
        self._go_on = True
        evaluation = self._findings.evaluation
        if task is not None and evaluation is not None and not task.get_input_value("skip"):
            chosen = task.get_input_value("reference_stack", None)
            stacks = task.get_input_value("image_stacks")
            self._show(stacks, evaluation=evaluation, reference_stack=chosen)
            self.view.show_message(sentence, outdated=False)
        else:
            self._show_status(sentence)

    def _show(self, stacks: Any, **result: Any) -> None:
        self._shown = True
        self.view.show_result(stacks, self._findings.registrations, **result)

    def onDeleteWidget(self) -> None:
        """Close the files of the result."""
        self._preview.stop()
        super().onDeleteWidget()
        self.view.close_files()
