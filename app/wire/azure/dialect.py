"""The Azure dialects: a request for features of one image in, the vendor's JSON or error out. Called by the server.

    read         path and query -> features -> image -> what can share sheets (Call), and a rest beside it (Calls)
    write        outcomes -> the vendor's own body untouched when it was sent alone, otherwise rebuilt from the findings
    write_calls  the same, and the members of the rest beside them

4.0 and 3.2 are two dialects of one name: they differ in their words for everything, errors included, and clients of both share
sheets. An answer from a grid lacks what has no place; `docs/azure-front.md` has the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.core.clients import Tenant
from app.core.model import Failure, Outcome, Picture, RawRequest
from app.errors import Kind, Problem
from app.wire.azure import refusals
from app.wire.azure.analysis32 import API_32
from app.wire.azure.analysis40 import API_40
from app.wire.azure.api import Api, Asked, check_sides
from app.wire.azure.bodies import read_source
from app.wire.azure.joining import Found, join, rest_members
from app.wire.azure.query import KEY_PARAMETER, Query
from app.wire.azure.splitting import AzureOptions, Split, split
from app.wire.contract import (
    Answered,
    Call,
    Calls,
    ImageSource,
    InlineImage,
    Passthrough,
    RawReply,
    Rest,
    RestAnswer,
    Wishes,
)
from app.wire.headers import answer_headers, bearer_token, read_wishes, retry_id
from app.wire.values import quoted

# What we read of the vendor's formats; WebP is a leniency of 3.2. The others are handed on where the provider is Azure.
FORMATS = frozenset({"jpeg", "png", "webp"})
_KEY_HEADER = "ocp-apim-subscription-key"
_SUCCESS_STATUS = 200


class AzureDialect:
    """One of Azure AI Vision's two APIs."""

    def __init__(self, api: Api = API_40, options: AzureOptions | None = None) -> None:
        self._api = api
        self._options = options or AzureOptions()

    @property
    def name(self) -> str:
        return refusals.VENDOR

    @property
    def version(self) -> str:
        return self._api.version

    def read(self, raw: RawRequest) -> Call | Calls | Passthrough:
        """What the request asks for. Raises Problem for what Azure would refuse, too."""
        query = Query.parse(raw.query)
        tenant = self._options.clients.of_key(_key(raw.headers, query))
        asked = self._api.ask(raw.path, query) if raw.method == "POST" else None
        if asked is None:
            billed = self._api.billed(raw.path, query) if raw.method == "POST" else frozenset()
            return self._handed_on(f"{raw.method} {quoted(raw.path)}", tenant, tuple(billed))
        wishes = read_wishes(raw.headers)
        source = read_source(raw, self._api.bodies)
        parts = None if self._is_unread(source) else split(self._api, asked, self._options, may_grid=wishes.grid)
        if parts is None:
            names = (*asked.features, *asked.details)
            return self._handed_on(f"{asked.operation} with {', '.join(names)}", tenant, names)
        call = replace(self._call(asked, parts, tenant, source, wishes), retry_id=retry_id(raw.headers))
        return Calls((call,), self._rest(raw, asked, parts)) if parts.has_rest else call

    def write(self, call: Call, picture: Picture, outcomes: Sequence[Outcome], request_id: str) -> RawReply:
        """Azure's answer to `call`."""
        return self.write_calls(Calls((call,)), [Answered(picture, tuple(outcomes))], None, request_id)

    def write_calls(self, calls: Calls, answers: Sequence[Answered | Problem], rest: RestAnswer, request_id: str) -> RawReply:
        """One answer about one image. One failed part fails the request: half an answer would look whole."""
        _require_counts(calls, answers)
        outcomes = [outcome for answer in answers if isinstance(answer, Answered) for outcome in answer.outcomes]
        try:
            body = join(self._api, _found(calls, answers), _others(rest), request_id)
        except Problem as problem:
            reply = self.refuse(problem, request_id)
        else:
            reply = RawReply(_SUCCESS_STATUS, refusals.reply_headers(request_id), body)
        return RawReply(reply.status, {**reply.headers, **answer_headers(outcomes, request_id)}, reply.body)

    def refuse(self, problem: Problem, request_id: str) -> RawReply:
        return refusals.refuse(problem, request_id, self._api.reasons)

    def _handed_on(self, operation: str, tenant: Tenant, names: tuple[str, ...]) -> Passthrough:
        billed = (frozenset(names),) if names else ()
        return Passthrough(self.name, operation, tenant, refusals.VENDOR, billed)

    def _is_unread(self, source: ImageSource) -> bool:
        """Whether the vendor reads this file and we do not, and the provider is the vendor."""
        return self._options.own is not None and isinstance(source, InlineImage) and source.data.startswith(self._api.unread)

    def _call(self, asked: Asked, parts: Split, tenant: Tenant, source: ImageSource, wishes: Wishes) -> Call:
        return Call(
            endpoint=self.name,
            operation=asked.operation,
            tenant=tenant,
            source=source,
            inquiries=tuple(asked.inquiries[name] for name in parts.placed),
            wishes=wishes,
            formats=FORMATS,
            max_image_bytes=self._api.bodies.max_image_bytes,
            check=check_sides,
        )

    def _rest(self, raw: RawRequest, asked: Asked, parts: Split) -> Rest:
        """Its answer is read here, so it must not come compressed, whatever the client could read."""
        query = asked.query.rewritten(self._api.parameter, parts.rest)
        request = replace(raw, query=query, headers={**raw.headers, "accept-encoding": "identity"})
        return Rest(request, refusals.VENDOR, (frozenset((*parts.rest, *parts.details)),))


@dataclass(frozen=True, slots=True)
class AzureDialects:
    """Both APIs: `analysis` is Image Analysis 4.0, `vision` 3.2."""

    analysis: AzureDialect
    vision: AzureDialect


def azure_dialects(options: AzureOptions | None = None) -> AzureDialects:
    return AzureDialects(AzureDialect(API_40, options), AzureDialect(API_32, options))


def _key(headers: Mapping[str, str], query: Query) -> str:
    """The key or the token that the request shows, "" if it shows none."""
    return headers.get(_KEY_HEADER, "").strip() or query.text(KEY_PARAMETER).strip() or bearer_token(headers)


def _require_counts(calls: Calls, answers: Sequence[Answered | Problem]) -> None:
    """An answer to each call and an outcome for each inquiry, or this is a mistake of ours. Raises Problem(INTERNAL)."""
    expected = [len(call.inquiries) for call in calls.calls]
    if len(answers) != len(expected):
        raise Problem(Kind.INTERNAL, f"{len(expected)} answers were expected, not {len(answers)}")
    for count, answer in zip(expected, answers, strict=True):
        if isinstance(answer, Answered) and len(answer.outcomes) != count:
            raise Problem(Kind.INTERNAL, f"{count} outcomes were expected, not {len(answer.outcomes)}")


def _found(calls: Calls, answers: Sequence[Answered | Problem]) -> list[Found]:
    """Each inquiry with its answer. Raises the first failure."""
    found = []
    for call, answer in zip(calls.calls, answers, strict=True):
        if isinstance(answer, Problem):
            raise answer
        for inquiry, outcome in zip(call.inquiries, answer.outcomes, strict=True):
            result = outcome.result
            if isinstance(result, Failure):
                raise Problem(result.kind, result.detail, vendor=result.vendor, retry_after_s=result.retry_after_s)
            found.append(Found(inquiry, result, answer.picture))
    return found


def _others(rest: RestAnswer) -> dict[str, Any] | None:
    if isinstance(rest, Problem):
        raise rest
    return None if rest is None else rest_members(rest)
