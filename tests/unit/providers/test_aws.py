"""Sessions: keys given by hand win, and the region given by hand is only a fallback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.providers.aws import FixedCredentials, open_session


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


@pytest.mark.parametrize(
    ("configured", "given", "region"),
    [
        (None, None, None),
        (None, "eu-west-1", "eu-west-1"),
        ("ap-south-1", None, "ap-south-1"),
        ("ap-south-1", "eu-west-1", "ap-south-1"),
    ],
)
def test_a_given_region_counts_where_aws_names_none(
    configured: str | None, given: str | None, region: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if configured is not None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", configured)
    assert open_session(None, given).get_config_variable("region") == region


def test_given_keys_win_over_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ENV")
    credentials: Any = open_session(FixedCredentials("HAND", "secret"), None).get_credentials()
    assert credentials.get_frozen_credentials().access_key == "HAND"


def test_sessions_share_nothing() -> None:
    assert open_session(None, None) is not open_session(None, None)
