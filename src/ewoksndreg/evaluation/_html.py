"""Format an evaluation as HTML, for notebooks and reports."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._result import Evaluation

# Text and background have the colors of the page, which may be dark. Bars are borders, because
# browsers do not print backgrounds. Jupyter aligns the text of all tables to the right.
_STYLE = """<style>
.ewoksndreg table {border-collapse: collapse; margin: 0.6em 0}
.ewoksndreg th, .ewoksndreg td {padding: 0.25em 0.7em; text-align: right; vertical-align: top;
  border-bottom: 1px solid rgba(128, 128, 128, 0.35)}
.ewoksndreg th {vertical-align: bottom}
.ewoksndreg .words, .ewoksndreg .bar {text-align: left !important; min-width: 6em}
.ewoksndreg td.words {max-width: 24em; overflow-wrap: anywhere}
.ewoksndreg .bar div {border-top: 0.5em solid #0072B2; margin-top: 0.2em}
.ewoksndreg .verdict {border-left: 0.5em solid #0072B2; padding: 0.2em 0.8em}
.ewoksndreg .check {border-left: 0.5em double #D55E00}
.ewoksndreg p {margin: 0.3em 0; overflow-wrap: anywhere; max-width: 60em}
</style>"""


def evaluation_as_html(evaluation: Evaluation) -> str:
    """Format the verdict with its reasons, and a table of the registrations, best first, with bars
    for the scores.

    Names are escaped.
    """
    rows = "\n".join(_rows(evaluation))
    return f"""{_STYLE}
<div class="ewoksndreg">
{verdict_as_html(evaluation)}
<table>
<thead><tr><th>rank</th><th class="words">registration</th><th class="bar">score</th>\
<th>relative<br>error</th><th>smoothness</th><th>smallest<br>overlap</th>\
<th class="words"></th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>"""


def verdict_as_html(evaluation: Evaluation) -> str:
    """The verdict with its reasons, and the warnings. Names are escaped."""
    best = f"best registration is <strong>{escape(evaluation.best)}</strong>."
    if shift := evaluation.describe_remaining_shift():
        best += f" Remaining shift: {shift}."
    reasons = [f"<p>{escape(each)}.</p>" for each in evaluation.reasons]
    if evaluation.verdict is None:
        lines = [f"<p>The {best}</p>"]
    elif evaluation.verdict == "good":
        lines = ['<div class="verdict">', f"<p>✔ <strong>good</strong>: the {best}</p>", "</div>"]
    else:
        first = f"<p>⚠ <strong>check</strong>: the {best}</p>"
        lines = ['<div class="verdict check">', first, *reasons, "</div>"]
    told = set(evaluation.reasons)
    lines += [f"<p>{escape(each)}.</p>" for each in evaluation.warnings if each not in told]
    return "\n".join(lines)


def _rows(evaluation: Evaluation) -> Iterator[str]:
    ranked = [evaluation.registrations[name] for name in evaluation.ranked_names]
    # A score above 1 is no better than without alignment; large scores must not hide other bars.
    longest = min(max([1.0, *(item.score for item in ranked if math.isfinite(item.score))]), 1.5)
    for rank, (name, item) in enumerate(zip(evaluation.ranked_names, ranked, strict=True), start=1):
        score = '<td class="bar"></td>'
        if math.isfinite(item.score):
            width = 100 * min(item.score / longest, 1)
            score = f'<td class="bar">{item.score:.4f}<div style="width: {width:.1f}%"></div></td>'
        note = evaluation.describe_rank(name)
        shown = f"<strong>{escape(name)}</strong>" if rank == 1 else escape(name)
        yield (
            f'<tr><td>{rank}</td><td class="words">{shown}</td>{score}'
            f"<td>{item.relative_error:.4f}</td><td>{item.smoothness:.4f}</td>"
            f'<td>{item.min_overlap:.2f}</td><td class="words">{escape(note)}</td></tr>'
        )
