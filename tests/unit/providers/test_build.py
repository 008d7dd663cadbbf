"""Options are valid once built, and a name always gives the provider it stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.errors import Problem
from app.providers.build import ProviderOptions, build_provider


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "amazon"},
        {"name": ""},
        {"name": "emulator"},
        {"upstream_url": "127.0.0.1:80"},
        {"upstream_url": "ftp://host"},
        {"upstream_url": "http://"},
        {"upstream_url": "http://host:port"},
        {"upstream_url": "http://host/?query"},
        {"upstream_url": "http://user:secret@host"},
        {"name": "google", "upstream_grpc": "host"},
        {"name": "google", "upstream_grpc": "host:0"},
        {"name": "google", "upstream_grpc": "host:port"},
        {"name": "google", "upstream_grpc": "http://host:80"},
        {"name": "google", "upstream_grpc": "me@host:80"},
        {"name": "google", "upstream_grpc": "host:80/path"},
        {"name": "onnx"},
        {"name": "torch"},
        {"name": "onnx", "model": "m.onnx", "dollars": -1.0},
        {"name": "onnx", "model": "m.onnx", "looks_at_once": 0},
        {"max_connections": 0},
        {"connect_timeout_s": 0.0},
    ],
)
def test_options_that_cannot_work_are_refused_when_they_are_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        ProviderOptions(**wrong)


@pytest.mark.parametrize(
    "options",
    [
        ProviderOptions(),
        ProviderOptions("rekognition", "https://vpce.example/aws"),
        ProviderOptions("emulator", "http://[::1]:9000"),
        ProviderOptions("azure", "http://[::1]:9000", azure_key="k"),
        ProviderOptions("azure"),
        ProviderOptions("google", google_api_key="k"),
        ProviderOptions("google", "http://[::1]:9000", upstream_grpc="[::1]:9001"),
    ],
)
async def test_a_provider_has_the_name_it_was_asked_by_and_connects_to_nothing_yet(options: ProviderOptions) -> None:
    provider = build_provider(options)
    assert provider.capabilities.provider == options.name
    assert provider.capabilities.vendor == ("rekognition" if options.name == "emulator" else options.name)
    await provider.aclose()


async def test_the_address_needs_no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is part of the name under which processes meet in Redis: a moment without credentials must not change it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    provider = build_provider(ProviderOptions("rekognition", region="eu-west-1"))
    with pytest.raises(Problem):
        await provider.warm_up()
    assert await provider.address() == "https://rekognition.eu-west-1.amazonaws.com"
    await provider.aclose()


async def test_an_emulator_needs_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    provider = build_provider(ProviderOptions("emulator", "http://127.0.0.1:1"))
    await provider.warm_up()
    assert await provider.address() == "http://127.0.0.1:1"
    await provider.aclose()
