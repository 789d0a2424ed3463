"""The ewoks task that ranks registrations."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import CancelledError
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from contextlib import ExitStack
from contextlib import nullcontext
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Literal

from .._messages import locate_errors
from .._messages import unknown_name
from .._nexus import Axis
from .._nexus import StackAxes
from .._nexus import describe_evaluation
from .._nexus import find_axes
from .._nexus import passive_matrices
from .._progress import Reporter
from .._stacks import Stack
from .._typing import is_url
from ..evaluation import Evaluation
from ..evaluation import check_registration_per_stack
from ..evaluation import check_same_number_of_images
from ..evaluation import check_stack_per_registration
from ..evaluation import check_transformation_per_image
from ..evaluation import evaluate_stacks
from ..io import Hdf5OutputStacks
from ..io import find_sources
from ..io import hdf5_output_context
from ..io import open_stacks
from ..io import url_text
from ..refinement import Refinement
from ..refinement import refine_registration
from ..transformation import Transformation
from ..transformation import TransformationSource
from ..transformation import as_registrations
from ..transformation import assign_conventions
from ..workers import dask_workers
from ._cancellable import CancellableTask
from ._models import Inputs
from ._models import Outputs
from ._saved_evaluation import inputs_as_json
from ._saved_evaluation import motion_plot
from ._saved_evaluation import per_image_plot
from ._saved_evaluation import refinement_values
from ._saved_evaluation import score_plot
from ._saved_evaluation import trust_values

_logger = logging.getLogger(__name__)

# The relative duration of the steps of a run, to report the progress.
_COSTS = {"rank": 1.0, "refine": 3.0, "save": 0.25}

_Kind = Literal["skip", "forced", "nothing to choose", "ranked"]


@dataclass(frozen=True)
class _Choice:
    """The registration that is used for each stack.

    :param transformations: the output of the task.
    :param applied: the registrations with which the stacks are saved.
    :param title: title of the saved stacks.
    """

    transformations: Mapping[str, TransformationSource]
    applied: Mapping[str, Sequence[Transformation]]
    title: str
    reference_stack: str | None = None
    evaluation: Evaluation | None = None
    refinement: Refinement | None = None


@dataclass
class Findings:
    """Results that runs with the same stacks and registrations share.

    :param registrations: those that were read.
    :param evaluation: the result of the ranking.
    :param refinements: by the name of the registration they start from, and whether it was ranked.
    """

    registrations: dict[str, list[Transformation]] = field(default_factory=dict)
    evaluation: Evaluation | None = None
    refinements: dict[tuple[str, bool], Refinement] = field(default_factory=dict)


class Reg2DPostEvaluation(  # type: ignore[call-arg]  # ewokscore has no types
    CancellableTask, input_model=Inputs, output_model=Outputs
):
    """Find the best of the registrations that were found from several image stacks, and pass it on
    for all stacks.

    The score of a registration consists of two measures: the mean squared error of the aligned
    images, relative to the error of the unaligned images, and the smoothness of the
    transformations, from the steps of the image corners. See
    :func:`.evaluate_stacks`.
    """

    evaluation: Evaluation | None = None
    """The result of the ranking, also for each image; None if nothing was ranked."""

    refinement: Refinement | None = None
    """How the registration in the output was refined; None if refining was not tried."""

    findings: Findings
    """The results so far. Set it before the run to that of an earlier run with the same stacks,
    registrations, `convention`, `registered_from`, `evaluate_on` and `reference_image` to avoid
    repeating the work."""

    registrations: Mapping[str, Sequence[Transformation]] | None = None
    """The given registrations, except those in files that were not read; None before the run."""

    saved: str | None = None
    """Where the stacks and the evaluation were saved, and how the stacks were aligned; None if
    nothing was saved."""

    warnings: tuple[str, ...] = ()
    """The warnings of the last run."""

    def run(self) -> None:
        inputs = self.inputs
        self.findings = getattr(self, "findings", Findings())
        registrations = self.registrations = self._read_registrations()
        self.findings.registrations |= registrations
        kind = self._decide(registrations)
        saved = inputs.output_root_uri is not None
        refined = inputs.refine and kind in ("forced", "ranked")
        done = {"rank": kind == "ranked", "refine": refined, "save": saved}
        self._steps = [step for step, needed in done.items() if needed]
        # Stacks that are only passed on are not opened.
        sources = find_sources(inputs.image_stacks) if kind in ("forced", "ranked") or saved else {}
        if kind == "ranked":
            named_by_stack = inputs.registered_from is None
            if named_by_stack or (saved and inputs.save_with == "own"):
                check_registration_per_stack(sources, registrations)
            if named_by_stack:
                check_stack_per_registration(sources, registrations)
        with ExitStack() as stack:
            output = None
            if saved:
                # Before the computation, so that an invalid output is refused immediately.
                output = stack.enter_context(
                    hdf5_output_context(inputs.output_root_uri, compress=inputs.compress)
                )
                output.reserve(sources)
            stacks: Mapping[str, Stack] = {}
            if self._steps or kind == "forced":
                stacks = stack.enter_context(open_stacks(sources))
            if kind == "forced":
                chosen = inputs.reference_stack
                check_same_number_of_images(stacks, {chosen: registrations[chosen]})
            if output is not None:  # also before the computation, since it may fail
                provenance = inputs_as_json(self.get_input_values(), stacks, registrations)
                axes = {name: find_axes(each) for name, each in stacks.items()}
            choice = self._choose(kind, sources, stacks, registrations)
            if output is not None:
                self._save(output, choice, stacks)
                beside = self._describe(output, choice, registrations, stacks, axes, provenance)
        if output is not None:
            with_what = choice.title.partition(", ")[2]
            self.saved = (
                f"Saved in {url_text(output.url)}: {with_what}. The evaluation is in {beside}"
            )

        self._set_outputs(choice)
        self._log(choice)
        self.progress = 100

    def _set_outputs(self, choice: _Choice) -> None:
        inputs, outputs = self.inputs, self.outputs
        evaluation = self.evaluation = choice.evaluation
        self.refinement = choice.refinement
        outputs.image_stacks = inputs.image_stacks
        outputs.transformations = choice.transformations
        outputs.reference_stack = choice.reference_stack
        outputs.output_configuration = {
            **(inputs.output_configuration or {}),
            "reference_stack": choice.reference_stack,
        }
        outputs.ranked_stack_names = None if evaluation is None else list(evaluation.ranked_names)
        outputs.scores = _find_scores(choice)
        outputs.trust = None if evaluation is None else evaluation.trust()

    def _read_registrations(self) -> dict[str, list[Transformation]]:
        """Convert the registrations to transformations.

        A registration in a file is not read if this run does not need it. With `skip`, one that
        cannot be read is ignored, unless it is saved.
        """
        inputs = self.inputs
        saved = inputs.output_root_uri is not None
        conventions = assign_conventions(inputs.convention, inputs.transformations)
        registrations: dict[str, list[Transformation]] = {}
        for name, source in inputs.transformations.items():
            if inputs.skip:
                needed = saved
            elif inputs.reference_stack:
                needed = name == inputs.reference_stack
            else:
                needed = (
                    saved or len(inputs.transformations) > 1 or inputs.registered_from is not None
                )
            # The next task does not know the convention.
            needed |= conventions[name] is not None
            if is_url(source) and not needed:
                continue
            try:
                registrations.update(as_registrations({name: source}, conventions[name]))
            except (OSError, TypeError, ValueError):
                if saved or not inputs.skip:
                    raise
        return registrations

    def _decide(self, registrations: Mapping[str, Sequence[Transformation]]) -> _Kind:
        """Decide what this run does, and warn if it does not rank."""
        inputs = self.inputs
        equal = _all_equal(registrations)
        if inputs.skip:
            if inputs.refine:
                self._warn("Nothing is refined: the stacks are not ranked (skip)")
            if not equal:
                self._warn("The stacks are not ranked (skip), but their registrations differ")
            return "skip"
        if inputs.reference_stack:
            if inputs.reference_stack not in registrations:
                given = inputs.transformations
                raise ValueError(unknown_name("reference_stack", inputs.reference_stack, given))
            return "forced"
        if inputs.registered_from is not None:
            return "ranked"
        refined = " or to refine" if inputs.refine else ""
        if len(inputs.transformations) < 2:
            if inputs.transformations:  # one may be missing by mistake, all of them on purpose
                names = find_sources(inputs.image_stacks)
                check_registration_per_stack(names, inputs.transformations)
            self._warn(f"Nothing to rank{refined}: there are fewer than two registrations")
            return "nothing to choose"
        if equal:
            self._warn(f"Nothing to rank{refined}: all registrations are equal")
            return "nothing to choose"
        return "ranked"

    def _choose(
        self,
        kind: _Kind,
        sources: Mapping[str, Any],
        stacks: Mapping[str, Stack],
        registrations: Mapping[str, Sequence[Transformation]],
    ) -> _Choice:
        inputs = self.inputs
        each_own = "Images aligned, each stack with its own registration"
        if kind in ("skip", "nothing to choose"):
            reference = inputs.reference_stack if kind == "skip" else None
            return _Choice(self._pass_on(registrations), registrations, each_own, reference)
        evaluation = None
        if kind == "ranked":
            evaluation = self.findings.evaluation or self._rank(stacks, registrations)
            self.findings.evaluation = evaluation
            self.warnings = evaluation.warnings
        chosen = inputs.reference_stack if evaluation is None else evaluation.best
        best = registrations[chosen]
        refinement = None
        if inputs.refine and stacks:
            refinement = self._refine(chosen, best, stacks, evaluation)
            if refinement is not None and not refinement.accepted:
                self._warn(f"The registration {chosen!r} was not refined: {refinement.reason}")
        which = "chosen" if evaluation is None else "best"
        title = f"Images aligned, all stacks with the registration of {chosen!r}, the {which} one"
        refined = refinement is not None and refinement.accepted
        if refinement is not None and refined:
            best = refinement.transformations
            title += ", refined on all stacks"
        for_all = {name: list(best) for name in sources}
        for_all_stacks = refined or inputs.registered_from is not None
        save_with = inputs.save_with or ("best" if for_all_stacks else "own")
        if evaluation is not None and save_with == "own":  # so that a user can check the ranking
            return _Choice(for_all, registrations, each_own, chosen, evaluation, refinement)
        return _Choice(for_all, for_all, title, chosen, evaluation, refinement)

    def _pass_on(
        self, registrations: Mapping[str, Sequence[Transformation]]
    ) -> Mapping[str, TransformationSource]:
        """The given registrations; as transformations where they have a convention, which the next
        task does not know."""
        given: Mapping[str, TransformationSource] = self.inputs.transformations
        if self.inputs.convention is None:
            return given
        conventions = assign_conventions(self.inputs.convention, given)
        return {
            name: source if conventions[name] is None else registrations.get(name, source)
            for name, source in given.items()
        }

    def _refine(
        self,
        name: str,
        registration: Sequence[Transformation],
        stacks: Mapping[str, Stack],
        evaluation: Evaluation | None,
    ) -> Refinement | None:
        """Refine a registration with all stacks that have the shape of its own stack. A failure is
        only a warning, so that the ranking is not lost."""
        inputs = self.inputs
        key = name, evaluation is not None
        if key in self.findings.refinements:
            return self.findings.refinements[key]
        shape = stacks[self._find_stack(name, stacks)].shape
        used = {other: stack for other, stack in stacks.items() if stack.shape == shape}
        try:
            with self._workers() as executor:
                refinement = refine_registration(
                    used,
                    registration,
                    evaluation,
                    max_workers=inputs.max_workers,
                    executor=executor,
                    progress=self._report_step("refine"),
                    should_stop=lambda: self.cancelled,
                )
        except CancelledError:
            raise
        except Exception as error:  # whatever the reason is
            self._warn(f"The registration {name!r} was not refined: {error}")
            return None
        self.findings.refinements[key] = refinement
        return refinement

    def _rank(
        self,
        stacks: Mapping[str, Stack],
        registrations: Mapping[str, Sequence[Transformation]],
    ) -> Evaluation:
        inputs = self.inputs
        with self._workers() as executor:
            return evaluate_stacks(
                stacks,
                registrations,
                registered_from=inputs.registered_from,
                evaluate_on=inputs.evaluate_on,
                reference_image=inputs.reference_image,
                max_workers=inputs.max_workers,
                executor=executor,
                progress=self._report_step("rank"),
                should_stop=lambda: self.cancelled,
            )

    def _find_stack(self, registration: str | None, stacks: Mapping[str, Stack]) -> str:
        """Find the stack that a registration was found from; the first one if there is none."""
        sources: Mapping[str | None, str | None] = self.inputs.registered_from or {}
        found = sources.get(registration, registration)
        return found if found is not None and found in stacks else next(iter(stacks))

    def _save(self, output: Hdf5OutputStacks, choice: _Choice, stacks: Mapping[str, Stack]) -> None:
        if not stacks:
            raise ValueError("There are no image stacks to save")
        check_registration_per_stack(stacks, choice.applied)
        check_transformation_per_image(stacks, choice.applied)
        total = sum(map(len, stacks.values()))
        reporter = Reporter("saving", total, self._report_step("save"), lambda: self.cancelled)
        for name, stack in stacks.items():
            for n, transformation in enumerate(choice.applied[name]):
                reporter.check()
                with locate_errors(f"Stack {name!r}, image {n}"):
                    aligned = transformation.apply_data(stack[n])
                output.add_point(name, aligned)
                reporter.count()
        _logger.info("%s, in %s", choice.title, self.inputs.output_root_uri)

    def _describe(
        self,
        output: Hdf5OutputStacks,
        choice: _Choice,
        registrations: Mapping[str, Sequence[Transformation]],
        stacks: Mapping[str, Stack],
        found: Mapping[str, StackAxes],
        provenance: Mapping[str, Any],
    ) -> str:
        first = choice.reference_stack
        signal = self._find_stack(first, stacks)
        axes = found[signal].axes
        count, height, width = stacks[signal].shape
        image_axis = (axes and axes[0]) or Axis("image", range(count))
        matrices = passive_matrices(registrations)
        moving = {name: registrations[name] for name in matrices if len(matrices[name]) == count}
        refinement = choice.refinement
        if refinement is not None and refinement.accepted:
            matrices |= passive_matrices({f"{first}, refined": refinement.transformations})
        results = {}
        if choice.evaluation is not None:
            results["scores"] = score_plot(choice.evaluation)
            results["per_image"] = per_image_plot(choice.evaluation, image_axis)
        if moving:
            results["motion"] = motion_plot(moving, (height, width), image_axis)
        if choice.evaluation is not None:
            results["trust"] = trust_values(choice.evaluation)
        if refinement is not None:
            results["refinement"] = refinement_values(refinement)
        return describe_evaluation(
            output,
            signal=signal,
            title=choice.title,
            inputs=provenance,
            axes=axes,
            units={name: each.units for name, each in found.items() if each.units},
            results=results,
            matrices=matrices,
        )

    def _log(self, choice: _Choice) -> None:
        """Log in one line what this run has found, and where it was saved."""
        evaluation, output = choice.evaluation, self.inputs.output_root_uri
        if evaluation is not None:
            reasons = "".join(f". {reason}" for reason in evaluation.reasons)
            what = f"best registration {evaluation.best!r} ({evaluation.verdict}{reasons})"
        elif choice.reference_stack:
            what = f"registration {choice.reference_stack!r}, not ranked"
        else:
            what = "nothing was ranked"
        if choice.refinement is not None:
            what += f", {choice.refinement}"
        _logger.info("%s%s", what, "" if output is None else f", saved in {output}")

    def _warn(self, message: str) -> None:
        self.warnings = (*self.warnings, message)
        warnings.warn(message, RuntimeWarning, stacklevel=4)

    def _workers(self) -> AbstractContextManager[Executor | None]:
        """The workers of the scheduler; None without a scheduler."""
        scheduler = self.inputs.scheduler
        return dask_workers(scheduler) if scheduler else nullcontext()

    def _report_step(self, step: str) -> Callable[[float], None]:
        """Make the function that reports the progress of one step of this run."""
        total = sum(_COSTS[each] for each in self._steps)
        before = sum(_COSTS[each] for each in self._steps[: self._steps.index(step)])
        return lambda fraction: self._report((before + _COSTS[step] * fraction) / total)


def _find_scores(choice: _Choice) -> dict[str, dict[str, float]] | None:
    """Return the scores of the ranking and, for the best registration, the refined ones."""
    if choice.evaluation is None:
        return None
    scores = choice.evaluation.scores()
    refinement = choice.refinement
    if refinement is not None and refinement.accepted and refinement.after is not None:
        scores[choice.evaluation.best] |= {
            "refined_score": refinement.after.score,
            "refined_relative_error": refinement.after.relative_error,
            "moved": float(refinement.moved.mean()),
        }
    return scores


def _all_equal(registrations: Mapping[str, Sequence[Transformation]]) -> bool:
    first, *others = [list(items) for items in registrations.values()] or [[]]
    return all(first == other for other in others)
