"""Buckets in requests that are handed on whole: only those that the operator allows, wherever in the body they are named.

The vendor reads (and for some operations writes) them with the operator's rights, so that without this any client could have
any bucket of the operator's read out to it. The body is forwarded as it came; what we cannot read as the vendor would, we do
not sign.
"""

from __future__ import annotations

import json
from typing import Any

from app.core.buckets import AllowedBuckets
from app.core.model import RawRequest
from app.errors import Kind, Problem
from app.wire.rekognition.request import read_members

# Members that hold a bucket's name in the service model of 2016-06-27 (a test compares them with botocore's), lower case.
BUCKET_MEMBERS = frozenset({"bucket", "s3bucket"})


def require_allowed_buckets(request: RawRequest, buckets: AllowedBuckets) -> None:
    """Raises Problem: FORBIDDEN, MALFORMED_REQUEST, BODY_TOO_LARGE."""
    if not request.body:
        return
    if request.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise Problem(Kind.MALFORMED_REQUEST, "a compressed body is not understood")
    read_members(request.body)
    if not all(buckets.allow(name) for name in _named(request.body)):
        raise Problem(Kind.FORBIDDEN, "the operator does not allow requests to name this bucket (TESSERA_S3_BUCKETS)")


def _named(body: bytes) -> list[Any]:
    """Every value of every member for a bucket. Of a member that stands there twice both count: who knows which one wins."""
    if b"ucket" not in body.lower() and b"\\u" not in body:  # nor hidden by an escape; most bodies are a large image
        return []
    found: list[Any] = []

    def keep(pairs: list[tuple[str, Any]]) -> None:
        found.extend(value for name, value in pairs if name.lower() in BUCKET_MEMBERS and value is not None)

    try:
        json.loads(body, object_pairs_hook=keep)
    except (ValueError, RecursionError) as error:  # stricter than our usual reader: numbers of thousands of digits, nesting
        raise Problem(Kind.MALFORMED_REQUEST, "the body is no JSON that this service takes") from error
    return found
