"""One request's stay at the desk: what is known about it, what was paid for it, and what is said about it at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from app.core.model import Failure, Outcome
from app.core.quota import NOTHING, Amount
from app.errors import Fault, Kind, Problem
from app.fares import Fares
from app.log import get_logger
from app.providers.contract import ForwardReply
from app.wire.contract import Answered, RawReply, RestAnswer
from app.wire.headers import INFERENCES, inferences_header

FIRST_ERROR_STATUS, FIRST_SERVER_ERROR, TOO_MANY_REQUESTS = 400, 500, 429

log = get_logger(__name__)

Reply: TypeAlias = "RawReply | ForwardReply"


@dataclass(slots=True)
class Visit:
    """What is known about a request while it is inside: the task once it has been read, the sheets once it is answered.

    `answers` is its share of what was paid for its images; `handed_on` what was paid for the parts that went to the vendor as
    they were. `has_left`: it ended before its answer; what its images cost is known when all of its `fares` are over.
    """

    request_id: str
    started_s: float
    task: str = "other"
    sheet_ids: tuple[str, ...] = ()
    answers: Amount = NOTHING
    handed_on: Amount = NOTHING
    has_left: bool = False
    fares: Fares = field(default_factory=Fares)

    @property
    def paid(self) -> Amount:
        return self.answers + self.handed_on

    def note(self, outcomes: Sequence[Outcome], paid: Amount) -> None:
        """Remember sheets and bill; log the failures: the vendor's own words stay here when the client is not to see them."""
        self.answers += paid
        self.sheet_ids += tuple(outcome.bill.sheet_id for outcome in outcomes if outcome.bill.sheet_id)
        for outcome in outcomes:
            if isinstance(outcome.result, Failure):
                said = outcome.result.vendor.message if outcome.result.vendor else ""
                log.warning("no answer", kind=outcome.result.kind.value, reason=outcome.result.detail, vendor_said=said)


def with_bill(reply: Reply, visit: Visit) -> Reply:
    """The reply, telling what was paid for the whole request where a part of it was handed on."""
    if not visit.handed_on.micro_inferences:
        return reply
    bill = inferences_header(visit.paid.inferences)
    if isinstance(reply, RawReply):
        return replace(reply, headers={**reply.headers, **bill})
    others = tuple((name, value) for name, value in reply.headers if name.lower() != INFERENCES.lower())
    return replace(reply, headers=(*others, *bill.items()))


def outcome_of(kind: Kind) -> str:
    """The `outcome` label of a failed request: whose fault it was."""
    return {Fault.CALLER: "caller_error", Fault.PROVIDER: "provider_error", Fault.TESSERA: "own_error"}[kind.fault]


def outcome_of_all(answers: Sequence[Answered | Problem], rest: RestAnswer = None) -> str:
    """That of the first failure, if there is one; of a rest that failed, otherwise."""
    for answer in answers:
        if isinstance(answer, Problem):
            return outcome_of(answer.kind)
        for outcome in answer.outcomes:
            if isinstance(outcome.result, Failure):
                return outcome_of(outcome.result.kind)
    if isinstance(rest, Problem):
        return outcome_of(rest.kind)
    is_refused = rest is not None and rest.status >= FIRST_ERROR_STATUS
    return outcome_of(Kind.REQUEST_REFUSED) if is_refused else "answered"


def outcome_of_reply(status: int) -> str:
    """Of a request that was handed on whole. Other errors are the caller's, or are the vendor's in words of its own."""
    is_vendors = status >= FIRST_SERVER_ERROR or status == TOO_MANY_REQUESTS
    return outcome_of(Kind.REQUEST_REFUSED) if is_vendors else "answered"


def log_refusal(problem: Problem) -> None:
    """With the vendor's own words where it is its problem: they may be kept from the client."""
    if problem.kind.fault is Fault.PROVIDER and problem.vendor is not None:
        log.warning("refused", kind=problem.kind.value, reason=problem.detail, vendor_said=problem.vendor.message)
    else:
        log.info("refused", kind=problem.kind.value, reason=problem.detail)
