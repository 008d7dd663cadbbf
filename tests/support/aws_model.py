"""botocore's own model of Rekognition: what may stand in an answer, and its own reading and writing of both directions."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from app.core.model import RawRequest
from app.wire.contract import RawReply
from tests.support.wire import AUTHORIZATION

_REAL = (int, float)
_NUMBERS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("integer", "long"), int),
    **dict.fromkeys(("float", "double"), _REAL),
    "timestamp": _REAL,  # AWS JSON 1.1 writes times as seconds since 1970
}


@functools.cache
def service_model() -> Any:
    """Loading it takes a fifth of a second."""
    return botocore.session.get_session().get_service_model("rekognition")


def serialized(model: Any, operation: str, parameters: Mapping[str, Any]) -> RawRequest:
    """The request that botocore makes of `parameters` (not signed; the header is made up)."""
    wire = create_serializer("json", include_validation=False).serialize_to_request(
        dict(parameters), model.operation_model(operation)
    )
    headers = {name.lower(): str(value) for name, value in wire["headers"].items()} | {"authorization": AUTHORIZATION}
    return RawRequest(wire["method"], wire["url_path"], "", headers, wire["body"])


def parsed(model: Any, operation: str, reply: RawReply) -> dict[str, Any]:
    """What a program that uses boto3 gets to see of a reply, errors included."""
    headers = {name.lower(): value for name, value in reply.headers.items()}
    response = {"status_code": reply.status, "headers": headers, "body": reply.body}
    shape = model.operation_model(operation).output_shape
    seen: dict[str, Any] = create_parser("json").parse(response, shape)
    return seen


def strangers(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """Where `value` (plain JSON) is not what the model has: unknown members, wrong types, words outside an enumeration."""
    match shape.type_name:
        case "structure":
            yield from _strange_members(shape, value, path)
        case "list":
            if not isinstance(value, list):
                yield f"{path}: not a list"
                return
            for number, item in enumerate(value):
                yield from strangers(shape.member, item, f"{path}[{number}]")
        case "string":
            if not isinstance(value, str) or (shape.enum and value not in shape.enum):
                yield f"{path}: {value!r}"
        case "boolean":
            if not isinstance(value, bool):
                yield f"{path}: {value!r} is not a boolean"
        case kind:
            if isinstance(value, bool) or not isinstance(value, _NUMBERS[kind]):
                yield f"{path}: {value!r} is not a number of type {kind}"


def _strange_members(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: not an object"
        return
    for name, item in value.items():
        if name not in shape.members:
            yield f"{path}.{name}: not in the model"
        else:
            yield from strangers(shape.members[name], item, f"{path}.{name}")
