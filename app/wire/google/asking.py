"""Images asked about -> calls that may share a sheet, and the rest that cannot.

Griddable features of an image become one call with an inquiry each; the others go to the vendor in one request of its own,
with just those images and features, and with what a price list says is cheaper there. An image that cannot be asked about at
all is refused by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import orjson
import pybase64

from app.core.buckets import AllowedBuckets
from app.core.clients import Clients, Tenant
from app.core.labels import DETECTION
from app.core.model import Feature, Inquiry, RawRequest, canonical_json
from app.core.moderation import DEFAULT_THRESHOLD_UNIT
from app.core.moderation_words import GOOGLE_CATEGORIES
from app.core.prices import PriceList, Shareable
from app.errors import Kind, Problem
from app.wire.contract import Call, Calls, ImageSource, InlineImage, LinkedImage, Rest, Wishes
from app.wire.google.buckets import GS, require_allowed
from app.wire.google.paths import ANNOTATE
from app.wire.google.query import Form
from app.wire.google.refusals import VENDOR
from app.wire.google.request import Asked, AskedImage

FEATURES: Mapping[str, Feature] = MappingProxyType(
    {
        "OBJECT_LOCALIZATION": Feature.OBJECTS,
        "FACE_DETECTION": Feature.FACES,
        "LANDMARK_DETECTION": Feature.LANDMARKS,
        "LOGO_DETECTION": Feature.LOGOS,
        "TEXT_DETECTION": Feature.TEXT,
        "DOCUMENT_TEXT_DETECTION": Feature.TEXT,
        "LABEL_DETECTION": Feature.LABELS,
        "SAFE_SEARCH_DETECTION": Feature.MODERATION,
    }
)
"""What can share a sheet, by the vendor's names."""
OTHERS = frozenset({"IMAGE_PROPERTIES", "CROP_HINTS", "WEB_DETECTION", "PRODUCT_SEARCH"})
"""What cannot: answers about the whole image, or about a product set."""
_NAMES = MappingProxyType({feature: name for name, feature in FEATURES.items()})
DOCUMENT, SPARSE = "DOCUMENT_TEXT_DETECTION", "TEXT_DETECTION"

FORMATS = frozenset({"jpeg", "png", "webp"})
# Beginnings of files that the vendor reads and that cannot share a sheet: GIF, BMP, TIFF, ICO, PDF.
_FOREIGN_FORMATS = (b"GIF8", b"BM", b"II*\0", b"MM\0*", b"\0\0\1\0", b"%PDF")
# "Supported files" of Cloud Vision: 20 MB an image.
MAX_IMAGE_BYTES = 20 * 1024 * 1024
# Results of a feature where maxResults is not given; widely seen, the vendor states none.
DEFAULT_RESULTS = 10
# Parts of an image's context that change how text is read.
_TEXT_CONTEXT = ("languageHints", "textDetectionParams")
PLAN = "plan"
_REST_PATH = "/v1/images:annotate"


@dataclass(frozen=True, slots=True)
class GoogleOptions:
    """What the operator decides, and what stands behind.

    `prices`: of the provider, where it speaks this vendor's language. `sheet_share`: what one image pays of a full sheet;
    `group_share`: of a question about unsafe content, all rounds together. `buckets`: those that a request may name. `offered`:
    what the provider finds; the rest of what could be gridded is part of the rest, so that what it does find is not lost with
    it. `behind`: the vendor whose language the provider speaks. `clients`: who is let in. `classify`: "detection" where labels
    are to come out of objects; otherwise Google itself is asked for them in its own words, where it is the provider.
    """

    prices: PriceList | None = None
    sheet_share: float = 0.5
    group_share: float = 0.5
    buckets: AllowedBuckets = field(default_factory=AllowedBuckets)
    offered: frozenset[Feature] = frozenset(FEATURES.values())
    behind: str = ""
    clients: Clients = field(default_factory=Clients)
    classify: str | None = None

    def can_place(self, name: str) -> bool:
        """Whether the pipeline can be asked for this feature."""
        feature = FEATURES.get(name)
        if feature is Feature.LABELS and self.prices is not None and self.classify != DETECTION:
            return False
        return feature in self.offered


@dataclass(frozen=True, slots=True)
class Plan:
    """How the answers of a batch's parts come together again: `places` of the calls, `rest_places` of the rest's images.

    `behind`: the vendor that is asked.
    """

    form: Form
    images: int
    places: tuple[int, ...]
    rest_places: tuple[int, ...]
    refused: Mapping[int, Problem]
    behind: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose batch it is, and what the caller wishes."""

    endpoint: str
    tenant: Tenant
    wishes: Wishes


@dataclass(frozen=True, slots=True)
class _Split:
    """One image's features: those that can share a sheet, and the names of the rest."""

    placed: tuple[str, ...] = ()
    rest: frozenset[str] = frozenset()


def calls_of(asked: Asked, caller: Caller, options: GoogleOptions, form: Form, path: str | None) -> Calls:
    """All parts of a batch. `path`: that of the REST request that it came with, if it did."""
    calls: list[Call] = []
    places: list[int] = []
    rest: dict[int, tuple[AskedImage, frozenset[str]]] = {}
    refused: dict[int, Problem] = {}
    for place, image in enumerate(asked.images):
        try:
            split = _split(image, options)
        except Problem as problem:
            refused[place] = problem
            continue
        if split.placed:
            calls.append(_call(image, split.placed, caller))
            places.append(place)
        if split.rest:
            rest[place] = (image, split.rest)
    plan = Plan(form, len(asked.images), tuple(places), tuple(rest), refused, options.behind)
    return Calls(tuple(calls), _rest(asked, list(rest.values()), path), {PLAN: plan}, plan.images, caller.tenant)


