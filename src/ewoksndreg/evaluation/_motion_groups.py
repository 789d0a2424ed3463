"""Stacks that do not share one motion."""

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
    """Whether two stacks show two motions: no registration serves both.

    Of what the best registration of a stack removes from its error, each one loses a part::

        lost[k, j] = (R[k, j] - min(R[:, j])) / (R0[j] - min(R[:, j]))

    For two stacks whose best registrations are more than `least_distance` px apart the conflict is
    the smallest, over the registrations, of the larger loss of the two, times what can be removed
    from the stack of which less can.

    :param relative_mse: R, of each registration on each stack, shape `(K, S)`.
    :param unaligned: R0, of doing nothing, shape `(S,)`.
    :param best: the best registration.
    :param distance: tells how far (px) two registrations are apart.
    :returns: the stacks that the best registration serves, and those for which it loses more than
        half of what their best one removes; None where there are none, or no conflict is more than
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
