"""Find stacks that do not share the same motion."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy
from numpy.typing import NDArray

_LOST = 0.5


def find_motion_groups(
    relative_mse: NDArray[numpy.float64],
    unaligned: NDArray[numpy.float64],
    best: int,
    distance: Callable[[int, int], float],
    *,
    least_distance: float,
    least_conflict: float,
) -> tuple[list[int], list[int]] | None:
    """Find out whether two stacks have different motions, so that no registration fits both.

    The loss of a registration on a stack is relative to the improvement by the best registration
    for that stack::

        lost[k, j] = (R[k, j] - min(R[:, j])) / (R0[j] - min(R[:, j]))

    For two stacks whose best registrations are more than `least_distance` px apart, the conflict is
    the minimum, over the registrations, of the larger loss on the two stacks, times the smaller of
    the two possible improvements.

    :param relative_mse: R of each registration on each stack, shape `(K, S)`.
    :param unaligned: R0, without alignment, shape `(S,)`.
    :param best: index of the best registration.
    :param distance: computes the distance (px) of two registrations.
    :returns: the stacks that the best registration fits, and those for which it loses more than
        half of the possible improvement; None if there are none, or no conflict is larger than
        `least_conflict`.
    """
    smallest = relative_mse.min(axis=0)
    removed = unaligned - smallest
    with numpy.errstate(invalid="ignore", divide="ignore"):
        lost = (relative_mse - smallest) / removed
    own_best = relative_mse.argmin(axis=0)
    for i, j in itertools.combinations(range(relative_mse.shape[1]), 2):
        if min(removed[i], removed[j]) <= least_conflict:
            continue
        conflict = numpy.maximum(lost[:, i], lost[:, j]).min() * min(removed[i], removed[j])
        if conflict > least_conflict and distance(own_best[i], own_best[j]) > least_distance:
            break
    else:
        return None
    moving = removed > least_conflict
    others = numpy.flatnonzero(moving & (lost[best] > _LOST))
    served = numpy.flatnonzero(moving & (lost[best] <= _LOST))
    return (served.tolist(), others.tolist()) if others.size else None
