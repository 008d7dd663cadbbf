"""`Image.S3Object` through the proxy: read with the operator's credentials, from the buckets that the operator allows.

The emulator is S3, too: its folder of buckets holds one that is allowed and one that is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support import bad_images
from tests.support.pictures import check_labels, picture
from tests.support.sdk import HURRIED, Rig, code_of, running_rig, together

ALLOWED, SECOND, ABSENT, FORBIDDEN = "our-pictures", "other.pictures", "nobodys-pictures", "their-pictures"
SCENES = {"one.jpg": picture(800, 600, 3, 8), "folder/zwei ä+%.png": picture(800, 600, 21, 30, 55, encoding="PNG")}
# The vendor's own limits, of an image in a bucket and of one that comes with the request.
OBJECT_LIMIT_BYTES, INLINE_LIMIT_BYTES = 15 * 1024 * 1024, 5 * 1024 * 1024
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "OPERATOR", "AWS_SECRET_ACCESS_KEY": "not-a-secret"}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A rig of its own: the proxy's S3 is the emulator that it pays."""
    folder = tmp_path_factory.mktemp("stored")
    with running_rig(folder, s3=True, TESSERA_S3_BUCKETS=f"{ALLOWED}, {SECOND},{ABSENT}", **CREDENTIALS) as rig:
        for bucket in (ALLOWED, FORBIDDEN, SECOND):
            for name, scene in SCENES.items():
                path = folder / "buckets" / bucket / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(scene.content)
        (folder / "buckets" / ALLOWED / "large.jpg").write_bytes(
            bad_images.heavy(INLINE_LIMIT_BYTES, SCENES["one.jpg"].content)
        )
        (folder / "buckets" / ALLOWED / "huge.jpg").write_bytes(b"\xff\xd8\xff" + bytes(OBJECT_LIMIT_BYTES))
        (folder / "buckets" / ALLOWED / "text.txt").write_bytes(b"no image")
        (folder / "buckets" / ALLOWED / "empty").write_bytes(b"")
        yield rig


def _image(bucket: str, name: str) -> Mapping[str, Mapping[str, str]]:
    return {"S3Object": {"Bucket": bucket, "Name": name}}


def test_stored_images_share_a_sheet(stored: Rig) -> None:
    client = stored.client()
    told = together(*(lambda name=name: client("DetectLabels", Image=_image(ALLOWED, name)) for name in SCENES))
    for scene, one in zip(SCENES.values(), told, strict=True):
        assert (one.layout, one.inferences) == ("2x1", 0.5)
        check_labels(scene, one.answer)


def test_a_stored_image_and_an_inline_one_share_a_sheet(stored: Rig) -> None:
    client = stored.client()
    inline = picture(800, 600, 70)
    told = together(
        lambda: client("DetectLabels", Image=_image(SECOND, "one.jpg")), lambda: client("DetectLabels", inline.content)
    )
    assert {one.layout for one in told} == {"2x1"}
    check_labels(SCENES["one.jpg"], told[0].answer)
    check_labels(inline, told[1].answer)


def test_a_stored_image_alone_goes_out_as_its_own_bytes(stored: Rig) -> None:
    """The vendor never hears of the bucket: it need not be able to read it."""
    before = stored.calls()
    told = stored.client(HURRIED)("DetectLabels", Image=_image(ALLOWED, "one.jpg"))
    (call,) = stored.sent(before)
    assert call.content == SCENES["one.jpg"].content
    assert told.body == stored.direct()("DetectLabels", SCENES["one.jpg"].content).body


def test_a_stored_image_that_is_too_large_to_be_sent_inline_is_written_anew(stored: Rig) -> None:
    """The vendor takes 15 MB from a bucket but 5 MB with a request, and the proxy always sends it with the request."""
    before = stored.calls()
    told = stored.client(HURRIED)("DetectLabels", Image=_image(ALLOWED, "large.jpg"))
    check_labels(SCENES["one.jpg"], told.answer)
    (call,) = stored.sent(before)
    assert len(call.content) <= INLINE_LIMIT_BYTES


@pytest.mark.parametrize(
    ("bucket", "name", "code"),
    [
        (FORBIDDEN, "one.jpg", "AccessDeniedException"),
        ("no-such-bucket", "one.jpg", "AccessDeniedException"),
        (ABSENT, "one.jpg", "InvalidS3ObjectException"),
        (ALLOWED, "nothing.jpg", "InvalidS3ObjectException"),
        (ALLOWED, "../their-pictures/one.jpg", "InvalidS3ObjectException"),
        (ALLOWED, "folder", "InvalidS3ObjectException"),
        (ALLOWED, "\U0001f600 \u0000", "InvalidS3ObjectException"),
        (ALLOWED, "huge.jpg", "ImageTooLargeException"),
        (ALLOWED, "text.txt", "InvalidImageFormatException"),
        (ALLOWED, "empty", "InvalidImageFormatException"),
    ],
)
def test_what_cannot_be_read_is_the_vendors_own_error(stored: Rig, bucket: str, name: str, code: str) -> None:
    error = stored.client(HURRIED).refused("DetectLabels", Image=_image(bucket, name))
    assert code_of(error) == code
    assert "OPERATOR" not in str(error)


def test_a_version_is_asked_for_by_its_name(stored: Rig) -> None:
    """The emulator's buckets keep no versions and take the parameter as it is; what counts is that it is no error here."""
    image = {"S3Object": {"Bucket": ALLOWED, "Name": "one.jpg", "Version": "3HL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY"}}
    check_labels(SCENES["one.jpg"], stored.client(HURRIED)("DetectLabels", Image=image).answer)


def test_without_allowed_buckets_nothing_is_read(rig: Rig) -> None:
    error = rig.client(HURRIED).refused("DetectFaces", Image=_image(ALLOWED, "one.jpg"))
    assert code_of(error) == "AccessDeniedException"


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("SearchFacesByImage", {"CollectionId": "people", "Image": _image(FORBIDDEN, "one.jpg")}),
        ("CompareFaces", {"SourceImage": _image(ALLOWED, "one.jpg"), "TargetImage": _image(FORBIDDEN, "one.jpg")}),
        ("StartLabelDetection", {"Video": _image(FORBIDDEN, "one.mp4")}),
    ],
)
def test_what_is_handed_on_names_allowed_buckets_only(stored: Rig, operation: str, members: dict[str, Any]) -> None:
    """It would be read with the operator's credentials just as well."""
    before = stored.calls()
    assert code_of(stored.client(HURRIED).refused(operation, **members)) == "AccessDeniedException"
    assert stored.sent(before) == []


def test_what_is_handed_on_may_name_an_allowed_bucket(stored: Rig) -> None:
    wanted: dict[str, Any] = {"SourceImage": _image(ALLOWED, "one.jpg"), "TargetImage": _image(ALLOWED, "one.jpg")}
    assert stored.client()("CompareFaces", **wanted).body == stored.direct()("CompareFaces", **wanted).body
