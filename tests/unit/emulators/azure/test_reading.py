"""Text in its three shapes."""

from __future__ import annotations

import math

import pytest

from app.detectors.contract import Sighting
from app.emulators.azure.picture import Picture
from app.emulators.azure.reading import ocr, read_page, read_result
from app.emulators.images import ImageFormat
from app.emulators.scene import Scene
from tests.support.seen import HEIGHT, WIDTH, face, marker, scene

PAIR = (marker(8, (40, 20, 140, 120)), marker(9, (150, 20, 250, 120), score=0.9))


def read_from(*sightings: Sighting) -> Scene:
    return scene(*sightings)[0]


def square(left: int, top: int, right: int, bottom: int) -> list[dict[str, int]]:
    return [{"x": x, "y": y} for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]


def test_a_read_result_has_one_block_with_all_lines() -> None:
    (block,) = read_result(read_from(*PAIR, marker(10, (40, 150, 80, 190))))["blocks"]
    assert [line["text"] for line in block["lines"]] == ["M0008 M0009", "M0010"]
    first = block["lines"][0]
    assert first["boundingPolygon"] == square(40, 20, 250, 120)
    assert first["words"][1] == {"text": "M0009", "boundingPolygon": square(150, 20, 250, 120), "confidence": 0.9}


def test_without_text_there_is_no_block() -> None:
    assert read_result(read_from(face())) == {"blocks": []}


def test_ocr_writes_boxes_as_strings() -> None:
    found = ocr(read_from(*PAIR), "unk", True)
    word = {"boundingBox": "40,20,100,100", "text": "M0008"}
    line = {"boundingBox": "40,20,210,100", "words": [word, {"boundingBox": "150,20,100,100", "text": "M0009"}]}
    assert found["regions"] == [{"boundingBox": "40,20,210,100", "lines": [line]}]
    assert (found["language"], found["orientation"], found["textAngle"]) == ("en", "Up", 0)


def test_ocr_of_nothing() -> None:
    found = ocr(read_from(), "unk", True)
    assert found == {
        "language": "unk",
        "textAngle": 0,
        "orientation": "NotDetected",
        "regions": [],
        "modelVersion": "2021-04-01",
    }
    assert ocr(read_from(), "de", False)["language"] == "de"


@pytest.mark.parametrize(("turn", "orientation"), [(0, "Up"), (1, "Right"), (2, "Down"), (3, "Left")])
def test_the_orientation_is_where_the_top_of_the_text_points(turn: int, orientation: str) -> None:
    turned = read_from(marker(8, turn=turn), marker(9, (200, 20, 220, 40)), marker(10, (300, 20, 330, 50), turn=turn))
    assert ocr(turned, "en", True)["orientation"] == orientation
    assert ocr(turned, "en", False)["orientation"] == "Up"


def test_a_slant_is_an_angle() -> None:
    points = {"topLeft": (40.0, 20.0), "topRight": (140.0, 30.0), "bottomRight": (130.0, 130.0), "bottomLeft": (30.0, 120.0)}
    slanted = Sighting("object", "Car-0008", 0.9, (30, 20, 140, 130), points)
    assert ocr(read_from(slanted), "en", True)["textAngle"] == pytest.approx(math.atan2(10, 100))


def test_a_page_has_lines_with_eight_numbers() -> None:
    picture = read_from(*PAIR)
    result = read_page(Picture(picture, picture, ImageFormat.PNG))
    (page,) = result["readResults"]
    assert (page["page"], page["angle"], page["width"], page["height"], page["unit"]) == (1, 0, WIDTH, HEIGHT, "pixel")
    (line,) = page["lines"]
    assert (line["text"], line["boundingBox"]) == ("M0008 M0009", [40, 20, 250, 20, 250, 120, 40, 120])
    assert line["appearance"]["style"]["confidence"] == 0.9
    assert line["words"][0] == {"boundingBox": [40, 20, 140, 20, 140, 120, 40, 120], "text": "M0008", "confidence": 0.98}
