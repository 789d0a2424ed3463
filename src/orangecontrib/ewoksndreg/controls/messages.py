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


def name_missing_inputs(names: Iterable[str]) -> str:
    """Say which inputs a task needs and does not have, and where they come from.

    :param names: of the inputs in the task.
    """
    listed = " and ".join(name.replace("_", " ") for name in names)
    return f"Missing: {listed}. Link a widget that provides them, or fill them in"
