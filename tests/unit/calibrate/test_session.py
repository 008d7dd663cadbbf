"""What an earlier run left in the folder for results."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.calibrate.session import CALIBRATION, stored_calibration, usable_calibration, write_calibration
from app.core.calibration import Calibration, CalibrationError, Moderation
from app.core.model import Feature

KNOWN = Calibration("google", Feature.OBJECTS, (), moderation=Moderation({2: 0.2}))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_calibration(tmp_path, KNOWN)
    known = stored_calibration(tmp_path)
    assert known is not None
    assert known.to_json() == KNOWN.to_json()


def test_there_may_be_none(tmp_path: Path) -> None:
    assert stored_calibration(tmp_path) is None


@pytest.mark.parametrize(("provider", "is_usable"), [("google", True), ("azure", False)])
def test_another_providers_is_of_no_use(tmp_path: Path, provider: str, is_usable: bool) -> None:
    write_calibration(tmp_path, KNOWN)
    assert (usable_calibration(tmp_path, provider) is not None) == is_usable


def test_a_broken_one_is_of_no_use_and_is_said_where_it_would_be_written_into(tmp_path: Path) -> None:
    (tmp_path / CALIBRATION).write_text("{", encoding="utf-8")
    assert usable_calibration(tmp_path, "google") is None
    with pytest.raises(CalibrationError):
        stored_calibration(tmp_path)
