"""How much better a registration becomes that is refined on all stacks together.

``python -m tests.ground_truth.refinement`` prints the table of ``doc/explanation/refinement.md``.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import get_args

import numpy
from numpy.typing import NDArray
from scipy import ndimage

from ewoksndreg.demo.samples import PICTURES
from ewoksndreg.demo.samples import Motion
from ewoksndreg.demo.samples import make_sample
from ewoksndreg.demo.samples import true_error
from ewoksndreg.evaluation import evaluate_stacks
from ewoksndreg.refinement import refine_registration
from ewoksndreg.transformation import Homography

from .registrations import REGISTRATIONS

SIZE = 160
IMAGES = 6

# px, root mean square along each axis.
_DEFORMATION = 1.0


@dataclass(frozen=True, eq=False)
class Case:
    """Stacks of a sample, the registrations that were found, and how it really moved.

    :param reference: the image relative to which the true error is measured.
    """

    number: int
    situation: str
    motion: Motion
    picture: str
    stacks: dict[str, NDArray[Any]]
    transformations: dict[str, list[Homography]]
    truth: list[Homography]
    reference: int = 0

    def error(self, transformations: Sequence[Homography]) -> float:
        """In px, over all images but a bad first one."""
        order = list(range(len(self.truth)))
        if self.reference:
            order = [self.reference, *(n for n in order if n not in (0, self.reference))]
        return true_error(
            [transformations[n] for n in order], [self.truth[n] for n in order], (SIZE, SIZE)
        )


@dataclass(frozen=True)
class Outcome:
    """True errors in px."""

    situation: str
    motion: Motion
    chosen: float
    best: float
    refined: float
    accepted: bool


SITUATIONS = (
    "usual dose",
    "a quarter of it",
    "a twentieth of it",
    "two images",
    "two stacks",
    "one stack and a fixed pattern",
    "invalid borders and pixels",
    "first image bad in two stacks",
    "first image bad in all stacks",
    "weak fixed pattern in all stacks",
    "registrations 1 to 10 px off",
    "deformation",
)


def build_cases(per_situation: int = 10, first: int = 0) -> Iterator[Case]:
    """The same cases for the same numbers."""
    for situation in SITUATIONS:
        for number in range(first, first + per_situation):
            yield build_case(situation, number)


def build_case(situation: str, number: int) -> Case:
    """Cycle through motions, algorithms and pictures."""
    seed = 10_000 * (SITUATIONS.index(situation) + 1) + number
    rng = numpy.random.default_rng(seed)
    motion: Motion = get_args(Motion)[number % 3]
    algorithms = REGISTRATIONS[motion]
    algorithm = list(algorithms)[number // 3 % len(algorithms)]
    picture = PICTURES[(5 * number + seed // 10_000) % len(PICTURES)]
    images = 2 if situation == "two images" else IMAGES
    dose = {"a quarter of it": 0.25, "a twentieth of it": 0.05}.get(situation, 1.0)

    sample = make_sample(picture, motion=motion, images=images, size=SIZE, dose=dose, seed=seed)
    stacks, truth = sample.stacks, sample.truth
    if situation == "deformation":
        fields = [_make_field(rng) for _ in range(images)]
        stacks = {name: _deform(stack, fields) for name, stack in stacks.items()}
    elif situation == "two stacks":
        stacks = {name: stacks[name] for name in ("Fe-K", "S-K")}
    elif situation == "one stack and a fixed pattern":
        stacks = {name: stacks[name] for name in ("Fe-K", "Ar-K")}
    elif situation == "invalid borders and pixels":
        stacks = {name: _with_invalid_pixels(stack, rng) for name, stack in stacks.items()}
    elif situation == "weak fixed pattern in all stacks":
        gain = 1 + 0.1 * ndimage.gaussian_filter(rng.normal(size=(SIZE, SIZE)), 0.8) / 0.35
        stacks = {name: stack * gain for name, stack in stacks.items()}
    bad = {
        "first image bad in two stacks": ("Ca-K", "S-K"),
        "first image bad in all stacks": stacks,
    }
    for name in bad.get(situation, ()):
        stacks[name] = stacks[name].copy()
        stacks[name][0] = rng.poisson(0.1, (SIZE, SIZE))

    reference = images // 2 if situation == "first image bad in all stacks" else 0
    order = [reference, *(n for n in range(images) if n != reference)]
    transformations = {}
    for name, stack in stacks.items():
        if situation == "registrations 1 to 10 px off":
            matrices = [_wrong(matrix, rng) for matrix in truth]
        else:
            found = algorithms[algorithm](numpy.nan_to_num(stack[order]))
            matrices = [Homography(found[order.index(n)]) for n in range(images)]
        transformations[name] = matrices
    return Case(number, situation, motion, picture, stacks, transformations, truth, reference)


def _make_field(rng: numpy.random.Generator) -> NDArray[numpy.float64]:
    """Where the pixels of a distorted image come from, shape `(2, SIZE, SIZE)`."""
    field = ndimage.gaussian_filter(rng.normal(size=(2, SIZE, SIZE)), (0, 20, 20))
    return numpy.indices((SIZE, SIZE)) + field * _DEFORMATION / field.std()


def _deform(stack: NDArray[Any], fields: Sequence[NDArray[numpy.float64]]) -> NDArray[Any]:
    images = [
        ndimage.map_coordinates(image.astype(float), field, order=1, mode="mirror")
        for image, field in zip(stack, fields, strict=True)
    ]
    return numpy.stack(images)


def _with_invalid_pixels(stack: NDArray[Any], rng: numpy.random.Generator) -> NDArray[Any]:
    stack = stack.astype(numpy.float32)
    for image in stack:
        image[: rng.integers(12)] = image[:, : rng.integers(12)] = numpy.nan
        image[rng.random(image.shape) < 0.01] = numpy.nan
    return stack


def _wrong(matrix: Homography, rng: numpy.random.Generator) -> Homography:
    """With an error of 1 to 10 px, small ones as frequent as large ones on a logarithmic scale."""
    shift = numpy.identity(3)
    angle = rng.uniform(0, 2 * numpy.pi)
    shift[:2, 2] = 10 ** rng.uniform(0, 1) * numpy.array([numpy.cos(angle), numpy.sin(angle)])
    return Homography(matrix.passive_matrix @ shift)


def refine(case: Case, *, type_of_motion: bool = False) -> Outcome:
    """Rank, and refine what ranks first.

    :param type_of_motion: refine the type of the motion, not that of the registration.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        evaluation = evaluate_stacks(case.stacks, case.transformations)
    chosen = case.transformations[evaluation.best]
    refined = refine_registration(
        case.stacks,
        chosen,
        evaluation,
        transformation_type=case.motion if type_of_motion else None,
    )
    return Outcome(
        situation=case.situation,
        motion=case.motion,
        chosen=case.error(chosen),
        best=min(case.error(each) for each in case.transformations.values()),
        refined=case.error(refined.transformations),
        accepted=refined.accepted,
    )


