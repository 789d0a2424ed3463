"""Plots of an evaluation with matplotlib: the scores of the registrations, their errors, the motion
of the sample, and an image before and after alignment.

Needs ``pip install ".[plots]"``. Each function draws on the given axes, or makes a figure with
:mod:`matplotlib.pyplot`, and returns the axes. The plots can be read without color, and their
colors are suitable for color-blind people. Unknown values are hatched.

>>> import numpy
>>> from ewoksndreg import evaluate_stacks, plots
>>> scene = numpy.random.default_rng(0).normal(size=(60, 60)).cumsum(0).cumsum(1)
>>> stack = numpy.stack([scene[10 - n : 50 - n, 10:50] for n in range(4)])
>>> registrations = {"Ca": [(0, 0)] * 4, "Fe": [(n, 0) for n in range(4)]}
>>> result = evaluate_stacks({"Ca": stack, "Fe": stack}, registrations)
>>> axes = plots.scores(result)
>>> axes.get_xlabel()
'score (small is good)'
>>> before, after = plots.before_after(result, {"Ca": stack, "Fe": stack}, registrations)
>>> after.get_title()
'aligned with Fe'
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any

import numpy
from numpy.typing import NDArray

try:
    import matplotlib
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        'The plots need matplotlib: pip install ".[plots]" in the folder of the sources',
        name=error.name,
    ) from error
from matplotlib.patches import Patch
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from ._messages import locate_errors
from ._messages import unknown_name
from ._pictures import find_color_limits
from ._pictures import overlay
from ._pictures import reduce_image
from ._pictures import scale_brightness
from ._pixels import as_floating
from ._stacks import Stack
from .evaluation import Evaluation
from .io import open_stacks
from .transformation import Motion
from .transformation import TransformationSource
from .transformation import as_transformations
from .transformation import check_registrations_have_names
from .transformation import find_motion

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["before_after", "errors", "motion", "scores"]

# The colors of Okabe and Ito, which can be distinguished with any kind of color blindness. The best
# registration is black.
_BLUE = "#0072B2"
_SKY_BLUE = "#56B4E9"
_ORANGE = "#E69F00"
_COLORS = (_BLUE, _ORANGE, "#009E73", "#CC79A7", _SKY_BLUE, "#D55E00", "#8C8C8C")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h")

# The colors that `overlay` gives to a pixel that is bright in one image only.
_ONLY_REFERENCE = "#FF4D00"
_ONLY_IMAGE = "#004DFF"

_HATCH = "////"
_HATCH_COLOR = "#B0B0B0"

_LONGEST_NAME = 28
_MOST_NUMBERS = 200  # cells of a table in which numbers are legible
_MOST_CURVES = 12
_MARKERS_PER_CURVE = 12
_MOST_PIXELS = 400  # rows and columns of a picture

# A rotation (°) or a change of the size (%) below this is none.
_ROUNDING = 1e-6

# Scores beyond this are equally bad; their bars would hide the differences between the others.
_LONGEST_BAR = 1.5

_WIDTH = 9.0  # inches
_MOTION_HEIGHT = 3.2
BEFORE_AFTER_SIZE = (_WIDTH, 5.1)


def scores(evaluation: Evaluation, *, ax: Axes | None = None) -> Axes:
    """Plot the scores of the registrations as bars, best first.

    A bar has two parts: the relative error, and the contribution of the smoothness, which is
    hatched. The label of a bar gives the score and says whether the registration is the best one,
    cannot be distinguished from it (and by how many px it differs), or why it has no score.

    :param evaluation: the result of :func:`.evaluate_stacks`.
    :param ax: axes to draw on; by default those of a new figure.
    :returns: the axes.
    """
    names = evaluation.ranked_names
    ax = _new_axes(figure_size(len(names)))[0] if ax is None else ax
    ranked = [evaluation.registrations[name] for name in names]
    score = numpy.array([item.score for item in ranked])
    error = numpy.array([item.relative_error for item in ranked])
    known = numpy.isfinite(score)
    longest = min(max([1.0, *score[known]]), _LONGEST_BAR)
    ends = numpy.where(known, numpy.clip(score, 0, longest), 0)
    _draw_bars(ax, numpy.where(known, numpy.clip(error, 0, longest), 0), ends)
    for row, (name, end) in enumerate(zip(names, ends, strict=True)):
        ax.text(
            end + 0.015 * longest,
            row,
            _describe_score(evaluation, name, longest),
            va="center",
            parse_math=False,
            bbox={"facecolor": ax.get_facecolor(), "edgecolor": "none", "pad": 1},
        )
    # The labels are to the right of the bars.
    ax.set_xlim(0, 1.6 * longest)
    ax.set_xticks([tick for tick in (0, 0.25, 0.5, 0.75, 1, 1.25, 1.5) if tick <= longest])
    ax.set_xlabel("score (small is good)")
    _label_rows(ax, _label_by_rank(evaluation), bold=0)
    return ax


def errors(
    evaluation: Evaluation, registration: str | None = None, *, ax: Axes | None = None
) -> Axes:
    """Plot the relative error of each registration on each stack as a heat map.

    A frame marks the best registration, and a dotted frame the stack from which a registration was
    found. The labels of the stacks give their weights, or say that a stack is silent.

    :param evaluation: the result of :func:`.evaluate_stacks`.
    :param registration: plot instead the error of this registration on each image of each stack; a
        cross marks images that resemble no other image.
    :param ax: axes to draw on; by default those of a new figure. The color bar takes part of their
        space.
    :returns: the axes.
    :raises ValueError: if there is no such registration.
    """
    names = evaluation.stack_names
    if registration is None:
        ax = _new_axes(figure_size(len(evaluation.registrations), names))[0] if ax is None else ax
        _draw_errors_per_stack(ax, evaluation)
    else:
        _check_name("registration", registration, evaluation.registrations)
        ax = _new_axes(figure_size(len(names)))[0] if ax is None else ax
        _draw_errors_per_image(ax, evaluation, registration)
    return ax


def motion(
    evaluation: Evaluation,
    image_stacks: Any,
    transformations: Mapping[str, TransformationSource],
    *,
    ax: Sequence[Axes] | NDArray[Any] | None = None,
) -> list[Axes]:
    """Plot how far each registration moves the image center down and to the right, and how much it
    rotates and scales the images; see :func:`.find_motion`.

    The best registration is the thick black curve. A rival is a registration that cannot be
    distinguished from it. Of more than 12 registrations, the best 12 are plotted. A transformation
    that diverged leaves a gap, and a registration that moves much further than the best one is cut
    off; the legend says so.

    :param evaluation: the result of :func:`.evaluate_stacks`.
    :param image_stacks: the stacks that were given to it; no image is read.
    :param transformations: the registrations that were given to it, in the same convention.
    :param ax: two axes (down, to the right) or four (also rotation and size); by default those of
        a new figure, two if nothing rotates or changes its size.
    :returns: the axes.
    :raises ValueError: if a registration is missing, or there are neither two nor four axes.
    """
    motions = find_motions(evaluation, image_stacks, transformations)
    if ax is None:
        ax = _new_axes(*motion_layout(motions))
    axes: list[Axes] = list(numpy.ravel(ax))  # type: ignore[arg-type]
    if len(axes) not in (2, 4):
        raise ValueError(f"The motion needs two or four axes, not {len(axes)}")
    draw_motion(axes, evaluation, motions)
    return axes


def before_after(
    evaluation: Evaluation,
    image_stacks: Any,
    transformations: Mapping[str, TransformationSource],
    *,
    registration: str | None = None,
    stack: str | None = None,
    image: int | None = None,
    ax: Sequence[Axes] | NDArray[Any] | None = None,
) -> list[Axes]:
    """Plot an image on top of the reference image, as measured and aligned.

    Structure that is only in the reference image is red, structure that is only in the other image
    is blue, and structure in both is gray: aligned images have no colored edges. The brightness of
    each image is scaled separately, from the 1st to the 99.5th percentile of its pixels. Invalid
    pixels, and those from outside the image, are hatched. Large images are downsampled to 400 px.
    Only the two images are read.

    :param evaluation: the result of :func:`.evaluate_stacks`.
    :param image_stacks: the stacks that were given to it.
    :param transformations: the registrations that were given to it, in the same convention.
    :param registration: name of the registration that aligns the images; by default the best one.
    :param stack: name of the stack; by default the one that shows the motion best, which is the one
        with the largest weight.
    :param image: index of the image; by default the one with the largest relative error that is not
        a bad image, or the last one if the registration was not scored on the stack.
    :param ax: two axes; by default those of a new figure.
    :returns: the two axes.
    :raises ValueError: if a name is unknown, the registration does not have a transformation for
        the image, or there are not two axes.
    :raises IndexError: if there is no such image.
    :raises OSError: if an image cannot be read; names the stack and the image.
    """
    registration = evaluation.best if registration is None else registration
    _check_name("registration", registration, evaluation.registrations)
    stack = stacks_that_decide(evaluation, registration)[0] if stack is None else stack
    _check_name("stack", stack, evaluation.stack_names)
    image = find_worst_image(evaluation, registration, stack) if image is None else image
    reference = evaluation.reference_images[0]
    moves = find_registration(evaluation, transformations, registration)
    with open_stacks(image_stacks) as stacks, find_stack(stacks, stack) as images:
        if not -len(images) <= image < len(images):
            raise IndexError(f"Stack {stack!r} has {len(images)} images, there is no image {image}")
        image %= len(images)
        if len(moves) != len(images):
            raise ValueError(
                f"Stack {stack!r} has {len(images)} images, but registration {registration!r} has"
                f" {len(moves)} transformations: each image needs one"
            )
        shape = images.shape[1:]
        pictures = _before_and_after(images, stack, (reference, image), moves)
    if ax is None:
        ax = _new_axes(BEFORE_AFTER_SIZE, 1, 2)
    axes: list[Axes] = list(numpy.ravel(ax))  # type: ignore[arg-type]
    if len(axes) != 2:
        raise ValueError(f"Before and after need two axes, not {len(axes)}")
    titles = (f"{_shorten(stack)} as measured", f"aligned with {_shorten(registration)}")
    for each, title, (picture, extent) in zip(axes, titles, pictures, strict=True):
        _show_picture(each, picture, extent, shape, title)
    axes[1].set_ylabel("")
    _explain_colors(axes, reference, image)
    return axes


def figure_size(rows: int, columns: Sequence[str] = ()) -> tuple[float, float]:
    """Find the width and height, in inches, of a plot with a number of rows and with the names of
    columns below them."""
    below = 2.0 if _are_slanted([_shorten(name) for name in columns]) else 0.4
    return _WIDTH, 1.4 + below + 0.36 * rows


def stacks_that_decide(evaluation: Evaluation, registration: str) -> list[str]:
    """Sort the stacks on which a registration was scored by weight, the largest first; its own
    stack precedes others of the same weight."""
    row = list(evaluation.registrations).index(registration)
    own = evaluation.registered_from.get(registration)
    weights = dict(zip(evaluation.stack_names, evaluation.stack_weights, strict=True))
    scored = [
        name
        for name, value in zip(evaluation.stack_names, evaluation.relative_error[row], strict=True)
        if numpy.isfinite(value)
    ]
    return sorted(
        scored or evaluation.stack_names, key=lambda name: (-round(weights[name], 6), name != own)
    )


def find_worst_image(evaluation: Evaluation, registration: str, stack: str) -> int:
    """Find the image with the largest relative error, except the reference image, bad images and
    those without a transformation; the last one if the registration was not scored on the stack."""
    row = list(evaluation.registrations).index(registration)
    column = evaluation.stack_names.index(stack)
    values = evaluation.relative_error_per_image[row, column].copy()
    bad = evaluation.bad_images.get(stack, ())
    failed = evaluation.failed_images.get(registration, ())
    values[[evaluation.reference_images[0], *bad, *failed]] = numpy.nan
    return int(numpy.nanargmax(values)) if numpy.isfinite(values).any() else len(values) - 1


def find_registration(
    evaluation: Evaluation, transformations: Mapping[str, TransformationSource], name: str
) -> list[Any]:
    """Find a registration of the evaluation and convert it to transformations, in the convention in
    which it was evaluated."""
    check_registrations_have_names(transformations)
    _check_name("registration", name, transformations)
    with locate_errors(f"Registration {name!r}"):
        convention = evaluation.conventions.get(name)
        return as_transformations(transformations[name], convention=convention)


def find_stack(stacks: Mapping[str, Stack], name: str) -> Stack:
    """Find a stack of the evaluation."""
    _check_name("stack", name, stacks)
    return stacks[name]


def _draw_bars(ax: Axes, middles: NDArray[numpy.float64], ends: NDArray[numpy.float64]) -> None:
    """Draw bars of two parts, from 0 to the middle to the end."""
    rows = range(len(ends))
    colors = [_BLUE, *[_SKY_BLUE] * (len(ends) - 1)]
    error = ax.barh(rows, middles, color=colors, height=0.7, label="relative error")
    smoothness = ax.barh(
        rows,
        ends - middles,
        left=middles,
        height=0.7,
        color="white",
        edgecolor=_ORANGE,
        hatch=_HATCH,
        label="smoothness",
    )
    line = ax.axvline(
        1, color="black", linewidth=0.8, linestyle=":", zorder=0, label="no better than unaligned"
    )
    ax.spines[["top", "right"]].set_visible(False)
    handles = [error, smoothness, line]
    ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)


def _describe_score(evaluation: Evaluation, name: str, longest: float) -> str:
    score = evaluation.registrations[name].score
    note = evaluation.describe_rank(name)
    if not math.isfinite(score):
        return _shorten(note, 72)
    cut = "→ " if score > longest else ""
    return f"{cut}{score:.4f}   {note}"


def _draw_errors_per_stack(ax: Axes, evaluation: Evaluation) -> None:
    values = evaluation.relative_error[evaluation.ranked_rows]
    _draw_table(ax, values)
    if values.size <= _MOST_NUMBERS:
        for (row, column), value in numpy.ndenumerate(values):
            if numpy.isfinite(value):
                color = "white" if value < 0.5 else "black"
                ax.text(column, row, f"{value:.2f}", ha="center", va="center", color=color, size=8)
    for row, name in enumerate(evaluation.ranked_names):
        source = evaluation.registered_from.get(name)
        if source in evaluation.stack_names:
            column = evaluation.stack_names.index(source)
            value = values[row, column]
            edge = "white" if value < 0.5 else "black"
            cell = (column - 0.42, row - 0.42)
            ax.add_patch(Rectangle(cell, 0.84, 0.84, fill=False, edgecolor=edge, linestyle=":"))
    ax.add_patch(
        Rectangle((-0.5, -0.5), values.shape[1], 1, fill=False, edgecolor=_ORANGE, linewidth=3)
    )
    _label_rows(ax, _label_by_rank(evaluation), bold=0)
    names = [_shorten(name) for name in evaluation.stack_names]
    slanted = _are_slanted(names)
    separator = ", " if slanted else "\n"
    labels = []
    for name, weight in zip(evaluation.stack_names, evaluation.stack_weights, strict=True):
        what = "silent" if name in evaluation.silent_stacks else f"weight {weight:.2f}"
        labels.append(f"{_shorten(name)}{separator}{what}")
    style: dict[str, Any] = {"rotation": 40, "ha": "right"} if slanted else {}
    ax.set_xticks(range(len(labels)), labels, parse_math=False, rotation_mode="anchor", **style)
    ax.set_ylabel("registration")
    ax.set_xlabel("stack (dotted: the registration was found from it)")


def _draw_errors_per_image(ax: Axes, evaluation: Evaluation, registration: str) -> None:
    row = list(evaluation.registrations).index(registration)
    values = evaluation.relative_error_per_image[row].copy()
    reference = evaluation.reference_images[0]
    values[:, reference] = numpy.nan
    _draw_table(ax, values)
    for row, name in enumerate(evaluation.stack_names):
        images = evaluation.bad_images.get(name, ())
        ax.plot(images, [row] * len(images), "X", color=_ORANGE, mec="white", markersize=8)
    _label_rows(ax, [_shorten(name) for name in evaluation.stack_names])
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    bad = ", ✖: resembles no other image" if evaluation.bad_images else ""
    ax.set_xlabel(f"image (image {reference} is the reference{bad})")
    ax.set_ylabel("stack")
    ax.set_title(f"aligned with {_shorten(registration)}", parse_math=False)


def _draw_table(ax: Axes, values: NDArray[numpy.float64]) -> None:
    """Draw values from 0 to 1, shape `(rows, columns)`, as colors; NaN is hatched."""
    colors = matplotlib.colormaps["cividis"].with_extremes(bad=(0, 0, 0, 0))
    _hatch_background(ax)
    image = ax.imshow(values, cmap=colors, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    bar = ax.figure.colorbar(
        image, ax=ax, extend="max" if (values > 1).any() else "neither", label="relative error"
    )
    bar.set_ticks([0, 0.5, 1], labels=["0 perfect", "0.5", "1 as unaligned"])


def find_motions(
    evaluation: Evaluation,
    image_stacks: Any,
    transformations: Mapping[str, TransformationSource],
) -> dict[str, Motion]:
    motions = {}
    with open_stacks(image_stacks) as stacks:
        for name in evaluation.ranked_names[:_MOST_CURVES]:
            source = evaluation.registered_from[name] or evaluation.stack_names[0]
            _, height, width = find_stack(stacks, source).shape
            motions[name] = find_motion(
                find_registration(evaluation, transformations, name), (height, width)
            )
    return motions


def motion_layout(motions: Mapping[str, Motion]) -> tuple[tuple[float, float], int, int]:
    """Find the width and height in inches, and the rows and columns of axes, of :func:`motion`."""
    others = numpy.concatenate([[*each.rotation, *each.scale] for each in motions.values()])
    rows = 2 if (abs(others) > _ROUNDING).any() else 1
    return (_WIDTH, rows * _MOTION_HEIGHT), rows, 2


def draw_motion(
    axes: Sequence[Axes], evaluation: Evaluation, motions: Mapping[str, Motion]
) -> None:
    labels = {
        "rows": "down (px)",
        "columns": "to the right (px)",
        "rotation": "rotation (°)",
        "scale": "size (%)",
    }
    cut: set[str] = set()
    close = (evaluation.best, *evaluation.rivals)
    for ax, quantity in zip(axes, labels, strict=False):
        curves = {name: getattr(item, quantity) for name, item in motions.items()}
        lines = []
        for rank, curve in enumerate(curves.values()):
            lines += ax.plot(curve, markersize=4.5, **_curve_style(rank, len(curve)))
        limits = _curve_limits([curves[name] for name in close if name in curves], quantity)
        if limits is not None:
            low, high = limits
            cut |= {
                name for name, curve in curves.items() if ((curve < low) | (curve > high)).any()
            }
            ax.set_ylim(low, high)
        ax.set_ylabel(labels[quantity])
        ax.grid(alpha=0.3)
        ax.set_xlabel("image")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    names = [_motion_label(evaluation, name, item, name in cut) for name, item in motions.items()]
    title = None
    if len(motions) < len(evaluation.registrations):
        title = f"The {len(motions)} best of {len(evaluation.registrations)}"
    _add_legend(axes[1], lines, names, title)


def _curve_style(rank: int, images: int) -> dict[str, Any]:
    every = max(1, images // _MARKERS_PER_CURVE)
    style = {
        "marker": _MARKERS[rank % len(_MARKERS)],
        # Markers at different images, since curves may lie on top of each other.
        "markevery": (rank % every, every),
    }
    if rank == 0:
        return {**style, "color": "black", "linewidth": 4}
    return {
        **style,
        "color": _COLORS[(rank - 1) % len(_COLORS)],
        "linestyle": "--" if rank > len(_COLORS) else "-",
        "linewidth": 1.3,
    }


def _curve_limits(
    curves: Sequence[NDArray[numpy.float64]], quantity: str
) -> tuple[float, float] | None:
    """Find limits: twice the range of the best registration and its rivals."""
    values = numpy.concatenate(curves)
    values = values[numpy.isfinite(values)]
    if values.size == 0:
        return None
    low, high = float(values.min()), float(values.max())
    smallest = 2.0 if quantity in ("rows", "columns") else 0.2
    margin = max((high - low) / 2, smallest)
    return low - margin, high + margin


def _motion_label(evaluation: Evaluation, name: str, item: Motion, cut: bool) -> str:
    notes = []
    if name == evaluation.best:
        notes.append("best")
    if name in evaluation.rivals:
        notes.append("rival")
    if cut:
        notes.append("cut off")
    if item.diverged:
        notes.append(f"{len(item.diverged)} diverged")
    return _shorten(name) + (f" ({', '.join(notes)})" if notes else "")


_Picture = tuple[NDArray[numpy.uint8], tuple[float, float, float, float]]


def _before_and_after(
    stack: Stack, name: str, numbers: tuple[int, int], moves: Sequence[Any]
) -> list[_Picture]:
    """Make the overlays of two images, as measured and aligned, and find their extent: left, right,
    bottom, top."""
    before: list[NDArray[Any]] = []
    after: list[NDArray[Any]] = []
    for n in numbers:
        with locate_errors(f"Stack {name!r}, image {n}"):
            image = as_floating(stack[n])
            aligned = as_floating(moves[n].apply_data(image))
        limits = find_color_limits([image])
        for pixels, layers in ((image, before), (aligned, after)):
            small, blocks = reduce_image(pixels, _MOST_PIXELS)
            layers.append(scale_brightness(small, limits))
    height, width = (size * block for size, block in zip(small.shape, blocks, strict=True))
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    return [(overlay(*layers), extent) for layers in (before, after)]


def _show_picture(
    ax: Axes,
    picture: NDArray[numpy.uint8],
    extent: tuple[float, float, float, float],
    shape: tuple[int, ...],
    title: str,
) -> None:
    height, width = shape
    elongated = max(height, width) > 4 * min(height, width)
    _hatch_background(ax)
    ax.imshow(
        picture,
        extent=extent,
        aspect="auto" if elongated else "equal",
        interpolation="nearest",
    )
    ax.set_xlim(-0.5, width - 0.5)
    ax.set_ylim(height - 0.5, -0.5)
    ax.set_xlabel("column (px)")
    ax.set_ylabel("row (px)")
    ax.set_title(title, parse_math=False)


def _explain_colors(axes: Sequence[Axes], reference: int, image: int) -> None:
    patches = [
        Patch(facecolor=_ONLY_REFERENCE, label=f"only in image {reference}"),
        Patch(facecolor=_ONLY_IMAGE, label=f"only in image {image}"),
        Patch(facecolor="#808080", label="in both"),
        Patch(facecolor="white", edgecolor=_HATCH_COLOR, hatch=_HATCH, label="no valid pixel"),
    ]
    for ax, shown in zip(axes, (patches[:2], patches[2:]), strict=True):
        ax.legend(
            handles=shown, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, frameon=False
        )


def _new_axes(size: tuple[float, float], rows: int = 1, columns: int = 1) -> list[Axes]:
    from matplotlib import pyplot

    _, axes = pyplot.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    return list(axes.flat)


def _hatch_background(ax: Axes) -> None:
    ax.patch.set(facecolor="white", hatch=_HATCH, edgecolor=_HATCH_COLOR)


def _are_slanted(names: Sequence[str]) -> bool:
    """Whether the names are too many or too long to fit below the columns of a table."""
    return len(names) > 8 or max(map(len, names), default=0) > 12


def _label_by_rank(evaluation: Evaluation) -> list[str]:
    """Add the rank to each name, because shortened names may look the same."""
    names = enumerate(evaluation.ranked_names, start=1)
    return [f"{rank}. {_shorten(name)}" for rank, name in names]


def _label_rows(ax: Axes, labels: Sequence[str], bold: int | None = None) -> None:
    ax.set_yticks(range(len(labels)), labels, parse_math=False)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    if bold is not None:
        ax.get_yticklabels()[bold].set_fontweight("bold")


def _add_legend(ax: Axes, lines: Sequence[Any], labels: Sequence[str], title: str | None) -> None:
    legend = ax.legend(
        lines,
        # Labels that begin with an underscore would be ignored.
        [str(n) for n in range(len(lines))],
        title=title,
        loc="upper left",
        bbox_to_anchor=(1.02, 1),
        borderaxespad=0,
        frameon=False,
        fontsize="small",
    )
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_parse_math(False)
        text.set_text(label)


def _shorten(name: str, longest: int = _LONGEST_NAME) -> str:
    """Replace characters that cannot be drawn, and keep only both ends of a long name."""
    name = "".join(character if character.isprintable() else "�" for character in name)
    if len(name) <= longest:
        return name
    half = longest // 2
    return f"{name[:half]}…{name[len(name) - longest + half + 1 :]}"


def _check_name(what: str, name: str, available: Sequence[str] | Mapping[str, Any]) -> None:
    if name not in available:
        raise ValueError(unknown_name(what, name, available))
