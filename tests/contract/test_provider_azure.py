"""What goes out to Azure: Microsoft's request, once; and what the connection to a paid resource must never do."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from app.core.model import Feature, Inquiry, RawRequest
from app.errors import Kind, Problem
from app.providers.build import ProviderOptions, build_provider
from app.providers.contract import Upstream
from tests.support.azure_answers import FULL, azure_error
from tests.support.upstream import Answer, json_answer
from tests.support.upstream import Upstream as ScriptedUpstream

TIMEOUT_S = 20.0
IMAGE = bytes(range(256)) * 64
KEY = "s3cret-operator-key"
FOUND = json_answer(FULL[Feature.OBJECTS])


@pytest.fixture
async def built() -> AsyncIterator[list[Upstream]]:
    """What is put here is closed at the end."""
    providers: list[Upstream] = []
    yield providers
    for provider in providers:
        await provider.aclose()


def azure(url: str, built: list[Upstream]) -> Upstream:
    built.append(build_provider(ProviderOptions("azure", url, azure_key=KEY)))
    return built[-1]


@pytest.mark.parametrize("tail", ["", "/", "/prefix/"])
async def test_a_question_is_the_one_that_microsofts_client_asks(built: list[Upstream], tail: str) -> None:
    async with ScriptedUpstream(FOUND) as upstream:
        provider = azure(upstream.url + tail, built)
        await provider.infer(IMAGE, Inquiry(Feature.OBJECTS), timeout_s=TIMEOUT_S)
        assert await provider.address() == upstream.url + tail.rstrip("/")
    (request,) = upstream.requests
    path = f"{tail.rstrip('/')}/computervision/imageanalysis:analyze"
    assert (request.method, request.target) == ("POST", f"{path}?api-version=2023-10-01&features=objects")
    assert request.body == IMAGE
    assert request.fields["ocp-apim-subscription-key"] == KEY
    assert request.fields["content-type"] == "application/octet-stream"
    assert (request.fields["accept"], request.fields["accept-encoding"]) == ("application/json", "identity")
    assert request.fields["user-agent"] == "tessera"
    assert request.fields["x-ms-client-request-id"]


async def test_an_image_alone_is_asked_with_its_clients_own_query(built: list[Upstream]) -> None:
    words = "api-version=2024-02-01&features=objects,people&new=%7Bendpoint%7D"
    inquiry = Inquiry(Feature.OBJECTS, own_vendor="azure", own_request=words)
    async with ScriptedUpstream(FOUND) as upstream:
        reading = await azure(upstream.url, built).infer(IMAGE, inquiry, timeout_s=TIMEOUT_S)
    assert upstream.requests[0].target == f"/computervision/imageanalysis:analyze?{words}"
    assert reading.verbatim == FOUND.body


@pytest.mark.parametrize("status", [400, 408, 429, 500, 503, 504])
async def test_p1_even_what_microsofts_client_tries_again_is_asked_once(built: list[Upstream], status: int) -> None:
    """Whatever the status: any error with Retry-After is one that the client by itself would send again."""
    refused = azure_error(status, "x", headers={"Retry-After": "0"})
    async with ScriptedUpstream(refused) as upstream:
        with pytest.raises(Problem):
            await azure(upstream.url, built).infer(IMAGE, Inquiry(Feature.OBJECTS), timeout_s=TIMEOUT_S)
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_the_key_follows_no_redirect(built: list[Upstream], status: int) -> None:
    async with ScriptedUpstream() as elsewhere:
        moved = Answer(status, {"Location": elsewhere.url})
        async with ScriptedUpstream(moved, moved) as upstream:
            provider = azure(upstream.url, built)
            with pytest.raises(Problem) as raised:
                await provider.infer(IMAGE, Inquiry(Feature.OBJECTS), timeout_s=TIMEOUT_S)
            reply = await provider.forward(RawRequest("GET", "/x", "", {}, b""), timeout_s=TIMEOUT_S)
            assert b"".join([piece async for piece in reply.body]) == b""
    assert (raised.value.kind, reply.status, elsewhere.connections) == (Kind.REQUEST_REFUSED, status, 0)


async def test_a_request_is_handed_on_and_its_answer_comes_back_untouched(built: list[Upstream]) -> None:
    odd = b'{\n "captionResult" : {"text": "a\\u00e9", "confidence": 0.10} }'
    answer = Answer(200, {"Content-Type": "application/json", "apim-request-id": "r-1"}, odd)
    headers = {"content-type": "image/jpeg", "ocp-apim-subscription-key": "client", "authorization": "Bearer client"}
    request = RawRequest("POST", "/computervision/imageanalysis:analyze", "features=caption&api-version=x", headers, IMAGE)
    async with ScriptedUpstream(answer) as upstream:
        reply = await azure(upstream.url + "/base", built).forward(request, timeout_s=TIMEOUT_S)
        assert b"".join([piece async for piece in reply.body]) == odd
    (sent,) = upstream.requests
    assert (sent.method, sent.target) == ("POST", "/base/computervision/imageanalysis:analyze?features=caption&api-version=x")
    assert (sent.body, sent.fields["ocp-apim-subscription-key"], sent.fields["content-type"]) == (IMAGE, KEY, "image/jpeg")
    assert "authorization" not in sent.fields
    assert reply.status == 200
    assert dict(reply.headers)["apim-request-id"] == "r-1"


async def test_the_vendors_errors_are_answers_when_handed_on(built: list[Upstream]) -> None:
    error = azure_error(404, "404", "Resource not found")
    async with ScriptedUpstream(error) as upstream:
        request = RawRequest("GET", "/vision/v3.2/read/analyzeResults/1", "", {}, b"")
        reply = await azure(upstream.url, built).forward(request, timeout_s=TIMEOUT_S)
        assert (reply.status, b"".join([piece async for piece in reply.body])) == (404, error.body)
    assert upstream.requests[0].method == "GET"


async def test_the_key_is_in_no_log_and_in_no_representation(built: list[Upstream], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with ScriptedUpstream(FOUND, azure_error(401, "401", "Access denied")) as upstream:
            provider = azure(upstream.url, built)
            await provider.infer(IMAGE, Inquiry(Feature.OBJECTS), timeout_s=TIMEOUT_S)
            with pytest.raises(Problem) as raised:
                await provider.infer(IMAGE, Inquiry(Feature.OBJECTS), timeout_s=TIMEOUT_S)
    assert KEY not in caplog.text + repr(provider) + str(raised.value)
    assert KEY not in repr(ProviderOptions("azure", azure_key=KEY))


async def test_without_a_key_nothing_is_sent(built: list[Upstream], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISION_KEY", raising=False)
    async with ScriptedUpstream() as upstream:
        built.append(build_provider(ProviderOptions("azure", upstream.url)))
        with pytest.raises(Problem, match="TESSERA_AZURE_KEY"):
            await built[-1].warm_up()
        with pytest.raises(Problem):
            await built[-1].infer(IMAGE, Inquiry(Feature.OBJECTS), timeout_s=TIMEOUT_S)
        assert upstream.connections == 0


async def test_the_names_of_microsofts_samples_are_known(built: list[Upstream], monkeypatch: pytest.MonkeyPatch) -> None:
    async with ScriptedUpstream(FOUND) as upstream:
        monkeypatch.setenv("VISION_ENDPOINT", upstream.url)
        monkeypatch.setenv("VISION_KEY", "sample-key")
        built.append(build_provider(ProviderOptions("azure")))
        await built[-1].warm_up()
        await built[-1].infer(IMAGE, Inquiry(Feature.OBJECTS), timeout_s=TIMEOUT_S)
    assert upstream.requests[0].fields["ocp-apim-subscription-key"] == "sample-key"
