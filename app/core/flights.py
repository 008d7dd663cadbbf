"""Equal questions that are under way at the same time, as a state machine: one asks, the others wait for its outcome. Pure.

    begin --nobody asks--> MINE      finish: whoever waits is told, and the outcome is kept for those whom `Keep` names
          --under way----> THEIRS    abandon: whoever waits is told, and the first of them to begin again leads
          --kept---------> FINISHED

A flight is one key: what makes two questions equal, the tenant first (`flight_key`). Each asker has a token of its own; whoever
leads holds a lease. Used by the memory store, and by the tests as the model of what the Redis scripts do.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum

from app.core.model import Answer, Inquiry, Outcome

# Time between two looks for what has expired, seconds.
SWEEP_S = 5.0
# Memory that one detection takes, and an outcome without any, bytes: a dozen fields of the vendor's with their names.
DETECTION_BYTES = 2048
# A leader whose lease has ended may still finish, where nobody has taken over; after so long it is forgotten, seconds.
FORGET_S = 60.0


class Standing(StrEnum):
    """What an asker finds."""

    MINE = "mine"
    THEIRS = "theirs"
    FINISHED = "finished"


class How(StrEnum):
    """How somebody came by an outcome that he did not pay for (metric label)."""

    FLIGHT = "flight"  # under way when he came
    RETRY = "retry"  # his own, or one whose client had left: asked for again
    CACHE = "cache"  # of the operator's result cache


class Keep(StrEnum):
    """For whom the outcome of a finished flight is kept."""

    WAITING = "waiting"  # for those who wait now, and whoever comes before they have fetched it
    RETURNING = "returning"  # for them, and whoever comes again with the id of one who asked
    UNCLAIMED = "unclaimed"  # for everybody equal: its own client had left before it was there
    CACHE = "cache"  # for everybody equal: the operator wants it


@dataclass(frozen=True, slots=True)
class Flight:
    """One asker of one question, on his own account or on that of several in his process. `retry_ids`: of each call that says
    which it is, what all of its tries carry.
    """

    key: str
    token: str
    retry_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Begun:
    """What `begin` found: of THEIRS the time left of its lease, of FINISHED how the outcome is come by, and the outcome; None
    where it cannot be read.
    """

    standing: Standing
    left_s: float = 0.0
    outcome: Outcome | None = None
    how: How = How.FLIGHT


@dataclass(slots=True)
class _Record:
    token: str | None
    until_s: float
    outcome: Outcome | None = None
    keep: Keep = Keep.WAITING
    waiting: set[str] = field(default_factory=set)
    returning: set[str] = field(default_factory=set)

    def how(self, asker: Flight) -> How | None:
        """How the asker may have the outcome, if at all."""
        if asker.token in self.waiting:
            return How.FLIGHT
        if asker.retry_ids & self.returning or self.keep is Keep.UNCLAIMED:
            return How.RETRY
        if self.keep is Keep.CACHE:
            return How.CACHE
        # A newcomer could not lead without taking the outcome from those who have not fetched it yet: he shares it.
        return How.FLIGHT if self.waiting else None

    def is_over(self, now_s: float) -> bool:
        """Whether nobody can come for it any more; those who wait for a leader that is gone are still to come."""
        if self.outcome is not None:
            return self.until_s <= now_s
        return self.until_s <= now_s - FORGET_S and not self.waiting

    @property
    def is_kept_for_anybody(self) -> bool:
        return bool(self.waiting or self.returning) or self.keep in {Keep.UNCLAIMED, Keep.CACHE}


class Flights:
    """All flights of one store. `max_bytes` bounds the outcomes that are kept, as far as their size is known; the one that was
    kept first goes first.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._kept_bytes = 0
        self._swept_s = float("-inf")

    def begin(self, asker: Flight, lease_s: float, now_s: float) -> Begun:
        """Ask, and lead where nobody does."""
        self._sweep(now_s)
        record = self._records.get(asker.key)
        if record is not None and record.until_s > now_s:
            how = None if record.outcome is None else record.how(asker)
            if record.outcome is not None and how is not None:
                self._fetched(asker, record)
                return Begun(Standing.FINISHED, outcome=record.outcome, how=how)
            if record.outcome is None and record.token != asker.token:
                record.waiting.add(asker.token)
                record.returning |= asker.retry_ids
                return Begun(Standing.THEIRS, left_s=record.until_s - now_s)
        self._lead(asker, record, now_s + lease_s)
        return Begun(Standing.MINE)

    def _fetched(self, asker: Flight, record: _Record) -> None:
        """What was kept only for those who wait goes with the last of them."""
        record.waiting.discard(asker.token)
        if record.keep is Keep.RETURNING:
            record.returning |= asker.retry_ids
        if not record.is_kept_for_anybody:
            self._forget(asker.key)

    def _lead(self, asker: Flight, record: _Record | None, until_s: float) -> None:
        if record is None or record.outcome is not None:
            self._forget(asker.key)
            record = self._records[asker.key] = _Record(asker.token, until_s)
        record.token, record.until_s = asker.token, until_s
        record.waiting.discard(asker.token)
        record.returning |= asker.retry_ids

    def extend(self, leader: Flight, lease_s: float, now_s: float) -> bool:
        """Move the end of the lease. False for one who leads no more."""
        record = self._records.get(leader.key)
        if record is None or record.token != leader.token:
            return False
        record.until_s = now_s + lease_s
        return True

    def finish(self, leader: Flight, outcome: Outcome, keep: Keep, until_s: float) -> bool:
        """Keep the outcome for whom it is meant. False, and nothing is changed, for one who leads no more."""
        record = self._records.get(leader.key)
        if record is None or record.token != leader.token:
            return False
        record.keep = keep
        record.returning |= leader.retry_ids
        if keep is Keep.WAITING:
            record.returning.clear()
        if not record.is_kept_for_anybody:
            self._forget(leader.key)
            return True
        record.token, record.outcome, record.until_s = None, outcome, until_s
        self._kept_bytes += _size_bytes(outcome)
        self._records.move_to_end(leader.key)
        self._make_room()
        return True

    def abandon(self, asker: Flight) -> bool:
        """Who leads lets go, who waits leaves. Whether others wait and have to be told."""
        record = self._records.get(asker.key)
        if record is None:
            return False
        record.waiting.discard(asker.token)
        is_leader = record.token == asker.token
        if is_leader:
            record.token, record.until_s = None, float("-inf")
        if record.token is None and record.outcome is None and not record.waiting:
            self._forget(asker.key)
        return is_leader and bool(record.waiting)

    def is_joined(self, leader: Flight) -> bool:
        """Whether he leads, and somebody waits."""
        record = self._records.get(leader.key)
        return record is not None and record.token == leader.token and bool(record.waiting)

    def _make_room(self) -> None:
        if self._kept_bytes <= self._max_bytes:
            return
        for key in [key for key, record in self._records.items() if record.outcome is not None]:
            self._forget(key)
            if self._kept_bytes <= self._max_bytes:
                return

    def _sweep(self, now_s: float) -> None:
        if now_s - self._swept_s < SWEEP_S:
            return
        self._swept_s = now_s
        for key in [key for key, record in self._records.items() if record.is_over(now_s)]:
            self._forget(key)

    def _forget(self, key: str) -> None:
        record = self._records.pop(key, None)
        if record is not None and record.outcome is not None:
            self._kept_bytes -= _size_bytes(record.outcome)


def flight_key(tenant: str, way: list[str], image_sha256: str, inquiry: Inquiry) -> str:
    """The same for questions with one answer, hexadecimal. `way`: what else decides how an image is asked about.

    The tenant is always a part of it: what one has asked says nothing to another, also where they share sheets.
    """
    asked = [
        inquiry.feature,
        inquiry.parameters,
        repr(inquiry.min_score_unit),
        repr(inquiry.max_results),
        inquiry.own_vendor,
        inquiry.own_request,
        *inquiry.categories,
    ]
    return hashlib.sha256(json.dumps([tenant, way, image_sha256, asked]).encode()).hexdigest()


def _size_bytes(outcome: Outcome) -> int:
    """About what it takes in memory."""
    answer = outcome.result
    if not isinstance(answer, Answer):
        return DETECTION_BYTES
    return len(answer.verbatim or b"") + DETECTION_BYTES * (1 + len(answer.detections))
