"""A folder as object storage: objects are found, and nothing outside is."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.emulators.buckets import Buckets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("outside")
    bucket = tmp_path / "buckets" / "photos"
    (bucket / "2026").mkdir(parents=True)
    (bucket / "2026" / "a.jpg").write_bytes(b"0123456789")
    (tmp_path / "buckets" / "loose.txt").write_text("in no bucket")
    (bucket / "link").symlink_to(tmp_path / "secret.txt")
    return tmp_path / "buckets"


def test_an_object_is_found_by_bucket_and_key(folder: Path) -> None:
    found = Buckets(folder).find("photos", "2026/a.jpg")
    assert found is not None
    assert found.read_bytes() == b"0123456789"


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        ("photos", "absent"),
        ("photos", ""),
        ("photos", "2026"),
        ("photos", "../loose.txt"),
        ("photos", "../../secret.txt"),
        ("photos", "/etc/hostname"),
        ("photos", "link"),
        ("photos", "a\0b"),
        ("..", "secret.txt"),
        (".", "loose.txt"),
        ("", "loose.txt"),
        ("photos/2026", "a.jpg"),
        ("loose.txt", "x"),
    ],
)
def test_nothing_else_is(bucket: str, key: str, folder: Path) -> None:
    assert Buckets(folder).find(bucket, key) is None


def test_without_a_folder_there_is_no_bucket() -> None:
    assert Buckets(None).bucket("photos") is None
