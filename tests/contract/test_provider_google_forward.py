"""Google's REST requests that are only handed on: path, query and body untouched, our own credentials, the answer untouched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.core.model import RawRequest
from app.errors import Kind, Problem
from app.providers.build import ProviderOptions, build_provider
from app.providers.contract import ForwardReply
from app.providers.contract import Upstream as Provider
from tests.support.upstream import Answer, CutOff, HangUp, Pieces, Stall, Upstream, json_answer

TIMEOUT_S = 20.0
ODD_BODY = b'{ "requests" : [],\n\t"parent":"\\u00fc" } '
JSON = {"content-type": "application/json"}


def a_request(query: str = "", path: str = "/v1/files:annotate", method: str = "POST", **headers: str) -> RawRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RawRequest(method, path, query, JSON | named, ODD_BODY if method == "POST" else b"")


@pytest.fixture
async def at() -> AsyncIterator[Any]:
    """Builds providers, and closes them at the end."""
    built: list[Provider] = []

    def build(url: str, key: str | None = "operator") -> Provider:
        built.append(build_provider(ProviderOptions("google", url, google_api_key=key, max_connections=1)))
        return built[-1]

    yield build
    for provider in built:
        await provider.aclose()


async def read(reply: ForwardReply) -> bytes:
    return b"".join([piece async for piece in reply.body])


async def test_the_body_arrives_byte_for_byte_and_so_does_the_answer(at: Any) -> None:
    odd_answer = b'{\n "responses" : [] , "score": 1.10 }'
    answer = Answer(200, {"Content-Type": "application/json; charset=UTF-8", "Vary": "Origin"}, odd_answer)
    async with Upstream(answer) as upstream:
        reply = await at(upstream.url).forward(a_request("%24alt=json%3Benum-encoding%3Dint"), timeout_s=TIMEOUT_S)
        assert (reply.status, await read(reply)) == (200, odd_answer)
    (sent,) = upstream.requests
    assert (sent.method, sent.target) == ("POST", "/v1/files:annotate?%24alt=json%3Benum-encoding%3Dint")
    assert (sent.body, sent.fields["content-type"]) == (ODD_BODY, "application/json")
    assert ("Vary", "Origin") in reply.headers


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("key=client", ""),
        ("a=1&key=client&b=%26", "?a=1&b=%26"),
        ("%6bey=client&monkey=1", "?monkey=1"),
        ("KEY=client&access_token=t&oauth_token=t", ""),
        ("%24key=client&$userProject=clients&quotaUser=u", "?quotaUser=u"),
        ("key", ""),
        ("a&&b=", "?a&b="),
    ],
)
async def test_the_clients_credentials_in_the_query_stay_behind(at: Any, query: str, kept: str) -> None:
    async with Upstream(json_answer({})) as upstream:
        await read(await at(upstream.url).forward(a_request(query), timeout_s=TIMEOUT_S))
    assert upstream.requests[0].target == f"/v1/files:annotate{kept}"


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/v1/operations/a", "/gcp/v1/operations/a"),
        ("//v1/operations/a", "/gcp/v1/operations/a"),
        ("/v1/projects/p/locations/eu/images:annotate", "/gcp/v1/projects/p/locations/eu/images:annotate"),
        ("/v1/a b/\u00fc?#", "/gcp/v1/a%20b/%C3%BC%3F%23"),
        ("/v1/\r\nX-Evil: 1", "/gcp/v1/%0D%0AX-Evil:%201"),
    ],
)
async def test_the_path_is_the_requests_below_the_endpoints(at: Any, path: str, target: str) -> None:
    async with Upstream(json_answer({})) as upstream:
        await read(await at(upstream.url + "/gcp/").forward(a_request(path=path, method="GET"), timeout_s=TIMEOUT_S))
    assert (upstream.requests[0].method, upstream.requests[0].target) == ("GET", target)


async def test_the_clients_headers_go_along_but_for_what_says_who_he_is(at: Any) -> None:
    told = a_request(
        accept="text/x",
        x_goog_api_client="gl-python/3.11",
        authorization="Bearer client",
        x_goog_api_key="client",
        x_goog_user_project="client",
        cookie="secret=1",
        x_forwarded_for="10.0.0.1",
        x_tessera_grid="off",
        user_agent="client/1",
    )
    async with Upstream(json_answer({})) as upstream:
        await read(await at(upstream.url).forward(told, timeout_s=TIMEOUT_S))
    fields = upstream.requests[0].fields
    assert (fields["accept"], fields["x-goog-api-client"], fields["user-agent"]) == ("text/x", "gl-python/3.11", "client/1")
    assert fields["x-goog-api-key"] == "operator"
    assert fields["accept-encoding"] == "identity"
    assert not fields.keys() & {"authorization", "cookie", "x-forwarded-for", "x-tessera-grid", "x-goog-user-project"}


async def test_an_emulator_is_asked_without_credentials(at: Any) -> None:
    async with Upstream(json_answer({})) as upstream:
        await read(await at(upstream.url, None).forward(a_request(x_goog_api_key="client"), timeout_s=TIMEOUT_S))
    assert not upstream.requests[0].fields.keys() & {"authorization", "x-goog-api-key"}


async def test_the_vendors_errors_are_answers_here(at: Any) -> None:
    error = json_answer({"error": {"code": 400, "status": "INVALID_ARGUMENT"}}, 400)
    async with Upstream(error) as upstream:
        reply = await at(upstream.url).forward(a_request(), timeout_s=TIMEOUT_S)
        assert (reply.status, await read(reply)) == (400, error.body)


async def test_an_encoded_answer_stays_encoded(at: Any) -> None:
    zipped = Answer(200, {"Content-Encoding": "gzip"}, b"\x1f\x8bnot even gzip")
    async with Upstream(zipped) as upstream:
        reply = await at(upstream.url).forward(a_request(accept_encoding="gzip"), timeout_s=TIMEOUT_S)
        assert await read(reply) == zipped.body
    assert ("Content-Encoding", "gzip") in reply.headers


async def test_headers_of_the_connection_stay_behind_and_the_body_streams(at: Any) -> None:
    hops = {"Connection": "keep-alive, X-Hop", "X-Hop": "1", "Keep-Alive": "timeout=5", "X-Stays": "1"}
    async with Upstream(Pieces([b"a", b"bc"], headers=hops)) as upstream:
        reply = await at(upstream.url).forward(a_request(), timeout_s=TIMEOUT_S)
        assert await read(reply) == b"abc"
    assert reply.headers == (("X-Stays", "1"),)


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "ü", "a\x00b"])
async def test_a_header_that_no_header_may_be_is_refused(at: Any, value: str) -> None:
    with pytest.raises(Problem) as raised:
        await at("http://127.0.0.1:1").forward(a_request(content_type=value), timeout_s=TIMEOUT_S)
    assert raised.value.kind is Kind.MALFORMED_REQUEST


async def test_no_answer_at_all_is_a_problem(at: Any) -> None:
    async with Upstream(HangUp()) as upstream:
        with pytest.raises(Problem) as raised:
            await at(upstream.url).forward(a_request(), timeout_s=TIMEOUT_S)
    assert raised.value.kind is Kind.PROVIDER_GARBLED


async def test_nobody_there_is_unavailable(at: Any) -> None:
    async with Upstream() as upstream:
        url = upstream.url
    with pytest.raises(Problem) as raised:
        await at(url).forward(a_request(), timeout_s=TIMEOUT_S)
    assert raised.value.kind is Kind.PROVIDER_UNAVAILABLE


@pytest.mark.parametrize("timeout_s", [0.0, -1.0])
async def test_no_time_is_no_request(at: Any, timeout_s: float) -> None:
    async with Upstream() as upstream:
        with pytest.raises(Problem) as raised:
            await at(upstream.url).forward(a_request(), timeout_s=timeout_s)
    assert raised.value.kind is Kind.PROVIDER_UNAVAILABLE


async def test_the_deadline_counts_to_the_end_of_the_body(at: Any) -> None:
    async with Upstream(json_answer({}), Stall(), CutOff(b"abc", stalls=True)) as upstream:
        provider = at(upstream.url)
        await read(await provider.forward(a_request(), timeout_s=TIMEOUT_S))  # the first call has more to do
        with pytest.raises(Problem) as raised:
            await provider.forward(a_request(), timeout_s=0.3)
        assert raised.value.kind is Kind.PROVIDER_TIMEOUT
        reply = await provider.forward(a_request(), timeout_s=0.5)
        assert await anext(reply.body) == b"abc"
        with pytest.raises(Problem) as raised:
            await anext(reply.body)
        assert raised.value.kind is Kind.PROVIDER_TIMEOUT


async def test_a_body_that_breaks_off_is_a_problem(at: Any) -> None:
    async with Upstream(CutOff(b"abc")) as upstream:
        reply = await at(upstream.url).forward(a_request(), timeout_s=TIMEOUT_S)
        with pytest.raises(Problem) as raised:
            await read(reply)
    assert raised.value.kind is Kind.PROVIDER_GARBLED


async def test_a_body_that_is_closed_unread_gives_its_connection_back(at: Any) -> None:
    """The provider of this test has one connection only."""
    async with Upstream(CutOff(b"abc", stalls=True), CutOff(b"abc", stalls=True), json_answer({"a": 1})) as upstream:
        provider = at(upstream.url)
        unread: Any = (await provider.forward(a_request(), timeout_s=TIMEOUT_S)).body
        await unread.aclose()
        await unread.aclose()  # once more does no harm
        half_read: Any = (await provider.forward(a_request(), timeout_s=TIMEOUT_S)).body
        await anext(half_read)
        await half_read.aclose()
        assert await read(await provider.forward(a_request(), timeout_s=TIMEOUT_S)) == b'{"a": 1}'


async def test_a_reader_that_is_cancelled_gives_its_connection_back(at: Any) -> None:
    async with Upstream(CutOff(b"abc", stalls=True), json_answer({"a": 1})) as upstream:
        provider = at(upstream.url)
        reading = asyncio.create_task(read(await provider.forward(a_request(), timeout_s=TIMEOUT_S)))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await read(await provider.forward(a_request(), timeout_s=TIMEOUT_S)) == b'{"a": 1}'


async def test_a_closed_provider_says_so(at: Any) -> None:
    provider = at("http://127.0.0.1:1")
    await provider.aclose()
    with pytest.raises(Problem) as raised:
        await provider.forward(a_request(), timeout_s=TIMEOUT_S)
    assert raised.value.kind is Kind.SHUTTING_DOWN


async def test_what_a_vendor_puts_into_cookies_is_forgotten(at: Any) -> None:
    sweet = Answer(200, {"Set-Cookie": "session=1; Path=/"}, b"{}")
    async with Upstream(sweet, sweet) as upstream:
        provider = at(upstream.url)
        for _ in range(2):
            await read(await provider.forward(a_request(), timeout_s=TIMEOUT_S))
    assert "cookie" not in upstream.requests[1].fields
