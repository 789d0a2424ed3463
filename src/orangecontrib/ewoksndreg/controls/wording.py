"""What a widget tells about its task, in the words of the library. Needs no Qt."""

from __future__ import annotations

from collections.abc import Iterable


def sentence_of(error: BaseException) -> str:
    """The sentence of the library, without what ewoks puts around it.

    :param error: what a task raised, or the `RuntimeError` that ewoks made of it.
    """
    if isinstance(error, RuntimeError) and error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__


def missing_inputs(names: Iterable[str]) -> str:
    """Say which inputs a task needs and does not have, and where they come from.

    :param names: of the inputs as the task calls them.
    """
    listed = " and ".join(name.replace("_", " ") for name in names)
    return f"Missing: {listed}. Link a widget that provides them, or fill them in"
