"""What a vendor says about the operator's credentials is not handed on: the client would look for the mistake in his own."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Callable

import pytest

from app.core.model import RawRequest
from app.errors import Kind, Problem
from app.providers.build import ProviderOptions, build_provider
from app.providers.contract import ForwardReply
from app.providers.contract import Upstream as Provider
from tests.support.upstream import Answer, Upstream, error_answer, json_answer

TIMEOUT_S = 20.0
REQUESTS = {
    "emulator": RawRequest("POST", "/", "", {"x-amz-target": "RekognitionService.ListFaces"}, b"{}"),
    "google": RawRequest("POST", "/v1/files:annotate", "", {}, b"{}"),
    "azure": RawRequest("POST", "/vision/v3.2/tag", "", {}, b"image"),
}
BAD_KEY = {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "m", "details": [{"reason": "API_KEY_INVALID"}]}}
DENIED = {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "project 7 of the operator"}}
WRONG = {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "m"}}


@pytest.fixture
async def at() -> AsyncIterator[Callable[[str, str], Provider]]:
    """Builds providers, and closes them at the end."""
    built: list[Provider] = []

    def build(name: str, url: str) -> Provider:
        built.append(build_provider(ProviderOptions(name, url, google_api_key="K", azure_key="K", max_connections=1)))
        return built[-1]

    yield build
    for provider in built:
        await provider.aclose()


async def read(reply: ForwardReply) -> bytes:
    return b"".join([piece async for piece in reply.body])


@pytest.mark.parametrize(
    ("vendor", "answer"),
    [
        ("emulator", error_answer(400, "InvalidSignatureException", "of the operator")),
        ("emulator", error_answer(400, "AccessDeniedException", "User: arn:aws:iam::1:role/operator")),
        ("google", json_answer(BAD_KEY, 400)),
        ("google", Answer(400, {"Content-Encoding": "gzip"}, gzip.compress(json.dumps(BAD_KEY).encode()))),
        ("google", json_answer(DENIED, 403)),
        ("google", json_answer({}, 401)),
        ("azure", json_answer({"error": {"code": "401", "message": "wrong key"}}, 401)),
        ("azure", Answer(403, {}, b"<html>")),
    ],
)
async def test_a_denial_is_the_operators_to_read(at: Callable[[str, str], Provider], vendor: str, answer: Answer) -> None:
    async with Upstream(answer) as upstream:
        with pytest.raises(Problem) as raised:
            await at(vendor, upstream.url).forward(REQUESTS[vendor], timeout_s=TIMEOUT_S)
    assert raised.value.kind is Kind.PROVIDER_DENIED
    assert "operator" not in raised.value.detail


@pytest.mark.parametrize(
    ("vendor", "answer"),
    [
        ("emulator", error_answer(400, "InvalidParameterException", "m")),
        ("google", json_answer(WRONG, 400)),
        ("google", Answer(400, {"Content-Encoding": "gzip"}, b"no gzip")),
        ("google", Answer(400, {}, b"x" * 200_000)),
        ("google", Answer(400, {}, b"")),
        ("google", json_answer({"error": {"status": "NOT_FOUND"}}, 404)),
        ("azure", json_answer({"error": {"code": "InvalidRequest", "message": "m"}}, 400)),
    ],
)
async def test_every_other_error_is_the_clients(at: Callable[[str, str], Provider], vendor: str, answer: Answer) -> None:
    async with Upstream(answer) as upstream:
        reply = await at(vendor, upstream.url).forward(REQUESTS[vendor], timeout_s=TIMEOUT_S)
        assert (reply.status, await read(reply)) == (answer.status, answer.body)
