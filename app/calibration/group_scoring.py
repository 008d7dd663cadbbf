"""How much group tests miss, and how often they are alarmed for nothing: pure.

In: the best score that the provider gave to each photograph alone, and to each sheet. Out: shares with their intervals, by the
client's threshold and the group's margin, and the margin to be used. A sheet holds one unsafe photograph at most, so what its
answer says is said of that one. Unsafe is here what the provider flags alone: a group test must not lose what one inference per
image would have found, and cannot find more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.core.agreement import Interval, wilson
from app.core.model import Feature, Inquiry
from app.core.moderation import threshold

# What clients commonly ask for: Rekognition's default, and two stricter ones who want to see only what is surely there.
THRESHOLDS = (0.5, 0.8, 0.9)
MARGINS = tuple(round(step * 0.05, 2) for step in range(19))


@dataclass(frozen=True, slots=True)
class SeenSheet:
    """The best score on a sheet, and which of its photographs people call unsafe."""

    score_unit: float
    unsafe: str | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `of`."""

    hits: int
    of: int

    @property
    def interval(self) -> Interval | None:
        """With Wilson's 95 %; None of nothing."""
        return wilson(self.hits / self.of, self.of) if self.of else None

    @property
    def value(self) -> float | None:
        return self.hits / self.of if self.of else None


def is_flagged(score_unit: float, threshold_unit: float, margin: float = 0.0) -> bool:
    """Whether a client with this threshold would be told, or his group be asked further."""
    return score_unit >= threshold(Inquiry(Feature.MODERATION, min_score_unit=threshold_unit), margin)


def sensitivity(sheets: Sequence[SeenSheet], alone: Mapping[str, float], threshold_unit: float, margin: float) -> Share:
    """Of unsafe photographs that the provider flags alone, those whose sheet is flagged."""
    due = [sheet for sheet in sheets if sheet.unsafe is not None and is_flagged(alone[sheet.unsafe], threshold_unit)]
    return Share(sum(is_flagged(sheet.score_unit, threshold_unit, margin) for sheet in due), len(due))


def specificity(sheets: Sequence[SeenSheet], threshold_unit: float, margin: float) -> Share:
    """Of sheets without an unsafe photograph, those that are not flagged."""
    clean = [sheet for sheet in sheets if sheet.unsafe is None]
    return Share(sum(not is_flagged(sheet.score_unit, threshold_unit, margin) for sheet in clean), len(clean))


def provider_finds(alone: Mapping[str, float], unsafe: Collection[str], threshold_unit: float) -> tuple[Share, Share]:
    """What one inference per image is worth by people's judgement: of unsafe ones those flagged, of safe ones those not."""
    bad = [score for name, score in alone.items() if name in unsafe]
    good = [score for name, score in alone.items() if name not in unsafe]
    found = Share(sum(is_flagged(score, threshold_unit) for score in bad), len(bad))
    return found, Share(sum(not is_flagged(score, threshold_unit) for score in good), len(good))


@dataclass(frozen=True, slots=True)
class Chosen:
    """A margin, and whether it reaches what was asked for."""

    margin: float
    is_enough: bool


def choose_margin(sheets: Sequence[SeenSheet], alone: Mapping[str, float], least_share: float) -> Chosen | None:
    """The smallest margin that is enough at all thresholds, else the largest tried; None where there is nothing to go by."""
    known = [level for level in THRESHOLDS if sensitivity(sheets, alone, level, 0.0).of]
    if not known:
        return None
    for margin in MARGINS:
        shares = [sensitivity(sheets, alone, level, margin) for level in known]
        if all(share.hits >= least_share * share.of for share in shares):
            return Chosen(margin, is_enough=True)
    return Chosen(MARGINS[-1], is_enough=False)


def largest_advised(chosen: Mapping[int, Chosen]) -> int:
    """The largest group that is enough, and all smaller ones too: a flagged group is asked in its parts. 1: none."""
    best = 1
    for size in sorted(chosen):
        if not chosen[size].is_enough:
            break
        best = size
    return best
