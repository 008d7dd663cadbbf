"""A steady crowd of clients: open-loop arrivals, every front in its share, every image with an identity and an id.

In: a balancer, and a gate for SDKs that try again by themselves. Out: what happened to each request. An image leaves at its
time, whether or not earlier ones were answered; some are asked about twice at the same time. Beside it, at will, clients that
send slowly, read slowly, or leave when they have sent.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from tests.chaos import images
from tests.chaos.balancer import Balancer
from tests.chaos.fronts import LEAVING, RAW, SLOW, Front, Question
from tests.chaos.gate import Gate
from tests.chaos.history import Request, Task
from tests.chaos.judge import MARGIN_S
from tests.chaos.sdks import sdk_fronts

# Share of the arrivals, of a hundred and eight.
SHARES = {
    "native": 22,
    "rekognition": 14,
    "boto3": 12,
    "google": 10,
    "azure 4.0": 8,
    "azure 3.2": 8,
    "google SDK, REST": 5,
    "google SDK, gRPC": 5,
    "azure SDK 4.0": 4,
    "azure SDK 3.2": 4,
    "rekognition, moderate": 4,
    "boto3, moderate": 4,
    "boto3, own tries": 4,
    "azure SDK 4.0, own tries": 4,
}
# Of the arrivals, so many are two requests of one client about one picture.
EQUAL_SHARE = 1 / 15
# Two that are to ask at the same time wait for each other for so long at most, seconds.
MEET_S = 1.0
# Of the images to be moderated.
UNSAFE_SHARE = 0.2
# More than are ever under way at once: an image that waits for a free thread would leave late.
THREADS = 256
# In a phase of bad manners: slow clients and leaving ones, each so many a second.
BAD_PER_S = 4.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What the load does: `seed` decides all that is random."""

    rate_per_s: float
    seed: int
    limit_s: float

    @property
    def patience_s(self) -> float:
        """Longer than any answer may take: what is still not there then is lost."""
        return self.limit_s + 2 * MARGIN_S


class Load:
    """`start`, then `stop`, then `requests`."""

    def __init__(self, balancer: Balancer, gate: Gate, plan: Plan) -> None:
        self._balancer = balancer
        self._gate = gate
        self._plan = plan
        self._chance = random.Random(plan.seed)
        sdks = sdk_fronts()
        for front in sdks.values():
            for process in (gate,) if front.tries_again else balancer.processes:
                front.client(process, plan.patience_s)
        self._fronts: dict[str, Front] = {**RAW, **sdks}
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="client")
        self._futures: list[Future[Request]] = []
        self._due_s: list[float] = []
        self._leaving: list[Future[object]] = []
        self._numbers = threading.Lock()
        self._number = 0
        self._stop = threading.Event()
        self._bad = threading.Event()
        self._threads = [
            threading.Thread(target=self._arrive, name="arrivals", daemon=True),
            threading.Thread(target=self._arrive_badly, name="bad arrivals", daemon=True),
        ]

    def start(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def misbehave(self, bad: bool) -> None:
        """Whether slow and leaving clients come as well."""
        (self._bad.set if bad else self._bad.clear)()

    def stop(self) -> None:
        """Send no more, and wait for what is under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._pool.shutdown(wait=True)

    @property
    def left(self) -> int:
        """Clients that left when they had sent their request."""
        return len(self._leaving)

    def requests(self) -> Sequence[Request]:
        """Those that have ended, in the order in which they were due."""
        return [future.result() for future in list(self._futures) if future.done()]

    def settled_until_s(self) -> float:
        """All requests that were due before have ended."""
        now_s = time.monotonic()
        with self._numbers:
            left = [due_s for due_s, future in zip(self._due_s, self._futures, strict=True) if not future.done()]
        return min([now_s, *left])

    def _arrive(self) -> None:
        due_s = time.monotonic()
        names, shares = list(SHARES), list(SHARES.values())
        while True:
            due_s += self._chance.expovariate(self._plan.rate_per_s)
            if self._stop.wait(max(0.0, due_s - time.monotonic())):
                return
            front = self._fronts[self._chance.choices(names, shares)[0]]
            self._send(front, due_s, asking=2 if self._chance.random() < EQUAL_SHARE else 1)

    def _arrive_badly(self) -> None:
        while not self._stop.wait(1.0 / BAD_PER_S):
            if self._bad.is_set():
                self._send(SLOW, time.monotonic())
                self._leaving.append(self._pool.submit(self._leave, self._take()))

    def _send(self, front: Front, due_s: float, asking: int = 1) -> None:
        """So many requests about the next picture."""
        together = threading.Barrier(asking)
        with self._numbers:
            self._number += 1
            for place in range(asking):
                self._due_s.append(due_s)
                self._futures.append(self._pool.submit(self._one, front, self._number, due_s, place, together))

    def _take(self) -> int:
        with self._numbers:
            self._number += 1
            return self._number

    def _one(self, front: Front, number: int, due_s: float, place: int, together: threading.Barrier) -> Request:
        unsafe = front.task is Task.MODERATE and random.Random(number).random() < UNSAFE_SHARE
        question = self._question(number, place, unsafe=unsafe)
        with suppress(threading.BrokenBarrierError):
            together.wait(MEET_S)
        way = self._gate if front.tries_again else self._balancer
        attempts = way.ask(front, question, self._plan.patience_s)
        truth = images.truth(number, unsafe=unsafe)
        return Request(question.id, front.name, front.task, truth, due_s, attempts, front.tries_again)

    def _leave(self, number: int) -> None:
        self._balancer.ask(LEAVING, self._question(number), self._plan.patience_s)

    def _question(self, number: int, place: int = 0, *, unsafe: bool = False) -> Question:
        """The `place`-th request about this picture."""
        request_id = f"chaos-{self._plan.seed}-{number}" + (f"-{place}" if place else "")
        return Question(request_id, images.content(number, unsafe=unsafe), images.size_of(number))
