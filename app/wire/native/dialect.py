"""The native dialect: an image and a few plain parameters in, JSON out. Called by the server.

read   path -> operation -> query -> what is asked -> image -> Call with one inquiry per feature
write  outcomes -> one list of findings, most certain first
"""

from __future__ import annotations

from collections.abc import Sequence

from app.core.clients import Clients
from app.core.model import Detection, Failure, Feature, Inquiry, Outcome, Picture, RawRequest
from app.core.moderation import Category
from app.core.moderation_words import looked_for
from app.errors import Kind, Problem
from app.wire.contract import Call, InlineImage, RawReply
from app.wire.headers import answer_headers, read_wishes
from app.wire.native import refusals, request
from app.wire.native.envelope import Found
from app.wire.native.operations import OPERATIONS

FORMATS = frozenset({"jpeg", "png", "webp"})
# Largest image, bytes: the JPEG of a 50-megapixel camera is about this large, and a raw body costs a worker its memory.
MAX_IMAGE_BYTES = 20 * 1024 * 1024
_SUCCESS_STATUS = 200


class NativeDialect:
    """`POST /v1/detect`, `/v1/classify`, `/v1/moderate`."""

    def __init__(self, clients: Clients | None = None, max_image_bytes: int = MAX_IMAGE_BYTES, *, behind: str = "") -> None:
        """`clients`: who is let in; without any, everybody. `behind`: the vendor that the provider speaks."""
        self._clients = clients or Clients()
        self._max_image_bytes = max_image_bytes
        self._looked_for = looked_for(behind)

    @property
    def name(self) -> str:
        return "native"

    def read(self, raw: RawRequest) -> Call:
        """The call that the request makes. Raises Problem."""
        operation = request.read_operation(raw)
        question = request.read_question(raw.query, operation)
        self._require_looked_for(question.categories)
        wishes = read_wishes(raw.headers)
        image = request.read_image(raw, self._max_image_bytes)
        return Call(
            endpoint=self.name,
            operation=operation.name,
            tenant=request.read_tenant(raw.headers, self._clients),
            source=InlineImage(image),
            inquiries=tuple(_inquiry(feature, question) for feature in question.features),
            wishes=wishes,
            formats=FORMATS,
            max_image_bytes=self._max_image_bytes,
        )

    def write(self, call: Call, picture: Picture, outcomes: Sequence[Outcome], request_id: str) -> RawReply:
        """All features' findings in one list. One failed feature fails the request: half an answer would look whole."""
        headers = answer_headers(outcomes, request_id)
        if len(outcomes) != len(call.inquiries):
            raise Problem(Kind.INTERNAL, f"{len(call.inquiries)} outcomes were expected, not {len(outcomes)}")
        found: list[tuple[Inquiry, Sequence[Detection]]] = []
        for inquiry, outcome in zip(call.inquiries, outcomes, strict=True):
            result = outcome.result
            if isinstance(result, Failure):
                problem = Problem(result.kind, result.detail, vendor=result.vendor, retry_after_s=result.retry_after_s)
                refusal = self.refuse(problem, request_id)
                return RawReply(refusal.status, {**refusal.headers, **headers}, refusal.body)
            found.append((inquiry, result.detections))
        bills = [outcome.bill for outcome in outcomes]
        reply, filtered = OPERATIONS[call.operation].write(Found(request_id, picture, found, bills))
        body = reply.model_dump_json().encode()
        return RawReply(_SUCCESS_STATUS, {"Content-Type": "application/json", **headers}, body, filtered)

    def refuse(self, problem: Problem, request_id: str) -> RawReply:
        return refusals.refuse(problem, request_id)

    def _require_looked_for(self, categories: Sequence[Category]) -> None:
        """Nobody is told that nothing was found where nobody looked."""
        for category in categories:
            if category not in self._looked_for:
                raise Problem(Kind.UNKNOWN_OPERATION, f"{category.value}: not available through this provider")


def _inquiry(feature: Feature, question: request.Question) -> Inquiry:
    return Inquiry(
        feature,
        min_score_unit=question.min_score_unit,
        max_results=question.max_results,
        categories=tuple(category.value for category in question.categories),
    )
