"""Tables in Markdown of what was measured."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import date

from .case import BACKENDS
from .case import GZIP_RIGID
from .case import INVALID
from .case import LONG
from .case import LONG_RIGID
from .case import READING
from .case import SHORT
from .case import WIDE
from .case import WIDE_RIGID
from .case import WITHOUT_TRUST
from .case import Case
from .measure import Ratio
from .measure import Rounds
from .measure import compute_ratio
from .measure import take_median

Results = dict[Case, Rounds]

_PEERS = list(BACKENDS)
_OURS = ["core, own", "core, all", "fast, own", "fast, all"]


def format_machine(versions: dict[str, dict[str, str]]) -> str:
    """Processor, number of cores and versions; no names."""
    lines = [
        f"- {date.today().isoformat()}, {_find_processor()}, {os.cpu_count()} processors,"
        f" Python {platform.python_version()}"
    ]
    for environment, found in versions.items():
        packages = ", ".join(f"{name} {version}" for name, version in found.items() if version)
        lines.append(f"- {environment}: {packages}")
    return "\n".join(lines)


def _find_processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if "model name" in line]
            return names[0]
    except (OSError, IndexError):
        return platform.machine()


def format_figures(results: Results) -> str:
    """Times per megapixel of the file."""
    names = [READING, *_PEERS, *_OURS]
    rows = [["case", *names], ["---", *["---:"] * len(names)]]
    for case, rounds in results.items():
        cells = []
        for name in names:
            if name not in rounds[0]:
                cells.append("")
                continue
            first, second = (
                1000 * take_median(rounds, name, figure) / case.megapixels
                for figure in ("wall", "second")
            )
            cells.append(f"{first:.2f}; {second:.2f}")
        rows.append([str(case), *cells])
    return format_table(rows)


def format_ratios(results: Results, figure: str = "second") -> str:
    """Ratio of the fastest class of 0.5.0 to each competitor: median (smallest to largest)."""
    rows = [["case", "fastest of 0.5.0", *_OURS], ["---", "---", *["---:"] * len(_OURS)]]
    for case, rounds in results.items():
        peers = [name for name in _PEERS if name in rounds[0]]
        if not peers:
            continue
        fastest = min(peers, key=lambda name: take_median(rounds, name, figure))
        cells = [
            str(compute_ratio(rounds, fastest, name, figure)) if name in rounds[0] else ""
            for name in _OURS
        ]
        rows.append([str(case), fastest.removeprefix("0.5.0 "), *cells])
    return format_table(rows)


def format_goals(results: Results) -> str:
    """The goals, and the figures."""
    rows = [["ratio", "goal", "figure"], ["---", "---:", "---"]]

    def add(label: str, goal: str, *figures: Ratio | str) -> None:
        rows.append([label, goal, " / ".join(map(str, figures))])

    def compare_to_peers(case: Case, name: str, figure: str = "second") -> Ratio:
        peers = [peer for peer in _PEERS if peer in results[case][0]]
        return compute_ratio(results[case], peers, name, figure)

    def compare_two_workers(case: Case, name: str) -> Ratio:
        return compute_ratio(results[case], name, f"{name}, 2 workers", "second")

    def compare_to_valid(name: str) -> Ratio:
        both = [
            {"slow": a[name], "fast": b[name]}
            for a, b in zip(results[INVALID], results[LONG], strict=True)
        ]
        return compute_ratio(both, "slow", "fast", "second")

    def format_memory(name: str) -> str:
        cases = (SHORT, Case(images=200))
        return " / ".join(f"{take_median(results[each], name, 'memory'):.0f} MiB" for each in cases)

    add(
        "`fast`, own, translations, 3 x 20, first",
        ">= 3",
        compare_to_peers(SHORT, "fast, own", "wall"),
    )
    add("`fast`, own, translations, 3 x 100", ">= 20", compare_to_peers(LONG, "fast, own"))
    add("`fast`, own, rigid, 3 x 100", ">= 15", compare_to_peers(LONG_RIGID, "fast, own"))
    add("`fast`, all, translations, 5 x 60", ">= 10", compare_to_peers(WIDE, "fast, all"))
    add("`fast`, all, rigid, 5 x 60", ">= 6", compare_to_peers(WIDE_RIGID, "fast, all"))
    reading = compute_ratio(results[LONG], "fast, own", READING, "second")
    add("`fast`, own, to reading and one sum, 3 x 100", "<= 3.5", reading)
    trust = compute_ratio(results[LONG], "fast, all", WITHOUT_TRUST.name, "second")
    add("with trust to without, `fast`, all, 3 x 100", "<= 1.7", trust)
    add("NaN to none, `fast`", "<= 1.5", compare_to_valid("fast, own"))
    add("NaN to none, core", "<= 2", compare_to_valid("core, own"))
    for case, label in ((LONG_RIGID, "contiguous"), (GZIP_RIGID, "gzip")):
        row = f"two workers, `fast`, all, rigid, {label}"
        add(row, ">= 1.6", compare_two_workers(case, "fast, all"))
    add("core, own, translations, 3 x 100", ">= 2", compare_to_peers(LONG, "core, own"))
    add("core, own, rigid, 3 x 100", ">= 1", compare_to_peers(LONG_RIGID, "core, own"))
    add("memory, `fast`, 20 / 200 images", "<= 100 MiB, flat", format_memory("fast, own, loaded"))
    more = subtract_memory(results[Case(images=200)])
    add("memory of a second thread, `fast`", "<= 40 MiB", more)
    return format_table(rows)


def subtract_memory(rounds: Rounds) -> str:
    """The memory of a second thread, in MiB."""
    one, two = (
        take_median(rounds, f"fast, own{more}, loaded", "memory") for more in ("", ", 2 workers")
    )
    return f"{two - one:.0f} MiB"


def format_imports(rounds: Rounds) -> str:
    rows = [["importing the task", "s", "optional packages"], ["---", "---:", "---"]]
    for name in (_PEERS[0], "core, own", "fast, own"):
        brought = ", ".join(rounds[0][name]["brought"]) or "none"
        rows.append([name, f"{take_median(rounds, name, 'import'):.2f}", brought])
    return format_table(rows)


def format_start(seconds: dict[str, float]) -> str:
    rows = [["importing numba and first calls", "s"], ["---", "---:"]]
    return format_table([*rows, *([name, f"{value:.2f}"] for name, value in seconds.items())])


def format_table(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
