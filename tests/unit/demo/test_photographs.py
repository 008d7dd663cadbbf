"""Photographs of a folder: which are taken, and where their truth comes from."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.core.geometry import Size, UnitBox
from app.demo.photographs import OPTIONS, PhotographsError, find_photographs, load, look_alone
from app.demo.truth import TrueObject

BOX = {"Left": 0.1, "Top": 0.2, "Width": 0.3, "Height": 0.4}


def picture(path: Path, size_wh: tuple[int, int] = (120, 90), **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size_wh, (90, 120, 150)).save(path, **options)
    return path


class FakeRekognition:
    """Sees one dog for sure and one perhaps, in everything but pictures of the refused width. Takes JPEG and PNG only."""

    def __init__(self, refused_width_px: int = 0) -> None:
        self._refused_width_px = refused_width_px

    def detect_labels(self, *, Image: Mapping[str, bytes], MinConfidence: float) -> dict[str, Any]:  # noqa: N803 - boto3's own spelling
        with _open(Image["Bytes"]) as shown:
            if shown.format not in ("JPEG", "PNG") or shown.width == self._refused_width_px:
                raise ValueError("Request has invalid image format")
        instances = [{"BoundingBox": BOX, "Confidence": 90.0}, {"BoundingBox": BOX, "Confidence": MinConfidence - 1}]
        return {"Labels": [{"Name": "Dog", "Confidence": 90.0, "Instances": instances}, {"Name": "Animal", "Confidence": 90.0}]}


def _open(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_pictures_are_found_in_subfolders_and_drawn_by_lot(tmp_path: Path) -> None:
    found = {picture(tmp_path / name) for name in ("a.jpg", "b.JPEG", "deep/er/c.png", "d.webp")}
    (tmp_path / "notes.txt").write_text("no picture")
    assert set(find_photographs(tmp_path, 10, seed=1)) == found
    assert find_photographs(tmp_path, 3, seed=1) == find_photographs(tmp_path, 3, seed=1)
    assert len(find_photographs(tmp_path, 3, seed=1)) == 3


def test_a_folder_without_pictures_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(PhotographsError, match="no jpg, png or webp"):
        find_photographs(tmp_path, 1, seed=1)
    with pytest.raises(PhotographsError, match="not a folder"):
        find_photographs(tmp_path / "nowhere", 1, seed=1)


def test_what_no_vendor_takes_is_left_out_and_numbers_stay_without_gaps(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not a picture")
    paths = [broken, picture(tmp_path / "tiny.png", (79, 200)), picture(tmp_path / "turned.jpg", (120, 90), exif=exif)]
    scenes = load(paths)
    assert [(scene.number, scene.size, scene.suffix) for scene in scenes] == [(0, Size(90, 120), "jpg")]
    with pytest.raises(PhotographsError, match="none of the files"):
        load(paths[:2])


def test_the_truth_is_what_the_upstream_is_sure_of_in_each_image_alone(tmp_path: Path) -> None:
    scenes = load([picture(tmp_path / "a.jpg"), picture(tmp_path / "refused.png", (100, 100)), picture(tmp_path / "c.webp")])
    told = look_alone(scenes, FakeRekognition(refused_width_px=100))
    dog = TrueObject("Dog", UnitBox.from_ltwh(0.1, 0.2, 0.3, 0.4))
    assert [(scene.number, scene.suffix, scene.objects) for scene in told] == [(0, "jpg", (dog,)), (1, "webp", (dog,))]
    assert told[1].content == scenes[2].content, "clients send the file itself"
    assert OPTIONS["MinConfidence"] == 50.0


def test_an_upstream_that_refuses_everything_is_reported(tmp_path: Path) -> None:
    with pytest.raises(PhotographsError, match=r"refused every image.*invalid image format"):
        look_alone(load([picture(tmp_path / "a.jpg")]), FakeRekognition(refused_width_px=120))
