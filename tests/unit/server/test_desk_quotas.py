"""Limits at the desk: asked before anything is done, settled by what was paid in the end, however a request ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from app.clock import ManualClock
from app.core.clients import Tenant
from app.core.model import Bill, Failure, Feature, Outcome, RawRequest
from app.core.prices import PriceList
from app.core.quota import NOTHING, Amount
from app.errors import Kind, Problem
from app.server.desk import Desk, DeskRules
from app.server.reading import BodyShare, ClientLeft
from app.wire.azure import AzureOptions, OwnProvider, azure_dialects
from app.wire.contract import Answered, Call, RawReply
from tests.support.wire import PICTURE, azure_request
from tests.unit.server.test_desk_joining import Arrived, Tally, Vendor

T = TypeVar("T")
PRICES = PriceList(otherwise=0.001)
NAMES = {Feature.OBJECTS: "objects", Feature.PEOPLE: "people"}
DIALECT = azure_dialects(AzureOptions(offers=frozenset(NAMES), own=OwnProvider(PRICES, 0.5))).analysis


@dataclass(slots=True)
class Gate:
    """Lets everybody in, or nobody; keeps what was asked and what was paid."""

    refusal: Problem | None = None
    asked: list[tuple[Tenant, str, int, Amount]] = field(default_factory=list)
    paid: list[Amount] = field(default_factory=list)

    async def admit(self, tenant: Tenant, endpoint: str, images: int, amount: Amount) -> Granted:
        self.asked.append((tenant, endpoint, images, amount))
        if self.refusal is not None:
            raise self.refusal
        return Granted(amount, self)


@dataclass(frozen=True, slots=True)
class Granted:
    amount: Amount
    gate: Gate

    def settle(self, paid: Amount) -> None:
        self.gate.paid.append(paid)


def desk(vendor: Vendor, gate: Gate) -> Desk:
    rules = DeskRules(
        max_body_bytes=1000, max_held_bytes=1000, request_timeout_s=10, speaks="azure", prices=PRICES, names=NAMES
    )
    return Desk(vendor, vendor, rules, Tally(), ManualClock(), new_id=lambda: "new", gate=gate)


def wanted(features: str) -> RawRequest:
    return azure_request(f"api-version=2024-02-01&features={features}")


async def served(vendor: Vendor, gate: Gate, raw: RawRequest) -> RawReply:
    reply = (await desk(vendor, gate).serve(Arrived(raw), DIALECT)).reply
    assert isinstance(reply, RawReply)
    return reply


@pytest.mark.parametrize(
    ("features", "asked", "paid"),
    [
        ("objects", Amount.of(0.001, 1), Amount.of(0.0005, 0.5)),
        ("objects,people", Amount.of(0.002, 2), Amount.of(0.001, 1)),
        ("objects,tags,caption", Amount.of(0.003, 3), Amount.of(0.0025, 2.5)),
    ],
)
async def test_the_whole_price_is_reserved_and_the_share_is_settled(features: str, asked: Amount, paid: Amount) -> None:
    gate = Gate()
    assert (await served(Vendor(), gate, wanted(features))).status == 200
    assert [(images, amount) for _, _, images, amount in gate.asked] == [(1, asked)]
    assert gate.paid == [paid]


async def test_what_is_handed_on_whole_is_reserved_and_settled_too() -> None:
    gate = Gate()
    await desk(Vendor(), gate).serve(Arrived(wanted("tags,caption")), DIALECT)
    assert [amount for *_, amount in gate.asked] == gate.paid == [Amount.of(0.002, 2)]
    refused = Gate()
    await desk(Vendor(429, b"{}"), refused).serve(Arrived(wanted("tags")), DIALECT)
    assert refused.paid == [NOTHING]


@pytest.mark.parametrize("features", ["objects", "objects,tags", "tags"])
async def test_whoever_is_kept_out_costs_nothing_and_reads_his_vendors_words(features: str) -> None:
    vendor = Vendor()
    gate = Gate(Problem(Kind.RATE_LIMITED, "too fast", retry_after_s=2.5))
    reply = await served(vendor, gate, wanted(features))
    assert (reply.status, reply.headers["Retry-After"]) == (429, "3")
    assert (vendor.forwarded, gate.paid) == ([], [])


async def test_a_request_that_cannot_be_read_is_not_asked_for() -> None:
    gate = Gate()
    assert (await served(Vendor(), gate, wanted("everything"))).status == 400
    assert gate.asked == []


async def test_a_vendors_refusal_is_settled_by_its_bill() -> None:
    gate = Gate()
    await served(Vendor(failure=Failure(Kind.THROTTLED, "slow")), gate, wanted("objects"))
    assert gate.paid == [NOTHING]


async def test_an_image_that_is_refused_here_costs_nothing() -> None:
    @dataclass(slots=True)
    class Refusing(Vendor):
        async def answer(self, call: Call, request_id: str) -> Answered:
            raise Problem(Kind.INVALID_IMAGE, "no image")

    gate = Gate()
    await served(Refusing(), gate, wanted("objects"))
    assert gate.paid == [NOTHING]


async def test_more_than_was_reserved_is_settled_as_it_was_paid() -> None:
    @dataclass(slots=True)
    class Stubborn(Vendor):
        async def answer(self, call: Call, request_id: str) -> Answered:
            return Answered(PICTURE, (Outcome("job", Failure(Kind.PROVIDER_TIMEOUT, "late"), Bill(inferences=3.0)),))

    gate = Gate()
    await served(Stubborn(), gate, wanted("objects"))
    assert gate.paid == [Amount.of(0.003, 3)]


async def test_a_client_that_leaves_is_charged_what_his_image_may_have_cost() -> None:
    """Nobody can say any more what was paid: guessed upwards, or leaving early would be free."""

    @dataclass(frozen=True, slots=True)
    class Leaving(Arrived):
        async def unless_client_leaves(self, work: Coroutine[Any, Any, T]) -> T:
            work.close()
            raise ClientLeft

    gate = Gate()
    await desk(Vendor(), gate).serve(Leaving(wanted("objects")), DIALECT)
    assert gate.paid == [Amount.of(0.001, 1)]


async def test_a_request_that_is_cut_off_is_settled_once() -> None:
    @dataclass(slots=True)
    class Slow(Vendor):
        entered: asyncio.Event = field(default_factory=asyncio.Event)

        async def answer(self, call: Call, request_id: str) -> Answered:
            self.entered.set()
            await asyncio.Event().wait()
            raise AssertionError

    vendor, gate = Slow(), Gate()
    serving = asyncio.create_task(desk(vendor, gate).serve(Arrived(wanted("objects")), DIALECT))
    await vendor.entered.wait()
    serving.cancel()
    await asyncio.wait({serving})
    assert gate.paid == [Amount.of(0.001, 1)]


async def test_a_client_that_leaves_while_he_sends_is_not_asked_for() -> None:
    @dataclass(frozen=True, slots=True)
    class Gone(Arrived):
        async def read(self, share: BodyShare) -> RawRequest:
            raise ClientLeft

    gate = Gate()
    await desk(Vendor(), gate).serve(Gone(wanted("objects")), DIALECT)
    assert gate.asked == []
