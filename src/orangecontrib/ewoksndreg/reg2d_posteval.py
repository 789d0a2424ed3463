"""The widget "Post-Registration Evaluation"."""

from __future__ import annotations

from collections.abc import Iterable

from silx.gui import qt

from ewoksndreg.gui import EvaluationView
from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation

from .controls.fields import CheckField
from .controls.fields import ChoiceField
from .controls.fields import Field
from .controls.fields import NumberField
from .controls.stack_fields import StackNameField
from .controls.stack_fields import make_output_field
from .controls.stack_fields import make_stacks_field
from .controls.stack_fields import make_transformations_field
from .controls.task_widget import OWTaskWidget
from .controls.task_widget import make_input
from .controls.task_widget import make_output

__all__ = ["OWReg2DPostEvaluation"]


class OWReg2DPostEvaluation(  # type: ignore[call-arg]  # ewoksorange has no types
    OWTaskWidget, ewokstaskclass=Reg2DPostEvaluation
):
    """Ranks the registrations of several stacks and shows why."""

    name = "Post-Registration Evaluation"
    description = "Find out which of several image registrations is best, and see why"
    icon = "icons/reg2d_posteval.svg"
    category = "Registration"
    keywords = ("registration", "alignment", "ranking", "evaluation")
    priority = 10
    want_main_area = True

    class Inputs:
        image_stacks = make_input("image_stacks", default=True)
        transformations = make_input("transformations")
        convention = make_input("convention", explicit=True)
        reference_stack = make_input("reference_stack", explicit=True)
        output_root_uri = make_input("output_root_uri", explicit=True)
        save_with = make_input("save_with", explicit=True)
        compress = make_input("compress", explicit=True)
        output_configuration = make_input("output_configuration", explicit=True)
        skip = make_input("skip", explicit=True)
        refine = make_input("refine", explicit=True)
        evaluate_on = make_input("evaluate_on", explicit=True)
        reference_image = make_input("reference_image", explicit=True)
        max_workers = make_input("max_workers", explicit=True)
        scheduler = make_input("scheduler", explicit=True)

    class Outputs:
        image_stacks = make_output("image_stacks", object, default=True)
        transformations = make_output("transformations", dict)
        reference_stack = make_output("reference_stack", str)
        ranked_stack_names = make_output("ranked_stack_names", list)
        output_configuration = make_output("output_configuration", dict)
        scores = make_output("scores", dict)
        trust = make_output("trust", dict)

    def __init__(self) -> None:
        super().__init__()
        self.view = EvaluationView()
        self.view.sigReferenceStackRequested.connect(self._use_reference_stack)
        self.mainArea.layout().addWidget(self.view)
        self._show_status("Not run yet: press Trigger or Execute.")

    def sizeHint(self) -> qt.QSize:
        """Wide enough for two images side by side."""
        return qt.QSize(1100, 750)

    def _make_fields(self) -> Iterable[Field]:
        reference = StackNameField(
            "reference_stack",
            "Use the transformations of",
            "The best registration, or that of a stack that you choose.",
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
        output = make_output_field(
            "The group of an HDF5 file. Nothing is ever overwritten. Empty: nothing is saved."
        )
        save_with = ChoiceField(
            "save_with",
            "Align for saving with",
            "What a ranking is worth shows where each stack has its own registration.",
            {"own": "the registration of each stack", "best": "the best registration"},
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
            make_transformations_field(),
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
        self.execute_ewoks_task()

    def _show_status(self, sentence: str) -> None:
        self.view.show_message(sentence)

    def _show_result(self, task: Reg2DPostEvaluation) -> None:
        outputs = task.get_output_values()
        # With `skip`, no registration was applied to all stacks.
        reference = None if task.get_input_value("skip") else outputs["reference_stack"]
        self.view.show_result(
            outputs["image_stacks"],
            task.registrations,
            evaluation=task.evaluation,
            chosen=None if reference is None else outputs["transformations"],
            reference_stack=reference,
        )

    def onDeleteWidget(self) -> None:
        """Close the files of the result."""
        super().onDeleteWidget()
        self.view.close_files()
