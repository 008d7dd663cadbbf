"""The object store: only allowed buckets, only so many bytes, only so long; every failure is a Problem."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from app.core.buckets import AllowedBuckets
from app.errors import Kind, Problem
from app.providers.aws import FixedCredentials
from app.providers.objects import S3Store
from tests.support.upstream import Answer, CutOff, HangUp, Pieces, Play, Raw, Stall, Upstream

KEYS = FixedCredentials("AKID", "SECRET")
IMAGE = bytes(range(256)) * 1000
TIMEOUT_S = 20.0

Build = Callable[..., S3Store]


@pytest.fixture
async def build(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Build]:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    built: list[S3Store] = []

    def one(url: str | None, buckets: tuple[str, ...] = ("photos",)) -> S3Store:
        built.append(S3Store(AllowedBuckets(buckets), region="us-east-1", credentials=KEYS, endpoint_url=url))
        return built[-1]

    yield one
    for store in built:
        await store.aclose()


def s3_error(status: int, code: str) -> Answer:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>m</Message></Error>"
    return Answer(status, {"Content-Type": "application/xml"}, body.encode())


async def problem_after(build: Build, *script: Play, max_bytes: int = 10**6, timeout_s: float = TIMEOUT_S) -> Problem:
    async with Upstream(*script) as upstream:
        with pytest.raises(Problem) as raised:
            await build(upstream.url).read("photos", "cat.jpg", None, max_bytes=max_bytes, timeout_s=timeout_s)
    return raised.value


@pytest.mark.parametrize(
    ("name", "version", "target"),
    [
        ("cat.jpg", None, "/photos/cat.jpg"),
        ("a b/ü?#.jpg", None, "/photos/a%20b/%C3%BC%3F%23.jpg"),
        ("../../other/secret", None, "/photos/../../other/secret"),
        ("cat.jpg", "v/1", "/photos/cat.jpg?versionId=v%2F1"),
    ],
)
async def test_an_object_is_read_whole_and_signed(build: Build, name: str, version: str | None, target: str) -> None:
    async with Upstream(Answer(200, {}, IMAGE)) as upstream:
        data = await build(upstream.url).read("photos", name, version, max_bytes=len(IMAGE), timeout_s=TIMEOUT_S)
    assert data == IMAGE
    assert (upstream.requests[0].method, upstream.requests[0].target) == ("GET", target)
    assert "/us-east-1/s3/aws4_request" in upstream.requests[0].fields["authorization"]


@pytest.mark.parametrize(
    ("buckets", "bucket", "allowed"),
    [
        ((), "photos", False),
        (("photos",), "photos", True),
        (("photos",), "photos2", False),
        (("photos",), "Photos", False),
        (("other", "photos"), "photos", True),
        (("photos-*",), "photos-eu", True),
        (("photos-*",), "photos", False),
        (("photo?",), "photos", True),
        (("*",), "photos", True),
        (("*",), "arn:aws:s3:eu-west-1:1:accesspoint/x", False),
        (("*",), "photos/../other", False),
        (("*",), "", False),
        (("*",), "ph", False),
    ],
)
async def test_only_buckets_that_the_operator_named_are_touched(
    build: Build, buckets: tuple[str, ...], bucket: str, allowed: bool
) -> None:
    script = [Answer(200, {}, b"x")] if allowed else []
    async with Upstream(*script) as upstream:
        store = build(upstream.url, buckets)
        if allowed:
            assert await store.read(bucket, "k", None, max_bytes=1, timeout_s=TIMEOUT_S) == b"x"
            return
        with pytest.raises(Problem) as raised:
            await store.read(bucket, "k", None, max_bytes=1, timeout_s=TIMEOUT_S)
    assert raised.value.kind is Kind.FORBIDDEN


@pytest.mark.parametrize(
    "play",
    [
        Answer(200, {}, IMAGE),
        Pieces([IMAGE]),
        CutOff(b"", missing_bytes=10**12, stalls=True),
    ],
    ids=["said so", "does not say", "says so and stalls"],
)
async def test_more_bytes_than_allowed_are_not_read(build: Build, play: Play) -> None:
    assert (await problem_after(build, play, max_bytes=len(IMAGE) - 1)).kind is Kind.IMAGE_TOO_LARGE


@pytest.mark.parametrize(
    ("script", "word"),
    [
        ([s3_error(404, "NoSuchKey")], "NoSuchKey"),
        ([s3_error(404, "NoSuchBucket")], "NoSuchBucket"),
        ([s3_error(403, "AccessDenied")], "AccessDenied"),
        ([s3_error(301, "PermanentRedirect"), Answer(404)], "PermanentRedirect"),
    ],
)
async def test_what_s3_refuses_is_unavailable_and_says_why(build: Build, script: list[Play], word: str) -> None:
    problem = await problem_after(build, *script)
    assert (problem.kind, word in problem.detail) == (Kind.OBJECT_UNAVAILABLE, True), problem.detail


@pytest.mark.parametrize(
    ("script", "word"),
    [
        ([s3_error(503, "SlowDown")] * 2, "SlowDown"),
        ([Raw(b"SSH-2.0\r\n")] * 2, "ConnectionClosed|ProtocolError|HTTPClient"),
        ([HangUp()] * 2, "ConnectionClosed"),
        ([CutOff(b"abc")], "ResponseStreaming|IncompleteRead"),
    ],
)
async def test_what_may_pass_is_worth_another_try_of_the_client(build: Build, script: list[Play], word: str) -> None:
    problem = await problem_after(build, *script)
    assert problem.kind is Kind.PROVIDER_UNAVAILABLE
    assert any(each in problem.detail for each in word.split("|")), problem.detail


async def test_a_name_that_s3_cannot_have_is_unavailable(build: Build) -> None:
    with pytest.raises(Problem) as raised:
        await build("http://127.0.0.1:1").read("photos", "", None, max_bytes=1, timeout_s=TIMEOUT_S)
    assert raised.value.kind is Kind.OBJECT_UNAVAILABLE


async def test_a_read_ends_in_its_time(build: Build) -> None:
    async with Upstream(Answer(200, {}, b"x"), Stall()) as upstream:
        store = build(upstream.url)
        await store.read("photos", "warm", None, max_bytes=1, timeout_s=TIMEOUT_S)
        began_s = time.monotonic()
        with pytest.raises(Problem) as raised:
            await store.read("photos", "cat.jpg", None, max_bytes=1, timeout_s=0.3)
        assert time.monotonic() - began_s < 3.0  # far below the thread's own 5 s; the margin is for a busy machine
    assert raised.value.kind is Kind.PROVIDER_UNAVAILABLE


async def test_a_reader_that_leaves_frees_its_thread(build: Build) -> None:
    """The upstream goes on for as long as somebody listens; it notices that nobody does."""
    pieces = 10**6

    async with Upstream(Pieces([bytes(65_536)] * pieces)) as upstream:
        store = build(upstream.url)
        reading = asyncio.create_task(store.read("photos", "long", None, max_bytes=10**12, timeout_s=TIMEOUT_S))
        await upstream.saw(1)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        async with asyncio.timeout(TIMEOUT_S):
            await upstream.deserted()


async def test_a_closed_store_says_so(build: Build) -> None:
    store = build("http://127.0.0.1:1")
    await store.aclose()
    with pytest.raises(Problem) as raised:
        await store.read("photos", "cat.jpg", None, max_bytes=1, timeout_s=TIMEOUT_S)
    assert raised.value.kind is Kind.SHUTTING_DOWN
