"""The way of a request inside the server, whatever carried it here: a raw request in, a reply out. Called by HTTP and gRPC.

read -> dialect.read -> pipeline.answer, once per call  -> dialect.write
             |                 |
             |                 |- Problem: dialect.refuse (the vendor's own error shape)
             |                 `- a rest beside the calls: to the provider, at the same time
             `- Passthrough: forwarded whole to the provider, its answer streamed back untouched
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from app.clock import Clock
from app.core.clients import Tenant
from app.core.model import Bypass, Feature, RawRequest
from app.core.prices import PriceList
from app.core.quota import Amount
from app.errors import Kind, Problem
from app.fares import Fares
from app.log import bound, get_logger
from app.providers.contract import ForwardReply
from app.server.reading import BodyRoom, BodyShare, ClientLeft
from app.server.retries import Account
from app.server.tariff import Tariff
from app.server.visit import Reply, Visit, log_refusal, outcome_of, outcome_of_all, outcome_of_reply, with_bill
from app.wire.contract import Answered, Call, Calls, Dialect, JoiningDialect, Passthrough, RawReply, Rest, RestAnswer, RestReply
from app.wire.headers import clean_request_id

T = TypeVar("T")

# nginx's word for a client that left before its answer; nobody receives it, the access log and the metrics do.
CLIENT_LEFT_STATUS = 499
# Largest body that is read on the event loop, bytes: base64 and JSON of so much take about 5 ms.
READ_AT_ONCE_BYTES = 2 * 1024 * 1024

log = get_logger(__name__)


class Answerer(Protocol):
    """The pipeline, as the server sees it."""

    async def answer(self, call: Call, request_id: str, fares: Fares) -> Answered: ...


class Relay(Protocol):
    """Hands whole requests on to the vendor; `retries.RetryJoiner` implements it."""

    async def forward(self, request: RawRequest, *, timeout_s: float, account: Account) -> ForwardReply:
        """`account`: of the request that is charged. Raises Problem."""
        ...


class DeskLedger(Protocol):
    """What is counted here; the metrics module implements it."""

    def request_done(self, endpoint: str, task: str, outcome: str, seconds: float) -> None: ...
    def bypass(self, reason: Bypass) -> None: ...
    def filtered(self, boxes: int) -> None: ...
    def passed_through(self, inferences: int, dollars: float) -> None: ...


class Grant(Protocol):
    """A request that was let in."""

    def settle(self, paid: Amount) -> None:
        """The request is over, and this was paid for it. Called once."""
        ...


class Gate(Protocol):
    """Who may come in, by what his client has used; `app.quotas` implements it."""

    async def admit(self, tenant: Tenant, endpoint: str, images: int, amount: Amount) -> Grant | None:
        """None where the client has no limits. Raises Problem: RATE_LIMITED, BUDGET_SPENT."""
        ...


class Arrival(Protocol):
    """A request on its way in, and the client behind it."""

    @property
    def given_id(self) -> str | None:
        """The request id that the client brought, if any."""
        ...

    async def read(self, share: BodyShare) -> RawRequest:
        """All of it. Raises Problem, or ClientLeft."""
        ...

    async def unless_client_leaves(self, work: Coroutine[Any, Any, T]) -> T:
        """Await `work`; when the client goes away first, cancel it (its cell is freed) and raise ClientLeft."""
        ...


@dataclass(frozen=True, slots=True)
class DeskRules:
    """Limits of one body and of all together. `speaks`: whose operations the provider can be handed on, `prices`: what it
    charges for them, `names`: its own names of the features that it offers.
    """

    max_body_bytes: int
    max_held_bytes: int
    request_timeout_s: float
    speaks: str
    prices: PriceList
    names: Mapping[Feature, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Served:
    """A reply, and the id that the request had here."""

    reply: Reply
    request_id: str


class Desk:
    """Carries requests of all dialects to the pipeline and back."""

    def __init__(
        self,
        pipeline: Answerer,
        relay: Relay | None,
        rules: DeskRules,
        ledger: DeskLedger,
        clock: Clock,
        new_id: Callable[[], str],
        gate: Gate | None = None,
    ) -> None:
        """`gate`: None where nobody has limits."""
        self._pipeline = pipeline
        self._relay = relay
        self._rules = rules
        self._ledger = ledger
        self._clock = clock
        self._new_id = new_id
        self._gate = gate
        self._tariff = Tariff(rules.prices, rules.names)
        self._inside: set[asyncio.Task[Any]] = set()
        self._reading: set[asyncio.Task[Any]] = set()
        self._told_to_end: set[asyncio.Task[Any]] = set()
        self._room = BodyRoom(rules.max_held_bytes)

    @property
    def inside(self) -> int:
        """Requests that have not been answered yet."""
        return len(self._inside)

    @property
    def max_body_bytes(self) -> int:
        return self._rules.max_body_bytes

    def end(self) -> None:
        """The process goes down: whoever is still inside gets his vendor's word for it, and may come again elsewhere."""
        self._tell_to_end(self._inside)

    def end_reading(self) -> None:
        """The same for whoever has not sent his request whole: nothing has been done for it yet."""
        self._tell_to_end(self._reading)

    def _tell_to_end(self, tasks: set[asyncio.Task[Any]]) -> None:
        for task in tasks - self._told_to_end:
            self._told_to_end.add(task)
            task.cancel()

    async def serve(self, arrival: Arrival, dialect: Dialect) -> Served:
        """Answer one request in `dialect`. Never raises, but for cancellation."""
        visit = Visit(clean_request_id(arrival.given_id, self._new_id), self._clock.now_s())
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("requests are handled in tasks")
        self._inside.add(task)
        try:
            with bound(request_id=visit.request_id), self._room.share() as share:
                reply, outcome = await self._guarded(arrival, dialect, visit, share)
                self._done(dialect.name, visit, reply.status, outcome)
                return Served(with_bill(reply, visit), visit.request_id)
        finally:
            self._inside.discard(task)
            self._told_to_end.discard(task)

    def _done(self, endpoint: str, visit: Visit, status: int, outcome: str) -> None:
        seconds = self._clock.now_s() - visit.started_s
        self._ledger.request_done(endpoint, visit.task, outcome, seconds)
        log.info(
            "answered",
            endpoint=endpoint,
            status=status,
            outcome=outcome,
            seconds=round(seconds, 4),
            sheet_ids=visit.sheet_ids,
        )

    async def _guarded(self, arrival: Arrival, dialect: Dialect, visit: Visit, share: BodyShare) -> tuple[Reply, str]:
        try:
            raw = await self._read_whole(arrival, share)
            request = await _read(dialect, raw)
            async with self._let_in(request, dialect.name, visit):
                return await self._answer(arrival, raw, request, dialect, visit)
        except ClientLeft:
            return RawReply(CLIENT_LEFT_STATUS, {}, b""), "cancelled"
        except Problem as problem:
            log_refusal(problem)
            return dialect.refuse(problem, visit.request_id), outcome_of(problem.kind)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task not in self._told_to_end or task is None:
                raise
            task.uncancel()
            over = Problem(Kind.SHUTTING_DOWN, "the server is going down")
            return dialect.refuse(over, visit.request_id), outcome_of(over.kind)
        except Exception:
            log.error("unexpected failure", exc_info=True)
            unexpected = Problem(Kind.INTERNAL, "an unexpected failure inside the proxy")
            return dialect.refuse(unexpected, visit.request_id), outcome_of(unexpected.kind)

    async def _read_whole(self, arrival: Arrival, share: BodyShare) -> RawRequest:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("requests are handled in tasks")
        self._reading.add(task)
        try:
            return await arrival.read(share)
        finally:
            self._reading.discard(task)

    @asynccontextmanager
    async def _let_in(self, request: Call | Calls | Passthrough, endpoint: str, visit: Visit) -> AsyncIterator[None]:
        """Within what its client may use; what it did use is settled at the end. Raises Problem before anything is done."""
        asked = self._tariff.asked(request)
        grant = None
        if self._gate is not None and asked is not None:
            grant = await self._gate.admit(asked.tenant, endpoint, asked.images, asked.amount)
        try:
            yield
        except Problem:
            raise
        except BaseException:
            visit.has_left = True
            raise
        finally:
            if grant is not None:
                self._settle(grant, visit)

    def _settle(self, grant: Grant, visit: Visit) -> None:
        """With what was paid; for a client that has left, when it is known what that is."""
        if visit.has_left:
            visit.fares.when_over(lambda ended: grant.settle(visit.handed_on + self._tariff.of_ended(ended)))
        else:
            grant.settle(visit.paid)

    async def _answer(
        self, arrival: Arrival, raw: RawRequest, request: Call | Calls | Passthrough, dialect: Dialect, visit: Visit
    ) -> tuple[Reply, str]:
        match request:
            case Passthrough():
                forwarding = self._handed_on(raw, request, Bypass.OPERATION, request.operation, visit)
                handed_on = await arrival.unless_client_leaves(forwarding)
                return handed_on, outcome_of_reply(handed_on.status)
            case Calls():
                return await self._answer_calls(arrival, request, dialect, visit)
        visit.task = request.task.value
        answered = await arrival.unless_client_leaves(self._pipeline.answer(request, visit.request_id, visit.fares))
        self._note(visit, request, answered)
        reply = dialect.write(request, answered.picture, answered.outcomes, visit.request_id)
        self._ledger.filtered(reply.filtered)
        return reply, outcome_of_all([answered])

    async def _answer_calls(self, arrival: Arrival, calls: Calls, dialect: Dialect, visit: Visit) -> tuple[RawReply, str]:
        if not isinstance(dialect, JoiningDialect):
            raise TypeError(f"{dialect.name} cannot join several calls")
        visit.task = calls.calls[0].task.value if calls.calls else visit.task
        answers, rest = await arrival.unless_client_leaves(self._all(calls, visit))
        for call, answer in zip(calls.calls, answers, strict=True):
            if isinstance(answer, Problem):
                log_refusal(answer)
            else:
                self._note(visit, call, answer)
        # Off the event loop: a batch of long texts takes its time.
        reply = await asyncio.to_thread(dialect.write_calls, calls, answers, rest, visit.request_id)
        self._ledger.filtered(reply.filtered)
        return reply, outcome_of_all(answers, rest)

    async def _all(self, calls: Calls, visit: Visit) -> tuple[list[Answered | Problem], RestAnswer]:
        """All calls and the rest at the same time."""
        request_id = visit.request_id
        async with asyncio.TaskGroup() as tasks:
            asking = [tasks.create_task(self._one(call, visit), name=f"call {request_id}") for call in calls.calls]
            rest = tasks.create_task(self._rest(calls.rest, visit), name=f"rest {request_id}")
        return [task.result() for task in asking], rest.result()

    async def _one(self, call: Call, visit: Visit) -> Answered | Problem:
        try:
            return await self._pipeline.answer(call, visit.request_id, visit.fares)
        except Problem as problem:
            return problem

    async def _rest(self, rest: Rest | None, visit: Visit) -> RestAnswer:
        if rest is None:
            return None
        try:
            asked = ", ".join(sorted(frozenset[str]().union(*rest.billed)))
            reply = await self._handed_on(rest.request, rest, Bypass.FEATURES, asked, visit)
            return RestReply(reply.status, b"".join([chunk async for chunk in reply.body]))
        except Problem as problem:
            log_refusal(problem)
            return problem

    async def _handed_on(
        self, raw: RawRequest, part: Passthrough | Rest, reason: Bypass, what: str, visit: Visit
    ) -> ForwardReply:
        """The vendor's reply to a request of its own; what it charges for it is counted."""
        if self._relay is None or part.vendor != self._rules.speaks:
            raise Problem(Kind.UNKNOWN_OPERATION, f"{what}: not available through this provider")
        self._ledger.bypass(reason)
        account = Account(lambda: self._charge(part.billed, visit), visit.fares.left)
        return await self._relay.forward(raw, timeout_s=self._rules.request_timeout_s, account=account)

    def _note(self, visit: Visit, call: Call, answered: Answered) -> None:
        visit.note(answered.outcomes, self._tariff.paid(call.inquiries, answered.outcomes))

    def _charge(self, billed: Sequence[frozenset[str]], visit: Visit) -> None:
        if billed:
            inferences = sum(map(self._rules.prices.units, billed))
            dollars = sum(map(self._rules.prices.of, billed))
            visit.handed_on += Amount.of(dollars, inferences)
            self._ledger.passed_through(inferences, dollars)


async def _read(dialect: Dialect, raw: RawRequest) -> Call | Calls | Passthrough:
    """What the request asks for; a large body is read off the event loop."""
    if len(raw.body) <= READ_AT_ONCE_BYTES:
        return dialect.read(raw)
    return await asyncio.to_thread(dialect.read, raw)
