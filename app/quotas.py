"""Who may come in, by what his client has used: the shared store's word, or this process's own while the store is away.

In: a tenant's request, and what it may cost; at its end what was paid. Out: a grant, or the Problem that a dialect words.
Called by the desk. Tenants without limits cost nothing here.

    admit --take--> store                      settle --> owed --one lot at a time--> store
       `- away: the tab's own account             `-----> the tab's own account

The store being away keeps nobody out who has budget left: each process then goes by what it last knew of a budget and by its
own count of the rate, and settles what was paid when the store is back. No request waits for the store longer than STORE_S.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from app.accumulator.contract import QuotaStore
from app.clock import Clock
from app.core.breaker import Breaker
from app.core.clients import Clients, Tenant
from app.core.quota import NOTHING, US_PER_S, Amount, Ask, Limit, Limits, Usage, Verdict, month_at, month_name, tenant_key
from app.core.quota_account import Account, Lot
from app.errors import Kind, Problem
from app.log import get_logger

# Longest that a request waits for the store, seconds: hundreds of round trips; a client hardly notices.
STORE_S = 0.5
# Looks at the clock in that time.
LOOKS = 10
# Requests of one client that go to the store in one call: a script unpacks so many at once.
MOST_ASKED = 500
# Lots that are told before anybody asks again: the one that failed, and all that is owed since.
TOLD_FIRST = 2
# After a failure to settle, the next try comes so much later, seconds.
AGAIN_S = 1.0
# What is owed when the process ends is tried for so long, seconds.
CLOSE_S = 1.0
# A reservation outlives its request's own time by this, seconds: then its process is dead.
LAPSE_MARGIN_S = 10.0
# Tabs that are kept; the one that was used longest ago is forgotten first, unless it owes something.
MOST_TABS = 10_000
# Ends of requests that are kept for a store that is away; what they paid is a sum, and their reservations lapse by themselves.
MOST_ENDED = 1000
# Digits after the point of what is shown.
SHOWN_DIGITS = 5

log = get_logger(__name__)

_Asking: TypeAlias = "tuple[Ask, asyncio.Future[Verdict | None]]"


class QuotaLedger(Protocol):
    """What is counted; the metrics implement it."""

    def quota_refused(self, limit: str) -> None: ...
    def quota_unshared(self) -> None: ...


@dataclass(slots=True)
class _Tab:
    """What this process knows of one tenant. `account` is its own count; `known` the store's last word; `owed` and `ended` are
    not told yet; `lot` is under way, or has to be told again. `asks` wait for the store; `asking` brings them there.
    """

    key: str
    tenant: Tenant
    account: Account = field(default_factory=Account)
    known: Usage | None = None
    owed: Amount = NOTHING
    ended: deque[Ask] = field(default_factory=lambda: deque(maxlen=MOST_ENDED))
    lot: Lot | None = None
    asks: list[_Asking] = field(default_factory=list)
    asking: asyncio.Task[None] | None = None
    is_behind: bool = False  # something was let in that the store has not heard of

    @property
    def has_debts(self) -> bool:
        return self.lot is not None or bool(self.ended) or self.owed != NOTHING

    def learn(self, usage: Usage | None) -> None:
        if usage is not None:
            self.known = usage.merged(self.known)

    def spent_in(self, month: int) -> Amount:
        """As far as this process knows: what the store said last, and what it has not been told."""
        untold = self.owed + (self.lot.paid if self.lot is not None else NOTHING)
        return self.known.spent + untold if self.known is not None and self.known.month == month else untold

    def next_lot(self, teller: str, number: int) -> Lot:
        """What has to be told: the lot that failed before, word for word, or all that is owed."""
        if self.lot is None:
            self.lot = Lot(teller, number, tuple(self.ended), self.owed)
            self.owed = NOTHING
            self.ended.clear()
        return self.lot


@dataclass(frozen=True, slots=True)
class Grant:
    """A request that was let in, and may cost so much. `has_budget`: somebody counts what it did cost."""

    ask: Ask
    tab: _Tab
    has_budget: bool
    owe: Callable[[Grant, Amount], None]

    def settle(self, paid: Amount) -> None:
        """The request is over, and this was paid for it."""
        self.tab.account.reserved.pop(self.ask.id, None)
        if self.has_budget:
            self.owe(self, paid)


class Quotas:
    """Implements `desk.Gate`. `teller` is unique among all processes; `start` it on the event loop, and `close` it there."""

    def __init__(
        self,
        clients: Clients,
        store: QuotaStore,
        ledger: QuotaLedger,
        clock: Clock,
        wall: Clock,
        *,
        request_timeout_s: float,
        teller: str,
        store_s: float = STORE_S,
        again_s: float = AGAIN_S,
    ) -> None:
        self._clients = clients
        self._store = store
        self._ledger = ledger
        self._clock = clock
        self._wall = wall
        self._lapse_s = request_timeout_s + LAPSE_MARGIN_S
        self._teller = teller
        self._store_s = store_s
        self._again_s = again_s
        self._tabs: OrderedDict[str, _Tab] = OrderedDict()
        self._debtors: dict[str, _Tab] = {}
        self._breaker = Breaker()
        self._lots = 0
        self._any = asyncio.Event()
        self._telling: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._telling = asyncio.create_task(self._tell_all(), name="quotas")

    async def close(self) -> None:
        """Settle what is owed, as far as that is possible in CLOSE_S."""
        tasks = {tab.asking for tab in self._tabs.values() if tab.asking is not None}
        tasks |= {self._telling} if self._telling is not None else set()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await asyncio.gather(*map(self._pay_off, tuple(self._debtors.values())), return_exceptions=True)

    async def admit(self, tenant: Tenant, endpoint: str, images: int, amount: Amount) -> Grant | None:
        """None where the tenant has no limits. Raises Problem: RATE_LIMITED, BUDGET_SPENT."""
        limits = self._clients.limits_of(tenant)
        if limits.is_none:
            return None
        tab = self._tab(tenant, endpoint)
        grant = Grant(Ask(uuid.uuid4().hex, images, amount, self._lapse_s, tab.known), tab, bool(limits.budget), self._owe)
        verdict = await self._shared(grant, limits)
        if verdict is None:
            self._ledger.quota_unshared()
            verdict = self._own(grant, limits)
            if verdict.refused is not None:
                grant.settle(NOTHING)  # the store may have let it in, and not been heard
        if verdict.refused is not None:
            self._ledger.quota_refused(verdict.refused.value)
            raise _refusal(verdict, limits)
        return grant

    def usage(self) -> dict[str, dict[str, Any]]:
        """What the operator's clients have used of their budgets, as far as this process knows; by the operator's names."""
        month = month_at(self._wall.now_s()).number
        tabs = [tab for tab in self._tabs.values() if tab.tenant.is_client]
        shown = {tab.tenant.name: (tab, self._clients.limits_of(tab.tenant)) for tab in tabs}
        return {
            name: _shown(tab.spent_in(month), limits, month) for name, (tab, limits) in sorted(shown.items()) if limits.budget
        }

    def _tab(self, tenant: Tenant, endpoint: str) -> _Tab:
        name = tenant.at(endpoint)
        tab = self._tabs.get(name)
        if tab is None:
            key = tenant_key(name)
            tab = self._tabs[name] = self._debtors.get(key) or _Tab(key, tenant)
        self._tabs.move_to_end(name)
        if len(self._tabs) > MOST_TABS:
            self._tabs.popitem(last=False)  # whoever owes something is among the debtors
        return tab

    async def _shared(self, grant: Grant, limits: Limits) -> Verdict | None:
        """The store's verdict; None while it is away."""
        if not self._breaker.may_try(self._clock.now_s()):
            return None
        tab = grant.tab
        waiting: asyncio.Future[Verdict | None] = asyncio.get_running_loop().create_future()
        tab.asks.append((grant.ask, waiting))
        if tab.asking is None:
            tab.asking = asyncio.create_task(self._ask_store(tab), name="quota")
        try:
            verdict = await self._in_time(waiting)
        except BaseException:
            grant.settle(NOTHING)
            raise
        finally:
            waiting.cancel()
        if verdict is not None and verdict.refused is None:
            tab.account.record(grant.ask, limits, self._now_us())
        return verdict

    async def _in_time(self, waiting: asyncio.Future[Verdict | None]) -> Verdict | None:
        """Time in which this process did not run itself does not count: a busy machine must not look like a dead store."""
        for _ in range(LOOKS):
            await asyncio.wait({waiting}, timeout=self._store_s / LOOKS)
            if waiting.done():
                return waiting.result()
        self._away("no answer in time")
        return None

    async def _ask_store(self, tab: _Tab) -> None:
        """All that have come while the last call was under way go with the next one."""
        try:
            while tab.asks:
                asks = tab.asks[:MOST_ASKED]
                del tab.asks[:MOST_ASKED]
                verdicts = await self._asked(tab, asks)
                for ask, waiting in asks:
                    if not waiting.done():
                        waiting.set_result(verdicts.get(ask.id))
        finally:
            tab.asking = None

    async def _asked(self, tab: _Tab, asks: Sequence[_Asking]) -> Mapping[str, Verdict]:
        """Nothing where the store is away; nor for whoever has given up waiting."""
        limits = self._clients.limits_of(tab.tenant)
        if limits.is_none:  # since a moment ago
            return {ask.id: Verdict() for ask, _ in asks}
        try:
            await self._catch_up(tab)
            waiting = [ask for ask, future in asks if not future.done()]
            verdicts = await self._store.take(tab.key, limits, waiting) if waiting else {}
        except Exception as error:
            if not isinstance(error, Problem):
                log.error("limits cannot be asked for", exc_info=True)
            self._away(str(error))
            return {}
        self._back()
        for verdict in verdicts.values():
            tab.learn(verdict.usage)
        return verdicts

    async def _catch_up(self, tab: _Tab) -> None:
        """What was let in here is reserved nowhere: what it has cost is told first. What comes to be owed meanwhile waits, or
        nobody who asks would ever get his turn.
        """
        for _ in range(TOLD_FIRST):
            if tab.is_behind and tab.has_debts:
                await self._tell(tab)
        tab.is_behind = tab.is_behind and tab.has_debts

    def _own(self, grant: Grant, limits: Limits) -> Verdict:
        """This process's own, by what it knew last and what it has let in itself."""
        month = month_at(self._wall.now_s())
        account = grant.tab.account
        grant.tab.is_behind = True
        account.month, account.spent = month.number, grant.tab.spent_in(month.number)
        return account.take(grant.ask, limits, self._now_us(), month)

    def _now_us(self) -> float:
        return self._clock.now_s() * US_PER_S

    def _away(self, reason: str) -> None:
        if self._breaker.is_closed:
            log.warning("limits are not shared: the store is away", reason=reason)
        self._breaker.failed(self._clock.now_s())

    def _back(self) -> None:
        if not self._breaker.is_closed:
            log.info("limits are shared again")
        self._breaker.succeeded()

    def _owe(self, grant: Grant, paid: Amount) -> None:
        grant.tab.ended.append(grant.ask)
        grant.tab.owed += paid
        self._debtors[grant.tab.key] = grant.tab
        self._any.set()

    async def _tell_all(self) -> None:
        """As long as the process lives."""
        while True:
            await self._any.wait()
            self._any.clear()
            try:
                await self._tell_debts()
            except Exception as error:
                if not isinstance(error, Problem):
                    log.error("limits cannot be settled", exc_info=True)
                self._any.set()
                await asyncio.sleep(self._again_s)

    async def _pay_off(self, tab: _Tab) -> None:
        """A lot that was under way goes again, then what has come since. Raises Problem."""
        while tab.has_debts:
            await self._tell(tab)

    async def _tell_debts(self) -> None:
        """One lot of each debtor; whose lot fails is told last the next time. Raises Problem."""
        for key, tab in list(self._debtors.items()):
            self._debtors.pop(key, None)
            try:
                await self._tell(tab)
            except BaseException:
                self._debtors[key] = tab
                raise
            if tab.has_debts:
                self._debtors[key] = tab
                self._any.set()

    async def _tell(self, tab: _Tab) -> None:
        """The lot that failed before, or all that is owed. Told twice at the same time, it counts once. Raises Problem."""
        if tab.lot is None:
            self._lots += 1
        lot = tab.next_lot(self._teller, self._lots)
        usage = await self._store.settle(tab.key, lot, tab.known)
        if tab.lot is lot:
            tab.lot = None
        tab.learn(usage)


