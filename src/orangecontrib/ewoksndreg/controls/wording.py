"""What a widget tells about its task, in the words of the library. Needs no Qt."""

from __future__ import annotations

from collections.abc import Iterable

from ewokscore.task import TaskExecutionError
from ewokscore.task import TaskInputError


def sentence_of(error: BaseException) -> str:
    """The sentence of the library, without what ewoks wraps around it.

    :param error: what a task raised, or its cause, as ewoks gives it.
    """
    while isinstance(error, (TaskExecutionError, TaskInputError)) and error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__


def missing_inputs(names: Iterable[str]) -> str:
    """Say which inputs a task needs and does not have, and where they come from.

    :param names: of the inputs as the task calls them.
    """
    listed = " and ".join(name.replace("_", " ") for name in names)
    return f"Missing: {listed}. Link a widget that provides them, or fill them in"
