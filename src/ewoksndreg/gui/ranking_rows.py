"""The rows of the ranking table, as plain numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..evaluation import smoothness_eval
from .shown import ShownResult


@dataclass(frozen=True)
class RankingRow:
    """One list of transformations; numbers that are not known are NaN.

    The numbers are those of :class:`.ListEvaluation`.

    :param rank: 1 is best.
    :param name: the stack from which the list was registered.
    :param remark: why it cannot be judged or has no score, or nothing.
    :param best: whether it ranks first.
    :param applied: whether all stacks are aligned with it.
    """

    rank: float
    name: str
    score: float
    relative_mse: float
    smoothness: float
    smallest_overlap: float
    remark: str
    best: bool
    applied: bool


def ranking_rows(shown: ShownResult) -> list[RankingRow]:
    """One row per list, best first.

    Without a ranking only the smoothness is known, and only of lists whose stack can be opened,
    since it is a fraction of the image size.
    """
    evaluation = shown.evaluation
    if evaluation is None:
        return [_row_without_ranking(shown, name) for name in shown.names]
    return [
        RankingRow(
            rank=rank,
            name=name,
            score=item.score,
            relative_mse=item.relative_mse,
            smoothness=item.smoothness,
            smallest_overlap=item.smallest_overlap,
            remark=item.remark or "",
            best=rank == 1,
            applied=name == shown.reference_stack,
        )
        for rank, name in enumerate(evaluation.ranked_names, start=1)
        for item in [evaluation.lists[name]]
    ]


def _row_without_ranking(shown: ShownResult, name: str) -> RankingRow:
    transformations = shown.lists.get(name) or ()
    shape = shown.image_shape(name)
    known = bool(transformations) and shape is not None
    return RankingRow(
        rank=math.nan,
        name=name,
        score=math.nan,
        relative_mse=math.nan,
        smoothness=smoothness_eval(transformations, shape) if known and shape else math.nan,
        smallest_overlap=math.nan,
        remark="" if transformations else "its list was not needed and not read",
        best=False,
        applied=name == shown.reference_stack,
    )


def description(row: RankingRow) -> str:
    """What the numbers of a list mean, in words."""
    sentences = []
    if not math.isnan(row.relative_mse):
        sentences.append(
            f"{_percent(row.relative_mse)} of the differences between the images are left when they"
            " are aligned with it (0 % is perfect, 100 % is no better than doing nothing)."
        )
    if math.isfinite(row.smoothness):
        sentences.append(
            "From one image to the next it moves the corners by"
            f" {_percent(row.smoothness)} of the image size."
        )
    if not math.isnan(row.smallest_overlap):
        sentences.append(
            f"Every aligned image covers {_percent(row.smallest_overlap)} of the first one or more."
        )
    if row.remark:
        sentences.append(f"Remark: {row.remark}.")
    return f"The list of {row.name!r}: {' '.join(sentences)}"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"