def _split(image: AskedImage, options: GoogleOptions) -> _Split:
    """Raises Problem for an image that cannot be asked about."""
    features = _features(image)
    if not features or not (image.content or image.uri):
        raise Problem(Kind.MISSING_IMAGE, "")
    if image.uri.lower().startswith(GS):
        require_allowed(image.uri, options.buckets)
    names = frozenset(_name(feature) for feature in features)
    can_share = tuple(
        name for name in FEATURES if name in names and options.can_place(name) and not (name == SPARSE and DOCUMENT in names)
    )
    rest = frozenset(name for name in names if not options.can_place(name))
    placed = _placed(image, can_share, rest, options)
    return _Split(placed, rest.union(can_share).difference(placed)) if placed else _Split(rest=names)


def _placed(image: AskedImage, can_share: tuple[str, ...], rest: frozenset[str], options: GoogleOptions) -> tuple[str, ...]:
    """What had better be asked for on sheets: not what is cheaper beside the rest, nor a file that only the vendor reads."""
    if options.prices is None:
        return can_share
    if image.content.startswith(_FOREIGN_FORMATS):
        return ()
    better = options.prices.better_on_sheets([_shareable(name, options) for name in can_share], rest)
    return tuple(name for name in can_share if name in better)


def _shareable(name: str, options: GoogleOptions) -> Shareable:
    feature = FEATURES[name]
    on_sheet = name if feature.on_sheet is feature else _NAMES[feature.on_sheet]
    return Shareable(name, on_sheet, options.group_share if feature is Feature.MODERATION else options.sheet_share)


def _features(image: AskedImage) -> list[dict[str, Any]]:
    features: list[dict[str, Any]] = image.told.get("features", [])
    return features


def _name(feature: Mapping[str, Any]) -> str:
    """The vendor's name of a feature; numbers that are none arrive as numbers, and 0 as nothing."""
    name = feature.get("type", "TYPE_UNSPECIFIED")
    if name not in FEATURES and name not in OTHERS:
        raise Problem(Kind.INVALID_PARAMETER, f"Unsupported feature type: {name}.")
    if feature.get("maxResults", 0) < 0:
        raise Problem(Kind.INVALID_PARAMETER, "The number of results cannot be negative.")
    return str(name)


def _call(image: AskedImage, names: tuple[str, ...], caller: Caller) -> Call:
    source: ImageSource = InlineImage(image.content) if image.content else LinkedImage(image.uri)
    return Call(
        endpoint=caller.endpoint,
        operation=ANNOTATE,
        tenant=caller.tenant,
        source=source,
        inquiries=tuple(_inquiry(image, name) for name in names),
        wishes=caller.wishes,
        formats=FORMATS,
        max_image_bytes=MAX_IMAGE_BYTES,
    )


def _inquiry(image: AskedImage, name: str) -> Inquiry:
    """A feature that is asked for twice counts once, with the larger number of results."""
    asked = [feature for feature in _features(image) if feature["type"] == name]
    most = max(feature.get("maxResults", 0) for feature in asked)
    model = next((feature["model"] for feature in asked if feature.get("model")), "")
    feature = {"type": name} | ({"maxResults": most} if most else {}) | ({"model": model} if model else {})
    context = image.told.get("imageContext", {})
    is_moderation = FEATURES[name] is Feature.MODERATION
    return Inquiry(
        feature=FEATURES[name],
        parameters=canonical_json(_parameters(name, model, context)),
        # From POSSIBLE on an image counts as unsafe: its client gets an answer of its own, and not that of a clean group.
        min_score_unit=DEFAULT_THRESHOLD_UNIT if is_moderation else None,
        max_results=None if is_moderation else most or DEFAULT_RESULTS,
        own_vendor=VENDOR,
        own_request=canonical_json({"features": [feature]} | ({"imageContext": context} if context else {})),
        categories=GOOGLE_CATEGORIES if is_moderation else (),
    )


def _parameters(name: str, model: str, context: Mapping[str, Any]) -> dict[str, Any]:
    """What changes the inference, and so who may share a sheet."""
    parameters: dict[str, Any] = {"model": model} if model else {}
    if FEATURES[name] is Feature.TEXT:
        reading = {member: context[member] for member in _TEXT_CONTEXT if member in context}
        parameters |= {"imageContext": reading} if reading else {}
        parameters |= {"document": True} if name == DOCUMENT else {}
    return parameters


def _rest(asked: Asked, images: list[tuple[AskedImage, frozenset[str]]], path: str | None) -> Rest | None:
    """The vendor's own REST request for what cannot share a sheet. A parent in the path stays there."""
    if not images:
        return None
    body: dict[str, Any] = {"requests": [_own_words(image, names) for image, names in images]}
    if asked.parent:
        body["parent"] = asked.parent
    if asked.labels:
        body["labels"] = dict(asked.labels)
    headers = {"content-type": "application/json"}
    request = RawRequest("POST", path or _REST_PATH, "", headers, orjson.dumps(body))
    return Rest(request, VENDOR, tuple(names for _, names in images))


def _own_words(image: AskedImage, names: frozenset[str]) -> dict[str, Any]:
    features = [feature for feature in _features(image) if feature["type"] in names]
    if image.content:
        shown: dict[str, Any] = {"content": pybase64.b64encode_as_string(image.content)}
    else:
        shown = {"source": {"imageUri": image.uri}}
    return {**image.told, "features": features, "image": shown}
