"""The result of an evaluation, and the limits for its verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Literal

import numpy
from numpy.typing import NDArray

from .._messages import join_names
from .._messages import list_images
from .._messages import list_numbers
from .._messages import unknown_name
from ._html import evaluation_as_html

# Relative MSE without alignment. If it is smaller, the images are aligned already: r is 0.98 or
# more.
_NEEDS_ALIGNMENT = 0.8

# px: from here on, the remaining shift is only a lower bound.
_LARGEST_SHIFT = 0.8

_NUMBERS = ("score", "relative_error", "own_relative_error", "smoothness", "min_overlap")


@dataclass(frozen=True)
class RegistrationScore:
    """The score of one registration.

    :param score: ``relative_error + 0.6 smoothness``, small is good; NaN if the registration cannot
        be scored.
    :param relative_error: RMS error of the aligned images, relative to the RMS error without
        alignment: weighted mean over the stacks on which the registration was scored. 0 is perfect,
        and 1 is no better than without alignment.
    :param own_relative_error: the relative error on the stack from which the registration was
        found; NaN if that is unknown.
    :param smoothness: mean step of the image corners as a fraction of the image size, see
        :func:`.smoothness_eval`, for the transformations that are finite.
    :param min_overlap: fraction of the pixels that are valid in both an aligned image and the
        reference image, minimum over the images of the stacks on which the registration was scored.
    :param reason: why the registration has no score; None if it has one.
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


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits for the verdict "good" and its reasons.

    :param score: a registration is not good if its score is this large or larger.
    :param remaining_shift: a registration is not good if a shift of this many px or more remains,
        or a rotation or distortion of as much.
    :param same: two registrations are the same if they are less than this many px apart.
    :param rival: a registration is a rival of the best one if it scores at least as well in more
        than this fraction of the draws.
    :param motion_distance: two stacks share the same motion if their best registrations are at most
        this many px apart,
    :param motion_conflict: or if the conflict between them is at most this.
    :param silent: a stack is silent if no registration from another stack improves its relative
        MSE R by more than this.
    :param bad_image: an image is bad if its correlation coefficient is lower than usual by this
        fraction.
    """

    score: float = 0.85
    remaining_shift: float = 0.3
    same: float = 0.25
    rival: float = 0.05
    motion_distance: float = 1.0
    motion_conflict: float = 0.2
    silent: float = 0.05
    bad_image: float = 0.25


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result of :func:`.evaluate_stacks`: K registrations compared on S stacks of N images.

    `str(evaluation)` is a table of the registrations, best first. The arrays are read-only. Their
    rows are in the order of `registrations`; values are NaN if a registration was not scored on a
    stack.

    :param stack_names: the S names of the stacks, in the given order.
    :param ranked_names: the K names of the registrations, from best to worst.
    :param registrations: the score of each registration, by name, in the given order.
    :param registered_from: the stack each registration was found from; None if that is unknown.
    :param conventions: the given convention of the registrations, see :func:`.as_transformations`.
    :param relative_error: relative error of each registration on each stack, shape `(K, S)`.
    :param relative_error_per_image: relative error of each image, shape `(K, S, N)`; NaN for the
        reference image. Its root mean square over the other images, limited to 1, is the relative
        error of the registration on the stack.
    :param overlap: fraction of the pixels that are valid in both the aligned image and the
        reference image, shape `(K, S, N)`.
    :param stack_weights: weights of the stacks in the mean over stacks, shape `(S,)`: from 0.01 if
        no registration from another stack improves a stack, to 1.01 if one aligns it perfectly; all
        1 if there is only one stack, or each registration was scored on its own stack only.
    :param infinite_pixels: number of infinite pixels in each stack, which are invalid.
    :param aligned_mse: standardized MSE of each aligned image and the reference image, ``min(2 (1 -
        r), 2)`` with the Pearson correlation coefficient r, shape `(K, S, N)`: 0 if they are equal,
        2 if they are unrelated or cannot be compared; NaN for the reference image.
    :param unaligned_mse: the same without alignment, shape `(S, N)`.
    :param unaligned_error: relative error without alignment, shape `(S,)`: nearly 1, or less for a
        stack that hardly needs alignment.
    :param reference_images: indices of the reference images, the one with most information first.
        All results per image are those with the first one.
    :param unchanging_pixels: fraction of the pixels that never change and were ignored, for each
        stack that has such pixels.
    :param marked_pixels: fraction of the pixels with the largest value of their type, which are
        invalid, for each stack that has such pixels.
    :param failed_images: the images whose transformation is singular or not finite, for each
        registration that has a score and such images; they count as unrelated to the others.
    :param opposite_images: the images with the opposite contrast of the reference image, as across
        an absorption edge, for each stack that has such images. The verdict, and what it is based
        on, uses their negatives.
    :param improves: whether any registration reduces the error of any stack by more than 5 %.
    :param verdict: "good" or "check" for the best registration; None without `trust`.
    :param reasons: why the verdict is not "good", one sentence each.
    :param rivals: registrations that cannot be distinguished from the best one, farthest first,
        with their distance from it in px (mean over the image corners and pairs of images);
        infinite if no two images have a transformation in both.
    :param remaining_shift: mean shift in px that remains with the best registration; from about
        0.8 px on it is a lower bound. NaN if it is unknown.
    :param remaining_distortion: by how many px a rotation, scale or shear that remains displaces
        the pixels, root mean square without the mean shift, mean over the images. NaN if it is
        unknown.
    :param motion_groups: names of the stacks in two groups with different motions: those that the
        best registration fits, and those that it does not fit. Empty if all have the same motion.
    :param bad_images: indices of the images that resemble no other image, for each stack that has
        such images.
    :param silent_stacks: stacks that no registration from another stack improves by more than 5 %.

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
    conventions: dict[str, str | None] = field(default_factory=dict)
    reference_images: tuple[int, ...] = (0,)
    unchanging_pixels: dict[str, float] = field(default_factory=dict)
    marked_pixels: dict[str, float] = field(default_factory=dict)
    failed_images: dict[str, tuple[int, ...]] = field(default_factory=dict)
    opposite_images: dict[str, tuple[int, ...]] = field(default_factory=dict)
    improves: bool = True
    verdict: Literal["good", "check"] | None = None
    reasons: tuple[str, ...] = ()
    rivals: dict[str, float] = field(default_factory=dict)
    remaining_shift: float = math.nan
    remaining_distortion: float = math.nan
    motion_groups: tuple[tuple[str, ...], ...] = ()
    bad_images: dict[str, tuple[int, ...]] = field(default_factory=dict)
    silent_stacks: tuple[str, ...] = ()

    @property
    def best(self) -> str:
        """The name of the registration that ranks first."""
        return self.ranked_names[0]

    @property
    def ranked_rows(self) -> list[int]:
        """The rows of the registrations in the arrays, from best to worst."""
        names = list(self.registrations)
        return [names.index(name) for name in self.ranked_names]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know before relying on the ranking, one sentence each."""
        return tuple(self._find_warnings())

    def trust(self) -> dict[str, Any]:
        """Return the verdict, reasons, rivals, remaining_shift, motion_groups, bad_images and
        silent_stacks, as JSON types; None for distances and shifts that are unknown."""

        def known(px: float) -> float | None:
            return px if math.isfinite(px) else None

        return {
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "rivals": {name: known(px) for name, px in self.rivals.items()},
            "remaining_shift": known(self.remaining_shift),
            "motion_groups": [list(group) for group in self.motion_groups],
            "bad_images": {name: list(images) for name, images in self.bad_images.items()},
            "silent_stacks": list(self.silent_stacks),
        }

    def describe_rank(self, name: str) -> str:
        """Say whether a registration is the best one, cannot be distinguished from it, or why it
        has no score; otherwise an empty string."""
        reason = self.registrations[name].reason
        if reason is not None:
            return f"no score: {reason}"
        if name in self.rivals:
            px = self.rivals[name]
            apart = f", up to {px:.2g} px apart" if math.isfinite(px) else ""
            return f"not distinguishable from the best{apart}"
        return "best" if name == self.best else ""

    def describe_remaining_shift(self) -> str:
        """Return ``0.12 px``, or ``1 px or more`` where the number is only a lower bound; an empty
        string if it is unknown."""
        if math.isnan(self.remaining_shift):
            return ""
        return (
            "1 px or more"
            if self.remaining_shift >= _LARGEST_SHIFT
            else f"{self.remaining_shift:.2f} px"
        )

    def describe_failed_images(self, name: str) -> str:
        """Describe in one sentence which images of a registration have no transformation."""
        return (
            f"The registration {name!r} has no transformation of"
            f" {list_numbers('image', self.failed_images[name])}: singular or not finite"
        )

    def describe_motion_groups(self) -> str:
        """Describe in one sentence which stacks do not have the same motion."""
        served, others = self.motion_groups
        if not served:
            names = join_names(others)
            return f"The stacks {names} do not share one motion: no registration fits them"
        return (
            f"The stacks do not share one motion: the registration {self.best!r} fits"
            f" {join_names(served)}, but not {join_names(others)}"
        )

    def scores(self) -> dict[str, dict[str, float]]:
        """Return the score, relative_error, own_relative_error, smoothness and min_overlap of each
        registration, by name, best first."""
        return {
            name: {number: getattr(self.registrations[name], number) for number in _NUMBERS}
            for name in self.ranked_names
        }

    def to_dataframe(self, per: Literal["registration", "image"] = "registration") -> Any:
        """Convert to a :class:`pandas.DataFrame`.

        :param per: `"registration"` for one row per registration, best first, with the values of
            :class:`.RegistrationScore` and the distance in px of a rival from the best one; or
            `"image"` for one row per registration, stack and image, with the relative error, the
            overlap and whether it is a bad image.
        :raises ValueError: if `per` is neither.
        :raises ModuleNotFoundError: if pandas is not installed; says how to install it.
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

    def _find_warnings(self) -> Iterator[str]:
        infinite = [f"{n} in stack {name!r}" for name, n in self.infinite_pixels.items() if n]
        if infinite:
            yield f"Infinite pixels are invalid: {', '.join(infinite)}"
        if self.marked_pixels:
            yield (
                "Pixels with the largest value of their type are invalid:"
                f" {_list_parts(self.marked_pixels)}"
            )
        if self.unchanging_pixels:
            yield (
                "Pixels that never change are ignored, because they do not move with the sample:"
                f" {_list_parts(self.unchanging_pixels)}"
            )
        items = self.registrations.items()
        reasons = [f"{name!r} ({item.reason})" for name, item in items if not item.scored]
        if len(reasons) == len(items):
            yield (
                "No registration can be scored, so the ranking is based on smoothness alone:"
                f" {', '.join(reasons)}"
            )
            return
        if reasons:
            yield f"Cannot be scored and rank last: {', '.join(reasons)}"
        yield from map(self.describe_failed_images, self.failed_images)
        if not self.improves and (self.unaligned_error**2 > _NEEDS_ALIGNMENT).any():
            yield (
                "No registration is better than none, so the ranking means little. Are the"
                " transformations in (row, column) order, not (x, y)? Are they passive, not active?"
                " See Conventions in the documentation"
            )
        if self.motion_groups:
            yield self.describe_motion_groups()
        if self.opposite_images:
            yield (
                "Images have the opposite contrast of the reference image, as across an absorption"
                f" edge, so their error seems large: {list_images(self.opposite_images)}"
            )
        if self.bad_images:
            yield (
                "Images that resemble no other image of their stack once they are aligned:"
                f" {list_images(self.bad_images)}"
            )

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, numpy.ndarray):
                value.flags.writeable = False

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self.__post_init__()  # unpickled arrays are writable


def find_images(
    names: Iterable[str], masks: Iterable[NDArray[numpy.bool_]]
) -> dict[str, tuple[int, ...]]:
    """Find the indices of the images in a mask for each name; without the names that have none."""
    return {
        name: tuple(numpy.flatnonzero(mask).tolist())
        for name, mask in zip(names, masks, strict=True)
        if mask.any()
    }


def _list_parts(parts: dict[str, float]) -> str:
    return ", ".join(f"{100 * part:.2g} % of stack {name!r}" for name, part in parts.items())
