"""What `tessera calibrate` found out, as `serve` reads it: mixes with their cost and drop, the forest beside the scout, and the
margins of group tests. Each part is there only where it was measured.

In and out: the plain values of calibration.json. Raises CalibrationError naming what is wrong. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.forest import Forest
from app.core.mix import Escalation, Expected, Mix, Tier
from app.core.model import Feature, GridMode, Layout
from app.core.moderation import DEFAULT_MARGINS, Margins

VERSION = 1


class CalibrationError(ValueError):
    """A calibration that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Foresight:
    """Which scout looked (name and digest of its model), and the forest that foresees an image's loss in each of `tiers`."""

    scout: str
    tiers: tuple[Tier, ...]
    forest: Forest

    def __post_init__(self) -> None:
        if self.forest.outputs != len(self.tiers):
            raise ValueError(f"a forest of {self.forest.outputs} outputs for {len(self.tiers)} tiers")


@dataclass(frozen=True, slots=True, eq=False)
class Moderation:
    """Margins of group tests by the size of the group, as measured; `facts` is for people."""

    by_size: Mapping[int, float]
    facts: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not self.by_size:
            raise ValueError("there is no margin in it")
        Margins(self.by_size)

    @property
    def margins(self) -> Margins:
        """Those measured. Of larger groups nothing was: theirs are the careful defaults, and never below what was measured."""
        largest, widest = max(self.by_size), max(self.by_size.values())
        beyond = {size: max(margin, widest) for size, margin in DEFAULT_MARGINS.by_size.items() if size > largest}
        return Margins({**self.by_size, **beyond})


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """`provider` and `feature` say whom it holds for; `facts` is for people (data set, number of images, date)."""

    provider: str
    feature: Feature
    mixes: tuple[Mix, ...]
    foresight: Foresight | None = None
    facts: Mapping[str, Any] | None = None
    moderation: Moderation | None = None

    def __post_init__(self) -> None:
        tiers = self.foresight.tiers if self.foresight else ()
        strangers = [mix.name for mix in self.mixes if len(mix.tiers) > 1 and mix.tiers != tiers]
        if not self.mixes and self.moderation is None:
            raise ValueError("there is neither a mix nor a margin in it")
        if strangers:
            raise ValueError(f"the scout's forest knows nothing of the tiers of {', '.join(strangers)}")

    def to_json(self) -> dict[str, Any]:
        known = self.foresight
        return {
            "version": VERSION,
            "provider": self.provider,
            "feature": self.feature.value,
            **(self.facts or {}),
            "mixes": [_packed_mix(mix) for mix in self.mixes],
            "scout": known
            and {
                "model": known.scout,
                "tiers": [_packed_tier(tier) for tier in known.tiers],
                "forest": known.forest.to_json(),
            },
            **({"moderation": _packed_moderation(self.moderation)} if self.moderation else {}),
        }

    @classmethod
    def from_json(cls, data: Any) -> Calibration:
        """Raises CalibrationError."""
        if not isinstance(data, dict) or data.get("version") != VERSION:
            raise CalibrationError(f"no calibration of version {VERSION}: run `tessera calibrate` with this release")
        own = {"version", "provider", "feature", "mixes", "scout", "moderation"}
        try:
            return cls(
                provider=str(data["provider"]),
                feature=Feature(data["feature"]),
                mixes=tuple(_mix(entry) for entry in data["mixes"]),
                foresight=_foresight(data["scout"]) if data.get("scout") else None,
                facts={name: value for name, value in data.items() if name not in own},
                moderation=_moderation(data["moderation"]) if data.get("moderation") else None,
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise CalibrationError(f"the calibration cannot be read: {error!r}") from error


def _packed_tier(tier: Tier) -> dict[str, Any]:
    return {
        "layouts": [str(layout) for layout in tier.layouts],
        "mode": tier.mode.value,
        "crops": tier.crops,
        "by_shape": tier.by_shape,
    }


def _tier(data: Mapping[str, Any]) -> Tier:
    layouts = tuple(Layout.parse(text) for text in data["layouts"])
    return Tier(layouts, GridMode(data["mode"]), bool(data["crops"]), bool(data["by_shape"]))


def _packed_mix(mix: Mix) -> dict[str, Any]:
    expected, again = mix.expected, mix.escalation
    return {
        "name": mix.name,
        "tiers": [_packed_tier(tier) for tier in mix.tiers],
        "inferences_per_image": expected.cost,
        "drop": expected.drop,
        "interval": [expected.low, expected.high],
        "trade": mix.trade,
        "escalation": again and {"doubt": again.doubt, "max_share": again.max_share},
    }


def _mix(data: Mapping[str, Any]) -> Mix:
    low, high = data["interval"]
    again = data["escalation"]
    return Mix(
        name=str(data["name"]),
        tiers=tuple(_tier(entry) for entry in data["tiers"]),
        expected=Expected(float(data["inferences_per_image"]), float(data["drop"]), _edge(low), _edge(high)),
        trade=float(data["trade"]),
        escalation=Escalation(float(again["doubt"]), float(again["max_share"])) if again else None,
    )


def _edge(value: Any) -> float | None:
    return None if value is None else float(value)


def _foresight(data: Mapping[str, Any]) -> Foresight:
    tiers = tuple(_tier(entry) for entry in data["tiers"])
    return Foresight(str(data["model"]), tiers, Forest.from_json(data["forest"]))


def _packed_moderation(known: Moderation) -> dict[str, Any]:
    return {**(known.facts or {}), "margins": {str(size): margin for size, margin in known.by_size.items()}}


def _moderation(data: Mapping[str, Any]) -> Moderation:
    margins = {int(size): float(margin) for size, margin in data["margins"].items()}
    return Moderation(margins, {name: value for name, value in data.items() if name != "margins"})
