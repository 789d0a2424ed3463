"""The page of the documentation that registrations all mistakes."""

from __future__ import annotations

from collections.abc import Sequence

from .measurement import FOLDER
from .measurement import Mistake
from .mistakes import MISTAKES
from .mistakes import WARNINGS

_HEAD = """\
# What the library says

Every mistake that is told apart, with the exact sentence. Each of them is a test: `tests/errors`
makes the mistake, compares type and sentence, and looks that nothing was written or changed on the
disk. This page is made from those tests: `python -m tests.errors > doc/errors.md`.

The examples lie in the folder `/data`. There the file `maps.h5` has the stacks `Ca-K` and `Fe-K` of
three images of 32 x 36 px in the group `/entry/maps`, and stacks with mistakes in `/entry/bad`;
`notes.txt` is not HDF5. In a workflow ewoks puts the name of the task in front, and the exception
of this page is the `__cause__` of the one that it raises.
"""

_WARNINGS = """\
## Warnings

The task goes on and warns (`RuntimeWarning`), because one registration that failed should not stop
a workflow.
"""


def page() -> str:
    """The text of `doc/errors.md`."""
    parts = [_HEAD]
    parts += [_chapter(f"## {title}", items) for title, items in MISTAKES.items()]
    parts.append(_WARNINGS)
    parts += [_chapter(f"### {title}", items) for title, items in WARNINGS.items()]
    return "\n".join(parts)


def _chapter(title: str, mistakes: Sequence[Mistake]) -> str:
    warnings_only = all(mistake.kind is None for mistake in mistakes)
    head = ["what", "warning"] if warnings_only else ["what", "exception", "message"]
    rows = [head, ["---"] * len(head)]
    for mistake in mistakes:
        message = _code(mistake.message.replace(FOLDER, "/data"))
        kind = [] if mistake.kind is None else [_code(mistake.kind.__name__)]
        rows.append([mistake.title, *kind, message])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{title}\n\n{table}\n"


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"
