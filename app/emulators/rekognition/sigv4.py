"""AWS Signature Version 4 as the receiving side sees it: is there a signature, is it for this service, and is it right.

In: a request's parts, and the secret if there is one to check with. Out: nothing, or a `ServiceError`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from app.emulators.rekognition.errors import incomplete_signature, invalid_signature, missing_token

SERVICE = "rekognition"
DATE_FORMAT = "%Y%m%dT%H%M%SZ"
MOST_SKEW = timedelta(minutes=5)
"""AWS refuses signatures that are further from its own clock."""

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<key>[^/,\s]+)/(?P<day>\d{8})/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)/aws4_request,"
    r"\s*SignedHeaders=(?P<names>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a signature is made of. Header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def check_signature(request: SignedRequest, secret: str | None, now: datetime) -> None:
    """The form of the signature always, its truth where there is a secret."""
    header = request.headers.get("authorization")
    if not header:
        raise missing_token()
    parts = AUTHORIZATION.fullmatch(header.strip())
    if parts is None:
        raise incomplete_signature("Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.")
    if parts["service"] != SERVICE:
        raise invalid_signature(f"Credential should be scoped to correct service: '{SERVICE}'.")
    if secret is not None:
        _check_date(request, parts["day"], now)
        if not hmac.compare_digest(_signature(request, parts, secret), parts["signature"]):
            raise invalid_signature("The request signature we calculated does not match the signature you provided.")


def _check_date(request: SignedRequest, day: str, now: datetime) -> None:
    text = request.headers.get("x-amz-date", "")
    try:
        signed_at = datetime.strptime(text, DATE_FORMAT).replace(tzinfo=UTC)
    except ValueError as error:
        raise incomplete_signature("Authorization header requires existence of a valid 'X-Amz-Date' header.") from error
    if not text.startswith(day):
        raise invalid_signature("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.")
    if abs(signed_at - now) > MOST_SKEW:
        raise invalid_signature(f"Signature expired: {text} is more than {MOST_SKEW} away from {now.strftime(DATE_FORMAT)}")


def _signature(request: SignedRequest, parts: re.Match[str], secret: str) -> str:
    names = parts["names"].split(";")
    missing = [name for name in ("host", *names) if name not in request.headers]
    if missing or "host" not in names:
        raise invalid_signature(f"'Host' and all signed headers must be there; missing: {', '.join(missing) or 'host'}")
    headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in names)
    body_hash = hashlib.sha256(request.body).hexdigest()
    canonical = "\n".join([request.method, request.path, request.query, headers, parts["names"], body_hash])
    scope = f"{parts['day']}/{parts['region']}/{SERVICE}/aws4_request"
    to_sign = "\n".join(
        ["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()]
    )
    key = f"AWS4{secret}".encode()
    for step in (parts["day"], parts["region"], SERVICE, "aws4_request"):
        key = _mac(key, step)
    return _mac(key, to_sign).hex()


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