def _refusal(verdict: Verdict, limits: Limits) -> Problem:
    """In plain words which limit it is. What is spent is no use to try again before the month ends."""
    if verdict.refused is Limit.RATE:
        words = f"this client may send {limits.images_per_s:g} images per second"
        return Problem(Kind.RATE_LIMITED, words, retry_after_s=verdict.retry_after_s)
    is_money = verdict.refused is Limit.DOLLARS
    budget = f"${limits.dollars_per_month:g}" if is_money else f"{limits.inferences_per_month:g} inferences"
    if verdict.is_spent:
        return Problem(Kind.BUDGET_SPENT, f"the rest of this client's budget of {budget} a month is less than this may cost")
    words = f"requests under way have reserved the rest of this client's budget of {budget} a month"
    return Problem(Kind.RATE_LIMITED, words, retry_after_s=verdict.retry_after_s)


def _shown(spent: Amount, limits: Limits, month: int) -> dict[str, Any]:
    used: Mapping[Limit, float] = {Limit.DOLLARS: spent.dollars, Limit.INFERENCES: spent.inferences}
    most = {Limit.DOLLARS: limits.dollars_per_month, Limit.INFERENCES: limits.inferences_per_month}
    # Thirds of an inference are whole millionths: their sum is off by some of the last digit.
    shown = {limit.value: {"used": round(used[limit], SHOWN_DIGITS), "limit": most[limit]} for limit in limits.budget}
    return {"month": month_name(month)} | shown
