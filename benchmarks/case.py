"""What is measured: sizes of stacks, and the competitors."""

from __future__ import annotations

from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from typing import Any

BACKENDS = {
    "0.5.0 numpy": "NumpyHomography",
    "0.5.0 scipy": "ScipyHomography",
    "0.5.0 scikit-image": "SciKitImageHomography",
}
READING = "reading"


@dataclass(frozen=True)
class Case:
    """Stacks in a file, and how the sample moves.

    :param stacks: number of stacks.
    :param images: in each of them.
    :param size: height and width of the images in px; they are float32.
    :param storage: `"contiguous"`, or `"bitshuffle"` or `"gzip"` with one chunk per image.
    :param motion: `"translation"`, `"rigid"` or `"affine"`.
    :param invalid: whether each image has a border of NaN and some scattered ones.
    """

    stacks: int = 3
    images: int = 20
    size: int = 1024
    storage: str = "contiguous"
    motion: str = "translation"
    invalid: bool = False

    @property
    def megapixels(self) -> float:
        return self.stacks * self.images * self.size**2 / 2**20

    def __str__(self) -> str:
        nan = ", NaN" if self.invalid else ""
        return f"{self.stacks} x {self.images} x {self.size} px, {self.storage}, {self.motion}{nan}"


@dataclass(frozen=True)
class Competitor:
    """What is measured: a library in an environment, with its options.

    :param environment: `"0.5.0"`, `"core"` or `"fast"`.
    :param backend: the class of transformations of 0.5.0.
    :param evaluate_on: for this library.
    :param max_workers: for this library.
    :param loaded: whether the kernels are imported before anything is measured.
    :param trust: whether this library looks at the images again, for its verdict.
    """

    name: str
    environment: str
    backend: str | None = None
    evaluate_on: str = "own"
    max_workers: int = 0
    loaded: bool = False
    trust: bool = True

    def describe(self, case: Case, path: str) -> dict[str, Any]:
        """The command of `one_run.py`."""
        return {**asdict(case), **asdict(self), "path": path}


PEERS = [Competitor(name, "0.5.0", backend) for name, backend in BACKENDS.items()]
OURS = [
    Competitor(f"{environment}, {evaluate_on}", environment, evaluate_on=evaluate_on)
    for environment in ("core", "fast")
    for evaluate_on in ("own", "all")
]
_OWN = [each for each in OURS if each.evaluate_on == "own"]
_ALL = [each for each in OURS if each.evaluate_on == "all"]
# The class with numpy needs three to four times as long as the others.
_FAST_PEERS = PEERS[1:]
LIMIT = Competitor(READING, "core")


def add_workers(competitor: Competitor, number: int) -> Competitor:
    name = f"{competitor.name}, {number} workers"
    return replace(competitor, name=name, max_workers=number)


def preload(competitor: Competitor) -> Competitor:
    return replace(competitor, name=f"{competitor.name}, loaded", loaded=True)


WITHOUT_TRUST = replace(_ALL[1], name="fast, all, without trust", trust=False)

SHORT = Case()
LONG = Case(images=100)
LONG_RIGID = Case(images=100, motion="rigid")
WIDE = Case(stacks=5, images=60)
WIDE_RIGID = Case(stacks=5, images=60, motion="rigid")
INVALID = Case(images=100, invalid=True)
GZIP_RIGID = Case(images=100, size=2048, storage="gzip", motion="rigid")

# The competitors in each case.
CASES: dict[Case, list[Competitor]] = {
    SHORT: [*PEERS, *OURS, *map(preload, _OWN)],
    Case(motion="affine"): [*PEERS, *OURS],
    Case(storage="bitshuffle"): [*PEERS, *OURS],
    Case(size=512): [*PEERS, *OURS],
    Case(size=2048): [*_FAST_PEERS, *OURS],
    LONG: [*_FAST_PEERS, *OURS, WITHOUT_TRUST],
    LONG_RIGID: [*_FAST_PEERS, *OURS, add_workers(_ALL[1], 2)],
    WIDE: [*_FAST_PEERS, _ALL[1]],
    WIDE_RIGID: [*_FAST_PEERS, _ALL[1]],
    INVALID: _OWN,
    GZIP_RIGID: [_ALL[1], add_workers(_ALL[1], 2)],
    Case(images=200): [*map(preload, _OWN), *(preload(add_workers(each, 2)) for each in _OWN)],
}

SMALL = Case(stacks=3, images=3, size=64)
