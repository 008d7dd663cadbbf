"""Who calls: an API key or a bearer token, in headers, metadata or the query. Out: the tenant. Raises Stranger.

The vendor says three different things to whom it does not know, and its SDKs act on them: a 401 makes them fetch a new token.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType

from app.core.clients import Clients, Tenant
from app.core.model import RawRequest
from app.errors import Kind, Problem
from app.wire.google.query import values_of
from app.wire.google.statuses import Code, Status, error_info
from app.wire.headers import bearer_token


class Shown(Enum):
    """What a stranger has shown."""

    NOTHING = auto()
    KEY = auto()
    TOKEN = auto()


class Stranger(Problem):
    """Nobody that the operator has named."""

    def __init__(self, shown: Shown, detail: str) -> None:
        super().__init__(Kind.UNAUTHENTICATED, detail)
        self.shown = shown


STRANGERS: Mapping[Shown, Status] = MappingProxyType(
    {
        Shown.NOTHING: Status(
            Code.PERMISSION_DENIED,
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
            "form of API consumer identity to call this API.",
        ),
        # 400 and not 401: so says the vendor.
        Shown.KEY: Status(
            Code.INVALID_ARGUMENT, "API key not valid. Please pass a valid API key.", (error_info("API_KEY_INVALID"),)
        ),
        Shown.TOKEN: Status(
            Code.UNAUTHENTICATED,
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
            "authentication credential.",
            (error_info("ACCESS_TOKEN_TYPE_UNSUPPORTED"),),
        ),
    }
)


def read_tenant(request: RawRequest, clients: Clients) -> Tenant:
    """Whoever holds the API key or token; the secret itself goes no further than this line. Raises Stranger."""
    values = values_of(request.query) if request.query else {}
    key = request.headers.get("x-goog-api-key", "").strip() or values.get("key", "") or values.get("$key", "")
    token = bearer_token(request.headers) or values.get("access_token", "") or values.get("oauth_token", "")
    try:
        return clients.of_key(key or token)
    except Problem as problem:
        shown = Shown.KEY if key else Shown.TOKEN if token else Shown.NOTHING
        raise Stranger(shown, problem.detail) from problem
