"""Calls over REST: paths and queries to methods, outcomes to HTTP answers.

POST images:annotate, images:asyncBatchAnnotate, files:annotate, files:asyncBatchAnnotate, and GET operations/NAME, below /v1 or
/v1p...beta..., with or without a project and a location. A path may begin with two slashes: so do the SDK's when the endpoint
ends with one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.emulators.faults import FaultKind
from app.emulators.google.credentials import credentials_of
from app.emulators.google.errors import bad_json, internal, payload_too_large
from app.emulators.google.messages import as_json, request_from_json
from app.emulators.google.service import UNKNOWN, Call, Outcome, Service
from app.emulators.receiving import body_of
from app.emulators.sending import GARBAGE, Ending, Reply

BODY_BYTES = 10 * 1024 * 1024
"""Largest JSON request."""
CONTENT_TYPE = "application/json; charset=UTF-8"
VERB = re.compile(r"/{1,2}v1(?:p\d+beta\d+)?/(?:projects/[^/]+/(?:locations/[^/]+/)?)?(?P<verb>(?:images|files):\w+)", re.ASCII)
OPERATION = re.compile(
    r"/{1,2}v1(?:p\d+beta\d+)?/(?P<name>(?:projects/[^/]+/(?:locations/[^/]+/)?)?operations/[^/:]+)", re.ASCII
)
METHOD_OF_VERB = {
    "images:annotate": "BatchAnnotateImages",
    "images:asyncBatchAnnotate": "AsyncBatchAnnotateImages",
    "files:annotate": "BatchAnnotateFiles",
    "files:asyncBatchAnnotate": "AsyncBatchAnnotateFiles",
}
SYSTEM_PARAMETERS = frozenset(
    {"alt", "$alt", "prettyPrint", "$prettyPrint", "fields", "$fields", "key", "access_token", "quotaUser"}
)
"""Query parameters that every Google API takes; others are errors. `fields` changes nothing here."""
JSON, ENUM_NUMBERS = "json", "enum-encoding=int"


@dataclass(frozen=True, slots=True)
class Form:
    """How an answer is to be written."""

    enum_numbers: bool = False
    pretty: bool = True


@dataclass(frozen=True, slots=True)
class Rest:
    """The REST face of a service."""

    service: Service

    def routes(self) -> list[Route]:
        return [Route("/{path:path}", self.answer, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])]

    async def answer(self, request: Request) -> Response:
        query = dict(parse_qsl(request.url.query, keep_blank_values=True))
        method, name = _method_of(request.method, request.url.path)

        async def receive() -> bytes:
            body = await _body(request)
            _check_query(query)
            return body

        def parse(body: bytes) -> Message:
            message: Message = request_from_json(method, b"{}" if name else body)
            if name:
                message.name = name  # type: ignore[attr-defined]  # of GetOperationRequest: its one field, from the path
            return message

        outcome = await self.service.answer(Call(method, credentials_of(request.headers, query), receive, parse))
        return await self.service.attendant.in_pool(lambda: _reply(outcome, _form_of(query)))


def _method_of(verb: str, path: str) -> tuple[str, str]:
    """The method's name, and that of the resource where it comes from the path."""
    operation = OPERATION.fullmatch(path)
    if verb == "GET" and operation is not None:
        return "GetOperation", operation["name"]
    called = VERB.fullmatch(path)
    return (METHOD_OF_VERB.get(called["verb"], UNKNOWN) if verb == "POST" and called is not None else UNKNOWN), ""


async def _body(request: Request) -> bytes:
    body = await body_of(request, BODY_BYTES)
    if body is None:
        raise payload_too_large(BODY_BYTES)
    return body


def _check_query(query: Mapping[str, str]) -> None:
    unknown = [name for name in query if name not in SYSTEM_PARAMETERS]
    if unknown:
        raise bad_json(f'Unknown name "{unknown[0]}": no such query parameter.')
    kind, *settings = _alt(query).split(";")
    if kind != JSON or any(setting != ENUM_NUMBERS for setting in settings):
        raise bad_json(f'Invalid value at query parameter "alt": {_alt(query)}')


def _form_of(query: Mapping[str, str]) -> Form:
    pretty = query.get("$prettyPrint", query.get("prettyPrint", "true")) != "false"
    return Form(ENUM_NUMBERS in _alt(query).split(";"), pretty)


def _alt(query: Mapping[str, str]) -> str:
    return query.get("$alt", query.get("alt", JSON))


def _reply(outcome: Outcome, form: Form) -> Reply:
    """Runs in a thread: a document's JSON takes its time."""
    if outcome.fault is FaultKind.CLOSE:
        return Reply(b"", 500, {}, Ending.NOTHING)
    if outcome.answer is None:
        error = outcome.error or internal()
        return _written(error.http_status, json.dumps(error.as_body(), indent=2 if form.pretty else None).encode())
    body = as_json(outcome.answer, enum_numbers=form.enum_numbers, pretty=form.pretty)
    if outcome.fault is FaultKind.GARBAGE:
        body = GARBAGE
    ending = Ending.HALF if outcome.fault is FaultKind.TRUNCATED else Ending.WHOLE
    return _written(200, body, ending)


def _written(status: int, body: bytes, ending: Ending = Ending.WHOLE) -> Reply:
    return Reply(body, status, {"Content-Type": CONTENT_TYPE}, ending)
