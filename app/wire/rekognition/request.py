"""What a raw request says before its operation's own members are read: which operation, whose, and which image."""

from __future__ import annotations

import binascii
import re
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import orjson
import pybase64

from app.core.clients import Clients, Tenant
from app.core.model import RawRequest
from app.errors import Kind, Problem
from app.wire.contract import ImageSource, InlineImage, StoredImage
from app.wire.rekognition.members import Members
from app.wire.rekognition.signature import check_signature
from app.wire.values import quoted

# Largest body that is parsed, bytes. 5 MB of image are 7 MB of base64; some writers escape "/" and "+" in JSON, which can
# double that. What is larger still is an image over the limit in any spelling.
MAX_BODY_BYTES = 16 * 1024 * 1024
# Most commas in a body: each is one more value to build, and millions of them take seconds in which nobody else is served. A
# DetectLabels request with all its filters has about 400 values; base64 has no commas.
MAX_COMMAS = 10_000
# Largest image that a request may name in a bucket ("Guidelines and quotas in Amazon Rekognition"), bytes.
MAX_STORED_BYTES = 15 * 1024 * 1024

_TARGET_HEADER = "x-amz-target"
_TARGET = re.compile(r"RekognitionService\.([A-Z][A-Za-z0-9]{0,127})", re.ASCII)
# The access key id of a credential scope: <access key id>/<date>/<region>/rekognition/aws4_request. Real ones have 16 to 128
# characters; made-up ones of any length work with boto3 against another endpoint, so only the alphabet is checked.
_CREDENTIAL = re.compile(r"Credential=([\w.@:+=-]{1,128})/", re.ASCII)
_CREDENTIAL_QUERY = "X-Amz-Credential"
# Fields of a query that are looked at: a presigned URL has seven.
_MAX_QUERY_FIELDS = 64

# Constraints of S3Object in the service model.
_BUCKET = re.compile(r"[0-9A-Za-z.\-_]{3,255}", re.ASCII)
_OBJECT_NAME = re.compile(r"[\s\S]{1,1024}")

# Base64 turns 3 bytes into 4 characters.
_BASE64_BYTES, _BASE64_CHARACTERS = 3, 4


def read_operation(request: RawRequest) -> str:
    """The operation's name. Raises Problem(UNKNOWN_OPERATION) for anything but a well-formed operation of this service."""
    target = request.headers.get(_TARGET_HEADER)
    if request.method != "POST":
        raise Problem(Kind.UNKNOWN_OPERATION, "every operation of this service is a POST")
    if target is None:
        raise Problem(Kind.UNKNOWN_OPERATION, "the header X-Amz-Target is missing")
    match = _TARGET.fullmatch(target.strip())
    if match is None:
        raise Problem(Kind.UNKNOWN_OPERATION, f"X-Amz-Target names no operation of Rekognition: {quoted(target)}")
    return match.group(1)


def read_tenant(request: RawRequest, clients: Clients, now: datetime) -> Tenant:
    """Whose access key the request claims to be signed with; the signature is checked where the operator knows the secret.

    Raises Problem: UNAUTHENTICATED, WRONG_SIGNATURE.
    """
    known = clients.of_access_key(_access_key_id(request))
    if known.secret is not None:
        check_signature(request, known.secret, now)
    return known.tenant


def _access_key_id(request: RawRequest) -> str:
    match = _CREDENTIAL.search(request.headers.get("authorization", ""))
    if match:
        return match.group(1)
    scope = request.headers.get(_CREDENTIAL_QUERY.lower()) or _from_query(request.query)
    match = _CREDENTIAL.match(f"Credential={scope}")
    return match.group(1) if match else ""


def _from_query(query: str) -> str:
    if _CREDENTIAL_QUERY not in query:
        return ""
    try:
        return parse_qs(query, max_num_fields=_MAX_QUERY_FIELDS).get(_CREDENTIAL_QUERY, [""])[0]
    except ValueError:  # more fields than any presigned request has
        return ""


def read_members(body: bytes) -> dict[str, Any]:
    """The body's JSON object. Raises Problem: BODY_TOO_LARGE, MALFORMED_REQUEST."""
    if len(body) > MAX_BODY_BYTES:
        raise Problem(Kind.BODY_TOO_LARGE, f"the request is larger than {MAX_BODY_BYTES} bytes")
    if body.count(b",") > MAX_COMMAS:
        raise Problem(Kind.MALFORMED_REQUEST, "the body has far too many values")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(Kind.MALFORMED_REQUEST, "the body is not JSON") from error
    if not isinstance(value, dict):
        raise Problem(Kind.MALFORMED_REQUEST, "the body must be a JSON object")
    return value


def read_image(members: Members, max_inline_bytes: int) -> ImageSource:
    """The image of `Image`: exactly one of Bytes and S3Object. Raises Problem for everything else."""
    image = members.structure("Image")
    has_bytes, has_object = image.has("Bytes"), image.has("S3Object")
    if has_bytes and has_object:
        raise Problem(Kind.INVALID_PARAMETER, "Image must hold either Bytes or S3Object, not both")
    if has_object:
        return _stored(image.structure("S3Object"))
    if has_bytes:
        return InlineImage(_decoded(image.values["Bytes"], max_inline_bytes))
    raise Problem(Kind.MISSING_IMAGE, "Image must hold either Bytes or S3Object")


def _stored(members: Members) -> StoredImage:
    bucket = members.text("Bucket", _BUCKET, "a bucket's name")
    name = members.text("Name", _OBJECT_NAME, "an object's key of 1 to 1024 characters")
    version = members.text("Version", _OBJECT_NAME, "a version of 1 to 1024 characters")
    if bucket is None or name is None:
        raise Problem(Kind.INVALID_PARAMETER, "Image.S3Object needs both Bucket and Name")
    return StoredImage(bucket, name, version)


def _decoded(text: Any, max_bytes: int) -> bytes:
    if not isinstance(text, str):
        raise Problem(Kind.MALFORMED_REQUEST, "Image.Bytes must be a base64 string")
    if not text:
        raise Problem(Kind.MISSING_IMAGE, "Image.Bytes is empty")
    if len(text) // _BASE64_CHARACTERS > max_bytes // _BASE64_BYTES + 1:  # no need to decode what is too long anyway
        raise _too_large(max_bytes)
    try:
        data = pybase64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:  # ValueError: characters outside ASCII
        raise Problem(Kind.MALFORMED_REQUEST, "Image.Bytes is not valid base64") from error
    if len(data) > max_bytes:
        raise _too_large(max_bytes)
    return data


def _too_large(max_bytes: int) -> Problem:
    return Problem(Kind.IMAGE_TOO_LARGE, f"Image.Bytes must hold at most {max_bytes} bytes")
