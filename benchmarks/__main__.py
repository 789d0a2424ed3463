"""``python -m benchmarks``: measure against ewoksndreg 0.5.0 and print tables in Markdown."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import report
from .case import CASES
from .case import OURS
from .case import PEERS
from .case import SHORT
from .case import SMALL
from .environments import find_python
from .environments import read_versions
from .measure import measure
from .measure import measure_start

_FOLDER = Path(__file__).parent / ".work"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=3, help="runs of each competitor (default: 3)"
    )
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="for environments and files")
    parser.add_argument("--small", action="store_true", help="one tiny case: does it work?")
    options = parser.parse_args(arguments)
    folder = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    pythons = {name: find_python(name, folder) for name in ("0.5.0", "core", "fast")}

    cases = {SMALL: [*PEERS, *OURS]} if options.small else CASES
    results = {}
    for case, competitors in cases.items():
        print(f"measuring {case}", file=sys.stderr)
        results[case] = measure(case, competitors, pythons, folder, options.rounds)

    print(report.format_machine({name: read_versions(python) for name, python in pythons.items()}))
    print("\nWall time of the first and of the second execute in a process, ms per megapixel\n")
    print(report.format_figures(results))
    print("\nSecond execute: how many times more the fastest class of 0.5.0 takes\n")
    print(report.format_ratios(results))
    if options.small:
        return
    print("\nGoals\n")
    print(report.format_goals(results))
    print()
    print(report.format_start(measure_start(pythons["fast"], folder)))
    print()
    print(report.format_imports(results[SHORT]))


if __name__ == "__main__":
    main()
