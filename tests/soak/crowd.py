"""The soak's clients: who asks what, how often, and what became of it.

In: the addresses, the tenants, a rate. Out: a `Tally`. Requests leave at Poisson arrivals, whether or not earlier ones have
been answered; the rate rises and falls like that of a day, whose length is given. Every answer is judged by `judging`.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import math
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import grpc
import httpx

from tests.soak.fronts import Form, Question, Refused, Request, Tenant, azure, google_grpc, google_rest, native, rekognition
from tests.soak.judging import mistake
from tests.soak.pictures import SoakPicture, picture, unsafe
from tests.support.bad_images import cut, jpeg_that_claims, png_that_claims

# Longer than any request's own time; what takes longer is lost.
ANSWER_S = 45.0
# The rate at noon and at midnight, as shares of the mean.
SWING = 0.5
OK = 200
# One picture in so many that are checked for safety is unsafe.
UNSAFE_EVERY = 12
MOST_IN_A_BATCH = 4
# A slow client sends its body in so many pieces over so long, seconds.
SLOW_PIECES, SLOW_S = 8, 2.0
# A client that vanishes does so this long after its request, seconds: while it gathers, or while the vendor looks.
VANISHES_S = (0.0, 0.4)
# As many connections as there are requests under way: nobody waits for another's answer before asking.
KEPT_CONNECTIONS = 50
KEPT_MISTAKES = 20
# What gRPC itself says when nothing has come in time; a server's own words for it are an answer.
NO_ANSWER = "Deadline Exceeded"


@dataclass(frozen=True, slots=True)
class Share:
    """A kind of request, and how often it is made."""

    form: Form
    weight: float
    batch: bool = False


THINGS, LABELS, NAMES, TEXT, SAFETY = Question
MIX = (
    Share(native("detect", THINGS), 16),
    Share(native("detect", THINGS, x_tessera_grid="off"), 4),
    Share(native("detect", TEXT, "?features=text"), 4),
    Share(native("classify", LABELS), 8),
    Share(native("moderate", SAFETY), 10),
    Share(rekognition("DetectLabels", THINGS), 14),
    Share(rekognition("DetectText", TEXT), 3),
    Share(rekognition("RecognizeCelebrities", NAMES), 5),
    Share(rekognition("DetectModerationLabels", SAFETY), 6),
    Share(google_rest("OBJECT_LOCALIZATION", THINGS), 5, batch=True),
    Share(google_rest("TEXT_DETECTION", TEXT), 2),
    Share(google_rest("SAFE_SEARCH_DETECTION", SAFETY), 3, batch=True),
    Share(google_grpc("OBJECT_LOCALIZATION", THINGS), 5, batch=True),
    Share(google_grpc("SAFE_SEARCH_DETECTION", SAFETY), 2),
    Share(azure("/computervision/imageanalysis:analyze?api-version=2023-10-01&features=objects", THINGS), 7),
    Share(azure("/computervision/imageanalysis:analyze?api-version=2023-10-01&features=read", TEXT), 2),
    Share(azure("/vision/v3.2/detect?model-version=latest", THINGS), 3),
    Share(azure("/vision/v3.2/analyze?visualFeatures=Adult", SAFETY), 3),
)
# Of all requests, those whose client does something else than to ask and wait.
BAD_SHARE, SLOW_SHARE, VANISHING_SHARE = 0.03, 0.02, 0.03


@dataclass(slots=True)
class Tally:
    """What became of the pictures, and how long the answers took, since `seconds` was last taken."""

    fates: Counter[str] = field(default_factory=Counter)
    forms: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)

    def count(self, fate: str, pictures: int = 1, said: str = "") -> None:
        self.fates[fate] += pictures
        if said and len(self.mistakes) < KEPT_MISTAKES:
            self.mistakes.append(said)

    def take_seconds(self) -> list[float]:
        taken, self.seconds = self.seconds, []
        return taken


@dataclass(frozen=True, slots=True)
class Site:
    """An API process: its two addresses."""

    url: str
    grpc: str


class Crowd:
    """`run` for so long; then every request that was sent has been counted once."""

    def __init__(self, sites: Sequence[Site], tenants: Sequence[Tenant], *, rate_per_s: float, day_s: float, seed: int) -> None:
        self._sites, self._tenants = sites, tenants
        self._rate_per_s, self._day_s = rate_per_s, day_s
        self._chance = random.Random(seed)
        self._numbers = itertools.count(seed * 1_000_003)
        self.tally = Tally()

    async def run(self, seconds: float) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=KEPT_CONNECTIONS)
        async with httpx.AsyncClient(timeout=ANSWER_S, limits=limits, trust_env=False) as http:
            channels = {site.grpc: grpc.aio.insecure_channel(site.grpc) for site in self._sites}
            async with asyncio.TaskGroup() as tasks:
                began_s = time.monotonic()
                at_s = 0.0
                while (at_s := at_s + self._chance.expovariate(self.rate_per_s(at_s))) < seconds:
                    await asyncio.sleep(max(0.0, began_s + at_s - time.monotonic()))
                    tasks.create_task(self._client(http, channels), name="client")
            for channel in channels.values():
                await channel.close()

    def rate_per_s(self, at_s: float) -> float:
        """It begins at the mean, in the morning."""
        return self._rate_per_s * (1 + SWING * math.sin(2 * math.pi * at_s / self._day_s))

    async def _client(self, http: httpx.AsyncClient, channels: Mapping[str, grpc.aio.Channel]) -> None:
        """One request, from its picture to its judgement."""
        dice, site, tenant = self._chance.random(), self._chance.choice(self._sites), self._chance.choice(self._tenants)
        share = self._chance.choices(MIX, [one.weight for one in MIX])[0]
        pictures = await asyncio.to_thread(self._pictures(share))
        request = share.form.write(site.url, tenant, pictures)
        if dice < BAD_SHARE:
            await self._bad(http, site, tenant)
        elif not request.is_grpc and dice < BAD_SHARE + SLOW_SHARE:
            await self._judged(share.form, pictures, lambda: by_http(http, site, request, slowly=True))
        elif not request.is_grpc and dice < BAD_SHARE + SLOW_SHARE + VANISHING_SHARE:
            await self._vanish(site, request, self._chance.uniform(*VANISHES_S))
        elif request.is_grpc:
            await self._judged(share.form, pictures, lambda: by_grpc(channels[site.grpc], request))
        else:
            await self._judged(share.form, pictures, lambda: by_http(http, site, request))

    def _pictures(self, share: Share) -> Callable[[], tuple[SoakPicture, ...]]:
        """Chosen now, made by whoever calls."""
        count = self._chance.randint(1, MOST_IN_A_BATCH) if share.batch else 1
        numbers = [next(self._numbers) for _ in range(count)]
        checked = share.form.question is Question.SAFETY
        kinds = [unsafe if checked and self._chance.randrange(UNSAFE_EVERY) == 0 else picture for _ in numbers]
        return lambda: tuple(kind(number) for kind, number in zip(kinds, numbers, strict=True))

    async def _judged(self, form: Form, pictures: Sequence[SoakPicture], send: Callable[[], Awaitable[bytes]]) -> None:
        began_s = time.monotonic()
        self.tally.forms[form.name] += len(pictures)
        try:
            found = form.read(await send(), pictures)
        except Refused as refused:
            self.tally.count("error", len(pictures), f"{form.name}: {refused}")
            return
        except (httpx.HTTPError, OSError, TimeoutError) as lost:
            self.tally.count("lost", len(pictures), f"{form.name}: {type(lost).__name__} {lost}")
            return
        self.tally.seconds.append(time.monotonic() - began_s)
        for one, findings in zip(pictures, found, strict=True):
            wrong = mistake(form.question, one, findings)
            self.tally.count("wrong" if wrong else "right", 1, f"{form.name}: {wrong}" if wrong else "")

    async def _bad(self, http: httpx.AsyncClient, site: Site, tenant: Tenant) -> None:
        """What is no picture is refused, with a 4xx of its own."""
        content = self._chance.choice(bad_pictures())
        try:
            reply = await http.post(f"{site.url}/v1/detect", content=content, headers={"X-Api-Key": tenant.key})
        except httpx.HTTPError as lost:
            self.tally.count("lost", 1, f"a bad picture: {type(lost).__name__} {lost}")
            return
        refused = 400 <= reply.status_code < 500  # a client's mistake, as HTTP numbers it
        self.tally.count("refused" if refused else "wrong", 1, "" if refused else f"a bad picture: {reply.status_code}")

    async def _vanish(self, site: Site, request: Request, after_s: float) -> None:
        """Sent whole or half, and gone before the answer."""
        parts = urlsplit(site.url)
        try:
            _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        except OSError as lost:
            self.tally.count("lost", 1, f"a client that would have vanished: {lost}")
            return
        lines = {"Host": parts.netloc, "Content-Length": str(len(request.body))} | dict(request.headers)
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        part = self._chance.choice((len(request.body), len(request.body) // 2))
        try:
            with suppress(OSError):  # the server was the first to close
                writer.write(f"POST {request.path} HTTP/1.1\r\n{head}\r\n".encode() + request.body[:part])
                await writer.drain()
                await asyncio.sleep(after_s)
        finally:
            writer.transport.abort()
        self.tally.count("vanished")


@functools.cache
def bad_pictures() -> tuple[bytes, ...]:
    """No picture, a head without a body, half a body (which only shows when it is decoded), and two bombs."""
    return (
        b"no picture",
        cut("jpeg", 0.002),
        cut("jpeg"),
        png_that_claims(60_000, 60_000),
        jpeg_that_claims(40_000, 40_000),
    )


async def by_http(http: httpx.AsyncClient, site: Site, request: Request, *, slowly: bool = False) -> bytes:
    """The answer's body. Raises Refused for every status but 200."""
    headers = dict(request.headers) | {"Content-Length": str(len(request.body))}
    content = _in_pieces(request.body) if slowly else request.body
    reply = await http.post(f"{site.url}{request.path}", content=content, headers=headers)
    if reply.status_code != OK:
        raise Refused(f"{reply.status_code} {reply.text[:200]}")
    return reply.content


async def _in_pieces(body: bytes) -> AsyncIterator[bytes]:
    size = max(1, len(body) // SLOW_PIECES)
    for start in range(0, len(body), size):
        yield body[start : start + size]
        await asyncio.sleep(SLOW_S / SLOW_PIECES)


async def by_grpc(channel: grpc.aio.Channel, request: Request) -> bytes:
    call: Any = channel.unary_unary(request.path)
    try:
        answer: bytes = await call(request.body, metadata=tuple(request.headers.items()), timeout=ANSWER_S)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAVAILABLE or error.details() == NO_ANSWER:
            raise TimeoutError(str(error.details())) from error
        raise Refused(f"{error.code().name} {error.details()}") from error
    return answer
