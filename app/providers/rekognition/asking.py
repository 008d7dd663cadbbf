"""From an inquiry and an image to Rekognition's JSON request body. Pure; called by `provider`, off the event loop.

Two ways of asking. An image that is sent alone to the vendor its client spoke is asked with the client's own words, copied
as text, so that nothing a newer SDK may say is lost. A sheet is asked with the lane's parameters (AWS member names) and the
loosest of its images' filters; another vendor's parameters mean nothing here.
"""

from __future__ import annotations

from typing import Any

import orjson
import pybase64

from app.core.model import Inquiry
from app.errors import Kind, Problem
from app.providers.rekognition.operations import OPERATIONS, VENDOR

# Not a member of AWS: the dialect's note that a client of custom labels did send a MinConfidence.
CONFIDENCE_GIVEN = "MinConfidenceGiven"

_PERCENT = 100
_PERCENT_DECIMALS = 4  # 0.55 * 100 is 55.00000000000001 in binary; AWS counts in 32-bit floats, about 7 digits


def request_body(image: bytes, inquiry: Inquiry) -> bytes:
    """The body of the request for `inquiry`. Raises Problem(INVALID_PARAMETER) for words that are no JSON object."""
    try:
        members = _members(inquiry.heard_by(VENDOR))
    except ValueError as error:  # JSON that is none, or text that has no UTF-8 form
        raise Problem(Kind.INVALID_PARAMETER, "The parameters of the request are not a JSON object") from error
    return _with_image(members, image)


def _members(inquiry: Inquiry) -> bytes:
    if inquiry.own_request:
        own_words = inquiry.own_request.strip().encode()
        if not (own_words.startswith(b"{") and own_words.endswith(b"}")):
            raise ValueError("not a JSON object")
        return own_words
    return orjson.dumps(_merged_members(inquiry))


def _merged_members(inquiry: Inquiry) -> dict[str, Any]:
    operation = OPERATIONS[inquiry.feature]
    members = orjson.loads(inquiry.parameters)
    if not isinstance(members, dict):
        raise ValueError("not a JSON object")
    may_filter = bool(members.pop(CONFIDENCE_GIVEN, not operation.has_trained_thresholds))
    if operation.confidence_member and may_filter and inquiry.min_score_unit is not None:
        _put(members, operation.confidence_member, round(inquiry.min_score_unit * _PERCENT, _PERCENT_DECIMALS))
    return members


def _put(members: dict[str, Any], way: tuple[str, ...], value: float) -> None:
    *structures, last = way
    for name in structures:
        members = members.setdefault(name, {})
    members[last] = value


def _with_image(members: bytes, image: bytes) -> bytes:
    """Put the image in as the last member: after any other `Image` that the text might hold, readers take the last one."""
    head = members[:-1].rstrip()
    comma = b"" if head == b"{" else b","
    return b"".join((head, comma, b'"Image":{"Bytes":"', pybase64.b64encode(image), b'"}}'))
