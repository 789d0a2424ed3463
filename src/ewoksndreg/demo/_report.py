"""Show what the ranking found, as a table and as a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..transformation import Transformation

_BEST = "#1a7f37"
_WORST = "#c0392b"
_OTHER = "#9aa4ad"


def format_table(
    ranked_names: Sequence[str],
    scores: Mapping[str, Mapping[str, float]],
    errors: Mapping[str, float],
) -> str:
    """One line per registration, best first.

    :param ranked_names: names of the stacks, best registration first.
    :param scores: by name, the output `scores` of the task.
    :param errors: true error of each registration in px.
    """
    lines = ["rank  stack     score  relative error  smoothness  true error (px)"]
    for rank, name in enumerate(ranked_names, start=1):
        numbers = scores[name]
        lines.append(
            f"{rank:>4}  {name:<8}{numbers['score']:>7.4f}{numbers['relative_error']:>16.4f}"
            f"{numbers['smoothness']:>12.4f}{errors[name]:>17.2f}"
        )
    return "\n".join(lines)


def format_trust(trust: Mapping[str, Any]) -> str:
    """What is known about the best registration, one line each.

    :param trust: the output of the task.
    """
    lines = [f"The best registration: {trust['verdict']}"]
    lines += [f"    {reason}" for reason in trust["reasons"]]
    if trust["remaining_shift"] is not None:
        lines.append(f"Remaining shift: {trust['remaining_shift']:.2f} px")
    for name, distance in trust["rivals"].items():
        lines.append(f"Rival: {name}, {distance:.2f} px from the best one")
    for name, images in trust["bad_images"].items():
        lines.append(f"Bad images of {name}: {', '.join(map(str, images))}")
    if trust["silent_stacks"]:
        lines.append(f"Stacks that say nothing: {', '.join(trust['silent_stacks'])}")
    return "\n".join(lines)


def write_picture(
    path: Path,
    ranked_names: Sequence[str],
    scores: Mapping[str, Mapping[str, float]],
    errors: Mapping[str, float],
    stack: NDArray[Any],
    transformations: Mapping[str, Sequence[Transformation]],
) -> None:
    """The average of a stack before and after, with the best and the worst registration, and all
    scores.

    :param path: of the PNG file.
    :param ranked_names: names of the stacks, best registration first.
    :param scores: by name, the output `scores` of the task.
    :param errors: true error of each registration in px.
    :param stack: the images of the picture, shape `(N, H, W)`.
    :param transformations: the registration that was found from each stack.
    :raises FileExistsError: when the file exists.
    """
    best, worst = ranked_names[0], ranked_names[-1]
    figure = Figure(figsize=(13, 4.3), layout="constrained")
    before, after_best, after_worst, bars = figure.subplots(
        1, 4, gridspec_kw={"width_ratios": (1, 1, 1, 0.9)}
    )
    figure.suptitle(f"The average of the {len(stack)} images of {best}", fontsize=15)

    limits = numpy.percentile(stack, (1, 99.5))
    _show(before, average(stack), limits, "As measured", "black")
    for axes, name, words, color in (
        (after_best, best, "best", _BEST),
        (after_worst, worst, "worst", _WORST),
    ):
        aligned = [
            transformation.apply_data(image)
            for transformation, image in zip(transformations[name], stack, strict=True)
        ]
        title = f"Aligned with the {words} registration\n(made from {name})"
        _show(axes, average(aligned), limits, title, color)
    _show_scores(bars, ranked_names, scores, errors)
    with path.open("xb") as file:
        figure.savefig(file, format="png", dpi=100)


def average(images: Sequence[NDArray[Any]] | NDArray[Any]) -> NDArray[numpy.float64]:
    """Mean of the valid pixels; NaN where no image has one.

    :param images: N images of shape `(H, W)`; pixels that are not finite are invalid.
    """
    total = numpy.zeros(images[0].shape)
    number = numpy.zeros(images[0].shape)
    for image in images:
        finite = numpy.isfinite(image)
        total[finite] += image[finite]
        number += finite
    average = numpy.full(total.shape, numpy.nan)
    numpy.divide(total, number, out=average, where=number > 0)
    return average


def _show(
    axes: Axes,
    image: NDArray[numpy.float64],
    limits: NDArray[numpy.float64],
    title: str,
    color: str,
) -> None:
    axes.imshow(image, cmap="gray", vmin=limits[0], vmax=limits[1], interpolation="nearest")
    axes.set_title(title, color=color)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(color=color, linewidth=3)


def _show_scores(
    axes: Axes,
    ranked_names: Sequence[str],
    scores: Mapping[str, Mapping[str, float]],
    errors: Mapping[str, float],
) -> None:
    # A registration that cannot be scored has no score and no bar.
    values = [numpy.nan_to_num(scores[name]["score"]) for name in ranked_names]
    colors = [_BEST, *[_OTHER] * (len(values) - 2), _WORST]
    bars = axes.barh(ranked_names, values, color=colors)
    axes.bar_label(bars, [_format_error(errors[name]) for name in ranked_names], padding=4)
    axes.invert_yaxis()
    axes.set_title("Score of each registration\n(small is good)")
    axes.set_xlim(0, 1.6 * max(values))
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.spines[["top", "right"]].set_visible(False)


def _format_error(error: float) -> str:
    return f"off by {error:.2f} px" if math.isfinite(error) else "diverged"
