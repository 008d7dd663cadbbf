"""Bodies that no SDK would send, over a plain socket: each is a clear AWS error, none a 500, a hang or a broken connection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.support.http_raw import exchange, request, signed_by, with_image
from tests.support.pictures import check_labels, picture
from tests.support.sdk import HURRIED, Rig, new_key, running_rig, together

SERIALIZATION, PARAMETER = "SerializationException", "InvalidParameterException"
UNKNOWN, LARGE = "UnknownOperationException", "ImageTooLargeException"
MIB = 1024 * 1024
SCENE = picture(800, 600, 3, 8)
GOOD = with_image(SCENE.content)
IMAGE = GOOD[1:-1]  # "Image": {...}


def _and(member: bytes) -> bytes:
    """A good body with one more member."""
    return b"{" + IMAGE + b"," + member + b"}"


def _nested(opening: bytes, closing: bytes, depth: int) -> bytes:
    return opening * depth + b"0" + closing * depth


BODIES: Mapping[str, tuple[bytes, str]] = {
    "nothing": (b"", SERIALIZATION),
    "a word": (b"labels, please", SERIALIZATION),
    "half a document": (GOOD[: len(GOOD) // 2], SERIALIZATION),
    "two documents": (GOOD + GOOD, SERIALIZATION),
    "a list": (b"[" + GOOD + b"]", SERIALIZATION),
    "null": (b"null", SERIALIZATION),
    "an empty object": (b"{}", PARAMETER),
    "the vendor's own image": (b"\xff\xd8\xff\xe0 raw bytes", SERIALIZATION),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, SERIALIZATION),
    "UTF-16": (GOOD.decode().encode("utf-16"), SERIALIZATION),
    "no UTF-8": (_and(b'"Note": "\xff\xfe"'), SERIALIZATION),
    "a lone surrogate": (_and(b'"Note": "\\ud800"'), SERIALIZATION),
    "a control character": (_and(b'"Note": "\x01"'), SERIALIZATION),
    "NaN": (_and(b'"MinConfidence": NaN'), SERIALIZATION),
    "infinity": (_and(b'"MinConfidence": -Infinity'), SERIALIZATION),
    "a float beyond floats": (_and(b'"MinConfidence": 1e999'), SERIALIZATION),
    "an integer of 5000 digits": (_and(b'"MaxLabels": ' + b"9" * 5000), SERIALIZATION),
    "an integer of 20 digits": (_and(b'"MaxLabels": ' + b"9" * 20), SERIALIZATION),
    "an integer of 19 digits": (_and(b'"MaxLabels": ' + b"9" * 19), PARAMETER),
    "a negative integer": (_and(b'"MaxLabels": -1'), PARAMETER),
    "a fraction for an integer": (_and(b'"MaxLabels": 1.5'), SERIALIZATION),
    "a text for a number": (_and(b'"MinConfidence": "55"'), SERIALIZATION),
    "true for a number": (_and(b'"MinConfidence": true'), SERIALIZATION),
    "a number for a list": (_and(b'"Features": 1'), SERIALIZATION),
    "a list in a list": (_and(b'"Features": [["GENERAL_LABELS"]]'), SERIALIZATION),
    "a list for settings": (_and(b'"Settings": []'), SERIALIZATION),
    "a text for settings": (_and(b'"Settings": {"GeneralLabels": "all"}'), SERIALIZATION),
    "open brackets": (b"[" * MIB, SERIALIZATION),
    "open objects": (b'{"a":' * MIB, SERIALIZATION),
    "a list 900 deep": (_and(b'"Note": ' + _nested(b"[", b"]", 900)), SERIALIZATION),
    "an object 100,000 deep": (_and(b'"Note": ' + _nested(b'{"a":', b"}", 100_000)), SERIALIZATION),
    "settings 900 deep": (_and(b'"Settings": ' + _nested(b'{"GeneralLabels":', b"}", 900)), SERIALIZATION),
    "an image 900 deep": (b'{"Image": ' + _nested(b'{"Image":', b"}", 900) + b"}", PARAMETER),
    "a million members": (_and(b",".join(b'"%d":0' % number for number in range(10**6))), SERIALIZATION),
    "five million lists": (_and(b'"Note": [' + b"[]," * (5 * MIB) + b"0]"), SERIALIZATION),
    "three million features": (_and(b'"Features": [' + b'"x",' * (3 * MIB) + b'"y"]'), SERIALIZATION),
    "a note of 10 MB": (_and(b'"Note": "' + b"n" * (10 * MIB) + b'"'), SERIALIZATION),
    "a feature of 10 MB": (_and(b'"Features": ["' + b"F" * (10 * MIB) + b'"]'), PARAMETER),
    "the image twice, the second empty": (_and(b'"Image": {}'), PARAMETER),
    "an image that is a list": (b'{"Image": []}', SERIALIZATION),
    "bytes that are a number": (b'{"Image": {"Bytes": 7}}', SERIALIZATION),
    "bytes that are no base64": (b'{"Image": {"Bytes": "***"}}', SERIALIZATION),
    "bytes without padding": (b'{"Image": {"Bytes": "/9j/4AA"}}', SERIALIZATION),
    "bytes with line ends": (b'{"Image": {"Bytes": "/9j/\\n4AAQ"}}', SERIALIZATION),
    "bytes beyond ASCII": ('{"Image": {"Bytes": "\U0001f600"}}'.encode(), SERIALIZATION),
    "an object that is a text": (b'{"Image": {"S3Object": "bucket/key"}}', SERIALIZATION),
    "a bucket that is a path": (b'{"Image": {"S3Object": {"Bucket": "../etc", "Name": "passwd"}}}', PARAMETER),
    "a key that is a number": (b'{"Image": {"S3Object": {"Bucket": "pictures", "Name": 1}}}', SERIALIZATION),
    "a key of 2000 characters": (b'{"Image": {"S3Object": {"Bucket": "pictures", "Name": "' + b"k" * 2000 + b'"}}}', PARAMETER),
    "17 MB": (b" " * (17 * MIB), LARGE),
    "50 MB": (b'{"Image": {"Bytes": "' + b"A" * (50 * MIB), LARGE),
    "100 MB": (bytes(100 * MIB), LARGE),
}

TARGETS: Mapping[str, str | None] = {
    "none": None,
    "empty": "",
    "another service's": "DynamoDB_20120810.GetItem",
    "without an operation": "RekognitionService.",
    "without a service": "DetectLabels",
    "in small letters": "rekognitionservice.detectlabels",
    "a path": "RekognitionService.../../admin",
    "two": "RekognitionService.DetectLabels,RekognitionService.DetectFaces",
    "Latin-1": "RekognitionService.D\xe9tectLabels",
    "very long": "RekognitionService." + "A" * 10_000,
}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_rig(tmp_path_factory.mktemp("bodies")) as running:
        yield running
        assert running.server.stats()["requests"]["by_outcome"]["own_error"] == 0
        assert not [line for line in running.server.logs() if line["level"] in {"error", "critical"}]


def _code(rig: Rig, content: bytes) -> str:
    """AWS's name for the refusal; the status is 400 and the shape AWS's own."""
    reply = exchange(rig.server.url, content)
    assert reply.status == 400
    assert reply.headers["content-type"] == "application/x-amz-json-1.1"
    error = reply.json()
    assert error.keys() == {"__type", "Code", "Logref", "Message"}
    assert error["Logref"] == reply.headers["x-request-id"] == reply.headers["x-amzn-requestid"]
    return str(error["__type"])


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_a_clear_error(rig: Rig, name: str) -> None:
    body, code = BODIES[name]
    assert _code(rig, request(body, headers=HURRIED)) == code


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_that_names_no_operation_of_the_service_is_unknown(rig: Rig, name: str) -> None:
    assert _code(rig, request(GOOD, target=TARGETS[name])) == UNKNOWN


@pytest.mark.parametrize(
    "operation", ["DetectFaces", "DetectCustomLabels", "DetectProtectiveEquipment", "RecognizeCelebrities"]
)
@pytest.mark.parametrize("name", ["nothing", "null", "open objects", "NaN"])
def test_the_other_operations_read_as_carefully(rig: Rig, operation: str, name: str) -> None:
    body, _ = BODIES[name]
    assert _code(rig, request(body, target=f"RekognitionService.{operation}", headers=HURRIED)) == SERIALIZATION


@pytest.mark.parametrize(
    "member",
    [
        b'"Note": "\\u0000"',
        '"Note": "\U0001f600"'.encode(),
        b'"": 1',
        b'"MaxLabels": null',
        b'"Features": []',
        b'"MinConfidence": 1E1',
    ],
)
def test_what_is_only_odd_is_answered(rig: Rig, member: bytes) -> None:
    """Unknown members are ignored, null is absent: as AWS's JSON has it."""
    reply = exchange(rig.server.url, request(_and(member), headers=HURRIED))
    assert reply.status == 200
    check_labels(SCENE, reply.json())


def test_neighbours_that_are_sent_at_the_same_time_get_right_answers(rig: Rig) -> None:
    """All bad bodies at once, good pairs of the same tenant in between: the pairs share sheets as if nobody else were there."""
    key = signed_by(new_key())
    scenes = [picture(640 + 40 * number, 480, 700 + 2 * number, 701 + 2 * number) for number in range(8)]

    def good(content: bytes) -> dict[str, object]:
        reply = exchange(rig.server.url, request(with_image(content), headers=key))
        assert (reply.status, reply.headers["x-tessera-grid"]) == (200, "2x1")
        return reply.json()

    def bad(body: bytes) -> str:
        return _code(rig, request(body, headers=key | HURRIED))

    small = [(body, code) for body, code in BODIES.values() if len(body) < MIB]
    told = together(
        *(lambda scene=scene: good(scene.content) for scene in scenes), *(lambda body=body: bad(body) for body, _ in small)
    )
    for scene, answer in zip(scenes, told, strict=False):
        assert isinstance(answer, dict)
        check_labels(scene, answer)
    assert told[len(scenes) :] == [code for _, code in small]
