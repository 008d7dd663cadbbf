"""Clients' accounts within one process. Part of `memory.MemoryAccumulator`; implements `contract.QuotaStore`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from app.clock import Clock
from app.core.quota import US_PER_S, Ask, Limits, Usage, Verdict, month_at
from app.core.quota_account import Account, Lot

# Accounts that are kept. Those of clients whom the operator has named are far fewer; of strangers the one that was used longest
# ago is forgotten first, those that nothing is lost with before others.
MOST_ACCOUNTS = 10_000


class MemoryQuota:
    """`clock` paces and lapses, `wall` says which month it is."""

    def __init__(self, clock: Clock, wall: Clock) -> None:
        self._clock = clock
        self._wall = wall
        self._accounts: OrderedDict[str, Account] = OrderedDict()

    async def take(self, tenant: str, limits: Limits, asks: Sequence[Ask]) -> Mapping[str, Verdict]:
        account, now_us, month = self._of(tenant), self._now_us(), month_at(self._wall.now_s())
        return {ask.id: account.take(ask, limits, now_us, month) for ask in asks}

    async def settle(self, tenant: str, lot: Lot, known: Usage | None = None) -> Usage:
        return self._of(tenant).settle(lot, self._now_us(), month_at(self._wall.now_s()), known)

    def _now_us(self) -> int:
        return round(self._clock.now_s() * US_PER_S)

    def _of(self, tenant: str) -> Account:
        account = self._accounts.setdefault(tenant, Account())
        self._accounts.move_to_end(tenant)
        if len(self._accounts) > MOST_ACCOUNTS:
            oldest = next(iter(self._accounts))
            idle = (name for name, one in self._accounts.items() if name != tenant and one.is_idle(self._now_us()))
            del self._accounts[next(idle, oldest)]
        return account
