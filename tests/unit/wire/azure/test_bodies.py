"""Bodies: raw bytes, forms, addresses; every other body is refused in the vendor's own way."""

from __future__ import annotations

import json

import pytest

from app.core.model import RawRequest
from app.errors import Problem
from app.wire.azure.bodies import MAX_JSON_BYTES, BodyRules, read_source
from app.wire.azure.refusals import Reason, Refused
from app.wire.contract import ImageSource, InlineImage, LinkedImage

NEW, OLD = BodyRules(100, image_types=True), BodyRules(100, image_types=False)
FORM = b'--e\r\nContent-Disposition: form-data; name="anything"\r\n\r\npixels\r\n--e--\r\n'
ADDRESS = "https://example.com/a.jpg?x=1"


def read(content_type: str, body: bytes, rules: BodyRules = NEW) -> ImageSource:
    return read_source(RawRequest("POST", "/", "", {"content-type": content_type} if content_type else {}, body), rules)


@pytest.mark.parametrize(
    ("content_type", "body", "source"),
    [
        ("application/octet-stream", b"pixels", InlineImage(b"pixels")),
        ("Application/Octet-Stream; x=y", b"p" * 100, InlineImage(b"p" * 100)),
        ("image/jpeg", b"pixels", InlineImage(b"pixels")),
        ("multipart/form-data; boundary=e", FORM, InlineImage(b"pixels")),
        ("application/json; charset=utf-8", json.dumps({"url": ADDRESS, "more": 1}).encode(), LinkedImage(ADDRESS)),
    ],
)
def test_images(content_type: str, body: bytes, source: ImageSource) -> None:
    assert read(content_type, body) == source


@pytest.mark.parametrize(
    ("content_type", "body", "reason"),
    [
        ("", b"pixels", Reason.MEDIA_TYPE),
        ("text/plain", b"pixels", Reason.MEDIA_TYPE),
        ("application/octet-stream", b"", Reason.IMAGE_EMPTY),
        ("multipart/form-data; boundary=e", b"--e--\r\n", Reason.IMAGE_EMPTY),
        ("application/octet-stream", b"p" * 101, Reason.IMAGE_BYTES),
        ("application/json", b"", Reason.BODY),
        ("application/json", b"{", Reason.BODY),
        ("application/json", b"[]", Reason.BODY),
        ("application/json", b"{}", Reason.BODY),
        ("application/json", b'{"url": 7}', Reason.BODY),
        ("application/json", b'{"url": "' + b"x" * MAX_JSON_BYTES + b'"}', Reason.BODY),
        ("application/json", b"[" * 5000, Reason.BODY),
        ("application/json", b'{"url": ""}', Reason.IMAGE_URL),
        ("application/json", b'{"url": "not a url"}', Reason.IMAGE_URL),
        ("application/json", b'{"url": "file:///etc/passwd"}', Reason.IMAGE_URL),
        ("application/json", b'{"url": "http://[::1"}', Reason.IMAGE_URL),
        ("application/json", b'{"url": "http:///nobody"}', Reason.IMAGE_URL),
    ],
)
def test_what_is_no_image_is_refused(content_type: str, body: bytes, reason: Reason) -> None:
    with pytest.raises(Refused) as caught:
        read(content_type, body)
    assert caught.value.reason is reason


def test_3_2_knows_no_image_types() -> None:
    with pytest.raises(Refused) as caught:
        read("image/jpeg", b"pixels", OLD)
    assert caught.value.reason is Reason.MEDIA_TYPE


def test_a_broken_form_is_a_problem() -> None:
    with pytest.raises(Problem):
        read("multipart/form-data; boundary=e", b"no form")
