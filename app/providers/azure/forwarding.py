"""From a client's request to the same request with the operator's key. Pure; called by `provider`.

Handed on: method, path, query, body and headers. Left behind: the client's key in any of the places where Azure takes one, and
whatever belongs to the connection it came on or to others than the vendor (cookies, addresses).
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from app.core.model import RawRequest
from app.errors import Kind, Problem
from app.providers.azure.features import KEY_HEADER
from app.providers.headers import end_to_end
from app.providers.transport import Outgoing

_NEEDED = ("content-type", "content-encoding")
_NO_ENCODING = {"accept-encoding": "identity"}  # unless the client asks otherwise: the body stays what the vendor wrote

_KEY_IN_QUERY = "subscription-key"
_PATH_CHARACTERS = "/:@!$&'()*+,;=~%"  # RFC 3986, section 3.3
_QUERY_CHARACTERS = _PATH_CHARACTERS + "?"
_WAYS_UP = frozenset({".", ".."})


def handed_on(request: RawRequest, url: str, key: str) -> Outgoing:
    """The request for the resource at `url`. Raises Problem: MALFORMED_REQUEST, UNKNOWN_OPERATION (a path that leads out)."""
    headers = {**_NO_ENCODING, **end_to_end(request.headers, _NEEDED), KEY_HEADER: key}
    path = quote(request.path, safe=_PATH_CHARACTERS)
    # Of a backslash (now %5C) Windows' HTTP server, on which parts of Azure run, makes a slash.
    if not path.startswith("/") or _WAYS_UP & set(path.lower().replace("%2e", ".").replace("%5c", "/").split("/")):
        raise Problem(Kind.UNKNOWN_OPERATION, "No operation has this path")
    query = quote(_without_key(request.query), safe=_QUERY_CHARACTERS)
    return Outgoing(f"{url}{path}{'?' if query else ''}{query}", headers, request.body, request.method)


def _without_key(query: str) -> str:
    return "&".join(part for part in query.split("&") if unquote(part.partition("=")[0]).lower() != _KEY_IN_QUERY)
