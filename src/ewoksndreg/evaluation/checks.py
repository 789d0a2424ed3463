"""Refuse stacks and lists that do not belong together before any work is done."""

from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from collections.abc import Sized

from .._messages import unknown_name
from ..transformation.base import Transformation


def check_stack_per_list(stacks: Collection[str], lists: Collection[str]) -> None:
    """Every list of transformations needs the stack it was registered from.

    :raises ValueError: names the first one that has none, and the near match.
    """
    for name in lists:
        if name not in stacks:
            raise ValueError(unknown_name("stack for the list of transformations", name, stacks))


def check_list_per_stack(stacks: Collection[str], lists: Collection[str]) -> None:
    """Every stack needs a list of transformations.

    :raises ValueError: names the first one that has none, and the near match.
    """
    for name in stacks:
        if name not in lists:
            raise ValueError(unknown_name("list of transformations for stack", name, lists))


def check_transformation_per_image(
    image_stacks: Mapping[str, Sized],
    transformations: Mapping[str, Sequence[Transformation]],
) -> None:
    """Every stack needs a list and every image a transformation.

    :raises ValueError: names the stack and both numbers.
    """
    check_list_per_stack(image_stacks, transformations)
    for name, stack in image_stacks.items():
        images, items = len(stack), len(transformations[name])
        if images != items:
            raise ValueError(
                f"Stack {name!r} has {images} images, but its list has {items} transformations:"
                " each image needs one"
            )


def check_some_images(image_stacks: Mapping[str, Sized]) -> None:
    """A stack without images cannot be ranked.

    :raises ValueError: names the stack.
    """
    for name, stack in image_stacks.items():
        if len(stack) == 0:
            raise ValueError(f"Stack {name!r} has no images")


def check_same_number_of_images(image_stacks: Mapping[str, Sized]) -> None:
    """All stacks need the same number of images, since one list is handed on for all of them.

    :raises ValueError: names the stacks and both numbers.
    """
    expected: tuple[str, int] | None = None
    for name, stack in image_stacks.items():
        images = len(stack)
        if expected is None:
            expected = name, images
        elif images != expected[1]:
            raise ValueError(
                f"Stack {name!r} has {images} images and stack {expected[0]!r} has {expected[1]}:"
                " one list of transformations must serve all stacks"
            )


def check_same_image_shapes(shapes: Mapping[str, tuple[int, ...]]) -> None:
    """A list can be judged on all stacks only when their images have one shape.

    :param shapes: `(H, W)` of the images of each stack.
    :raises ValueError: names two stacks and their shapes.
    """
    expected: tuple[str, tuple[int, ...]] | None = None
    for name, shape in shapes.items():
        if expected is None:
            expected = name, shape
        elif shape != expected[1]:
            raise ValueError(
                f"The images of stack {name!r} have the shape {shape} and those of stack"
                f" {expected[0]!r} {expected[1]}: give stacks of one shape or judge every list on"
                " its own stack only (evaluate_on='own')"
            )
