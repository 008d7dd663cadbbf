"""Which tier an image gets, and the part of it that is shown on a sheet.

In: the `Choice` of the image's budget, its bytes. Out: `Placed`. Called by the pipeline before an image joins a lane; where
the mix needs no scout nothing is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.core.calibration import Foresight
from app.core.geometry import PixelBox, Size
from app.core.mix import Choice, Mix, Tier
from app.core.model import Picture, Shape
from app.core.scouting import Glimpse, figures, region
from app.work.scout import PATIENCE_S, Scout


@dataclass(frozen=True, slots=True)
class Placed:
    """The tier of one image; `view` is the part that is shown, in whole pixels of the upright image (None: all)."""

    tier: Tier
    view: PixelBox | None = None
    shape: Shape = Shape.ANY

    @classmethod
    def at(cls, tier: Tier, upright: Size, view: PixelBox | None = None) -> Placed:
        """In this tier, with the shape of what is shown."""
        return cls(tier, view, tier.shape(upright, view))


class Chooser:
    """Asks the scout where a mix needs one."""

    def __init__(self, scout: Scout | None = None, foresight: Foresight | None = None) -> None:
        self._scout = scout
        self._foresight = foresight

    async def place(self, choice: Choice, image: bytes, picture: Picture, *, time_left_s: float) -> Placed:
        """The fallback's tier where no scout could look in time."""
        if not choice.mix.is_scouted:
            return Placed.at(choice.mix.tiers[0], picture.upright)
        patience_s = min(PATIENCE_S, max(0.0, time_left_s))
        glimpse = None if self._scout is None else await self._scout.look(image, picture, patience_s=patience_s)
        if glimpse is None:
            return Placed.at(choice.fallback, picture.upright)
        return placed(choice.mix, glimpse, self._foresight)


def placed(mix: Mix, glimpse: Glimpse, foresight: Foresight | None) -> Placed:
    """Where a scouted mix puts an image."""
    tier = mix.tiers[0]
    if len(mix.tiers) > 1 and foresight is not None:
        tier = mix.tier(foresight.forest.predict(figures(glimpse)))
    return Placed.at(tier, glimpse.size, region(glimpse) if tier.crops else None)
