"""Operations without an image: face collections (kept in memory, always empty of faces) and Custom Labels projects.

They are here so that requests which cannot be gridded have something to be passed through to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from app.emulators.rekognition.errors import ServiceError, invalid_parameter, resource_not_found
from app.emulators.rekognition.parameters import Json, required_text

FACE_MODEL_VERSION = "7.0"
COLLECTION_ID = re.compile(r"[\w.\-]{1,255}", re.ASCII)
ARN_START = "arn:aws:rekognition:us-east-1:000000000000:collection/"
FIRST_CREATED_S, PER_COLLECTION_S = 1_700_000_000.0, 60.0
"""Creation times are made up, one minute apart, so that answers are repeatable."""


class Collections:
    """The collections that exist. One collection is there from the start."""

    def __init__(self) -> None:
        self._created_s = {"people": FIRST_CREATED_S}

    def create(self, body: Json) -> Json:
        name = _name(body)
        if name in self._created_s:
            raise ServiceError("ResourceAlreadyExistsException", f"The collection id: {name} already exists")
        self._created_s[name] = FIRST_CREATED_S + PER_COLLECTION_S * len(self._created_s)
        return {"StatusCode": 200, "CollectionArn": ARN_START + name, "FaceModelVersion": FACE_MODEL_VERSION}

    def delete(self, body: Json) -> Json:
        self._created_s.pop(self._existing(body))
        return {"StatusCode": 200}

    def list(self, _: Json) -> Json:
        names = sorted(self._created_s)
        return {"CollectionIds": names, "FaceModelVersions": [FACE_MODEL_VERSION] * len(names)}

    def describe(self, body: Json) -> Json:
        name = self._existing(body)
        return {
            "FaceCount": 0,
            "FaceModelVersion": FACE_MODEL_VERSION,
            "CollectionARN": ARN_START + name,
            "CreationTimestamp": self._created_s[name],
            "UserCount": 0,
        }

    def list_faces(self, body: Json) -> Json:
        self._existing(body)
        return {"Faces": [], "FaceModelVersion": FACE_MODEL_VERSION}

    def _existing(self, body: Json) -> str:
        name = _name(body)
        if name not in self._created_s:
            raise resource_not_found(f"The collection id: {name} does not exist")
        return name


def _name(body: Json) -> str:
    name = required_text(body, "CollectionId")
    if not COLLECTION_ID.fullmatch(name):
        raise invalid_parameter("CollectionId has characters that are not allowed")
    return name


def _describe_projects(_: Collections, __: Json) -> Json:
    """No projects: models are named by their ARN and need none."""
    return {"ProjectDescriptions": []}


PLAIN_OPERATIONS: Mapping[str, Callable[[Collections, Json], Json]] = {
    "CreateCollection": Collections.create,
    "DeleteCollection": Collections.delete,
    "ListCollections": Collections.list,
    "DescribeCollection": Collections.describe,
    "ListFaces": Collections.list_faces,
    "DescribeProjects": _describe_projects,
}
"""Operations that need no image, by name."""
