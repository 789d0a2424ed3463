"""Wording that several packages share when they refuse something."""

from collections.abc import Iterable
from collections.abc import Sequence
from difflib import get_close_matches

# Names that are listed: a group of a file may hold thousands.
_MOST_LISTED = 20


def unknown_name(what: str, name: object, available: Iterable[object]) -> str:
    """Say that a name does not exist, offer the near match and list what exists.

    :param what: what is named, such as ``"reference_stack"``.
    :param name: the name that was asked for.
    :param available: the names that exist.
    """
    names = [str(candidate) for candidate in available]
    hint = near_match(str(name), names) or "."
    listed = ", ".join(repr(candidate) for candidate in names[:_MOST_LISTED]) or "none"
    if len(names) > _MOST_LISTED:
        listed += f" and {len(names) - _MOST_LISTED} more"
    return f"There is no {what} {str(name)!r}{hint} Available: {listed}"


def near_match(name: str, names: Sequence[str]) -> str:
    """``: did you mean 'Fe-K'?``, or nothing when no name is near."""
    near = get_close_matches(name, names, n=1)
    return f": did you mean {near[0]!r}?" if near else ""


def located(error: Exception, where: str) -> Exception:
    """The same error, in front of it where it happened.

    :param error: an `OSError`, `TypeError` or `ValueError`.
    :param where: the stack, and the image or URL.
    :returns: one of these built-in types, also where `error` is of a more special one.
    """
    for kind in (FileNotFoundError, PermissionError, OSError, TypeError):
        if isinstance(error, kind):
            return kind(f"{where}: {error}")
    return ValueError(f"{where}: {error}")
