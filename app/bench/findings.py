"""What a line of the bench found, beside theory, and how it is printed. Pure.

In: the truth about the images and the verdicts. Out: figures, a table, and whether what is promised came true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from app.bench.pictures import Shot
from app.bench.playing import Verdict
from app.core.group_cost import best_group, dorfman_optimum, entropy_bound, halving_optimum

# Of the halving optimum for the true prevalence, after the warm-up.
WITHIN = 0.05
# With fewer images chance alone may take a line so far from the optimum: then nothing is said of it.
JUDGED_FROM = 5000
# Inferences per image, the warm-up included, at any prevalence: what being careful at the start may cost.
MOST_PER_IMAGE = 1.02


@dataclass(frozen=True, slots=True)
class Line:
    """Inferences per image at one prevalence. `billed`: as the shares on the answers say; `paid`: as the vendor counted."""

    prevalence: float
    images: int
    unsafe: int
    paid: int
    billed: float
    measured: float
    warm: float
    missed: int
    false_alarms: int
    unanswered: int
    seconds: float
    largest: int

    @property
    def optimum(self) -> float:
        return halving_optimum(self.prevalence, self.largest)

    @property
    def ratio(self) -> float:
        return self.warm / self.optimum

    @property
    def is_off(self) -> bool:
        """Whether it took more than is promised beside the optimum."""
        return self.images >= JUDGED_FROM and self.ratio > 1 + WITHIN

    @property
    def shortcomings(self) -> list[str]:
        """What did not come true, in words."""
        at = f"prevalence {self.prevalence:g}"
        found = {
            f"{at}: {self.ratio - 1:+.1%} from the halving optimum after the warm-up": self.is_off,
            f"{at}: {self.measured:.3f} inferences per image": self.measured > MOST_PER_IMAGE,
            f"{at}: {self.missed} unsafe images called clean": self.missed > 0,
            f"{at}: {self.false_alarms} clean images called unsafe": self.false_alarms > 0,
            f"{at}: {self.unanswered} images without an answer": self.unanswered > 0,
            f"{at}: {self.paid} inferences paid, {self.billed:.1f} on the answers": abs(self.paid - self.billed) > 0.5,
        }
        return [shortcoming for shortcoming, is_so in found.items() if is_so]


def line_of(
    prevalence: float,
    shots: Sequence[Shot],
    verdicts: Sequence[Verdict],
    *,
    paid: int,
    largest: int,
    warm_up: int,
    seconds: float,
) -> Line:
    """The figures of one line. ValueError unless each image has its verdict."""
    pairs = list(zip(shots, verdicts, strict=True))
    shares = [verdict.inferences for verdict in verdicts]
    return Line(
        prevalence=prevalence,
        images=len(shots),
        unsafe=sum(shot.is_unsafe for shot in shots),
        paid=paid,
        billed=sum(shares),
        measured=paid / len(shots),
        warm=sum(shares[warm_up:]) / len(shares[warm_up:]),
        missed=sum(shot.is_unsafe and verdict.called_unsafe is False for shot, verdict in pairs),
        false_alarms=sum(not shot.is_unsafe and verdict.called_unsafe is True for shot, verdict in pairs),
        unanswered=sum(verdict.called_unsafe is None for verdict in verdicts),
        seconds=seconds,
        largest=largest,
    )


def heading(warm_up: int) -> str:
    """Above the rows."""
    titles = ("", "measured", "halving", "", "wrong verdicts", "")
    names = (
        *(("prevalence",), ("all", f"after {warm_up}"), ("optimum", "group", "ratio")),
        *(("alone", "Dorfman", "entropy"), ("missed", "false"), ("images/s",)),
    )
    over = [title.center(sum(widths) + 2 * (len(widths) - 1)) for title, widths in zip(titles, _WIDTHS, strict=True)]
    return f"{' | '.join(over)}\n{_joined(names)}"


def row(line: Line) -> str:
    """One line as text, under `heading`."""
    best = best_group(line.prevalence, line.largest)
    dorfman, entropy = dorfman_optimum(line.prevalence, line.largest), entropy_bound(line.prevalence)
    return _joined(
        (
            (f"{line.prevalence:g}",),
            (f"{line.measured:.4f}", f"{line.warm:.4f}"),
            (f"{line.optimum:.4f}", f"{best}", f"{line.ratio:.3f}"),
            ("1", f"{dorfman:.4f}", f"{entropy:.4f}"),
            (f"{line.missed}", f"{line.false_alarms}"),
            (f"{line.images / line.seconds:.0f}",),
        )
    )


_WIDTHS = ((10,), (7, 10), (7, 5, 6), (5, 7, 7), (6, 6), (8,))


def _joined(cells: Sequence[Sequence[str]]) -> str:
    """Cells of a line in their columns."""
    return " | ".join(
        "  ".join(text.rjust(width) for text, width in zip(group, widths, strict=True))
        for group, widths in zip(cells, _WIDTHS, strict=True)
    )


def values(line: Line) -> dict[str, Any]:
    """One line for JSON."""
    theory = {
        "optimum": line.optimum,
        "best_group": best_group(line.prevalence, line.largest),
        "dorfman": dorfman_optimum(line.prevalence, line.largest),
        "entropy": entropy_bound(line.prevalence),
    }
    return {**asdict(line), "ratio": line.ratio, **theory}


def judgement(lines: Sequence[Line]) -> list[str]:
    """The last words: what was promised and came true, or what did not."""
    short = [shortcoming for line in lines for shortcoming in line.shortcomings]
    if short:
        return [f"NOT AS PROMISED: {shortcoming}" for shortcoming in short]
    worst, most = max(line.ratio for line in lines), max(line.measured for line in lines)
    judged = all(line.images >= JUDGED_FROM for line in lines)
    return [
        f"within {WITHIN:.0%} of the halving optimum after the warm-up (at most {worst - 1:+.1%})"
        if judged
        else f"{worst - 1:+.1%} at most from the halving optimum: fewer than {JUDGED_FROM} images, so by chance, too",
        f"never above {MOST_PER_IMAGE} inferences per image (at most {most:.4f})",
        "no wrong verdict, every image answered, and the answers' shares add up to what the vendor was paid",
    ]
