"""Operations without an image."""

from __future__ import annotations

from typing import Any

import pytest

from app.emulators.rekognition.collections import PLAIN_OPERATIONS, Collections
from app.emulators.rekognition.errors import ServiceError
from tests.support.seen import check_against_model


def asked(operation: str, collections: Collections, **members: Any) -> Any:
    reply = PLAIN_OPERATIONS[operation](collections, members)
    check_against_model(operation, reply)
    return reply


def test_one_collection_is_there_from_the_start() -> None:
    collections = Collections()
    assert asked("ListCollections", collections)["CollectionIds"] == ["people"]
    assert asked("DescribeCollection", collections, CollectionId="people")["FaceCount"] == 0
    assert asked("ListFaces", collections, CollectionId="people")["Faces"] == []


def test_collections_come_and_go() -> None:
    collections = Collections()
    made = asked("CreateCollection", collections, CollectionId="staff")
    assert made["CollectionArn"].endswith(":collection/staff")
    assert asked("ListCollections", collections)["CollectionIds"] == ["people", "staff"]
    assert asked("DescribeCollection", collections, CollectionId="staff")["CollectionARN"] == made["CollectionArn"]
    assert asked("DeleteCollection", collections, CollectionId="people") == {"StatusCode": 200}
    assert asked("ListCollections", collections)["CollectionIds"] == ["staff"]


@pytest.mark.parametrize(
    ("operation", "name", "code"),
    [
        ("CreateCollection", "people", "ResourceAlreadyExistsException"),
        ("CreateCollection", "a b", "InvalidParameterException"),
        ("CreateCollection", "", "InvalidParameterException"),
        ("CreateCollection", None, "InvalidParameterException"),
        ("DescribeCollection", "absent", "ResourceNotFoundException"),
        ("DeleteCollection", "absent", "ResourceNotFoundException"),
        ("ListFaces", "absent", "ResourceNotFoundException"),
    ],
)
def test_names_are_checked(operation: str, name: str | None, code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        asked(operation, Collections(), CollectionId=name)
    assert caught.value.code == code


def test_there_are_no_projects() -> None:
    assert asked("DescribeProjects", Collections()) == {"ProjectDescriptions": []}
