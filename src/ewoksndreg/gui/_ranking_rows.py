"""The rows of the ranking table, as numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..evaluation import smoothness_eval
from ._result import RunResult


@dataclass(frozen=True)
class RankingRow:
    """One registration; unknown numbers are NaN.

    The numbers are those of :class:`.RegistrationScore`.

    :param rank: 1 is best.
    :param name: the stack that the registration was found from.
    :param reason: why it cannot be scored or has no score, or an empty string.
    :param best: whether it ranks first.
    :param applied: whether all stacks are aligned with it.
    """

    rank: float
    name: str
    score: float
    relative_error: float
    smoothness: float
    min_overlap: float
    reason: str
    best: bool
    applied: bool


def make_rows(result: RunResult) -> list[RankingRow]:
    """Make one row per registration, best first.

    Without a ranking, only the smoothness is known, and only for registrations whose stack can be
    opened, since it is a fraction of the image size.
    """
    evaluation = result.evaluation
    if evaluation is None:
        return [_make_row_without_ranking(result, name) for name in result.names]
    return [
        RankingRow(
            rank=rank,
            name=name,
            score=item.score,
            relative_error=item.relative_error,
            smoothness=item.smoothness,
            min_overlap=item.min_overlap,
            reason=item.reason or "",
            best=rank == 1,
            applied=name == result.reference_stack,
        )
        for rank, name in enumerate(evaluation.ranked_names, start=1)
        for item in [evaluation.registrations[name]]
    ]


def _make_row_without_ranking(result: RunResult, name: str) -> RankingRow:
    transformations = result.registrations.get(name) or ()
    shape = result.image_shape(name)
    known = bool(transformations) and shape is not None
    return RankingRow(
        rank=math.nan,
        name=name,
        score=math.nan,
        relative_error=math.nan,
        smoothness=smoothness_eval(transformations, shape) if known and shape else math.nan,
        min_overlap=math.nan,
        reason="" if transformations else "its registration was not needed and not read",
        best=False,
        applied=name == result.reference_stack,
    )


def describe(row: RankingRow) -> str:
    """Describe the numbers of a registration in words."""
    sentences = []
    if not math.isnan(row.relative_error):
        sentences.append(
            f"{_format_percent(row.relative_error)} of the differences between the images remain"
            " when they are aligned with it (0 % is perfect, 100 % is no better than unaligned)."
        )
    if math.isfinite(row.smoothness):
        sentences.append(
            "From one image to the next it moves the corners by"
            f" {_format_percent(row.smoothness)} of the image size."
        )
    if not math.isnan(row.min_overlap):
        sentences.append(
            f"Every aligned image covers {_format_percent(row.min_overlap)} of the reference"
            " image or more."
        )
    if row.reason:
        sentences.append(f"Reason: {row.reason}.")
    return f"The registration of {row.name!r}: {' '.join(sentences)}"


def _format_percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"
