"""From a raw request of the REST API to the one that is handed on in its place. Pure; called by `provider`.

Method, path, query, body and headers stay as they came. Whatever says who the client is stays here, and the operator's own
headers take its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote_plus

from app.core.model import RawRequest
from app.providers.headers import end_to_end
from app.providers.transport import Outgoing

_NEEDED = ("content-encoding", "content-type")
_NO_ENCODING = {"accept-encoding": "identity"}  # for a client that says nothing: httpx would ask for what it can unpack
# Who the client is, in a query: "API query parameters" of Google's APIs.
_CREDENTIALS_IN_QUERY = frozenset({"key", "$key", "access_token", "oauth_token", "$userproject"})
_PATH_SAFE = "/:@!$&'()*+,;=~%"


def handed_on(request: RawRequest, url: str, identity: Mapping[str, str]) -> Outgoing:
    """`request` below the endpoint `url`. Raises Problem(MALFORMED_REQUEST) for headers that no header may be."""
    headers = {**_NO_ENCODING, **end_to_end(request.headers, _NEEDED), **identity}
    return Outgoing(f"{url.rstrip('/')}{_target(request)}", headers, request.body, request.method)


def _target(request: RawRequest) -> str:
    """Path and query as they came, but for the client's credentials; one slash in front, whatever came."""
    path = quote(f"/{request.path.lstrip('/')}", safe=_PATH_SAFE)
    kept = [part for part in request.query.split("&") if part and not _is_credential(part)]
    return f"{path}?{'&'.join(kept)}" if kept else path


def _is_credential(part: str) -> bool:
    return unquote_plus(part.partition("=")[0]).strip().lower() in _CREDENTIALS_IN_QUERY
