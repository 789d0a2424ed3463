"""What an evaluation found."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Literal

import numpy
from numpy.typing import NDArray

from .._messages import counted
from .._messages import quoted
from .._messages import unknown_name
from ._html import evaluation_as_html

# An improvement of the relative MSE that is more than chance.
_IMPROVED = 0.05

# Relative MSE of doing nothing. With less, the images lie on each other: r is 0.98 or more.
_NEEDS_ALIGNMENT = 0.8

_NUMBERS = ("score", "relative_error", "own_relative_error", "smoothness", "min_overlap")


@dataclass(frozen=True)
class RegistrationScore:
    """How well one registration aligns.

    :param score: ``relative_error + 0.6 smoothness``, small is good; NaN when the registration
        cannot be scored.
    :param relative_error: RMS error that is left, as a fraction of the RMS error without alignment:
        mean over the stacks on which the registration was scored, each with its weight. 0 is
        perfect and 1 no better than doing nothing.
    :param own_relative_error: the same on the stack from which the registration was found; NaN
        where that is not known.
    :param smoothness: see :func:`.smoothness_eval`, fraction of the image size, over the steps
        between transformations that are finite.
    :param min_overlap: smallest fraction of the pixels, over the images of the stacks on which the
        registration was scored, that is valid in both an aligned image and the reference image.
    :param reason: why the registration has no score; None when it has one.
    """

    score: float
    relative_error: float
    own_relative_error: float
    smoothness: float
    min_overlap: float
    reason: str | None = None

    @property
    def scored(self) -> bool:
        """Whether the registration has a score."""
        return self.reason is None


@dataclass(frozen=True, eq=False)
class Evaluation:
    """K registrations compared on S stacks of N images.

    As a string it is a table of the registrations, best first. The arrays are read-only; their rows
    are in the order of `registrations`, and they are NaN where a registration was not scored on a
    stack.

    :param stack_names: the S names of the stacks, as they were given.
    :param ranked_names: the K names of the registrations, from best to worst.
    :param registrations: the numbers of each registration, by name, as they were given.
    :param registered_from: for each registration the stack it was found from, None where that is
        not known.
    :param relative_error: of each registration on each stack, shape `(K, S)`.
    :param relative_error_per_image: shape `(K, S, N)`; its root mean square over the images but the
        reference image, at most 1, is the relative error of the registration on the stack. NaN for
        the reference image.
    :param overlap: fraction of the pixels of each image that is valid in both it and the reference
        image, after alignment, shape `(K, S, N)`.
    :param stack_weights: how much each stack counts in the mean over stacks, shape `(S,)`: 0.01
        where no registration from elsewhere improves it, up to 1.01 where one aligns it perfectly;
        all 1 where there is one stack, or each registration was scored on its own stack only.
    :param infinite_pixels: how many pixels of each stack are infinite, which are invalid.
    :param aligned_mse: standardized MSE of each aligned image and the reference image, ``min(2 (1 -
        r), 2)`` with Pearson's r, shape `(K, S, N)`: 0 equal, 2 unrelated or not to be compared;
        NaN for the reference image.
    :param unaligned_mse: the same of the images as they are, shape `(S, N)`.
    :param unaligned_error: relative error of doing nothing, shape `(S,)`: nearly 1, or less for a
        stack that hardly needs alignment.
    :param reference_images: with which images the others were compared, the one that says most
        first. What there is of each image is about that one.
    :param unchanging_pixels: for each stack that has some, the part of the pixels that never change
        and were left out.
    :param marked_pixels: for each stack that has some, the part of the pixels that hold the largest
        value of their type, which are invalid.
    :param failed_images: for each registration that has a score, the images whose transformation is
        singular or not finite, where there are some; they count as not related to others.
    :param verdict: "good" or "check" for the best registration; None where that was not asked for.
    :param reasons: why the verdict is not "good", one sentence each.
    :param rivals: registrations that cannot be told from the best one, farthest first: by how many
        px (mean over the image corners and over pairs of images) they differ from it.
    :param remaining_shift: mean shift in px that the best registration leaves; from about 0.8 px
        on it may be more. NaN where it is not known.
    :param motion_groups: names of stacks in two groups that do not move together: those that the
        best registration serves, then those that it does not. Empty where all move together.
    :param bad_images: for each stack that has some, the images that resemble no other image.
    :param silent_stacks: stacks that no registration from elsewhere improves by more than 5 %.

    >>> import numpy
    >>> from ewoksndreg import evaluate_stacks
    >>> scene = numpy.random.default_rng(0).normal(size=(60, 60)).cumsum(0).cumsum(1)
    >>> stack = numpy.stack([scene[10 - n : 50 - n, 10:50] for n in range(4)])
    >>> still, moving = [(0, 0)] * 4, [(n, 0) for n in range(4)]
    >>> result = evaluate_stacks({"Ca": stack, "Fe": stack}, {"Ca": still, "Fe": moving})
    >>> result
    <Evaluation of 2 registrations on 2 stacks: best 'Fe'>
    >>> result.registrations["Fe"].min_overlap
    0.925
    """

    stack_names: tuple[str, ...]
    ranked_names: tuple[str, ...]
    registrations: dict[str, RegistrationScore]
    registered_from: dict[str, str | None]
    relative_error: NDArray[numpy.float64]
    relative_error_per_image: NDArray[numpy.float64]
    overlap: NDArray[numpy.float64]
    stack_weights: NDArray[numpy.float64]
    infinite_pixels: dict[str, int]
    aligned_mse: NDArray[numpy.float64] = field(default_factory=lambda: numpy.empty((0, 0, 0)))
    unaligned_mse: NDArray[numpy.float64] = field(default_factory=lambda: numpy.empty((0, 0)))
    unaligned_error: NDArray[numpy.float64] = field(default_factory=lambda: numpy.ones(1))
    reference_images: tuple[int, ...] = (0,)
    unchanging_pixels: dict[str, float] = field(default_factory=dict)
    marked_pixels: dict[str, float] = field(default_factory=dict)
    failed_images: dict[str, tuple[int, ...]] = field(default_factory=dict)
    verdict: Literal["good", "check"] | None = None
    reasons: tuple[str, ...] = ()
    rivals: dict[str, float] = field(default_factory=dict)
    remaining_shift: float = math.nan
    motion_groups: tuple[tuple[str, ...], ...] = ()
    bad_images: dict[str, tuple[int, ...]] = field(default_factory=dict)
    silent_stacks: tuple[str, ...] = ()

    @property
    def best(self) -> str:
        """The name of the registration that ranks first."""
        return self.ranked_names[0]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know before relying on the ranking, one sentence each."""
        return (
            *self._about_pixels(),
            *self._about_registrations_without_score(),
            *map(self.describe_failed_images, self.failed_images),
            *self._about_the_best(),
            *self._about_bad_images(),
        )

    @property
    def improves(self) -> bool:
        """Whether any registration removes more than 5 % of the error of any stack."""
        return bool((self.unaligned_error**2 - self.relative_error**2 > _IMPROVED).any())

    def trust(self) -> dict[str, Any]:
        """Verdict, reasons, rivals, remaining_shift (None where it is not known), motion_groups,
        bad_images and silent_stacks, as JSON can hold them."""
        shift = self.remaining_shift
        return {
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "rivals": dict(self.rivals),
            "remaining_shift": None if math.isnan(shift) else shift,
            "motion_groups": [list(group) for group in self.motion_groups],
            "bad_images": {name: list(images) for name, images in self.bad_images.items()},
            "silent_stacks": list(self.silent_stacks),
        }

    def describe_failed_images(self, name: str) -> str:
        """One sentence about a registration that has no transformation for some images."""
        return (
            f"The registration {name!r} has no transformation of"
            f" {counted('image', self.failed_images[name])}: singular or not finite"
        )

    def describe_motion_groups(self) -> str:
        """One sentence about stacks that do not move together."""
        served, others = self.motion_groups
        if not served:
            return (
                f"The stacks {quoted(others)} do not share one motion: no registration serves them"
            )
        return (
            f"The stacks do not share one motion: the registration {self.best!r} serves"
            f" {quoted(served)}, but not {quoted(others)}"
        )

    def scores(self) -> dict[str, dict[str, float]]:
        """For each registration, by name and best first: score, relative_error,
        own_relative_error, smoothness and min_overlap."""
        return {
            name: {number: getattr(self.registrations[name], number) for number in _NUMBERS}
            for name in self.ranked_names
        }

    def to_dataframe(self, per: Literal["registration", "image"] = "registration") -> Any:
        """The numbers as a :class:`pandas.DataFrame`.

        :param per: `"registration"` for one row per registration, best first, with the numbers of
            :class:`.RegistrationScore` and by how many px a rival differs from the best one; or
            `"image"` for one row per registration, stack and image with the relative error, the
            overlap and whether it is a bad image.
        :raises ValueError: when `per` is neither.
        :raises ModuleNotFoundError: when pandas is not installed; says how to get it.
        """
        if per not in ("registration", "image"):
            raise ValueError(unknown_name("table per", per, ("registration", "image")))
        try:
            import pandas
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "A data frame needs pandas: pip install pandas", name=error.name
            ) from error
        if per == "registration":
            rows = [
                {**asdict(self.registrations[name]), "rival": self.rivals.get(name, math.nan)}
                for name in self.ranked_names
            ]
            return pandas.DataFrame(
                rows, index=pandas.Index(self.ranked_names, name="registration")
            )
        images = range(self.overlap.shape[2])
        bad = [[n in self.bad_images.get(name, ()) for n in images] for name in self.stack_names]
        index = pandas.MultiIndex.from_product(
            [list(self.registrations), self.stack_names, images],
            names=["registration", "stack", "image"],
        )
        return pandas.DataFrame(
            {
                "relative_error": self.relative_error_per_image.ravel(),
                "overlap": self.overlap.ravel(),
                "bad": numpy.broadcast_to(bad, self.overlap.shape).ravel(),
            },
            index=index,
        )

    def __str__(self) -> str:
        width = max(12, *(len(name) for name in self.registrations))
        lines = [f"rank  {'registration':<{width}}   score  relative error  smoothness  overlap"]
        for rank, name in enumerate(self.ranked_names, start=1):
            item = self.registrations[name]
            lines.append(
                f"{rank:>4}  {name:<{width}}{item.score:>8.4f}{item.relative_error:>16.4f}"
                f"{item.smoothness:>12.4f}{item.min_overlap:>9.2f}"
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        shape = f"{len(self.registrations)} registrations on {len(self.stack_names)} stacks"
        return f"<Evaluation of {shape}: best {self.best!r}>"

    def _repr_html_(self) -> str:
        """The verdict and the table, for notebooks."""
        return evaluation_as_html(self)

    def _about_pixels(self) -> Iterator[str]:
        found = [
            f"{count} in stack {name!r}" for name, count in self.infinite_pixels.items() if count
        ]
        if found:
            yield f"Infinite pixels are invalid: {', '.join(found)}"
        if self.marked_pixels:
            yield (
                "Pixels with the largest value of their type are invalid:"
                f" {_list_parts(self.marked_pixels)}"
            )
        if self.unchanging_pixels:
            yield (
                "Pixels that never change are left out, because they do not move with the sample:"
                f" {_list_parts(self.unchanging_pixels)}"
            )

    def _about_registrations_without_score(self) -> Iterator[str]:
        items = self.registrations.items()
        reasons = [f"{name!r} ({item.reason})" for name, item in items if not item.scored]
        if len(reasons) == len(items):
            yield (
                "No registration can be scored, so the ranking rests on smoothness alone:"
                f" {', '.join(reasons)}"
            )
        elif reasons:
            yield f"Cannot be scored and rank last: {', '.join(reasons)}"

    def _about_the_best(self) -> Iterator[str]:
        if not self.registrations[self.best].scored:
            return
        if not self.improves and (self.unaligned_error**2 > _NEEDS_ALIGNMENT).any():
            yield (
                "No registration is better than none, so the ranking means little. Are the"
                " transformations in (row, column) order, not (x, y)? Do they have the other"
                " direction? See Conventions in the documentation"
            )
        if self.motion_groups:
            yield self.describe_motion_groups()

    def _about_bad_images(self) -> Iterator[str]:
        if self.bad_images:
            found = [
                f"{counted('image', images)} of stack {name!r}"
                for name, images in self.bad_images.items()
            ]
            yield (
                "Images that resemble no other image of their stack once they are aligned:"
                f" {', '.join(found)}"
            )

    def __post_init__(self) -> None:
        for array in (
            self.relative_error,
            self.relative_error_per_image,
            self.overlap,
            self.stack_weights,
            self.aligned_mse,
            self.unaligned_mse,
            self.unaligned_error,
        ):
            array.flags.writeable = False

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self.__post_init__()  # pickled arrays come back writeable


def _list_parts(parts: dict[str, float]) -> str:
    return ", ".join(f"{100 * part:.2g} % of stack {name!r}" for name, part in parts.items())
