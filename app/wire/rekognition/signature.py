"""Checks AWS Signature Version 4 of a request that has arrived ("Create a signed AWS API request", IAM User Guide). Pure.

In: the request, the secret of the access key that it names, the time. Out: nothing, or Problem(WRONG_SIGNATURE). Called by
`request.read_tenant`. The SDK can sign, and not check: it would sign its own choice of headers, not the client's.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

from app.core.model import RawRequest
from app.errors import Kind, Problem

SERVICE = "rekognition"
# AWS refuses signatures that are further from its own clock.
MOST_SKEW = timedelta(minutes=5)

_DATE_FORMAT = "%Y%m%dT%H%M%SZ"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[^/,\s]+)/(?P<day>\d{8})/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)/aws4_request, *"
    r"SignedHeaders=(?P<names>[^,\s]+), *Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)
# Without these two a signature could be used again, at another address or at another time.
_ALWAYS_SIGNED = frozenset({"host", "x-amz-date"})


def check_signature(request: RawRequest, secret: str, now: datetime) -> None:
    """Raises Problem(WRONG_SIGNATURE). `now` has a time zone."""
    parts = _AUTHORIZATION.fullmatch(request.headers.get("authorization", "").strip())
    if parts is None:
        raise _wrong("the header Authorization does not hold a signature of version 4")
    if parts["service"] != SERVICE:
        raise _wrong("the signature is for another service")
    names = parts["names"].split(";")
    if not set(names) >= _ALWAYS_SIGNED or not set(names) <= request.headers.keys():
        raise _wrong("Host, X-Amz-Date and all headers that are named as signed must be there, and signed")
    _check_date(request.headers["x-amz-date"], parts["day"], now)
    if not hmac.compare_digest(_signature(request, parts, names, secret), parts["signature"]):
        raise _wrong("the signature does not match the request and the secret of its access key")


def _check_date(text: str, day: str, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(text, _DATE_FORMAT).replace(tzinfo=UTC)
    except ValueError as error:
        raise _wrong("X-Amz-Date is no date") from error
    if not text.startswith(day):
        raise _wrong("the day of the credential is not that of X-Amz-Date")
    if abs(signed_at - now) > MOST_SKEW:
        raise _wrong(f"the signature is more than {MOST_SKEW.seconds // 60} minutes old, or as far in the future")


def _signature(request: RawRequest, parts: re.Match[str], names: list[str], secret: str) -> str:
    headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in names)
    query = "&".join(sorted(pair if "=" in pair else f"{pair}=" for pair in request.query.split("&") if pair))
    body_hash = hashlib.sha256(request.body).hexdigest()
    canonical = "\n".join([request.method, request.path or "/", query, headers, parts["names"], body_hash])
    scope = [parts["day"], parts["region"], SERVICE, "aws4_request"]
    to_sign = [
        "AWS4-HMAC-SHA256",
        request.headers["x-amz-date"],
        "/".join(scope),
        hashlib.sha256(canonical.encode()).hexdigest(),
    ]
    key = f"AWS4{secret}".encode()
    for step in scope:
        key = _mac(key, step)
    return _mac(key, "\n".join(to_sign)).hex()


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _wrong(detail: str) -> Problem:
    return Problem(Kind.WRONG_SIGNATURE, detail)
