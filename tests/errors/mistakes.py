"""The registration of all mistakes, by chapters."""

from __future__ import annotations

from .measurement import Mistake
from .of_outputs import OF_OUTPUTS
from .of_registrations import OF_CHOICES
from .of_registrations import OF_LISTS
from .of_registrations import OF_NAMES
from .of_scores import NONE_RANKED
from .of_scores import NOT_RANKED
from .of_scores import RANKED_LAST
from .of_stacks import BETWEEN_STACKS
from .of_stacks import IN_FILES
from .of_stacks import OF_IMAGES
from .of_stacks import OF_THEIR_FORM

MISTAKES: dict[str, list[Mistake]] = {
    "Files and datasets": IN_FILES,
    "Images": OF_IMAGES,
    "All stacks together": OF_THEIR_FORM + BETWEEN_STACKS,
    "Transformations": OF_LISTS,
    "Names": OF_NAMES,
    "Choices": OF_CHOICES,
    "Output": OF_OUTPUTS,
}

WARNINGS: dict[str, list[Mistake]] = {
    "Registrations that cannot be scored rank last": RANKED_LAST,
    "No registration can be scored": NONE_RANKED,
    "Nothing is ranked": NOT_RANKED,
}
