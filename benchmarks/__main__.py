"""``python -m benchmarks``: measure against ewoksndreg 0.5.0 and print tables in Markdown."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import report
from .case import CASES
from .case import LONG_CASE
from .case import OURS
from .case import PEERS
from .case import SMALL
from .case import WITH_WORKERS
from .case import WORKERS_CASE
from .environments import python_of
from .environments import versions
from .measure import measure

_FOLDER = Path(__file__).parent / ".work"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns of everyone (default: 3)")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="for environments and files")
    parser.add_argument("--small", action="store_true", help="one tiny case: does it work?")
    options = parser.parse_args(arguments)
    folder = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    pythons = {name: python_of(name, folder) for name in ("0.5.0", "core", "fast")}

    cases = {case: [*PEERS, *OURS] for case in ([SMALL] if options.small else CASES)}
    if not options.small:
        cases[LONG_CASE] = OURS
        cases[WORKERS_CASE] = [*OURS, *WITH_WORKERS]
    results = {}
    for case, competitors in cases.items():
        print(f"measuring {case}", file=sys.stderr)
        results[case] = measure(case, competitors, pythons, folder, options.rounds)

    print(report.machine({name: versions(python) for name, python in pythons.items()}))
    print("\nWall time in ms per megapixel; memory in MiB above what was in use before\n")
    print(report.figures(results))
    print("\nWall time: how many times more the fastest class of 0.5.0 takes\n")
    print(report.ratios(results))
    print("\nCPU time: the same\n")
    print(report.ratios(results, "cpu"))
    print("\nPeak memory: the same\n")
    print(report.ratios(results, "memory"))
    if options.small:
        return
    print("\nWall time: how many times more than reading and one sum\n")
    print(report.limits(results))
    print("\nExponents of wall time and memory\n")
    print(report.exponents(results))
    print()
    print(report.workers(results))
    print()
    print(report.imports(results[CASES[0]]))


if __name__ == "__main__":
    main()
