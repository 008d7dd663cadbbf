"""Who may see the figures and the settings: everybody who reaches the port, or who shows the operators' token.

Prometheus shows it as a bearer token; a browser asks for a name and a password, and the token is the password, whatever the
name. Called by `probes`.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import b64decode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

_WHO_ARE_YOU = {"www-authenticate": 'Basic realm="tessera", charset="UTF-8"'}


class Operators:
    """Holds a hash of the token: comparing takes as long for a nearly right one as for any other."""

    def __init__(self, token: str | None) -> None:
        self._digest = None if token is None else _digest(token)

    def refusal(self, request: Request) -> Response | None:
        """None for those who may look."""
        if self._digest is None or hmac.compare_digest(_digest(_shown(request)), self._digest):
            return None
        return PlainTextResponse("The operators' token is needed here.\n", 401, _WHO_ARE_YOU)


def _shown(request: Request) -> str:
    """The token that the request brings, "" without one."""
    scheme, _, value = request.headers.get("authorization", "").strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return value.strip()
        case "basic":
            return _password(value.strip())
    return ""


def _password(encoded: str) -> str:
    try:
        return b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
