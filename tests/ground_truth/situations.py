"""Situations of daily work: samples with known motion that are hard to rank, or hard to trust.

The registrations are the truth with errors of known size and of the kinds that registrations make,
so that each situation has what it needs (a good one, ties, only bad ones). Nothing was picked: each
situation has the same number of cases, which differ in picture, motion, dose and seed.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any
from typing import Literal

import numpy
from numpy.typing import NDArray

from ewoksndreg.demo.samples import PICTURES
from ewoksndreg.demo.samples import make_sample
from ewoksndreg.demo.samples import true_error
from ewoksndreg.transformation import Homography

SIZE = 144
IMAGES = 10

# Figures are chosen on one set and checked on the other one, with other pictures.
SETS: dict[str, tuple[str, ...]] = {"choose": PICTURES[::2], "check": PICTURES[1::2]}

Rng = numpy.random.Generator
Stacks = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Situation:
    """Stacks and registrations.

    :param errors: true error of each registration in px.
    :param truth: the right registration.
    :param bad: images that were spoilt.
    :param moving_apart: the stacks that move in another way than the others.
    """

    name: str
    stacks: Stacks
    transformations: dict[str, list[Homography]]
    errors: dict[str, float]
    truth: list[Homography]
    bad: dict[str, tuple[int, ...]] = field(default_factory=dict)
    moving_apart: tuple[str, ...] = ()

    @property
    def smallest_error(self) -> float:
        return min(self.errors.values())


def build_situations(
    which: Literal["choose", "check"] = "check", cases: int = 8, names: tuple[str, ...] = ()
) -> Iterator[Situation]:
    """All situations, always the same ones.

    :param cases: of each situation.
    :param names: of situations; none for all.
    """
    pictures = SETS[which]
    for number, (name, build) in enumerate(_SITUATIONS.items()):
        for n in range(cases):
            if names and name not in names:
                continue
            seed = 10_000 * (1 + list(SETS).index(which)) + 100 * number + n
            picture = pictures[(number + n) % len(pictures)]
            yield replace(build(picture, numpy.random.default_rng(seed)), name=name)


# --- Samples and registrations -------------------------------------------------------------------


def _usual(
    picture: str,
    rng: Rng,
    *,
    images: int = IMAGES,
    channels: tuple[str, ...] = (),
    errors: Callable[[Rng, int], NDArray[Any]] | None = None,
    step: float = 1.2,
) -> Situation:
    """Three to six channels, and errors from 0.03 to 5 px; in two of three cases one is good."""
    motion: Literal["translation", "rigid"] = "rigid" if rng.random() < 0.4 else "translation"
    sample = make_sample(
        picture,
        motion=motion,
        images=images,
        size=SIZE,
        step=step,
        dose=float(rng.choice([1.0, 0.3])),
        seed=int(rng.integers(2**31)),
    )
    names = list(channels or map(str, rng.permutation(list(sample.stacks))[: rng.integers(3, 7)]))
    if not channels and not {"Ca-K", "Compton"} & set(names):
        names[0] = "Ca-K"
    sizes = (errors or _mixed)(rng, len(names))
    found = {name: _wrong(sample.truth, size, rng) for name, size in zip(names, sizes, strict=True)}
    return Situation(
        "",
        {name: sample.stacks[name] for name in names},
        found,
        {name: true_error(each, sample.truth, (SIZE, SIZE)) for name, each in found.items()},
        sample.truth,
    )


def _one_good(rng: Rng, number: int) -> NDArray[Any]:
    sizes = numpy.exp(rng.uniform(numpy.log(0.4), numpy.log(5), number))
    sizes[0] = rng.uniform(0.03, 0.15)
    return numpy.asarray(rng.permutation(sizes))


def _mixed(rng: Rng, number: int) -> NDArray[Any]:
    return _one_good(rng, number) if rng.random() < 2 / 3 else _anything(rng, number)


def _anything(rng: Rng, number: int) -> NDArray[Any]:
    return numpy.exp(rng.uniform(numpy.log(0.03), numpy.log(5), number))


def _all_bad(rng: Rng, number: int) -> NDArray[Any]:
    return rng.uniform(1.5, 8, number)


def _equal(rng: Rng, number: int) -> NDArray[Any]:
    return numpy.full(number, 0.08)


def _wrong(truth: list[Homography], size: float, rng: Rng) -> list[Homography]:
    """The truth with errors of about `size` px: of every image, adding up, of some images, a part
    of the motion, or of the angle."""
    number = len(truth)
    wrong = rng.normal(size=(number, 2))
    angle = numpy.zeros(number)
    kind = rng.integers(5)
    if kind == 1:
        wrong = wrong.cumsum(axis=0)
    elif kind == 2:
        wrong[rng.random(number) > 0.4] *= 0.1
    elif kind == 3:
        wrong = numpy.stack([each.passive_matrix[:2, 2] for each in truth]) + 0.1 * wrong
    elif kind == 4:
        angle = rng.normal(size=number)
    wrong[0], angle[0] = 0, 0
    center = numpy.full(2, (SIZE - 1) / 2)

    def add(scale: float) -> list[Homography]:
        found = []
        for each, shift, turn in zip(truth, wrong, angle, strict=True):
            cos, sin = numpy.cos(0.01 * scale * turn), numpy.sin(0.01 * scale * turn)
            error = numpy.identity(3)
            error[:2, :2] = [[cos, -sin], [sin, cos]]
            error[:2, 2] = center - error[:2, :2] @ center + scale * shift
            found.append(Homography(each.passive_matrix @ error))
        return found

    return add(size / true_error(add(1.0), truth, (SIZE, SIZE)))


def _one_registration(picture: str, rng: Rng) -> Situation:
    """The same one from each stack, good or not: nothing to choose, but is it good?"""
    size = numpy.exp(rng.uniform(numpy.log(0.03), numpy.log(3)))
    case = _usual(picture, rng, errors=lambda _, number: numpy.full(number, size))
    found = next(iter(case.transformations.values()))
    error = next(iter(case.errors.values()))
    return replace(
        case,
        transformations=dict.fromkeys(case.stacks, found),
        errors=dict.fromkeys(case.stacks, error),
    )


def _best(case: Situation) -> str:
    return min(case.errors, key=case.errors.__getitem__)


def _with(case: Situation, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Situation:
    return replace(case, stacks={name: change(each) for name, each in case.stacks.items()})


def _with_still(case: Situation, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Situation:
    """The same, but the worst registration moves nothing, as one that was found from a pattern that
    belongs to the detector."""
    worst = max(case.errors, key=case.errors.__getitem__)
    still = [Homography(numpy.identity(3))] * IMAGES
    truth = case.truth
    return replace(
        _with(case, change),
        transformations={**case.transformations, worst: still},
        errors={**case.errors, worst: true_error(still, truth, (SIZE, SIZE))},
    )


# --- Situations ----------------------------------------------------------------------------------


def _edge(picture: str, rng: Rng) -> Situation:
    """In one half of the energies what was bright is dark."""
    edge = rng.integers(2, IMAGES - 2)
    contrast = numpy.clip((numpy.arange(IMAGES) - edge) / 2, -1, 1)[:, None, None]
    contrast = numpy.where(contrast == 0, 0.1, contrast)

    def invert(stack: NDArray[Any]) -> NDArray[Any]:
        mean = stack.mean(axis=(1, 2), keepdims=True)
        return mean + contrast * (stack - mean)

    return _with(_usual(picture, rng), invert)


def _first_dead_in_one(picture: str, rng: Rng) -> Situation:
    case = _usual(picture, rng)
    case.stacks[_best(case)][0] = 0
    return case


def _first_dead_in_all(picture: str, rng: Rng) -> Situation:
    case = _usual(picture, rng)
    for stack in case.stacks.values():
        stack[0] = 0 if rng.random() < 0.5 else rng.poisson(1.0, stack[0].shape)
    return case


def _first_two_dead_in_all(picture: str, rng: Rng) -> Situation:
    case = _usual(picture, rng)
    for stack in case.stacks.values():
        stack[:2] = 0
    return case


def _bad_images(picture: str, rng: Rng) -> Situation:
    """In half of the stacks one image, or two, is dark, zero, saturated or NaN."""
    case = _usual(picture, rng)
    bad = {}
    for name, stack in case.stacks.items():
        if rng.random() < 0.5:
            continue
        chosen = rng.choice(numpy.arange(1, IMAGES), rng.integers(1, 3), replace=False)
        for n in chosen:
            kind = rng.integers(4)
            if kind == 0:
                stack[n] = rng.poisson(2.0, stack[n].shape)
            elif kind == 1:
                stack[n] = 0
            elif kind == 2:
                stack[n] = stack.max()
            else:
                stack = stack.astype(float)
                stack[n] = numpy.nan
        case.stacks[name] = stack
        bad[name] = tuple(sorted(int(n) for n in chosen))
    return replace(case, bad=bad)


def _gap(picture: str, rng: Rng) -> Situation:
    dtype = numpy.dtype(rng.choice(["uint16", "uint32"]))
    place = rng.integers(20, SIZE - 20)

    def mark(stack: NDArray[Any]) -> NDArray[Any]:
        counts = numpy.rint(200 * (stack - stack.min()) / (numpy.ptp(stack) or 1)).astype(dtype)
        counts[:, :, place : place + 6] = numpy.iinfo(dtype).max
        return counts

    return _with_still(_usual(picture, rng), mark)


def _frame(picture: str, rng: Rng) -> Situation:
    width, value = rng.integers(4, 16), rng.choice([0.0, 1.0])

    def cover(stack: NDArray[Any]) -> NDArray[Any]:
        stack = stack.copy()
        outside = numpy.ones(stack.shape[1:], dtype=bool)
        outside[width:-width, width:-width] = False
        stack[:, outside] = value * stack.max()
        return stack

    return _with_still(_usual(picture, rng), cover)


def _aperture(picture: str, rng: Rng) -> Situation:
    rows, columns = numpy.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    outside = numpy.hypot(rows, columns) > rng.uniform(0.35, 0.48) * SIZE

    def cover(stack: NDArray[Any]) -> NDArray[Any]:
        stack = stack.copy()
        stack[:, outside] = 0
        return stack

    return _with_still(_usual(picture, rng), cover)


def _dead_lines(picture: str, rng: Rng) -> Situation:
    lines = rng.choice(SIZE, 6, replace=False)
    values = rng.random((6, SIZE))

    def kill(stack: NDArray[Any]) -> NDArray[Any]:
        stack = stack.copy()
        stack[:, lines] = (values * stack.max()).astype(stack.dtype)
        return stack

    return _with_still(_usual(picture, rng), kill)


def _two_motions(picture: str, rng: Rng) -> Situation:
    """Some stacks are of another sample, each motion with a good registration."""
    channels = ("Ca-K", "Fe-K", "S-K", "Compton")
    number = int(rng.integers(1, 4))

    def good_first(_: Rng, length: int) -> NDArray[Any]:
        return numpy.array([0.1, 0.5, 0.8, 1.5][:length])

    a = _usual(picture, rng, channels=channels[:number], errors=good_first, step=2.0)
    b = _usual(picture, rng, channels=channels[number:], errors=good_first, step=2.0)
    return Situation(
        "",
        {**a.stacks, **b.stacks},
        {**a.transformations, **b.transformations},
        {**a.errors, **b.errors},
        a.truth,
        moving_apart=tuple(b.stacks),
    )


def _beyond_the_field(picture: str, rng: Rng) -> Situation:
    """A drift of a sixth of the field from image to image."""
    pixels = SIZE // 2
    scene = make_sample(picture, images=1, size=6 * SIZE, seed=int(rng.integers(2**31))).stacks
    step = pixels // 6
    truth = [Homography([[1, 0, 0], [0, 1, step * n], [0, 0, 1]]) for n in range(14)]
    names = ["Ca-K", "Fe-K", "Compton"]
    # The sample is mirrored beyond the picture: a part where it is not.
    top, left = 3 * SIZE - pixels, 3 * SIZE + pixels
    stacks = {
        name: numpy.stack(
            [
                scene[name][0, top : top + pixels, left - step * n : left - step * n + pixels]
                for n in range(14)
            ]
        )
        for name in names
    }
    stops, jumps = list(truth), list(truth)
    stops[7:] = [truth[6]] * 7
    jump = numpy.array([[0, 0, 9], [0, 0, -14], [0, 0, 0]])
    jumps[7:] = [Homography(each.passive_matrix + jump) for each in truth[7:]]
    found = dict(zip(map(str, rng.permutation(names)), (truth, stops, jumps), strict=True))
    errors = {name: true_error(each, truth, (pixels, pixels)) for name, each in found.items()}
    return Situation("", stacks, found, errors, truth)


def _many_stacks(picture: str, rng: Rng) -> Situation:
    """Twelve, of one sample twice as long."""
    case = _usual(
        picture,
        rng,
        channels=("Ca-K", "Fe-K", "S-K", "As-K", "Ar-K", "Compton"),
        images=2 * IMAGES,
        errors=_one_good,
    )
    stacks, found, errors = {}, {}, {}
    for name, stack in case.stacks.items():
        noise = rng.normal(scale=0.3 * stack.std(), size=stack.shape)
        for twin, pixels in ((name, stack), (f"{name} 2", stack + noise)):
            stacks[twin] = pixels
        found[name] = case.transformations[name]
        errors[name] = case.errors[name]
        # Registrations that differ from each other
        twin = _wrong(case.truth, rng.uniform(0.5, 4), rng)
        found[f"{name} 2"] = twin
        errors[f"{name} 2"] = true_error(twin, case.truth, (SIZE, SIZE))
    return Situation("", stacks, found, errors, case.truth)


_SITUATIONS: dict[str, Callable[[str, Rng], Situation]] = {
    "usual": _usual,
    "absorption edge": _edge,
    "first image dead in the best stack": _first_dead_in_one,
    "first image dead in all": _first_dead_in_all,
    "first two images dead in all": _first_two_dead_in_all,
    "bad images": _bad_images,
    "detector gap": _gap,
    "fixed frame": _frame,
    "aperture": _aperture,
    "dead lines": _dead_lines,
    "two motions": _two_motions,
    "one registration": _one_registration,
    "ties": lambda picture, rng: _usual(picture, rng, errors=_equal),
    "drift beyond the field": _beyond_the_field,
    "all registrations bad": lambda picture, rng: _usual(picture, rng, errors=_all_bad),
    "two images": lambda picture, rng: _usual(picture, rng, images=2),
    "two stacks": lambda picture, rng: _usual(picture, rng, channels=("Ca-K", "Compton")),
    "twelve stacks": _many_stacks,
}
