"""What goes wrong, in order, as a table: how it begins, how it ends, how long it lasts in the long form and in the short one.

A fault without an end is over when it has happened. Played by `playing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.chaos.load import Load
from tests.chaos.stage import NO_MEMORY, Stage

Act: TypeAlias = Callable[[Stage, Load], object]
"""Something that is done; text that it returns is a fact for the report."""

HOUR_S = 3600.0
SHORT_TIMES = 3


@dataclass(frozen=True, slots=True)
class Fault:
    """`hold_s`, `short_s`: how long it lasts. `end` is None for what happens in a moment."""

    name: str
    words: str
    begin: Act
    end: Act | None
    hold_s: float
    short_s: float


def vendor(name: str, words: str, short_s: float = 0.6, hold_s: float = 6.0, **behaviour: Any) -> Fault:
    """The emulator behaves so for a while."""
    return Fault(name, words, lambda stage, _: stage.misbehave(**behaviour), lambda stage, _: stage.behave(), hold_s, short_s)


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
    """Processes and Redis."""
    return (
        Fault("worker killed", "SIGKILL of a worker in mid-sheet", lambda stage, _: stage.kill_worker(), None, 0, 0),
        Fault(
            "Redis frozen",
            "SIGSTOP of Redis",
            lambda stage, _: stage.cluster.redis.freeze(),
            lambda stage, _: stage.cluster.redis.thaw(),
            10.0,
            3.0,
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


def _of_the_vendor(short: bool) -> tuple[Fault, ...]:
    away_s = 1.0 if short else 5.0
    return (
        Fault("vendor refuses", "the vendor's port is closed, its connections are cut", _away(away_s), _none, away_s, away_s),
        vendor(
            "vendor stalls", "half of the answers come 4 s late", short_s=0.6, **struck("stall", 0.5, short=short, seconds=4.0)
        ),
        vendor("throttling 30 %", "the vendor throttles 30 % of the calls", short_s=1.0, hold_s=10.0, throttle_share=0.3),
        vendor("throttling 60 %", "the vendor throttles 60 % of the calls", short_s=1.0, hold_s=10.0, throttle_share=0.6),
        vendor("errors 500", "a third of the calls fail with the vendor's 500", **struck("error500", 0.33, short=short)),
        vendor("garbage", "a third of the answers are no JSON", **struck("garbage", 0.33, short=short)),
        vendor("truncated", "a third of the answers break off in the middle", **struck("truncated", 0.33, short=short)),
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
