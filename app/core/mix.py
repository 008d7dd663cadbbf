"""What one lane or several of them may do to an image, and what that was measured to cost: tiers, mixes, and the choice.

In: tiers with their measured cost and drop, an accuracy budget, for each image the losses that a scout foresees. Out: the
`Choice` for a budget, and the tier of an image. Callers: admission, calibration.

A fixed layout is a mix of one tier. A scouted mix has several, and each image goes where foreseen loss + `trade` x cost is
smallest: `trade` is what one inference may buy in loss, found by calibration for a wanted mean cost.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.accuracy import BUDGET_TOLERANCE
from app.core.geometry import PixelBox, Size
from app.core.model import ALONE, GridMode, Layout, Shape


class Means(StrEnum):
    """What goes beyond one fixed grid for all; each can be switched off."""

    SHAPES = "shapes"
    SCOUT = "scout"
    ESCALATION = "escalation"


@dataclass(frozen=True, slots=True)
class Tier:
    """One way to pack: the allowed `layouts`, how cells are filled, whether an image is cropped to what a scout sees, and
    whether it only meets images of its own shape.
    """

    layouts: tuple[Layout, ...]
    mode: GridMode = GridMode.KEPT
    crops: bool = False
    by_shape: bool = False

    def __post_init__(self) -> None:
        if not self.layouts:
            raise ValueError("a tier needs at least one layout")
        if self.is_alone and self.crops:
            raise ValueError("an image that is sent alone is sent whole")

    @property
    def cells(self) -> int:
        """Images on a full sheet."""
        return max(layout.cells for layout in self.layouts)

    @property
    def is_alone(self) -> bool:
        return self.cells == 1

    @property
    def cost(self) -> float:
        """Inferences per image of a full sheet."""
        return 1 / self.cells

    def shape(self, upright: Size, view: PixelBox | None = None) -> Shape:
        """In whose company an image of this size is, of which `view` is shown (None: all)."""
        if not self.by_shape:
            return Shape.ANY
        if view is None:
            return Shape.of(upright.width_px, upright.height_px)
        return Shape.of(view.right_px - view.left_px, view.bottom_px - view.top_px)

    def __str__(self) -> str:
        words = ["|".join(map(str, self.layouts))]
        words += ["paper"] if self.mode is GridMode.PAPER else []
        words += ["cropped"] if self.crops else []
        words += ["by shape"] if self.by_shape else []
        return " ".join(words)


ALONE_TIER = Tier((ALONE,))


@dataclass(frozen=True, slots=True)
class Expected:
    """What was measured: inferences per image, and the drop of mAP@0.5 against every image alone, with its 95 % interval."""

    cost: float
    drop: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if not (0 < self.cost < math.inf and -1 <= self.drop <= 1):  # also false for NaN
            raise ValueError(f"neither a cost of {self.cost} nor a drop of {self.drop} can have been measured")
        if not all(edge is None or math.isfinite(edge) for edge in (self.low, self.high)):
            raise ValueError(f"an interval from {self.low} to {self.high}")


@dataclass(frozen=True, slots=True)
class Escalation:
    """Which answers of a grid are asked again alone: those with more `doubt` than this, `max_share` of them at most."""

    doubt: float
    max_share: float

    def __post_init__(self) -> None:
        if not 0 <= self.max_share <= 1:
            raise ValueError(f"a share lies between 0 and 1, not at {self.max_share}")


@dataclass(frozen=True, slots=True)
class Mix:
    """Tiers, how an image's is chosen, and what that costs. `trade` matters only where there are several tiers."""

    name: str
    tiers: tuple[Tier, ...]
    expected: Expected
    trade: float = 0.0
    escalation: Escalation | None = None

    def __post_init__(self) -> None:
        if not self.tiers:
            raise ValueError("a mix needs at least one tier")
        if not self.trade >= 0:
            raise ValueError(f"an inference cannot buy a loss of {self.trade}")

    @property
    def is_scouted(self) -> bool:
        """Whether a scout has to look before an image's tier is known."""
        return len(self.tiers) > 1 or any(tier.crops for tier in self.tiers)

    @property
    def means(self) -> frozenset[Means]:
        """All that has to be switched on for this mix to do what was measured."""
        used = {Means.SCOUT: self.is_scouted, Means.ESCALATION: self.escalation is not None}
        used[Means.SHAPES] = any(tier.by_shape for tier in self.tiers)
        return frozenset(means for means, is_used in used.items() if is_used)

    @property
    def needs_placing(self) -> bool:
        """Whether images of one lane's worth may go to different lanes."""
        return self.is_scouted or any(tier.by_shape for tier in self.tiers)

    def tier(self, losses: Sequence[float]) -> Tier:
        """The tier of an image for which these losses are foreseen, one for each tier; of equals the one named first."""
        if len(losses) != len(self.tiers):
            raise ValueError(f"{len(losses)} losses for {len(self.tiers)} tiers")
        return self.tiers[cheapest(losses, self.tiers, self.trade)]


ALL_ALONE = Mix("1x1", (ALONE_TIER,), Expected(1.0, 0.0, 0.0, 0.0))


@dataclass(frozen=True, slots=True)
class Choice:
    """What a budget buys. `fallback`: the tier of an image that no scout has seen."""

    mix: Mix
    fallback: Tier
    source: str

    @classmethod
    def alone(cls, source: str) -> Choice:
        """Every image by itself, for the reason that `source` names."""
        return cls(ALL_ALONE, ALL_ALONE.tiers[0], source)

    @property
    def widest(self) -> Tier:
        """The tier with most images on a sheet."""
        return max(self.mix.tiers, key=lambda tier: tier.cells)


def cheapest(losses: Sequence[float], tiers: Sequence[Tier], trade: float) -> int:
    """Index of the tier with the smallest loss + `trade` x cost; of equals the first."""
    return min(range(len(tiers)), key=lambda index: (losses[index] + trade * tiers[index].cost, index))


def choose(mixes: Iterable[Mix], max_map_drop: float, *, source: str, means: Collection[Means]) -> Choice:
    """The cheapest mix inside the budget; of equally cheap ones the one that loses least. A zero budget: every image alone.

    Mixes that need other means than these are left out. There is always a mix: every image alone.
    """
    known = [ALL_ALONE, *(mix for mix in mixes if mix.means <= set(means))]
    affordable = [mix for mix in known if max_map_drop > 0 and mix.expected.drop <= max_map_drop + BUDGET_TOLERANCE]
    fixed = [mix for mix in affordable if not mix.is_scouted and mix.escalation is None] or [ALL_ALONE]
    usable = affordable or [ALL_ALONE]

    def price(mix: Mix) -> tuple[float, float, str]:
        return mix.expected.cost, mix.expected.drop, mix.name

    return Choice(min(usable, key=price), min(fixed, key=price).tiers[0], source)
