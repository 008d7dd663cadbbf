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
from app.fares import Fare, Fares
from app.providers.contract import ForwardReply
from app.server.desk import Desk, DeskRules
from app.server.reading import BodyShare, ClientLeft
from app.server.retries import Account
from app.wire.azure import AzureOptions, OwnProvider, azure_dialects
from app.wire.contract import Answered, Call, RawReply
from tests.support.wire import PICTURE, answered, azure_request
from tests.unit.server.test_desk_joining import SHARE, Arrived, Tally, Vendor

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
        return Granted(self)


@dataclass(frozen=True, slots=True)
class Granted:
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
        async def answer(self, call: Call, request_id: str, fares: Fares) -> Answered:
            raise Problem(Kind.INVALID_IMAGE, "no image")

    gate = Gate()
    await served(Refusing(), gate, wanted("objects"))
    assert gate.paid == [NOTHING]


async def test_more_than_was_reserved_is_settled_as_it_was_paid() -> None:
    @dataclass(slots=True)
    class Stubborn(Vendor):
        async def answer(self, call: Call, request_id: str, fares: Fares) -> Answered:
            return Answered(PICTURE, (Outcome("job", Failure(Kind.PROVIDER_TIMEOUT, "late"), Bill(inferences=3.0)),))

    gate = Gate()
    await served(Stubborn(), gate, wanted("objects"))
    assert gate.paid == [Amount.of(0.003, 3)]


@dataclass(slots=True)
class Leading(Vendor):
    """Leads a flight that goes on without its client, and ends with `end`; `fare` says whether it was paid."""

    fare: Fare = field(default_factory=Fare)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    end: asyncio.Future[Outcome] | None = None

    async def answer(self, call: Call, request_id: str, fares: Fares) -> Answered:
        end = self.end = asyncio.get_running_loop().create_future()

        async def fly() -> Outcome:
            outcome: Outcome = await end
            return outcome

        flight = asyncio.create_task(fly())
        fares.begin(call.inquiries[0], self.fare, flight)
        self.entered.set()
        await asyncio.wait({flight})
        raise AssertionError


async def left(vendor: Leading, gate: Gate) -> asyncio.Future[Outcome]:
    """The request is cut off; its flight is still under way."""
    serving = asyncio.create_task(desk(vendor, gate).serve(Arrived(wanted("objects")), DIALECT))
    await vendor.entered.wait()
    serving.cancel()
    await asyncio.wait({serving})
    assert gate.paid == []
    assert vendor.end is not None
    return vendor.end


async def until_settled(gate: Gate) -> None:
    async with asyncio.timeout(10.0):
        while not gate.paid:
            await asyncio.sleep(0)


async def test_a_client_that_leaves_pays_what_his_image_did_cost_in_the_end() -> None:
    vendor, gate = Leading(), Gate()
    (await left(vendor, gate)).set_result(answered(bill=SHARE))
    await until_settled(gate)
    assert gate.paid == [Amount.of(0.0005, 0.5)]


@pytest.mark.parametrize(("may_be_paid", "paid"), [(False, NOTHING), (True, Amount.of(0.001, 1))])
async def test_what_is_broken_off_costs_nothing_unless_it_may_have_been_paid(may_be_paid: bool, paid: Amount) -> None:
    """Then nobody can say any more what was paid: guessed upwards, or leaving early would be free."""
    vendor, gate = Leading(), Gate()
    end = await left(vendor, gate)
    if may_be_paid:
        vendor.fare.paid()
    end.cancel()
    await until_settled(gate)
    assert gate.paid == [paid]


async def test_a_client_that_leaves_before_anything_was_done_pays_nothing() -> None:
    """Or one that had joined somebody else's."""

    @dataclass(frozen=True, slots=True)
    class Leaving(Arrived):
        async def unless_client_leaves(self, work: Coroutine[Any, Any, T]) -> T:
            work.close()
            raise ClientLeft

    gate = Gate()
    await desk(Vendor(), gate).serve(Leaving(wanted("objects")), DIALECT)
    assert gate.paid == [NOTHING]


@pytest.mark.parametrize(("is_charged", "paid"), [(True, Amount.of(0.002, 2)), (False, NOTHING)])
async def test_what_goes_on_without_its_client_is_settled_when_it_is_over(is_charged: bool, paid: Amount) -> None:
    """By whether the vendor charges for it."""

    @dataclass(slots=True)
    class Silent(Vendor):
        entered: asyncio.Event = field(default_factory=asyncio.Event)
        end: asyncio.Event = field(default_factory=asyncio.Event)

        async def forward(self, request: RawRequest, *, timeout_s: float, account: Account) -> ForwardReply:
            async def go_on() -> None:
                await self.end.wait()
                if is_charged:
                    account.charge()

            account.left(asyncio.create_task(go_on()))
            self.entered.set()
            await asyncio.Event().wait()
            raise AssertionError

    vendor, gate = Silent(), Gate()
    serving = asyncio.create_task(desk(vendor, gate).serve(Arrived(wanted("tags,caption")), DIALECT))
    await vendor.entered.wait()
    serving.cancel()
    await asyncio.wait({serving})
    assert gate.paid == []
    vendor.end.set()
    await until_settled(gate)
    assert gate.paid == [paid]


async def test_a_client_that_leaves_while_he_sends_is_not_asked_for() -> None:
    @dataclass(frozen=True, slots=True)
    class Gone(Arrived):
        async def read(self, share: BodyShare) -> RawRequest:
            raise ClientLeft

    gate = Gate()
    await desk(Vendor(), gate).serve(Gone(wanted("objects")), DIALECT)
    assert gate.asked == []
