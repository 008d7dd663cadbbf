"""The query of a call: system parameters only. Out: how the answer is to be written, and the key it may carry."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from app.core.model import RawRequest
from app.errors import Kind, Problem
from app.wire.google.masks import Mask
from app.wire.values import quoted

# https://cloud.google.com/apis/docs/system-parameters, and what clients add.
_SYSTEM = frozenset(
    {
        "$alt",
        "alt",
        "$fields",
        "fields",
        "$key",
        "key",
        "access_token",
        "oauth_token",
        "$prettyPrint",
        "prettyPrint",
        "quotaUser",
    }
    | {"$.xgafv", "$userProject", "userIp", "uploadType", "upload_protocol", "callback", "$callback"}
)
_JSON, _ENUM_NUMBERS = "json", "enum-encoding=int"
_INDENT = 2
_MASK_HEADER = "x-goog-fieldmask"
_MAX_FIELDS = 64


@dataclass(frozen=True, slots=True)
class Form:
    """How an answer is to be written: a serialized message, or JSON with enums by name or by number; all of it or parts."""

    binary: bool = False
    enum_numbers: bool = False
    indent: int | None = None
    mask: Mask | None = None


BINARY = Form(binary=True)


def values_of(query: str) -> dict[str, str]:
    """Names and values; the last one of a name counts. Raises Problem for more than any client sends."""
    try:
        return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError as error:
        raise Problem(Kind.INVALID_PARAMETER, "Invalid query: too many parameters.") from error


def selector_of(raw: RawRequest) -> str:
    """Which members of the answer are wanted, "" for all. Over gRPC only the header can say it."""
    values = values_of(raw.query) if raw.query else {}
    return values.get("$fields", "") or values.get("fields", "") or raw.headers.get(_MASK_HEADER, "")


def form_of(query: str) -> Form:
    """Raises Problem(INVALID_PARAMETER) for a parameter that no method has, and for a form that is not written here."""
    values = values_of(query)
    for name in values:
        if name not in _SYSTEM:
            text = quoted(name)[1:-1]
            words = f'Invalid JSON payload received. Unknown name "{text}": Cannot bind query parameter.'
            raise Problem(Kind.INVALID_PARAMETER, words)
    alt = values.get("$alt", values.get("alt", _JSON))
    kind, *settings = alt.split(";")
    if kind != _JSON or any(setting != _ENUM_NUMBERS for setting in settings):
        raise Problem(Kind.INVALID_PARAMETER, f"Invalid value at query parameter 'alt': {quoted(alt)}")
    is_pretty = values.get("$prettyPrint", values.get("prettyPrint", "false")) in {"true", "1"}
    return Form(enum_numbers=bool(settings), indent=_INDENT if is_pretty else None)
