"""A small crowd of clients for tests with processes: images with an identity go out at Poisson arrivals, answers are judged.

    load = Load([NativeClient(server.url)], identity_images(range(40)), rate_per_s=20).start()
    ...                                   # kill something
    replies = load.wait()
    assert not mistakes(replies)

Arrivals are open-loop: an image leaves at its time, whether or not earlier ones have been answered. Every image shows one
marker that no other image of the run shows, so a box in the wrong hands is noticed whatever it overlaps; and every request
brings an id of its own, which its answer must carry.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle, pairwise
from typing import Any, Protocol

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from app.core.geometry import PixelBox, Size, UnitBox
from app.demo.checking import Fate, judge_exact
from app.demo.truth import Seen, TrueObject, seen_in
from app.detectors.markers import marker_parents
from tests.support.marker_scenes import Placed, plain, stored

# Landscape, portrait and square: small, so that two cores have time to spare for what is tested.
SIZES = (Size(320, 240), Size(240, 320), Size(280, 280))
PATCH_PX = (90, 130)
# More than any test has under way at once: an image that waits for a free thread would leave late.
THREADS = 192
# Longer than any request's time-out in the tests: what takes longer hangs, and counts as lost.
ANSWER_S = 40.0
OK = 200


@dataclass(frozen=True, slots=True)
class IdentityImage:
    """A JPEG with one marker in it. No two of a run show the same."""

    marker_id: int
    content: bytes = field(repr=False)
    truth: TrueObject


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one image. `status` is 0 where no HTTP answer came; `error` says why, or is the vendor's error code."""

    image: IdentityImage
    request_id: str
    sent_s: float
    seconds: float
    status: int
    error: str = ""
    seen: tuple[Seen, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    sheets: tuple[str, ...] = ()

    @property
    def layout(self) -> str:
        return self.headers.get("x-tessera-grid", "")

    @property
    def share(self) -> float:
        """Its share of what was paid."""
        return float(self.headers.get("x-tessera-inferences", "0"))


class Client(Protocol):
    """Sends one image and tells what came back; never raises. Safe to use from many threads, for one load."""

    def ask(self, image: IdentityImage, request_id: str) -> Reply: ...
    def close(self) -> None: ...


def identity_images(marker_ids: Iterable[int]) -> list[IdentityImage]:
    """One image per id; the same id always gives the same image."""
    return [_identity_image(marker_id) for marker_id in marker_ids]


def _identity_image(marker_id: int) -> IdentityImage:
    chance = random.Random(marker_id)
    size = SIZES[marker_id % len(SIZES)]
    side = chance.randint(*PATCH_PX)
    patch = Placed(marker_id, chance.randint(0, size.width_px - side), chance.randint(0, size.height_px - side), side)
    truth = TrueObject(patch.label, PixelBox(*patch.box).to_unit(size), marker_parents(marker_id))
    return IdentityImage(marker_id, stored(plain(size.width_px, size.height_px, patch), quality=90), truth)


class NativeClient:
    """Speaks `POST /v1/detect` over kept connections. `headers` go with every request."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None, features: str = "objects") -> None:
        limits = httpx.Limits(max_connections=THREADS, max_keepalive_connections=THREADS)
        self._client = httpx.Client(base_url=url, timeout=ANSWER_S, limits=limits, trust_env=False, headers=headers)
        self._path = f"/v1/detect?features={features}"

    def ask(self, image: IdentityImage, request_id: str) -> Reply:
        sent_s = time.monotonic()
        try:
            response = self._client.post(
                self._path, content=image.content, headers={"Content-Type": "image/jpeg", "X-Request-Id": request_id}
            )
        except httpx.HTTPError as error:
            return Reply(image, request_id, sent_s, time.monotonic() - sent_s, 0, f"{type(error).__name__}: {error}")
        seconds = time.monotonic() - sent_s
        body, headers = response.json(), dict(response.headers)
        if response.status_code != OK:
            return Reply(image, request_id, sent_s, seconds, response.status_code, str(body.get("type")), headers=headers)
        seen = tuple(_native_seen(found) for found in body["detections"])
        sheets = tuple(body["grid"]["sheets"])
        return Reply(image, request_id, sent_s, seconds, OK, seen=seen, headers=headers, sheets=sheets)

    def close(self) -> None:
        self._client.close()


def _native_seen(found: Mapping[str, Any]) -> Seen:
    edges = found["box"]["unit"]
    return Seen(found["label"], found["score"], UnitBox(edges["left"], edges["top"], edges["right"], edges["bottom"]))


class SdkClient:
    """boto3's own `detect_labels`. The request's id is the server's, since the SDK sends none."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def ask(self, image: IdentityImage, request_id: str) -> Reply:
        sent_s = time.monotonic()
        try:
            answer = self._client.detect_labels(Image={"Bytes": image.content})
        except ClientError as error:
            told = error.response["ResponseMetadata"]
            code, headers = error.response["Error"]["Code"], told["HTTPHeaders"]
            return Reply(image, request_id, sent_s, time.monotonic() - sent_s, told["HTTPStatusCode"], code, headers=headers)
        except BotoCoreError as error:
            return Reply(image, request_id, sent_s, time.monotonic() - sent_s, 0, f"{type(error).__name__}: {error}")
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        seconds = time.monotonic() - sent_s
        return Reply(image, headers["x-request-id"], sent_s, seconds, OK, seen=seen_in(answer), headers=headers)

    def close(self) -> None:
        self._client.close()


class Load:
    """Sends the images to the clients in turn. `start` returns at once, `wait` when the last answer is there."""

    def __init__(
        self, clients: Sequence[Client], images: Sequence[IdentityImage], *, rate_per_s: float, seed: int = 1, name: str = "r"
    ) -> None:
        self._clients = clients
        self._images = images
        self._times_s = poisson_times_s(len(images), rate_per_s, seed)
        self._name = name
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="client")
        self._futures: list[Future[Reply]] = []
        self._sender = threading.Thread(target=self._send, name="arrivals", daemon=True)

    def start(self) -> Load:
        self._sender.start()
        return self

    def stop(self) -> None:
        """Send no more; what is under way goes on."""
        self._stop.set()

    def wait(self) -> list[Reply]:
        """All replies, in the order in which their requests were sent. The clients' connections end with it."""
        self._sender.join()
        with self._pool:
            replies = [future.result() for future in self._futures]
        for client in self._clients:
            client.close()
        return replies

    @property
    def answered(self) -> int:
        return sum(future.done() for future in list(self._futures))

    @property
    def answers(self) -> list[Reply]:
        """Those that are there by now."""
        return [future.result() for future in list(self._futures) if future.done()]

    @property
    def sent(self) -> int:
        return len(self._futures)

    def _send(self) -> None:
        began_s = time.monotonic()
        work = zip(self._images, self._times_s, cycle(range(len(self._clients))), strict=False)
        for number, (image, at_s, client) in enumerate(work):
            if self._stop.wait(max(0.0, began_s + at_s - time.monotonic())):
                return
            ask = self._clients[client].ask
            self._futures.append(self._pool.submit(ask, image, f"{self._name}-{client}-{number}"))


