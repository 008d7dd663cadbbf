"""What counts as what."""

from __future__ import annotations

import pytest

from app.calibration.labels import class_of
from app.detectors.coco import COCO_CLASSES

VOC_CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog", "horse"),
    *("motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)


@pytest.mark.parametrize(
    ("label", "vendor", "written"),
    [
        ("cell phone", "", "cell phone"),
        ("Cell Phone", "", "cell phone"),
        ("cell_phone", "", "cell phone"),
        ("cell-phone", "native", "cell phone"),
        ("Mobile Phone", "rekognition", "cell phone"),
        ("Mobile phone", "google", "cell phone"),
        ("cell phone", "azure", "cell phone"),
        ("Television", "google", "tvmonitor"),
        ("TV", "", "tvmonitor"),
        ("Houseplant", "google", "pottedplant"),
        ("Sofa", "rekognition", "sofa"),
        ("Couch", "", "sofa"),
        ("Human", "rekognition", "person"),
        ("Motorbike", "rekognition", "motorbike"),
        ("forklift", "", "Forklift"),
    ],
)
def test_words_for_the_same_thing_have_one_key(label: str, vendor: str, written: str) -> None:
    assert class_of(label, vendor) == class_of(written)


@pytest.mark.parametrize(("label", "vendor"), [("Man", "google"), ("Mobile Phone", ""), ("Plant", "rekognition")])
def test_other_words_are_other_classes(label: str, vendor: str) -> None:
    assert class_of(label, vendor) not in {class_of(name) for name in [*VOC_CLASSES, "cell phone"]}


def test_every_class_of_voc_is_one_of_coco_and_none_fall_together() -> None:
    coco = {class_of(one.label) for one in COCO_CLASSES}
    voc = {class_of(name) for name in VOC_CLASSES}
    assert (len(coco), len(voc)) == (80, 20)
    assert voc < coco
