"""boto3 through the proxy: each wrong input raises the exception that AWS's model has for it, and harms nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from app.core.geometry import Size
from tests.support import bad_images
from tests.support.images import encoded, noise
from tests.support.pictures import check_labels, picture
from tests.support.sdk import HURRIED, MEETING_MS, Client, Rig, both, code_of, together

FORMAT, LARGE, PARAMETER = "InvalidImageFormatException", "ImageTooLargeException", "InvalidParameterException"
SERIALIZATION = "SerializationException"
MIB = 1024 * 1024
ARN = "arn:aws:rekognition:us-east-1:123456789012:project/parts/version/parts.1/1700000000000"
GOOD = picture(800, 600, 21, 30, 55).content

IMAGES: Mapping[str, tuple[bytes, str]] = {
    "empty": (b"", PARAMETER),
    "text": (b"this is no image", FORMAT),
    "base64 in base64": (b"/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBg==", FORMAT),
    "one byte": (b"\xff", FORMAT),
    "jpeg magic alone": (b"\xff\xd8\xff", FORMAT),
    "jpeg cut": (bad_images.cut("jpeg"), FORMAT),
    "progressive jpeg cut": (bad_images.cut("jpeg progressive"), FORMAT),
    "png cut": (bad_images.cut("png"), FORMAT),
    "webp cut": (bad_images.cut("webp"), FORMAT),
    "png without pixels": (bad_images.undecodable("png"), FORMAT),
    "jpeg without tables": (bad_images.undecodable("jpeg"), FORMAT),
    "webp of ones": (bad_images.undecodable("webp lossless"), FORMAT),
    "gif": (bad_images.plain_file("GIF"), FORMAT),
    "animated gif": (bad_images.animated("GIF"), FORMAT),
    "animated webp": (bad_images.animated("WEBP"), FORMAT),
    "bmp": (bad_images.plain_file("BMP"), FORMAT),
    "tiff": (bad_images.plain_file("TIFF"), FORMAT),
    "pdf": (bad_images.plain_file("PDF"), FORMAT),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", FORMAT),
    "heic": (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", FORMAT),
    "zip": (b"PK\x03\x04" + bytes(100), FORMAT),
    "png bomb": (bad_images.png_that_claims(60_000, 60_000), LARGE),
    "jpeg bomb": (bad_images.jpeg_that_claims(65_535, 65_535), LARGE),
    "png of no width": (bad_images.png_that_claims(0, 480), FORMAT),
    "png of 2^31 pixels": (bad_images.png_that_claims(2**31 - 1, 1, rows=0), LARGE),
    "6 MB": (bad_images.heavy(6 * MIB), LARGE),
    "a byte above 5 MiB": (bad_images.heavy(5 * MIB)[: 5 * MIB - 1] + b"\xff\xd9", LARGE),
    "1 x 1": (encoded(noise(Size(1, 1)), "png"), PARAMETER),
    "79 x 200": (encoded(noise(Size(79, 200)), "png"), PARAMETER),
}

MEMBERS: Mapping[str, tuple[str, Mapping[str, Any], str]] = {
    "bytes and object": (
        "DetectLabels",
        {"Image": {"Bytes": GOOD, "S3Object": {"Bucket": "pictures", "Name": "x"}}},
        PARAMETER,
    ),
    "neither": ("DetectFaces", {"Image": {}}, PARAMETER),
    "object without a name": ("DetectFaces", {"Image": {"S3Object": {"Bucket": "pictures"}}}, PARAMETER),
    "confidence of 200": ("DetectLabels", {"Image": {"Bytes": GOOD}, "MinConfidence": 200}, PARAMETER),
    "too many labels": ("DetectLabels", {"Image": {"Bytes": GOOD}, "MaxLabels": 2**31}, PARAMETER),
    "unknown feature": ("DetectLabels", {"Image": {"Bytes": GOOD}, "Features": ["EVERYTHING"]}, PARAMETER),
    "unknown attribute": ("DetectFaces", {"Image": {"Bytes": GOOD}, "Attributes": ["HAIR"]}, PARAMETER),
    "too many filters": (
        "DetectLabels",
        {"Image": {"Bytes": GOOD}, "Settings": {"GeneralLabels": {"LabelInclusionFilters": ["Car"] * 101}}},
        PARAMETER,
    ),
    "a filter of emoji": (
        "DetectLabels",
        {"Image": {"Bytes": GOOD}, "Settings": {"GeneralLabels": {"LabelInclusionFilters": ["\U0001f600\u0000"]}}},
        PARAMETER,
    ),
    "unknown equipment": (
        "DetectProtectiveEquipment",
        {"Image": {"Bytes": GOOD}, "SummarizationAttributes": {"MinConfidence": 1, "RequiredEquipmentTypes": ["TIE"]}},
        PARAMETER,
    ),
    "no model": ("DetectCustomLabels", {"Image": {"Bytes": GOOD}, "ProjectVersionArn": "x" * 20}, PARAMETER),
    "4 MiB are too many for equipment": (
        "DetectProtectiveEquipment", {"Image": {"Bytes": bad_images.heavy(4 * MIB)}}, LARGE
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IMAGES)
def test_a_bad_image_raises_the_modelled_exception(rig: Rig, name: str) -> None:
    content, code = IMAGES[name]
    _check(rig.client(HURRIED).refused("DetectLabels", content), code)


@pytest.mark.parametrize("name", MEMBERS)
def test_bad_members_raise_the_modelled_exception(rig: Rig, name: str) -> None:
    operation, members, code = MEMBERS[name]
    _check(rig.client(HURRIED).refused(operation, **members), code)


@pytest.mark.parametrize(
    "header",
    [
        {"X-Tessera-Max-Wait-Ms": "abc"},
        {"X-Tessera-Max-Wait-Ms": "-1"},
        {"X-Tessera-Max-Wait-Ms": ""},
        {"X-Tessera-Max-Map-Drop": "1.5"},
        {"X-Tessera-Max-Map-Drop": "nan"},
        {"X-Tessera-Grid": "maybe"},
    ],
    ids=str,
)
def test_a_wish_that_is_not_understood_is_an_error_that_names_the_header(rig: Rig, header: Mapping[str, str]) -> None:
    error = rig.client(header).refused("DetectLabels", GOOD)
    _check(error, PARAMETER)
    assert next(iter(header)) in str(error)


def test_a_body_over_the_limit_is_an_error_and_no_broken_connection(rig: Rig) -> None:
    """50 MB of base64: boto3 sends it all before it listens."""
    _check(rig.client().refused("DetectLabels", bytes(37 * MIB)), LARGE)


def test_bad_images_harm_no_neighbour(rig: Rig) -> None:
    """All of them at once in one tenant's lane, good ones in between: each good one is answered right."""
    client = rig.client({"X-Tessera-Max-Wait-Ms": "1500"})
    scenes = [picture(640 + 40 * number, 480, 500 + 2 * number, 501 + 2 * number) for number in range(8)]

    def bad(content: bytes) -> str:
        return code_of(client.refused("DetectLabels", content))

    def good(content: bytes) -> Mapping[str, Any]:
        return client("DetectLabels", content).answer

    answers, codes = both(
        lambda: together(*(lambda scene=scene: good(scene.content) for scene in scenes)),
        lambda: together(*(lambda content=content: bad(content) for content, _ in IMAGES.values())),
    )
    for scene, answer in zip(scenes, answers, strict=True):
        check_labels(scene, answer)
    assert codes == [code for _, code in IMAGES.values()]


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp lossless"])
def test_an_image_that_no_decoder_reads_costs_its_neighbour_nothing(rig: Rig, kind: str) -> None:
    """Its head is right, so it is admitted; the sheet goes out without it, and the vendor judges it alone."""
    client, scene = rig.client(), picture(800, 600, 3, 8)
    told, error = both(
        lambda: client("DetectLabels", scene.content), lambda: client.refused("DetectLabels", bad_images.undecodable(kind))
    )
    check_labels(scene, told.answer)
    assert told.inferences == 1.0
    assert float(told.headers["x-tessera-wait-ms"]) < 0.9 * MEETING_MS, "they did meet"
    _check(error, FORMAT)


