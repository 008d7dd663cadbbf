"""Who pays: a key, nobody, or what Google's own chain finds."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.errors import Kind, Problem
from app.providers.google.identity import Identity

_GRANTED = {"access_token": "token-1", "expires_in": 3600, "token_type": "Bearer"}


class _TokenServer(HTTPServer):
    """Gives out a token to whoever signs, as long as it `grants`."""

    grants = True
    asked = 0


class _Handler(BaseHTTPRequestHandler):
    server: _TokenServer

    def do_POST(self) -> None:  # the library's name
        self.server.asked += 1
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(_GRANTED if self.server.grants else {"error": "invalid_grant"}).encode()
        self.send_response(200 if self.server.grants else 400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[_TokenServer]:
    """A token server, and a service account whose tokens are to be had there."""
    with _TokenServer(("127.0.0.1", 0), _Handler) as server:
        told = {
            "type": "service_account",
            "client_email": "tessera@project.example",
            "private_key": _private_key(),
            "token_uri": f"http://127.0.0.1:{server.server_port}/token",
        }
        (tmp_path / "adc.json").write_text(json.dumps(told))
        monkeypatch.setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "payer")
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "adc.json"))
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield server
        server.shutdown()
        serving.join()


def _private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_a_key_is_all_that_is_needed() -> None:
    assert Identity(api_key="k", is_anonymous=False).headers() == {"x-goog-api-key": "k"}
    assert Identity(api_key="k", is_anonymous=True).headers() == {"x-goog-api-key": "k"}


def test_nobody_shows_nothing() -> None:
    assert Identity(api_key=None, is_anonymous=True).headers() == {}


def test_googles_own_chain_is_asked_once_for_a_token_that_lasts(tokens: _TokenServer) -> None:
    identity = Identity(api_key=None, is_anonymous=False)
    shown = {"authorization": "Bearer token-1", "x-goog-user-project": "payer"}
    assert [dict(identity.headers()) for _ in range(2)] == [shown, shown]
    assert tokens.asked == 1


def test_a_token_server_that_refuses_may_grant_later(tokens: _TokenServer) -> None:
    identity = Identity(api_key=None, is_anonymous=False)
    tokens.grants = False
    with pytest.raises(Problem) as raised:
        identity.headers()
    assert raised.value.kind is Kind.PROVIDER_UNAVAILABLE
    tokens.grants = True
    assert "authorization" in identity.headers()


def test_nothing_configured_is_the_operators_to_mend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none"))
    with pytest.raises(Problem) as raised:
        Identity(api_key=None, is_anonymous=False).headers()
    assert raised.value.kind is Kind.INTERNAL
    assert "TESSERA_GOOGLE_API_KEY" in raised.value.detail
