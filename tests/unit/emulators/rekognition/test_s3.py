"""A folder of buckets as S3: what an S3 client reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.emulators.options import EmulatorOptions
from tests.support.emulated import emulated


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photos" / "2026").mkdir(parents=True)
    (tmp_path / "photos" / "2026" / "a.jpg").write_bytes(b"0123456789")
    return tmp_path


async def test_an_object_is_served_whole_in_part_and_as_a_head(folder: Path) -> None:
    async with emulated(EmulatorOptions(buckets=folder)) as emulator:
        whole = await emulator.http.get("/photos/2026/a.jpg")
        assert (whole.status_code, whole.content) == (200, b"0123456789")
        assert whole.headers["etag"].startswith('"')
        assert whole.headers["last-modified"]
        part = await emulator.http.get("/photos/2026/a.jpg", headers={"Range": "bytes=2-4"})
        assert (part.status_code, part.content) == (206, b"234")
        head = await emulator.http.head("/photos/2026/a.jpg")
        assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "10")
        assert (await emulator.http.head("/photos")).status_code == 200


@pytest.mark.parametrize(("path", "code"), [("/photos/absent<&>", "NoSuchKey"), ("/absent/x", "NoSuchBucket")])
async def test_what_is_not_there_is_s3s_own_error(path: str, code: str, folder: Path) -> None:
    async with emulated(EmulatorOptions(buckets=folder)) as emulator:
        reply = await emulator.http.get(path)
        assert (reply.status_code, reply.headers["content-type"]) == (404, "application/xml")
        assert f"<Code>{code}</Code>" in reply.text
        assert "<&>" not in reply.text
        assert (await emulator.http.head("/absent")).status_code == 404
