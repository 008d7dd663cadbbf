"""Where image bytes come from: inline or a bucket, and what is refused on the way."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from app.emulators.buckets import Buckets
from app.emulators.rekognition.errors import ServiceError
from app.emulators.rekognition.sources import OBJECT_BYTES, image_bytes

MOST_BYTES = 100


@pytest.fixture
def buckets(tmp_path: Path) -> Buckets:
    (tmp_path / "photos" / "2026").mkdir(parents=True)
    (tmp_path / "photos" / "2026" / "a b.jpg").write_bytes(b"stored")
    (tmp_path / "photos" / "large").write_bytes(bytes(OBJECT_BYTES + 1))
    (tmp_path / "photos" / "largest").write_bytes(bytes(OBJECT_BYTES))
    return Buckets(tmp_path)


def inline(data: bytes) -> dict[str, str]:
    return {"Bytes": base64.b64encode(data).decode()}


@pytest.mark.parametrize("data", [b"x", b"xy", b"xyz", bytes(MOST_BYTES)])
def test_inline_bytes(data: bytes, buckets: Buckets) -> None:
    assert image_bytes(inline(data), MOST_BYTES, buckets) == data


def test_a_stored_object(buckets: Buckets) -> None:
    member = {"S3Object": {"Bucket": "photos", "Name": "2026/a b.jpg"}, "Bytes": None}
    assert image_bytes(member, MOST_BYTES, buckets) == b"stored"
    assert len(image_bytes({"S3Object": {"Bucket": "photos", "Name": "largest"}}, MOST_BYTES, buckets)) == OBJECT_BYTES


STORED = {"Bucket": "photos", "Name": "2026/a b.jpg"}


@pytest.mark.parametrize(
    ("member", "code"),
    [
        (None, "InvalidParameterException"),
        ("x", "SerializationException"),
        ({}, "InvalidParameterException"),
        ({"Bytes": None, "S3Object": None}, "InvalidParameterException"),
        ({**inline(b"x"), "S3Object": STORED}, "InvalidParameterException"),
        ({"Bytes": 5}, "SerializationException"),
        ({"Bytes": "not base64!"}, "SerializationException"),
        ({"Bytes": "eA"}, "SerializationException"),
        ({"Bytes": "eA==\n"}, "SerializationException"),
        ({"Bytes": "ä"}, "SerializationException"),
        ({"Bytes": ""}, "InvalidParameterException"),
        (inline(bytes(MOST_BYTES + 1)), "ImageTooLargeException"),
        ({"S3Object": "photos"}, "SerializationException"),
        ({"S3Object": {}}, "InvalidS3ObjectException"),
        ({"S3Object": {"Bucket": "photos"}}, "InvalidS3ObjectException"),
        ({"S3Object": {"Bucket": "photos", "Name": "absent"}}, "InvalidS3ObjectException"),
        ({"S3Object": {"Bucket": "absent", "Name": "2026/a b.jpg"}}, "InvalidS3ObjectException"),
        ({"S3Object": {**STORED, "Version": "3"}}, "InvalidS3ObjectException"),
        ({"S3Object": {"Bucket": "photos", "Name": "large"}}, "ImageTooLargeException"),
    ],
)
def test_everything_else_is_refused(member: Any, code: str, buckets: Buckets) -> None:
    with pytest.raises(ServiceError) as caught:
        image_bytes(member, MOST_BYTES, buckets)
    assert caught.value.code == code


def test_without_a_folder_there_are_no_objects() -> None:
    with pytest.raises(ServiceError) as caught:
        image_bytes({"S3Object": STORED}, MOST_BYTES, Buckets(None))
    assert caught.value.code == "InvalidS3ObjectException"
