"""One client's account: what it has used, and who may come in. A pure state machine; `lua/_quota.lua` does the same in Redis.

    take    refused by the budget or the pace (nothing changes), or reserved until it is settled or lapses
    settle  reservations end, and what was really paid is spent; the same lot twice counts once

Called by the store in memory, and by `app.quotas` while the shared store is away.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.core.quota import NOTHING, US_PER_S, Amount, Ask, Limit, Limits, Month, Usage, Verdict

# Whose lots are remembered, so that none counts twice; a process that has been silent while so many others settled is gone.
MOST_TELLERS = 1000
# When to come again where what is under way has reserved the rest of a budget, seconds: about as long as an answer takes.
UNDER_WAY_S = 1.0


@dataclass(frozen=True, slots=True)
class Lot:
    """What one process has to settle. `number` rises with every lot of a `teller`; `ended`: the asks that are over."""

    teller: str
    number: int
    ended: tuple[Ask, ...]
    paid: Amount


@dataclass(slots=True)
class Account:
    """`paced_us`: state of the pace. `reserved`: of what is under way, the amount and when it lapses."""

    paced_us: float = 0.0
    month: int = 0
    spent: Amount = NOTHING
    reserved: dict[str, tuple[Amount, float]] = field(default_factory=dict)
    told: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def take(self, ask: Ask, limits: Limits, now_us: float, month: Month) -> Verdict:
        """Let a request in, or say why not. The budget first: who has none left need not be told to come again soon."""
        usage = self.usage(now_us, month, ask.known) if limits.budget else None
        short = _short(usage, ask, limits) if usage is not None else None
        if usage is not None and short is not None:
            is_spent = usage.spent.counted(short) + ask.amount.counted(short) > limits.budget[short]
            return Verdict(short, month.left_s if is_spent else UNDER_WAY_S, is_spent, usage)
        pace = limits.pace
        wait_us = pace.wait_us(self.paced_us, now_us, ask.images) if pace is not None else 0.0
        if wait_us > 0:
            return Verdict(Limit.RATE, wait_us / US_PER_S, usage=usage)
        self.record(ask, limits, now_us)
        return Verdict(usage=self.usage(now_us, month) if limits.budget else None)

    def record(self, ask: Ask, limits: Limits, now_us: float) -> None:
        """It has been let in, here or elsewhere."""
        pace = limits.pace
        if pace is not None:
            self.paced_us = pace.taken_us(self.paced_us, now_us, ask.images)
        if limits.budget:
            self.reserved[ask.id] = (ask.amount, now_us + ask.lapse_s * US_PER_S)

    def settle(self, lot: Lot, now_us: float, month: Month, known: Usage | None = None) -> Usage:
        """The asks of the lot are over, and so much was paid for them. A lot that was settled before changes nothing."""
        self.usage(now_us, month, known)
        if self.told.get(lot.teller, 0) < lot.number:
            self.told[lot.teller] = lot.number
            self.told.move_to_end(lot.teller)
            if len(self.told) > MOST_TELLERS:
                self.told.popitem(last=False)
            for ask in lot.ended:
                self.reserved.pop(ask.id, None)
            self.spent += lot.paid
        return self.usage(now_us, month)

    def usage(self, now_us: float, month: Month, known: Usage | None = None) -> Usage:
        """Where it stands: lapsed reservations are gone, a new month has begun, and what is `known` and was lost is back."""
        for name in [name for name, (_, lapse_us) in self.reserved.items() if lapse_us <= now_us]:
            del self.reserved[name]
        if self.month != month.number:
            self.month, self.spent = month.number, NOTHING
        if known is not None and known.month == self.month:
            self.spent = self.spent.at_least(known.spent)
        return Usage(self.month, self.spent, sum((amount for amount, _ in self.reserved.values()), NOTHING))

    def is_idle(self, now_us: float) -> bool:
        """Whether nothing is lost by forgetting it."""
        return not self.reserved and self.spent == NOTHING and self.paced_us <= now_us


def _short(usage: Usage, ask: Ask, limits: Limits) -> Limit | None:
    """The first budget that cannot hold the request."""
    used = usage.spent + usage.reserved
    budgets: Sequence[tuple[Limit, int]] = tuple(limits.budget.items())
    return next(
        (
            limit
            for limit, most in budgets
            if ask.amount.counted(limit) and used.counted(limit) + ask.amount.counted(limit) > most
        ),
        None,
    )
