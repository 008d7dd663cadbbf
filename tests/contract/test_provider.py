"""The guarantees of a provider (P1 to P4 in app/providers/contract.py), over a table of implementations.

A new provider is one row: how it is built, and how its vendor writes an answer, an error and a throttle. Everything else here
is the same for all. The upstream is scripted, strict, and knows nothing of our code.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from app.core.model import Feature, Inquiry
from app.errors import Kind, Problem
from app.providers.build import ProviderOptions, build_provider
from app.providers.contract import Provider
from tests.support import azure_answers
from tests.support.rekognition_answers import CAR_BOX, FULL
from tests.support.upstream import (
    Answer,
    CutOff,
    HangUp,
    Pieces,
    Play,
    Raw,
    Stall,
    Upstream,
    error_answer,
    json_answer,
)

IMAGE = bytes(range(256)) * 64
LARGE_IMAGE = bytes(5_000_000)
PATIENT_S = 20.0  # these calls end at once; the limit is for a machine that is busy
SHORT_S = 0.3  # these calls are meant to run into it


@dataclass(frozen=True, slots=True)
class Row:
    """One implementation. `other`: a feature besides objects; `path`: where its questions go."""

    name: str
    vendor: str
    build: Callable[[str], Provider]
    answers: dict[Feature, Answer]
    throttle: Answer
    bad_image: Answer
    other: Feature = Feature.FACES
    path: str = "/"


def rekognition_row(name: str) -> Row:
    return Row(
        name=name,
        vendor="rekognition",
        build=lambda url: build_provider(ProviderOptions(name, url, region="us-east-1", credentials=None)),
        answers={feature: json_answer(answer) for feature, answer in FULL.items()},
        throttle=error_answer(400, "ThrottlingException", "slow down", {"x-amz-retry-after": "250"}),
        bad_image=error_answer(400, "InvalidImageFormatException", "bad image"),
    )


AZURE = Row(
    name="azure",
    vendor="azure",
    build=lambda url: build_provider(ProviderOptions("azure", url, azure_key="KEY")),
    answers={feature: json_answer(answer) for feature, answer in azure_answers.FULL.items()},
    throttle=azure_answers.azure_error(429, "429", "slow down", headers={"Retry-After": "0.25"}),
    bad_image=azure_answers.azure_error(400, "InvalidRequest", "bad image", inner="InvalidImageFormat"),
    other=Feature.PEOPLE,
    path="/computervision/imageanalysis:analyze?api-version=2023-10-01&features=people",
)

ROWS = [rekognition_row("rekognition"), rekognition_row("emulator"), AZURE]
ROWS_AND_FEATURES = [pytest.param(row, feature, id=f"{row.name}-{feature}") for row in ROWS for feature in row.answers]


@pytest.fixture(params=ROWS, ids=lambda row: row.name)
def row(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Row:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SECRET")
    chosen: Row = request.param
    return chosen


@asynccontextmanager
async def provider_at(row: Row, url: str) -> AsyncIterator[Provider]:
    provider = row.build(url)
    try:
        yield provider
    finally:
        await provider.aclose()


async def problem_after(
    row: Row, *script: Play, image: bytes = IMAGE, timeout_s: float = PATIENT_S, deaf: bool = False
) -> Problem:
    """The Problem that one call ends with."""
    async with Upstream(*script, deaf=deaf) as upstream, provider_at(row, upstream.url) as provider:
        with pytest.raises(Problem) as raised:
            await provider.infer(image, Inquiry(Feature.OBJECTS), timeout_s=timeout_s)
    return raised.value


def test_what_a_provider_declares_is_whole(row: Row) -> None:
    declared = row.build("http://127.0.0.1:1").capabilities
    assert (declared.provider, declared.vendor) == (row.name, row.vendor)
    assert declared.features == set(row.answers) == set(declared.max_image_bytes)
    assert declared.formats <= {"jpeg", "png", "webp"}
    assert 1 <= declared.min_side_px <= declared.sheet_side_px <= declared.max_side_px
    assert all(declared.dollars(feature) > 0 for feature in declared.features)


@pytest.mark.parametrize(("row", "feature"), ROWS_AND_FEATURES, indirect=["row"])
async def test_p1_one_call_is_one_request_and_its_answer_is_read_whole(row: Row, feature: Feature) -> None:
    answer = row.answers[feature]
    async with Upstream(answer) as upstream, provider_at(row, upstream.url) as provider:
        reading = await provider.infer(IMAGE, Inquiry(feature), timeout_s=PATIENT_S)
    assert len(upstream.requests) == 1
    assert reading.verbatim == answer.body
    assert {each.feature for each in reading.detections} == {feature}
    assert {each.vendor for each in reading.detections} == {row.vendor}


@pytest.mark.parametrize(
    "failure", [error_answer(500, "InternalServerError"), HangUp(), Raw(b"SSH-2.0\r\n"), CutOff(b'{"La')], ids=repr
)
async def test_p1_a_failure_is_not_tried_again_in_here(row: Row, failure: Play) -> None:
    await problem_after(row, failure)  # a second request would be beyond the script


async def test_p2_boxes_are_ratios_of_the_image_that_was_sent(row: Row) -> None:
    async with Upstream(row.answers[Feature.OBJECTS]) as upstream, provider_at(row, upstream.url) as provider:
        reading = await provider.infer(IMAGE, Inquiry(Feature.OBJECTS), timeout_s=PATIENT_S)
    box = reading.detections[0].box
    assert box is not None
    assert (box.left, box.top, box.width, box.height) == tuple(CAR_BOX.values())


async def test_p3_a_throttle_is_told_with_its_pause(row: Row) -> None:
    problem = await problem_after(row, row.throttle)
    assert (problem.kind, problem.retry_after_s) == (Kind.THROTTLED, 0.25)


async def test_p3_the_vendors_own_error_is_kept(row: Row) -> None:
    problem = await problem_after(row, row.bad_image)
    assert problem.kind is Kind.IMAGE_REFUSED
    assert problem.vendor is not None
    assert (problem.vendor.vendor, problem.vendor.status, problem.vendor.message) == (row.vendor, 400, "bad image")
    assert problem.vendor.body == row.bad_image.body.decode()


@pytest.mark.parametrize(
    ("play", "kind"),
    [
        (Answer(200), Kind.PROVIDER_GARBLED),
        (Answer(204), Kind.PROVIDER_GARBLED),
        (Answer(200, body=b"<html>"), Kind.PROVIDER_GARBLED),
        (Answer(200, {"Content-Encoding": "gzip"}, b"\x1f\x8b..."), Kind.PROVIDER_GARBLED),
        (Answer(302, {"Location": "http://127.0.0.1:1/"}), Kind.REQUEST_REFUSED),
        (Answer(503, body=b"<html>busy</html>"), Kind.PROVIDER_UNAVAILABLE),
        (HangUp(), Kind.PROVIDER_GARBLED),
        (Raw(b"SSH-2.0-OpenSSH\r\n"), Kind.PROVIDER_GARBLED),
        (Raw(b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n"), Kind.PROVIDER_GARBLED),
        (Raw(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 200_000), Kind.PROVIDER_GARBLED),
        (CutOff(b'{"Labels": []'), Kind.PROVIDER_GARBLED),
        (CutOff(b"{}", status=503), Kind.PROVIDER_UNAVAILABLE),
        (Pieces([b" " * 1_048_576] * 17), Kind.PROVIDER_GARBLED),
        (Pieces([b" " * 1_048_576] * 17, status=500), Kind.PROVIDER_UNAVAILABLE),
    ],
    ids=lambda value: repr(value)[:60],
)
async def test_p3_whatever_the_vendor_says_ends_as_a_problem(row: Row, play: Play, kind: Kind) -> None:
    assert (await problem_after(row, play)).kind is kind


async def test_p3_an_answer_in_small_pieces_is_an_answer(row: Row) -> None:
    body = row.answers[Feature.OBJECTS].body
    pieces = Pieces([body[start : start + 7] for start in range(0, len(body), 7)])
    async with Upstream(pieces) as upstream, provider_at(row, upstream.url) as provider:
        reading = await provider.infer(IMAGE, Inquiry(Feature.OBJECTS), timeout_s=PATIENT_S)
    assert reading.verbatim == body


async def test_p3_nobody_there_is_unavailable(row: Row) -> None:
    async with Upstream() as upstream:
        url = upstream.url
    async with provider_at(row, url) as provider:
        with pytest.raises(Problem) as raised:
            await provider.infer(IMAGE, Inquiry(Feature.OBJECTS), timeout_s=PATIENT_S)
    assert raised.value.kind is Kind.PROVIDER_UNAVAILABLE


async def test_p3_a_closed_provider_says_so(row: Row) -> None:
    provider = row.build("http://127.0.0.1:1")
    await provider.aclose()
    with pytest.raises(Problem) as raised:
        await provider.infer(IMAGE, Inquiry(Feature.OBJECTS), timeout_s=PATIENT_S)
    assert raised.value.kind is Kind.SHUTTING_DOWN
    await provider.aclose()


async def test_p3_closing_ends_a_call_under_way_with_a_problem(row: Row) -> None:
    async with Upstream(Stall()) as upstream:
        provider = row.build(upstream.url)
        calling = asyncio.create_task(provider.infer(IMAGE, Inquiry(Feature.OBJECTS), timeout_s=PATIENT_S))
        await upstream.saw(1)
        await provider.aclose()
        with pytest.raises(Problem):
            await calling


@pytest.mark.parametrize(
    ("play", "kind"),
    [
        (Stall(), Kind.PROVIDER_TIMEOUT),
        (CutOff(b'{"Labels": []', stalls=True), Kind.PROVIDER_TIMEOUT),
        (CutOff(b'{"__type"', status=503, stalls=True), Kind.PROVIDER_UNAVAILABLE),
        (Pieces([b" "] * 100_000, pace=lambda: asyncio.sleep(0.02)), Kind.PROVIDER_TIMEOUT),
    ],
    ids=lambda value: repr(value)[:60],
)
async def test_p4_a_call_ends_in_its_time(row: Row, play: Play, kind: Kind) -> None:
    async with Upstream(row.answers[Feature.OBJECTS], play) as upstream, provider_at(row, upstream.url) as provider:
        await provider.infer(IMAGE, Inquiry(Feature.OBJECTS), timeout_s=PATIENT_S)  # the first call has more to do
        began_s = time.monotonic()
        with pytest.raises(Problem) as raised:
            await provider.infer(IMAGE, Inquiry(Feature.OBJECTS), timeout_s=SHORT_S)
    assert raised.value.kind is kind
    assert time.monotonic() - began_s < SHORT_S + 5.0  # the margin is for a busy machine


async def test_p4_a_request_that_was_never_sent_whole_was_not_bought(row: Row) -> None:
    problem = await problem_after(row, image=LARGE_IMAGE, timeout_s=1.0, deaf=True)
    assert problem.kind is Kind.PROVIDER_UNAVAILABLE


@pytest.mark.parametrize("timeout_s", [0.0, -1.0])
async def test_p4_no_time_is_no_request(row: Row, timeout_s: float) -> None:
    problem = await problem_after(row, timeout_s=timeout_s)
    assert problem.kind is Kind.PROVIDER_UNAVAILABLE


async def test_a_cancelled_call_stays_cancelled_and_harms_no_later_one(row: Row) -> None:
    async with Upstream(Stall(), row.answers[row.other]) as upstream, provider_at(row, upstream.url) as provider:
        calling = asyncio.create_task(provider.infer(IMAGE, Inquiry(row.other), timeout_s=PATIENT_S))
        await upstream.saw(1)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        reading = await provider.infer(IMAGE, Inquiry(row.other), timeout_s=PATIENT_S)
    assert len(reading.detections) == 2


async def test_calls_one_after_the_other_share_a_connection(row: Row) -> None:
    script = [row.answers[row.other], row.throttle, row.answers[row.other]]
    async with Upstream(*script) as upstream, provider_at(row, upstream.url) as provider:
        for answer in script:
            if answer is row.throttle:
                with pytest.raises(Problem):
                    await provider.infer(IMAGE, Inquiry(row.other), timeout_s=PATIENT_S)
            else:
                await provider.infer(IMAGE, Inquiry(row.other), timeout_s=PATIENT_S)
    assert upstream.connections == 1


async def test_many_calls_are_in_flight_at_once(row: Row) -> None:
    count = 40
    gate = asyncio.Event()
    body = row.answers[row.other].body
    script = [Pieces([body], pace=gate.wait)] * count
    async with Upstream(*script) as upstream, provider_at(row, upstream.url) as provider, asyncio.TaskGroup() as tasks:
        for _ in range(count):
            tasks.create_task(provider.infer(IMAGE, Inquiry(row.other), timeout_s=PATIENT_S))
        await upstream.saw(count)
        gate.set()
    assert upstream.connections == count


async def test_a_proxy_in_the_environment_is_used_but_not_for_this_machine(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with Upstream(row.answers[row.other], row.answers[row.other]) as upstream:
        monkeypatch.setenv("HTTP_PROXY", upstream.url)
        async with provider_at(row, "http://vision.example:8000") as provider:
            await provider.infer(IMAGE, Inquiry(row.other), timeout_s=PATIENT_S)
        assert upstream.requests[0].target == f"http://vision.example:8000{row.path}"
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        async with provider_at(row, upstream.url.replace("127.0.0.1", "localhost")) as provider:
            await provider.infer(IMAGE, Inquiry(row.other), timeout_s=PATIENT_S)
        assert upstream.requests[1].target == row.path


async def test_what_a_vendor_puts_into_cookies_is_forgotten(row: Row) -> None:
    sweet = Answer(200, {"Set-Cookie": "session=1; Path=/"}, row.answers[row.other].body)
    async with Upstream(sweet, sweet) as upstream, provider_at(row, upstream.url) as provider:
        for _ in range(2):
            await provider.infer(IMAGE, Inquiry(row.other), timeout_s=PATIENT_S)
    assert "cookie" not in upstream.requests[1].fields
