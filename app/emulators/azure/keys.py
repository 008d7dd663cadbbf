"""Who may call: a subscription key, or a token of Microsoft Entra ID.

In: the headers of a request, and the one key that is accepted if there is one. Out: nothing, or a `Refused`.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from app.emulators.azure.errors import Problem, Refused

KEY_HEADER = "ocp-apim-subscription-key"
BEARER = "bearer "


def check_key(headers: Mapping[str, str], secret: str | None) -> None:
    """A key or a token must be there; with a secret it must be equal to it, as key or as token."""
    given = headers.get(KEY_HEADER) or _token(headers.get("authorization", ""))
    if not given or (secret is not None and not hmac.compare_digest(given.encode(), secret.encode())):
        raise Refused(Problem.DENIED)


def _token(authorization: str) -> str:
    return authorization[len(BEARER) :].strip() if authorization.lower().startswith(BEARER) else ""
