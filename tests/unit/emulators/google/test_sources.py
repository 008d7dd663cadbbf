"""Where an image comes from: inline, or from a bucket, never from the web."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.emulators.buckets import Buckets
from app.emulators.google.asked import AskedImage
from app.emulators.google.errors import Code, ServiceError
from app.emulators.google.sources import IMAGE_BYTES, image_bytes


@pytest.fixture
def buckets(tmp_path: Path) -> Buckets:
    folder = tmp_path / "photos" / "2026"
    folder.mkdir(parents=True)
    (folder / "a b.jpg").write_bytes(b"stored")
    (folder / "sparse").write_bytes(b"")
    with (folder / "sparse").open("wb") as file:
        file.truncate(IMAGE_BYTES + 1)
    return Buckets(tmp_path)


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        (AskedImage(b"inline"), b"inline"),
        (AskedImage(b"", "gs://photos/2026/a b.jpg"), b"stored"),
        (AskedImage(b"inline", "gs://photos/2026/a b.jpg"), b"inline"),
    ],
)
def test_content_wins_over_a_source(image: AskedImage, wanted: bytes, buckets: Buckets) -> None:
    assert image_bytes(image, buckets) == wanted


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (AskedImage(b"", "gs://photos/absent"), Code.PERMISSION_DENIED),
        (AskedImage(b"", "gs://photos"), Code.PERMISSION_DENIED),
        (AskedImage(b"", "gs://absent/a"), Code.PERMISSION_DENIED),
        (AskedImage(b"", "gs://photos/../photos/2026/../../../x"), Code.PERMISSION_DENIED),
        (AskedImage(b"", "https://example.com/a.jpg"), Code.PERMISSION_DENIED),
        (AskedImage(b"", "HTTP://example.com/a.jpg"), Code.PERMISSION_DENIED),
        (AskedImage(b"", "file:///etc/hostname"), Code.INVALID_ARGUMENT),
        (AskedImage(b"", "gs://photos/2026/sparse"), Code.INVALID_ARGUMENT),
        (AskedImage(bytes(IMAGE_BYTES + 1)), Code.INVALID_ARGUMENT),
    ],
    ids=lambda value: value.uri or "inline" if isinstance(value, AskedImage) else value.name,
)
def test_everything_else_is_refused(image: AskedImage, code: Code, buckets: Buckets) -> None:
    with pytest.raises(ServiceError) as caught:
        image_bytes(image, buckets)
    assert caught.value.code is code


def test_the_largest_image_is_accepted(buckets: Buckets) -> None:
    assert len(image_bytes(AskedImage(bytes(IMAGE_BYTES)), buckets)) == IMAGE_BYTES
