"""What goes wrong, in order, as a table: how it begins, how it ends, how long it lasts in the long form and in the short one.

A fault without an end is over when it has happened. Played by `playing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from tests.chaos.load import Load
from tests.chaos.stage import NO_MEMORY, Stage

Act: TypeAlias = Callable[[Stage, Load], object]
"""Something that is done; text that it returns is a fact for the report."""

HOUR_S = 3600.0
SHORT_TIMES = 3
# Of the calls that are struck by a fault with a share.
A_THIRD = 0.33
# What an image that was answered uselessly is asked again: so often alone, and so often on a sheet, which is then taken apart.
TRIES_ALONE, TRIES_ON_SHEET = 3, 2
# Of the images, at most so many go alone while answers are useless; a seventh is usual.
ALONE_SHARE = 0.3
# Of the images that get the vendor's error when a third of all answers is useless: alone 1 of 27, on a sheet 1 of 9 and then
# 1 of 27 of those. All other faults are hidden: what refuses, throttles or fails is asked again until the time is over.
USELESS = ALONE_SHARE * A_THIRD**TRIES_ALONE + (1 - ALONE_SHARE) * A_THIRD ** (TRIES_ON_SHEET + TRIES_ALONE)


@dataclass(frozen=True, slots=True)
class Fault:
    """`hold_s`, `short_s`: how long it lasts. `end` is None for what happens in a moment.

    `errors`: share of the images to which it may give the vendor's error. `pays_again`: whether it can make anybody pay twice.
    """

    name: str
    words: str
    begin: Act
    end: Act | None
    hold_s: float
    short_s: float
    errors: float = 0.0
    pays_again: bool = False


def vendor(name: str, words: str, short_s: float = 0.6, hold_s: float = 6.0, **behaviour: Any) -> Fault:
    """The emulator behaves so for a while."""
    return Fault(name, words, lambda stage, _: stage.misbehave(**behaviour), lambda stage, _: stage.behave(), hold_s, short_s)


def useless(name: str, words: str, kind: str, *, short: bool) -> Fault:
    """A third of the answers is paid for and says nothing."""
    return replace(vendor(name, words, **struck(kind, A_THIRD, short=short)), errors=USELESS, pays_again=True)


def struck(kind: str, share: float, *, short: bool, **more: Any) -> Mapping[str, Any]:
    """A share of the calls; in the short form, where these are few, the next ones."""
    how: Mapping[str, Any] = {"times": SHORT_TIMES} if short else {"share": share}
    return {"faults": [{"kind": kind, **how, **more}]}


def _away(seconds: float) -> Act:
    return lambda stage, _: stage.cluster.emulator.go_away(seconds)


def _none(_: Stage, __: Load) -> None:
    """The fault ends by itself."""


def timeline(*, short: bool) -> tuple[Fault, ...]:
    """All faults. Of both forms the same ones, but for those that need time to show anything."""
    kept = (*_of_our_own(), *_of_the_vendor(short), *_around())
    return tuple(fault for fault in kept if not (short and fault.name in ONLY_LONG))


# More of what another fault shows already.
ONLY_LONG = frozenset({"throttling 60 %"})


def _of_our_own() -> tuple[Fault, ...]:
    """Processes and Redis. What they had under way is asked again, and nobody knows who else asks the same meanwhile."""
    faults = (
        Fault("worker killed", "SIGKILL of a worker in mid-sheet", lambda stage, _: stage.kill_worker(), None, 0, 0),
        Fault(
            "Redis frozen",
            "SIGSTOP of Redis",
            lambda stage, _: stage.cluster.redis.freeze(),
            lambda stage, _: stage.cluster.redis.thaw(),
            10.0,
            2.5,
        ),
        Fault(
            "Redis replaced",
            "Redis killed, then started empty",
            lambda stage, _: stage.kill_redis(),
            lambda stage, _: stage.restart_redis(),
            3.0,
            0.4,
        ),
        Fault(
            "Redis full",
            "Redis at maxmemory: it refuses every write",
            lambda stage, _: stage.set_redis_memory(NO_MEMORY),
            lambda stage, _: stage.set_redis_memory(0),
            5.0,
            0.8,
        ),
        Fault("API killed", "SIGKILL of an API process", lambda stage, _: stage.kill_api(), None, 0, 0),
    )
    return tuple(replace(fault, pays_again=True) for fault in faults)


def _of_the_vendor(short: bool) -> tuple[Fault, ...]:
    away_s = 1.0 if short else 5.0
    refuses = Fault(
        "vendor refuses", "the vendor's port is closed, its connections are cut", _away(away_s), _none, away_s, away_s
    )
    stalls = vendor(
        "vendor stalls", "half of the answers come 4 s late", short_s=0.6, **struck("stall", 0.5, short=short, seconds=4.0)
    )
    return (
        replace(refuses, pays_again=True),  # who is cut off had been paid
        replace(stalls, pays_again=short),  # only the short form's time limit is shorter than the stall
        vendor("throttling 30 %", "the vendor throttles 30 % of the calls", short_s=1.0, hold_s=10.0, throttle_share=0.3),
        vendor("throttling 60 %", "the vendor throttles 60 % of the calls", short_s=1.0, hold_s=10.0, throttle_share=0.6),
        vendor("errors 500", "a third of the calls fail with the vendor's 500", **struck("error500", A_THIRD, short=short)),
        useless("garbage", "a third of the answers are no JSON", "garbage", short=short),
        useless("truncated", "a third of the answers break off in the middle", "truncated", short=short),
        vendor("boxes outside", "all answers also have boxes outside the sheet", **struck("outside_boxes", 1.0, short=short)),
        vendor(
            "too many boxes", "half of the answers also have 450 boxes of nothing", **struck("many_boxes", 0.5, short=short)
        ),
    )


def _around() -> tuple[Fault, ...]:
    """Clients and clocks."""
    return (
        Fault(
            "bad clients",
            "clients that send and read slowly, and clients that leave when they have sent",
            lambda _, load: load.misbehave(True),
            lambda _, load: load.misbehave(False),
            8.0,
            1.0,
        ),
        Fault(
            "clock wrong",
            "the clock of an API process is an hour ahead, a worker's behind",
            _clocks(HOUR_S),
            _clocks(0),
            8.0,
            0.8,
        ),
    )


def _clocks(seconds: float) -> Act:
    def act(stage: Stage, _: Load) -> str:
        ahead = stage.set_clock(stage.cluster.apis[-1], seconds)
        behind = stage.set_clock(stage.cluster.workers[-1], -seconds)
        return f"{ahead}, {behind}"

    return act
