"""The headers of a request that is handed on: the client's own, but for what says who he is and how he came here. Pure.

In: the client's headers, names in lower case. Out: those that go along. Called by the providers, which add the operator's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.errors import Kind, Problem

# RFC 9110, section 7.6.1, and the older names that are still sent: they belong to one connection, not to the message.
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade"}
)
# Of the message on its way to us: who is asked, how long it is, whether it may be sent.
_OF_THIS_WAY = frozenset({"host", "content-length", "expect", "forwarded", "via", "x-real-ip"})
# Who the client is, to any of the vendors, and who pays: that is the operator.
_CREDENTIALS = frozenset(
    {
        "authorization",
        "cookie",
        "ocp-apim-subscription-key",
        "proxy-authorization",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
        "x-api-key",
        "x-goog-api-key",
        "x-goog-user-project",
    }
)
# Another method than that of the request line: nobody here would have looked at what it asks for.
_OTHER_METHODS = frozenset({"x-http-method", "x-http-method-override", "x-method-override"})
_LEFT_BEHIND = HOP_BY_HOP | _OF_THIS_WAY | _CREDENTIALS | _OTHER_METHODS
# What balancers in front of us add, and what is said to us alone.
_OTHERS_PREFIXES = ("x-forwarded-", "x-tessera-")


def end_to_end(headers: Mapping[str, str], needed: Sequence[str]) -> dict[str, str]:
    """What goes along. Raises Problem(MALFORMED_REQUEST) where one of `needed` holds what no header may; others stay behind."""
    named = {part.strip().lower() for part in headers.get("connection", "").split(",")}
    picked = {name: headers[name] for name in needed if name in headers}
    if not all(_is_plain(value) for value in picked.values()):
        raise Problem(Kind.MALFORMED_REQUEST, "A header of the request holds characters that no header may hold")
    others = {
        name: value
        for name, value in headers.items()
        if name not in _LEFT_BEHIND | named and not name.startswith(_OTHERS_PREFIXES) and _is_plain(value)
    }
    return {**others, **picked}


def _is_plain(value: str) -> bool:
    return value.isascii() and value.isprintable()
