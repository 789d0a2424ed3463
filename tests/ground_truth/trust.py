"""How good the ranking, and what is said about it, are in the situations of daily work."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy
from scipy.stats import spearmanr

from ewoksndreg.evaluation import Evaluation
from ewoksndreg.evaluation import evaluate_stacks

from .figures import CATASTROPHE
from .figures import TOLERANCE
from .situations import Situation

# A registration with a true error (px) below this is good, above the other it is really off.
GOOD = 0.3
OFF = 1.0


@dataclass(frozen=True)
class SituationResult:
    """What was found in one situation, and what is true.

    :param error: true error of the registration put first, px.
    :param smallest_error: of all registrations.
    :param named: whether the right one is put first or a rival that was named.
    """

    name: str
    error: float
    smallest_error: float
    verdict: str
    remaining_shift: float
    has_rivals: bool
    named: bool
    moves_apart: bool
    groups: bool
    bad_found: int
    bad_wrong: int
    bad_missed: int

    @property
    def regret(self) -> float:
        return self.error - self.smallest_error

    @property
    def right(self) -> bool:
        return self.regret <= TOLERANCE


def evaluate_situation(situation: Situation) -> SituationResult:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = evaluate_stacks(situation.stacks, situation.transformations)
    errors, smallest = situation.errors, situation.smallest_error
    named = (found.best, *found.rivals)
    bad_found, bad_wrong, bad_missed = _count_bad(situation, found)
    return SituationResult(
        name=situation.name,
        error=errors[found.best],
        smallest_error=smallest,
        verdict=found.verdict or "",
        remaining_shift=found.remaining_shift,
        has_rivals=bool(found.rivals),
        named=any(errors[name] - smallest <= TOLERANCE for name in named),
        moves_apart=bool(situation.moving_apart),
        groups=bool(found.motion_groups),
        bad_found=bad_found,
        bad_wrong=bad_wrong,
        bad_missed=bad_missed,
    )


def _count_bad(situation: Situation, found: Evaluation) -> tuple[int, int, int]:
    """Images that were spoilt and found, found only, and spoilt only."""
    spoilt = {(name, n) for name, images in situation.bad.items() for n in images}
    told = {(name, n) for name, images in found.bad_images.items() for n in images}
    return len(spoilt & told), len(told - spoilt), len(spoilt - told)


def share(items: Sequence[SituationResult], condition: Callable[[SituationResult], bool]) -> float:
    return float(numpy.mean([condition(item) for item in items])) if items else float("nan")


def one_motion(items: Iterable[SituationResult]) -> list[SituationResult]:
    """Where stacks move apart no registration is right for all."""
    return [item for item in items if not item.moves_apart]


def rank_correlation(items: Iterable[SituationResult]) -> float:
    """Of the remaining shift and the true error."""
    known = [item for item in items if numpy.isfinite(item.remaining_shift)]
    pairs = numpy.array([(item.remaining_shift, item.error) for item in known])
    return float(spearmanr(pairs[:, 0], pairs[:, 1])[0])


def table(items: Sequence[SituationResult]) -> str:
    """As Markdown, one line for each situation."""
    lines = [
        "| situation | right | mean regret (px) | catastrophic | called good where one is good"
        " | good and right |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    names = list(dict.fromkeys(item.name for item in one_motion(items)))
    for name in [*names, "all"]:
        some = [item for item in one_motion(items) if name in ("all", item.name)]
        able = [item for item in some if item.smallest_error < GOOD]
        good = [item for item in some if item.verdict == "good"]
        cells = [
            f"{name} ({len(some)})",
            _percent(share(some, lambda item: item.right)),
            f"{numpy.mean([item.regret for item in some]):.2f}",
            _percent(share(some, lambda item: item.regret >= CATASTROPHE)),
            _percent(share(able, lambda item: item.verdict == "good")),
            _percent(share(good, lambda item: item.right)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def summary(items: Sequence[SituationResult]) -> str:
    """The figures of the verdict and of what it is made of, one line each."""
    some = one_motion(items)
    lines = []
    for verdict in ("good", "check"):
        told = [item for item in some if item.verdict == verdict]
        lines.append(
            f"{verdict} ({len(told)} of {len(some)}): right"
            f" {_percent(share(told, lambda item: item.right))}, off by more than {OFF:g} px"
            f" {_percent(share(told, lambda item: item.error > OFF))}"
        )
    alone = [item for item in some if not item.has_rivals]
    others = [item for item in some if item.has_rivals]
    lines.append(f"no rival ({len(alone)}): right {_percent(share(alone, lambda i: i.right))}")
    lines.append(
        f"rivals ({len(others)}): right {_percent(share(others, lambda i: i.right))}, the right one"
        f" first or named {_percent(share(others, lambda i: i.named))}"
    )
    lines.append(
        f"remaining shift: rank correlation with the true error {rank_correlation(some):.2f}"
    )
    small = [item for item in some if item.remaining_shift < 0.2]
    lines.append(
        f"below 0.2 px ({len(small)}): really off by more than 0.5 px"
        f" {_percent(share(small, lambda item: item.error > 0.5))}"
    )
    apart = [item for item in items if item.moves_apart]
    told = [item for item in items if item.groups]
    lines.append(
        f"two motions: recall {_percent(share(apart, lambda item: item.groups))}, precision"
        f" {_percent(share(told, lambda item: item.moves_apart))}"
    )
    # Elsewhere, dead first images are bad on purpose too.
    spoilt = [item for item in items if item.name == "bad images"]
    found, wrong, missed = (
        sum(getattr(item, name) for item in spoilt)
        for name in ("bad_found", "bad_wrong", "bad_missed")
    )
    lines.append(
        f"bad images: recall {_percent(found / max(found + missed, 1))}, precision"
        f" {_percent(found / max(found + wrong, 1))}"
    )
    return "\n".join(lines)


def _percent(value: float) -> str:
    return "–" if numpy.isnan(value) else f"{100 * value:.0f} %"  # noqa: RUF001


def draw_remaining_shift(items: Sequence[SituationResult], path: Path) -> None:
    """The remaining shift against the true error."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    for verdict, color in (("good", "#1a7f37"), ("check", "#c0392b")):
        told = [item for item in one_motion(items) if item.verdict == verdict]
        errors = [max(item.error, 0.01) for item in told]
        shifts = [item.remaining_shift for item in told]
        axes.scatter(errors, shifts, s=9, color=color, label=verdict, alpha=0.7)
    axes.plot([0.01, 1.5], [0.01, 1.5], color="gray", linewidth=0.8, zorder=0)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="true error of the best registration (px)",
        ylabel="remaining shift (px)",
    )
    axes.legend(title="verdict", frameon=False)
    figure.savefig(path, dpi=80)
