"""What an evaluation found."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

_NUMBERS = ("score", "relative_mse", "own_relative_mse", "smoothness", "smallest_overlap")


@dataclass(frozen=True)
class ListEvaluation:
    """How well one list of transformations registers.

    :param name: the stack from which the list was registered.
    :param score: ``relative_mse + 0.3 smoothness``, small is good; NaN when the list cannot be
        judged.
    :param relative_mse: error that is left, as a fraction of the error without alignment: mean
        over the stacks on which the list was judged, each with its weight. 0 is perfect and 1 no
        better than doing nothing.
    :param own_relative_mse: the same on the list's own stack.
    :param smoothness: see :func:`.smoothness_eval`, fraction of the image size.
    :param smallest_overlap: smallest fraction of the pixels, over the images of the stacks on
        which the list was judged, that is finite in both an aligned image and the first one.
    :param remark: why the list cannot be judged; None when it was judged.
    """

    name: str
    score: float
    relative_mse: float
    own_relative_mse: float
    smoothness: float
    smallest_overlap: float
    remark: str | None = None

    @property
    def judged(self) -> bool:
        """Whether the list has a score."""
        return self.remark is None


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Lists of transformations, compared.

    The arrays have the shape `(K lists, K stacks, N images)`, both in the order of `names`, and
    are read-only. They are NaN where a list was not judged on a stack.

    :param names: the K stack names as they were given.
    :param ranked_names: the same, from best to worst registration.
    :param lists: the numbers of each list, by name.
    :param relative_mse: of each image; its mean over the images from the second on, at most 1, is
        the relative MSE of the list on the stack.
    :param overlap: fraction of the pixels of each image that is finite in both it and the first
        image, after alignment.
    :param stack_weights: how much each stack counts in the mean over stacks, shape `(K,)`: 0.01
        where no list of another stack improves it, up to 1.01 where one aligns it perfectly; all
        1 where each list was judged on its own stack only.
    :param infinite_pixels: how many pixels of each stack are infinite, which counts as missing.
    """

    names: tuple[str, ...]
    ranked_names: tuple[str, ...]
    lists: dict[str, ListEvaluation]
    relative_mse: NDArray[numpy.float64]
    overlap: NDArray[numpy.float64]
    stack_weights: NDArray[numpy.float64]
    infinite_pixels: dict[str, int]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know before relying on the ranking, one sentence each."""
        return (*self._about_infinite_pixels(), *self._about_lists_not_judged())

    def scores(self) -> dict[str, dict[str, float]]:
        """For each list, by name and best first: score, relative_mse, own_relative_mse, smoothness
        and smallest_overlap."""
        return {
            name: {number: getattr(self.lists[name], number) for number in _NUMBERS}
            for name in self.ranked_names
        }

    def columns(self) -> dict[str, list[str] | list[float] | NDArray[numpy.float64]]:
        """All results as columns of a table, best list first; also the axes of the arrays
        `relative_mse_per_image` and `overlap_per_image` follow the ranking."""
        lists = [self.lists[name] for name in self.ranked_names]
        order = [self.names.index(name) for name in self.ranked_names]
        in_order = numpy.ix_(order, order)
        return {
            "stack_name": list(self.ranked_names),
            **{number: [getattr(item, number) for item in lists] for number in _NUMBERS},
            "stack_weight": self.stack_weights[order],
            "remark": [item.remark or "" for item in lists],
            "relative_mse_per_image": self.relative_mse[in_order],
            "overlap_per_image": self.overlap[in_order],
        }

    def _about_infinite_pixels(self) -> Iterator[str]:
        found = [
            f"{count} in stack {name!r}" for name, count in self.infinite_pixels.items() if count
        ]
        if found:
            yield f"Infinite pixels are taken as missing: {', '.join(found)}"

    def _about_lists_not_judged(self) -> Iterator[str]:
        lists = [self.lists[name] for name in self.names]
        reasons = [f"{item.name!r} ({item.remark})" for item in lists if not item.judged]
        if len(reasons) == len(lists):
            yield (
                "No list can be judged, so the ranking rests on smoothness alone:"
                f" {', '.join(reasons)}"
            )
        elif reasons:
            yield f"Cannot be judged and rank last: {', '.join(reasons)}"

    def __post_init__(self) -> None:
        self.relative_mse.flags.writeable = False
        self.overlap.flags.writeable = False
        self.stack_weights.flags.writeable = False

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self.__post_init__()  # pickled arrays come back writeable
