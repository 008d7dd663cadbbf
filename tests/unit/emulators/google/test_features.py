"""The table of features: all are there, each in fields of its own, through the right eyes."""

from __future__ import annotations

from app.detectors.contract import Sighting
from app.detectors.markers import marker_label
from app.emulators.google.asked import Feature
from app.emulators.google.features import ANSWERING, annotate
from app.emulators.google.messages import image_answer
from app.emulators.images import ImageLimits
from app.emulators.looking import View, Viewer
from app.emulators.script import Behaviour, Script
from tests.support.google_seen import wishes
from tests.support.marker_scenes import Pixels, plain, stored
from tests.support.seen import marker

FIELDS = {
    "FACE_DETECTION": {"faceAnnotations"},
    "LANDMARK_DETECTION": {"landmarkAnnotations"},
    "LOGO_DETECTION": {"logoAnnotations"},
    "LABEL_DETECTION": {"labelAnnotations"},
    "TEXT_DETECTION": {"textAnnotations", "fullTextAnnotation"},
    "DOCUMENT_TEXT_DETECTION": {"textAnnotations", "fullTextAnnotation"},
    "SAFE_SEARCH_DETECTION": {"safeSearchAnnotation"},
    "IMAGE_PROPERTIES": {"imagePropertiesAnnotation"},
    "CROP_HINTS": {"cropHintsAnnotation"},
    "WEB_DETECTION": {"webDetection"},
    "OBJECT_LOCALIZATION": {"localizedObjectAnnotations"},
}


class Eyes:
    """They see one marker."""

    def __init__(self, marker_id: int) -> None:
        self._seen: list[Sighting] = [marker(marker_id)]

    def look(self, rgb: Pixels) -> list[Sighting]:
        return self._seen


def view() -> View:
    """Eyes for objects that see 20, which is a logo and a landmark too, and eyes for faces that see 7."""
    viewer = Viewer(Eyes(20), Eyes(7), Script(Behaviour(), seed=0))
    return viewer.view(stored(plain(400, 200)), ImageLimits(1), None)


def test_every_feature_is_answered_but_product_search() -> None:
    assert set(ANSWERING) == set(Feature) - {Feature.PRODUCT_SEARCH}
    assert set(FIELDS) == set(ANSWERING)


def test_each_writes_its_own_fields_and_all_of_them_are_the_vendors() -> None:
    for feature, fields in FIELDS.items():
        assert set(annotate(view(), wishes(feature))) == fields
    everything = annotate(view(), wishes(*FIELDS))
    assert set(everything) == set.union(*FIELDS.values())
    assert image_answer(everything).ByteSize() > 0


def test_faces_have_eyes_of_their_own() -> None:
    found = annotate(view(), wishes("FACE_DETECTION", "OBJECT_LOCALIZATION"))
    assert found["localizedObjectAnnotations"][0]["name"] == marker_label(20)
    assert found["faceAnnotations"][0]["panAngle"] == 7 % 21 - 10


def test_of_both_kinds_of_text_the_dense_one_wins() -> None:
    for order in (("TEXT_DETECTION", "DOCUMENT_TEXT_DETECTION"), ("DOCUMENT_TEXT_DETECTION", "TEXT_DETECTION")):
        found = annotate(view(), wishes(*order))
        assert "confidence" in found["fullTextAnnotation"]["pages"][0]["blocks"][0]
