"""Messages of a widget about its task. Needs no Qt."""

from __future__ import annotations

from collections.abc import Iterable


def extract_sentence(error: BaseException) -> str:
    """The message of the library, without the context that ewoks adds.

    :param error: what a task raised, or the `RuntimeError` that ewoks made of it.
    """
    if isinstance(error, RuntimeError) and error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__


def name_missing_inputs(labels: Iterable[str]) -> str:
    """Say which inputs of a task are missing, and how to provide them.

    :param labels: of their fields.
    """
    listed = " and ".join(map(repr, labels))
    return f"Fill in {listed}, or link a widget that provides that"


def name_waiting(titles: Iterable[str]) -> str:
    """Say which linked widgets have to run first.

    :param titles: of the widgets, in the canvas.
    """
    return f"Run {' and '.join(map(repr, titles))} first"
