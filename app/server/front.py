"""The front door of one dialect: a raw request in, a raw reply out, whatever happens in between.

read body -> dialect.read -> pipeline.answer -> dialect.write
                 |                 |
                 |                 `- Problem: dialect.refuse (the vendor's own error shape)
                 `- Passthrough: forwarded whole to the provider, its answer streamed back untouched
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.clock import Clock
from app.core.model import Bypass, Failure, Outcome, RawRequest
from app.core.prices import PriceList
from app.errors import Fault, Kind, Problem
from app.log import bound, get_logger
from app.pipeline import Answered
from app.providers.contract import Forwarder
from app.server.reading import BodyRoom, BodyShare, ClientLeft, read_request, unless_client_leaves
from app.wire.contract import Call, Dialect, Passthrough, RawReply
from app.wire.headers import REQUEST_ID, clean_request_id

# nginx's word for a client that left before its answer; nobody receives it, the access log and the metrics do.
CLIENT_LEFT_STATUS = 499
FIRST_ERROR_STATUS = 400
# Headers of a passed-through answer that are said here instead.
_NOT_FORWARDED = frozenset({"date", REQUEST_ID.lower()})

log = get_logger(__name__)


class Answerer(Protocol):
    """The pipeline, as the server sees it."""

    async def answer(self, call: Call, request_id: str) -> Answered: ...


class DoorLedger(Protocol):
    """What is counted at the door; the metrics module implements it."""

    def request_done(self, endpoint: str, task: str, outcome: str, seconds: float) -> None: ...
    def bypass(self, reason: Bypass) -> None: ...
    def filtered(self, boxes: int) -> None: ...
    def passed_through(self, dollars: float) -> None: ...


@dataclass(frozen=True, slots=True)
class DoorRules:
    """Limits of the front door, of one body and of all together. `speaks`: whose operations the provider can be handed on,
    and `prices` what it charges for them.
    """

    max_body_bytes: int
    max_held_bytes: int
    request_timeout_s: float
    speaks: str
    prices: PriceList


@dataclass(slots=True)
class _Visit:
    """What is known about a request while it is inside: the task once it has been read, the sheets once it is answered."""

    request_id: str
    started_s: float
    task: str = "other"
    sheet_ids: tuple[str, ...] = ()


class FrontDoor:
    """Carries requests of all dialects to the pipeline and back."""

    def __init__(
        self,
        pipeline: Answerer,
        forwarder: Forwarder | None,
        rules: DoorRules,
        ledger: DoorLedger,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._pipeline = pipeline
        self._forwarder = forwarder
        self._rules = rules
        self._ledger = ledger
        self._clock = clock
        self._new_id = new_id
        self._inside: set[asyncio.Task[Any]] = set()
        self._is_over = False
        self._room = BodyRoom(rules.max_held_bytes)

    @property
    def inside(self) -> int:
        """Requests that have not been answered yet."""
        return len(self._inside)

    def end(self) -> None:
        """The process goes down: whoever is still inside gets his vendor's word for it, and may come again elsewhere."""
        self._is_over = True
        for task in self._inside:
            task.cancel()

    async def handle(self, request: Request, dialect: Dialect) -> Response:
        """Answer one request in `dialect`. Never raises, but for cancellation."""
        visit = _Visit(clean_request_id(request.headers.get("x-request-id"), self._new_id), self._clock.now_s())
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("requests are handled in tasks")
        self._inside.add(task)
        try:
            with bound(request_id=visit.request_id), self._room.share() as share:
                response, outcome = await self._guarded(request, dialect, visit, share)
                seconds = self._clock.now_s() - visit.started_s
                self._ledger.request_done(dialect.name, visit.task, outcome, seconds)
                log.info(
                    "answered",
                    endpoint=dialect.name,
                    status=response.status_code,
                    outcome=outcome,
                    seconds=round(seconds, 4),
                    sheet_ids=visit.sheet_ids,
                )
                return response
        finally:
            self._inside.discard(task)

    async def _guarded(self, request: Request, dialect: Dialect, visit: _Visit, share: BodyShare) -> tuple[Response, str]:
        try:
            raw = await read_request(request, self._rules.max_body_bytes, share)
            return await self._answer(request, raw, dialect, visit)
        except ClientLeft:
            return Response(status_code=CLIENT_LEFT_STATUS), "cancelled"
        except Problem as problem:
            log.info("refused", kind=problem.kind.value, reason=problem.detail)
            return _response(dialect.refuse(problem, visit.request_id)), outcome_of(problem.kind)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._is_over or task is None:
                raise
            task.uncancel()
            over = Problem(Kind.SHUTTING_DOWN, "the server is going down")
            return _response(dialect.refuse(over, visit.request_id)), outcome_of(over.kind)
        except Exception:
            log.error("unexpected failure", exc_info=True)
            unexpected = Problem(Kind.INTERNAL, "an unexpected failure inside the proxy")
            return _response(dialect.refuse(unexpected, visit.request_id)), outcome_of(unexpected.kind)

    async def _answer(self, request: Request, raw: RawRequest, dialect: Dialect, visit: _Visit) -> tuple[Response, str]:
        call = dialect.read(raw)
        if isinstance(call, Passthrough):
            return await unless_client_leaves(request, self._forward(raw, call, visit.request_id)), "answered"
        visit.task = call.task.value
        answered = await unless_client_leaves(request, self._pipeline.answer(call, visit.request_id))
        visit.sheet_ids = tuple(outcome.bill.sheet_id for outcome in answered.outcomes if outcome.bill.sheet_id)
        _log_failures(answered.outcomes)
        reply = dialect.write(call, answered.picture, answered.outcomes, visit.request_id)
        self._ledger.filtered(reply.filtered)
        return _response(reply), _outcome_of_all(answered.outcomes)

    async def _forward(self, raw: RawRequest, call: Passthrough, request_id: str) -> Response:
        """Hand the whole request on; status, headers and body come back as the vendor gave them, and our id beside them."""
        if self._forwarder is None or call.vendor != self._rules.speaks:
            raise Problem(Kind.UNKNOWN_OPERATION, f"{call.operation} is not available through this provider")
        self._ledger.bypass(Bypass.OPERATION)
        try:
            reply = await self._forwarder.forward(raw, timeout_s=self._rules.request_timeout_s)
        except Problem as problem:
            if call.billed and problem.kind is Kind.PROVIDER_TIMEOUT:  # it was sent, and may be billed: guessed upwards
                self._ledger.passed_through(call.operation)
            raise
        if call.billed and reply.status < FIRST_ERROR_STATUS:
            self._ledger.passed_through(sum(self._rules.prices.of(names) for names in call.billed))
        response = StreamingResponse(reply.body, status_code=reply.status)
        response.raw_headers = _forwarded(reply.headers, request_id)
        closing = getattr(reply.body, "aclose", None)
        response.background = BackgroundTask(closing) if closing else None
        return response


