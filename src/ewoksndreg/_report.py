"""Write the result of a ranking to one HTML file."""

from __future__ import annotations

import base64
import io
import os
import warnings
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING
from typing import Any

import numpy

from . import __version__
from ._stacks import Stack
from ._typing import is_url
from .evaluation import Evaluation
from .io import as_data_url
from .io import open_stacks
from .io import url_text
from .refinement import Refinement
from .transformation import Transformation
from .transformation import TransformationSource

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Limits that keep the file small for any number and size of images.
_MOST_STACKS = 4
_LARGEST_DRAWING = 250_000  # bytes; larger ones become pixels
_DPI = 130
_JPEG_QUALITY = 85

_STYLE = """
body {font: 15px/1.45 sans-serif; color: #111; background: white; max-width: 1100px;
  margin: 1.5em auto; padding: 0 1em}
h1 {font-size: 1.6em}
h2 {font-size: 1.25em; margin-top: 1.6em; break-after: avoid}
h2 + p {break-after: avoid}
figure {margin: 0.5em 0 1em; break-inside: avoid}
img {display: block; width: 900px; max-width: 100%}
table {border-collapse: collapse}
tr {break-inside: avoid}
.inputs {margin: 0.8em 0}
.inputs th, .inputs td {padding: 0.2em 0.8em 0.2em 0; text-align: left; vertical-align: top;
  min-width: 8em; overflow-wrap: anywhere}
@page {margin: 15mm}
@media print {
  body {margin: 0; max-width: none; font-size: 9.5pt}
  img {width: auto; max-height: 105mm}
}
"""


def check_report(path: str | os.PathLike[str]) -> None:
    """Check, before a long computation, whether a report can be written; raises the same errors as
    :func:`write_report`."""
    from . import plots  # noqa: F401  (says how to get matplotlib)

    path = os.fspath(path)
    if not path:
        raise ValueError("The report needs the name of a file, not ''")
    if os.path.exists(path):
        raise FileExistsError(f"{path!r} exists: choose another name or remove it")
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"There is no folder {folder!r} for the report")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"The folder {folder!r} for the report cannot be written")


def write_report(
    path: str | os.PathLike[str],
    evaluation: Evaluation,
    image_stacks: Any,
    transformations: Mapping[str, TransformationSource],
    *,
    refinement: Refinement | None = None,
) -> None:
    """Write the result of a ranking to one HTML file, for example for a logbook or an email.

    The report has the verdict, the table of the registrations, the relative error of each
    registration on each stack and of the best one on each image, the motion, images before and
    after alignment with the best registration, and the sources of the data. For the four stacks
    with the largest weights it shows the image with the largest error, and for the first of them
    also the last image; no other images are read. The file is self-contained and smaller than 3 MB.

    Needs ``pip install ".[plots]"``.

    :param path: path of the file, which must not exist.
    :param evaluation: the result of :func:`.evaluate_stacks`.
    :param image_stacks: the stacks that were given to it.
    :param transformations: the registrations that were given to it, in the same convention.
    :param refinement: what :func:`.refine_registration` returned for the best registration. The
        report says what it changed, and shows the images aligned with it.
    :raises FileExistsError: if the file exists.
    :raises FileNotFoundError: if its folder does not exist.
    :raises ValueError: if a stack or a registration of the evaluation is missing, or the path is
        empty.
    :raises OSError: if an image cannot be read or the file cannot be written.
    :raises ModuleNotFoundError: if matplotlib is not installed; says how to install it.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy
    >>> from ewoksndreg import evaluate_stacks, write_report
    >>> scene = numpy.random.default_rng(0).normal(size=(60, 60)).cumsum(0).cumsum(1)
    >>> stacks = {"Ca": numpy.stack([scene[10 - n : 50 - n, 10:50] for n in range(4)])}
    >>> registrations = {"still": [(0, 0)] * 4, "moving": [(n, 0) for n in range(4)]}
    >>> result = evaluate_stacks(stacks, registrations)
    >>> path = Path(tempfile.mkdtemp()) / "report.html"
    >>> write_report(path, result, stacks, registrations)
    >>> "best registration is <strong>moving</strong>" in path.read_text("utf-8")
    True
    """
    # Before the stacks are opened: without matplotlib, this says what to install.
    check_report(path)
    from . import plots

    registrations = {
        name: plots.find_registration(evaluation, transformations, name)
        for name in evaluation.registrations
    }
    with open_stacks(image_stacks) as stacks:
        for name in evaluation.stack_names:
            plots.find_stack(stacks, name)
        page = "\n".join(_page(evaluation, stacks, registrations, transformations, refinement))
    # Names that cannot be encoded stay readable.
    content = page.encode("utf-8", errors="xmlcharrefreplace")
    with open(path, "xb") as file:
        file.write(content)


