"""Stacks and registrations that cannot be scored: the task warns and goes on."""

from __future__ import annotations

from typing import Any

import numpy

from .measurement import IMAGES
from .measurement import Mistake

_LAST = "Cannot be scored and rank last: 'Fe-K'"
_NONE = "No registration can be scored, so the ranking is based on smoothness alone:"

_NOTHING = "have no images to compare: they are empty or constant, or the reference image is"

_FLAT = numpy.ones_like(IMAGES)
_EMPTY = numpy.full_like(IMAGES, numpy.nan)
_SHIFTS = [[0, 0], [1, 0], [2, 0]]
_FAR = [[0, 0], [500, 0], [0, 500]]
_NOWHERE = [[numpy.nan, numpy.nan]] * 3
_IDENTITY = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
_SINGULAR = [_IDENTITY, [[1, 0, 0], [1, 0, 0], [0, 0, 1]], _IDENTITY]


def _not_scored(title: str, message: str, **changes: Any) -> Mistake:
    return Mistake(title, None, message, changes, "evaluate_stacks", ("'Fe-K'",))


RANKED_LAST = [
    _not_scored(
        "A stack without contrast",
        f"{_LAST} (its stack {_NOTHING.replace('have', 'has')})",
        image_stacks={"Fe-K": _FLAT},
        evaluate_on="own",
    ),
    _not_scored(
        "A stack of invalid pixels (NaN)",
        f"{_LAST} (its stack {_NOTHING.replace('have', 'has')})",
        image_stacks={"Fe-K": _EMPTY},
        evaluate_on="own",
    ),
    _not_scored(
        "A registration that moves the images out of the frame",
        f"{_LAST} (its transformations leave no images to compare)",
        transformations={"Fe-K": _FAR},
    ),
    _not_scored(
        "A transformation that is not finite",
        f"{_LAST} (3 of its 3 transformations are singular or not finite)",
        transformations={"Fe-K": _NOWHERE},
    ),
    _not_scored(
        "A singular matrix",
        "The registration 'Fe-K' has no transformation of image 1: singular or not finite",
        transformations={"Fe-K": _SINGULAR},
    ),
]

NONE_RANKED = [
    _not_scored(
        "Stacks of one image",
        f"{_NONE} 'Ca-K' (there is only one image), 'Fe-K' (there is only one image)",
        image_stacks={"Ca-K": IMAGES[:1], "Fe-K": IMAGES[:1]},
        transformations={"Ca-K": [[0, 0]], "Fe-K": [[0, 1]]},
    ),
    _not_scored(
        "No stack has contrast",
        f"{_NONE} 'Ca-K' (the stacks {_NOTHING}), 'Fe-K' (the stacks {_NOTHING})",
        image_stacks={"Ca-K": _FLAT, "Fe-K": _FLAT},
    ),
    _not_scored(
        "No registration can be used",
        f"{_NONE} 'Ca-K' (its transformations leave no images to compare), 'Fe-K' (3 of"
        " its 3 transformations are singular or not finite)",
        transformations={"Ca-K": _FAR, "Fe-K": _NOWHERE},
    ),
]

NOT_RANKED = [
    Mistake(
        "All registrations are equal",
        None,
        "Nothing to rank: all registrations are equal",
        {"transformations": {"Ca-K": _SHIFTS, "Fe-K": _SHIFTS}},
    ),
    Mistake(
        "One stack only",
        None,
        "Nothing to rank: there are fewer than two registrations",
        {"image_stacks": {"Fe-K": None}, "transformations": {"Fe-K": None}},
    ),
    Mistake(
        "Ranking switched off, although the registrations differ",
        None,
        "The stacks are not ranked (skip), but their registrations differ",
        {"skip": True},
    ),
]