def test_an_image_that_the_vendor_refuses_is_alone_with_its_error(rig: Rig) -> None:
    """A refused sheet is halved; refusals are not paid."""
    client, scene, poison = rig.client(), picture(800, 600, 3, 8), picture(800, 600, 666)
    rig.emulator.behave(poison=[666])
    try:
        told, error = both(
            lambda: client("DetectLabels", scene.content), lambda: client.refused("DetectLabels", poison.content)
        )
    finally:
        rig.emulator.behave(poison=[])
    check_labels(scene, told.answer)
    assert told.inferences == 1.0
    _check(error, FORMAT)


def _check(error: ClientError, code: str) -> None:
    """The right exception, status 400 (boto3 would send a 500 again), a sentence, and an id to ask the operator about."""
    assert code_of(error) == code
    facts = error.response["ResponseMetadata"]
    assert facts["HTTPStatusCode"] == 400
    assert facts["RequestId"] == facts["HTTPHeaders"]["x-request-id"]
    assert len(error.response["Error"]["Message"]) > 10


def test_the_next_call_on_the_same_connection_works(rig: Rig) -> None:
    client: Client = rig.client(HURRIED)
    _check(client.refused("DetectLabels", b"no image"), FORMAT)
    assert client("DetectLabels", GOOD).layout == "1x1"
