"""Whole requests of the REST API, handed on with the operator's credentials; the answer streams back untouched.

Comes in: a raw request and the operator's headers. Goes out: the vendor's reply. Called by `provider`. Every failure is a
`Problem`: before the request was sent whole PROVIDER_UNAVAILABLE, after that PROVIDER_TIMEOUT or PROVIDER_GARBLED.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, unquote_plus

import httpx

from app.core.model import RawRequest
from app.errors import Kind, Problem
from app.providers.contract import ForwardReply

# Below the 60 s after which load balancers hang up on an idle connection without a word.
_KEEPALIVE_EXPIRY_S = 15.0

# What is handed on of a request: how its body is written, how its answer is to be, and Google's own of no account. Whatever
# says who the client is stays here.
_HANDED_ON = (
    "accept",
    "accept-encoding",
    "content-encoding",
    "content-type",
    "x-goog-api-client",
    "x-goog-fieldmask",
    "x-goog-request-params",
    "x-server-timeout",
)
_NO_ENCODING = {"accept-encoding": "identity"}  # for a client that says nothing: httpx would ask for what it can unpack
# The same in a query: "API query parameters" of Google's APIs.
_CREDENTIALS_IN_QUERY = frozenset({"key", "access_token", "oauth_token"})
_PATH_SAFE = "/:@!$&'()*+,;=~%"

# RFC 9110, section 7.6.1, and the older names that servers still send: they belong to one connection, not to the answer.
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade"}
)


class Forwarding:
    """Connections to one REST endpoint. May be made on any thread; belongs to the event loop that first uses it."""

    def __init__(self, url: str, *, max_connections: int, connect_timeout_s: float, is_near: bool) -> None:
        """Raises Problem(INTERNAL) when the operator's certificates or proxy are none."""
        self._url = url.rstrip("/")
        self._connect_timeout_s = connect_timeout_s
        try:
            self._client = httpx.AsyncClient(
                limits=httpx.Limits(max_connections=max_connections, keepalive_expiry=_KEEPALIVE_EXPIRY_S),
                follow_redirects=False,  # credentials are for one host
                trust_env=not is_near,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # requests of different clients share nothing
                headers={"user-agent": "tessera"},
            )
        except Exception as error:  # unreadable certificates, a proxy of a kind that needs another library
            raise Problem(Kind.INTERNAL, f"Certificates or proxy for the provider cannot be used: {error}") from error

    async def send(self, request: RawRequest, identity: Mapping[str, str], *, deadline_s: float) -> ForwardReply:
        """Send `request` and return as soon as the head of its answer is there.

        Its body ends before `deadline_s` on the event loop's clock, too.
        """
        timeout_s = max(0.0, deadline_s - asyncio.get_running_loop().time())
        progress = _Progress()
        outgoing = self._client.build_request(
            request.method,
            f"{self._url}{_target(request)}",
            headers={**_NO_ENCODING, **_picked(request.headers), **identity},
            content=request.body,
            timeout=httpx.Timeout(timeout_s, connect=min(self._connect_timeout_s, timeout_s)),
            extensions={"trace": progress.trace},
        )
        try:
            async with asyncio.timeout_at(deadline_s):
                response = await self._client.send(outgoing, stream=True)
        except (TimeoutError, httpx.TransportError) as error:
            raise problem_of(error, sent=progress.sent) from error
        return ForwardReply(response.status_code, _headers_of(response), Body(response, deadline_s))

    async def aclose(self) -> None:
        await self._client.aclose()


class Body:
    """The bytes of a streamed answer. A class and not a generator: closing it works before the first byte was asked for."""

    def __init__(self, response: httpx.Response, deadline_s: float) -> None:
        self._response = response
        self._pieces = _pieces(response)
        self._deadline_s = deadline_s

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        try:
            async with asyncio.timeout_at(self._deadline_s):
                return await anext(self._pieces)
        except (TimeoutError, httpx.TransportError) as error:
            await self.aclose()
            raise problem_of(error, sent=True) from error
        except BaseException:  # the end, or a cancellation: either way the connection goes back
            await self.aclose()
            raise

    async def aclose(self) -> None:
        await self._pieces.aclose()
        await self._response.aclose()


class _Progress:
    """Whether a request has left whole; kept outside it so that whoever cancels it can still ask."""

    def __init__(self) -> None:
        self.sent = False

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """httpcore's hook: called at every step of a request."""
        if event == "http11.send_request_body.complete":
            self.sent = True


def problem_of(error: Exception, *, sent: bool) -> Problem:
    """A failed request as a Problem. The text of `error` may hold addresses, so only its cause's name is told."""
    reason = type(error).__name__
    if not sent:
        return Problem(Kind.PROVIDER_UNAVAILABLE, f"The provider could not be reached ({reason})")
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return Problem(Kind.PROVIDER_TIMEOUT, f"The provider did not answer in time ({reason})")
    return Problem(Kind.PROVIDER_GARBLED, f"The provider took the request and its answer broke off ({reason})")


def _target(request: RawRequest) -> str:
    """Path and query as they came, but for the client's credentials; one slash in front, whatever came."""
    path = quote(f"/{request.path.lstrip('/')}", safe=_PATH_SAFE)
    kept = [part for part in request.query.split("&") if part and not _is_credential(part)]
    return f"{path}?{'&'.join(kept)}" if kept else path


def _is_credential(part: str) -> bool:
    return unquote_plus(part.partition("=")[0]).strip().lower() in _CREDENTIALS_IN_QUERY


def _picked(headers: Mapping[str, str]) -> dict[str, str]:
    picked = {name: headers[name] for name in _HANDED_ON if name in headers}
    if not all(value.isascii() and value.isprintable() for value in picked.values()):
        raise Problem(Kind.MALFORMED_REQUEST, "A header of the request holds characters that no header may hold")
    return picked


def _headers_of(response: httpx.Response) -> tuple[tuple[str, str], ...]:
    """All headers that belong to the answer and not to the connection it came on, in their order."""
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw]
    named = {part.strip().lower() for name, value in pairs if name.lower() == "connection" for part in value.split(",")}
    return tuple((name, value) for name, value in pairs if name.lower() not in _HOP_BY_HOP | named)


async def _pieces(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    async for piece in response.aiter_raw():
        yield piece
