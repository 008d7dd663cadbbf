"""Equal questions are paid once: who joins whom, who does not, and what becomes of a flight whose client or leader has gone.

Two fronts over one memory store stand for two processes; what Redis adds to that is tested by its contract.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest

from app.accumulator.memory_flights import MemoryFlights
from app.clock import ManualClock, SystemClock
from app.core.clients import Tenant
from app.core.flights import Begun, Flight, How, Keep, flight_key
from app.core.model import ALONE, Answer, Bypass, Failure, Feature, Inquiry, Outcome
from app.errors import Fault, Kind, Problem
from app.joining import JoinTimes
from app.wire.contract import Answered, Call, InlineImage, Wishes
from app.work.pixels import PixelPool
from tests.support.colours import ColourProvider, painted
from tests.support.front_half import POLICY, Front, call, front, label_of, only
from tests.support.intakes import GRID_BILL, FakeIntake, gridded

ALONE_CALL = call(wishes=Wishes(grid=False))


@pytest.fixture(scope="module")
def pixels() -> Iterator[PixelPool]:
    pool = PixelPool(1)
    yield pool
    pool.close()


class WatchedFlights(MemoryFlights):
    """Says when somebody has joined a flight, and when one has been abandoned or finished."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.begun: list[Flight] = []
        self.changed = asyncio.Event()
        self.ended = 0

    async def begin(self, asker: Flight, lease_s: float) -> Begun:
        found = await super().begin(asker, lease_s)
        self.begun.append(asker)
        self._tell()
        return found

    async def finish(self, leader: Flight, outcome: Outcome, keep: Keep, keep_s: float) -> bool:
        kept = await super().finish(leader, outcome, keep, keep_s)
        self.ended += 1
        self._tell()
        return kept

    async def abandon(self, asker: Flight) -> None:
        await super().abandon(asker)
        self.ended += 1
        self._tell()

    async def until_begun(self, count: int) -> None:
        while len(self.begun) < count:
            await self._next()

    async def until_ended(self, count: int) -> None:
        while self.ended < count:
            await self._next()

    def _tell(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    async def _next(self) -> None:
        await asyncio.wait_for(self.changed.wait(), 10.0)


@pytest.fixture
def flights() -> WatchedFlights:
    return WatchedFlights()


def asking(here: Front, asked: Call | None = None) -> asyncio.Task[Answered]:
    return asyncio.create_task(here.pipeline.answer(asked or call(), "request"))


async def until_guests(here: Front, count: int) -> None:
    """So many wait for an equal question in this process."""
    async with asyncio.timeout(10.0):
        while here.joiner is None or here.joiner.guests < count:
            await asyncio.sleep(0.001)


async def left(task: asyncio.Task[Answered]) -> None:
    """The client goes away."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def deliver(here: Front, outcome: Outcome | None = None) -> None:
    """The worker hands back what it found for the one job."""
    (job,) = here.intake.jobs.values()
    here.intake.futures[job.id].set_result(outcome or gridded(job))


async def result_of(task: asyncio.Task[Answered]) -> Outcome:
    return only((await asyncio.wait_for(task, 10.0)).outcomes)


@pytest.mark.parametrize("processes", [1, 2])
async def test_equal_images_under_way_at_once_share_one_cell(
    pixels: PixelPool, flights: WatchedFlights, processes: int
) -> None:
    here = front(pixels, FakeIntake(), flights=flights)
    there = here if processes == 1 else front(pixels, FakeIntake(), flights=flights)
    first = asking(here)
    await here.intake.arrived.wait()
    followers = [asking(there) for _ in range(3)]
    await flights.until_begun(processes)  # however many ask, each process asks the store once
    await until_guests(there, 3 if there is here else 2)
    deliver(here)
    outcomes = [await result_of(task) for task in [first, *followers]]
    assert [label_of(outcome) for outcome in outcomes] == ["Thing"] * 4
    assert [outcome.bill.inferences for outcome in outcomes] == [GRID_BILL.inferences, 0.0, 0.0, 0.0]
    assert {(outcome.bill.layout, outcome.bill.sheet_id) for outcome in outcomes} == {(GRID_BILL.layout, GRID_BILL.sheet_id)}
    assert there.tally.joins == [How.FLIGHT] * 3
    assert len(here.tally.waits) == 1
    assert len(flights.begun) == {1: 1, 2: 3}[processes]  # however many ask; who waits elsewhere asks again for the outcome


OTHERS = [
    ("another tenant", call(tenant=Tenant("other"))),
    ("another image", call(source=InlineImage(painted("blue")))),
    ("another feature", call(inquiries=(Inquiry(Feature.FACES),))),
    ("other parameters", call(inquiries=(Inquiry(Feature.OBJECTS, '{"model":1}'),))),
    ("another threshold", call(inquiries=(Inquiry(Feature.OBJECTS, min_score_unit=0.5),))),
    ("another limit", call(inquiries=(Inquiry(Feature.OBJECTS, max_results=5),))),
    ("other categories", call(inquiries=(Inquiry(Feature.OBJECTS, categories=("weapons",)),))),
    ("alone", ALONE_CALL),
    ("without any wait", call(wishes=Wishes(max_wait_s=0.0))),
    ("another budget", call(wishes=Wishes(max_map_drop=0.02))),
    ("alone by the request itself", call(alone=Bypass.FEATURES)),
    ("another endpoint", call(endpoint="google")),
]


@pytest.mark.parametrize(("why", "other"), OTHERS, ids=[case[0] for case in OTHERS])
async def test_different_questions_never_join(why: str, other: Call, pixels: PixelPool, flights: WatchedFlights) -> None:
    """Neither while one is under way, nor from a cache; and tenants do not where they share sheets."""
    here = front(pixels, policy=replace(POLICY, mix_tenants=True), flights=flights, join_times=JoinTimes(cache_s=60.0))
    await asyncio.gather(result_of(asking(here)), result_of(asking(here, other)))
    assert here.tally.joins == []
    await result_of(asking(here, other))
    assert here.tally.joins == [How.CACHE]


async def test_whoever_would_wait_less_joins_all_the_same(pixels: PixelPool, flights: WatchedFlights) -> None:
    here = front(pixels, FakeIntake(), flights=flights)
    first = asking(here)
    await here.intake.arrived.wait()
    hurried = asking(here, call(wishes=Wishes(max_wait_s=0.05)))
    await until_guests(here, 1)
    deliver(here)
    assert [(await result_of(task)).bill.inferences for task in (first, hurried)] == [0.5, 0.0]


async def test_what_is_delivered_is_paid_anew_when_it_is_asked_again(pixels: PixelPool, flights: WatchedFlights) -> None:
    here = front(pixels, flights=flights)
    for _ in range(2):
        assert (await result_of(asking(here))).bill.inferences == 0.5
    assert here.tally.joins == []


async def test_a_retry_that_names_its_call_gets_what_was_just_delivered(pixels: PixelPool, flights: WatchedFlights) -> None:
    """Its client may have left right before the answer was written. Another call of the same image is another call."""
    here = front(pixels, flights=flights)
    await result_of(asking(here, call(retry_id="one")))
    assert (await result_of(asking(here, call(retry_id="one")))).bill.inferences == 0.0
    assert (await result_of(asking(here, call(retry_id="two")))).bill.inferences == 0.5
    assert here.tally.joins == [How.RETRY]


async def test_the_result_cache_answers_for_its_time_and_is_counted_apart(pixels: PixelPool) -> None:
    clock = ManualClock(100.0)
    here = front(pixels, clock=clock, flights=MemoryFlights(clock), join_times=JoinTimes(cache_s=60.0))
    for advance_s, inferences in ((0.0, 0.5), (59.0, 0.0), (2.0, 0.5)):
        clock.advance(advance_s)
        assert (await result_of(asking(here))).bill.inferences == inferences
    assert here.tally.joins == [How.CACHE]


async def test_a_client_that_leaves_before_anything_is_paid_takes_its_job_out(
    pixels: PixelPool, flights: WatchedFlights
) -> None:
    here = front(pixels, FakeIntake(), flights=flights)
    first = asking(here)
    await here.intake.arrived.wait()
    await left(first)
    await flights.until_ended(1)
    assert set(here.intake.withdrawn) == set(here.intake.jobs)
    assert here.provider.asked == []
    again = front(pixels, flights=flights)
    assert (await result_of(asking(again))).bill.inferences == 0.5


async def test_for_those_who_have_joined_the_flight_goes_on(pixels: PixelPool, flights: WatchedFlights) -> None:
    here, there = front(pixels, FakeIntake(), flights=flights), front(pixels, FakeIntake(), flights=flights)
    first = asking(here)
    await here.intake.arrived.wait()
    follower = asking(there)
    await flights.until_begun(2)
    await left(first)
    deliver(here)
    assert label_of(await result_of(follower)) == "Thing"
    assert (here.intake.withdrawn, there.intake.tries) == ([], 0)


async def test_where_all_have_left_before_anything_is_paid_nobody_s_flight_is_given_up(
    pixels: PixelPool, flights: WatchedFlights
) -> None:
    here = front(pixels, FakeIntake(), flights=flights, join_times=JoinTimes(renew_s=0.01))
    first = asking(here)
    await here.intake.arrived.wait()
    follower = asking(here)
    await until_guests(here, 1)
    await left(first)
    await left(follower)
    await flights.until_ended(1)
    assert set(here.intake.withdrawn) == set(here.intake.jobs)
    assert here.provider.asked == []


async def test_a_follower_that_leaves_takes_nothing_from_the_others(pixels: PixelPool, flights: WatchedFlights) -> None:
    here = front(pixels, FakeIntake(), flights=flights)
    first = asking(here)
    await here.intake.arrived.wait()
    follower = asking(here)
    await until_guests(here, 1)
    await left(follower)
    await left(first)
    await flights.until_ended(1)
    assert set(here.intake.withdrawn) == set(here.intake.jobs)


async def test_what_is_in_a_sheet_is_carried_to_its_end_for_the_retry(pixels: PixelPool, flights: WatchedFlights) -> None:
    """While it is under way, and afterwards; the second process asks the vendor nothing."""
    here, there = front(pixels, FakeIntake(claimed=True), flights=flights), front(pixels, flights=flights)
    first = asking(here)
    await here.intake.arrived.wait()
    await left(first)
    during = asking(there)
    await flights.until_begun(2)
    deliver(here)
    assert label_of(await result_of(during)) == "Thing"
    assert label_of(await result_of(asking(there))) == "Thing"
    assert there.tally.joins == [How.FLIGHT, How.RETRY]
    assert (here.intake.withdrawn, there.intake.tries, here.provider.asked) == ([], 0, [])


async def test_what_was_sent_alone_is_carried_to_its_end_for_the_retry(pixels: PixelPool, flights: WatchedFlights) -> None:
    provider = ColourProvider(gate=asyncio.Event())
    here, there = front(pixels, provider=provider, flights=flights), front(pixels, flights=flights)
    first = asking(here, ALONE_CALL)
    await here.tally.until_bypasses(1)
    await provider.until_sent(1)
    await left(first)
    again = asking(there, ALONE_CALL)
    await flights.until_begun(2)
    assert provider.gate is not None
    provider.gate.set()
    outcome = await result_of(again)
    assert (label_of(outcome), outcome.bill.layout, outcome.bill.inferences) == ("red", ALONE, 0.0)
    assert (here.tally.paid_kinds, there.tally.paid_kinds) == (["single"], [])


async def test_what_only_waits_to_be_sent_alone_is_not_paid_for_a_client_that_has_left(
    pixels: PixelPool, flights: WatchedFlights
) -> None:
    """The vendor throttles; nothing has been sent yet."""
    provider = ColourProvider()
    here = front(pixels, provider=provider, flights=flights)
    provider.script.append(Problem(Kind.THROTTLED, "slow down", retry_after_s=5.0))
    learns = asking(here, call(source=InlineImage(painted("blue")), wishes=Wishes(grid=False)))
    await provider.until_sent(1)
    waits = asking(here, ALONE_CALL)
    await here.tally.until_bypasses(2)
    await left(waits)
    await left(learns)
    await flights.until_ended(1)
    assert (len(provider.images), here.tally.paid_kinds) == (1, [])


async def test_who_leaves_between_two_tries_pays_nothing_for_the_one_that_was_refused(
    pixels: PixelPool, flights: WatchedFlights
) -> None:
    """The vendor throttles: it has charged nothing, and is not asked again for somebody who has gone."""
    provider = ColourProvider()
    here = front(pixels, provider=provider, flights=flights, join_times=JoinTimes(renew_s=0.01))
    provider.script.append(Problem(Kind.THROTTLED, "slow down", retry_after_s=5.0))
    refused = asking(here, ALONE_CALL)
    await provider.until_sent(1)
    await left(refused)
    await flights.until_ended(1)
    assert (len(provider.images), here.tally.paid_kinds) == (1, [])


async def test_who_is_taken_back_too_late_to_hear_of_it_is_not_sent_alone(pixels: PixelPool, flights: WatchedFlights) -> None:
    """The store does not say in time that it has let the image go; then it does, and nobody waits for it any more."""
    here = front(pixels, FakeIntake(claimed=True), flights=flights)
    first = asking(here)
    await here.intake.arrived.wait()
    await left(first)
    (future,) = here.intake.futures.values()
    future.cancel()
    await flights.until_ended(1)
    assert (here.provider.asked, here.tally.bypasses) == ([], [])


INHERITED = {kind for kind in Kind if kind.fault is not Fault.TESSERA} - {Kind.PROVIDER_TIMEOUT}


@pytest.mark.parametrize("kind", Kind)
async def test_only_the_vendor_s_and_the_image_s_failures_are_inherited(
    kind: Kind, pixels: PixelPool, flights: WatchedFlights
) -> None:
    """Whatever was only the leader's misfortune is not: who waits leads himself. And no failure is kept for a retry."""
    here, there = front(pixels, FakeIntake(), flights=flights), front(pixels, flights=flights)
    here.provider.script.extend([Problem(kind, "alone as well")] * 10)
    first = asking(here, call(retry_id="one"))
    await here.intake.arrived.wait()
    follower = asking(there)
    await flights.until_begun(2)
    (job,) = here.intake.jobs.values()
    deliver(here, Outcome(job.id, Failure(kind, "broken"), GRID_BILL))
    found = (await result_of(follower)).result
    assert isinstance(found, Failure if kind in INHERITED else Answer)
    assert there.intake.tries == (kind not in INHERITED)
    await result_of(first)
    again = front(pixels, flights=flights)
    await result_of(asking(again, call(retry_id="one")))
    if kind in INHERITED:
        assert (again.intake.tries, again.tally.joins) == (1, [])


async def test_who_has_no_more_time_to_wait_goes_alone(pixels: PixelPool, flights: WatchedFlights) -> None:
    here = front(pixels, FakeIntake(claimed=True), flights=flights)
    short = front(pixels, policy=replace(POLICY, request_timeout_s=3.0), flights=flights)
    first = asking(here)
    await here.intake.arrived.wait()
    outcome = await result_of(asking(short))
    assert (label_of(outcome), short.tally.bypasses) == ("red", [Bypass.DEADLINE])
    deliver(here)
    await result_of(first)


async def test_a_leader_that_died_is_followed_when_its_lease_has_ended(pixels: PixelPool, flights: WatchedFlights) -> None:
    here = front(pixels, flights=flights)
    plain = call()
    await result_of(asking(here))
    dead = replace(flights.begun[0], token="dead")
    await flights.begin(dead, 0.3)
    assert (await result_of(asking(here, plain))).bill.inferences == 0.5
    assert not await flights.finish(dead, gridded(next(iter(here.intake.jobs.values()))), Keep.CACHE, 60.0)


async def test_what_takes_longer_than_a_lease_stays_one_flight(pixels: PixelPool, flights: WatchedFlights) -> None:
    times = JoinTimes(lease_s=0.6, renew_s=0.1)
    here, there = (front(pixels, FakeIntake(), flights=flights, join_times=times) for _ in range(2))
    first = asking(here)
    await here.intake.arrived.wait()
    follower = asking(there)
    await asyncio.wait({first, follower}, timeout=1.0)
    deliver(here)
    assert [(await result_of(task)).bill.inferences for task in (first, follower)] == [0.5, 0.0]


async def test_when_a_process_goes_down_those_who_wait_elsewhere_lead_themselves(
    pixels: PixelPool, flights: WatchedFlights
) -> None:
    here, there = front(pixels, FakeIntake(claimed=True), flights=flights), front(pixels, flights=flights)
    first = asking(here)
    await here.intake.arrived.wait()
    follower = asking(there)
    await flights.until_begun(2)
    await left(first)
    assert here.joiner is not None
    await here.joiner.close()
    assert label_of(await result_of(follower)) == "Thing"
    assert there.intake.tries == 1


class AwayFlights(MemoryFlights):
    """A store that cannot be reached."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.tries = 0

    async def begin(self, asker: Flight, lease_s: float) -> Begun:
        self.tries += 1
        raise Problem(Kind.ACCUMULATOR_UNAVAILABLE, "away")

    def listen(self, key: str) -> AbstractContextManager[asyncio.Event]:
        return super().listen(key)


async def test_a_store_that_is_away_costs_nobody_an_answer_and_is_not_asked_by_everybody(pixels: PixelPool) -> None:
    away = AwayFlights()
    here = front(pixels, flights=away)
    for _ in range(3):
        assert label_of(await result_of(asking(here))) == "Thing"
    assert (away.tries, here.tally.unjoined_count, here.tally.joins) == (1, 3, [])


async def test_what_cannot_be_read_is_asked_anew(pixels: PixelPool) -> None:
    class Unreadable(MemoryFlights):
        async def begin(self, asker: Flight, lease_s: float) -> Begun:
            return replace(await super().begin(asker, lease_s), outcome=None)

    here = front(pixels, flights=Unreadable(SystemClock()), join_times=JoinTimes(cache_s=60.0))
    for _ in range(2):
        assert (await result_of(asking(here))).bill.inferences == 0.5


def test_no_two_parts_of_a_key_can_be_mistaken_for_each_other() -> None:
    keys = {
        flight_key(tenant, way, image, Inquiry(Feature.OBJECTS, parameters))
        for tenant, way, image, parameters in [
            ("a", ["b"], "c", "{}"),
            ("a", ["b", "c"], "", "{}"),
            ('a","b', [], "c", "{}"),
            ("a", ["b"], "c", '{"x":1}'),
        ]
    }
    assert len(keys) == 4
