"""The image in a body: bytes, a form's part, a URL."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.emulators.azure.bodies import BodyRules, image_bytes
from app.emulators.azure.errors import Problem, Refused
from app.emulators.buckets import Buckets

RULES = BodyRules(most_bytes=100, image_types=True)
STRICT = BodyRules(most_bytes=100, image_types=False)
IMAGE = b"\xff\xd8\r\n--b\r\n\r\n\x00"
FORM = b'--b0\r\nContent-Disposition: form-data; name="f"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n%s\r\n--b0--\r\n'


@pytest.fixture
def buckets(tmp_path: Path) -> Buckets:
    (tmp_path / "photos" / "2026").mkdir(parents=True)
    (tmp_path / "photos" / "2026" / "a b.jpg").write_bytes(IMAGE)
    (tmp_path / "photos" / "large.jpg").write_bytes(bytes(101))
    (tmp_path / "photos" / "empty.jpg").write_bytes(b"")
    return Buckets(tmp_path)


def url(value: object) -> bytes:
    return json.dumps({"url": value}).encode()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/octet-stream", IMAGE),
        ("Application/Octet-Stream; charset=binary", IMAGE),
        ("image/png", IMAGE),
        ("multipart/form-data; boundary=b0", FORM % IMAGE),
        ('multipart/form-data; boundary="b0"', b"a preamble\r\n" + FORM % IMAGE + b"an epilogue"),
        ("application/json", url("https://anywhere.example/photos/2026/a%20b.jpg?sv=1")),
        ("application/json; charset=utf-8", url("http://127.0.0.1:9/photos/2026/a b.jpg")),
    ],
)
def test_ways_to_send_an_image(content_type: str, body: bytes, buckets: Buckets) -> None:
    assert image_bytes(content_type, body, RULES, buckets) == IMAGE


def problem(content_type: str, body: bytes, buckets: Buckets, rules: BodyRules = RULES) -> Problem:
    with pytest.raises(Refused) as caught:
        image_bytes(content_type, body, rules, buckets)
    return caught.value.problem


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "imagejpeg"])
def test_other_content_types_are_refused(content_type: str, buckets: Buckets) -> None:
    assert problem(content_type, IMAGE, buckets) is Problem.MEDIA_TYPE


def test_a_content_type_of_images_is_not_everywhere_one(buckets: Buckets) -> None:
    assert problem("image/jpeg", IMAGE, buckets, STRICT) is Problem.MEDIA_TYPE


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b"{}", url(7), url(None)])
def test_what_is_no_json_with_a_url_is_refused(body: bytes, buckets: Buckets) -> None:
    assert problem("application/json", body, buckets) is Problem.BODY


@pytest.mark.parametrize(
    "place",
    [
        "",
        "photos/2026/a b.jpg",
        "ftp://x.example/photos/2026/a b.jpg",
        "https:///photos/2026/a b.jpg",
        "https://x.example/photos",
        "https://x.example/photos/",
        "https://x.example/photos/absent.jpg",
        "https://x.example/photos/..%2F..%2Fsecret",
        "https://[x/photos/2026/a b.jpg",
    ],
)
def test_urls_that_lead_nowhere_are_refused(place: str, buckets: Buckets) -> None:
    assert problem("application/json", url(place), buckets) is Problem.IMAGE_URL


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("image/jpeg", b""),
        ("multipart/form-data; boundary=b0", FORM % b""),
        ("multipart/form-data; boundary=b0", b"--b0--\r\n"),
        ("multipart/form-data; boundary=other", FORM % IMAGE),
        ("multipart/form-data", FORM % IMAGE),
        ("application/json", url("https://x.example/photos/empty.jpg")),
    ],
)
def test_no_image_at_all(content_type: str, body: bytes, buckets: Buckets) -> None:
    assert problem(content_type, body, buckets) is Problem.IMAGE_EMPTY


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/octet-stream", bytes(101)),
        ("multipart/form-data; boundary=b0", FORM % bytes(101)),
        ("application/json", url("https://x.example/photos/large.jpg")),
    ],
)
def test_more_bytes_than_allowed(content_type: str, body: bytes, buckets: Buckets) -> None:
    assert problem(content_type, body, buckets) is Problem.IMAGE_BYTES
