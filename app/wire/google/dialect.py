"""The Google Vision dialect: a batch of images over REST or gRPC in, the vendor's own answer or status out.

    read         path -> whose -> images and features -> calls, and a rest          (or Passthrough, for everything else)
    write_calls  answers -> one response per image; the vendor's own message untouched where an image was sent alone

Over REST a request without anything that could share a sheet is passed through whole. Over gRPC it is a rest: what goes to the
vendor always goes as REST. A refusal is JSON on both ways; the gRPC server makes a status of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.core.model import Outcome, Picture, RawRequest
from app.errors import Kind, Problem
from app.wire.contract import Answered, Call, Calls, Passthrough, RawReply, RestAnswer
from app.wire.google import paths, refusals, request
from app.wire.google.asking import PLAN, Caller, GoogleOptions, Plan, calls_of
from app.wire.google.buckets import require_allowed_buckets
from app.wire.google.callers import read_tenant
from app.wire.google.joining import joined
from app.wire.google.messages import answer_mask, written
from app.wire.google.query import BINARY, form_of, selector_of
from app.wire.headers import answer_headers, read_wishes

__all__ = ["GoogleDialect", "GoogleOptions"]

PROTOBUF = "application/x-protobuf"
_SUCCESS_STATUS = 200


class GoogleDialect:
    """Cloud Vision v1, images:annotate."""

    def __init__(self, options: GoogleOptions | None = None) -> None:
        self._options = options or GoogleOptions()

    @property
    def name(self) -> str:
        return "google"

    def read(self, raw: RawRequest) -> Calls | Passthrough:
        """The calls that the request makes. Raises Problem for what the vendor would refuse as a whole."""
        operation = paths.operation_of(raw)
        tenant = read_tenant(raw, self._options.clients)
        if operation == paths.PRODUCTS and self._options.prices is None:
            raise paths.NoMethod  # whose products would they be?
        if operation != paths.ANNOTATE:
            require_allowed_buckets(raw, self._options.buckets)
            return Passthrough(self.name, operation, tenant, refusals.VENDOR)
        caller = Caller(self.name, tenant, read_wishes(raw.headers))
        mask = answer_mask(selector_of(raw))
        if paths.is_grpc(raw):
            return calls_of(request.read_message(raw.body), caller, self._options, replace(BINARY, mask=mask), None)
        form = replace(form_of(raw.query), mask=mask)
        _require_plain(raw)
        asked = request.read_json(raw.body)
        calls = calls_of(asked, caller, self._options, form, paths.plain_path(raw.path))
        if calls.rest is not None and not calls.calls and not _plan(calls).refused:
            require_allowed_buckets(raw, self._options.buckets)
            names = ", ".join(sorted(frozenset[str]().union(*calls.rest.billed)))
            return Passthrough(self.name, f"{operation} with {names}", tenant, refusals.VENDOR, calls.rest.billed)
        return calls

    def write(self, call: Call, picture: Picture, outcomes: Sequence[Outcome], request_id: str) -> RawReply:
        """The answer to a batch of one call; `read` makes none outside a batch."""
        raise Problem(Kind.INTERNAL, "a batch was expected")

    def write_calls(self, calls: Calls, answers: Sequence[Answered | Problem], rest: RestAnswer, request_id: str) -> RawReply:
        """One response per image, in their order. Takes milliseconds for long texts: call it off the event loop."""
        plan = _plan(calls)
        try:
            joint = joined(calls, plan, answers, rest)
        except Problem as problem:
            refusal = self.refuse(problem, request_id)
            return RawReply(refusal.status, {**refusal.headers, **_bill(answers, request_id)}, refusal.body)
        headers = answer_headers(joint.outcomes, request_id)
        content = PROTOBUF if plan.form.binary else refusals.CONTENT_TYPE
        return RawReply(
            _SUCCESS_STATUS, {"Content-Type": content, **headers}, written(joint.answers, plan.form), joint.filtered
        )

    def refuse(self, problem: Problem, request_id: str) -> RawReply:
        return refusals.refuse(problem, request_id)


def _plan(calls: Calls) -> Plan:
    plan = calls.memo.get(PLAN)
    if not isinstance(plan, Plan):
        raise Problem(Kind.INTERNAL, "a batch without its plan")
    return plan


def _bill(answers: Sequence[Answered | Problem], request_id: str) -> dict[str, str]:
    outcomes = [outcome for answer in answers if isinstance(answer, Answered) for outcome in answer.outcomes]
    return answer_headers(outcomes, request_id)


def _require_plain(raw: RawRequest) -> None:
    if raw.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise Problem(Kind.MALFORMED_REQUEST, "a compressed body is not understood")
