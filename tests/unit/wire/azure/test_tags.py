"""Labels of a whole image as tags: Azure's words, the surest first, each once."""

from __future__ import annotations

from app.core.geometry import Size
from app.core.model import Detection, Feature
from app.wire.azure.tags import write_old_tags, write_tags

SIZE = Size(200, 100)


def label(word: str, score: float, vendor: str = "rekognition") -> Detection:
    return Detection(Feature.LABELS, word, score, None, vendor, {"count": 1})


def test_nothing_found_is_an_empty_list() -> None:
    assert (write_tags([], SIZE), write_old_tags([], SIZE)) == ({"values": []}, [])


def test_words_of_others_are_azures_and_stand_once() -> None:
    found = [label("Sports Car", 0.25), label("TV", 0.5), label("Television", 0.75)]
    tags = [{"name": "television", "confidence": 0.75}, {"name": "sports car", "confidence": 0.25}]
    assert (write_tags(found, SIZE), write_old_tags(found, SIZE)) == ({"values": tags}, tags)


def test_azures_own_words_stay() -> None:
    assert write_old_tags([label("Land vehicle", 0.9999999, "azure")], SIZE) == [{"name": "Land vehicle", "confidence": 1.0}]
