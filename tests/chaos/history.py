"""What happened, as data: each request with its attempts, each fault with its time, each inference that was paid.

Times are monotonic seconds. Written by `load`, `gate` and `stage`; read by `judge`, `money`, `recovery` and `report`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.demo.truth import Seen
from tests.chaos.images import Truth

OK = 200


class Ending(StrEnum):
    """How an attempt ended for the client."""

    ANSWERED = "answered"  # with whatever status
    REFUSED = "refused"  # no connection: nothing was sent, so the balancer asks another process
    BROKEN = "broken"  # the connection ended before the answer
    SILENT = "silent"  # nothing came in the request's time and the margin


class Task(StrEnum):
    DETECT = "detect"
    MODERATE = "moderate"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One time that the request was sent to one process.

    `error` is the vendor's own code, "" where the answer has none that its SDK would understand. `answered_id`: the request id
    that the answer carries, None where the SDK hides it. `surplus_bytes`: what came after a whole answer.
    `was_killed`: whether the process had been killed by the run when this ended.
    """

    process: str
    sent_s: float
    ended_s: float
    ending: Ending
    status: int = 0
    error: str = ""
    seen: tuple[Seen, ...] = ()
    layout: str = ""
    answered_id: str | None = None
    surplus_bytes: int = 0
    was_killed: bool = False
    words: str = ""

    @property
    def is_error(self) -> bool:
        """Whether it was answered with anything but what was asked for."""
        return self.ending is Ending.ANSWERED and (self.status != OK or bool(self.error))


@dataclass(frozen=True, slots=True)
class Request:
    """One image that a client wanted to know something about.

    `sdk_tries`: its SDK tries again by itself, also after an error. `truth.number` says which picture it was: a request for an
    equal one has the same.
    """

    id: str
    front: str
    task: Task
    truth: Truth
    due_s: float
    attempts: Sequence[Attempt]
    sdk_tries: bool = False

    @property
    def sent_s(self) -> float:
        """When it was first sent."""
        return self.attempts[0].sent_s

    @property
    def ended_s(self) -> float:
        return self.attempts[-1].ended_s

    @property
    def seconds(self) -> float:
        """What the last answer took: from the first attempt since the one before, if its SDK had an error and tried again."""
        answered = [number for number, one in enumerate(self.attempts[:-1], 1) if one.ending is Ending.ANSWERED]
        return self.ended_s - self.attempts[answered[-1] if answered else 0].sent_s

    @property
    def last(self) -> Attempt:
        return self.attempts[-1]


@dataclass(frozen=True, slots=True)
class Span:
    """A fault and its time. `facts`: what was seen of it while it lasted. A fault without length ends where it begins.

    `errors`, `pays_again`: what it may cause, as `timeline.Fault` says.
    """

    name: str
    words: str
    began_s: float
    ended_s: float
    until_s: float  # when the next one began, or the run ended
    facts: str = ""
    errors: float = 0.0
    pays_again: bool = False


@dataclass(frozen=True, slots=True)
class Payment:
    """One inference paid, and the markers in its picture."""

    at_s: float
    item: str
    markers: frozenset[int]


@dataclass(frozen=True, slots=True)
class Books:
    """What one process says it was asked, and how often the clients sent it something."""

    process: str
    counted: int
    sent: int


@dataclass(frozen=True, slots=True)
class History:
    """All of a run. `limit_s`: the request's own time. `joined`: what the API processes that are left say they joined."""

    limit_s: float
    requests: Sequence[Request]
    spans: Sequence[Span]
    payments: Sequence[Payment]
    books: Sequence[Books] = ()
    left: int = 0
    joined: Mapping[str, int] = field(default_factory=dict)
