"""Image Analysis 3.2: `POST /vision/v3.2/analyze` with its visual features, and `/detect`, which is Objects on its own.

Objects, Faces and Brands have places; Adult is asked of groups of images, Tags can be made of objects, whose names are English.
`details` stand inside the categories of an answer, and go with them. `language` does not touch what has places; a
`model-version` of this API is unknown to 4.0, so that such requests are the vendor's own.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any

from app.core.model import Feature, Inquiry
from app.core.moderation import DEFAULT_THRESHOLD_UNIT
from app.core.moderation_words import AZURE_CATEGORIES
from app.wire.azure.api import Api, Asked, Gridded, Seal
from app.wire.azure.bodies import BodyRules
from app.wire.azure.findings import write_brands, write_faces, write_old_objects
from app.wire.azure.moderation import write_adult
from app.wire.azure.query import ENGLISH, LATEST, Query
from app.wire.azure.refusals import REASONS_32, Reason
from app.wire.azure.tags import write_old_tags

ANALYZE_PATH, DETECT_PATH = "/vision/v3.2/analyze", "/vision/v3.2/detect"
# Said where the model's version is not known (another vendor answered): the last one of this API.
MODEL_VERSION = "2021-05-01"
MAX_IMAGE_BYTES = 4 * 1024 * 1024

OBJECTS, FACES, BRANDS, CATEGORIES, TAGS, ADULT = "Objects", "Faces", "Brands", "Categories", "Tags", "Adult"
_SHEETS_OBJECTS = "objects"  # of 4.0, which knows where these are, too
GRIDDED = MappingProxyType(
    {
        OBJECTS: Gridded(Feature.OBJECTS, "objects", write_old_objects, _SHEETS_OBJECTS),
        FACES: Gridded(Feature.FACES, "faces", write_faces, FACES),
        BRANDS: Gridded(Feature.LOGOS, "brands", write_brands, BRANDS),
        TAGS: Gridded(Feature.LABELS, "tags", write_old_tags, _SHEETS_OBJECTS),
        ADULT: Gridded(Feature.MODERATION, "adult", write_adult, ADULT, keeps_member=True),
    }
)
FEATURES = (CATEGORIES, TAGS, "Description", FACES, "ImageType", "Color", ADULT, OBJECTS, BRANDS)
DETAILS = ("Celebrities", "Landmarks")

# Operations of every version that are charged for, beside `analyze`, by what they look for; the rest is management.
_BILLED = MappingProxyType(
    {
        "analyze": CATEGORIES,
        "detect": OBJECTS,
        "tag": TAGS,
        "describe": "Description",
        "ocr": "ocr",
        "read/analyze": "read",
        "generatethumbnail": "thumbnail",
        "areaofinterest": "areaOfInterest",
        "models/celebrities/analyze": "Celebrities",
        "models/landmarks/analyze": "Landmarks",
    }
)
_OPERATION = re.compile(r"/vision/v[^/]+/(.+)", re.ASCII)


def ask(path: str, query: Query) -> Asked | None:
    """The query, checked as the vendor checks it. Without any feature or detail `analyze` answers with the categories."""
    if path == DETECT_PATH:
        return _asked("v3.2/detect", query, (OBJECTS,))
    if path != ANALYZE_PATH:
        return None
    features = query.words("visualFeatures", FEATURES, Reason.FEATURE)
    details = query.words("details", DETAILS, Reason.DETAILS)
    others = () if query.language() == ENGLISH else (TAGS,)  # objects cannot tell the words of another language
    return _asked("v3.2/analyze", query, features if features or details else (CATEGORIES,), details, others)


def _asked(
    operation: str, query: Query, features: tuple[str, ...], details: tuple[str, ...] = (), others: tuple[str, ...] = ()
) -> Asked:
    inquiries = {name: _inquiry(name) for name in features if name in GRIDDED and name not in others}
    return Asked(operation, query, features, inquiries, details, pinned=query.model_version() != LATEST)


def _inquiry(name: str) -> Inquiry:
    feature = GRIDDED[name].feature
    if feature is Feature.MODERATION:  # what the answer cannot say need not be asked alone
        return Inquiry(feature, min_score_unit=DEFAULT_THRESHOLD_UNIT, categories=AZURE_CATEGORIES)
    return Inquiry(feature)


def billed(path: str, query: Query) -> frozenset[str]:
    """Of requests that are handed on: each feature and detail is charged for."""
    operation = _OPERATION.fullmatch(path)
    name = operation.group(1).lower() if operation else ""
    if name not in _BILLED:
        return frozenset()
    lists = (query.text("visualFeatures"), query.text("details")) if name == "analyze" else ()
    words = frozenset(word.strip() for text in lists for word in text.split(",") if word.strip())
    return words or frozenset({_BILLED[name]})


def seal(members: dict[str, Any], known: Seal) -> dict[str, Any]:
    """The whole answer."""
    size = known.picture.upright
    metadata = {"height": size.height_px, "width": size.width_px, "format": known.picture.format.capitalize()}
    version = known.model_version or MODEL_VERSION
    return {**members, "requestId": known.request_id, "metadata": metadata, "modelVersion": version}


API_32 = Api(
    version="3.2",
    parameter="visualFeatures",
    reasons=REASONS_32,
    bodies=BodyRules(MAX_IMAGE_BYTES, image_types=False),
    gridded=GRIDDED,
    unread=(b"GIF8", b"BM"),
    ask=ask,
    billed=billed,
    seal=seal,
)