def poisson_times_s(count: int, rate_per_s: float, seed: int) -> list[float]:
    """Independent clients: the pauses between arrivals are exponential."""
    chance = random.Random(seed)
    times, now_s = [], 0.0
    for _ in range(count):
        now_s += chance.expovariate(rate_per_s)
        times.append(now_s)
    return times


def run_load(clients: Sequence[Client], images: Sequence[IdentityImage], *, rate_per_s: float, **more: Any) -> list[Reply]:
    """Start and wait."""
    return Load(clients, images, rate_per_s=rate_per_s, **more).start().wait()


def mistakes(replies: Iterable[Reply], *, may_fail: Callable[[Reply], bool] = lambda reply: False) -> list[str]:
    """One line for each image without an answer, with a wrong or a missing box, or with somebody else's request id.

    `may_fail` says which requests may end with an error of the server's; an answer must be right in any case.
    """
    return [line for reply in replies for line in _mistakes_of(reply, may_fail)]


def _mistakes_of(reply: Reply, may_fail: Callable[[Reply], bool]) -> list[str]:
    about = f"{reply.request_id} (marker {reply.image.marker_id}, {reply.seconds:.2f} s)"
    if reply.status != OK:
        return [] if reply.status and may_fail(reply) else [f"{about}: {reply.status or 'lost'} {reply.error}"]
    found = [] if reply.headers.get("x-request-id") == reply.request_id else [f"{about}: somebody else's request id"]
    marks = judge_exact([reply.image.truth], reply.seen).marks
    return found + [f"{about}: {mark.fate.value} {mark.label} {mark.box}" for mark in marks if mark.fate is not Fate.RIGHT]


def request_ids_are_unique(replies: Iterable[Reply]) -> bool:
    ids = sorted(reply.request_id for reply in replies)
    return all(one != other for one, other in pairwise(ids))
