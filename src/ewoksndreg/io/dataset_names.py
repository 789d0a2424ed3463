"""Names under which stacks can be saved in one HDF5 group."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

# Control characters, and what is not Unicode. HDF5 keeps neither.
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def check_dataset_names(names: Sequence[str]) -> None:
    """Refuse names that HDF5 does not take, or takes for something else: one that begins with a
    slash would be written outside the group.

    :raises ValueError: names the stack, or both of two that stand in each other's way.
    """
    for name in names:
        if _NOT_IN_NAMES.search(name) or {"", ".", ".."} & set(name.split("/")):
            raise ValueError(
                f"A stack called {name!r} cannot be saved: parts of a name, between slashes, are"
                " not empty, '.' or '..' and hold no control characters"
            )
    # Sorted by parts, a group comes right before what it holds.
    in_order = sorted(names, key=lambda name: name.split("/"))
    for outer, inner in pairwise(in_order):
        if inner.startswith(f"{outer}/"):
            raise ValueError(
                f"Stacks {outer!r} and {inner!r} cannot be saved side by side: one is a dataset"
                " where the other needs a group"
            )
