"""The Rekognition dialect: a signed AWS JSON request in, AWS's answer or exception out. Called by the server.

    read   target -> tenant -> members -> what is asked -> image -> Call        (or Passthrough, for what cannot be gridded)
    write  outcome -> AWS's own body untouched when it was sent alone, otherwise rebuilt from the findings

A DetectLabels answer from a grid holds the labels that have instances, and their parents. Scene-level labels (without any
box) cannot be attributed to one image of a sheet and are lost; `RekognitionOptions.labels_alone` keeps them by sending every
DetectLabels alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from app.core.buckets import AllowedBuckets
from app.core.clients import Clients
from app.core.model import Answer, Bypass, Failure, Feature, Inquiry, Outcome, Picture, RawRequest, canonical_json
from app.core.moderation_words import REKOGNITION_CATEGORIES
from app.errors import Kind, Problem
from app.wire.contract import Call, InlineImage, Passthrough, RawReply
from app.wire.headers import answer_headers, read_wishes, retry_id
from app.wire.rekognition import refusals, request
from app.wire.rekognition.buckets import require_allowed_buckets
from app.wire.rekognition.findings import Found, Wanted
from app.wire.rekognition.members import Members
from app.wire.rekognition.operations import BILLED_VERBS, OPERATIONS, Asked, Operation

# AWS itself reads JPEG and PNG only; WebP is a leniency: it is turned into something that the provider reads.
FORMATS = frozenset({"jpeg", "png", "webp"})
# Longest that a request may be without its image, bytes: it is kept with the image, in Redis too. All of DetectLabels' filters
# together are 20 kB.
MAX_WORDS_BYTES = 256 * 1024
_WANTED = "wanted"
_SUCCESS_STATUS = 200


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class RekognitionOptions:
    """What the operator decides.

    `labels_alone`: DetectLabels goes alone, so that no label is lost. `buckets`: those that requests which are handed on may
    name. `grid_text`: text may share sheets. `clients`: who is let in. `before_aws`: whether the provider is this vendor, too:
    nobody else has image properties, adapters and human reviews. `now`: the time that signatures are compared with.
    """

    labels_alone: bool = False
    buckets: AllowedBuckets = field(default_factory=AllowedBuckets)
    grid_text: bool = False
    clients: Clients = field(default_factory=Clients)
    before_aws: bool = True
    now: Callable[[], datetime] = _utc_now


class RekognitionDialect:
    """AWS JSON 1.1 of Amazon Rekognition's image operations."""

    def __init__(self, options: RekognitionOptions | None = None) -> None:
        self._options = options or RekognitionOptions()

    @property
    def name(self) -> str:
        return "rekognition"

    def read(self, raw: RawRequest) -> Call | Passthrough:
        """The call that the request makes. Raises Problem for what AWS would refuse, too, and for what the operator does."""
        name = request.read_operation(raw)
        tenant = request.read_tenant(raw, self._options.clients, self._options.now())
        operation = OPERATIONS.get(name)
        if operation is None:
            require_allowed_buckets(raw, self._options.buckets)
            billed = (frozenset({name}),) if name.startswith(BILLED_VERBS) else ()
            return Passthrough(self.name, name, tenant, refusals.VENDOR, billed)
        wishes = read_wishes(raw.headers)
        values = request.read_members(raw.body)
        members = Members(values)
        asked = operation.ask(members)
        if asked.only_aws and not self._options.before_aws:
            raise Problem(Kind.UNKNOWN_OPERATION, f"{name} with {asked.only_aws}: not available through this provider")
        source = request.read_image(members, operation.inline_bytes)
        return Call(
            endpoint=self.name,
            operation=name,
            tenant=tenant,
            source=source,
            inquiries=(self._inquiry(operation, asked, values),),
            wishes=wishes,
            formats=FORMATS,
            max_image_bytes=operation.inline_bytes if isinstance(source, InlineImage) else request.MAX_STORED_BYTES,
            alone=asked.alone or self._settled_alone(operation),
            retry_id=retry_id(raw.headers),
            memo={_WANTED: asked.wanted},
        )

    def write(self, call: Call, picture: Picture, outcomes: Sequence[Outcome], request_id: str) -> RawReply:
        """AWS's answer to `call`; `picture` plays no part, since AWS tells nothing about the image itself."""
        reply = self._reply(call, outcomes, request_id)
        return RawReply(reply.status, {**reply.headers, **answer_headers(outcomes, request_id)}, reply.body, reply.filtered)

    def refuse(self, problem: Problem, request_id: str) -> RawReply:
        return refusals.refuse(problem, request_id)

    def _inquiry(self, operation: Operation, asked: Asked, values: Mapping[str, Any]) -> Inquiry:
        """What another vendor knows of unsafe content, and this answer has no label for, need not be asked alone."""
        is_translated = operation.feature is Feature.MODERATION and not self._options.before_aws
        return Inquiry(
            feature=operation.feature,
            parameters=canonical_json(asked.parameters),
            min_score_unit=asked.min_score_unit,
            max_results=asked.max_results,
            own_vendor=refusals.VENDOR,
            own_request=_own_words(values),
            categories=REKOGNITION_CATEGORIES if is_translated else (),
        )

    def _settled_alone(self, operation: Operation) -> Bypass | None:
        """Scenes would be lost in a grid, and small print suffers most: the operator decides."""
        needs_scenes = operation.feature is Feature.OBJECTS and self._options.labels_alone
        stays_large = operation.feature is Feature.TEXT and not self._options.grid_text
        return Bypass.SETTING if needs_scenes or stays_large else None

    def _reply(self, call: Call, outcomes: Sequence[Outcome], request_id: str) -> RawReply:
        if len(outcomes) != 1:
            raise Problem(Kind.INTERNAL, f"one outcome was expected, not {len(outcomes)}")
        result = outcomes[0].result
        if isinstance(result, Failure):
            problem = Problem(result.kind, result.detail, vendor=result.vendor, retry_after_s=result.retry_after_s)
            return self.refuse(problem, request_id)
        headers = refusals.reply_headers(request_id)
        if result.verbatim is not None and result.verbatim_vendor == refusals.VENDOR:
            return RawReply(_SUCCESS_STATUS, headers, result.verbatim)
        found = _found(call, result)
        written = OPERATIONS[call.operation].write(found)
        return RawReply(_SUCCESS_STATUS, headers, orjson.dumps(written.body), len(found.detections) - written.kept)


def _own_words(values: Mapping[str, Any]) -> str:
    """The request without its image, members that we do not know included."""
    try:
        words = orjson.dumps({member: value for member, value in values.items() if member != "Image"})
    except orjson.JSONEncodeError as error:  # it reads deeper nesting than it writes
        raise Problem(Kind.MALFORMED_REQUEST, "the body is nested too deeply") from error
    if len(words) > MAX_WORDS_BYTES:
        raise Problem(Kind.MALFORMED_REQUEST, f"the request without its image is larger than {MAX_WORDS_BYTES} bytes")
    return words.decode()


def _found(call: Call, answer: Answer) -> Found:
    wanted = call.memo.get(_WANTED)
    return Found(answer.detections, call.inquiries[0], wanted if isinstance(wanted, Wanted) else Wanted(), answer.extra)
