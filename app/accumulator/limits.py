"""Every time limit of the Redis accumulator in one place: how long what may take, and why. Tests pass shorter ones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """All in seconds but `connections`.

    `call_s`: a call without an answer has failed. Milliseconds are normal; a client would rather be sent alone than wait
    longer. `connect_s`: the part of it that opening a connection may take.
    `flight_s`: to see whether somebody asks the same already is worth less: this is the most that it may add to a request.
    `deliver_s`: what has been paid for is delivered with more patience, over several tries: a restart of the store is over
    by then.
    `block_s`: the longest single blocking pop. It bounds how late a lost connection, a lost token or a lost reply is noticed.
    `recheck_s`: a waiting claim looks again after so long, whatever it was told: the safety net under lost wake-ups.
    `recall_s`: an outcome that has not come for so long is asked for, once per such a time.
    `beat_s`, `worker_ttl_s`: how often a claiming process says that it is alive, and after which silence it is not; five
    beats, so that one slow moment of a busy machine does not stop the gathering.
    `first_backoff_s`, `longest_backoff_s`: pauses between tries to connect, doubling.
    `connections`: short calls at a time, per process; they take about a millisecond, so this is tens of thousands a second.
    """

    call_s: float = 2.0
    connect_s: float = 1.0
    flight_s: float = 0.3
    deliver_s: float = 6.0
    block_s: float = 1.0
    recheck_s: float = 1.0
    recall_s: float = 2.0
    beat_s: float = 1.0
    worker_ttl_s: float = 5.0
    first_backoff_s: float = 0.05
    longest_backoff_s: float = 1.0
    connections: int = 32

    @property
    def blocking_read_s(self) -> float:
        """Socket time-out of a blocking pop: above the block itself, or an idle list would look like a dead connection."""
        return self.block_s + self.call_s
