"""Margins of group tests as a worker reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.core.calibration import Calibration, CalibrationError, Moderation
from app.core.mix import Expected, Mix, Tier
from app.core.model import Feature, Layout
from app.core.moderation import DEFAULT_MARGINS
from app.dial import known_margins
from app.settings import Settings, load_settings
from tests.support.colours import CAPABILITIES

MIX = Mix("2x2", (Tier((Layout(2, 2),)),), Expected(0.25, 0.1))


def settings(folder: Path, calibration: Calibration | None) -> Settings:
    environ = {}
    if calibration is not None:
        path = folder / "calibration.json"
        path.write_text(json.dumps(calibration.to_json()), encoding="utf-8")
        environ["TESSERA_CALIBRATION"] = str(path)
    return load_settings(environ, folder / "none.env")


def test_those_that_were_measured(tmp_path: Path) -> None:
    known = Calibration("emulator", Feature.OBJECTS, (), moderation=Moderation({2: 0.05, 9: 0.1}))
    assert known_margins(settings(tmp_path, known), CAPABILITIES).of(9) == 0.1


@pytest.mark.parametrize("known", [None, Calibration("emulator", Feature.OBJECTS, (MIX,))])
def test_the_defaults_where_none_were(tmp_path: Path, known: Calibration | None) -> None:
    assert known_margins(settings(tmp_path, known), CAPABILITIES) is DEFAULT_MARGINS


def test_another_providers_are_refused(tmp_path: Path) -> None:
    known = Calibration("google", Feature.OBJECTS, (), moderation=Moderation({2: 0.05}))
    with pytest.raises(CalibrationError, match="measured with provider google, not with emulator"):
        known_margins(settings(tmp_path, known), CAPABILITIES)
