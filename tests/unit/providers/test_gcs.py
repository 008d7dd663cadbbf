"""Objects of Cloud Storage: allowed buckets, the operator's token, the storage JSON API's address."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from app.core.buckets import AllowedBuckets
from app.errors import Kind, Problem
from app.providers.gcs import CloudStorage, GoogleToken
from app.providers.links import AllowedHosts, Links
from tests.support.web import Page, Site, web

IMAGE = b"\xff\xd8 image"
KEY = "2026/a photo?.jpg"
PATH = "/storage/v1/b/photos/o/2026%2Fa%20photo%3F.jpg?alt=media"


class FixedToken:
    """A token that is always valid."""

    def __init__(self, token: str = "the-token") -> None:
        self._token = token

    async def token(self) -> str:
        return self._token


async def read(site: Site, url: str, token: str = "the-token") -> bytes:
    storage = CloudStorage(AllowedBuckets(("photos", "moved")), FixedToken(token), url=site.url(""))
    links = Links(AllowedHosts(), storage)
    try:
        return await links.read(url, max_bytes=100, timeout_s=5.0)
    finally:
        await links.aclose()


async def test_an_object_is_read_with_the_operators_token() -> None:
    with web({PATH: Page(IMAGE)}) as site:
        assert await read(site, f"gs://photos/{KEY}") == IMAGE
        assert site.headers["authorization"] == "Bearer the-token"
        assert await read(site, f"GS://photos/{KEY}", token="") == IMAGE
        assert "authorization" not in site.headers


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("gs://others/a.jpg", Kind.FORBIDDEN),
        ("gs://photos", Kind.OBJECT_UNAVAILABLE),
        ("gs://photos/missing.jpg", Kind.OBJECT_UNAVAILABLE),
        ("gs://moved/a.jpg", Kind.OBJECT_UNAVAILABLE),
        ("gs://photos/large.jpg", Kind.IMAGE_TOO_LARGE),
    ],
)
async def test_what_cannot_be_had_says_why(url: str, kind: Kind) -> None:
    pages = {
        "/storage/v1/b/moved/o/a.jpg?alt=media": Page(status=302, headers={"location": "http://169.254.169.254/"}),
        "/storage/v1/b/photos/o/large.jpg?alt=media": Page(b"x" * 101),
    }
    with web(pages) as site, pytest.raises(Problem) as caught:
        await read(site, url)
    assert caught.value.kind is kind


async def test_the_operators_own_token_is_what_google_auth_finds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From a service account's file; asked for once, as long as it is valid."""
    token = {"access_token": "fresh", "expires_in": 3600, "token_type": "Bearer"}
    with web({"/token": Page(json.dumps(token).encode(), headers={"content-type": "application/json"})}) as site:
        file = tmp_path / "account.json"
        file.write_text(json.dumps(service_account(site.url("/token"))))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        tokens = GoogleToken()
        assert [await tokens.token(), await tokens.token()] == ["fresh", "fresh"]
        assert site.asked == ["/token"]


async def test_without_credentials_the_object_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    with pytest.raises(Problem) as caught:
        await GoogleToken().token()
    assert caught.value.kind is Kind.OBJECT_UNAVAILABLE


async def test_a_token_server_that_is_away_is_not_now(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with web({}) as gone:
        pass
    file = tmp_path / "account.json"
    file.write_text(json.dumps(service_account(gone.url("/token"))))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    with pytest.raises(Problem) as caught:
        await GoogleToken().token()
    assert caught.value.kind is Kind.PROVIDER_UNAVAILABLE


def service_account(token_uri: str) -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {
        "type": "service_account",
        "project_id": "p",
        "private_key": key.private_bytes(*form).decode(),
        "client_email": "robot@example.iam",
        "token_uri": token_uri,
    }
