"""Results as tables for other programs."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from collections.abc import Sequence

from ..evaluation import Evaluation
from ..transformation import Transformation
from ._ranking_table import BARS
from ._ranking_table import COLUMNS
from ._ranking_table import find_value
from ._ranking_table import make_rows
from ._result import RunResult

Rows = list[list[object]]


def list_scores(result: RunResult) -> Rows:
    """The registrations, best first, with the numbers of the output `scores`; headings first."""
    columns = [n for n in range(len(COLUMNS)) if n != BARS]
    rows: Rows = [[COLUMNS[n] for n in columns]]
    rows.extend([find_value(row, n) for n in columns] for row in make_rows(result))
    return rows


def list_errors(evaluation: Evaluation) -> Rows:
    """The relative error of each registration, best first, on each stack, and the weights of the
    stacks; headings first."""
    rows: Rows = [["registration", *evaluation.stack_names]]
    for name, row in zip(evaluation.ranked_names, evaluation.ranked_rows, strict=True):
        rows.append([name, *map(float, evaluation.relative_error[row])])
    return [*rows, ["weight", *map(float, evaluation.stack_weights)]]


def list_transformations(registration: Sequence[Transformation]) -> Rows:
    """The passive matrices of a registration, one image per row; headings first.

    :raises AttributeError: where a transformation has no matrix.
    """
    elements = [f"m{row}{column}" for row in range(3) for column in range(3)]
    rows: Rows = [["image", *elements]]
    for n, transformation in enumerate(registration):
        rows.append([n, *map(float, transformation.passive_matrix.ravel())])
    return rows


def write_csv(path: str | os.PathLike[str], rows: Iterable[Sequence[object]]) -> None:
    """
    :raises OSError: when the file cannot be written.
    """
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
