"""Requests that are only handed on: the operation and the body untouched, the answer untouched, our own signature between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from app.core.model import Feature, Inquiry, RawRequest
from app.errors import Kind, Problem
from app.providers.build import ProviderOptions, build_provider
from app.providers.contract import ForwardReply, Upstream
from tests.support.azure_answers import PEOPLE
from tests.support.rekognition_answers import FACES
from tests.support.upstream import AMZ_JSON, Answer, CutOff, HangUp, Pieces, Stall, error_answer, json_answer
from tests.support.upstream import Upstream as ScriptedUpstream

TIMEOUT_S = 20.0
ODD_BODY = b'{ "MaxResults" : 1e0,\n\t"NextToken":"\\u00fc" } '


def a_request(body: bytes = ODD_BODY, **headers: str) -> RawRequest:
    named = {"content-type": AMZ_JSON, "x-amz-target": "RekognitionService.ListFaces"}
    return RawRequest("POST", "/", "", named | {name.replace("_", "-"): value for name, value in headers.items()}, body)


@dataclass(frozen=True, slots=True)
class Vendor:
    """One implementation: how it is built, and an answer with two findings of a feature."""

    at: Callable[[str], Upstream]
    feature: Feature
    two_found: Answer


@pytest.fixture
async def builds() -> AsyncIterator[Callable[[ProviderOptions], Upstream]]:
    """Builds providers, and closes them at the end."""
    built: list[Upstream] = []

    def build(options: ProviderOptions) -> Upstream:
        built.append(build_provider(options))
        return built[-1]

    yield build
    for provider in built:
        await provider.aclose()


@pytest.fixture
def at(builds: Callable[[ProviderOptions], Upstream]) -> Any:
    """Rekognition's."""
    return lambda url: builds(ProviderOptions("emulator", url, max_connections=1))


@pytest.fixture(params=["emulator", "azure"])
def vendor(request: pytest.FixtureRequest, builds: Callable[[ProviderOptions], Upstream]) -> Vendor:
    """What holds for all of them."""
    if request.param == "azure":
        return Vendor(
            lambda url: builds(ProviderOptions("azure", url, azure_key="KEY", max_connections=1)),
            feature=Feature.PEOPLE,
            two_found=json_answer(PEOPLE),
        )
    return Vendor(lambda url: builds(ProviderOptions("emulator", url, max_connections=1)), Feature.FACES, json_answer(FACES))


async def read(reply: ForwardReply) -> bytes:
    return b"".join([piece async for piece in reply.body])


async def test_the_body_arrives_byte_for_byte_and_so_does_the_answer(at: Any) -> None:
    odd_answer = b'{\n "Faces" : [] , "Score": 1.10 }'
    answer = Answer(200, {"Content-Type": AMZ_JSON, "x-amzn-RequestId": "r-1", "X-Two": "a"}, odd_answer)
    async with ScriptedUpstream(answer) as upstream:
        reply = await at(upstream.url).forward(a_request(), timeout_s=TIMEOUT_S)
        assert await read(reply) == odd_answer
    assert upstream.requests[0].body == ODD_BODY
    assert upstream.requests[0].fields["x-amz-target"] == "RekognitionService.ListFaces"
    assert reply.status == 200
    assert dict(reply.headers) == {
        "Content-Length": str(len(odd_answer)),
        "Content-Type": AMZ_JSON,
        "x-amzn-RequestId": "r-1",
        "X-Two": "a",
    }


async def test_the_vendors_errors_are_answers_here(at: Any) -> None:
    error = error_answer(400, "ResourceNotFoundException", "no such collection")
    async with ScriptedUpstream(error) as upstream:
        reply = await at(upstream.url).forward(a_request(), timeout_s=TIMEOUT_S)
        assert (reply.status, await read(reply)) == (400, error.body)


async def test_an_encoded_answer_stays_encoded(vendor: Vendor) -> None:
    zipped = Answer(200, {"Content-Encoding": "gzip"}, b"\x1f\x8bnot even gzip")
    async with ScriptedUpstream(zipped) as upstream:
        reply = await vendor.at(upstream.url).forward(a_request(accept_encoding="gzip"), timeout_s=TIMEOUT_S)
        assert await read(reply) == zipped.body
    assert ("Content-Encoding", "gzip") in reply.headers
    assert upstream.requests[0].fields["accept-encoding"] == "gzip"


async def test_headers_of_the_connection_stay_behind_and_the_body_streams(vendor: Vendor) -> None:
    hops = {"Connection": "keep-alive, X-Hop", "X-Hop": "1", "Keep-Alive": "timeout=5", "X-Stays": "1"}
    async with ScriptedUpstream(Pieces([b"a", b"bc"], headers=hops)) as upstream:
        reply = await vendor.at(upstream.url).forward(a_request(), timeout_s=TIMEOUT_S)
        assert await read(reply) == b"abc"
    assert reply.headers == (("X-Stays", "1"),)


