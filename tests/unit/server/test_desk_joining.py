"""A request whose features part at the desk: what has a place goes on sheets, the rest to the vendor, and one answer comes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from app.clock import ManualClock
from app.core.model import Bill, Bypass, Failure, Feature, Outcome, RawRequest
from app.core.prices import PriceList
from app.errors import Kind, Problem
from app.fares import Fares
from app.providers.contract import ForwardReply
from app.server.desk import Desk, DeskRules
from app.server.reading import BodyShare
from app.server.retries import Account
from app.wire.azure import AzureOptions, OwnProvider, azure_dialects
from app.wire.contract import Answered, Call, RawReply
from tests.support.wire import PICTURE, answered, azure_request, detection

T = TypeVar("T")
PRICES = PriceList(otherwise=0.001)
OFFERS = frozenset({Feature.OBJECTS, Feature.PEOPLE})
DIALECT = azure_dialects(AzureOptions(offers=OFFERS, own=OwnProvider(PRICES, 0.5))).analysis
TAGS = b'{"tagsResult":{"values":[]},"modelVersion":"v","metadata":{}}'
SHARE = Bill(inferences=0.5)
MIXED = azure_request("api-version=2024-02-01&features=objects,tags")


@dataclass(slots=True)
class Tally:
    """The desk's ledger."""

    outcomes: list[str] = field(default_factory=list)
    bypasses: list[Bypass] = field(default_factory=list)
    dollars: float = 0.0
    inferences: int = 0

    def request_done(self, endpoint: str, task: str, outcome: str, seconds: float) -> None:
        assert (endpoint, seconds) == ("azure", 0)
        self.outcomes.append(outcome)

    def bypass(self, reason: Bypass) -> None:
        self.bypasses.append(reason)

    def filtered(self, boxes: int) -> None:
        assert boxes == 0

    def passed_through(self, inferences: int, dollars: float) -> None:
        self.inferences += inferences
        self.dollars += dollars


@dataclass(slots=True)
class Vendor:
    """The pipeline and the provider: one finding for each inquiry, and `body` for what is handed on."""

    status: int = 200
    body: bytes = TAGS
    failure: Failure | None = None
    forwarded: list[RawRequest] = field(default_factory=list)

    async def answer(self, call: Call, request_id: str, fares: Fares) -> Answered:
        assert request_id == "request-1"
        bad = Outcome("job", self.failure) if self.failure else None
        return Answered(PICTURE, tuple(bad or answered(detection(feature=one.feature), bill=SHARE) for one in call.inquiries))

    async def forward(self, request: RawRequest, *, timeout_s: float, account: Account) -> ForwardReply:
        assert timeout_s == 10
        self.forwarded.append(request)
        if self.status < 400:
            account.charge()
        return ForwardReply(self.status, (), self._pieces())

    async def _pieces(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self.body), 16):
            yield self.body[at : at + 16]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request that is all there, of a client that stays."""

    raw: RawRequest
    given_id: str | None = "request-1"

    async def read(self, share: BodyShare) -> RawRequest:
        return self.raw

    async def unless_client_leaves(self, work: Coroutine[Any, Any, T]) -> T:
        return await work


async def served(vendor: Vendor, raw: RawRequest, speaks: str = "azure") -> tuple[RawReply, Tally]:
    tally = Tally()
    rules = DeskRules(max_body_bytes=1000, max_held_bytes=1000, request_timeout_s=10, speaks=speaks, prices=PRICES)
    desk = Desk(vendor, vendor, rules, tally, ManualClock(), new_id=lambda: "new")
    reply = (await desk.serve(Arrived(raw), DIALECT)).reply
    assert isinstance(reply, RawReply)
    return reply, tally


async def paid(vendor: Vendor, raw: RawRequest) -> str | None:
    """What the client is told, however the answer comes."""
    rules = DeskRules(max_body_bytes=1000, max_held_bytes=1000, request_timeout_s=10, speaks="azure", prices=PRICES)
    desk = Desk(vendor, vendor, rules, Tally(), ManualClock(), new_id=lambda: "new")
    reply = (await desk.serve(Arrived(raw), DIALECT)).reply
    return dict(reply.headers).get("X-Tessera-Inferences")


async def test_one_answer_out_of_two_ways() -> None:
    """The rest is asked for without what shares a sheet, and paid by its own features."""
    vendor = Vendor()
    reply, tally = await served(vendor, MIXED)
    assert reply.status == 200
    assert set(json.loads(reply.body)) == {"objectsResult", "tagsResult", "modelVersion", "metadata"}
    assert [request.query for request in vendor.forwarded] == ["api-version=2024-02-01&features=tags"]
    assert (tally.outcomes, tally.bypasses, tally.dollars) == (["answered"], [Bypass.FEATURES], 0.001)


@pytest.mark.parametrize(
    ("features", "vendor", "told"),
    [
        ("objects", Vendor(), "0.5"),
        ("objects,tags", Vendor(), "1.5"),
        ("objects,tags,caption", Vendor(), "2.5"),
        ("tags,caption", Vendor(), "2"),
        ("objects,tags", Vendor(429, b"{}"), "0.5"),
        ("objects,tags", Vendor(status=200, body=b"garbage"), "1.5"),
        ("tags", Vendor(429, b"{}"), None),
    ],
)
async def test_the_bill_is_that_of_the_whole_request(features: str, vendor: Vendor, told: str | None) -> None:
    """A share of the sheet, and each feature of the rest that the vendor charged for."""
    raw = azure_request(f"api-version=2024-02-01&features={features}")
    assert await paid(vendor, raw) == told


@pytest.mark.parametrize(
    ("vendor", "status", "dollars", "outcome"),
    [
        (Vendor(429, b'{"error":{"code":"429","message":"slow"}}'), 429, 0.0, "provider_error"),
        (Vendor(failure=Failure(Kind.INVALID_IMAGE, "broken")), 400, 0.001, "caller_error"),
    ],
)
async def test_a_part_that_fails_fails_the_request(vendor: Vendor, status: int, dollars: float, outcome: str) -> None:
    reply, tally = await served(vendor, MIXED)
    assert (reply.status, set(json.loads(reply.body))) == (status, {"error"})
    assert (tally.dollars, tally.outcomes) == (dollars, [outcome])


async def test_a_rest_that_nobody_answers_fails_the_request() -> None:
    """It may have been billed before its time was over."""

    @dataclass(slots=True)
    class Silent(Vendor):
        async def forward(self, request: RawRequest, *, timeout_s: float, account: Account) -> ForwardReply:
            account.charge()
            raise Problem(Kind.PROVIDER_TIMEOUT, "too late")

    reply, tally = await served(Silent(), MIXED)
    assert (reply.status, tally.outcomes, tally.dollars) == (504, ["provider_error"], 0.001)


async def test_a_provider_that_does_not_speak_azure_cannot_be_handed_anything() -> None:
    vendor = Vendor()
    reply, _ = await served(vendor, azure_request("api-version=2024-02-01&features=tags"), speaks="rekognition")
    assert (reply.status, vendor.forwarded) == (404, [])


async def test_a_problem_of_one_call_is_the_requests() -> None:
    @dataclass(slots=True)
    class Refusing(Vendor):
        async def answer(self, call: Call, request_id: str, fares: Fares) -> Answered:
            raise Problem(Kind.IMAGE_TOO_LARGE, "too large")

    reply, tally = await served(Refusing(), MIXED)
    assert (reply.status, tally.outcomes) == (400, ["caller_error"])
