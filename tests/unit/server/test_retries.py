"""Retries of requests that are handed on whole: paid once, and only what is a retry of the same tenant's same call joins."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from app.core.flights import How
from app.core.model import RawRequest
from app.errors import Kind, Problem
from app.providers.contract import ForwardReply
from app.server.retries import LONGEST_HELD_BYTES, MOST_HELD_BYTES, MOST_LEFT_BYTES, Account, RetryJoiner

SIGNED = "AWS4-HMAC-SHA256 Credential=AKID{tenant}/20261123/us-east-1/rekognition/aws4_request, Signature={number}"


def request(*, call: str = "call", tenant: str = "1", number: int = 1, body: bytes = b"{}") -> RawRequest:
    headers = {"amz-sdk-invocation-id": call, "authorization": SIGNED.format(tenant=tenant, number=number)}
    return RawRequest("POST", "/", "", {**headers, "x-amz-target": "RekognitionService.CompareFaces"}, body)


def unnamed(**headers: str) -> RawRequest:
    return RawRequest("POST", "/", "", headers, b"{}")


class Pieces:
    """A body that says whether it was closed; `problem` ends it."""

    def __init__(self, pieces: list[bytes], problem: Problem | None = None) -> None:
        self.pieces = pieces
        self.problem = problem
        self.closed = asyncio.Event()

    def __aiter__(self) -> Pieces:
        return self

    async def __anext__(self) -> bytes:
        if self.pieces:
            return self.pieces.pop(0)
        if self.problem is not None:
            raise self.problem
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed.set()


@dataclass(slots=True)
class Vendor:
    """Replies with `status` and `pieces`, once `gate` is open; or fails with `problem`."""

    status: int = 200
    pieces: list[bytes] = field(default_factory=lambda: [b'"ans', b'wer"'])
    breaks: Problem | None = None
    problem: Problem | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    sent: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0
    bodies: list[Pieces] = field(default_factory=list)

    async def forward(self, request: RawRequest, *, timeout_s: float) -> ForwardReply:
        self.asked += 1
        self.sent.set()
        await self.gate.wait()
        if self.problem is not None:
            raise self.problem
        self.bodies.append(Pieces(list(self.pieces), self.breaks))
        return ForwardReply(self.status, (("x", "y"),), self.bodies[-1])

    @classmethod
    def ready(cls, **changes: object) -> Vendor:
        vendor = cls(**changes)  # type: ignore[arg-type]  # the fields, by name
        vendor.gate.set()
        return vendor


@dataclass(slots=True)
class Count:
    joins: list[How] = field(default_factory=list)

    def joined(self, how: How) -> None:
        self.joins.append(how)


def joiner(vendor: Vendor, count: Count | None = None, retry_s: float = 60.0) -> RetryJoiner:
    return RetryJoiner(vendor, count or Count(), retry_s=retry_s)


async def body_of(reply: ForwardReply) -> bytes:
    pieces: AsyncIterator[bytes] = reply.body
    return b"".join([piece async for piece in pieces])


@dataclass(slots=True)
class Bill:
    """What one request was charged, and what goes on without its client."""

    charges: int = 0
    left: list[asyncio.Task[Any]] = field(default_factory=list)

    @property
    def account(self) -> Account:
        return Account(self._charge, self.left.append)

    def _charge(self) -> None:
        self.charges += 1


def carried(joins: RetryJoiner, raw: RawRequest | None = None, bill: Bill | None = None) -> asyncio.Task[ForwardReply]:
    return asyncio.create_task(joins.forward(raw or request(), timeout_s=5.0, account=(bill or Bill()).account))


async def asked(joins: RetryJoiner, raw: RawRequest) -> tuple[bytes, bool]:
    """The reply, and whether it was for nothing."""
    bill = Bill()
    reply = await asyncio.wait_for(carried(joins, raw, bill), 10.0)
    assert bill.charges <= 1
    return await body_of(reply), not bill.charges


async def test_a_retry_joins_the_try_under_way_and_is_charged_once() -> None:
    vendor, count = Vendor(), Count()
    joins = joiner(vendor, count)
    tries = [asyncio.create_task(asked(joins, request(number=number))) for number in range(3)]
    await vendor.sent.wait()
    vendor.gate.set()
    assert sorted([await each for each in tries]) == [(b'"answer"', False), (b'"answer"', True), (b'"answer"', True)]
    assert await asked(joins, request(number=9)) == (b'"answer"', True)
    assert (vendor.asked, count.joins) == (1, [How.RETRY] * 3)


async def left_one(joins: RetryJoiner, vendor: Vendor, raw: RawRequest | None = None) -> Bill:
    """The vendor has been sent a request whose client has gone since."""
    bill = Bill()
    first = carried(joins, raw, bill)
    await vendor.sent.wait()
    vendor.sent.clear()
    first.cancel()
    await asyncio.wait({first})
    return bill


async def test_a_client_that_leaves_does_not_end_what_is_sent_and_pays_for_it_once() -> None:
    vendor = Vendor()
    joins = joiner(vendor)
    bill = await left_one(joins, vendor)
    assert (bill.charges, len(bill.left)) == (0, 1)
    again = asyncio.create_task(asked(joins, request()))
    vendor.gate.set()
    assert await again == (b'"answer"', True)
    assert (vendor.asked, bill.charges) == (1, 1)


@pytest.mark.parametrize(
    ("vendor", "charges"),
    [
        (Vendor(status=503), 0),
        (Vendor(problem=Problem(Kind.PROVIDER_UNAVAILABLE, "no")), 0),
        (Vendor(problem=Problem(Kind.PROVIDER_TIMEOUT, "too late")), 1),
        (Vendor(pieces=[bytes(LONGEST_HELD_BYTES + 1)]), 1),
    ],
    ids=["an error", "not reached", "never heard of again", "a long reply"],
)
async def test_whoever_has_left_pays_only_what_the_vendor_charges(vendor: Vendor, charges: int) -> None:
    joins = joiner(vendor)
    bill = await left_one(joins, vendor)
    vendor.gate.set()
    await asyncio.wait(bill.left)
    assert bill.charges == charges
    await joins.close()


@pytest.mark.parametrize("raw", [unnamed(), request()], ids=["names no call", "names its call"])
async def test_what_is_broken_off_may_have_been_charged(raw: RawRequest) -> None:
    """One that nobody can come back for ends with its client; the others with the process."""
    vendor = Vendor()
    joins = joiner(vendor)
    bill = await left_one(joins, vendor, raw)
    await joins.close()
    assert bill.charges == 1


async def test_so_much_goes_on_without_clients_and_no_more() -> None:
    vendor = Vendor()
    joins = joiner(vendor)
    half = MOST_LEFT_BYTES // 2
    bills = [await left_one(joins, vendor, request(call=f"{number}", body=bytes(half))) for number in range(3)]
    await asyncio.wait(bills[2].left)
    assert [task.done() for bill in bills for task in bill.left] == [False, False, True]
    vendor.gate.set()
    await asyncio.wait([*bills[0].left, *bills[1].left])
    assert [bill.charges for bill in bills] == [1, 1, 1]


OTHERS: Mapping[str, RawRequest] = {
    "another call": request(call="other"),
    "another tenant": request(tenant="2"),
    "another body": request(body=b"{ }"),
    "another path": replace(request(), path="/other"),
    "another query": replace(request(), query="a=b"),
    "another operation": replace(request(), headers={**request().headers, "x-amz-target": "RekognitionService.Other"}),
    "another API key": replace(request(), headers={**request().headers, "ocp-apim-subscription-key": "k"}),
    "no call named": unnamed(authorization=request().headers["authorization"]),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
async def test_nothing_else_joins(other: RawRequest) -> None:
    vendor = Vendor.ready()
    joins = joiner(vendor)
    for raw in (request(), other):
        assert await asked(joins, raw) == (b'"answer"', False)
    assert vendor.asked == 2


@pytest.mark.parametrize(
    "raw", [unnamed(authorization="Bearer x"), replace(request(), method="GET")], ids=["names no call", "only looks"]
)
async def test_some_are_never_known_again(raw: RawRequest) -> None:
    vendor = Vendor.ready()
    joins = joiner(vendor)
    for _ in range(2):
        await asked(joins, raw)
    assert vendor.asked == 2


@pytest.mark.parametrize(
    "vendor",
    [
        lambda: Vendor.ready(status=429),
        lambda: Vendor.ready(problem=Problem(Kind.PROVIDER_TIMEOUT, "slow")),
        lambda: Vendor.ready(breaks=Problem(Kind.PROVIDER_UNAVAILABLE, "broke off")),
        lambda: Vendor.ready(pieces=[b"<html>sorry</html>"]),
    ],
    ids=["an error", "no reply", "a reply that breaks off", "a reply that cannot be read"],
)
async def test_what_has_failed_is_tried_again(vendor: Callable[[], Vendor]) -> None:
    wrong = vendor()
    joins = joiner(wrong)
    for _ in range(2):
        with contextlib.suppress(Problem):
            await asked(joins, request())
    assert wrong.asked == 2


async def test_a_reply_that_breaks_off_is_an_error_that_was_paid() -> None:
    """Nothing of it has been sent to the client yet."""
    joins, bill = joiner(Vendor.ready(breaks=Problem(Kind.PROVIDER_UNAVAILABLE, "broke off"))), Bill()
    with pytest.raises(Problem) as broken:
        await carried(joins, request(), bill)
    assert (broken.value.kind, bill.charges) == (Kind.PROVIDER_GARBLED, 1)


async def test_where_the_first_try_fails_its_retry_goes_itself() -> None:
    vendor = Vendor(problem=Problem(Kind.PROVIDER_UNAVAILABLE, "no"))
    joins = joiner(vendor)
    first, again = [carried(joins) for _ in range(2)]
    await vendor.sent.wait()
    vendor.gate.set()
    for each in (first, again):
        with pytest.raises(Problem):
            await each
    assert vendor.asked == 2


async def test_a_long_reply_streams_to_who_asked_and_is_not_held() -> None:
    half = bytes(LONGEST_HELD_BYTES // 2 + 1)
    vendor = Vendor.ready(pieces=[half, half, b"end"])
    joins = joiner(vendor)
    for _ in range(2):
        body, is_joined = await asked(joins, request())
        assert (len(body), is_joined) == (2 * len(half) + 3, False)
    assert vendor.asked == 2


async def test_a_long_reply_is_closed_where_nobody_is_there_to_read_it() -> None:
    vendor = Vendor(pieces=[bytes(LONGEST_HELD_BYTES + 1), b"end"])
    joins = joiner(vendor)
    first = carried(joins)
    await vendor.sent.wait()
    first.cancel()
    await asyncio.wait({first})
    vendor.gate.set()
    async with asyncio.timeout(10.0):
        while not vendor.bodies:
            await asyncio.sleep(0)
        await vendor.bodies[0].closed.wait()
    await joins.close()


async def test_a_long_reply_is_closed_where_its_client_leaves_at_the_very_moment_when_it_comes() -> None:
    vendor = Vendor(pieces=[bytes(LONGEST_HELD_BYTES + 1), b"end"])
    joins = joiner(vendor)
    first = carried(joins)
    await vendor.sent.wait()
    (carrying,) = [task for task in asyncio.all_tasks() if task.get_name() == "handed on"]
    carrying.add_done_callback(lambda _task: first.cancel())
    vendor.gate.set()
    await asyncio.wait({first})
    await asyncio.wait_for(vendor.bodies[0].closed.wait(), 10.0)
    assert first.cancelled()


async def test_a_reply_is_held_for_its_time() -> None:
    vendor = Vendor.ready()
    joins = joiner(vendor, retry_s=0.0)
    await asked(joins, request())
    await asyncio.sleep(0.01)
    await asked(joins, request())
    assert vendor.asked == 2


async def test_all_replies_together_take_so_much_and_the_oldest_goes() -> None:
    vendor = Vendor.ready(pieces=[b" " * (LONGEST_HELD_BYTES - 2), b"{}"])
    joins = joiner(vendor)
    many = MOST_HELD_BYTES // LONGEST_HELD_BYTES + 1
    for number in range(many):
        await asked(joins, request(call=f"{number}"))
    assert [(await asked(joins, request(call=f"{number}")))[1] for number in (many - 1, 0)] == [True, False]


async def test_so_many_are_held_and_the_oldest_that_is_done_makes_room() -> None:
    vendor = Vendor.ready()
    joins = RetryJoiner(vendor, Count(), most=2)
    for call in ("one", "two", "three", "three", "two", "one"):
        await asked(joins, request(call=call))
    assert vendor.asked == 4


async def test_where_all_are_under_way_the_others_go_by_themselves() -> None:
    vendor = Vendor()
    joins = RetryJoiner(vendor, Count(), most=1)
    tries = [asyncio.create_task(asked(joins, request(call=call))) for call in ("one", "two", "two", "one")]
    while vendor.asked < 3:
        await asyncio.sleep(0)
    vendor.gate.set()
    assert [await each for each in tries] == [(b'"answer"', False)] * 3 + [(b'"answer"', True)]


async def test_closing_ends_what_is_under_way() -> None:
    vendor = Vendor()
    joins = joiner(vendor)
    first = carried(joins)
    await vendor.sent.wait()
    await joins.close()
    with pytest.raises(asyncio.CancelledError):
        await first
