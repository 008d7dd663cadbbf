"""The headers of ours, the same in every dialect: what a caller may wish, and what every answer tells.

In: the request's headers (names in lower case), or the outcomes of a request. Out: `Wishes`, or the headers of an answer.
Called by the dialects; `clean_request_id` by the server, before anything else is known about the request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from app.core.model import Outcome
from app.errors import Kind, Problem
from app.wire.contract import Wishes
from app.wire.values import compact_decimal, parse_decimal, quoted

GRID = "X-Tessera-Grid"
MAX_WAIT_MS = "X-Tessera-Max-Wait-Ms"
MAX_MAP_DROP = "X-Tessera-Max-Map-Drop"
INFERENCES = "X-Tessera-Inferences"
WAIT_MS = "X-Tessera-Wait-Ms"
REQUEST_ID = "X-Request-Id"
SERVER_TIMING = "Server-Timing"

# What every front says, in its own shape, where the vendor does not take the operator's credentials: that is not for the client
# to repair, and the vendor's words would send him looking for a mistake in his own key.
OPERATORS_MESSAGE = "The proxy's own credentials do not allow this; ask whoever operates it."

# What an SDK sends alike on all tries of one call, and never on another call: botocore's, azure-core's. Google's send nothing.
_RETRY_IDS = ("amz-sdk-invocation-id", "x-ms-client-request-id")
# More of it says no more, bytes: both are UUIDs.
_MOST_OF_A_RETRY_ID = 128

MS_PER_S = 1000.0
_BEARER = "bearer "
# Decimals of an image's share of what was paid: a ninth of an inference still reads as 0.1111.
SHARE_PLACES = 4
# Decimals of a duration in milliseconds: what is finer is noise of the event loop.
MS_PLACES = 1
# A request id that a client brings is kept when it is plain and short; it goes into logs and headers. UUIDs, ULIDs,
# AWS and Google trace ids all fit.
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/=+-]{0,127}", re.ASCII)


def read_wishes(headers: Mapping[str, str]) -> Wishes:
    """What the caller wishes. Raises Problem(INVALID_PARAMETER): a wish that is not understood is never silently dropped."""
    max_wait_ms = _number(headers, MAX_WAIT_MS, "a number of milliseconds, for example 150")
    max_map_drop = _number(headers, MAX_MAP_DROP, "a ratio between 0 and 1, for example 0.03")
    if max_map_drop is not None and max_map_drop > 1:
        raise _refused(MAX_MAP_DROP, "a ratio between 0 and 1, for example 0.03", headers[MAX_MAP_DROP.lower()])
    return Wishes(
        grid=_switch(headers, GRID),
        max_wait_s=None if max_wait_ms is None else max_wait_ms / MS_PER_S,
        max_map_drop=max_map_drop,
    )


def _switch(headers: Mapping[str, str], name: str) -> bool:
    text = headers.get(name.lower(), "on")
    match text.strip().lower():
        case "on":
            return True
        case "off":
            return False
    raise _refused(name, "on or off", text)


def _number(headers: Mapping[str, str], name: str, expected: str) -> float | None:
    text = headers.get(name.lower())
    if text is None:
        return None
    number = parse_decimal(text.strip())
    if number is None:
        raise _refused(name, expected, text)
    return number


def _refused(name: str, expected: str, text: str) -> Problem:
    return Problem(Kind.INVALID_PARAMETER, f"the header {name} must be {expected}, not {quoted(text)}")


def retry_id(headers: Mapping[str, str]) -> str:
    """What all tries of this call carry, "" where the client says nothing such."""
    return next((headers[name][:_MOST_OF_A_RETRY_ID] for name in _RETRY_IDS if name in headers), "")


def bearer_token(headers: Mapping[str, str]) -> str:
    """The token of `Authorization: Bearer`, "" where there is none."""
    authorization = headers.get("authorization", "").strip()
    return authorization[len(_BEARER) :].strip() if authorization.lower().startswith(_BEARER) else ""


def answer_headers(outcomes: Sequence[Outcome], request_id: str) -> dict[str, str]:
    """The headers of an answer, failures included. Without outcomes (nothing was asked) only the request's id is known.

    Inferences are summed over the request's inquiries; durations are the longest of them, since they run at the same time.
    What was paid for a part that was handed on is not known here: the desk adds it.
    """
    headers = {REQUEST_ID: request_id}
    if not outcomes:
        return headers
    bills = [outcome.bill for outcome in outcomes]
    wait_ms = _longest_ms(bill.waited_s for bill in bills)
    compose_ms = _longest_ms(bill.compose_s for bill in bills)
    upstream_ms = _longest_ms(bill.provider_s for bill in bills)
    return headers | {
        GRID: str(bills[0].layout),
        **inferences_header(sum(bill.inferences for bill in bills)),
        WAIT_MS: wait_ms,
        SERVER_TIMING: f"wait;dur={wait_ms}, compose;dur={compose_ms}, upstream;dur={upstream_ms}",
    }


def inferences_header(inferences: float) -> dict[str, str]:
    """What was paid for the request."""
    return {INFERENCES: compact_decimal(inferences, SHARE_PLACES)}


def _longest_ms(durations_s: Iterable[float]) -> str:
    return compact_decimal(max(durations_s) * MS_PER_S, MS_PLACES)


def clean_request_id(given: str | None, new_id: Callable[[], str]) -> str:
    """The id that the client brought, when it is safe to log and to send back; otherwise a new one."""
    return given if given is not None and _REQUEST_ID.fullmatch(given) else new_id()
