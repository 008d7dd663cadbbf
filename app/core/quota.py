"""What a client may use: images per second, dollars or inferences per calendar month. Pure sums; `quota_account` has the state.

In: limits, what a request asks for, the time. Out: whether it may come in, and if not, why and when to come again. Called by
both quota stores (Redis does the same sums in Lua), and by whoever reads the operator's limits.

Money is counted in whole billionths of a dollar and inferences in whole millionths, so that sums are exact in any order, in
Lua's numbers, too: those hold whole numbers up to 9e15.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum

NANO, MICRO = 1_000_000_000, 1_000_000
US_PER_S = 1_000_000
# Above these a limit limits nobody, and its whole billionths would no longer be exact in Lua.
MOST_DOLLARS = 1_000_000.0
MOST_INFERENCES = 1e9
MOST_IMAGES_PER_S = 1e6
_MONTHS = 12
# What rounding may add to a wait, microseconds.
_TOLERANCE_US = 0.5


class Limit(StrEnum):
    """What somebody may have too much of (metric label)."""

    RATE = "rate"
    DOLLARS = "dollars"
    INFERENCES = "inferences"


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one client. None: nothing is said, and the default counts. `inf`: no limit, whatever the default is.

    `burst`: images that may come at once after a pause; unless said otherwise those of one second, at least one.
    """

    images_per_s: float | None = None
    burst: float | None = None
    dollars_per_month: float | None = None
    inferences_per_month: float | None = None

    def __post_init__(self) -> None:
        _require("images per second", self.images_per_s, above=0.0, most=MOST_IMAGES_PER_S)
        _require("burst", self.burst, least=1.0, most=MOST_IMAGES_PER_S)
        _require("dollars per month", self.dollars_per_month, least=0.0, most=MOST_DOLLARS)
        _require("inferences per month", self.inferences_per_month, least=0.0, most=MOST_INFERENCES)

    def or_else(self, default: Limits) -> Limits:
        """Own limits where they are said, the default's otherwise. An own rate does not take the default's burst."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        filled = {name: getattr(default, name) if value is None else value for name, value in own.items()}
        if self.images_per_s is not None:
            filled["burst"] = self.burst
        return Limits(**filled)

    @property
    def pace(self) -> Pace | None:
        """The limit on the rate, if there is one."""
        rate = self.images_per_s
        if rate is None or math.isinf(rate):
            return None
        burst = max(1.0, rate) if self.burst is None or math.isinf(self.burst) else self.burst
        return Pace(US_PER_S / rate, burst)

    @property
    def budget(self) -> dict[Limit, int]:
        """The limits on what a month may cost, in the whole units of `Amount`."""
        said = {Limit.DOLLARS: (self.dollars_per_month, NANO), Limit.INFERENCES: (self.inferences_per_month, MICRO)}
        return {
            limit: round(value * unit) for limit, (value, unit) in said.items() if value is not None and not math.isinf(value)
        }

    @property
    def is_none(self) -> bool:
        """Whether nothing is limited."""
        return self.pace is None and not self.budget


def _require(name: str, value: float | None, *, most: float, least: float = 0.0, above: float | None = None) -> None:
    if value is None or value == math.inf:
        return
    if not (value <= most and value >= least and (above is None or value > above)):  # also false for NaN
        lowest = f"above {above:g}" if above is not None else f"at least {least:g}"
        raise ValueError(f"{name} is a number {lowest}, {most:g} at most (or inf: no limit)")


@dataclass(frozen=True, slots=True)
class Amount:
    """Money and inferences together."""

    nano_dollars: int = 0
    micro_inferences: int = 0

    @classmethod
    def of(cls, dollars: float, inferences: float) -> Amount:
        return cls(round(dollars * NANO), round(inferences * MICRO))

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.nano_dollars + other.nano_dollars, self.micro_inferences + other.micro_inferences)

    def at_least(self, other: Amount) -> Amount:
        return Amount(max(self.nano_dollars, other.nano_dollars), max(self.micro_inferences, other.micro_inferences))

    def counted(self, limit: Limit) -> int:
        """What of it the limit of a month is about."""
        return self.nano_dollars if limit is Limit.DOLLARS else self.micro_inferences

    @property
    def dollars(self) -> float:
        return self.nano_dollars / NANO

    @property
    def inferences(self) -> float:
        return self.micro_inferences / MICRO


NOTHING = Amount()


@dataclass(frozen=True, slots=True)
class Usage:
    """What a client has used of a month (`month_at`), and what requests under way have reserved."""

    month: int
    spent: Amount = NOTHING
    reserved: Amount = NOTHING

    def merged(self, other: Usage | None) -> Usage:
        """Of two looks at the same client the later one: within a month spending only grows."""
        if other is None or other.month < self.month:
            return self
        return other if other.month > self.month else Usage(self.month, self.spent.at_least(other.spent), other.reserved)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request at the door. `id` names its reservation, `amount` is what it may cost, `lapse_s` after which time nobody is
    left to settle it. `known`: the last that the asking process knows, for a store that has lost it.
    """

    id: str
    images: int
    amount: Amount
    lapse_s: float
    known: Usage | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`refused`: by which limit, None when it may come in. `retry_after_s`: when it could. `is_spent`: the refusal stands until
    the month ends; otherwise what is under way may cost less than it has reserved. `usage`: where there is a budget.
    """

    refused: Limit | None = None
    retry_after_s: float = 0.0
    is_spent: bool = False
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """The generic cell rate algorithm: `interval_us` between images on average, `burst` of them at once.

    State is one time: when all that was let in would have come at an even pace. A request with more images than the burst is
    let in after a full pause, and those behind it wait the longer.
    """

    interval_us: float
    burst: float

    def wait_us(self, paced_us: float, now_us: float, images: int) -> float:
        """How long until so many images may come in; 0 for now."""
        wait_us = max(0.0, paced_us - now_us) + min(images, self.burst) * self.interval_us - self.burst * self.interval_us
        return wait_us if wait_us > _TOLERANCE_US else 0.0

    def taken_us(self, paced_us: float, now_us: float, images: int) -> float:
        """The state after so many images have been let in."""
        return max(paced_us, now_us) + images * self.interval_us


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in UTC, counted from January 1970, and what is left of it."""

    number: int
    left_s: float


def month_at(epoch_s: float) -> Month:
    """The month of a time since the epoch."""
    now = datetime.fromtimestamp(epoch_s, UTC)
    year, month = (now.year + 1, 1) if now.month == _MONTHS else (now.year, now.month + 1)
    return Month((now.year - 1970) * _MONTHS + now.month - 1, datetime(year, month, 1, tzinfo=UTC).timestamp() - epoch_s)


def month_name(number: int) -> str:
    """`2026-11`."""
    return f"{1970 + number // _MONTHS}-{number % _MONTHS + 1:02}"


def tenant_key(tenant: str) -> str:
    """Whose account it is, as a store names it: hexadecimal, and it tells nobody the tenant's name."""
    return hashlib.sha256(tenant.encode("utf-8", "surrogatepass")).hexdigest()[:20]
