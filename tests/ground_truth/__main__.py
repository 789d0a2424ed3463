"""Print the figures of ``doc/explanation/ground_truth.md``: ``python -m tests.ground_truth``."""

import argparse
from pathlib import Path
from typing import get_args

from ewoksndreg.demo.samples import Motion

from .cases import build_cases
from .figures import TOLERANCE
from .figures import Figures
from .figures import compute
from .situations import build_situations
from .tolerance import median_and_range
from .trust import draw_remaining_shift
from .trust import evaluate_situation
from .trust import summary
from .trust import table


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.ground_truth", description=__doc__)
    parser.add_argument(
        "--sets",
        type=int,
        nargs="+",
        default=[0],
        metavar="S",
        help="sets of cases, which differ in their seeds (default: 0, the set of the tests)",
    )
    parser.add_argument(
        "--situations",
        type=int,
        metavar="N",
        help="N cases of each situation of daily work instead, on pictures that nothing was chosen"
        " with",
    )
    parser.add_argument(
        "--plot", type=Path, metavar="PNG", help="where to draw the remaining shift (--situations)"
    )
    arguments = parser.parse_args()
    if arguments.situations:
        results = [
            evaluate_situation(each) for each in build_situations("check", arguments.situations)
        ]
        print(f"{table(results)}\n\n{summary(results)}")
        if arguments.plot:
            draw_remaining_shift(results, arguments.plot)
        return
    sets = arguments.sets
    print(_table(compute(case for number in sets for case in build_cases(number))))
    middle, low, high = median_and_range(TOLERANCE)
    print(
        "\nLinear interpolation half way between the pixels changes the pictures"
        f" {middle:.2f} times as much as a shift by {TOLERANCE} px does"
        f" (median; {low:.2f} to {high:.2f})."
    )


def _table(figures: Figures) -> str:
    """As Markdown."""
    motions = get_args(Motion)
    header = [
        "ranking",
        f"right, {len(figures.motions)} cases",
        "exactly best",
        "catastrophic",
        *(f"right, {motion} ({figures.motions.count(motion)})" for motion in motions),
    ]
    rows = [header, ["---"] + ["---:"] * (len(header) - 1)]
    for way in figures.outcomes:
        total = figures.over(way)
        shares = [total.right, total.best, total.catastrophic]
        shares += [figures.over(way, motion).right for motion in motions]
        rows.append([way, *(f"{100 * share:.1f} %" for share in shares)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    main()
