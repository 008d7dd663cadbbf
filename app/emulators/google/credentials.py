"""Who calls: an API key (header or query), or an access token.

In: the headers of a call (gRPC: its metadata) and its query. Out: nothing, or a `ServiceError`. Without a secret everybody is
served, also callers without credentials: a plain-text gRPC channel carries none.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.emulators.google.errors import invalid_key, invalid_token, no_credentials

BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a caller shows; empty for nothing."""

    key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


def credentials_of(headers: Mapping[str, str], query: Mapping[str, str]) -> Credentials:
    """Header names are lower case."""
    authorization = headers.get("authorization", "")
    bearer = authorization[len(BEARER) :].strip() if authorization.lower().startswith(BEARER) else ""
    return Credentials(headers.get("x-goog-api-key") or query.get("key", ""), bearer or query.get("access_token", ""))


def check_credentials(shown: Credentials, secret: str | None) -> None:
    """With a secret, a key or a token must be it."""
    if secret is None:
        return
    if not shown.key and not shown.token:
        raise no_credentials()
    if shown.token and not _equal(shown.token, secret):
        raise invalid_token()
    if shown.key and not _equal(shown.key, secret):
        raise invalid_key()


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
