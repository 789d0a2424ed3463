"""Show the result of the ranking as a table and as a figure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import NDArray

from .. import plots
from ..evaluation import Evaluation
from ..transformation import TransformationSource


def format_table(evaluation: Evaluation, errors: Mapping[str, float]) -> str:
    """Format one line per registration, best first.

    :param errors: true error of each registration in px.
    """
    heading, *lines = str(evaluation).splitlines()
    shown = [f"{errors[name]:.2f}" for name in evaluation.ranked_names]
    pairs = zip([heading, *lines], ["true error (px)", *shown], strict=True)
    return "\n".join(f"{line}{error:>17}" for line, error in pairs)


def format_trust(evaluation: Evaluation) -> str:
    """Format what is known about the best registration, one line each."""
    lines = [f"The best registration: {evaluation.verdict}"]
    lines += [f"    {reason}" for reason in evaluation.reasons]
    if shift := evaluation.describe_remaining_shift():
        lines.append(f"Remaining shift: {shift}")
    for name, distance in evaluation.rivals.items():
        apart = f", {distance:.2f} px from the best one" if math.isfinite(distance) else ""
        lines.append(f"Rival: {name}{apart}")
    for name, images in evaluation.bad_images.items():
        lines.append(f"Bad images of {name}: {', '.join(map(str, images))}")
    if evaluation.silent_stacks:
        lines.append(f"Stacks without information: {', '.join(evaluation.silent_stacks)}")
    return "\n".join(lines)


def write_picture(
    path: Path,
    evaluation: Evaluation,
    stacks: Mapping[str, NDArray[Any]],
    transformations: Mapping[str, TransformationSource],
) -> None:
    """Plot an image before and after alignment, and the scores.

    :param path: path of the PNG file.
    :raises FileExistsError: if the file exists.
    """
    figure = Figure(figsize=(14, 4.6), layout="constrained")
    before, after, bars = figure.subplots(1, 3, width_ratios=(1, 1, 1.3))
    plots.before_after(evaluation, stacks, transformations, ax=[before, after])
    plots.scores(evaluation, ax=bars)
    with path.open("xb") as file:
        figure.savefig(file, format="png", dpi=100)
