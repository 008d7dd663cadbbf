"""From measured answers to mixes: which image would go where, what that costs, and what it loses.

In: for each image the losses that were foreseen for it, and the answers that each tier gave. Out: assignments of images to
tiers at wanted costs. Pure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.calibration.store import Measured
from app.core.doubt import doubt
from app.core.mix import Tier, cheapest

# Halvings of the span in which the trade between loss and cost is sought.
SEARCH_STEPS = 60
# A whole inference buys at most this much loss: more than a photograph has objects worth losing.
MOST_TRADE = 100.0


@dataclass(frozen=True, slots=True)
class Assignment:
    """The tier of each image, by its number in `tiers`, and the trade that led there."""

    trade: float
    tiers: tuple[Tier, ...]
    by_photo: Mapping[str, int]

    @property
    def cost(self) -> float:
        """Inferences per image when every sheet is full."""
        return sum(self.tiers[number].cost for number in self.by_photo.values()) / len(self.by_photo)

    def members(self, number: int) -> list[str]:
        return [photo_id for photo_id, chosen in self.by_photo.items() if chosen == number]

    def sheets(self) -> int:
        """Sheets that these images take at most: the last one of each tier, and of each shape, may be part empty."""
        counts = Counter(self.by_photo.values())
        return sum(_sheets(self.tiers[number], count) for number, count in counts.items())

    def pick(self, answers: Sequence[Mapping[str, Measured]]) -> dict[str, Measured]:
        """Each image's answer out of its tier's; `answers` are by tier. Images that got none are left out."""
        return {
            photo_id: answers[number][photo_id] for photo_id, number in self.by_photo.items() if photo_id in answers[number]
        }


def _sheets(tier: Tier, images: int) -> int:
    sheets = math.ceil(images / tier.cells)
    return min(images, sheets + 1) if tier.by_shape else sheets


def assign(foreseen: Mapping[str, Sequence[float]], tiers: Sequence[Tier], trade: float) -> Assignment:
    """Every image where loss + trade x cost is smallest."""
    return Assignment(trade, tuple(tiers), {name: cheapest(losses, tiers, trade) for name, losses in foreseen.items()})


def assign_at_cost(foreseen: Mapping[str, Sequence[float]], tiers: Sequence[Tier], cost: float) -> Assignment:
    """The assignment that spends as much as it may: at most `cost` sheets per image, air on the last sheets included."""
    low, high = 0.0, MOST_TRADE
    best = assign(foreseen, tiers, high)
    for _ in range(SEARCH_STEPS):
        middle = (low + high) / 2
        tried = assign(foreseen, tiers, middle)
        if tried.sheets() <= cost * len(foreseen):
            high, best = middle, tried
        else:
            low = middle
    return best


def doubt_threshold(answers: Mapping[str, Measured], share: float) -> float:
    """The doubt above which about `share` of these answers lie."""
    doubts = sorted((doubt(answer.detections) for answer in answers.values()), reverse=True)
    return doubts[min(len(doubts) - 1, math.ceil(share * len(doubts)))]


def escalated(answers: Mapping[str, Measured], alone: Mapping[str, Measured], threshold: float) -> dict[str, Measured]:
    """The answers with those of most doubt replaced by the image's own, which is paid on top."""
    return {
        photo_id: (
            Measured(alone[photo_id].detections, answer.inferences + alone[photo_id].inferences)
            if photo_id in alone and doubt(answer.detections) > threshold
            else answer
        )
        for photo_id, answer in answers.items()
    }


def mean_cost(answers: Mapping[str, Measured]) -> float:
    """Inferences per image, as they were paid."""
    return sum(answer.inferences for answer in answers.values()) / max(1, len(answers))
