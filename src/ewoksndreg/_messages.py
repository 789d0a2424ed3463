"""Helpers for messages that several packages share."""

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from difflib import get_close_matches

# A group of a file may hold thousands of names, and a stack thousands of images.
_MOST_LISTED = 20
_MOST_RUNS = 10


def unknown_name(what: str, name: object, available: Iterable[object]) -> str:
    """Say that a name does not exist, suggest the closest match and list the existing names.

    :param what: what has the name, such as ``"reference_stack"``.
    :param name: the unknown name.
    :param available: the names that exist.
    """
    names = [str(candidate) for candidate in available]
    hint = near_match(str(name), names) or "."
    listed = ", ".join(repr(candidate) for candidate in names[:_MOST_LISTED]) or "none"
    if len(names) > _MOST_LISTED:
        listed += f" and {len(names) - _MOST_LISTED} more"
    return f"There is no {what} {str(name)!r}{hint} Available: {listed}"


def check_type(argument: str, value: object, expected: type | tuple[type, ...], what: str) -> None:
    """Check the type of an argument whose attributes are used much later.

    :param what: what the argument needs to be, in words.
    :raises TypeError: names the argument.
    """
    if not isinstance(value, expected):
        raise TypeError(f"{argument!r} needs {what}, not {type(value).__name__}")


def near_match(name: str, names: Sequence[str]) -> str:
    """``: did you mean 'Fe-K'?``, or an empty string if no name is close."""
    near = [each for each in names if each.lower() == name.lower()]
    near = near or get_close_matches(name, names, n=1)
    return f": did you mean {near[0]!r}?" if near else ""


def add_context(error: Exception, where: str) -> Exception:
    """Make an error with the same message in one line, preceded by the place where it happened.

    :param error: an error of any type, since foreign code may raise anything.
    :param where: the stack, and the image or URL.
    :returns: an `OSError` (or that of a missing file or permission), `TypeError` or `ValueError`.
    """
    text = " ".join(str(error).split())
    for kind in (FileNotFoundError, PermissionError, OSError, TypeError, ValueError):
        if isinstance(error, kind):
            return kind(f"{where}: {text or type(error).__name__}")
    return OSError(f"{where}: {type(error).__name__}{text and ': '}{text}")


@contextmanager
def locate_errors(where: str) -> Iterator[None]:
    """Apply :func:`add_context` to the errors of reading and checking data."""
    try:
        yield
    except (OSError, TypeError, ValueError) as error:
        raise add_context(error, where) from error


def join_names(names: Iterable[str]) -> str:
    """``'Ca-K', 'Fe-K' and 'S-K'``"""
    return _join([repr(str(name)) for name in names])


def _join(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def list_numbers(what: str, numbers: Sequence[int]) -> str:
    """``image 3`` or ``images 3 to 5 and 9``; at most ten runs of numbers.

    :param what: what the numbers count, in the singular.
    :param numbers: the numbers in ascending order.
    """
    runs: list[list[int]] = []
    for n in numbers:
        if runs and runs[-1][-1] == n - 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    listed = runs[:_MOST_RUNS]
    parts = [
        part
        for run in listed
        for part in (map(str, run) if len(run) < 3 else [f"{run[0]} to {run[-1]}"])
    ]
    if listed != runs:
        parts.append(f"{len(numbers) - sum(map(len, listed))} more")
    return f"{what}{'' if len(numbers) == 1 else 's'} {_join(parts)}"


def list_images(images: Mapping[str, Sequence[int]]) -> str:
    """``images 1 and 3 of stack 'Ca-K', image 1 of stack 'Fe-K'``"""
    found = [f"{list_numbers('image', each)} of stack {name!r}" for name, each in images.items()]
    return ", ".join(found)
