"""What was stored comes back, each question's answers to those who asked it."""

from __future__ import annotations

from pathlib import Path

from app.calibration.store import Measured, Store
from app.core.geometry import UnitBox
from app.core.labels import labels_of
from app.core.model import Detection, Feature

BOX = UnitBox(0.1, 0.2, 0.5, 0.75)
CAT = Detection(Feature.OBJECTS, "Cat", 0.75, BOX, "rekognition", {"parents": ["Animal", "Pet"]})
PLAIN = Detection(Feature.OBJECTS, "Dog", 0.5, BOX, "")
SCENE = Detection(Feature.OBJECTS, "Garden", 0.9, None, "rekognition")


def stored(path: Path, feature: Feature, *detections: Detection) -> Measured:
    Store(path, feature).put("key", {"a": Measured(detections, 0.25)})
    found = Store(path, feature).get("key")
    assert found is not None
    return found["a"]


def test_objects_keep_what_they_are_a_kind_of(tmp_path: Path) -> None:
    assert stored(tmp_path / "answers.jsonl", Feature.OBJECTS, CAT, PLAIN) == Measured((CAT, PLAIN), 0.25)


def test_the_labels_of_a_stored_detection_are_those_of_the_vendors_own(tmp_path: Path) -> None:
    theirs = Detection(Feature.OBJECTS, "Cat", 0.75, BOX, "rekognition", {"label": {"Parents": [{"Name": "Animal"}]}})
    back = stored(tmp_path / "answers.jsonl", Feature.OBJECTS, theirs)
    assert [label.label for label in labels_of(back.detections)] == [label.label for label in labels_of([theirs])]


def test_what_has_no_place_is_no_object(tmp_path: Path) -> None:
    assert stored(tmp_path / "answers.jsonl", Feature.OBJECTS, SCENE, PLAIN).detections == (PLAIN,)


def test_findings_of_the_whole_image_have_no_place(tmp_path: Path) -> None:
    found = Detection(Feature.MODERATION, "adult", 0.3, None, "azure")
    assert stored(tmp_path / "answers.jsonl", Feature.MODERATION, found).detections == (found,)


def test_one_file_holds_the_answers_to_several_questions(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    Store(path, Feature.OBJECTS).put("objects", {"a": Measured((PLAIN,), 1.0)})
    labels = Store(path, Feature.LABELS)
    labels.put("labels", {"a": Measured((), 1.0)})
    assert labels.get("objects") is None
    assert Store(path, Feature.OBJECTS).get("labels") is None
    assert Store(path, Feature.LABELS).get("labels") == {"a": Measured((), 1.0)}
