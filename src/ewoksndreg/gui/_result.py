"""What all tabs show."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field

from .._stacks import Stack
from ..evaluation import Evaluation
from ..transformation import Transformation


@dataclass(frozen=True, eq=False)
class RunResult:
    """The result of one run.

    :param stacks: the open stacks, by name; empty where they cannot be opened.
    :param registrations: by name, those that were read.
    :param evaluation: what the ranking found; None when nothing was ranked.
    :param reference_stack: the registration that is chosen for all stacks; None when each stack has
        its own.
    :param refined: the registrations that were refined on all stacks, by the name of the one that
        was given.
    :param about_refinement: one sentence for the registration that was to be refined, by its name.
    :param unreadable: why the stacks cannot be opened, one sentence, or None.
    """

    stacks: Mapping[str, Stack]
    registrations: Mapping[str, Sequence[Transformation]]
    evaluation: Evaluation | None = None
    reference_stack: str | None = None
    refined: Mapping[str, Sequence[Transformation]] = field(default_factory=dict)
    about_refinement: Mapping[str, str] = field(default_factory=dict)
    unreadable: str | None = None

    @property
    def stack_names(self) -> tuple[str, ...]:
        """All stacks, in the order in which they were given, or the names of the registrations
        where the stacks cannot be opened."""
        if self.evaluation is not None:
            return self.evaluation.stack_names
        return tuple(self.stacks or self.registrations)

    @property
    def registration_names(self) -> tuple[str, ...]:
        """All registrations, also those that were not read; best first where there is a ranking."""
        if self.evaluation is not None:
            return self.evaluation.ranked_names
        return tuple({**dict.fromkeys(self.stack_names), **self.registrations})

    @property
    def shown(self) -> dict[str, Sequence[Transformation]]:
        """The registrations that can be viewed, best first, each refined one before the one that
        it was made from."""
        found = {}
        for name in self.registration_names:
            if name in self.refined:
                found[f"{name}, refined"] = self.refined[name]
            if self.registrations.get(name):
                found[name] = self.registrations[name]
        return found

    @property
    def best(self) -> str | None:
        """The registration that ranks first, or was chosen without a ranking, or None."""
        return self.reference_stack if self.evaluation is None else self.evaluation.best

    @property
    def reference_image(self) -> int:
        """The image that the others are compared with."""
        return 0 if self.evaluation is None else self.evaluation.reference_images[0]

    def find_applied(self, stack: str) -> str:
        """The registration, of :attr:`shown`, with which a stack is aligned."""
        name = self.reference_stack or self.best or stack
        return f"{name}, refined" if name in self.refined else name

    def find_fitting(self, stack: str) -> list[str]:
        """The registrations, of :attr:`shown`, with one transformation for each image of a
        stack."""
        number = self.number_of_images(stack)
        return [name for name, items in self.shown.items() if len(items) == number]

    def number_of_images(self, name: str) -> int:
        """How many images a stack has; 0 where that is not known."""
        if name in self.stacks:
            return len(self.stacks[name])
        known = self.registrations.get(name) or next(iter(self.registrations.values()), ())
        return len(known)

    def image_shape(self, name: str) -> tuple[int, int] | None:
        """`(H, W)` of the images that a registration was found from, or those of the first stack;
        None when no stack could be opened."""
        if not self.stacks:
            return None
        own = name.removesuffix(", refined")
        stack = self.stacks[own if own in self.stacks else next(iter(self.stacks))]
        _, height, width = stack.shape
        return height, width
