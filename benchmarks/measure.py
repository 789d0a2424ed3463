"""Run all competitors in turn and collect their times and memory."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from typing import NamedTuple

from .case import LIMIT
from .case import Case
from .case import Competitor
from .inputs import write_stacks

Rounds = list[dict[str, dict[str, Any]]]
"""For each round, the results of each competitor: wall and cpu in s, memory in MiB."""


class Ratio(NamedTuple):
    """A ratio of two figures of one round: median, smallest and largest."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


def measure(
    case: Case,
    competitors: Sequence[Competitor],
    pythons: dict[str, str],
    folder: Path,
    rounds: int,
) -> Rounds:
    """Rounds in which every competitor runs once, after the file was read once."""
    path = str(write_stacks(case, folder))
    everyone = [LIMIT, *competitors]
    run_one(LIMIT, case, path, pythons)
    return [
        {each.name: run_one(each, case, path, pythons) for each in everyone} for _ in range(rounds)
    ]


def run_one(
    competitor: Competitor, case: Case, path: str, pythons: dict[str, str]
) -> dict[str, Any]:
    """Run one fresh process.

    :raises RuntimeError: when it fails, with what it printed.
    """
    script = str(Path(__file__).with_name("one_run.py"))
    # Isolated, since PYTHONPATH would mix the environments.
    python = [pythons[competitor.environment], "-I"]
    command = [*python, script, json.dumps(competitor.describe(case, path))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise RuntimeError(f"{competitor.name}, {case}: {done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def compute_ratio(
    rounds: Rounds, slow: str | Sequence[str], fast: str, figure: str = "wall"
) -> Ratio:
    """The ratio of two competitors, round by round.

    :param slow: one competitor, or several of which the one with the smallest median counts.
    """
    if not isinstance(slow, str):
        slow = min(slow, key=lambda name: take_median(rounds, name, figure))
    ratios = [each[slow][figure] / max(each[fast][figure], 1e-9) for each in rounds]
    return Ratio(median(ratios), min(ratios), max(ratios))


def take_median(rounds: Rounds, name: str, figure: str = "wall") -> float:
    return float(median(each[name][figure] for each in rounds))


def measure_start(python: str, folder: Path) -> dict[str, float]:
    """Seconds until the kernels of numba can be used, compiled anew and from the cache."""
    code = (
        "import time; started = time.perf_counter();"
        "from ewoksndreg.kernels import find_kernel; assert find_kernel('numba').name == 'numba';"
        "print(time.perf_counter() - started)"
    )
    seconds = {}
    with TemporaryDirectory(dir=folder) as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        for name in ("not cached", "cached"):
            done = subprocess.run(  # noqa: S603
                [python, "-I", "-c", code],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            seconds[name] = float(done.stdout)
    return seconds
