"""The page of the documentation with all error messages."""

from __future__ import annotations

from collections.abc import Sequence

from .measurement import FOLDER
from .measurement import Mistake
from .mistakes import MISTAKES
from .mistakes import WARNINGS

_HEAD = """\
# Error messages

The errors of the ranking task, with their exact messages; the other tasks report problems with
files, images, transformations and outputs in the same words. Each row is a test: `tests/errors`
causes the error, compares the type and the message, and checks that nothing was written or changed
on the disk. These tests generate this page: `python -m tests.errors > doc/reference/errors.md`.

The examples use the directory `/data`. There the file `maps.h5` has the stacks `Ca-K` and `Fe-K` of
three images of 32 x 36 px in the group `/entry/maps`, and invalid stacks in `/entry/bad`;
`notes.txt` is not HDF5. In a workflow, ewoks raises an error with the name of the task;
its `__cause__` is the exception of this page.
"""

_WARNINGS = """\
## Warnings

The task continues with a `RuntimeWarning`, because one failed registration should not stop a
workflow.
"""


def format_page() -> str:
    """The content of `doc/reference/errors.md`."""
    parts = [_HEAD]
    parts += [_format_section(f"## {title}", items) for title, items in MISTAKES.items()]
    parts.append(_WARNINGS)
    parts += [_format_section(f"### {title}", items) for title, items in WARNINGS.items()]
    return "\n".join(parts)


def _format_section(title: str, mistakes: Sequence[Mistake]) -> str:
    warnings_only = all(mistake.kind is None for mistake in mistakes)
    head = ["what", "warning"] if warnings_only else ["what", "exception", "message"]
    rows = [head, ["---"] * len(head)]
    for mistake in mistakes:
        message = _format_code(mistake.message.replace(FOLDER, "/data"))
        kind = [] if mistake.kind is None else [_format_code(mistake.kind.__name__)]
        rows.append([mistake.title, *kind, message])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{title}\n\n{table}\n"


def _format_code(message: str) -> str:
    return "`" + message.replace("|", "\\|") + "`"
