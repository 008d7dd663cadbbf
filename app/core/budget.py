"""From the operator's accuracy budget, or a caller's, to what may be done to an image. Pure.

In: what was measured (a calibration, otherwise the paper's table), the settings, the wish of a request. Out: a `Choice`.
Callers: admission, and whoever shows the choice at start-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.accuracy import allowed_layouts
from app.core.calibration import Calibration
from app.core.mix import Choice, Expected, Means, Mix, Tier, choose
from app.core.model import Feature, GridMode, Layout


@dataclass(frozen=True, slots=True, eq=False)
class Budget:
    """What the operator decided about accuracy.

    `drops` is the published table, used for features that the calibration does not hold for, or has no mix of. `fixed_layouts`
    win over the operator's own budget, not over a caller's. `means`: those that may be used beyond a fixed grid.
    """

    max_map_drop: float
    drops: Mapping[Layout, float]
    table: str = "paper"
    fixed_layouts: tuple[Layout, ...] = ()
    mode: GridMode = GridMode.KEPT
    calibration: Calibration | None = None
    means: frozenset[Means] = frozenset()

    def is_nothing(self, wish: float | None = None) -> bool:
        """Whether no loss at all is accepted; `wish` is the caller's own budget."""
        return (self.max_map_drop if wish is None else wish) <= 0

    def choice(self, feature: Feature, wish: float | None = None) -> Choice:
        """What an image of this feature may be part of; `wish` is the caller's own budget."""
        budget = self.max_map_drop if wish is None else wish
        if self.is_nothing(wish):
            return Choice.alone("budget")
        if self.fixed_layouts and wish is None:
            return self._single(self.fixed_layouts, "setting")
        known = self.calibration
        if known is not None and known.mixes and known.feature is feature:
            return choose(known.mixes, budget, source="calibration", means=self.means)
        return self._single(allowed_layouts(self.drops, budget), self.table)

    def _single(self, layouts: tuple[Layout, ...], source: str) -> Choice:
        tier = Tier(layouts, self.mode)
        full = [layout for layout in layouts if layout.cells == tier.cells]
        drop = max(self.drops.get(layout, 0.0) for layout in full)
        mix = Mix(str(tier), (tier,), Expected(tier.cost, drop))
        return Choice(mix, tier, source)
