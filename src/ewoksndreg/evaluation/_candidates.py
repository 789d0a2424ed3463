"""The registrations to rank."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from .._messages import check_type
from .._messages import unknown_name
from .._stacks import Stack
from ..transformation import Conventions
from ..transformation import Transformation
from ..transformation import TransformationSource
from ..transformation import as_registrations
from ..transformation import assign_conventions
from ._checks import check_same_image_shapes
from ._checks import check_same_number_of_images
from ._checks import check_stack_per_registration
from ._checks import check_transformation_per_image
from .eval_metrics import find_smoothness
from .eval_metrics import move_corners


@dataclass(frozen=True, eq=False)
class Candidates:
    """K registrations of N images, and what is known about them before any image is compared.

    :param stack_names: the S names of the stacks.
    :param registrations: N transformations for each name.
    :param conventions: the given convention of each registration.
    :param sources: the stack each registration was found from; None if that is unknown.
    :param scored: whether a registration is scored on a stack, shape `(K, S)`.
    :param own: whether a registration is known to come from a stack, shape `(K, S)`.
    :param image_shapes: `(H, W)` of the stack each registration was found from; of the first stack
        if that is unknown.
    :param smoothness: see :func:`.find_smoothness`, shape `(K,)`.
    :param failed: mask of the transformations that are singular or not finite, shape `(K, N)`.
    """

    stack_names: tuple[str, ...]
    registrations: Mapping[str, Sequence[Transformation]]
    conventions: Mapping[str, str | None]
    sources: Mapping[str, str | None]
    scored: NDArray[numpy.bool_]
    own: NDArray[numpy.bool_]
    image_shapes: Mapping[str, tuple[int, int]]
    smoothness: NDArray[numpy.float64]
    failed: NDArray[numpy.bool_]

    @classmethod
    def of(
        cls,
        stacks: Mapping[str, Stack],
        transformations: Mapping[str, TransformationSource],
        convention: Conventions,
        registered_from: Mapping[str, str | None] | None,
        evaluate_on: str,
    ) -> Candidates:
        """Convert registrations and check that they match the stacks; see
        :func:`.evaluate_stacks`."""
        if evaluate_on not in ("all", "own"):
            raise ValueError(unknown_name("evaluate_on", evaluate_on, ("all", "own")))
        if not stacks:
            raise ValueError("There are no image stacks to rank")
        registrations = as_registrations(transformations, convention)
        sources = _find_sources(stacks, registrations, registered_from, evaluate_on)
        check_transformation_per_image(stacks, registrations)
        check_same_number_of_images(stacks, registrations)
        if not registrations:
            raise ValueError("There are no registrations to rank")
        if evaluate_on == "all":
            check_same_image_shapes(
                stacks,
                "give stacks of the same shape, or score each registration on its own stack only"
                " (evaluate_on='own')",
            )
        own = numpy.array([[source == name for name in stacks] for source in sources.values()])
        first = next(iter(stacks))
        shapes = {name: stacks[source or first].shape[1:] for name, source in sources.items()}
        corners = [move_corners(registrations[name], shape) for name, shape in shapes.items()]
        return cls(
            stack_names=tuple(stacks),
            registrations=registrations,
            conventions=assign_conventions(convention, list(registrations)),
            sources=sources,
            scored=own if evaluate_on == "own" else numpy.ones_like(own),
            own=own,
            image_shapes=shapes,
            smoothness=numpy.array(list(map(find_smoothness, corners, shapes.values()))),
            failed=numpy.isnan(corners)[:, :, 0, 0],
        )

    @property
    def scored_on_others(self) -> NDArray[numpy.bool_]:
        """Whether a registration is scored on a stack that it is not known to come from."""
        return self.scored & ~self.own

    @property
    def on_own(self) -> bool:
        """Whether registrations are scored on their own stacks only, or there is one stack."""
        return len(self.stack_names) == 1 or not self.scored_on_others.any()


def _find_sources(
    stacks: Mapping[str, Stack],
    registrations: Mapping[str, Sequence[Transformation]],
    registered_from: Mapping[str, str | None] | None,
    evaluate_on: str,
) -> dict[str, str | None]:
    """Find the stack each registration was found from."""
    if registered_from is None:
        registered_from = {name: name for name in registrations if name in stacks}
    check_type("registered_from", registered_from, Mapping, "a dictionary of names of stacks")
    for name, source in registered_from.items():
        if name not in registrations:
            raise ValueError(unknown_name("registration", name, registrations))
        if source is not None and source not in stacks:
            raise ValueError(unknown_name(f"stack of registration {name!r},", source, stacks))
    sources = {name: registered_from.get(name) for name in registrations}
    unknown = [name for name, source in sources.items() if source is None]
    if evaluate_on == "own" and unknown:
        check_stack_per_registration(stacks, unknown)
        raise ValueError(
            f"Registration {unknown[0]!r} cannot be scored on its own stack (evaluate_on='own'):"
            " 'registered_from' does not say which stack that is"
        )
    return sources
