"""The cases: samples with known motion, registered by real algorithms.

The set is a full factorial design, so that nothing was picked: every motion with every algorithm
for it, at the usual and at a quarter of the usual dose, with all stacks and without the stack whose
registration is truly the best. Pictures and seeds follow the number of the case.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy
from numpy.typing import NDArray

from ewoksndreg.demo.samples import PICTURES
from ewoksndreg.demo.samples import Motion
from ewoksndreg.demo.samples import make_sample
from ewoksndreg.demo.samples import true_error
from ewoksndreg.transformation import Homography

from .registrations import REGISTRATIONS

DOSES = (1.0, 0.25)
IMAGES = 6
SIZE = 160


@dataclass(frozen=True, eq=False)
class Case:
    """Stacks, the registration that an algorithm found from each of them, and how wrong each
    registration is.

    :param errors: true error of each registration in px.
    """

    motion: Motion
    algorithm: str
    picture: str
    dose: float
    without_best: bool
    stacks: dict[str, NDArray[Any]]
    transformations: dict[str, list[Homography]]
    errors: dict[str, float]

    @property
    def smallest_error(self) -> float:
        return min(self.errors.values())


def build_cases(set_number: int = 0, *, every: int = 1) -> Iterator[Case]:
    """The cases of a set, always the same ones.

    :param set_number: 0 is the set of the tests; others have other seeds.
    :param every: 6 builds only every sixth case.
    """
    design = [
        (motion, algorithm, dose, without_best)
        for motion, algorithms in REGISTRATIONS.items()
        for algorithm, dose, without_best in product(algorithms, DOSES, (False, True))
    ]
    for number in range(0, len(design), every):
        yield _build(1000 * set_number + number, *design[number])


def _build(number: int, motion: Motion, algorithm: str, dose: float, without_best: bool) -> Case:
    picture = PICTURES[number % len(PICTURES)]
    sample = make_sample(
        picture, motion=motion, images=IMAGES, size=SIZE, dose=dose, seed=1000 + number
    )
    register = REGISTRATIONS[motion][algorithm]
    registrations = {
        name: [Homography(matrix) for matrix in register(stack)]
        for name, stack in sample.stacks.items()
    }
    errors = {
        name: true_error(found, sample.truth, (SIZE, SIZE)) for name, found in registrations.items()
    }
    names = list(registrations)
    if without_best:
        names.remove(min(errors, key=errors.__getitem__))
    numpy.random.default_rng(number).shuffle(names)
    return Case(
        motion=motion,
        algorithm=algorithm,
        picture=picture,
        dose=dose,
        without_best=without_best,
        stacks={name: sample.stacks[name] for name in names},
        transformations={name: registrations[name] for name in names},
        errors={name: errors[name] for name in names},
    )
