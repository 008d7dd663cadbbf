"""The demo's clients: threads that call boto3's own `detect_labels`, as any program does; only `endpoint_url` is ours.

In: images and when each is to be sent. Out: one `Reply` per image, with the answer or the error, and how long it took.
Called by `run` (through the proxy) and `photographs` (straight to the upstream).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
import numpy as np
from botocore.config import Config

# boto3 wants some credentials and a region; nobody on loopback checks them.
ACCESS_KEY_ID = SECRET_ACCESS_KEY = "demo"  # noqa: S105 - a word, not a secret
REGION = "us-east-1"
CONNECT_TIMEOUT_S = 5.0  # loopback
READ_TIMEOUT_S = 30.0  # far above any answer here; boto3's own 60 s would outlast the demo
DURATION = re.compile(r"\b([a-z]+);dur=([0-9.]+)")  # the Server-Timing header (W3C): name;dur=milliseconds
MS_PER_S = 1000.0


@dataclass(frozen=True, slots=True)
class Request:
    """One image of one client. `at_s` counts from the start of the run."""

    number: int
    content: bytes = field(repr=False)
    at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `answer` is boto3's own dictionary, or None where `error` says why there is none."""

    number: int
    seconds: float
    answer: Mapping[str, Any] | None = field(default=None, repr=False)
    error: str = ""

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the HTTP answer, lower case; boto3 keeps them for everyone."""
        return {} if self.answer is None else self.answer["ResponseMetadata"]["HTTPHeaders"]

    @property
    def layout(self) -> str:
        return self.headers.get("x-tessera-grid", "")

    @property
    def inferences(self) -> float:
        """This image's share of what was paid, as the answer tells it."""
        return float(self.headers.get("x-tessera-inferences", 0.0))

    @property
    def timings_ms(self) -> Mapping[str, float]:
        return server_timings_ms(self.headers.get("server-timing", ""))

    @property
    def added_ms(self) -> float | None:
        """What the client waited beyond the upstream's own time; None where the answer does not tell it."""
        upstream_ms = self.timings_ms.get("upstream")
        return None if upstream_ms is None else max(0.0, self.seconds * MS_PER_S - upstream_ms)


def server_timings_ms(header: str) -> dict[str, float]:
    """`wait;dur=12.5, upstream;dur=120` -> {"wait": 12.5, "upstream": 120.0}."""
    return {name: float(milliseconds) for name, milliseconds in DURATION.findall(header)}


def poisson_arrivals_s(count: int, rate_per_s: float, random: np.random.Generator) -> list[float]:
    """Independent clients: the gaps between arrivals are exponential."""
    return [float(at) for at in np.cumsum(random.exponential(1.0 / rate_per_s, count))]


def rekognition(endpoint_url: str, connections: int) -> Any:
    """boto3's own client, pointed at `endpoint_url`. Safe to share between threads, retries as boto3 comes."""
    config = Config(
        max_pool_connections=connections, connect_timeout=CONNECT_TIMEOUT_S, read_timeout=READ_TIMEOUT_S, proxies={}
    )
    session = boto3.session.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=REGION)
    return session.client("rekognition", endpoint_url=endpoint_url, config=config)


def ask(client: Any, request: Request, options: Mapping[str, Any]) -> Reply:
    """One call of `detect_labels`. Any failure is a reply of its own: the run goes on."""
    began_s = time.monotonic()
    try:
        answer = client.detect_labels(Image={"Bytes": request.content}, **options)
    except Exception as error:  # whatever a client can meet counts as "not answered", and is shown
        return Reply(request.number, time.monotonic() - began_s, error=f"{type(error).__name__}: {error}")
    return Reply(request.number, time.monotonic() - began_s, answer=answer)


class Crowd:
    """`clients` threads that send every request at its time, or as soon after it as one of them is free."""

    def __init__(self, client: Any, requests: Sequence[Request], clients: int, options: Mapping[str, Any]) -> None:
        self._client = client
        self._options = dict(options)
        self._queue: Iterator[Request] = iter(sorted(requests, key=lambda request: request.at_s))
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._replies: list[Reply] = []
        self._threads = [threading.Thread(target=self._work, name=f"client {n + 1}", daemon=True) for n in range(clients)]
        self._began_s = 0.0

    def run(self, watch: Callable[[int], None] = lambda answered: None, every_s: float = 1.0) -> list[Reply]:
        """All replies, in the order of the requests' numbers. `watch` is called about every `every_s` and may raise."""
        self._began_s = time.monotonic()
        try:
            for thread in self._threads:
                thread.start()
            for thread in self._threads:
                while thread.is_alive():
                    thread.join(every_s)
                    watch(len(self._replies))
        finally:
            self._stop.set()
        return sorted(self._replies, key=lambda reply: reply.number)

    def _work(self) -> None:
        while (request := self._next()) is not None:
            early_s = self._began_s + request.at_s - time.monotonic()
            if self._stop.wait(max(0.0, early_s)):
                return
            reply = ask(self._client, request, self._options)
            with self._lock:
                self._replies.append(reply)

    def _next(self) -> Request | None:
        with self._lock:
            return next(self._queue, None)
