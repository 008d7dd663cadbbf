"""Builds what decides how densely images are packed: the calibration, the accuracy budget, the scout, margins of group tests.

In: the settings and the provider's capabilities. Out: a `Dial` for processes with a front door, the margins for those that
work. Called by `app.assembly`.
Raises CalibrationError, UnusableModel or OSError for what the operator named and cannot be used: a budget that silently did
not hold would be worse than no start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from app.clock import Clock
from app.core.budget import Budget
from app.core.calibration import Calibration, CalibrationError, Foresight
from app.core.mix import Choice, Means
from app.core.model import Feature, GridMode, Layout
from app.core.moderation import DEFAULT_MARGINS, Margins
from app.core.scouting import FIGURES
from app.detectors.contract import Model
from app.log import get_logger
from app.providers.contract import Capabilities
from app.settings import LOCAL_PROVIDERS, Settings
from app.work.choosing import Chooser
from app.work.pixels import usable_cores
from app.work.scout import Scout, ScoutLedger

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Dial:
    """The budget, and who finds each image's place in it."""

    budget: Budget
    chooser: Chooser

    @property
    def margins(self) -> Margins:
        """Of group tests."""
        return _margins_of(self.budget.calibration)

    @property
    def choice(self) -> Choice:
        """What the operator's budget buys for objects, the feature that is calibrated."""
        return self.budget.choice(Feature.OBJECTS)


async def build_dial(
    settings: Settings,
    capabilities: Capabilities,
    identity: str,
    drops: Mapping[Layout, float],
    ledger: ScoutLedger,
    clock: Clock,
    stack: AsyncExitStack,
) -> Dial:
    """Everything read and tried once, now. `identity`: the provider's address, or which model it runs."""
    calibration = await asyncio.to_thread(_own_calibration, settings, capabilities)
    if calibration is not None and calibration.mixes and settings.provider in LOCAL_PROVIDERS:
        _require_same_model(calibration, identity, settings.calibration)
    foresight = calibration.foresight if calibration else None
    scout = None
    if settings.scout:
        model = await asyncio.to_thread(load_scout, Path(settings.scout), settings.scout_recipe)
        _require_known(model, foresight, settings.calibration)
        scout = Scout(model, ledger, clock, threads=usable_cores())
        stack.callback(scout.close)
    budget = Budget(
        max_map_drop=settings.max_map_drop,
        drops=drops,
        table=f"paper, {capabilities.accuracy_table}",
        fixed_layouts=tuple(Layout.parse(text) for text in settings.layouts),
        mode=GridMode(settings.grid_mode),
        calibration=calibration,
        means=_means(settings, has_scout=scout is not None),
    )
    return Dial(budget, Chooser(scout, foresight))


def known_margins(settings: Settings, capabilities: Capabilities) -> Margins:
    """Of group tests, for processes without a dial. Raises CalibrationError, OSError."""
    return _margins_of(_own_calibration(settings, capabilities))


def _margins_of(calibration: Calibration | None) -> Margins:
    """Those of the calibration, where it has any."""
    return calibration.moderation.margins if calibration is not None and calibration.moderation else DEFAULT_MARGINS


def _own_calibration(settings: Settings, capabilities: Capabilities) -> Calibration | None:
    """The operator's, if it was measured with this provider."""
    if not settings.calibration:
        return None
    calibration = read_calibration(settings.calibration)
    if calibration.provider != capabilities.provider:
        raise CalibrationError(
            f"{settings.calibration}: measured with provider {calibration.provider}, not with {capabilities.provider}"
        )
    return calibration


def _means(settings: Settings, *, has_scout: bool) -> frozenset[Means]:
    """What the operator left switched on; a scout has to be there as well."""
    return frozenset(means for means in Means if means in settings.means and (has_scout or means is not Means.SCOUT))


def read_calibration(path: str) -> Calibration:
    """Raises CalibrationError, OSError."""
    try:
        return Calibration.from_json(orjson.loads(Path(path).read_bytes()))
    except (orjson.JSONDecodeError, CalibrationError) as error:
        raise CalibrationError(f"{path}: {error}") from error


def load_scout(path: Path, recipe: str | None) -> Model:
    """Imported here: a proxy without a scout needs no onnxruntime in its memory. Raises UnusableModel, OSError."""
    from app.detectors.onnx import OnnxDetector

    return OnnxDetector(path, recipe=Path(recipe) if recipe else None)


def _require_known(model: Model, foresight: Foresight | None, path: str | None) -> None:
    """What was learned from one scout's looks says nothing about another's."""
    identity = model.facts.identity
    if path is None:
        raise CalibrationError("TESSERA_SCOUT needs TESSERA_CALIBRATION, made by `tessera calibrate --scout`")
    if foresight is None:
        raise CalibrationError(f"{path}: made without a scout; `tessera calibrate --scout` makes one for TESSERA_SCOUT")
    if _digest(foresight.scout) != _digest(identity):
        raise CalibrationError(f"{path}: made with the scout {foresight.scout}, not with {identity}")
    if foresight.forest.features != FIGURES:
        raise CalibrationError(f"{path}: its forest knows {foresight.forest.features} figures, this release has {FIGURES}")


def _require_same_model(calibration: Calibration, identity: str, path: str | None) -> None:
    """Another model loses something else. A model's name may change, its weights and its recipe may not."""
    measured = str((calibration.facts or {}).get("paid_to", ""))
    if _digest(measured) != _digest(identity):
        raise CalibrationError(f"{path}: measured with {measured or 'an unknown model'}, not with {identity}")


def _digest(identity: str) -> str:
    """The part of a model's identity that says which weights and which recipe."""
    return identity.rpartition(":")[2]


def described(choice: Choice, budget: float) -> dict[str, Any]:
    """The choice in plain values, for the log and `/v1/stats`."""
    mix, expected = choice.mix, choice.mix.expected
    return {
        "max_map_drop": budget,
        "chosen": mix.name,
        "tiers": [str(tier) for tier in mix.tiers],
        "source": choice.source,
        "expected_map_drop": round(expected.drop, 4),
        "interval": None if expected.low is None else [expected.low, expected.high],
        "expected_inferences_per_image": round(expected.cost, 4),
        "escalation_share": mix.escalation.max_share if mix.escalation else 0.0,
        "without_a_look": str(choice.fallback),
    }
