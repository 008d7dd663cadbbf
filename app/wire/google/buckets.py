"""Buckets of Cloud Storage that a request names: only those that the operator allows, wherever in it they are named.

Whoever reads them, this server or the vendor, does so with the operator's rights.
"""

from __future__ import annotations

import json
from typing import Any

from app.core.buckets import AllowedBuckets
from app.core.model import RawRequest
from app.errors import Kind, Problem
from app.wire.google.request import read_tree

GS = "gs://"


def require_allowed(uri: str, buckets: AllowedBuckets) -> None:
    """`uri` begins with gs://. Raises Problem(FORBIDDEN)."""
    bucket = uri[len(GS) :].partition("/")[0]
    if not buckets.allow(bucket):
        raise Problem(Kind.FORBIDDEN, "the operator does not allow requests to name this bucket (TESSERA_GCS_BUCKETS)")


def require_allowed_buckets(request: RawRequest, buckets: AllowedBuckets) -> None:
    """For a request that is handed on as it came. Raises Problem: FORBIDDEN, MALFORMED_REQUEST, BODY_TOO_LARGE."""
    if not request.body:
        return
    if request.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise Problem(Kind.MALFORMED_REQUEST, "a compressed body is not understood")
    read_tree(request.body)
    for uri in _named(request.body):
        require_allowed(uri, buckets)


def _named(body: bytes) -> list[str]:
    """Every text of the body that names a bucket. Of a member that stands there twice both count: who knows which one wins."""
    if b"gs:" not in body.lower() and b"\\u" not in body:  # nor hidden by an escape; most bodies are images
        return []
    found: list[str] = []

    def look(value: Any) -> None:
        if isinstance(value, str) and value.strip().lower().startswith(GS):
            found.append(value.strip())
        elif isinstance(value, list):
            for item in value:
                look(item)

    def keep(pairs: list[tuple[str, Any]]) -> None:
        for _, value in pairs:
            look(value)

    try:
        json.loads(body, object_pairs_hook=keep)
    except (ValueError, RecursionError) as error:  # stricter than our usual reader: numbers of thousands of digits, nesting
        raise Problem(Kind.MALFORMED_REQUEST, "Invalid JSON payload received.") from error
    return found
