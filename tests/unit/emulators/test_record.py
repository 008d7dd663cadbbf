"""Recording: numbered pairs of files, the JSON last and whole."""

from __future__ import annotations

import json
from pathlib import Path

from app.emulators.record import Recorder

JPEG, PNG = b"\xff\xd8\xff-one", b"\x89PNG\r\n\x1a\n-two"


def test_each_call_becomes_a_numbered_pair(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a" / "b")
    for images in ((JPEG,), (PNG,)):
        recorder.save(recorder.take_number(), images, {"operation": "X", "answer": {"n": len(images[0])}})
    folder = tmp_path / "a" / "b"
    assert sorted(path.name for path in folder.iterdir()) == ["000001.jpg", "000001.json", "000002.json", "000002.png"]
    assert (folder / "000001.jpg").read_bytes() == JPEG
    assert json.loads((folder / "000002.json").read_text()) == {
        "images": ["000002.png"],
        "operation": "X",
        "answer": {"n": len(PNG)},
    }


def test_a_second_image_has_a_name_of_its_own(tmp_path: Path) -> None:
    Recorder(tmp_path).save(7, (JPEG, PNG), {})
    assert json.loads((tmp_path / "000007.json").read_text())["images"] == ["000007.jpg", "000007-2.png"]
    assert (tmp_path / "000007-2.png").read_bytes() == PNG


def test_an_existing_folder_is_used_again(tmp_path: Path) -> None:
    Recorder(tmp_path)
    assert Recorder(tmp_path).take_number() == 1
