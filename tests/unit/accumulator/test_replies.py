"""The listener for outcomes, against a reply list that is played: nothing is lost that the store still knows."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

import pytest

from app.accumulator.codec import encode_outcome
from app.accumulator.limits import Limits
from app.accumulator.replies import RECALL_CHUNK, Recalled, Replies
from app.accumulator.tasks import Backoff, Tasks
from app.accumulator.waiters import Waiters
from app.clock import ManualClock
from app.core.model import Failure, Outcome
from app.errors import Kind, Problem
from tests.support.jobs import job, outcome

PATIENCE_S = 20.0


class PlayedReplies:
    """Hands over what a test puts in: replies, or an exception. `known` is what the store says when it is asked."""

    def __init__(self) -> None:
        self.turns: asyncio.Queue[list[tuple[str, bytes | None]] | Problem] = asyncio.Queue()
        self.known: dict[str, bytes | Recalled] = {}
        self.asked: list[list[str]] = []
        self.done: list[list[str]] = []
        self.pings = 0

    async def next_replies(self, done: Sequence[str]) -> list[tuple[str, bytes | None]]:
        self.done.append(list(done))
        turn = await self.turns.get()
        if isinstance(turn, Problem):
            raise turn
        return turn

    async def recall(self, job_ids: Sequence[str]) -> list[bytes | Recalled]:
        self.asked.append(list(job_ids))
        return [self.known.get(job_id, Recalled.LOST) for job_id in job_ids]

    async def ping(self) -> None:
        self.pings += 1

    def drop_connection(self) -> None:
        self.turns.put_nowait(Problem(Kind.ACCUMULATOR_UNAVAILABLE, "dropped"))


class Stage:
    """A listener, its waiters, and the store that it believes to talk to."""

    def __init__(self, limits: Limits) -> None:
        self.store = PlayedReplies()
        self.waiters = Waiters(ManualClock(), lambda _: None)
        pauses = Backoff(0.001, 0.001, random.Random(1), asyncio.Event())
        self.told: list[str] = []
        self.replies = Replies(
            self.store, self.waiters, lambda waiter: waiter.job_id != "elsewhere", limits, pauses, self.told.append
        )

    def wait_for(self, job_id: str, *, admitted: bool = True) -> asyncio.Future[Outcome]:
        waiter = self.waiters.add(job(job_id))
        waiter.admitted = admitted
        return waiter.future


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    owner = Tasks()
    yield owner
    await owner.close()


@pytest.fixture
async def stage(tasks: Tasks) -> Stage:
    """Connected, with nothing waited for yet."""
    played = Stage(Limits(recall_s=PATIENCE_S))
    tasks.spawn("replies", played.replies.run())
    await asyncio.wait_for(played.replies.up.wait(), PATIENCE_S)
    return played


async def result_of(future: asyncio.Future[Outcome]) -> Outcome:
    return await asyncio.wait_for(future, PATIENCE_S)


async def test_replies_reach_their_futures_and_are_cleared_away(stage: Stage) -> None:
    futures = [stage.wait_for(name) for name in "ab"]
    stage.store.turns.put_nowait([(name, encode_outcome(outcome(name))) for name in "ba"])
    assert [await result_of(future) for future in futures] == [outcome("a"), outcome("b")]
    stage.store.turns.put_nowait([])
    await stage.replies.up.wait()
    assert stage.store.done[:2] == [[], ["b", "a"]]


async def test_what_is_no_outcome_is_told_to_those_who_wait_for_a_flight(stage: Stage) -> None:
    future = stage.wait_for("a")
    stage.store.turns.put_nowait([("flight", None), ("a", encode_outcome(outcome("a")))])
    await result_of(future)
    assert stage.told == ["flight"]


async def test_ids_without_an_outcome_and_outcomes_for_nobody_are_passed_over(stage: Stage) -> None:
    future = stage.wait_for("a")
    stage.store.turns.put_nowait([("gone", None), ("stranger", encode_outcome(outcome("stranger")))])
    stage.store.turns.put_nowait([("a", encode_outcome(outcome("a")))])
    assert await result_of(future) == outcome("a")


async def test_an_outcome_that_cannot_be_read_fails_its_job_only(stage: Stage) -> None:
    futures = [stage.wait_for(name) for name in "ab"]
    stage.store.turns.put_nowait([("a", b"damaged"), ("b", encode_outcome(outcome("b")))])
    told = (await result_of(futures[0])).result
    assert isinstance(told, Failure)
    assert told.kind is Kind.ACCUMULATOR_UNAVAILABLE
    assert await result_of(futures[1]) == outcome("b")


async def test_another_jobs_outcome_is_given_to_nobody(stage: Stage) -> None:
    mine, others = stage.wait_for("mine"), stage.wait_for("others")
    stage.store.turns.put_nowait([("mine", encode_outcome(outcome("others")))])
    assert isinstance((await result_of(mine)).result, Failure)
    stage.store.turns.put_nowait([("others", encode_outcome(outcome("others")))])
    assert await result_of(others) == outcome("others")


async def test_after_a_lost_connection_everything_that_is_waited_for_is_asked_for(stage: Stage) -> None:
    names = ("answered", "under way", "lost")
    answered, under_way, lost = (stage.wait_for(name) for name in names)
    entering, elsewhere = stage.wait_for("entering", admitted=False), stage.wait_for("elsewhere")
    stage.store.known = {"answered": encode_outcome(outcome("answered")), "under way": Recalled.UNDER_WAY}
    stage.store.drop_connection()
    assert await result_of(answered) == outcome("answered")
    told = (await result_of(lost)).result
    assert isinstance(told, Failure)
    assert told.kind is Kind.ACCUMULATOR_UNAVAILABLE
    assert stage.store.asked == [list(names)]
    assert not any(future.done() for future in (under_way, entering, elsewhere))


async def test_while_the_connection_is_down_the_listener_says_so(stage: Stage) -> None:
    assert stage.replies.up.is_set()
    stage.store.ping = _never  # type: ignore[method-assign]  # the played store does not answer any more
    stage.store.drop_connection()
    while stage.replies.up.is_set():
        await asyncio.sleep(0)


async def _never() -> None:
    await asyncio.Event().wait()


async def test_many_are_asked_for_in_pieces(stage: Stage) -> None:
    futures = [stage.wait_for(f"{number}") for number in range(RECALL_CHUNK + 1)]
    stage.store.drop_connection()
    await result_of(futures[-1])
    assert [len(asked) for asked in stage.store.asked] == [RECALL_CHUNK, 1]


async def test_what_has_waited_for_long_is_asked_for_without_any_trouble(tasks: Tasks) -> None:
    """A reply that was popped into a connection that broke costs one such time, not the job's whole time."""
    stage = Stage(Limits(recall_s=0.0))
    tasks.spawn("replies", stage.replies.run())
    await stage.replies.up.wait()
    future = stage.wait_for("a")
    stage.store.known = {"a": encode_outcome(outcome("a"))}
    stage.store.turns.put_nowait([])
    assert await result_of(future) == outcome("a")