def summarize(outcomes: Sequence[Outcome]) -> list[str]:
    """Median errors, shares below 0.1 and 1 px before and after, and how often it is worse."""
    chosen, best, refined = (
        numpy.array([getattr(each, name) for each in outcomes])
        for name in ("chosen", "best", "refined")
    )
    far = (chosen >= 1) & (chosen <= 10)
    return [
        str(len(outcomes)),
        *(f"{numpy.median(each):.3f}" for each in (chosen, best, refined)),
        *(f"{100 * (each < 0.1).mean():.0f} %" for each in (chosen, refined)),
        *(f"{100 * (each < 1).mean():.0f} %" for each in (chosen, refined)),
        f"{100 * (refined > chosen + 0.1).mean():.1f} %",
        f"{(refined[far] < 1).sum()} of {far.sum()}",
    ]


def print_table(outcomes: Sequence[Outcome]) -> None:
    """As Markdown."""
    header = ["situation", "cases", "chosen", "best given", "refined"]
    header += ["chosen < 0.1 px", "refined < 0.1 px", "chosen < 1 px", "refined < 1 px"]
    header += ["worse by > 0.1 px", "1 to 10 px off, then < 1 px"]
    rows = [header, ["---"] + ["---:"] * (len(header) - 1)]
    groups = {"**all**": list(outcomes)}
    for motion in get_args(Motion):
        groups[f"*{motion}*"] = [each for each in outcomes if each.motion == motion]
    for situation in SITUATIONS:
        groups[situation] = [each for each in outcomes if each.situation == situation]
    rows += [[name, *summarize(group)] for name, group in groups.items() if group]
    for row in rows:
        print(f"| {' | '.join(row)} |")


def plot(outcomes: Sequence[Outcome], path: str) -> None:
    """Error before against after."""
    from matplotlib.figure import Figure

    axes = Figure(figsize=(6, 5.5), layout="constrained").subplots()
    smallest, largest = 2e-3, 50
    for motion, marker in zip(get_args(Motion), "os^", strict=True):
        some = [each for each in outcomes if each.motion == motion]
        axes.scatter(
            [max(each.chosen, smallest) for each in some],
            [max(each.refined, smallest) for each in some],
            s=18,
            marker=marker,
            alpha=0.7,
            label=motion,
        )
    axes.plot([smallest, largest], [smallest, largest], color="0.5", linewidth=1)
    axes.set(xscale="log", yscale="log", xlim=(smallest, largest), ylim=(smallest, largest))
    axes.set(xlabel="error of the chosen registration (px)", ylabel="error of the refined one (px)")
    axes.set_aspect("equal")
    axes.legend(title="motion", loc="upper left")
    axes.figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.ground_truth.refinement")
    parser.add_argument("--cases", type=int, default=10, help="of each situation (default: 10)")
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument(
        "--type-of-motion", action="store_true", help="refine the type of the motion"
    )
    parser.add_argument("--plot", metavar="FILE", help="write the picture of the page")
    options = parser.parse_args()
    outcomes = [
        refine(case, type_of_motion=options.type_of_motion)
        for case in build_cases(options.cases, options.first)
    ]
    print_table(outcomes)
    if options.plot:
        plot(outcomes, options.plot)


if __name__ == "__main__":
    main()
