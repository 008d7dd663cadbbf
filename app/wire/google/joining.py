"""Answers and the rest -> one BatchAnnotateImagesResponse: one AnnotateImageResponse per request, in their order.

An image that was sent alone to the same vendor comes back as the vendor's own message; findings are written out; fields of
several answers for one image are merged. What failed stands in the image's `error`, beside whatever did not fail. Only where
nothing at all was answered, and no image is to blame, is the whole request refused: then the vendor's clients try again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.core.geometry import Size
from app.core.model import Failure, Inquiry, Outcome
from app.errors import Kind, Problem
from app.wire.contract import Answered, Call, Calls, RestAnswer, RestReply
from app.wire.google.answers import fields_of
from app.wire.google.asking import Plan
from app.wire.google.messages import image_answer, image_answer_from_bytes, image_answers_from_tree
from app.wire.google.refusals import VENDOR, refusal_of_rest, status_of

# What is wrong with one image and says nothing about the others.
_OF_ONE_IMAGE = frozenset(
    {
        Kind.INVALID_IMAGE,
        Kind.IMAGE_TOO_LARGE,
        Kind.IMAGE_REFUSED,
        Kind.MISSING_IMAGE,
        Kind.OBJECT_UNAVAILABLE,
        Kind.INVALID_PARAMETER,
        Kind.FORBIDDEN,
    }
)
_FIRST_ERROR_STATUS = 400


@dataclass(slots=True)
class _Part:
    """One image's answer while it comes together. `is_its_own`: what failed concerns this image alone."""

    answer: Any = field(default_factory=lambda: image_answer({}))
    problem: Problem | None = None
    is_its_own: bool = False
    answered: int = 0
    found: int = 0
    kept: int = 0

    def fail(self, problem: Problem, *, is_its_own: bool = False) -> None:
        """The first failure is told; the others are in the log."""
        self.problem = self.problem or problem
        self.is_its_own |= is_its_own or problem.kind in _OF_ONE_IMAGE

    def take(self, answer: Any) -> None:
        self.answered += 1
        self.answer.MergeFrom(answer)

    def done(self) -> Any:
        """The message, with the failure in it."""
        if self.problem is not None and not self.answer.HasField("error"):
            self.answer.MergeFrom(image_answer({"error": status_of(self.problem).in_answer()}))
        return self.answer


@dataclass(frozen=True, slots=True)
class Joined:
    """One message per image; how many findings the request's own filters left out; all outcomes, for the bill."""

    answers: list[Any]
    filtered: int
    outcomes: tuple[Outcome, ...]


def joined(calls: Calls, plan: Plan, answers: Sequence[Answered | Problem], rest: RestAnswer) -> Joined:
    """Raises Problem where the whole request failed."""
    if len(answers) != len(calls.calls) or len(plan.places) != len(calls.calls):
        raise Problem(Kind.INTERNAL, f"{len(calls.calls)} answers were expected, not {len(answers)}")
    parts = [_Part() for _ in range(plan.images)]
    for place, problem in plan.refused.items():
        parts[place].fail(problem, is_its_own=True)
    for place, call, answer in zip(plan.places, calls.calls, answers, strict=True):
        _join_call(parts[place], call, answer, plan.behind)
    if calls.rest is not None:
        _join_rest([parts[place] for place in plan.rest_places], rest)
    _refuse_whole(parts)
    outcomes = tuple(outcome for answer in answers if isinstance(answer, Answered) for outcome in answer.outcomes)
    return Joined([part.done() for part in parts], sum(part.found - part.kept for part in parts), outcomes)


def _refuse_whole(parts: Sequence[_Part]) -> None:
    problems = [part.problem for part in parts if part.problem is not None]
    if problems and not any(part.answered or part.is_its_own for part in parts):
        raise problems[0]


def _join_call(part: _Part, call: Call, answer: Answered | Problem, behind: str) -> None:
    if isinstance(answer, Problem):
        # What keeps a call from becoming inquiries is its image, also when a link leads to a server that is away now.
        part.fail(answer, is_its_own=answer.kind is Kind.PROVIDER_UNAVAILABLE)
        return
    if len(answer.outcomes) != len(call.inquiries):
        raise Problem(Kind.INTERNAL, f"{len(call.inquiries)} outcomes were expected, not {len(answer.outcomes)}")
    for inquiry, outcome in zip(call.inquiries, answer.outcomes, strict=True):
        try:
            _join_outcome(part, inquiry, outcome, answer.picture.upright, behind)
        except Problem as problem:
            part.fail(problem)


def _join_outcome(part: _Part, inquiry: Inquiry, outcome: Outcome, size: Size, behind: str) -> None:
    result = outcome.result
    if isinstance(result, Failure):
        raise Problem(result.kind, result.detail, vendor=result.vendor, retry_after_s=result.retry_after_s)
    if result.verbatim is not None and result.verbatim_vendor == VENDOR:
        part.take(image_answer_from_bytes(result.verbatim))
        return
    written = fields_of(inquiry, result, size, behind)
    part.take(image_answer(written.fields))
    part.found += len(result.detections)
    part.kept += written.kept


def _join_rest(parts: Sequence[_Part], rest: RestAnswer) -> None:
    """The vendor's own responses, to the images they are about."""
    try:
        responses = _responses(rest)
        if len(responses) != len(parts):
            raise Problem(Kind.PROVIDER_GARBLED, f"{len(parts)} responses were expected, not {len(responses)}")
    except Problem as problem:
        for part in parts:
            part.fail(problem)
        return
    for part, response in zip(parts, responses, strict=True):
        part.take(response)


def _responses(rest: RestAnswer) -> list[Any]:
    match rest:
        case RestReply() if rest.status < _FIRST_ERROR_STATUS:
            return image_answers_from_tree(_tree(rest.body))
        case RestReply():
            raise refusal_of_rest(rest.status, rest.body)
        case Problem():
            raise rest
    raise Problem(Kind.INTERNAL, "no answer to a part of the request")


def _tree(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(Kind.PROVIDER_GARBLED, "the vendor's answer is no JSON") from error
