"""Clients' accounts over all API processes of all releases: in Redis, beside the lanes. Part of `redis.RedisAccumulator`.

Implements `contract.QuotaStore`; what the scripts do is `core.quota_account.Account`. A call that takes too long goes on by
itself: what it reserves is released with the next lot that names it, or lapses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.accumulator.keys import BUDGET_GRACE_S, TOLD_TTL_S
from app.accumulator.shards import Shards
from app.core.quota import US_PER_S, Amount, Ask, Limit, Limits, Usage, Verdict
from app.core.quota_account import UNDER_WAY_S, Lot

_MS_PER_S = 1000


class RedisQuota:
    """All numbers travel as text: Lua's doubles hold them, Redis's whole replies would cut them."""

    def __init__(self, shards: Shards) -> None:
        self._shards = shards

    async def take(self, tenant: str, limits: Limits, asks: Sequence[Ask]) -> Mapping[str, Verdict]:
        pace, budget = limits.pace, limits.budget
        known = next((ask.known for ask in reversed(asks) if ask.known is not None), None)
        arguments: list[Any] = [
            *_known(known),
            budget.get(Limit.DOLLARS, ""),
            budget.get(Limit.INFERENCES, ""),
            repr(pace.interval_us) if pace else "",
            repr(pace.burst) if pace else "",
        ]
        for ask in asks:
            amount = ask.amount
            arguments += [
                _member(ask), amount.nano_dollars, amount.micro_inferences, round(ask.lapse_s * US_PER_S), ask.images
            ]  # fmt: skip
        answers = await self._run("reserve", tenant, arguments)
        return {ask.id: _verdict(answer, limits) for ask, answer in zip(asks, answers, strict=True)}

    async def settle(self, tenant: str, lot: Lot, known: Usage | None = None) -> Usage:
        told = [lot.number, lot.paid.nano_dollars, lot.paid.micro_inferences, round(TOLD_TTL_S * _MS_PER_S)]
        return _usage(await self._run("settle", tenant, [*_known(known), *told, *map(_member, lot.ended)]))

    async def _run(self, script: str, tenant: str, arguments: Sequence[Any]) -> Any:
        shard = self._shards.shared_of(tenant)
        return await self._shards.call(shard.quota(script, tenant, [round(BUDGET_GRACE_S * _MS_PER_S), *arguments]))


def _member(ask: Ask) -> str:
    """A reservation as it lies in the store: whoever has made it can name it, and its amount with it."""
    return f"{ask.id}:{ask.amount.nano_dollars}:{ask.amount.micro_inferences}"


def _verdict(answer: Sequence[bytes], limits: Limits) -> Verdict:
    refused, wait_us, is_spent, *usage = answer
    wait_s = UNDER_WAY_S if wait_us == b"" else float(wait_us) / US_PER_S
    limit = Limit(refused.decode()) if refused else None
    return Verdict(limit, wait_s, bool(int(is_spent)), _usage(usage) if limits.budget else None)


def _known(usage: Usage | None) -> list[int]:
    if usage is None:
        return [-1, 0, 0]
    return [usage.month, usage.spent.nano_dollars, usage.spent.micro_inferences]


def _usage(numbers: Sequence[bytes]) -> Usage:
    month, *amounts = map(int, numbers)
    return Usage(month, Amount(*amounts[:2]), Amount(*amounts[2:]))
