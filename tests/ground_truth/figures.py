"""How often each way of ranking puts the right registration first.

These definitions were fixed before the first ranking was looked at.
"""

import warnings
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy

from ewoksndreg.demo.samples import Motion
from ewoksndreg.evaluation import Evaluation
from ewoksndreg.evaluation import evaluate_stacks
from ewoksndreg.evaluation import post_evaluation

from .cases import Case

# A registration is right when its true error is at most this much (px) above the smallest one of
# its case. Applying a registration interpolates linearly, and that alone changes an image as much
# as a shift by this distance: see doc/explanation/ground_truth.md.
TOLERANCE = 0.25

# A registration this much (px) worse than the best one of its case is a catastrophe.
CATASTROPHE = 2.0


@dataclass(frozen=True)
class Outcome:
    """What putting one registration of a case first means, or the mean of that over several cases.

    :param right: its true error is within `TOLERANCE` of the smallest.
    :param best: no registration has a smaller true error.
    :param catastrophic: its true error is `CATASTROPHE` or more above the smallest.
    """

    right: float
    best: float
    catastrophic: float


def outcome(case: Case, picked: str) -> Outcome:
    excess = case.errors[picked] - case.smallest_error
    return Outcome(
        right=float(excess <= TOLERANCE),
        best=float(excess == 0),
        catastrophic=float(excess >= CATASTROPHE),
    )


def mean(outcomes: Iterable[Outcome]) -> Outcome:
    rows = [(item.right, item.best, item.catastrophic) for item in outcomes]
    return Outcome(*numpy.mean(rows, axis=0).tolist())


def rank(case: Case, evaluate_on: Literal["all", "own"]) -> Evaluation:
    """What the library makes of a case."""
    with warnings.catch_warnings():
        # Expected: some channels are empty and some registrations fail.
        warnings.simplefilter("ignore", RuntimeWarning)
        return evaluate_stacks(case.stacks, case.transformations, evaluate_on=evaluate_on)


def pick_by_plain_mean(evaluation: Evaluation) -> str:
    """The registration that would be first if all stacks counted the same."""
    per_stack = evaluation.relative_error
    scores = {
        name: relative_error + 0.6 * evaluation.registrations[name].smoothness
        for name, relative_error in zip(evaluation.stack_names, per_stack.mean(axis=1), strict=True)
        if evaluation.registrations[name].scored
    }
    return min(scores, key=scores.__getitem__)


def pick_by_raw_sum(case: Case) -> str:
    """The registration that the plain sum of the two documented measures puts first."""
    aligned = {
        name: [
            transformation.apply_data(image)
            for transformation, image in zip(case.transformations[name], stack, strict=True)
        ]
        for name, stack in case.stacks.items()
    }
    return post_evaluation(aligned, case.transformations)[0]


@dataclass(frozen=True, eq=False)
class Figures:
    """One outcome per case and way of ranking."""

    motions: Sequence[Motion]
    outcomes: dict[str, list[Outcome]]

    def over(self, way: str, motion: Motion | None = None) -> Outcome:
        """Mean over the cases, or over those of one motion."""
        chosen = [
            item
            for kind, item in zip(self.motions, self.outcomes[way], strict=True)
            if motion in (None, kind)
        ]
        return mean(chosen)


def compute(cases: Iterable[Case]) -> Figures:
    """Rank every case in every way. Cases are taken one at a time."""
    motions: list[Motion] = []
    ways = ("all", "own", "all, plain mean", "raw sum", "chance")
    outcomes: dict[str, list[Outcome]] = {way: [] for way in ways}
    for case in cases:
        motions.append(case.motion)
        on_all = rank(case, "all")
        outcomes["all"].append(outcome(case, on_all.ranked_names[0]))
        outcomes["own"].append(outcome(case, rank(case, "own").ranked_names[0]))
        outcomes["all, plain mean"].append(outcome(case, pick_by_plain_mean(on_all)))
        outcomes["raw sum"].append(outcome(case, pick_by_raw_sum(case)))
        outcomes["chance"].append(mean(outcome(case, name) for name in case.stacks))
    return Figures(motions, outcomes)
