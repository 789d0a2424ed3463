"""What is measured: sizes of stacks, and who ranks them."""

from __future__ import annotations

from dataclasses import asdict
from dataclasses import dataclass
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
    :param storage: `"contiguous"` or `"bitshuffle"`, one chunk per image.
    :param motion: `"translation"`, `"rigid"` or `"affine"`.
    """

    stacks: int = 3
    images: int = 20
    size: int = 1024
    storage: str = "contiguous"
    motion: str = "translation"

    @property
    def megapixels(self) -> float:
        return self.stacks * self.images * self.size**2 / 2**20

    def __str__(self) -> str:
        return f"{self.stacks} x {self.images} x {self.size} px, {self.storage}, {self.motion}"


@dataclass(frozen=True)
class Competitor:
    """Who ranks.

    :param environment: `"0.5.0"`, `"core"` or `"fast"`.
    :param backend: the class of transformations of 0.5.0.
    :param evaluate_on: for this library.
    :param max_workers: for this library.
    """

    name: str
    environment: str
    backend: str | None = None
    evaluate_on: str = "own"
    max_workers: int = 0

    def job(self, case: Case, path: str) -> dict[str, Any]:
        """What `one_run.py` is to do."""
        return {**asdict(case), **asdict(self), "path": path}


PEERS = [Competitor(name, "0.5.0", backend) for name, backend in BACKENDS.items()]
OURS = [
    Competitor(f"{environment}, {evaluate_on}", environment, evaluate_on=evaluate_on)
    for environment in ("core", "fast")
    for evaluate_on in ("own", "all")
]
WITH_WORKERS = [
    Competitor(f"{each.name}, 2 workers", each.environment, None, each.evaluate_on, 2)
    for each in OURS
]
LIMIT = Competitor(READING, "core")

# Each factor is varied by itself, and the goals that need more have a case of their own.
BASE = Case()
CASES = [
    BASE,
    Case(motion="rigid"),
    Case(motion="affine"),
    Case(storage="bitshuffle"),
    Case(size=512),
    Case(size=2048),
    Case(images=100),
    Case(stacks=5),
    Case(stacks=5, motion="rigid"),
]
WORKERS_CASE = Case(images=100, size=2048)
# Ours alone: memory against the number of images.
LONG_CASE = Case(images=200)

SMALL = Case(stacks=3, images=3, size=64)
