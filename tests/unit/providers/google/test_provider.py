"""Where Google is: addresses of REST and gRPC, and when credentials are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import Kind, Problem
from app.providers.google import GoogleProvider
from app.providers.google.channels import Target
from app.providers.google.provider import DEFAULT_URL, target_of


@pytest.mark.parametrize(
    ("url", "grpc_address", "target"),
    [
        (DEFAULT_URL, None, Target("vision.googleapis.com:443", is_encrypted=True, is_near=False)),
        ("http://127.0.0.1:8090", None, Target("127.0.0.1:8090", is_encrypted=False, is_near=True)),
        ("http://localhost:8090", "localhost:8091", Target("localhost:8091", is_encrypted=False, is_near=True)),
        ("http://[::1]:8090/gcp", None, Target("[::1]:8090", is_encrypted=False, is_near=True)),
        ("http://emulator", None, Target("emulator:80", is_encrypted=False, is_near=False)),
        ("https://eu-vision.googleapis.com", None, Target("eu-vision.googleapis.com:443", is_encrypted=True, is_near=False)),
    ],
)
def test_grpc_is_spoken_where_rest_is_unless_told_otherwise(url: str, grpc_address: str | None, target: Target) -> None:
    assert target_of(url, grpc_address) == target


async def test_the_address_needs_no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is part of the name under which processes meet in Redis: a moment without credentials must not change it."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none"))
    provider = GoogleProvider()
    with pytest.raises(Problem) as raised:
        await provider.warm_up()
    assert raised.value.kind is Kind.INTERNAL
    assert await provider.address() == "https://vision.googleapis.com"
    await provider.aclose()


@pytest.mark.parametrize(("url", "key"), [("http://127.0.0.1:1", None), (None, "k")])
async def test_an_emulator_needs_no_account_and_a_key_no_chain(
    url: str | None, key: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none"))
    provider = GoogleProvider(upstream_url=url, api_key=key)
    await provider.warm_up()
    await provider.aclose()
