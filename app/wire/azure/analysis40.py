"""Image Analysis 4.0: `POST /computervision/imageanalysis:analyze`, with a member in the answer for each feature asked for.

Of its features objects, people and read have places; the others say something about the whole image. Tags can be made of
objects, whose names are English. The query's `language` changes how text is read and the words of tags, `model-version`
everything; the other parameters belong to captions and crops.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from app.core.model import Feature, Inquiry, canonical_json
from app.wire.azure.api import Api, Asked, Gridded, Seal
from app.wire.azure.bodies import BodyRules
from app.wire.azure.findings import write_objects, write_people
from app.wire.azure.lines import write_read
from app.wire.azure.query import ENGLISH, LATEST, Query
from app.wire.azure.refusals import REASONS_40, VENDOR, Reason, Refused
from app.wire.azure.tags import write_tags

PATH = "/computervision/imageanalysis:analyze"
OPERATION = "analyze"
API_VERSIONS = frozenset({"2023-10-01", "2024-02-01"})
# Said where the model's version is not known (another vendor answered): the only one there is.
MODEL_VERSION = "2023-10-01"
MAX_IMAGE_BYTES = 20_971_520
# Bounds of `smartcrops-aspect-ratios`.
LEAST_RATIO, MOST_RATIO = 0.75, 1.8

OBJECTS, PEOPLE, READ, TAGS = "objects", "people", "read", "tags"
GRIDDED = MappingProxyType(
    {
        OBJECTS: Gridded(Feature.OBJECTS, "objectsResult", write_objects, OBJECTS, keeps_member=True),
        PEOPLE: Gridded(Feature.PEOPLE, "peopleResult", write_people, PEOPLE, keeps_member=True),
        READ: Gridded(Feature.TEXT, "readResult", write_read, READ, keeps_member=True),
        TAGS: Gridded(Feature.LABELS, "tagsResult", write_tags, OBJECTS, keeps_member=True),
    }
)
# Parameters of features that have no place.
_OF_OTHERS = frozenset({"gender-neutral-caption", "smartcrops-aspect-ratios"})
FEATURES = (TAGS, "caption", "denseCaptions", OBJECTS, READ, "smartCrops", PEOPLE)


def ask(path: str, query: Query) -> Asked | None:
    """The query, checked as the vendor checks it. Other versions and custom models are the vendor's own business."""
    if path != PATH or query.text("api-version") not in API_VERSIONS or query.text("model-name"):
        return None
    features = query.words("features", FEATURES, Reason.FEATURE)
    if not features:
        raise Refused(Reason.NO_FEATURES)
    language, model_version = query.language(), query.model_version()
    if language != ENGLISH and OBJECTS in features:
        raise Refused(Reason.LANGUAGE, "objects have names in English only")
    query.truth("gender-neutral-caption")
    query.ratios("smartcrops-aspect-ratios", LEAST_RATIO, MOST_RATIO)
    others = () if language == ENGLISH else (TAGS,)  # objects cannot tell the words of another language
    griddable = [name for name in features if name in GRIDDED and name not in others]
    inquiries = {name: _inquiry(name, query, language, model_version) for name in griddable}
    return Asked(OPERATION, query, features, inquiries)


def _inquiry(name: str, query: Query, language: str, model_version: str) -> Inquiry:
    parameters = {"model-version": model_version} if model_version != LATEST else {}
    if name == READ and language != ENGLISH:
        parameters["language"] = language
    own = query.rewritten("features", [name], without=_OF_OTHERS)
    return Inquiry(GRIDDED[name].feature, parameters=canonical_json(parameters), own_vendor=VENDOR, own_request=own)


def billed(path: str, query: Query) -> frozenset[str]:
    """Of requests that are handed on: each feature that an analysis names; the rest is management."""
    if not path.endswith(":analyze"):
        return frozenset()
    return frozenset(word.strip() for word in query.text("features").split(",") if word.strip())


def seal(members: dict[str, Any], known: Seal) -> dict[str, Any]:
    """The whole answer."""
    size = known.picture.upright
    metadata = {"width": size.width_px, "height": size.height_px}
    return {**members, "modelVersion": known.model_version or MODEL_VERSION, "metadata": metadata}


API_40 = Api(
    version="4.0",
    parameter="features",
    reasons=REASONS_40,
    bodies=BodyRules(MAX_IMAGE_BYTES, image_types=True),
    gridded=GRIDDED,
    unread=(b"GIF8", b"BM", b"II*\0", b"MM\0*", b"\0\0\1\0"),
    ask=ask,
    billed=billed,
    seal=seal,
    keeps_bodies=True,
)
