"""The arrivals that are played: read from a log, or drawn at a rate.

In: the lines of a log, or a rate and a seed. Out: `Arrival`s in order, the first at 0. Called by `command`.

A line of a log is a time (seconds with any origin, or an ISO timestamp) and, after a comma, a tab or a space, the name of a
lane, where there are several. Empty lines and lines that begin with `#` say nothing. A line that cannot be read is named and
passed over; times that go back are refused, unless they are to be sorted: an access log is written when requests end, so the
order of its lines says nothing about a mistake, but then somebody has to say that it is such a log.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

# A date and a time of day with a space between them are one timestamp.
_TWO_WORDS = re.compile(r"^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}[^\s,]*)[\s,]*(.*)$")
_COLUMNS = re.compile(r"\s*[,\t]\s*|\s+")


class LogRefused(ValueError):
    """The log cannot be played; the text names the line."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One image: seconds since the first one, and its lane."""

    at_s: float
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line that was passed over, and why."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class ArrivalLog:
    """What a log held."""

    arrivals: tuple[Arrival, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def lanes(self) -> int:
        return len({arrival.lane for arrival in self.arrivals})

    @property
    def seconds(self) -> float:
        """From the first arrival to the last."""
        return self.arrivals[-1].at_s if self.arrivals else 0.0


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    at_s: float
    kind: str
    lane: str


def read_log(lines: Iterable[str], *, sort: bool = False) -> ArrivalLog:
    """Raises LogRefused where no line can be used, and where times go back and nobody said `sort`."""
    read: list[_Line] = []
    skipped: list[Skipped] = []
    for number, text in enumerate(lines, start=1):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        try:
            line = _read(number, text.strip())
        except ValueError as error:
            skipped.append(Skipped(number, str(error)))
            continue
        if read and line.kind != read[0].kind:
            skipped.append(Skipped(number, f"{line.kind}, but line {read[0].number} holds {read[0].kind}"))
        else:
            read.append(line)
    if not read:
        said = f"; line {skipped[0].number}: {skipped[0].reason}" if skipped else ""
        raise LogRefused(f"no arrival in the log{said}")
    return ArrivalLog(_in_order(read, sort=sort), tuple(skipped))


def poisson(images: int, rate_per_s: float, seed: int) -> ArrivalLog:
    """Independent clients in one lane: the pauses between arrivals are exponential."""
    chance = random.Random(seed)  # noqa: S311  # made-up traffic, no secret
    at_s, arrivals = 0.0, [Arrival(0.0)]
    for _ in range(images - 1):
        at_s += chance.expovariate(rate_per_s)
        arrivals.append(Arrival(at_s))
    return ArrivalLog(tuple(arrivals))


def _in_order(read: list[_Line], *, sort: bool) -> tuple[Arrival, ...]:
    if sort:
        read = sorted(read, key=lambda line: line.at_s)
    for before, line in pairwise(read):
        if line.at_s < before.at_s:
            raise LogRefused(f"line {line.number} is earlier than line {before.number}; --sort puts the log in order")
    return tuple(Arrival(line.at_s - read[0].at_s, line.lane) for line in read)


def _read(number: int, text: str) -> _Line:
    """Raises ValueError with what is wrong."""
    two_words = _TWO_WORDS.match(text)
    if two_words:
        text = f"{two_words[1]}T{two_words[2]} {two_words[3]}".strip()
    first, *others = _COLUMNS.split(text, maxsplit=1)
    at_s, kind = _time(first)
    return _Line(number, at_s, kind, others[0].strip() if others else "")


def _time(word: str) -> tuple[float, str]:
    """Seconds, and what kind of time it is: kinds have different origins and do not mix."""
    try:
        at_s = float(word)
    except ValueError:
        return _timestamp(word)
    if not math.isfinite(at_s):
        raise ValueError(f"{word!r} is no time")
    return at_s, "seconds"


def _timestamp(word: str) -> tuple[float, str]:
    try:
        at = datetime.fromisoformat(word)
    except ValueError:
        raise ValueError(f"{word[:40]!r} is neither seconds nor an ISO timestamp") from None
    if at.tzinfo is None:  # only differences count, so any zone will do that has no summer time
        return at.replace(tzinfo=UTC).timestamp(), "a timestamp without a zone"
    return at.timestamp(), "a timestamp with a zone"
