"""When a lane's window closes: pure arithmetic on the times of its arrivals.

In: the arrivals of one lane as they happen (`arrive`), and what is pending in it (`reason_to_close`). Out: the lane's history,
and whether the images that are there should leave now. Called by `core.lanes`; `accumulator/lua/enqueue.lua` computes the
same in the same order of operations, with the constants below passed in, so that both reach the same doubles.

The window of an image opens at its own arrival and is `max_wait_s` long; a lane is flushed at the earliest end of its
pending images' windows. Before that it closes when it is full, or when waiting on would be in vain (`is_idle`).

In vain means two things at once.

* By rate: the expected number of further images until the flush, rate x time left, is below IDLE_THRESHOLD. The rate is a
  count of arrivals that decays with time constant tau, divided by the weight that a full history would have had,
  tau x (1 - exp(-age / tau)); without that correction a young lane would look sparse. The arrival that asks is not counted:
  it always happened, so counting it would put a floor of 1/tau under the rate, and no traffic would ever be sparse.
* By experience: the last LONE_ARRIVALS arrivals each came more than a window after the one before them. A rate alone says
  "nobody comes" at the first image of every burst that follows a pause, and would send that image alone each time: three
  inferences instead of two for a burst of four into two cells. One image with company is enough to wait again.

At the very first arrival nothing is known, and the lane waits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.core.model import Release

# Further images expected until the flush, below which waiting is in vain. Poisson traffic with rate x window >= 1 saves
# 39 % and more, and its measured rate stays far above; at 0.05 twenty images would wait out their window for one companion.
IDLE_THRESHOLD = 0.05
# Arrivals in a row without company before a lane may be idle. One or two happen in any traffic (a client that warms up,
# a probe); with three, sparse traffic pays for being sure with three windows, once.
LONE_ARRIVALS = 3
# The rate's memory, tau: ten windows hold ten images at rate x window = 1, so that the measured rate is within a third of
# the true one and cannot reach the threshold by chance; and at least two seconds, so that a short window does not make
# the memory shorter than the pauses inside one client's burst.
TAU_WINDOWS = 10.0
TAU_MIN_S = 2.0
# A lane without arrivals for so long is forgotten, seconds. Far above tau: nothing of its rate is left by then.
FORGET_S = 3600.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """What one lane remembers of its arrivals.

    `weight`: how many there were, each counting exp(-age / tau) as of `last_s`. `lone`: how many in a row, up to the last,
    came more than a window after the one before.
    """

    weight: float
    first_s: float
    last_s: float
    lone: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """One arrival: the rate before it (images per second; infinite where nothing is known), and the history with it."""

    rate_per_s: float
    traffic: Traffic


def tau_s(window_s: float) -> float:
    """How long the rate remembers, for windows of this length."""
    return max(TAU_MIN_S, TAU_WINDOWS * window_s)


def arrive(traffic: Traffic | None, now_s: float, window_s: float) -> Arrival:
    """An image with a window of `window_s` arrives in a lane with this history (None: the first one)."""
    if traffic is None or now_s - traffic.last_s > FORGET_S:
        return Arrival(math.inf, Traffic(weight=1.0, first_s=now_s, last_s=now_s, lone=0))
    gap_s = max(0.0, now_s - traffic.last_s)  # a shared store's clock may be set back
    age_s = max(0.0, now_s - traffic.first_s)
    memory_s = tau_s(window_s)
    weight = traffic.weight * math.exp(-gap_s / memory_s)
    known = 1.0 - math.exp(-age_s / memory_s)  # share of a full history; 0 for arrivals at one instant
    rate = weight / (memory_s * known) if known > 0 else math.inf
    lone = traffic.lone + 1 if gap_s > window_s else 0
    return Arrival(rate, Traffic(weight + 1.0, traffic.first_s, now_s, lone))


def is_idle(arrival: Arrival, left_s: float) -> bool:
    """Whether, right after this arrival, waiting `left_s` more would be in vain."""
    return arrival.traffic.lone >= LONE_ARRIVALS and arrival.rate_per_s * left_s < IDLE_THRESHOLD


def reason_to_close(*, pending: int, capacity: int, marked: Release | None, flush_s: float, now_s: float) -> Release | None:
    """Why a lane with `pending` images is ready at `now_s`, or None. `marked`: it was found idle, or is being drained."""
    if pending >= capacity:
        return Release.FULL
    if marked is not None:
        return marked
    return Release.DUE if flush_s <= now_s else None
