"""Findings, feature by feature: what becomes a detection, what its fields hold, what is left out; and laws over any answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.geometry import Size, UnitBox, UnitPoint
from app.core.model import Detection, Feature
from app.providers.azure.features import VISUAL_FEATURES
from app.providers.azure.findings import FINDERS
from app.providers.azure.trees import Frame
from tests.support.azure_answers import FULL, HEIGHT_PX, WIDTH_PX

CAR = UnitBox(0.5, 0.25, 0.75, 0.75)
EDGE = UnitBox(-0.125, 0.75, 0.375, 1.25)
FRAME = Frame(WIDTH_PX, HEIGHT_PX)
# The rest are findings about the whole image: see `test_whole`.
PLACED = sorted(FINDERS.keys() - {Feature.LABELS, Feature.MODERATION})


def items_of(feature: Feature) -> list[Any]:
    """The feature's list in its full answer, or what stands for one; a copy that shares nothing."""
    node: Any = json.loads(json.dumps(FULL[feature]))
    for member in VISUAL_FEATURES[feature].findings:
        node = node[member]
    items: list[Any] = [node] if VISUAL_FEATURES[feature].is_one else node
    return items


def found(feature: Feature, items: list[Any]) -> list[Detection]:
    """The sound ones."""
    return [detection for detection in FINDERS[feature](items, FRAME) if detection is not None]


def broken(feature: Feature, items: list[Any]) -> int:
    return sum(detection is None for detection in FINDERS[feature](items, FRAME))


def changed(feature: Feature, path: list[str | int], value: Any) -> list[Any]:
    """The feature's full list with the value at `path` replaced."""
    items = items_of(feature)
    node: Any = items
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return items


def test_every_feature_that_can_be_asked_can_be_read() -> None:
    assert FINDERS.keys() == VISUAL_FEATURES.keys()


@pytest.mark.parametrize("feature", list(FINDERS))
def test_every_detection_says_what_it_is_and_whose(feature: Feature) -> None:
    assert found(feature, []) == []
    detections = found(feature, items_of(feature))
    assert len(detections) == (3 if feature is Feature.MODERATION else 2)
    assert {(each.feature, each.vendor) for each in detections} == {(feature, "azure")}


def test_an_object_is_called_by_its_best_tag_and_keeps_all_its_fields() -> None:
    first, second = found(Feature.OBJECTS, items_of(Feature.OBJECTS))
    assert (first.label, first.score_unit, first.box) == ("car", 0.98, CAR)
    assert (second.label, second.score_unit, second.box) == ("chair", 0.555, EDGE)
    assert first.fields == {
        "object": {
            "boundingBox": CAR,
            "tags": [{"name": "vehicle", "confidence": 0.5}, {"name": "car", "confidence": 0.98, "novelty": {"deep": [1]}}],
            "id": "1",
            "novelty": [{"boundingBox": EDGE}, None, True],
        }
    }


def test_people_of_whom_the_vendor_is_unsure_are_kept() -> None:
    first, second = found(Feature.PEOPLE, items_of(Feature.PEOPLE))
    assert (first.label, first.score_unit, first.box) == ("person", 0.94, CAR)
    assert (second.label, second.score_unit, second.box) == ("person", 0.001, EDGE)
    assert first.fields == {"person": {"boundingBox": CAR, "confidence": 0.94, "novelty": "kept"}}


def test_faces_and_brands_of_32_keep_all_their_fields() -> None:
    face, other = found(Feature.FACES, items_of(Feature.FACES))
    assert (face.label, face.score_unit, face.box, other.box) == ("face", 1.0, CAR, EDGE)
    assert face.fields == {"face": {"faceRectangle": CAR, "age": 25, "novelty": [1]}}
    brand, _ = found(Feature.LOGOS, items_of(Feature.LOGOS))
    assert (brand.label, brand.score_unit, brand.box) == ("Contoso", 0.9, CAR)
    assert brand.fields == {"brand": {"name": "Contoso", "confidence": 0.9, "rectangle": CAR}}


def test_words_know_their_line_and_their_block() -> None:
    first, second = found(Feature.TEXT, items_of(Feature.TEXT))
    assert (first.label, first.score_unit, first.box) == ("ONE", 0.99, CAR)
    assert (second.label, second.score_unit, second.box) == ("STOP", 0.7, UnitBox(0.0, 0.25, 0.5, 1.0))
    corners = [UnitPoint(0.5, 0.25), UnitPoint(0.75, 0.25), UnitPoint(0.75, 0.75), UnitPoint(0.5, 0.75)]
    word = {"text": "ONE", "boundingPolygon": corners, "confidence": 0.99, "novelty": 1}
    assert first.fields == {"line": 0, "word": word, "block": 0}
    assert (second.fields["line"], second.fields["block"]) == (1, 0)


def test_lines_are_numbered_through_all_blocks() -> None:
    (block,) = items_of(Feature.TEXT)
    words = found(Feature.TEXT, [block, {"lines": []}, block])
    assert [(word.fields["line"], word.fields["block"]) for word in words] == [(0, 0), (1, 0), (2, 2), (3, 2)]


