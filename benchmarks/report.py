"""Tables in Markdown of what was measured."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import date
from functools import partial

from .case import BACKENDS
from .case import BASE
from .case import READING
from .case import WORKERS_CASE
from .case import Case
from .measure import Rounds
from .measure import exponent
from .measure import middle
from .measure import ratio

Results = dict[Case, Rounds]

_PEERS = list(BACKENDS)
_OURS = ["core, own", "core, all", "fast, own", "fast, all"]


def machine(versions: dict[str, dict[str, str]]) -> str:
    """Processor, number of cores and versions; no names."""
    lines = [
        f"- {date.today().isoformat()}, {_processor()}, {os.cpu_count()} processors,"
        f" Python {platform.python_version()}"
    ]
    for environment, found in versions.items():
        packages = ", ".join(f"{name} {version}" for name, version in found.items() if version)
        lines.append(f"- {environment}: {packages}")
    return "\n".join(lines)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if "model name" in line]
            return names[0]
    except (OSError, IndexError):
        return platform.machine()


def figures(results: Results) -> str:
    """What everyone took, per megapixel of the file."""
    names = [READING, *_PEERS, *_OURS]
    rows = [["case", *names], ["---", *["---:"] * len(names)]]
    for case, rounds in results.items():
        cells = []
        for name in names:
            if name not in rounds[0]:
                cells.append("")
                continue
            milliseconds = 1000 * middle(rounds, name) / case.megapixels
            cells.append(f"{milliseconds:.2f}; {middle(rounds, name, 'memory'):.0f}")
        rows.append([str(case), *cells])
    return table(rows)


def ratios(results: Results, figure: str = "wall") -> str:
    """How many times more the fastest class of 0.5.0 took: median (smallest to largest round)."""
    rows = [["case", "fastest of 0.5.0", *_OURS], ["---", "---", *["---:"] * len(_OURS)]]
    for case, rounds in results.items():
        if not set(_PEERS) <= set(rounds[0]):
            continue
        fastest = min(_PEERS, key=partial(middle, rounds, figure=figure))
        cells = [str(ratio(rounds, fastest, name, figure)) for name in _OURS]
        rows.append([str(case), fastest.removeprefix("0.5.0 "), *cells])
    return table(rows)


def limits(results: Results) -> str:
    """How many times more than to read every image and take one sum over it."""
    rows = [["case", *_OURS], ["---", *["---:"] * len(_OURS)]]
    for case, rounds in results.items():
        rows.append([str(case), *(str(ratio(rounds, name, READING)) for name in _OURS)])
    return table(rows)


def exponents(results: Results) -> str:
    """Of wall time and memory, over the cases that differ from the base case in one factor."""
    factors = {"images": "images", "pixels": "size", "stacks": "stacks"}
    names = [name for name in (*_PEERS, *_OURS) if name in results[BASE][0]]
    rows = [["cost against", *names], ["---", *["---:"] * len(names)]]
    for label, factor in factors.items():
        cases = [case for case in results if _only_differs_in(case, factor)]
        if len(cases) < 2:
            continue
        power = 2 if factor == "size" else 1
        sizes = [getattr(case, factor) ** power for case in cases]
        cells = []
        for name in names:
            known = [name in results[case][0] for case in cases]
            if not all(known):
                cells.append("")
                continue
            walls = [middle(results[case], name) for case in cases]
            memory = [middle(results[case], name, "memory") for case in cases]
            cells.append(f"{exponent(sizes, walls):.2f}; {exponent(sizes, memory):.2f}")
        rows.append([label, *cells])
    return table(rows)


def _only_differs_in(case: Case, factor: str) -> bool:
    others = {"stacks", "images", "size", "storage", "motion"} - {factor}
    return all(getattr(case, name) == getattr(BASE, name) for name in others)


def workers(results: Results) -> str:
    rounds = results[WORKERS_CASE]
    rows = [["with two workers", "times faster"], ["---", "---:"]]
    for name in _OURS:
        if f"{name}, 2 workers" in rounds[0]:
            rows.append([name, str(ratio(rounds, name, f"{name}, 2 workers"))])
    return table(rows)


def imports(rounds: Rounds) -> str:
    rows = [["importing the task", "s", "optional packages"], ["---", "---:", "---"]]
    for name in (_PEERS[0], "core, own", "fast, own"):
        brought = ", ".join(rounds[0][name]["brought"]) or "none"
        rows.append([name, f"{middle(rounds, name, 'import'):.2f}", brought])
    return table(rows)


def table(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
