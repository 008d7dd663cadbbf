"""How an emulator behaves at present: latency, throttling, poison and faults, changeable while it runs.

In: an operation and the time. Out: what is to happen to this call. Synchronous and without I/O; the service asks it on the
event loop, so nothing here needs a lock.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from app.emulators.faults import Fault, fault_as_json, fault_from_json
from app.emulators.options import EmulatorOptions

BURST_S = 1.0
"""A rate of N per second allows N at once: vendors count per second, not evenly spread."""


class Brake(StrEnum):
    """Why a call is throttled."""

    RATE = "rate"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The part of the options that can change while the emulator runs."""

    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    rate_per_s: float | None = None
    throttle_share: float = 0.0
    poison: frozenset[int] = frozenset()
    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        if self.latency_ms < 0 or self.jitter_ms < 0:
            raise ValueError("latency_ms and jitter_ms cannot be negative")
        if self.rate_per_s is not None and self.rate_per_s <= 0:
            raise ValueError("rate_per_s is above 0, or null for no limit")
        if not 0.0 <= self.throttle_share <= 1.0:
            raise ValueError("throttle_share is a ratio")


def behaviour_of(options: EmulatorOptions) -> Behaviour:
    """How an emulator with these options starts."""
    return Behaviour(
        options.latency_ms, options.jitter_ms, options.rate_per_s, options.throttle_share, options.poison, options.faults
    )


def changed(behaviour: Behaviour, change: object) -> Behaviour:
    """The behaviour with the fields of a JSON object replaced. Raises ValueError."""
    if not isinstance(change, Mapping):
        raise ValueError("a behaviour is an object")
    fields = dict(change)
    unknown = set(fields) - set(behaviour_as_json(behaviour))
    if unknown:
        raise ValueError(f"no such field: {', '.join(map(str, unknown))}; there are {', '.join(behaviour_as_json(behaviour))}")
    try:
        if "poison" in fields:
            fields["poison"] = frozenset(int(marker_id) for marker_id in fields["poison"])
        if "faults" in fields:
            fields["faults"] = tuple(fault_from_json(fault) for fault in fields["faults"])
        return replace(behaviour, **fields)
    except TypeError as error:
        raise ValueError(str(error)) from error


def behaviour_as_json(behaviour: Behaviour) -> dict[str, object]:
    """The way back of `changed`."""
    return {
        "latency_ms": behaviour.latency_ms,
        "jitter_ms": behaviour.jitter_ms,
        "rate_per_s": behaviour.rate_per_s,
        "throttle_share": behaviour.throttle_share,
        "poison": sorted(behaviour.poison),
        "faults": [fault_as_json(fault) for fault in behaviour.faults],
    }


class Script:
    """Decides, call by call. Every random choice comes from one seeded source."""

    def __init__(self, behaviour: Behaviour, seed: int) -> None:
        self._start = behaviour
        self._seed = seed
        self.reset()

    def reset(self) -> None:
        """Back to how it started, random source included."""
        self._random = random.Random(self._seed)  # noqa: S311 - repeatable on purpose
        self.become(self._start)

    def become(self, behaviour: Behaviour) -> None:
        """Behave like this from now on."""
        self.behaviour = behaviour
        self._left = [fault.times for fault in behaviour.faults]
        self._tokens = self._most_tokens
        self._filled_s: float | None = None

    def add(self, fault: Fault) -> None:
        """One more fault; those there are keep what is left of them."""
        self.behaviour = replace(self.behaviour, faults=(*self.behaviour.faults, fault))
        self._left.append(fault.times)

    @property
    def _most_tokens(self) -> float:
        return max(1.0, (self.behaviour.rate_per_s or 0.0) * BURST_S)

    def brake(self, now_s: float) -> Brake | None:
        """Whether the call that arrives now is throttled."""
        rate = self.behaviour.rate_per_s
        if rate is not None:
            since_s = 0.0 if self._filled_s is None else now_s - self._filled_s
            self._tokens = min(self._most_tokens, self._tokens + since_s * rate)
            self._filled_s = now_s
            if self._tokens < 1.0:
                return Brake.RATE
            self._tokens -= 1.0
        return Brake.SHARE if self._random.random() < self.behaviour.throttle_share else None

    def fault(self, operation: str) -> Fault | None:
        """The fault that strikes this call: the first in order that wants it."""
        for index, fault in enumerate(self.behaviour.faults):
            if fault.operation in (None, operation) and self._strikes(index, fault):
                return fault
        return None

    def _strikes(self, index: int, fault: Fault) -> bool:
        if fault.share is not None:
            return self._random.random() < fault.share
        left = self._left[index]
        if left is None:
            return True
        self._left[index] = max(0, left - 1)
        return left > 0

    def latency_s(self) -> float:
        """Least time of the next answer."""
        spread_ms = self.behaviour.jitter_ms * (2 * self._random.random() - 1)
        return max(0.0, self.behaviour.latency_ms + spread_ms) / 1000
