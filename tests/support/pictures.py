"""Pictures whose contents are known, and the checks of each operation's answer against them.

The emulator takes every marker for an object, a face, a celebrity and a person at once; where its landmarks and covers lie in
a marker is written down in its own tables.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from app.core.geometry import Size, UnitBox
from app.demo.checking import EXACT_OVERLAP, Fate, judge_exact
from app.demo.encoding import ENCODINGS
from app.demo.painting import Style
from app.demo.scenes import Plan, Scene, make_scene
from app.demo.truth import TrueObject, overlap, seen_in
from app.detectors.markers import marker_id_of
from app.emulators.rekognition.equipment import BODY_PARTS
from app.emulators.rekognition.faces import MAIN_PLACES

# Of a face's own width and height: a landmark this far off would lie on another part of the face.
LANDMARK_TOLERANCE = 0.05
# A cover is a sixth of its person's height: on a small person it is a few pixels, whose edges are one off.
COVER_OVERLAP = 0.6

Json = Mapping[str, Any]


@functools.cache
def picture(width_px: int, height_px: int, *marker_ids: int, encoding: str = "JPEG") -> Scene:
    """A painted picture with these markers; equal calls give the very same one."""
    how = next(one for one in ENCODINGS if one.name == encoding)
    plan = Plan(0, Size(width_px, height_px), how, Style.HILLS, marker_ids, (width_px, marker_ids[0]))
    scene = make_scene(plan)
    assert len(scene.objects) == len(marker_ids), "the picture is too small for all of them"
    return scene


def unit_box(box: Json) -> UnitBox:
    return UnitBox.from_ltwh(box["Left"], box["Top"], box["Width"], box["Height"])


def check_labels(scene: Scene, answer: Json) -> None:
    """Every object in its place, nobody else's, and the ancestors of each as labels of their own."""
    verdict = judge_exact(scene.objects, seen_in(answer))
    assert [mark for mark in verdict.marks if mark.fate is not Fate.RIGHT] == []
    labels = {label["Name"]: label for label in answer["Labels"]}
    for thing in scene.objects:
        assert tuple(parent["Name"] for parent in labels[thing.label]["Parents"]) == thing.parents
        assert set(thing.parents) <= labels.keys()


def check_faces(scene: Scene, answer: Json) -> None:
    _check_landmarks(_placed(scene.objects, answer["FaceDetails"]))


def check_celebrities(scene: Scene, answer: Json) -> None:
    assert answer["UnrecognizedFaces"] == []
    celebrities = answer["CelebrityFaces"]
    placed = _placed(scene.objects, [one["Face"] for one in celebrities])
    _check_landmarks(placed)
    assert [one["Name"] for one in _in_order(celebrities, placed, lambda one: one["Face"])] == _labels(scene)


def check_text(scene: Scene, answer: Json) -> None:
    """The number of each marker as a word in its place, in a line of its own; Ids count from 0, lines first."""
    items = answer["TextDetections"]
    assert [item["Id"] for item in items] == list(range(2 * len(scene.objects)))
    lines, words = items[: len(scene.objects)], items[len(scene.objects) :]
    placed = _placed(scene.objects, [word["Geometry"] for word in words])
    read = _in_order(words, placed, lambda word: word["Geometry"])
    assert [word["DetectedText"] for word in read] == [f"{_number(thing):04d}" for thing in scene.objects]
    for word in words:
        line = lines[word["ParentId"]]
        assert (word["Type"], line["Type"], line["DetectedText"]) == ("WORD", "LINE", word["DetectedText"])
        assert line["Geometry"] == word["Geometry"]


def check_custom_labels(scene: Scene, answer: Json) -> None:
    found = answer["CustomLabels"]
    placed = _placed(scene.objects, [one["Geometry"] for one in found])
    assert [one["Name"] for one in _in_order(found, placed, lambda one: one["Geometry"])] == _labels(scene)


def check_equipment(scene: Scene, answer: Json) -> None:
    """Each person with its own covers in their places, Ids from 0, and everybody in the right list of the summary."""
    persons = answer["Persons"]
    assert [person["Id"] for person in persons] == list(range(len(scene.objects)))
    placed = _placed(scene.objects, persons)
    for thing, person in placed:
        _check_covers(thing, person)
    if "Summary" in answer:
        _check_summary(answer["Summary"], placed)


def _check_covers(thing: TrueObject, person: Json) -> None:
    parts = {part["Name"]: part["EquipmentDetections"] for part in person["BodyParts"]}
    assert parts.keys() == {part.name for part in BODY_PARTS}
    for part in BODY_PARTS:
        worn = parts[part.name]
        assert [cover["Type"] for cover in worn] == ([part.cover] if _number(thing) >> part.bit & 1 else [])
        for cover in worn:
            assert overlap(unit_box(cover["BoundingBox"]), _within(thing.box, part.xyxy)) > COVER_OVERLAP


def _check_summary(summary: Json, placed: Sequence[tuple[TrueObject, Json]]) -> None:
    """For FACE_COVER, the one that the tests ask for."""
    covered = sorted(person["Id"] for thing, person in placed if _number(thing) & 1)
    bare = sorted(person["Id"] for thing, person in placed if not _number(thing) & 1)
    assert sorted(summary["PersonsWithRequiredEquipment"]) == covered
    assert sorted(summary["PersonsWithoutRequiredEquipment"]) == bare
    assert summary["PersonsIndeterminate"] == []


def _placed(objects: Sequence[TrueObject], items: Sequence[Json]) -> list[tuple[TrueObject, Json]]:
    """Each object with the one item that lies where it is; as many items as objects."""
    assert len(items) == len(objects)
    pairs = []
    for thing in objects:
        (item,) = [one for one in items if overlap(unit_box(one["BoundingBox"]), thing.box) > EXACT_OVERLAP]
        pairs.append((thing, item))
    return pairs


def _check_landmarks(placed: Sequence[tuple[TrueObject, Json]]) -> None:
    for thing, face in placed:
        points = {landmark["Type"]: landmark for landmark in face["Landmarks"]}
        assert MAIN_PLACES.keys() <= points.keys()
        for name, (x, y) in MAIN_PLACES.items():
            expected_x, expected_y = thing.box.left + x * thing.box.width, thing.box.top + y * thing.box.height
            assert abs(points[name]["X"] - expected_x) < LANDMARK_TOLERANCE * thing.box.width
            assert abs(points[name]["Y"] - expected_y) < LANDMARK_TOLERANCE * thing.box.height


def _in_order(items: Sequence[Json], placed: Sequence[tuple[TrueObject, Json]], part: Any) -> list[Json]:
    """The items in the order of the objects that they stand for."""
    return [next(one for one in items if part(one) is own) for _, own in placed]


def _within(box: UnitBox, xyxy: tuple[float, float, float, float]) -> UnitBox:
    left, top, right, bottom = xyxy
    return UnitBox(
        box.left + left * box.width, box.top + top * box.height, box.left + right * box.width, box.top + bottom * box.height
    )


def _number(thing: TrueObject) -> int:
    number = marker_id_of(thing.label)
    assert number is not None
    return number


def _labels(scene: Scene) -> list[str]:
    return [thing.label for thing in scene.objects]
