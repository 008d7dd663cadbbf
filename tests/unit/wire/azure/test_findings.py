"""Findings of Azure keep every member, with pixels of this image; those of others get the smallest item the SDKs read."""

from __future__ import annotations

from app.core.geometry import Size, UnitBox
from app.core.model import Feature, Tree
from app.wire.azure.findings import write_brands, write_faces, write_objects, write_old_objects, write_people
from tests.support.wire import detection

SIZE = Size(200, 100)
BOX = UnitBox(0.1, 0.2, 0.3, 0.4)
RECT = {"x": 20, "y": 20, "w": 40, "h": 20}
OWN_OBJECT: Tree = {"boundingBox": BOX, "tags": [{"name": "Dog", "confidence": 0.9}], "id": "7"}
OWN = detection("Dog", 0.9, BOX, vendor="azure", fields={"object": OWN_OBJECT})
OWN_ITEM: Tree = {"boundingBox": BOX, "confidence": 0.2, "new": 1}
OWN_PERSON = detection("person", 0.2, BOX, feature=Feature.PEOPLE, vendor="azure", fields={"person": OWN_ITEM})
STRANGER = detection("Sports Car", 0.912345678, BOX, vendor="rekognition", fields={"object": {"boundingBox": BOX}})
PLACELESS = detection("Outdoors", 0.9, None, vendor="rekognition")


def test_nothing_found_is_an_empty_list() -> None:
    assert write_objects([], SIZE) == {"values": []} == write_people([], SIZE)
    assert write_old_objects([], SIZE) == [] == write_faces([], SIZE) == write_brands([], SIZE)


def test_objects() -> None:
    assert write_objects([OWN, STRANGER, PLACELESS], SIZE) == {
        "values": [
            {"boundingBox": RECT, "tags": [{"name": "Dog", "confidence": 0.9}], "id": "7"},
            {"boundingBox": RECT, "tags": [{"name": "sports car", "confidence": 0.912346}]},
        ]
    }


def test_people() -> None:
    assert write_people([OWN_PERSON, STRANGER, PLACELESS], SIZE) == {
        "values": [{"boundingBox": RECT, "confidence": 0.2, "new": 1}, {"boundingBox": RECT, "confidence": 0.912346}]
    }


def test_members_of_3_2() -> None:
    found = [OWN, STRANGER, PLACELESS]
    assert write_old_objects(found, SIZE) == [
        {"rectangle": RECT, "object": "Dog", "confidence": 0.9},
        {"rectangle": RECT, "object": "sports car", "confidence": 0.912346},
    ]
    assert write_faces(found, SIZE) == [{"faceRectangle": {"left": 20, "top": 20, "width": 40, "height": 20}}] * 2
    assert [brand["name"] for brand in write_brands(found, SIZE)] == ["Dog", "Sports Car"]
    assert write_brands([OWN], SIZE) == [{"name": "Dog", "confidence": 0.9, "rectangle": RECT}]


def test_own_items_of_3_2_keep_their_members() -> None:
    face: Tree = {"faceRectangle": BOX, "age": 30}
    brand: Tree = {"name": "Dog", "confidence": 0.9, "rectangle": BOX, "new": 1}
    own_face = detection("face", 1.0, BOX, feature=Feature.FACES, vendor="azure", fields={"face": face})
    own_brand = detection("Dog", 0.9, BOX, feature=Feature.LOGOS, vendor="azure", fields={"brand": brand})
    rectangle = {"left": 20, "top": 20, "width": 40, "height": 20}
    assert write_faces([own_face], SIZE) == [{"faceRectangle": rectangle, "age": 30}]
    assert write_brands([own_brand], SIZE) == [{"name": "Dog", "confidence": 0.9, "rectangle": RECT, "new": 1}]


def test_a_finding_of_azure_without_its_item_is_written_like_any_other() -> None:
    bare = detection("dog", 1.5, BOX, vendor="azure")
    assert write_objects([bare], SIZE) == {"values": [{"boundingBox": RECT, "tags": [{"name": "dog", "confidence": 1.0}]}]}