def outcome_of(kind: Kind) -> str:
    """The `outcome` label of a failed request: whose fault it was."""
    return {Fault.CALLER: "caller_error", Fault.PROVIDER: "provider_error", Fault.TESSERA: "own_error"}[kind.fault]


def _log_failures(outcomes: tuple[Outcome, ...]) -> None:
    """The vendor's own words stay here when the client is not to see them."""
    for outcome in outcomes:
        if isinstance(outcome.result, Failure):
            said = outcome.result.vendor.message if outcome.result.vendor else ""
            log.warning("no answer", kind=outcome.result.kind.value, reason=outcome.result.detail, vendor_said=said)


def _outcome_of_all(outcomes: tuple[Outcome, ...]) -> str:
    failures = [outcome.result for outcome in outcomes if isinstance(outcome.result, Failure)]
    return outcome_of(failures[0].kind) if failures else "answered"


def _forwarded(headers: Sequence[tuple[str, str]], request_id: str) -> list[tuple[bytes, bytes]]:
    """The vendor's headers and our id. Each answer gets its date from the HTTP server, and a second one would be no date."""
    kept = [(name.lower(), value) for name, value in headers if name.lower() not in _NOT_FORWARDED]
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in [*kept, (REQUEST_ID.lower(), request_id)]]


def _response(reply: RawReply) -> Response:
    return Response(content=reply.body, status_code=reply.status, headers=dict(reply.headers))