@pytest.mark.parametrize(("given_", "score_unit"), [(None, 1.0), (0, 0.0), (1, 1.0), (1.001, 1.0), (-3, 0.0), (1e308, 1.0)])
def test_scores_are_ratios_and_a_finding_without_doubt_is_certain(given_: Any, score_unit: float) -> None:
    result = changed(Feature.PEOPLE, [0, "confidence"], given_)
    assert found(Feature.PEOPLE, result)[0].score_unit == score_unit


LINE: list[str | int] = [0, "lines", 0]


@pytest.mark.parametrize(
    ("feature", "path", "value"),
    [
        (Feature.OBJECTS, [0], None),
        (Feature.OBJECTS, [0, "boundingBox", "w"], -1),
        (Feature.OBJECTS, [0, "boundingBox"], None),
        (Feature.OBJECTS, [0, "tags"], []),
        (Feature.OBJECTS, [0, "tags"], "car"),
        (Feature.OBJECTS, [0, "tags", 0, "name"], None),
        (Feature.OBJECTS, [0, "tags", 0, "confidence"], "high"),
        (Feature.OBJECTS, [0, "novelty"], {"x": None, "y": 0}),
        (Feature.PEOPLE, [0], "person"),
        (Feature.PEOPLE, [0, "confidence"], []),
        (Feature.PEOPLE, [1, "boundingBox", "y"], 1e9),
        (Feature.FACES, [0, "faceRectangle", "left"], None),
        (Feature.FACES, [0, "age"], {"left": 0, "top": 0, "width": -1, "height": 1}),
        (Feature.LOGOS, [0, "rectangle"], []),
        (Feature.LOGOS, [0, "name"], 7),
        (Feature.LOGOS, [0, "confidence"], "high"),
        (Feature.TEXT, LINE, None),
        (Feature.TEXT, [*LINE, "words"], "ONE"),
        (Feature.TEXT, [*LINE, "words", 0], 7),
        (Feature.TEXT, [*LINE, "words", 0, "text"], None),
        (Feature.TEXT, [*LINE, "words", 0, "boundingPolygon"], []),
        (Feature.TEXT, [*LINE, "words", 0, "boundingPolygon", 3, "x"], "left"),
        (Feature.TEXT, [*LINE, "words", 0, "confidence"], True),
    ],
)
def test_a_broken_finding_goes_and_its_neighbour_stays(feature: Feature, path: list[str | int], value: Any) -> None:
    before, result = found(feature, items_of(feature)), changed(feature, path, value)
    assert len(found(feature, result)) == 1
    assert found(feature, result)[0] in before
    assert (broken(feature, result), broken(feature, items_of(feature))) == (1, 0)


@pytest.mark.parametrize("value", [7, "none", {}, True])
def test_what_stands_in_place_of_a_list_is_one_broken_finding(value: Any) -> None:
    blocks = changed(Feature.TEXT, [0, "lines"], value)
    assert (found(Feature.TEXT, blocks), broken(Feature.TEXT, blocks)) == ([], 1)


@pytest.mark.parametrize("feature", [*PLACED, Feature.LABELS])
def test_what_is_no_object_is_one_broken_finding(feature: Feature) -> None:
    assert (found(feature, ["finding", None, 7]), broken(feature, ["finding", None, 7])) == ([], 3)


sides_px = st.integers(50, 16_000)


@st.composite
def frames_and_boxes(draw: st.DrawFn) -> tuple[Size, list[tuple[int, int, int, int]]]:
    """A sheet and whole pixel boxes in it, as the vendor gives them."""
    size = Size(draw(sides_px), draw(sides_px))
    boxes = []
    for _ in range(draw(st.integers(0, 5))):
        x, y = draw(st.integers(0, size.width_px - 1)), draw(st.integers(0, size.height_px - 1))
        boxes.append((x, y, draw(st.integers(0, size.width_px - x)), draw(st.integers(0, size.height_px - y))))
    return size, boxes


@given(frames_and_boxes())
def test_pixels_can_be_had_back_from_ratios(drawn: tuple[Size, list[tuple[int, int, int, int]]]) -> None:
    """In order, each to the pixel, and none is lost."""
    size, boxes = drawn
    values = [{"boundingBox": dict(zip("xywh", box, strict=True)), "confidence": 0.5} for box in boxes]
    detections = list(FINDERS[Feature.PEOPLE](values, Frame(size.width_px, size.height_px)))
    back = [detection.box.to_pixels(size) for detection in detections if detection is not None and detection.box is not None]
    rounded = [tuple(round(edge) for edge in box) for box in back]
    assert rounded == [(x, y, x + width, y + height) for x, y, width, height in boxes]


NAMES = ["x", "y", "w", "h", "words", "lines", "tags", "name", "boundingBox"]
leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    leaves | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(PLACED), st.data())
def test_whatever_stands_in_an_answer_is_sound_or_counted(feature: Feature, data: st.DataObject) -> None:
    """One value anywhere in it is replaced by any other: nothing is raised, and the finding beside it stands as it was."""
    before = found(feature, items_of(feature))
    where: list[str | int] = [0, "lines", 0] if feature is Feature.TEXT else [0]
    first: Any = items_of(feature)
    for step in where:
        first = first[step]
    member = data.draw(st.sampled_from(sorted(first)))
    after = found(feature, changed(feature, [*where, member], data.draw(json_values)))
    assert before[1] in after
    for detection in after:
        assert detection.box is not None
        assert 0.0 <= detection.score_unit <= 1.0
