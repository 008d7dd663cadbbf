"""Labels of the whole image, without boxes: rules of thumb about its colours.

In: pixels. Out: names with confidences. They are there because the vendor answers with such labels too, and a grid cannot
carry them; nobody should take them for scene recognition.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.emulators.pixels import Pixels, luma, sampled

DARK_BRIGHTNESS = 55.0
"""Mean grey level below which it is night."""
LEAST_PERCENT, MOST_PERCENT = 56.0, 99.0
"""Just above the vendor's default threshold, and never certain."""
PERCENT_PER_LEVEL = 0.4
"""How fast a rule grows sure, per grey level beyond its border."""


@dataclass(frozen=True, slots=True)
class Scenery:
    """A label of the whole image."""

    name: str
    percent: float
    parents: tuple[str, ...] = ()


def scenery(rgb: Pixels) -> list[Scenery]:
    """Night where it is dark; outdoors where the upper third is lighter or bluer than the lower, indoors elsewhere."""
    small = sampled(rgb).astype("float32")
    third = max(1, small.shape[0] // 3)
    above, below = small[:third].mean(axis=(0, 1)), small[-third:].mean(axis=(0, 1))
    sky = float(luma(above - below)) + float((above - below)[2])
    found = [Scenery("Outdoors", _sure(sky), ("Nature",)) if sky > 0 else Scenery("Indoors", _sure(-sky))]
    darkness = DARK_BRIGHTNESS - float(luma(small.mean(axis=(0, 1))))
    if darkness > 0:
        found.append(Scenery("Night", _sure(darkness), ("Nature", "Outdoors")))
    return found


def _sure(levels: float) -> float:
    return min(MOST_PERCENT, LEAST_PERCENT + PERCENT_PER_LEVEL * levels)
