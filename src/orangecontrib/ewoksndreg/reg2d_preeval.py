"""The widget "Pre-Registration Evaluation"."""

from __future__ import annotations

from collections.abc import Iterable

from ewoksndreg.tasks.reg2d_preeval import Reg2DPreEvaluation

from .controls.fields import CheckField
from .controls.fields import Field
from .controls.stack_fields import StackNameField
from .controls.stack_fields import make_stacks_field
from .controls.status_widget import OWStatusWidget
from .controls.task_widget import make_input
from .controls.task_widget import make_output

__all__ = ["OWReg2DPreEvaluation"]


class OWReg2DPreEvaluation(  # type: ignore[call-arg]  # ewoksorange has no types
    OWStatusWidget, ewokstaskclass=Reg2DPreEvaluation
):
    """Chooses the stack that shows the motion of the sample best."""

    name = "Pre-Registration Evaluation"
    description = "Find out which image stack shows the motion of the sample best"
    icon = "icons/reg2d_preeval.svg"
    keywords = ("registration", "alignment", "ranking", "evaluation")
    priority = 3

    explanation = "Finds the stack that shows the motion of the sample best, to register only it."

    class Inputs:
        image_stacks = make_input("image_stacks", default=True)
        reference_stack = make_input("reference_stack", explicit=True)
        output_configuration = make_input("output_configuration", explicit=True)
        skip = make_input("skip", explicit=True)

    class Outputs:
        image_stacks = make_output("image_stacks", object, default=True)
        reference_stack = make_output("reference_stack", str)
        ranked_stack_names = make_output("ranked_stack_names", list)
        output_configuration = make_output("output_configuration", dict)

    def _make_fields(self) -> Iterable[Field]:
        return (
            make_stacks_field(),
            StackNameField(
                "reference_stack",
                "Stack to register",
                "The stack that shows the motion best, or one that you choose.",
                "the best",
            ),
            CheckField("skip", "Skip ranking (pass everything through)", "Nothing is ranked then."),
        )

    def _show_result(self, task: Reg2DPreEvaluation) -> None:
        outputs = task.get_output_values()
        ranked = outputs["ranked_stack_names"]
        if ranked is None:
            self._show_status("Not ranked: everything was passed through.")
        else:
            self._show_status(f"From best to worst: {', '.join(ranked)}")
