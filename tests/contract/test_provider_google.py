"""The guarantees of a provider (P1 to P4 in app/providers/contract.py) for Google, which is asked over gRPC.

The same promises as in `test_provider`, whose script is one of HTTP. The upstream is scripted, strict, and knows nothing of our
code.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo

from app.core.geometry import UnitBox
from app.core.model import Feature, Inquiry
from app.errors import Kind, Problem
from app.providers.build import ProviderOptions, build_provider
from app.providers.contract import Provider
from app.providers.google.features import MOST_RESULTS, TYPES
from tests.support.google_answers import FACE, FULL, IMAGE, LOGO, OBJECT, text, word
from tests.support.google_upstream import After, Bytes, GoogleUpstream, HangUp, Play, Refusal, Stall, answer, batch

PATIENT_S = 20.0  # these calls end at once; the limit is for a machine that is busy
SHORT_S = 0.3  # these calls are meant to run into it
OBJECTS = Inquiry(Feature.OBJECTS)
FOUND = answer(FULL[Feature.OBJECTS])


@asynccontextmanager
async def provider_at(url: str) -> AsyncIterator[Provider]:
    provider = build_provider(ProviderOptions("google", url))
    try:
        yield provider
    finally:
        await provider.aclose()


async def problem_after(*script: Play, timeout_s: float = PATIENT_S) -> Problem:
    """The Problem that one call ends with."""
    async with GoogleUpstream(*script) as upstream, provider_at(upstream.url) as provider:
        with pytest.raises(Problem) as raised:
            await provider.infer(IMAGE, OBJECTS, timeout_s=timeout_s)
    return raised.value


@pytest.mark.parametrize("feature", list(TYPES))
async def test_p1_one_call_is_one_request_and_its_answer_is_read_whole(feature: Feature) -> None:
    async with GoogleUpstream(answer(FULL[feature])) as upstream, provider_at(upstream.url) as provider:
        reading = await provider.infer(IMAGE, Inquiry(feature), timeout_s=PATIENT_S)
    (request,) = upstream.requests
    (one,) = request["requests"]
    assert [asked["type"] for asked in one["features"]] == [TYPES[feature]]
    assert upstream.images == [IMAGE]
    assert reading.verbatim == batch(FULL[feature]).responses[0].SerializeToString()
    assert {(each.feature, each.vendor) for each in reading.detections} == {(feature, "google")}


@pytest.mark.parametrize(
    "failure",
    [Refusal(grpc.StatusCode.UNAVAILABLE), Refusal(grpc.StatusCode.DEADLINE_EXCEEDED), HangUp(), Bytes(b"\xff\xff")],
    ids=repr,
)
async def test_p1_a_failure_is_not_tried_again_in_here(failure: Play) -> None:
    """Neither by the client, whose default is to try for ten minutes, nor by the channel."""
    await problem_after(failure)  # a second request would be beyond the script


async def test_p2_boxes_are_ratios_of_the_image_that_was_sent() -> None:
    script = [answer(FULL[Feature.OBJECTS]), answer(FULL[Feature.FACES])]
    async with GoogleUpstream(*script) as upstream, provider_at(upstream.url) as provider:
        for feature in (Feature.OBJECTS, Feature.FACES):
            reading = await provider.infer(IMAGE, Inquiry(feature), timeout_s=PATIENT_S)
            assert reading.detections[0].box == UnitBox(0.0, 0.0, 0.5, 0.25 if feature is Feature.OBJECTS else 0.5)


@pytest.mark.parametrize("count", [MOST_RESULTS - 1, MOST_RESULTS])
@pytest.mark.parametrize(
    ("feature", "member", "entry"),
    [
        (Feature.OBJECTS, "localizedObjectAnnotations", OBJECT),
        (Feature.FACES, "faceAnnotations", FACE),
        (Feature.LOGOS, "logoAnnotations", LOGO),
    ],
)
async def test_p2_as_many_as_were_asked_for_may_not_be_all(feature: Feature, member: str, entry: object, count: int) -> None:
    async with GoogleUpstream(answer({member: [entry] * count})) as upstream, provider_at(upstream.url) as provider:
        reading = await provider.infer(IMAGE, Inquiry(feature), timeout_s=PATIENT_S)
    assert upstream.requests[0]["requests"][0]["features"][0]["maxResults"] == MOST_RESULTS
    assert (len(reading.detections), reading.truncated) == (count, count == MOST_RESULTS)


async def test_p3_a_throttle_is_told_with_its_pause() -> None:
    pause = RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000))
    problem = await problem_after(Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "slow down", [pause]))
    assert (problem.kind, problem.retry_after_s) == (Kind.THROTTLED, 1.5)


@pytest.mark.parametrize("in_answer", [True, False])
async def test_p3_the_vendors_own_error_is_kept(in_answer: bool) -> None:
    """Of the one image inside an answer, and of the whole call."""
    whole = Refusal(grpc.StatusCode.INVALID_ARGUMENT, "Bad image data.")
    problem = await problem_after(answer({"error": {"code": 3, "message": "Bad image data."}}) if in_answer else whole)
    assert problem.kind is Kind.IMAGE_REFUSED
    assert problem.vendor is not None
    told = (problem.vendor.vendor, problem.vendor.status, problem.vendor.code, problem.vendor.message)
    assert told == ("google", 400, "INVALID_ARGUMENT", "Bad image data.")


@pytest.mark.parametrize(
    ("play", "kind"),
    [
        (Bytes(b""), Kind.PROVIDER_GARBLED),
        (Bytes(b"\xff\xff\xff"), Kind.PROVIDER_GARBLED),
        (answer(), Kind.PROVIDER_GARBLED),
        (answer({}, {}), Kind.PROVIDER_GARBLED),
        (answer({"error": {"code": 14, "message": "m"}}), Kind.PROVIDER_UNAVAILABLE),
        (answer({"error": {"code": 8, "message": "m"}}), Kind.THROTTLED),
        (answer({"error": {"code": 7, "message": "m"}}), Kind.PROVIDER_DENIED),
        (Refusal(grpc.StatusCode.UNAVAILABLE), Kind.PROVIDER_UNAVAILABLE),
        (Refusal(grpc.StatusCode.INTERNAL), Kind.PROVIDER_UNAVAILABLE),
        (Refusal(grpc.StatusCode.UNIMPLEMENTED), Kind.REQUEST_REFUSED),
        (Refusal(grpc.StatusCode.PERMISSION_DENIED), Kind.PROVIDER_DENIED),
        (Refusal(grpc.StatusCode.UNAUTHENTICATED), Kind.PROVIDER_DENIED),
        (Refusal(grpc.StatusCode.DEADLINE_EXCEEDED), Kind.PROVIDER_TIMEOUT),
        (Refusal(grpc.StatusCode.INVALID_ARGUMENT, "m", [ErrorInfo(reason="API_KEY_INVALID")]), Kind.PROVIDER_DENIED),
        (Refusal(grpc.StatusCode.INTERNAL, raw_details=b"\xff\xff"), Kind.PROVIDER_GARBLED),
        (Refusal(grpc.StatusCode.INTERNAL, raw_details=b"\x08\x03"), Kind.PROVIDER_GARBLED),
        (HangUp(), Kind.PROVIDER_GARBLED),
    ],
    ids=lambda value: repr(value)[:60],
)
async def test_p3_whatever_the_vendor_says_ends_as_a_problem(play: Play, kind: Kind) -> None:
    assert (await problem_after(play)).kind is kind


async def test_p3_nobody_there_is_unavailable() -> None:
    async with GoogleUpstream() as upstream:
        url = upstream.url
    async with provider_at(url) as provider:
        with pytest.raises(Problem) as raised:
            await provider.infer(IMAGE, OBJECTS, timeout_s=PATIENT_S)
    assert raised.value.kind is Kind.PROVIDER_UNAVAILABLE


async def test_p3_somebody_who_does_not_speak_grpc_is_unavailable() -> None:
    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n")
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server, provider_at(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as provider:
        with pytest.raises(Problem) as raised:
            await provider.infer(IMAGE, OBJECTS, timeout_s=PATIENT_S)
    assert raised.value.kind is Kind.PROVIDER_UNAVAILABLE


async def test_p3_a_vendor_that_is_not_available_is_still_connected_to() -> None:
    """A connection that broke looks the same at first."""
    script: list[Play] = [Refusal(grpc.StatusCode.UNAVAILABLE), Refusal(grpc.StatusCode.UNAVAILABLE), HangUp()]
    kinds = []
    async with GoogleUpstream(*script) as upstream, provider_at(upstream.url) as provider:
        for _ in script:
            with pytest.raises(Problem) as raised:
                await provider.infer(IMAGE, OBJECTS, timeout_s=PATIENT_S)
            kinds.append(raised.value.kind)
        assert upstream.connections == 1
    assert kinds == [Kind.PROVIDER_UNAVAILABLE, Kind.PROVIDER_UNAVAILABLE, Kind.PROVIDER_GARBLED]


async def test_p3_after_a_broken_connection_the_next_call_has_a_new_one() -> None:
    async with GoogleUpstream(FOUND, HangUp(), FOUND) as upstream, provider_at(upstream.url) as provider:
        await provider.infer(IMAGE, OBJECTS, timeout_s=PATIENT_S)
        with pytest.raises(Problem):
            await provider.infer(IMAGE, OBJECTS, timeout_s=PATIENT_S)
        await provider.infer(IMAGE, OBJECTS, timeout_s=PATIENT_S)
        assert upstream.connections == 2


async def test_p3_a_closed_provider_says_so() -> None:
    provider = build_provider(ProviderOptions("google", "http://127.0.0.1:1"))
    await provider.aclose()
    with pytest.raises(Problem) as raised:
        await provider.infer(IMAGE, OBJECTS, timeout_s=PATIENT_S)
    assert raised.value.kind is Kind.SHUTTING_DOWN
    await provider.aclose()


async def test_p3_closing_ends_a_call_under_way_with_a_problem() -> None:
    async with GoogleUpstream(Stall()) as upstream:
        provider = build_provider(ProviderOptions("google", upstream.url))
        calling = asyncio.create_task(provider.infer(IMAGE, OBJECTS, timeout_s=PATIENT_S))
        await upstream.saw(1)
        await provider.aclose()
        with pytest.raises(Problem) as raised:
            await calling
    assert raised.value.kind is Kind.SHUTTING_DOWN


async def test_p4_a_call_ends_in_its_time() -> None:
    async with GoogleUpstream(FOUND, Stall()) as upstream, provider_at(upstream.url) as provider:
        await provider.infer(IMAGE, OBJECTS, timeout_s=PATIENT_S)  # the first call has more to do
        began_s = time.monotonic()
        with pytest.raises(Problem) as raised:
            await provider.infer(IMAGE, OBJECTS, timeout_s=SHORT_S)
    assert raised.value.kind is Kind.PROVIDER_TIMEOUT
    assert time.monotonic() - began_s < SHORT_S + 5.0  # the margin is for a busy machine


async def test_p4_what_was_never_handed_to_a_connection_was_not_bought() -> None:
    is_over, is_gone = asyncio.Event(), asyncio.Event()

    async def be_deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await is_over.wait()
        writer.transport.abort()
        is_gone.set()

    server = await asyncio.start_server(be_deaf, "127.0.0.1", 0)
    async with server, provider_at(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as provider:
        with pytest.raises(Problem) as raised:
            await provider.infer(IMAGE, OBJECTS, timeout_s=SHORT_S)
        is_over.set()
        await is_gone.wait()
    assert raised.value.kind is Kind.PROVIDER_UNAVAILABLE


async def test_p4_an_answer_that_takes_too_long_to_read_is_too_late() -> None:
    """A page of four thousand words takes about a second."""
    page = answer(text([[word("word", 0) for _ in range(4000)]]))
    async with GoogleUpstream(FOUND, page) as upstream, provider_at(upstream.url) as provider:
        await provider.infer(IMAGE, OBJECTS, timeout_s=PATIENT_S)  # the first call has more to do
        with pytest.raises(Problem) as raised:
            await provider.infer(IMAGE, Inquiry(Feature.TEXT), timeout_s=SHORT_S)
    assert raised.value.kind is Kind.PROVIDER_TIMEOUT


@pytest.mark.parametrize("timeout_s", [0.0, -1.0])
async def test_p4_no_time_is_no_request(timeout_s: float) -> None:
    problem = await problem_after(timeout_s=timeout_s)
    assert problem.kind is Kind.PROVIDER_UNAVAILABLE


async def test_a_cancelled_call_stays_cancelled_and_harms_no_later_one() -> None:
    async with GoogleUpstream(Stall(), FOUND) as upstream, provider_at(upstream.url) as provider:
        calling = asyncio.create_task(provider.infer(IMAGE, OBJECTS, timeout_s=PATIENT_S))
        await upstream.saw(1)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        await upstream.until(lambda told: told.left == 1)  # the vendor is told, too
        assert len((await provider.infer(IMAGE, OBJECTS, timeout_s=PATIENT_S)).detections) == 1


async def test_calls_one_after_the_other_share_a_connection() -> None:
    async with GoogleUpstream(*[FOUND] * 3) as upstream, provider_at(upstream.url) as provider:
        for _ in range(3):
            await provider.infer(IMAGE, OBJECTS, timeout_s=PATIENT_S)
    assert upstream.connections == 1


async def test_many_calls_are_in_flight_at_once_a_few_on_each_connection() -> None:
    count = 20
    gate = asyncio.Event()
    script = [After(gate, FOUND)] * count
    async with GoogleUpstream(*script) as upstream, provider_at(upstream.url) as provider, asyncio.TaskGroup() as tasks:
        for _ in range(count):
            tasks.create_task(provider.infer(IMAGE, OBJECTS, timeout_s=PATIENT_S))
        await upstream.saw(count)
        gate.set()
    assert upstream.connections == 3


async def test_an_image_as_large_as_any_is_sent() -> None:
    """grpc's own limit for a message is 4 MiB."""
    image = IMAGE + bytes(19_000_000)
    async with GoogleUpstream(FOUND) as upstream, provider_at(upstream.url) as provider:
        await provider.infer(image, OBJECTS, timeout_s=PATIENT_S)
    assert upstream.images == [image]


async def test_the_key_goes_with_every_call() -> None:
    async with GoogleUpstream(FOUND, FOUND) as upstream:
        for key in ("k-1", None):
            provider = build_provider(ProviderOptions("google", upstream.url, google_api_key=key))
            await provider.infer(IMAGE, OBJECTS, timeout_s=PATIENT_S)
            await provider.aclose()
    assert [told.get("x-goog-api-key") for told in upstream.metadata] == ["k-1", None]
    assert not any("authorization" in told for told in upstream.metadata)
