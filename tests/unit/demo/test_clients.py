"""The clients: every request is sent once, at its time, by whichever is free; what happens to one does not stop the rest."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from app.demo.clients import Crowd, Reply, Request, ask, poisson_arrivals_s, server_timings_ms

LIMIT_S = 20.0  # for events that come at once on a machine that is not overloaded


def answer_of(headers: Mapping[str, str], labels: list[Any] | None = None) -> dict[str, Any]:
    return {"Labels": labels or [], "ResponseMetadata": {"HTTPHeaders": dict(headers)}}


class FakeRekognition:
    """At the seam: what the clients call of boto3. Refuses what boto3 would refuse, fails on request."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.threads: set[str] = set()
        self._lock = threading.Lock()

    def detect_labels(self, *, Image: Mapping[str, bytes], MinConfidence: float = 55.0) -> dict[str, Any]:  # noqa: N803 - boto3's own spelling
        content = Image["Bytes"]
        with self._lock:
            self.asked.append(content)
            self.threads.add(threading.current_thread().name)
        if content == b"bad":
            raise ConnectionError("refused")
        return answer_of({"x-tessera-grid": "2x1"}, [{"Name": content.decode(), "Confidence": MinConfidence}])


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", {}),
        ("wait;dur=12.5, compose;dur=3, upstream;dur=120.25", {"wait": 12.5, "compose": 3.0, "upstream": 120.25}),
        ("wait;dur=1,upstream;dur=2", {"wait": 1.0, "upstream": 2.0}),
        ("cache;desc=hit", {}),
    ],
)
def test_server_timing_is_read_by_name(header: str, expected: dict[str, float]) -> None:
    assert server_timings_ms(header) == expected


@pytest.mark.parametrize(
    ("seconds", "header", "expected"),
    [(0.3, "upstream;dur=120", 180.0), (0.1, "upstream;dur=120", 0.0), (0.3, "wait;dur=10", None), (0.3, "", None)],
    ids=["the rest of the time", "never below nothing", "the upstream's time is not told", "nothing is told"],
)
def test_added_latency_is_what_the_client_waited_beyond_the_upstreams_own_time(
    seconds: float, header: str, expected: float | None
) -> None:
    reply = Reply(0, seconds, answer_of({"server-timing": header}))
    assert reply.added_ms == (None if expected is None else pytest.approx(expected))


def test_an_unanswered_request_tells_nothing() -> None:
    reply = Reply(0, 1.0, error="ConnectionError: refused")
    assert (reply.layout, dict(reply.timings_ms), reply.added_ms) == ("", {}, None)


def test_arrivals_are_in_order_repeatable_and_at_the_rate() -> None:
    arrivals_s = poisson_arrivals_s(4000, 20.0, np.random.default_rng(1))
    assert arrivals_s == sorted(arrivals_s)
    assert arrivals_s == poisson_arrivals_s(4000, 20.0, np.random.default_rng(1))
    assert arrivals_s[-1] == pytest.approx(200.0, rel=0.1)


def test_a_failure_is_a_reply_of_its_own() -> None:
    reply = ask(FakeRekognition(), Request(3, b"bad"), {})
    assert (reply.number, reply.answer, reply.error) == (3, None, "ConnectionError: refused")


def test_every_request_gets_its_own_reply_whatever_becomes_of_the_others() -> None:
    fake = FakeRekognition()
    contents = [b"bad" if number % 5 == 0 else f"image {number}".encode() for number in range(40)]
    replies = Crowd(fake, [Request(n, content) for n, content in enumerate(contents)], 8, {"MinConfidence": 50.0}).run()
    assert [reply.number for reply in replies] == list(range(40))
    assert sorted(fake.asked) == sorted(contents)
    for reply, content in zip(replies, contents, strict=True):
        if content == b"bad":
            assert reply.answer is None
        else:
            assert reply.answer is not None
            assert reply.answer["Labels"] == [{"Name": content.decode(), "Confidence": 50.0}]


def test_requests_leave_at_their_times_not_before() -> None:
    replies = Crowd(FakeRekognition(), [Request(1, b"later", at_s=0.2), Request(0, b"now")], 2, {}).run()
    assert [reply.number for reply in replies] == [0, 1]


def test_clients_are_concurrent() -> None:
    """Four calls that only end together: with fewer than four clients at once this would never finish."""
    together = threading.Barrier(4)

    class Meeting(FakeRekognition):
        def detect_labels(self, **request: Any) -> dict[str, Any]:
            together.wait(LIMIT_S)
            return super().detect_labels(**request)

    replies = Crowd(Meeting(), [Request(number, b"x") for number in range(4)], 4, {}).run()
    assert all(reply.answer is not None for reply in replies)


def test_whoever_watches_can_call_it_off() -> None:
    hold = threading.Event()

    class Stalled(FakeRekognition):
        def detect_labels(self, **request: Any) -> dict[str, Any]:
            hold.wait(LIMIT_S)
            return super().detect_labels(**request)

    class CalledOffError(Exception):
        pass

    def watch(answered: int) -> None:
        raise CalledOffError

    fake = Stalled()
    with pytest.raises(CalledOffError):
        Crowd(fake, [Request(number, b"x", at_s=number * LIMIT_S) for number in range(3)], 2, {}).run(watch, every_s=0.01)
    hold.set()
