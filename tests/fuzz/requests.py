"""Requests of every front, bent: body, content type, encoding, query, path, method, headers. Pure.

In: a good request (see `seeds`) and a random source. Out: another one, which may still be good.
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import replace
from functools import cache
from random import Random
from urllib.parse import quote

from app.core.model import RawRequest
from tests.fuzz.octets import mutated_bytes, mutated_message
from tests.fuzz.trees import mutated_json

_TYPES = (
    "",
    "application/json",
    "application/json; charset=utf-16",
    "application/x-amz-json-1.1",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=b",
    'multipart/form-data; boundary="b',
    "multipart/form-data; boundary=" + "b" * 71,
    "multipart/form-data; boundary=\xe9",
    "image/jpeg",
    "image/",
    "text/plain",
    ";;;",
    "image/svg+xml",
)
_NAMES = (
    *("content-encoding", "transfer-encoding", "authorization", "x-api-key", "x-request-id", "x-goog-fieldmask", "accept"),
    *("x-tessera-grid", "x-tessera-max-wait-ms", "x-tessera-max-map-drop", "x-goog-api-key", "ocp-apim-subscription-key"),
    *("x-amz-target", "x-amz-date", "x-amz-security-token", "expect", "x-goog-user-project", "x-http-method-override"),
)
_VALUES = (
    *(
        "",
        " ",
        "0",
        "-1",
        "off",
        "on",
        "nan",
        "inf",
        "1e999",
        "0x10",
        "gzip",
        "br",
        "identity",
        "chunked",
        "\xff\xfe",
        "a" * 5000,
    ),
    *("AWS4-HMAC-SHA256 Credential=/////", "AWS4-HMAC-SHA256 Credential=" + "A" * 200, "Bearer", "Bearer  x y", "Basic Og=="),
    *(
        "responses(",
        "responses/" * 50,
        "*",
        "responses(a,(b)",
        "RekognitionService.",
        "RekognitionService.CompareFaces",
        "\u0661",
    ),
)
_QUERIES = (
    *("%", "%zz", "=", "&&&", "a=b", "features", "features=", "features=objects,,", "features=objects&features=faces"),
    *("max_results=1e3", "max_results=-1", "max_results=%D9%A1", "min_score=nan", "api-version=", "api-version=2024-02-01"),
    *("visualFeatures=Objects,Objects", "visualFeatures=%00", "$alt=proto", "alt=json;x", "$fields=a(b", "fields=*/*/*"),
    *("fields=" + "responses/" * 20, "key=x&key=y", "smartcrops-aspect-ratios=nan", "smartcrops-aspect-ratios=1e999"),
    *("&".join(f"p{number}=1" for number in range(80)), "X-Amz-Credential=%ff", "language=" + "e" * 3000, "\x00", "\xe9=1"),
)
_PATHS = (
    *(
        "/",
        "//",
        "/v1/images:annotate",
        "/v1//images:annotate",
        "/v1/projects/a/images:annotate",
        "/v1/detect/",
        "/v1/classify",
    ),
    *(
        "/v1p1beta1/images:annotate",
        "/v1/projects//images:annotate",
        "/v1/files:annotate",
        "/v1/operations/../x",
        "/v1/moderate",
    ),
    *("/vision/v3.2/analyze", "/vision/v3.2/detect", "/vision/v3.2/ocr", "/vision/v3.1/analyze", "/vision/v3.2/%2e%2e"),
    *("/computervision/imageanalysis:analyze", "/computervision/", "/v1/images:annotate%00", "/\x00", "/v1/detect\u0130"),
    *("/v1/projects/p/locations/l/productSets", "/v1/projects/p/locations/l/products/a/referenceImages", "/" + "a" * 4000),
)
_METHODS = ("GET", "PUT", "DELETE", "PATCH", "POST", "OPTIONS", "post", "")
BOMB_BYTES = 8 * 1024 * 1024


def mutated(rng: Random, good: RawRequest) -> RawRequest:
    """One to three of the ways, the body first of all."""
    bent = good if rng.random() < 0.2 else replace(good, body=_body(rng, good))
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        match rng.randrange(7):
            case 0 | 1:
                bent = replace(bent, headers={**bent.headers, rng.choice(_NAMES): rng.choice(_VALUES)})
            case 2:
                bent = replace(bent, headers={**bent.headers, "content-type": rng.choice(_TYPES)})
            case 3:
                bent = replace(bent, headers={k: v for k, v in bent.headers.items() if rng.random() < 0.6})
            case 4:
                bent = replace(bent, query=_query(rng, bent.query))
            case 5:
                bent = _packed(rng, bent)
            case _ if rng.random() < 0.5:
                bent = replace(bent, path=rng.choice(_PATHS))
            case _:
                bent = replace(bent, method=rng.choice(_METHODS))
    return bent


def _body(rng: Random, good: RawRequest) -> bytes:
    if good.headers.get("content-type", "").startswith("multipart/"):
        return _form(rng, good.body)
    if good.headers.get("content-type") == "application/grpc":
        return mutated_message(rng, good.body)
    if rng.random() < 0.7 and good.body[:1] == b"{":
        return mutated_json(rng, json.loads(good.body))
    return mutated_bytes(rng, good.body)


def _form(rng: Random, body: bytes) -> bytes:
    """A form whose borders are moved, doubled, cut or filled with near misses."""
    border = body[: body.index(b"\r\n")]
    match rng.randrange(6):
        case 0:
            return body.replace(border, border[:-1], rng.randint(1, 2))
        case 1:
            return body.replace(b"\r\n", rng.choice((b"\n", b"\r", b"\r\n\r\n", b"")), rng.randint(1, 4))
        case 2:
            return body[: rng.randrange(len(body))]
        case 3:
            return body * rng.choice((2, 9)) + border
        case 4:
            near = b"\r\n" + border[:-1]
            return body.replace(b"\r\n" + border, near * rng.choice((1, 100, 5000)) + b"\r\n" + border)
        case _:
            return mutated_bytes(rng, body)


def _query(rng: Random, query: str) -> str:
    match rng.randrange(4):
        case 0:
            return rng.choice(_QUERIES)
        case 1:
            return f"{query}&{rng.choice(_QUERIES)}"
        case 2:
            return mutated_bytes(rng, query.encode("latin-1", "replace")).decode("latin-1")
        case _:
            return quote(query)


@cache
def bomb() -> bytes:
    """Eight kilobytes that unfold to eight megabytes."""
    return gzip.compress(b"[" * BOMB_BYTES, mtime=0)


def _packed(rng: Random, bent: RawRequest) -> RawRequest:
    """A compressed body, or one that says so."""
    name = rng.choice(("gzip", "deflate", "br", "zstd", "gzip, gzip", "GZIP", "identity"))
    match rng.randrange(3):
        case 0:
            body = bomb()
        case 1:
            body = zlib.compress(bent.body) if name == "deflate" else gzip.compress(bent.body, mtime=0)
        case _:
            body = bent.body
    return replace(bent, body=body, headers={**bent.headers, "content-encoding": name})
