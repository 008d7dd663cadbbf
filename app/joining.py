"""Equal questions share one flight: whoever comes second waits for the first one's outcome, and pays nothing. Called by the
pipeline, after admission, once per inquiry.

    ask -> a party of the same question in this process: its guest, who gets its outcome, or asks again where there is none
       `-> host of one -> the flight store --mine------> the whole way, as a task of its own; then the outcome is kept
                                           |-theirs----> told when it has ended -> ask again (its leader failed: the next leads)
                                           |-finished--> the outcome, for nothing
                                           `-away------> the whole way, shared in this process only

However many ask the same, each process asks the store once. A client that leaves ends its flight only where nobody else has
joined and nothing has been paid; what is being paid is carried to its end and kept for a while, because an SDK that has lost
patience asks again. Nobody inherits what was only the leader's misfortune: not its leaving, not its time limit, not a failure
of ours.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from app.accumulator.contract import FlightStore
from app.clock import Clock
from app.core.breaker import Breaker
from app.core.flights import Begun, Flight, How, Keep, Standing
from app.core.model import Answer, Bill, Outcome
from app.errors import Fault, Kind, Problem
from app.fares import Fare
from app.log import get_logger

# When the process goes down, longest for what is still to be told to the others, seconds.
LAST_WORDS_S = 0.5
# Between two tries of somebody who waits and cannot ask the store, seconds.
AGAIN_S = 0.2

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class JoinTimes:
    """All in seconds.

    `lease_s`: a leader that died is followed by another after so long, well within a request's time. `renew_s`: so often it is
    renewed; a busy machine does not lose it.
    `look_s`: whoever waits looks again after so long, whatever he was told: the safety net under lost messages.
    `patience_s`: so long he tries again when the store cannot be asked.
    `retry_s`: so long an answer is kept whose client has left: SDKs try again within seconds, patient ones within a minute.
    `linger_s`: the same for one that was delivered, for a retry that names the same call: its client may have left just before.
    `cache_s`: so long every answer is kept for whoever asks the same; 0: not at all.
    """

    lease_s: float = 4.0
    renew_s: float = 1.0
    look_s: float = 2.0
    patience_s: float = 2.0
    retry_s: float = 60.0
    linger_s: float = 15.0
    cache_s: float = 0.0


Fly = Callable[[Fare], Coroutine[Any, Any, Outcome]]


class JoinLedger(Protocol):
    """What is counted here; the metrics module implements it."""

    def joined(self, how: How) -> None: ...
    def unjoined(self) -> None:
        """The store could not be asked."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: `key` as `core.flights.flight_key` makes it. After `until_s` it is too late to wait for somebody else."""

    key: str
    retry_id: str
    until_s: float


def _ids(question: Question) -> set[str]:
    return {question.retry_id} if question.retry_id else set()


@dataclass(slots=True)
class _Party:
    """All who ask the same question here at the same time. `guests`: those beside the host; `retry_ids`: of all of them.
    `end` is the outcome for the guests, None where they have to ask again.
    """

    key: str
    end: asyncio.Future[Outcome | None]
    retry_ids: set[str]
    guests: int = 0


@dataclass(slots=True)
class _Voyage:
    """A flight that is led here. `is_known`: to the store; `since_s`: by the loop's clock. `left`: its own client has."""

    flight: Flight
    party: _Party
    fare: Fare
    task: asyncio.Task[Outcome]
    is_known: bool
    since_s: float
    left: bool = False


