"""The ewoks task that ranks registrations."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack
from dataclasses import dataclass

from ewokscore import TaskWithProgress
from silx.io.url import DataUrl

from .._messages import located
from .._messages import unknown_name
from ..evaluation import Evaluation
from ..evaluation import evaluate_stacks
from ..evaluation.checks import check_list_per_stack
from ..evaluation.checks import check_stack_per_list
from ..evaluation.checks import check_transformation_per_image
from ..io.input_stack import input_context
from ..io.input_stack import named_sources
from ..io.output_stack import Hdf5OutputStacks
from ..io.output_stack import hdf5_output_context
from ..transformation.base import Transformation
from ..transformation.conversion import TransformationSource
from ..transformation.conversion import as_transformation_lists
from ..workers import dask_workers
from .inputs_as_json import inputs_as_json
from .models import Inputs
from .models import Outputs

# Part of the progress that ranking takes when the stacks are saved after it.
_RANKING_SHARE = 0.8


@dataclass(frozen=True)
class _Choice:
    """Which list of transformations serves which stack.

    :param transformations: what the task puts out.
    :param applied: with what the stacks are saved.
    """

    transformations: Mapping[str, TransformationSource]
    applied: Mapping[str, Sequence[Transformation]]
    reference_stack: str | None = None
    evaluation: Evaluation | None = None


class Reg2DPostEvaluation(  # type: ignore[call-arg]  # ewokscore has no types
    TaskWithProgress, input_model=Inputs, output_model=Outputs
):
    """Given several stacks of images and the transformations that were registered from each,
    determine which list of transformations registers best and hand it on for all stacks.

    Two measures make the score of a list: the mean squared error between aligned images, relative
    to what it is without alignment, and the smoothness of the transformations, from the steps of
    the image corners. See :func:`ewoksndreg.evaluation.evaluate_stacks`.
    """

    evaluation: Evaluation | None = None
    """What the ranking found, also for each image; None when nothing was ranked."""

    lists: Mapping[str, Sequence[Transformation]]
    """The lists of transformations that were given, as far as they were read."""

    warnings: tuple[str, ...] = ()
    """The sentences of which the last run warned."""

    def run(self) -> None:
        inputs = self.inputs
        lists = self.lists = self._read_lists()
        with ExitStack() as stack:
            output = None
            if inputs.output_root_uri is not None:
                # First, so that an output that cannot be written costs no computation.
                output = stack.enter_context(hdf5_output_context(inputs.output_root_uri))
                output.reserve(named_sources(inputs.image_stacks))
            choice = self._choose(lists)
            if output is not None:
                self._save(output, choice, lists)

        evaluation = self.evaluation = choice.evaluation
        outputs = self.outputs
        outputs.image_stacks = inputs.image_stacks
        outputs.transformations = choice.transformations
        outputs.reference_stack = choice.reference_stack
        outputs.output_configuration = {
            **(inputs.output_configuration or {}),
            "reference_stack": choice.reference_stack,
        }
        outputs.ranked_stack_names = None if evaluation is None else list(evaluation.ranked_names)
        outputs.scores = None if evaluation is None else evaluation.scores()
        self.progress = 100

    def cancel(self) -> None:
        """Ask the running task to stop; it raises :class:`concurrent.futures.CancelledError`
        after the current image and leaves no output."""
        self.cancelled = True

    def _read_lists(self) -> dict[str, list[Transformation]]:
        """The lists of transformations, from whatever form they came in.

        One that is in a file is left out where this run does not need it. What `skip` only passes
        on is not checked: what cannot be read is left out.
        """
        inputs = self.inputs
        saved = inputs.output_root_uri is not None
        lists: dict[str, list[Transformation]] = {}
        for name, source in inputs.transformations.items():
            if inputs.skip:
                needed = saved
            elif inputs.reference_stack:
                needed = name == inputs.reference_stack
            else:
                needed = saved or len(inputs.transformations) > 1
            if isinstance(source, (str, DataUrl)) and not needed:
                continue
            try:
                lists.update(as_transformation_lists({name: source}))
            except (OSError, TypeError, ValueError):
                if saved or not inputs.skip:
                    raise
        return lists

    def _choose(self, lists: Mapping[str, Sequence[Transformation]]) -> _Choice:
        inputs = self.inputs
        given = inputs.transformations
        if inputs.skip:
            if not _all_equal(lists):
                self._warn(
                    "The stacks are not ranked (skip), but their lists of transformations differ"
                )
            return _Choice(given, lists, inputs.reference_stack)
        if inputs.reference_stack:
            return self._forced(inputs.reference_stack, lists)
        if len(given) < 2:
            if given:  # a forgotten list is a mistake, no list at all a choice
                check_list_per_stack(named_sources(inputs.image_stacks), given)
            self._warn("Nothing to rank: there are fewer than two lists of transformations")
            return _Choice(given, lists)
        if _all_equal(lists):
            self._warn("Nothing to rank: all lists of transformations are equal")
            return _Choice(given, lists)
        return self._ranked(lists)

    def _forced(
        self, reference_stack: str, lists: Mapping[str, Sequence[Transformation]]
    ) -> _Choice:
        if reference_stack not in lists:
            given = self.inputs.transformations
            raise ValueError(unknown_name("reference_stack", reference_stack, given))
        names = named_sources(self.inputs.image_stacks)
        chosen = {name: list(lists[reference_stack]) for name in names}
        return _Choice(chosen, chosen, reference_stack)

    def _ranked(self, lists: Mapping[str, Sequence[Transformation]]) -> _Choice:
        inputs = self.inputs
        share = 1.0 if inputs.output_root_uri is None else _RANKING_SHARE
        # Before any file is opened
        names = named_sources(inputs.image_stacks)
        check_list_per_stack(names, lists)
        check_stack_per_list(names, lists)
        with ExitStack() as stack:
            stacks = stack.enter_context(input_context(inputs.image_stacks))
            executor = None
            if inputs.scheduler:
                executor = stack.enter_context(dask_workers(inputs.scheduler))
            evaluation = evaluate_stacks(
                stacks,
                lists,
                evaluate_on=inputs.evaluate_on,
                max_workers=inputs.max_workers,
                executor=executor,
                progress=lambda fraction: self._set_progress(share * fraction),
                should_stop=lambda: self.cancelled,
            )
        self.warnings = evaluation.warnings
        best = evaluation.ranked_names[0]
        chosen = {name: list(lists[best]) for name in evaluation.names}
        # A ranking is judged by looking at what each list makes of its own stack.
        return _Choice(chosen, lists, best, evaluation)

    def _save(
        self,
        output: Hdf5OutputStacks,
        choice: _Choice,
        lists: Mapping[str, Sequence[Transformation]],
    ) -> None:
        inputs = self.inputs
        reference = choice.reference_stack
        start = 0.0 if choice.evaluation is None else _RANKING_SHARE
        with input_context(inputs.image_stacks) as stacks:
            if not stacks:
                raise ValueError("There are no image stacks to save")
            check_transformation_per_image(stacks, choice.applied)
            total = sum(len(stack) for stack in stacks.values())
            done = 0
            for name, stack in stacks.items():
                for n, transformation in enumerate(choice.applied[name]):
                    if self.cancelled:
                        raise CancelledError(f"Saving was cancelled after {done} of {total} images")
                    try:
                        aligned = transformation.apply_data(stack[n])
                    except (OSError, TypeError, ValueError) as error:
                        raise located(error, f"Stack {name!r}, image {n}") from error
                    output.add_point(name, aligned)
                    done += 1
                    self._set_progress(start + (1 - start) * done / total)
            names = list(stacks)
        output.describe(
            signal=reference if reference in names else names[0],
            inputs=inputs_as_json(self.get_input_values(), lists),
            results={} if choice.evaluation is None else choice.evaluation.columns(),
        )

    def _warn(self, message: str) -> None:
        self.warnings = (*self.warnings, message)
        warnings.warn(message, RuntimeWarning, stacklevel=4)

    def _set_progress(self, fraction: float) -> None:
        self.progress = int(100 * fraction)


def _all_equal(lists: Mapping[str, Sequence[Transformation]]) -> bool:
    first, *others = [list(items) for items in lists.values()] or [[]]
    return all(first == other for other in others)
