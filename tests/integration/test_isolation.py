"""Nobody's picture meets a stranger's, and nobody is told of a picture that is not his: whoever asks, whatever goes wrong.

Hypothesis thinks up the traffic: named clients and strangers at all fronts, keys that look like others', headers that try to be
somebody else's, equal pictures, batches, visitors who leave; a vendor that stalls, throttles, fails, garbles, refuses and finds
things outside of every picture; workers that freeze until their lease has ended. Each picture is a colour of its own, which the
vendor reads out of the pixels that it is sent.

TESSERA_TEST_EXAMPLES=2000 looks at so many examples, other ones each time.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from app.work.pixels import PixelPool
from tests.isolation.carrying import expected
from tests.isolation.plan import Plan, plans
from tests.isolation.world import Memory, Place, Shared, Story, play
from tests.support.redis_server import RedisServer

WANTED = int(os.environ.get("TESSERA_TEST_EXAMPLES") or "0")
# So many take a few seconds. In each, as many plans are played beside each other, in worlds of their own.
EXAMPLES = {"memory": 4, "redis": 3}
AT_ONCE = 6
# A long run, and hypothesis looking for the smallest example that fails, seconds.
LONGEST_RUN_S = 7200 if WANTED else 300


def looked_at(place: str) -> settings:
    return settings(
        max_examples=WANTED or EXAMPLES[place],
        derandomize=not WANTED,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        # Time is real, so a smaller example may end otherwise: what has failed is shown as it was.
        phases=(Phase.explicit, Phase.generate),
        report_multiple_bugs=False,
    )


@pytest.fixture(scope="module")
def pixels() -> Iterator[PixelPool]:
    pool = PixelPool(2)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    server = RedisServer.start()
    yield server
    server.stop()


def strangers_on_sheets(plan: Plan, story: Story) -> list[str]:
    """Sheets whose pictures no single principal has sent, each as often as it is there."""
    sent: dict[str, Counter[int]] = {}
    for ask in plan.asks:
        sent.setdefault("all" if plan.mixes_tenants else ask.visitor.principal, Counter()).update(ask.identities)
    return [
        f"{sorted(sheet)} of {sorted(name for name, own in sent.items() if own.keys() & set(sheet))}"
        for sheet in story.seen
        if not any(Counter(sheet) <= own for own in sent.values())
    ]


def shared_by_strangers(plan: Plan, story: Story) -> list[str]:
    """Pictures that were shown to the vendor less often than principals were told of them: equal ones are asked for each."""
    told: dict[int, set[tuple[str, str]]] = {}
    for said in story.said:
        for identity, named in zip(said.ask.identities, said.answer or (), strict=False):
            if named is not None:
                told.setdefault(identity, set()).add((said.ask.visitor.principal, said.ask.question))
    shown = Counter(identity for sheet in story.seen for identity in sheet)
    return [f"{identity}: {shown[identity]} for {sorted(who)}" for identity, who in told.items() if shown[identity] < len(who)]


def wrong_answers(story: Story) -> list[str]:
    """Answers that name anything but the picture they are about."""
    return [
        f"{said.ask.visitor.front} {said.ask.question} of {identity}: {sorted(named)}"
        for said in story.said
        for identity, named in zip(said.ask.identities, said.answer or (), strict=False)
        if named is not None and named != expected(said.ask, identity)
    ]


async def play_all(some: Sequence[Plan], place: Place, pixels: PixelPool) -> list[Story]:
    """At the same time: most of it is waiting."""
    return await asyncio.gather(*(play(plan, place, pixels) for plan in some))


def check(plan: Plan, story: Story, tally: Counter[str]) -> None:
    note(str(story.seen))
    assert strangers_on_sheets(plan, story) == []
    assert shared_by_strangers(plan, story) == []
    assert wrong_answers(story) == []
    assert story.late == []
    tally["shared sheets"] += sum(len(sheet) > 1 for sheet in story.seen)
    tally["from sheets"] += sum(said.is_from_sheet for said in story.said)
    tally["answers"] += sum(named is not None for said in story.said for named in said.answer or ())
    tally["errors"] += sum(named is None for said in story.said for named in said.answer or ())
    tally["late"] += story.refused


def run(name: str, place: Place, pixels: PixelPool) -> None:
    tally: Counter[str] = Counter()

    @looked_at(name)
    @given(some=st.lists(plans(), min_size=AT_ONCE, max_size=AT_ONCE))
    def example(some: list[Plan]) -> None:
        for plan, story in zip(some, asyncio.run(play_all(some, place, pixels)), strict=True):
            check(plan, story, tally)

    example()
    print(name, dict(tally))
    # Otherwise nothing has been tested: pictures have met, most of them were answered, and workers came too late.
    assert tally["from sheets"] > AT_ONCE
    assert tally["answers"] > tally["errors"]
    assert tally["late"]


@pytest.mark.timeout(LONGEST_RUN_S)
def test_nobody_meets_a_stranger_or_is_told_of_one_in_one_process(pixels: PixelPool) -> None:
    run("memory", Memory(), pixels)


@pytest.mark.redis
@pytest.mark.timeout(LONGEST_RUN_S)
def test_nobody_meets_a_stranger_or_is_told_of_one_across_processes(pixels: PixelPool, redis: RedisServer) -> None:
    run("redis", Shared(redis.url), pixels)
