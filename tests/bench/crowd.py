"""A closed-loop crowd of clients over kept connections, and what the kernel knows about a process. For benchmarks.

In: requests as bytes, how many at a time. Out: a `Run`: how long each answer took, and the answers. The requests are made
beforehand and go out over plain sockets: what the clients themselves cost stays small and the same for everybody.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.http_raw import Reply, connected, read_reply, request

OK = 200
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
KIB_PER_MIB = 1024
# In /proc/PID/stat, counted from behind the process's name (which may hold anything): user and system time, in ticks.
USER_FIELD, SYSTEM_FIELD = 11, 12


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer: which picture was asked about, and when it was there."""

    picture: int
    seconds: float
    reply: Reply = field(repr=False)


@dataclass(frozen=True, slots=True)
class Run:
    """So many images one after another by so many clients. `cpu_s` is the time of the process that was measured."""

    took_s: float
    cpu_s: float
    answers: tuple[Answered, ...] = field(repr=False)

    @property
    def images(self) -> int:
        return len(self.answers)

    @property
    def per_second(self) -> float:
        return self.images / self.took_s

    @property
    def cpu_ms_per_image(self) -> float:
        return 1000 * self.cpu_s / self.images

    @property
    def latencies_ms(self) -> list[float]:
        return [1000 * answer.seconds for answer in self.answers]

    @property
    def inferences(self) -> float:
        """What the answers say was paid for them; one each where they say nothing."""
        return sum(float(answer.reply.headers.get("x-tessera-inferences", "1")) for answer in self.answers)

    @property
    def waited_ms(self) -> list[float]:
        """Time in the accumulator, as the answers say."""
        return [float(answer.reply.headers.get("x-tessera-wait-ms", "0")) for answer in self.answers]


def run_crowd(url: str, requests: Sequence[bytes], *, clients: int, images: int, pid: int | None = None) -> Run:
    """Each client sends the next request as soon as it has its last answer. An answer other than 200 ends the benchmark."""
    numbers = iter(range(images))
    turn = threading.Lock()

    def client() -> list[Answered]:
        answers = []
        with connected(url) as connection:
            while (number := _next(numbers, turn)) is not None:
                picture = number % len(requests)
                began_s = time.perf_counter()
                connection.sendall(requests[picture])
                reply = read_reply(connection)
                answers.append(Answered(picture, time.perf_counter() - began_s, reply))
                if reply.status != OK:
                    raise RuntimeError(f"{url} answered {reply.status}: {reply.body[:500]!r}")
        return answers

    cpu_s, began_s = cpu_seconds(pid), time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        futures = [pool.submit(client) for _ in range(clients)]
        answers = tuple(answer for future in futures for answer in future.result())
    return Run(time.perf_counter() - began_s, cpu_seconds(pid) - cpu_s, answers)


def _next(numbers: Iterator[int], turn: threading.Lock) -> int | None:
    with turn:
        return next(numbers, None)


def cpu_seconds(pid: int | None) -> float:
    """User and system time of a process so far, all its threads; 0 for none."""
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[USER_FIELD]) + int(fields[SYSTEM_FIELD])) / TICKS_PER_S


def memory_mib(pid: int, what: str = "VmRSS") -> float:
    """Resident memory now (`VmRSS`) or at its highest (`VmHWM`)."""
    found = re.search(rf"{what}:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    assert found is not None, what
    return int(found[1]) / KIB_PER_MIB


@contextmanager
def probing(urls: Sequence[str], every_s: float) -> Iterator[list[list[float]]]:
    """While the block runs, GET `/healthz` of each in turn over a kept connection; gives each one's latencies, in ms."""
    latencies_ms: list[list[float]] = [[] for _ in urls]
    stop = threading.Event()
    thread = threading.Thread(target=_probe, args=(urls, latencies_ms, every_s, stop), name="probe")
    thread.start()
    try:
        yield latencies_ms
    finally:
        stop.set()
        thread.join()


def _probe(urls: Sequence[str], latencies_ms: Sequence[list[float]], every_s: float, stop: threading.Event) -> None:
    question = request(b"", method="GET", path="/healthz", target=None)
    with ExitStack() as stack:
        targets = [(stack.enter_context(connected(url)), kept_ms) for url, kept_ms in zip(urls, latencies_ms, strict=True)]
        while not stop.wait(every_s):
            for connection, kept_ms in targets:
                began_s = time.perf_counter()
                connection.sendall(question)
                read_reply(connection, "GET")
                kept_ms.append(1000 * (time.perf_counter() - began_s))
