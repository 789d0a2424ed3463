"""The result that all tabs show."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass

from .._stacks import Stack
from ..evaluation import Evaluation
from ..transformation import Transformation


@dataclass(frozen=True, eq=False)
class RunResult:
    """The result of one run.

    :param stacks: the open stacks, by name; empty if they cannot be opened.
    :param registrations: the registration that was found from each stack.
    :param chosen: the registration with which each stack is aligned.
    :param evaluation: the result of the ranking; None if nothing was ranked.
    :param reference_stack: the stack whose registration was chosen for all stacks, or None.
    :param unreadable: why the stacks cannot be opened, one sentence, or None.
    """

    stacks: Mapping[str, Stack]
    registrations: Mapping[str, Sequence[Transformation]]
    chosen: Mapping[str, Sequence[Transformation]]
    evaluation: Evaluation | None = None
    reference_stack: str | None = None
    unreadable: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All stacks in the given order, or the names of the registrations if the stacks cannot be
        opened."""
        if self.evaluation is not None:
            return self.evaluation.stack_names
        return tuple(self.stacks or {**self.registrations, **self.chosen})

    @property
    def ranked_names(self) -> tuple[str, ...]:
        """The same, best registration first if there is a ranking."""
        return self.names if self.evaluation is None else self.evaluation.ranked_names

    @property
    def best(self) -> str | None:
        """The stack whose registration is best, or was chosen without a ranking, or None."""
        if self.evaluation is not None:
            return self.evaluation.ranked_names[0]
        return self.reference_stack

    def number_of_images(self, name: str) -> int:
        """The number of images of a stack; 0 if it is unknown."""
        if name in self.stacks:
            return len(self.stacks[name])
        return len(self.registrations.get(name) or self.chosen.get(name) or ())

    def image_shape(self, name: str) -> tuple[int, int] | None:
        """`(H, W)` of the images of a stack; None if it could not be opened."""
        if name not in self.stacks:
            return None
        _, height, width = self.stacks[name].shape
        return height, width
