"""Check, before any computation, that stacks and registrations match."""

from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from collections.abc import Sized

from .._messages import unknown_name
from .._stacks import Stack
from ..transformation import Transformation


def check_registration_per_stack(stacks: Collection[str], registrations: Collection[str]) -> None:
    """Check that each stack has a registration with its name.

    :raises ValueError: names the first one that has none, and the closest match.
    """
    for name in stacks:
        if name not in registrations:
            raise ValueError(unknown_name("registration for stack", name, registrations))


def check_stack_per_registration(stacks: Collection[str], registrations: Collection[str]) -> None:
    """Check that each registration has the stack it was found from.

    :raises ValueError: names the first one that has none, and the closest match.
    """
    for name in registrations:
        if name not in stacks:
            raise ValueError(unknown_name("stack for the registration", name, stacks))


def check_transformation_per_image(
    image_stacks: Mapping[str, Sized], registrations: Mapping[str, Sequence[Transformation]]
) -> None:
    """Check that the registration of each stack has one transformation per image.

    :raises ValueError: names the stack and both numbers.
    """
    for name, stack in image_stacks.items():
        if name in registrations and len(registrations[name]) != len(stack):
            raise ValueError(
                f"Stack {name!r} has {len(stack)} images, but its registration has"
                f" {len(registrations[name])} transformations: each image needs one"
            )


def check_same_number_of_images(
    image_stacks: Mapping[str, Sized],
    registrations: Mapping[str, Sequence[Transformation]],
) -> None:
    """Check that all stacks have the same number of images, and all registrations as many
    transformations, since one registration has to fit all stacks.

    :raises ValueError: names what differs, and both numbers.
    """
    first, number = next((name, len(stack)) for name, stack in image_stacks.items())
    for name, stack in image_stacks.items():
        if len(stack) != number:
            raise ValueError(
                f"Stack {name!r} has {len(stack)} images and stack {first!r} has {number}:"
                " one registration must fit all stacks"
            )
    for name, transformations in registrations.items():
        if len(transformations) != number:
            raise ValueError(
                f"Registration {name!r} has {len(transformations)} transformations, but the stacks"
                f" have {number} images: each image needs one"
            )


def check_same_image_shapes(stacks: Mapping[str, Stack], advice: str) -> None:
    """Check that the images of all stacks have the same shape.

    :param advice: what to do otherwise, the end of the message.
    :raises ValueError: names two stacks and their shapes.
    """
    first, expected = next((name, stack.shape[1:]) for name, stack in stacks.items())
    for name, stack in stacks.items():
        if stack.shape[1:] != expected:
            raise ValueError(
                f"The images of stack {name!r} have the shape {stack.shape[1:]} and those of stack"
                f" {first!r} {expected}: {advice}"
            )
