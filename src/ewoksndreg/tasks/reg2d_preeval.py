"""The ewoks task that chooses the stack to register."""

from __future__ import annotations

from .._messages import unknown_name
from ..evaluation import Evaluation
from ..io import find_sources
from ..io import open_stacks
from ..registration import rank_before_registering
from ._cancellable import CancellableTask
from ._registration_models import PreEvaluationInputs
from ._registration_models import PreEvaluationOutputs


class Reg2DPreEvaluation(  # type: ignore[call-arg]  # ewokscore has no types
    CancellableTask, input_model=PreEvaluationInputs, output_model=PreEvaluationOutputs
):
    """Choose the stack that shows the motion of the sample best, in order to register only that.

    Downsampled copies of some images of each stack are registered and ranked, see
    :func:`ewoksndreg.registration.rank_before_registering`. The task identifier, inputs and outputs
    are those of ewoksndreg 0.5.0.
    """

    evaluation: Evaluation | None = None
    """The result of the ranking; None if nothing was ranked."""

    def run(self) -> None:
        inputs, outputs = self.inputs, self.outputs
        given, reference = inputs.image_stacks, inputs.reference_stack
        ranked = None
        if not inputs.skip:
            names = list(find_sources(given))
            if reference is None:
                reference, ranked = self._rank()
            elif reference not in names:
                raise ValueError(unknown_name("reference_stack", reference, names))
        outputs.image_stacks = given
        outputs.reference_stack = reference
        outputs.ranked_stack_names = ranked
        outputs.output_configuration = {
            **(inputs.output_configuration or {}),
            "reference_stack": reference,
        }
        self.progress = 100

    def _rank(self) -> tuple[str, list[str]]:
        with open_stacks(self.inputs.image_stacks) as stacks:
            evaluation = self.evaluation = rank_before_registering(
                stacks, progress=self._report, should_stop=lambda: self.cancelled
            )
        return evaluation.best, list(evaluation.ranked_names)