def _page(
    evaluation: Evaluation,
    stacks: Mapping[str, Stack],
    registrations: Mapping[str, Sequence[Transformation]],
    transformations: Mapping[str, TransformationSource],
    refinement: Refinement | None,
) -> Iterator[str]:
    registered, stacked = len(evaluation.registrations), len(evaluation.stack_names)
    title = f"Comparison of {registered} registrations on {stacked} stacks"
    yield f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>"""
    yield evaluation._repr_html_()
    if refinement is not None:
        text = str(refinement)
        yield f"<p>The best registration was {escape(text)}.</p>"
    with _default_style():
        yield from _figures(evaluation, stacks, registrations, refinement)
    yield from _provenance(evaluation, stacks, transformations)
    yield "</body>\n</html>\n"


def _figures(
    evaluation: Evaluation,
    stacks: Mapping[str, Stack],
    registrations: Mapping[str, Sequence[Transformation]],
    refinement: Refinement | None,
) -> Iterator[str]:
    from matplotlib.figure import Figure

    from . import plots

    def new_figure(size: tuple[float, float]) -> Figure:
        # Not with pyplot, which would keep the figure, and show it in a notebook.
        return Figure(figsize=size, layout="constrained")

    best = evaluation.best
    yield "<h2>Relative error</h2>"
    figure = new_figure(plots.figure_size(len(evaluation.registrations), evaluation.stack_names))
    plots.errors(evaluation, ax=figure.subplots())
    yield _as_drawing(figure, "Each registration on each stack")
    figure = new_figure(plots.figure_size(len(evaluation.stack_names)))
    plots.errors(evaluation, best, ax=figure.subplots())
    yield _as_drawing(figure, f"Each image of each stack, aligned with {best}")

    yield "<h2>Motion</h2>"
    motions = plots.find_motions(evaluation, stacks, registrations)
    size, rows, columns = plots.motion_layout(motions)
    figure = new_figure(size)
    plots.draw_motion(figure.subplots(rows, columns).ravel(), evaluation, motions)
    yield _as_drawing(figure, "What each registration does to the images")

    yield "<h2>Before and after</h2>"
    refined = ""
    if refinement is not None and refinement.accepted:
        registrations = {**registrations, best: refinement.transformations}
        refined = ", refined"
    shown = plots.stacks_that_decide(evaluation, best)
    if len(shown) > _MOST_STACKS:
        yield f"<p>The {_MOST_STACKS} of {len(shown)} stacks that show the motion best.</p>"
    for name, image in _choose_images(evaluation, shown[:_MOST_STACKS]):
        figure = new_figure(plots.BEFORE_AFTER_SIZE)
        axes = figure.subplots(1, 2)
        plots.before_after(evaluation, stacks, registrations, stack=name, image=image, ax=axes)
        axes[1].set_title(f"{axes[1].get_title()}{refined}", parse_math=False)
        caption = f"Stack {name}: image {image} and image {evaluation.reference_images[0]}"
        yield _as_pixels(figure, caption)


def _choose_images(evaluation: Evaluation, stacks: Sequence[str]) -> list[tuple[str, int]]:
    """Choose the worst aligned image of each stack, and also the last one of the first stack."""
    from . import plots

    chosen = [(name, plots.find_worst_image(evaluation, evaluation.best, name)) for name in stacks]
    last = evaluation.overlap.shape[2] - 1
    if last not in (chosen[0][1], evaluation.reference_images[0]):
        chosen.insert(1, (stacks[0], last))
    return chosen


@contextmanager
def _default_style() -> Iterator[None]:
    """Use the default style, whatever the user has chosen, with text that can be searched and read
    aloud."""
    import matplotlib.style

    with warnings.catch_warnings(), matplotlib.style.context(["default", {"svg.fonttype": "none"}]):
        # The browser has fonts for characters that matplotlib does not have.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing")
        yield


def _as_drawing(figure: Figure, description: str) -> str:
    content = io.BytesIO()
    figure.savefig(content, format="svg")
    if len(content.getvalue()) > _LARGEST_DRAWING:
        return _as_pixels(figure, description)
    return _embed(content, "svg+xml", description)


def _as_pixels(figure: Figure, description: str) -> str:
    content = io.BytesIO()
    figure.savefig(content, format="jpeg", dpi=_DPI, pil_kwargs={"quality": _JPEG_QUALITY})
    return _embed(content, "jpeg", description)


def _embed(content: io.BytesIO, kind: str, description: str) -> str:
    data = base64.b64encode(content.getvalue()).decode()
    source = f"data:image/{kind};base64,{data}"
    words = escape(description)
    return f'<figure><figcaption>{words}</figcaption><img src="{source}" alt="{words}"></figure>'


def _provenance(
    evaluation: Evaluation,
    stacks: Mapping[str, Stack],
    transformations: Mapping[str, TransformationSource],
) -> Iterator[str]:
    now = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    references = ", ".join(map(str, evaluation.reference_images))
    yield f"""<h2>Made from</h2>
<p>ewoksndreg {escape(__version__)}, numpy {escape(numpy.__version__)}, {escape(now)}.
Reference image: {references}.</p>
<table class="inputs">
<tr><th>stack</th><th>(images, rows, columns)</th><th>pixels</th><th>from</th></tr>"""
    for name in evaluation.stack_names:
        shape = ", ".join(map(str, stacks[name].shape))
        yield (
            f"<tr><td>{escape(name)}</td><td>({shape})</td><td>{escape(str(stacks[name].dtype))}</td>"
            f"<td>{escape(_describe_sources(stacks[name]))}</td></tr>"
        )
    yield """</table>
<table class="inputs">
<tr><th>registration</th><th>found from stack</th><th>from</th></tr>"""
    for name, source in evaluation.registered_from.items():
        given: Any = transformations[name]
        where = url_text(as_data_url(given)) if is_url(given) else "in memory"
        yield (
            f"<tr><td>{escape(name)}</td><td>{escape(source or 'not known')}</td>"
            f"<td>{escape(where)}</td></tr>"
        )
    yield "</table>"


def _describe_sources(stack: Stack) -> str:
    sources = stack.sources or ("in memory",)
    more = f" to {sources[-1]} ({len(sources)} items)" if len(sources) > 1 else ""
    return f"{sources[0]}{more}"
