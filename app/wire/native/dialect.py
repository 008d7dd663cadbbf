"""The native dialect: an image and a few plain parameters in, JSON with boxes out. Called by the server.

read   query -> what is asked -> image -> Call with one inquiry per feature
write  outcomes -> one list of detections, most certain first
"""

from __future__ import annotations

from collections.abc import Sequence

from app.core.clients import Clients
from app.core.model import Detection, Failure, Inquiry, Outcome, Picture, RawRequest
from app.errors import Kind, Problem
from app.wire.contract import Call, InlineImage, RawReply
from app.wire.headers import answer_headers, read_wishes
from app.wire.native import refusals, request
from app.wire.native.reply import reply_of

PATH = "/v1/detect"
OPERATION = "detect"
FORMATS = frozenset({"jpeg", "png", "webp"})
# Largest image, bytes: the JPEG of a 50-megapixel camera is about this large, and a raw body costs a worker its memory.
MAX_IMAGE_BYTES = 20 * 1024 * 1024
_SUCCESS_STATUS = 200


class NativeDialect:
    """`POST /v1/detect`."""

    def __init__(self, clients: Clients | None = None, max_image_bytes: int = MAX_IMAGE_BYTES) -> None:
        """`clients`: who is let in; without any, everybody."""
        self._clients = clients or Clients()
        self._max_image_bytes = max_image_bytes

    @property
    def name(self) -> str:
        return "native"

    def read(self, raw: RawRequest) -> Call:
        """The call that the request makes. Raises Problem."""
        if raw.method != "POST" or not raw.path.rstrip("/").endswith(PATH):
            raise Problem(Kind.UNKNOWN_OPERATION, f"the operation is POST {PATH}")
        question = request.read_question(raw.query)
        wishes = read_wishes(raw.headers)
        image = request.read_image(raw, self._max_image_bytes)
        inquiries = tuple(
            Inquiry(feature, min_score_unit=question.min_score_unit, max_results=question.max_results)
            for feature in question.features
        )
        return Call(
            endpoint=self.name,
            operation=OPERATION,
            tenant=request.read_tenant(raw.headers, self._clients),
            source=InlineImage(image),
            inquiries=inquiries,
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
        limit = call.inquiries[0].max_results or request.DEFAULT_MAX_RESULTS
        reply, filtered = reply_of(request_id, picture, found, [outcome.bill for outcome in outcomes], limit)
        body = reply.model_dump_json().encode()
        return RawReply(_SUCCESS_STATUS, {"Content-Type": "application/json", **headers}, body, filtered)

    def refuse(self, problem: Problem, request_id: str) -> RawReply:
        return refusals.refuse(problem, request_id)