class Joiner:
    """One per API process."""

    def __init__(self, store: FlightStore, ledger: JoinLedger, clock: Clock, times: JoinTimes | None = None) -> None:
        self._store = store
        self._ledger = ledger
        self._clock = clock
        self._times = times or JoinTimes()
        self._breaker = Breaker()
        self._parties: dict[str, _Party] = {}
        self._voyages: dict[str, _Voyage] = {}
        self._errands: set[asyncio.Task[Any]] = set()
        self._heart: asyncio.Task[None] | None = None

    async def share(self, question: Question, fly: Fly) -> Outcome:
        """The outcome of an equal flight that is under way or was kept, or of one of our own."""
        began_s = self._clock.now_s()
        while (party := self._parties.get(question.key)) is not None:
            left_s = question.until_s - self._clock.now_s()
            if left_s <= 0:
                return await fly(Fare())
            outcome = await self._visit(party, question, left_s)
            if outcome is not None:
                return self._joined(outcome, How.FLIGHT, began_s)
        return await self._host(question, fly, began_s)

    @property
    def guests(self) -> int:
        """How many wait here for somebody else's answer."""
        return sum(party.guests for party in self._parties.values())

    async def close(self) -> None:
        """What is led here ends; those who wait elsewhere are told, and lead themselves."""
        tasks = [voyage.task for voyage in self._voyages.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._heart is not None:
            self._heart.cancel()
        if self._errands:
            await asyncio.wait(set(self._errands), timeout=LAST_WORDS_S)

    async def _visit(self, party: _Party, question: Question, longest_s: float) -> Outcome | None:
        """The party's outcome; None where it ended without one, or there is no more time."""
        party.guests += 1
        party.retry_ids |= _ids(question)
        try:
            await asyncio.wait({party.end}, timeout=longest_s)
        finally:
            party.guests -= 1
        return party.end.result() if party.end.done() else None

    async def _host(self, question: Question, fly: Fly, began_s: float) -> Outcome:
        """Ask the store, on the account of all who come meanwhile."""
        party = _Party(question.key, asyncio.get_running_loop().create_future(), _ids(question))
        self._parties[question.key] = party
        asker = Flight(question.key, uuid.uuid4().hex, frozenset(party.retry_ids))
        try:
            begun = await self._look(asker, party, question)
        except BaseException:
            self._end(party, None)
            raise
        if begun is None or begun.standing is Standing.MINE:
            return await self._lead(asker, party, fly, is_known=begun is not None)
        self._end(party, begun.outcome)
        return await fly(Fare()) if begun.outcome is None else self._joined(begun.outcome, begun.how, began_s)

    def _end(self, party: _Party, outcome: Outcome | None) -> None:
        del self._parties[party.key]
        party.end.set_result(outcome)

    async def _look(self, asker: Flight, party: _Party, question: Question) -> Begun | None:
        """MINE or FINISHED, whatever has to be waited for; FINISHED without an outcome where there is no more time for that.
        None where the store cannot be asked: whoever waits already has patience with it, for his answer may lie there.
        """
        waits, until_s = False, self._clock.now_s()
        with self._store.listen(asker.key) as ended:
            try:
                while True:
                    ended.clear()
                    begun = await self._begin(replace(asker, retry_ids=frozenset(party.retry_ids)), waits)
                    now_s = self._clock.now_s()
                    if begun is None:
                        if now_s >= until_s:
                            break
                        await asyncio.sleep(AGAIN_S)
                        continue
                    if begun.standing is not Standing.THEIRS:
                        return begun
                    waits, until_s = True, now_s + self._times.patience_s
                    longest_s = min(begun.left_s, question.until_s - now_s)
                    if longest_s <= 0:
                        begun = Begun(Standing.FINISHED)
                        break
                    with suppress(TimeoutError):
                        async with asyncio.timeout(min(longest_s, self._times.look_s)):
                            await ended.wait()
            except asyncio.CancelledError:
                if waits:
                    self._owe(self._store.abandon(asker))
                raise
        if waits:
            self._owe(self._store.abandon(asker))
        return begun

    async def _begin(self, asker: Flight, waits: bool) -> Begun | None:
        """What the store says; None where it cannot be asked, and then nobody else asks for a moment who does not wait yet."""
        if not waits and not self._breaker.may_try(self._clock.now_s()):
            self._ledger.unjoined()
            return None
        try:
            begun = await self._store.begin(asker, self._times.lease_s)
        except Problem as problem:
            log.warning("cannot see whether an equal image is under way", reason=problem.detail)
            self._breaker.failed(self._clock.now_s())
            self._ledger.unjoined()
            return None
        self._breaker.succeeded()
        return begun

    def _joined(self, outcome: Outcome, how: How, began_s: float) -> Outcome:
        """Somebody else's outcome, for nothing."""
        self._ledger.joined(how)
        own_s = self._clock.now_s() - began_s
        bill = outcome.bill
        own = Bill(bill.layout, 0.0, bill.sheet_id, bill.release, min(bill.waited_s, own_s), 0.0, min(bill.provider_s, own_s))
        return replace(outcome, bill=own)

    async def _lead(self, asker: Flight, party: _Party, fly: Fly, *, is_known: bool) -> Outcome:
        fare = Fare()
        task = asyncio.create_task(fly(fare), name=f"flight {asker.token}")
        voyage = _Voyage(asker, party, fare, task, is_known, asyncio.get_running_loop().time())
        self._voyages[asker.token] = voyage
        task.add_done_callback(lambda _task: self._ended(voyage))
        if self._heart is None or self._heart.done():
            self._heart = asyncio.create_task(self._beat(), name="flights")
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            voyage.left = True
            await asyncio.shield(self._owe(self._after_leaving(voyage)))
            raise
        return task.result()

    async def _after_leaving(self, voyage: _Voyage) -> None:
        """The client has left. Its flight goes on for those who have joined, as long as one of them is there, and where it is
        being paid.
        """
        if voyage.fare.is_paid or voyage.task.done() or await self._is_joined(voyage):
            return
        if await voyage.fare.take_back():
            voyage.task.cancel()
            await asyncio.wait({voyage.task})

    async def _is_joined(self, voyage: _Voyage) -> bool:
        if voyage.party.guests or not voyage.is_known:
            return voyage.party.guests > 0
        try:
            return await self._store.is_joined(voyage.flight)
        except Problem:
            return False

    def _ended(self, voyage: _Voyage) -> None:
        """Whoever waits elsewhere is told in the background: clients of this process have their answer at once."""
        del self._voyages[voyage.flight.token]
        task = voyage.task
        keeping = None if task.cancelled() or task.exception() is not None else self._keeping(task.result(), voyage.left)
        self._end(voyage.party, None if keeping is None else task.result())
        flight = replace(voyage.flight, retry_ids=frozenset(voyage.party.retry_ids))
        if keeping is None and voyage.is_known:
            self._owe(self._store.abandon(flight))
        elif keeping is not None and voyage.is_known:
            self._owe(self._store.finish(flight, task.result(), *keeping))

    def _keeping(self, outcome: Outcome, left: bool) -> tuple[Keep, float] | None:
        """For whom and for how long; None for what nobody else is to inherit."""
        times = self._times
        if isinstance(outcome.result, Answer):
            if left:
                return Keep.UNCLAIMED, max(times.cache_s, times.retry_s)
            if times.cache_s > 0:
                return Keep.CACHE, times.cache_s
            return Keep.RETURNING, times.linger_s
        kind = outcome.result.kind
        is_ours = kind.fault is Fault.TESSERA or kind is Kind.PROVIDER_TIMEOUT  # a time-out ends with the leader's own time
        return None if is_ours else (Keep.WAITING, 2 * times.look_s)  # as long as whoever waits takes to look

    def _owe(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[None]:
        """Do this in the background. Where the store is away the end of the lease does it."""

        async def try_to() -> None:
            try:
                await work
            except Problem as problem:
                log.debug("flight store away", reason=problem.detail)
            except Exception:
                log.error("a flight's end cannot be told", exc_info=True)

        task = asyncio.create_task(try_to(), name="flight errand")
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
        return task

    async def _beat(self) -> None:
        """Renew the leases of what takes long, as long as there is anything; and look who is left where a client has gone."""
        loop = asyncio.get_running_loop()
        while self._voyages:
            await asyncio.sleep(self._times.renew_s)
            for voyage in self._voyages.values():
                if voyage.left:
                    self._owe(self._after_leaving(voyage))
            renewals: list[Awaitable[None]] = [
                self._owe(self._store.extend(voyage.flight, self._times.lease_s))
                for voyage in self._voyages.values()
                if voyage.is_known and loop.time() - voyage.since_s >= self._times.renew_s / 2
            ]
            await asyncio.gather(*renewals)
