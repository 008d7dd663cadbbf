"""The findings of one answer, feature by feature. Pure; called by `parse` with an AnnotateImageResponse as proto3 JSON.

`Detection.fields` holds what the Google dialect needs to write the finding again, with geometry typed (see `trees`):

    OBJECTS    {"object": LocalizedObjectAnnotation}   label: its name
    FACES      {"face": FaceAnnotation}                label: "Face", score: detectionConfidence
    LANDMARKS  {"landmark": EntityAnnotation}          label: its description
    LOGOS      {"logo": EntityAnnotation}              label: its description
    TEXT       one for each word, see `words`
    LABELS, MODERATION  of the whole image, without a box, see `whole`

`Detection.box` is the box around the finding's polygon (of a face: boundingPoly, the larger one), or None where it has no
vertex. For a finding that is broken there is a None; its neighbours stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.core.geometry import Size
from app.core.model import Detection, Feature
from app.providers.answers import Broken
from app.providers.google.features import VENDOR
from app.providers.google.trees import Object, hull, label_of, score_of, typed_fields
from app.providers.google.whole import labels, safe_search
from app.providers.google.words import words

_FACE = "Face"


@dataclass(frozen=True, slots=True)
class Listing:
    """Where an answer lists the findings of one feature, and how they say what they are. A face says nothing: it is one."""

    list_name: str
    field: str
    label_member: str
    score_member: str = "score"


LISTINGS: Mapping[Feature, Listing] = {
    Feature.OBJECTS: Listing("localizedObjectAnnotations", "object", "name"),
    Feature.FACES: Listing("faceAnnotations", "face", "", "detectionConfidence"),
    Feature.LANDMARKS: Listing("landmarkAnnotations", "landmark", "description"),
    Feature.LOGOS: Listing("logoAnnotations", "logo", "description"),
}


def find(feature: Feature, answer: Object, size: Size | None) -> Iterator[Detection | None]:
    """All findings of `feature`. `size`: of the image that was sent, as the vendor sees it.

    Raises Problem(PROVIDER_GARBLED) for an answer to MODERATION that says nothing.
    """
    match feature:
        case Feature.TEXT:
            return words(answer, size)
        case Feature.LABELS:
            return labels(answer)
        case Feature.MODERATION:
            return safe_search(answer)
        case _:
            return _listed(feature, answer, size)


def _listed(feature: Feature, answer: Object, size: Size | None) -> Iterator[Detection | None]:
    listing = LISTINGS[feature]
    for entry in answer.get(listing.list_name, ()):
        try:
            yield _read(feature, listing, entry, size)
        except Broken:
            yield None


def _read(feature: Feature, listing: Listing, entry: Object, size: Size | None) -> Detection:
    fields = typed_fields(entry, size)
    label = label_of(entry.get(listing.label_member)) if listing.label_member else _FACE
    score_unit = score_of(entry, listing.score_member)
    return Detection(feature, label, score_unit, hull(fields.get("boundingPoly")), VENDOR, {listing.field: fields})
