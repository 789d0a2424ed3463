"""The widget "Pre-Registration Evaluation"."""

from __future__ import annotations

from collections.abc import Iterable

from ewoksndreg.tasks.reg2d_preeval import Reg2DPreEvaluation

from .controls.fields import CheckField
from .controls.fields import Field
from .controls.stack_fields import StackNameField
from .controls.stack_fields import make_stacks_field
from .controls.status_widget import OWStatusWidget
from .controls.task_widget import make_inputs
from .controls.task_widget import make_outputs

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

    Inputs = make_inputs(Reg2DPreEvaluation, "image_stacks")
    Outputs = make_outputs(Reg2DPreEvaluation, "image_stacks")

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
            self._show_rows("Not ranked: everything was passed through.", [])
        else:
            self._show_rows("From best to worst:", [(name, "") for name in ranked])