async def test_the_clients_headers_go_along_but_for_what_says_who_he_is(at: Any) -> None:
    async with ScriptedUpstream(json_answer({})) as upstream:
        told = a_request(
            accept="text/x",
            amz_sdk_invocation_id="i-1",
            amz_sdk_request="attempt=1",
            cookie="secret=1",
            x_forwarded_for="10.0.0.1",
            x_api_key="secret",
            x_amz_content_sha256="UNSIGNED-PAYLOAD",
            x_amz_user_agent="browser/1",
            x_tessera_grid="off",
            x_foo="bar",
            user_agent="client/1",
        )
        await read(await at(upstream.url).forward(told, timeout_s=TIMEOUT_S))
    fields = upstream.requests[0].fields
    assert (fields["accept"], fields["amz-sdk-invocation-id"], fields["amz-sdk-request"]) == ("text/x", "i-1", "attempt=1")
    assert (fields["user-agent"], fields["x-foo"], fields["x-amz-user-agent"]) == ("client/1", "bar", "browser/1")
    assert "x-amz-user-agent" in fields["authorization"]  # AWS wants these signed
    assert not fields.keys() & {"cookie", "x-tessera-grid", "x-forwarded-for", "x-api-key", "x-amz-content-sha256"}


async def test_path_and_query_are_the_endpoints(at: Any) -> None:
    async with ScriptedUpstream(json_answer({})) as upstream:
        request = RawRequest("POST", "/elsewhere", "X-Amz-Signature=1", {}, b"{}")
        await read(await at(upstream.url + "/aws").forward(request, timeout_s=TIMEOUT_S))
    assert upstream.requests[0].target == "/aws"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "ü", "a\x00b"])
async def test_a_header_that_no_header_may_be_is_refused(at: Any, value: str) -> None:
    with pytest.raises(Problem) as raised:
        await at("http://127.0.0.1:1").forward(a_request(x_amz_target=value), timeout_s=TIMEOUT_S)
    assert raised.value.kind is Kind.MALFORMED_REQUEST


@pytest.mark.parametrize(("play", "kind"), [(HangUp(), Kind.PROVIDER_GARBLED)])
async def test_no_answer_at_all_is_a_problem(vendor: Vendor, play: HangUp, kind: Kind) -> None:
    async with ScriptedUpstream(play) as upstream:
        with pytest.raises(Problem) as raised:
            await vendor.at(upstream.url).forward(a_request(), timeout_s=TIMEOUT_S)
    assert raised.value.kind is kind


async def test_nobody_there_is_unavailable(vendor: Vendor) -> None:
    async with ScriptedUpstream() as upstream:
        url = upstream.url
    with pytest.raises(Problem) as raised:
        await vendor.at(url).forward(a_request(), timeout_s=TIMEOUT_S)
    assert raised.value.kind is Kind.PROVIDER_UNAVAILABLE


async def test_the_deadline_counts_to_the_end_of_the_body(vendor: Vendor) -> None:
    async with ScriptedUpstream(json_answer({}), Stall(), CutOff(b"abc", stalls=True)) as upstream:
        provider = vendor.at(upstream.url)
        await read(await provider.forward(a_request(), timeout_s=TIMEOUT_S))  # the first call has more to do
        with pytest.raises(Problem) as raised:
            await provider.forward(a_request(), timeout_s=0.3)
        assert raised.value.kind is Kind.PROVIDER_TIMEOUT
        reply = await provider.forward(a_request(), timeout_s=0.5)
        assert await anext(reply.body) == b"abc"
        with pytest.raises(Problem) as raised:
            await anext(reply.body)
        assert raised.value.kind is Kind.PROVIDER_TIMEOUT


async def test_a_body_that_breaks_off_is_a_problem(vendor: Vendor) -> None:
    async with ScriptedUpstream(CutOff(b"abc")) as upstream:
        reply = await vendor.at(upstream.url).forward(a_request(), timeout_s=TIMEOUT_S)
        with pytest.raises(Problem) as raised:
            await read(reply)
    assert raised.value.kind is Kind.PROVIDER_GARBLED


async def test_a_body_that_is_closed_unread_gives_its_connection_back(vendor: Vendor) -> None:
    """The provider of this test has one connection only."""
    async with ScriptedUpstream(CutOff(b"abc", stalls=True), CutOff(b"abc", stalls=True), vendor.two_found) as upstream:
        provider = vendor.at(upstream.url)
        unread: Any = (await provider.forward(a_request(), timeout_s=TIMEOUT_S)).body
        await unread.aclose()
        await unread.aclose()  # once more does no harm
        half_read: Any = (await provider.forward(a_request(), timeout_s=TIMEOUT_S)).body
        await anext(half_read)
        await half_read.aclose()
        assert len((await provider.infer(b"image", Inquiry(vendor.feature), timeout_s=TIMEOUT_S)).detections) == 2


async def test_a_reader_that_is_cancelled_gives_its_connection_back(vendor: Vendor) -> None:
    async with ScriptedUpstream(CutOff(b"abc", stalls=True), vendor.two_found) as upstream:
        provider = vendor.at(upstream.url)
        reading = asyncio.create_task(read(await provider.forward(a_request(), timeout_s=TIMEOUT_S)))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert len((await provider.infer(b"image", Inquiry(vendor.feature), timeout_s=TIMEOUT_S)).detections) == 2
