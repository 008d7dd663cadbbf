"""The accumulator's state machine as conversations: what happened and when, and what becomes of it. No clock, no waiting."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from app.core.lanes import Admission, Lanes, Settled, Whereabouts
from app.core.model import Batch, Lane, Release
from app.core.window import FORGET_S
from tests.support.jobs import job, job_ids, lane

LEASE_S = 10.0
LATE_ENOUGH_S = 1000.0
# Where the time of a withdrawal does not matter.
NOW_S = 0.01


def lanes_with(*ids: str, lane: Lane | None = None, max_pending: int = 100) -> Lanes:
    """Lanes in which these jobs were enqueued at 0, 0.001, ..."""
    lanes = Lanes(max_pending=max_pending)
    for number, name in enumerate(ids):
        assert lanes.enqueue(job(name, lane=lane), number / 1000) is Admission.ADMITTED
    return lanes


def claimed(lanes: Lanes, now_s: float, id: str = "batch") -> Batch:
    batch = lanes.claim(now_s, LEASE_S, id)
    assert batch is not None
    return batch


def waiting(lanes: Lanes, now_s: float) -> int:
    return sum(lanes.pending(now_s).values())


def test_empty_lanes_have_nothing_to_claim_and_nothing_to_wait_for() -> None:
    lanes = Lanes(max_pending=1)
    assert lanes.claim(0.0, LEASE_S, "batch") is None
    assert lanes.next_event_s(0.0) is None
    assert waiting(lanes, 0.0) == 0
    assert lanes.withdraw("nobody", NOW_S) is Whereabouts.GONE


# --- closing (G5) and forming (G2, G3, G4) ---


def test_a_full_lane_is_ready_at_once_and_oldest_jobs_leave_first() -> None:
    lanes = lanes_with("a", "b", "c")
    batch = claimed(lanes, 0.01)
    assert (job_ids(batch), batch.release, batch.generation, batch.attempt) == (["a", "b"], Release.FULL, 1, 1)
    assert batch.items[0].waited_s == pytest.approx(0.01)
    assert batch.items[0].time_left_s == pytest.approx(599.99)
    assert lanes.claim(0.01, LEASE_S, "next") is None


def test_what_remains_of_a_lane_keeps_its_own_flush_time() -> None:
    lanes = lanes_with("a", "b", "c")
    claimed(lanes, 0.01)
    assert lanes.next_event_s(0.01) == pytest.approx(0.002 + 0.2 - 0.01)
    assert claimed(lanes, 0.202, "second").release is Release.DUE


def test_a_lane_is_due_at_the_earliest_flush_of_its_jobs_not_of_its_oldest() -> None:
    lanes = Lanes(max_pending=10)
    lanes.enqueue(job("patient", max_wait_s=0.5), 0.0)
    assert lanes.next_event_s(0.0) == 0.5
    lanes = Lanes(max_pending=10)
    three = lane(capacity=3)
    lanes.enqueue(job("patient", lane=three, max_wait_s=0.5), 0.0)
    lanes.enqueue(job("hasty", lane=three, max_wait_s=0.1), 0.1)
    assert lanes.claim(0.19, LEASE_S, "batch") is None
    assert job_ids(lanes.claim(0.2, LEASE_S, "batch")) == ["patient", "hasty"]


def test_the_lane_with_the_earliest_flush_time_goes_first_among_those_that_are_ready() -> None:
    lanes = Lanes(max_pending=10)
    lanes.enqueue(job("waiting", lane=lane("early"), max_wait_s=0.3), 0.0)
    for name in ("full-1", "full-2"):
        lanes.enqueue(job(name, lane=lane("full"), max_wait_s=5.0), 0.0)
    lanes.enqueue(job("due", lane=lane("due"), max_wait_s=0.2), 0.0)
    assert job_ids(lanes.claim(0.25, LEASE_S, "1")) == ["due"]
    assert job_ids(lanes.claim(0.25, LEASE_S, "2")) == ["full-1", "full-2"]
    assert lanes.claim(0.25, LEASE_S, "3") is None


def test_lanes_never_mix() -> None:
    lanes = Lanes(max_pending=10)
    lanes.enqueue(job("one", lane=lane("one")), 0.0)
    lanes.enqueue(job("two", lane=lane("two")), 0.0)
    assert {len(claimed(lanes, 1.0, name).items) for name in "xy"} == {1}


def test_sparse_traffic_is_released_as_idle_at_its_arrival() -> None:
    lanes = Lanes(max_pending=10)
    releases = []
    for number in range(5):
        lanes.enqueue(job(f"{number}", time_left_s=20.0), number * 30.0)
        batch = lanes.claim(number * 30.0, LEASE_S, f"{number}") or claimed(lanes, number * 30.0 + 0.2, f"{number}")
        releases.append(batch.release)
        lanes.complete(batch.id, 1, job_ids(batch))
    assert releases == [Release.DUE] * 3 + [Release.IDLE] * 2


def test_a_lane_without_traffic_for_long_is_forgotten() -> None:
    lanes = lanes_with("a", "b")
    claimed(lanes, 0.1)
    lanes.enqueue(job("c", lane=lane("other")), FORGET_S + 1)
    assert list(lanes._traffic) == [lane("other").key]


def test_draining_makes_everything_of_its_owner_ready_until_it_is_gone() -> None:
    lanes = Lanes(max_pending=10)
    for name in ("a", "b", "c"):
        lanes.enqueue(job(name, max_wait_s=9.0), 0.0, owner="leaving")
    lanes.enqueue(job("other", lane=lane("other"), max_wait_s=9.0), 0.0, owner="staying")
    lanes.drain("leaving")
    assert [claimed(lanes, 0.0, name).release for name in "xy"] == [Release.FULL, Release.DRAIN]
    assert lanes.claim(0.0, LEASE_S, "z") is None
    assert lanes.next_event_s(0.0) == 9.0


# --- admission (G9) and time running out (G11) ---


def test_over_capacity_is_refused_and_nothing_stays_behind() -> None:
    lanes = lanes_with("a", max_pending=1)
    assert lanes.enqueue(job("b"), 0.0) is Admission.OVER_CAPACITY
    assert lanes.withdraw("b", NOW_S) is Whereabouts.GONE
    assert waiting(lanes, 0.0) == 1
    assert lanes.withdraw("a", NOW_S) is Whereabouts.PENDING
    assert lanes.enqueue(job("b"), 0.0) is Admission.ADMITTED


def test_the_same_job_again_changes_nothing() -> None:
    lanes = lanes_with("a")
    assert lanes.enqueue(job("a"), 0.1) is Admission.KNOWN
    assert waiting(lanes, 0.1) == 1


def test_a_job_whose_time_has_run_out_is_never_claimed_and_makes_room() -> None:
    lanes = Lanes(max_pending=1)
    lanes.enqueue(job("a", time_left_s=5.0), 0.0)
    assert lanes.enqueue(job("b"), 5.0) is Admission.ADMITTED
    assert job_ids(lanes.claim(6.0, LEASE_S, "batch")) == ["b"]


def test_a_job_may_run_out_of_time_before_its_flush() -> None:
    lanes = Lanes(max_pending=1)
    lanes.enqueue(job("a", max_wait_s=10.0, time_left_s=5.0), 0.0)
    assert lanes.claim(10.0, LEASE_S, "batch") is None
    assert waiting(lanes, 10.0) == 0


def test_an_id_that_is_used_again_is_not_taken_for_the_one_that_ran_out_of_time() -> None:
    lanes = Lanes(max_pending=9)
    lanes.enqueue(job("a", time_left_s=5.0), 0.0)
    lanes.withdraw("a", NOW_S)
    lanes.enqueue(job("a", time_left_s=50.0), 1.0)
    assert job_ids(lanes.claim(6.0, LEASE_S, "batch")) == ["a"]


# --- leases (G6, G7) ---


def test_a_claimed_batch_is_invisible_until_its_lease_ends_and_comes_back_as_it_was() -> None:
    lanes = lanes_with("a", "b")
    first = claimed(lanes, 0.0)
    assert lanes.claim(LEASE_S - 0.001, LEASE_S, "other") is None
    assert lanes.next_event_s(4.0) == LEASE_S - 4.0
    again = claimed(lanes, LEASE_S, "other")
    assert (again.id, again.generation, again.attempt, again.release) == (first.id, 2, 2, Release.FULL)
    assert job_ids(again) == ["a", "b"]


def test_a_late_holder_is_refused_and_changes_nothing() -> None:
    lanes = lanes_with("a", "b")
    late = claimed(lanes, 0.0)
    now = claimed(lanes, LEASE_S)
    assert lanes.complete(late.id, late.generation, ["a", "b"]) == Settled(frozenset(), stale=True)
    assert not lanes.extend(late.id, late.generation, LEASE_S, 99.0)
    assert not lanes.give_back(late.id, late.generation, LEASE_S)
    assert lanes.complete(now.id, now.generation, ["a", "b"]) == Settled(frozenset({"a", "b"}))


def test_the_holder_of_an_ended_lease_may_finish_as_long_as_nobody_else_has_taken_it() -> None:
    """What was paid for is not thrown away because the store or the worker stood still."""
    lanes = lanes_with("a", "b")
    batch = claimed(lanes, 0.0)
    assert lanes.complete(batch.id, batch.generation, ["a"]).delivered == {"a"}
    assert lanes.extend(batch.id, batch.generation, LEASE_S + 1, 1.0)
    assert lanes.claim(LEASE_S + 1, LEASE_S, "other") is None


def test_extend_moves_the_end_of_the_lease_both_ways() -> None:
    lanes = lanes_with("a", "b")
    batch = claimed(lanes, 0.0)
    assert lanes.extend(batch.id, batch.generation, 5.0, 20.0)
    assert lanes.next_event_s(5.0) == 20.0
    assert lanes.extend(batch.id, batch.generation, 5.0, 1.0)
    assert lanes.next_event_s(5.0) == 1.0


def test_a_batch_given_back_is_ready_at_once_its_attempt_does_not_count_and_its_giver_is_late() -> None:
    lanes = lanes_with("a", "b")
    batch = claimed(lanes, 0.0)
    assert lanes.complete(batch.id, batch.generation, ["a"]).delivered == {"a"}
    assert lanes.give_back(batch.id, batch.generation, 1.0)
    assert waiting(lanes, 1.0) == 1
    assert lanes.complete(batch.id, batch.generation, ["b"]).stale
    again = claimed(lanes, 1.0, "other")
    assert (again.id, again.attempt, job_ids(again)) == (batch.id, 1, ["b"])
    assert again.generation > batch.generation


def test_a_returned_batch_competes_by_its_flush_time() -> None:
    lanes = lanes_with("a", "b")
    batch = claimed(lanes, 0.0)
    lanes.enqueue(job("older", lane=lane("x"), max_wait_s=0.1), 0.0)
    lanes.enqueue(job("newer", lane=lane("y"), max_wait_s=0.3), 0.0)
    lanes.give_back(batch.id, batch.generation, 0.5)
    claims = [job_ids(lanes.claim(0.5, LEASE_S, f"{number}")) for number in range(4)]
    assert claims == [["older"], ["a", "b"], ["newer"], []]


def test_jobs_of_a_returned_batch_whose_time_has_run_out_are_left_behind() -> None:
    lanes = Lanes(max_pending=10)
    lanes.enqueue(job("short", time_left_s=5.0), 0.0)
    lanes.enqueue(job("long", time_left_s=50.0), 0.0)
    claimed(lanes, 0.0)
    assert job_ids(lanes.claim(LEASE_S, LEASE_S, "other")) == ["long"]
    assert lanes.withdraw("short", NOW_S) is Whereabouts.GONE


def test_a_returned_batch_without_any_time_left_ends() -> None:
    lanes = Lanes(max_pending=10)
    lanes.enqueue(job("a", time_left_s=5.0), 0.0)
    claimed(lanes, 0.2)
    assert lanes.claim(LATE_ENOUGH_S, LEASE_S, "other") is None
    assert lanes.next_event_s(LATE_ENOUGH_S) is None


# --- finishing (G1) and withdrawing (G8) ---


def test_a_batch_ends_with_its_last_job_however_many_steps_that_takes() -> None:
    lanes = lanes_with("a", "b", "c", lane=lane(capacity=3))
    batch = claimed(lanes, 0.1)
    assert lanes.complete(batch.id, 1, ["b", "nobody"]).delivered == {"b"}
    assert lanes.complete(batch.id, 1, ["b"]) == Settled(frozenset())
    assert lanes.complete(batch.id, 1, []) == Settled(frozenset())
    assert lanes.complete(batch.id, 1, ["a", "c"]).delivered == {"a", "c"}
    assert lanes.complete(batch.id, 1, ["a"]).stale
    assert lanes.next_event_s(0.1) is None


def test_a_pending_job_that_is_withdrawn_is_never_claimed_and_frees_its_place() -> None:
    lanes = lanes_with("a", "b", "c")
    assert lanes.withdraw("a", NOW_S) is Whereabouts.PENDING
    assert lanes.withdraw("a", NOW_S) is Whereabouts.GONE
    assert job_ids(lanes.claim(0.1, LEASE_S, "batch")) == ["b", "c"]


def test_a_lane_is_full_no_more_when_a_job_leaves_and_its_flush_time_is_that_of_those_who_stay() -> None:
    lanes = lanes_with("a", "b")
    lanes.withdraw("a", NOW_S)
    assert lanes.claim(0.2, LEASE_S, "batch") is None
    assert lanes.next_event_s(0.2) == pytest.approx(0.001)


def test_a_job_under_way_that_is_withdrawn_is_not_delivered() -> None:
    lanes = lanes_with("a", "b")
    batch = claimed(lanes, 0.0)
    assert lanes.withdraw("a", NOW_S) is Whereabouts.UNDER_WAY
    assert lanes.complete(batch.id, 1, ["a", "b"]).delivered == {"b"}


def test_a_batch_whose_every_job_was_withdrawn_ends_so_that_its_holder_does_not_pay() -> None:
    lanes = lanes_with("a", "b")
    batch = claimed(lanes, 0.0)
    for name in "ab":
        lanes.withdraw(name, NOW_S)
    assert not lanes.extend(batch.id, 1, 1.0, 5.0)
    assert lanes.claim(LATE_ENOUGH_S, LEASE_S, "other") is None


# --- savings ---


def replay(arrivals_s: Sequence[float], *, capacity: int, window_s: float) -> float:
    """Images per batch when a worker takes every batch the moment it is ready."""
    lanes, batches, images = Lanes(max_pending=1000), 0, 0
    pending = list(reversed(arrivals_s))
    now_s = 0.0
    while pending or waiting(lanes, now_s):
        event_s = lanes.next_event_s(now_s)
        next_s = math.inf if event_s is None else now_s + event_s
        if pending and pending[-1] <= next_s:
            now_s = pending.pop()
            lanes.enqueue(job(lane=lane(capacity=capacity), max_wait_s=window_s), now_s)
        else:
            now_s = next_s
        batch = lanes.claim(now_s, LEASE_S, "batch")
        if batch is not None:
            batches, images = batches + 1, images + len(batch.items)
            lanes.complete(batch.id, batch.generation, job_ids(batch))
    return images / batches


def poisson(rate_per_s: float, count: int, rng: random.Random) -> list[float]:
    times, now_s = [], 0.0
    for _ in range(count):
        now_s += rng.expovariate(rate_per_s)
        times.append(now_s)
    return times


def expected_images(mean: float, capacity: int) -> float:
    """1 + E[min(Poisson(mean), capacity - 1)]: the oldest image's window is the batch's."""
    chances = [math.exp(-mean) * mean**number / math.factorial(number) for number in range(capacity - 1)]
    return 1 + sum(number * chance for number, chance in enumerate(chances)) + (capacity - 1) * (1 - sum(chances))


@pytest.mark.parametrize(("mean", "capacity"), [(1.0, 2), (2.0, 2), (3.0, 2), (1.0, 4), (3.0, 4)])
def test_poisson_traffic_saves_what_theory_says(mean: float, capacity: int) -> None:
    """39 % at rate x window = 1 into two cells, 46 % at 2: closing early as idle takes nothing of it."""
    window_s = 0.2
    times = poisson(mean / window_s, 4000, random.Random(11))
    assert replay(times, capacity=capacity, window_s=window_s) == pytest.approx(expected_images(mean, capacity), rel=0.03)


def test_bursts_after_silence_fill_their_batches() -> None:
    bursts = [start * 60.0 + offset / 100 for start in range(20) for offset in range(4)]
    assert replay(bursts, capacity=2, window_s=0.2) == 2.0
