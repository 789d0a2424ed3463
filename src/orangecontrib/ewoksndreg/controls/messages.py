"""Messages of a widget about its task. Needs no Qt."""

from __future__ import annotations


def extract_sentence(error: BaseException) -> str:
    """The message of the library, without the context that ewoks adds.

    :param error: what a task raised, or the `RuntimeError` that ewoks made of it.
    """
    if isinstance(error, RuntimeError) and error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__
