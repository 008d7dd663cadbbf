"""The parts of the transport that need no connection; the rest is in tests/contract/test_provider*.py."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from app.errors import Kind, Problem
from app.providers.connections import Address
from app.providers.transport import Transport, problem_of


@pytest.mark.parametrize("text", ["no certificate", None])
def test_certificates_that_are_none_are_our_own_misconfiguration(text: str | None, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    if text is not None:
        bundle.write_text(text)
    with pytest.raises(Problem, match="Certificates") as raised:
        Transport(Address("https://x.example", str(bundle)), max_connections=1, connect_timeout_s=1.0)
    assert raised.value.kind is Kind.INTERNAL


def test_a_proxy_that_is_none_is_our_own_misconfiguration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://proxy")
    with pytest.raises(Problem, match="proxy") as raised:
        Transport(Address("https://x.example", None), max_connections=1, connect_timeout_s=1.0)
    assert raised.value.kind is Kind.INTERNAL


@pytest.mark.parametrize(
    ("error", "sent", "kind"),
    [
        (httpx.ConnectError("x"), False, Kind.PROVIDER_UNAVAILABLE),
        (httpx.ConnectTimeout("x"), False, Kind.PROVIDER_UNAVAILABLE),
        (httpx.PoolTimeout("x"), False, Kind.PROVIDER_UNAVAILABLE),
        (httpx.WriteTimeout("x"), False, Kind.PROVIDER_UNAVAILABLE),
        (httpx.ReadTimeout("x"), True, Kind.PROVIDER_TIMEOUT),
        (httpx.ReadError("x"), True, Kind.PROVIDER_GARBLED),
        (httpx.RemoteProtocolError("x"), True, Kind.PROVIDER_GARBLED),
    ],
)
def test_what_was_not_sent_whole_was_not_bought(error: httpx.TransportError, sent: bool, kind: Kind) -> None:
    assert problem_of(error, sent=sent).kind is kind
