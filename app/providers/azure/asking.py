"""From an inquiry to path and query of the request. Pure; called by `provider`.

Two ways of asking. An image that is sent alone and whose client spoke to Azure itself is asked with the client's own query,
word for word. A sheet, and an image of another vendor's client, is asked for its one feature with the lane's parameters.

For 4.0 `Inquiry.parameters` may hold "language" and "model-version", both text; another vendor's parameters and words mean
nothing here. 3.2 has no parameter that changes what is found. There is no threshold and no limit to ask for: the
service returns everything, however unsure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import orjson

from app.core.model import Inquiry
from app.errors import Kind, Problem
from app.providers.azure.features import VENDOR, VISUAL_FEATURES, VisualFeature

_PATH_40, _PATH_32 = "/computervision/imageanalysis:analyze", "/vision/v3.2/analyze"
# The version that Microsoft's client asks for by itself.
_API_VERSION = "2023-10-01"
_PARAMETERS = ("language", "model-version")

# Everything that may stand in a query (RFC 3986, section 3.4) stays as the client wrote it. Braces are no part of that; the
# client library would take them for places to fill in.
_QUERY_CHARACTERS = "!$&'()*+,;=:@/?%"


def target_of(inquiry: Inquiry) -> str:
    """Path and query. Raises Problem(INVALID_PARAMETER) for parameters that cannot be asked for."""
    inquiry = inquiry.heard_by(VENDOR)
    feature = VISUAL_FEATURES[inquiry.feature]
    if feature.is_of_32:
        return f"{_PATH_32}?visualFeatures={feature.name}"
    return f"{_PATH_40}?{_query(inquiry, feature)}"


def _query(inquiry: Inquiry, feature: VisualFeature) -> str:
    if _is_for_analyze(inquiry.own_request):
        return quote(inquiry.own_request, safe=_QUERY_CHARACTERS)
    asked = {"api-version": _API_VERSION, "features": feature.name}
    return urlencode(asked | dict(_parameters(inquiry.parameters)), safe=",")


def _is_for_analyze(query: str) -> bool:
    """Whether the client's words are those of 4.0: the older API has another address and calls features by another name."""
    return any(name == "features" for name, _ in parse_qsl(query))


def _parameters(parameters: str) -> Iterator[tuple[str, str]]:
    members = _members(parameters)
    for name in _PARAMETERS:
        value = members.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise Problem(Kind.INVALID_PARAMETER, f"{name} is text")
        yield name, value


def _members(parameters: str) -> dict[str, Any]:
    try:
        members = orjson.loads(parameters)
    except orjson.JSONDecodeError:
        members = None
    if not isinstance(members, dict):
        raise Problem(Kind.INVALID_PARAMETER, "The parameters of the request are not a JSON object")
    return members
