"""All answers about one image, and the rest -> the body of one answer.

A feature whose image was sent alone to Azure keeps the vendor's own member, untouched, where the provider asks the same API for
it (`Gridded.keeps_member`). Everything else is built from the findings. Members of the rest are handed on as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.core.model import Answer, Inquiry, Picture
from app.errors import Kind, Problem, VendorError
from app.wire.azure.api import Api, Seal
from app.wire.azure.refusals import VENDOR
from app.wire.contract import RestReply

_MODEL_VERSION, _METADATA, _REQUEST_ID = "modelVersion", "metadata", "requestId"
_SUCCESS_STATUS, _SERVER_FAULT_STATUS, _THROTTLED_STATUS = 200, 500, 429


@dataclass(frozen=True, slots=True)
class Found:
    """One inquiry and what was found in `picture`."""

    inquiry: Inquiry
    answer: Answer
    picture: Picture


def join(api: Api, found: Sequence[Found], rest: dict[str, Any] | None, request_id: str) -> bytes:
    """The answer's body."""
    if rest is None and len(found) == 1 and api.keeps_bodies:
        only = found[0]
        if only.answer.verbatim is not None and _own(api, only) is not None:
            return only.answer.verbatim
    others = rest or {}
    members = {name: value for name, value in others.items() if name not in {_MODEL_VERSION, _METADATA, _REQUEST_ID}}
    versions = [others.get(_MODEL_VERSION)]
    for one in found:
        row = api.by_feature[one.inquiry.feature]
        own = _own(api, one)
        members[row.member] = own[row.member] if own else row.write(one.answer.detections, one.picture.upright)
        versions.append(one.answer.extra.get(_MODEL_VERSION))
    known = next((version for version in reversed(versions) if isinstance(version, str)), None)
    return orjson.dumps(api.seal(members, Seal(found[0].picture, known, request_id)))


def _own(api: Api, one: Found) -> dict[str, Any] | None:
    """The vendor's own answer to this image alone, if that is what there is and it has what was asked for."""
    answer, row = one.answer, api.by_feature[one.inquiry.feature]
    if not row.keeps_member or answer.verbatim is None or answer.verbatim_vendor != VENDOR:
        return None
    body = _json_object(answer.verbatim)
    return body if body is not None and row.member in body else None


def rest_members(reply: RestReply) -> dict[str, Any]:
    """The JSON of the vendor's answer to a rest. Raises Problem: the vendor's own error, or PROVIDER_GARBLED."""
    body = _json_object(reply.body)
    if reply.status != _SUCCESS_STATUS:
        raise _refused(reply, body or {})
    if body is None:
        raise Problem(Kind.PROVIDER_GARBLED, "the vendor's answer to a part of the request is no JSON object")
    return body


def _refused(reply: RestReply, body: dict[str, Any]) -> Problem:
    error = body.get("error")
    said: dict[str, Any] = error if isinstance(error, dict) else {}
    code, message = str(said.get("code", "")), str(said.get("message", ""))
    if reply.status == _THROTTLED_STATUS:
        kind = Kind.THROTTLED
    else:
        kind = Kind.PROVIDER_UNAVAILABLE if reply.status >= _SERVER_FAULT_STATUS else Kind.REQUEST_REFUSED
    vendor = VendorError(VENDOR, reply.status, code, message, reply.body.decode("utf-8", "replace"))
    return Problem(kind, "the vendor refused a part of the request", vendor=vendor)


def _json_object(data: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
