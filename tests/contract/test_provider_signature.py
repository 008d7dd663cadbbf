"""What goes over the wire to Rekognition: the request of AWS's own SDK, with a signature that AWS would accept.

The signature is recomputed here from AWS's description ("Create a signed AWS API request"), with nothing but hashlib and
hmac, on the bytes that arrived. The SDK's request is made by botocore's own client against the same upstream.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from typing import Any

import botocore.session
import pytest

from app.core.model import Feature, Inquiry, RawRequest
from app.providers.aws import FixedCredentials
from app.providers.build import ProviderOptions, build_provider
from app.providers.rekognition.operations import OPERATIONS
from tests.support.rekognition_answers import FULL
from tests.support.upstream import Recorded, Upstream, json_answer

SECRET = "not/a+secret"
KEYS = FixedCredentials("AKIDEXAMPLE", SECRET)
TEMPORARY_KEYS = FixedCredentials("ASIAEXAMPLE", SECRET, "session token==")
IMAGE = bytes(range(256))
TIMEOUT_S = 20.0

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<names>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)


def mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signature_holds(request: Recorded, secret: str) -> bool:
    """Recompute the signature of a request as it arrived."""
    fields = request.fields
    parts = _AUTHORIZATION.fullmatch(fields["authorization"])
    assert parts is not None, fields["authorization"]
    path, _, query = request.target.partition("?")
    names = parts["names"].split(";")
    assert names == sorted(names)
    lines = [request.method, path, query, *(f"{name}:{' '.join(fields[name].split())}" for name in names), "", parts["names"]]
    canonical = "\n".join([*lines, hashlib.sha256(request.body).hexdigest()])
    scope = f"{parts['day']}/{parts['region']}/{parts['service']}/aws4_request"
    assert fields["x-amz-date"].startswith(parts["day"])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", fields["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = mac(mac(mac(mac(f"AWS4{secret}".encode(), parts["day"]), parts["region"]), parts["service"]), "aws4_request")
    return mac(key, to_sign).hex() == parts["signature"]


def scope_of(request: Recorded) -> tuple[str, str, str]:
    parts = _AUTHORIZATION.fullmatch(request.fields["authorization"])
    assert parts is not None
    return parts["key"], parts["region"], parts["service"]


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")


async def sent(inquiry: Inquiry, keys: FixedCredentials = KEYS, path: str = "") -> Recorded:
    """The request that one `infer` makes."""
    async with Upstream(json_answer(FULL[inquiry.feature])) as upstream:
        options = ProviderOptions("rekognition", upstream.url + path, region="eu-central-1", credentials=keys)
        provider = build_provider(options)
        await provider.infer(IMAGE, inquiry, timeout_s=TIMEOUT_S)
        await provider.aclose()
    return upstream.requests[0]


@pytest.mark.parametrize("path", ["", "/", "/aws", "/aws/vision/"])
@pytest.mark.parametrize("keys", [KEYS, TEMPORARY_KEYS])
async def test_the_signature_holds_for_what_arrived(keys: FixedCredentials, path: str) -> None:
    request = await sent(Inquiry(Feature.OBJECTS), keys, path)
    assert signature_holds(request, SECRET)
    assert not signature_holds(request, "another secret")
    assert scope_of(request) == (keys.access_key_id, "eu-central-1", "rekognition")
    assert request.fields.get("x-amz-security-token") == keys.session_token
    assert SECRET not in repr(request)


@pytest.mark.parametrize("feature", list(OPERATIONS))
async def test_the_request_is_the_sdks_own(feature: Feature) -> None:
    """Method, path, target, type, body members and signed headers are those of botocore's client for the same operation."""
    arn = "arn:aws:rekognition:eu-central-1:1:project/p/version/v/1"
    members = {"ProjectVersionArn": arn} if feature is Feature.CUSTOM_OBJECTS else {}
    ours = await sent(Inquiry(feature, own_vendor="rekognition", own_request=json.dumps(members)))
    theirs = await sdk_request(feature, members)
    assert (ours.method, ours.target) == (theirs.method, theirs.target) == ("POST", "/")
    assert ours.json == theirs.json
    for name in ("content-type", "x-amz-target", "accept-encoding"):
        assert ours.fields[name] == theirs.fields[name]
    assert signed_names(ours) == signed_names(theirs)


def signed_names(request: Recorded) -> str:
    parts = _AUTHORIZATION.fullmatch(request.fields["authorization"])
    assert parts is not None
    return parts["names"]


async def sdk_request(feature: Feature, members: dict[str, Any]) -> Recorded:
    async with Upstream(json_answer(FULL[feature])) as upstream:
        client: Any = botocore.session.get_session().create_client(
            "rekognition",
            region_name="eu-central-1",
            endpoint_url=upstream.url,
            aws_access_key_id=KEYS.access_key_id,
            aws_secret_access_key=KEYS.secret_access_key,
        )
        call = {
            Feature.OBJECTS: client.detect_labels,
            Feature.LABELS: client.detect_labels,
            Feature.MODERATION: client.detect_moderation_labels,
            Feature.FACES: client.detect_faces,
            Feature.CELEBRITIES: client.recognize_celebrities,
            Feature.PROTECTIVE_EQUIPMENT: client.detect_protective_equipment,
            Feature.TEXT: client.detect_text,
            Feature.CUSTOM_OBJECTS: client.detect_custom_labels,
        }[feature]
        await asyncio.to_thread(call, Image={"Bytes": IMAGE}, **members)
        client.close()
    return upstream.requests[0]


async def test_a_forwarded_request_is_signed_again() -> None:
    async with Upstream(json_answer({"CollectionIds": []})) as upstream:
        provider = build_provider(ProviderOptions("rekognition", upstream.url, region="eu-central-1", credentials=KEYS))
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": "RekognitionService.ListCollections",
            "authorization": "AWS4-HMAC-SHA256 Credential=CLIENT/20260101/us-east-1/rekognition/aws4_request, ...",
            "x-amz-date": "20200101T000000Z",
            "x-amz-security-token": "the client's",
            "host": "proxy:8080",
        }
        request = RawRequest("POST", "/", "", headers, b'{"MaxResults": 1}')
        reply = await provider.forward(request, timeout_s=TIMEOUT_S)
        assert [piece async for piece in reply.body] == [b'{"CollectionIds": []}']
        await provider.aclose()
    arrived = upstream.requests[0]
    assert signature_holds(arrived, SECRET)
    assert scope_of(arrived) == ("AKIDEXAMPLE", "eu-central-1", "rekognition")
    assert "CLIENT" not in str(arrived.headers)
    assert "x-amz-security-token" not in arrived.fields
    assert arrived.body == b'{"MaxResults": 1}'
