"""multipart/form-data -> the bytes of its one field `image`. Whatever else stands in the form is an error, by name."""

from __future__ import annotations

from app.errors import Kind, Problem
from app.wire.multipart import read_parts
from app.wire.native.operations import OPERATIONS
from app.wire.values import hint, quoted

FIELD = "image"
# Parameters that belong into the query; somebody who puts them into the form is told so.
_QUERY_FIELDS = frozenset(name for operation in OPERATIONS.values() for name in operation.parameters)


def read_image_field(body: bytes, content_type: str) -> bytes:
    """The image field's bytes. Raises Problem: MALFORMED_REQUEST, INVALID_PARAMETER (another field), MISSING_IMAGE."""
    parts = read_parts(body, content_type)
    for part in parts:
        if part.name != FIELD:
            raise Problem(Kind.INVALID_PARAMETER, _not_a_field(part.name))
    if not parts:
        raise Problem(Kind.MISSING_IMAGE, f"the form has no field {FIELD!r}")
    if len(parts) > 1:
        raise Problem(Kind.INVALID_PARAMETER, f"the form has the field {FIELD!r} {len(parts)} times: send one image a request")
    return parts[0].data


def _not_a_field(name: str) -> str:
    if name in _QUERY_FIELDS:
        return f"{name!r} belongs into the query (?{name}=...), not into the form"
    return f"the form has an unknown field {quoted(name)}{hint(name, [FIELD])}"
