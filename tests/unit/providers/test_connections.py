"""Certificates and proxies: which are trusted and used, and for whom."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi
import httpx
import pytest

from app.providers.connections import Address, new_client, read_certificates


def authorities(ca_bundle: str | None) -> int:
    return len(read_certificates(Address("https://x.example", ca_bundle)).get_ca_certs())


def test_authorities_are_the_usual_ones_or_those_of_a_file_or_a_folder(tmp_path: Path) -> None:
    first = Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----")
    one = tmp_path / "one.pem"
    one.write_text(first[0] + first[1])
    assert authorities(None) > 50
    assert authorities(str(one)) == 1
    assert authorities(str(tmp_path)) == 0  # a folder is read when a connection needs it


@pytest.mark.parametrize(
    ("url", "proxied"),
    [
        ("http://127.0.0.1:9000", False),
        ("http://127.8.8.8", False),
        ("http://[::1]:9000", False),
        ("http://localhost:9000", False),
        ("http://10.0.0.1", True),
        ("http://vision.example", True),
    ],
)
async def test_a_proxy_is_for_other_machines(url: str, proxied: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    client = new_client(Address(url), ssl.create_default_context(), max_connections=1)
    assert client.trust_env is proxied
    assert client.follow_redirects is False
    assert isinstance(client, httpx.AsyncClient)
    await client.aclose()
