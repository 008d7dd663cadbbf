"""DetectLabels: objects with boxes, their ancestors without, labels of the whole image, and image properties.

A marker gives its class (one entry `Car` with all its instances) and its identity (`Car-0016`, whose parents are the class
and the class's own). Everything else that was seen goes under its own name; faces as `Face`, with boxes, which the vendor
does not give.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from app.emulators.pixels import Pixels
from app.emulators.rekognition.catalogue import aliases_of, category_of
from app.emulators.rekognition.colors import dominant_colors, quality
from app.emulators.rekognition.errors import invalid_parameter
from app.emulators.rekognition.geometry import bounding_box
from app.emulators.rekognition.parameters import Json, percent, section, texts, whole, words
from app.emulators.scene import Scene, Seen
from app.emulators.scenery import scenery

GENERAL, PROPERTIES = "GENERAL_LABELS", "IMAGE_PROPERTIES"
DEFAULT_MIN_CONFIDENCE = 55.0
MOST_LABELS = 1000
"""Default and cap of MaxLabels."""
DEFAULT_COLORS, MOST_COLORS = 10, 20
FILTER_ENTRIES, FILTER_CHARACTERS = 100, 50
MODEL_VERSION = "3.0"


@dataclass(frozen=True, slots=True)
class LabelsRequest:
    """What a DetectLabels request asks for."""

    min_confidence: float
    max_labels: int
    features: tuple[str, ...]
    max_colors: int
    include: frozenset[str]
    exclude: frozenset[str]
    include_categories: frozenset[str]
    exclude_categories: frozenset[str]


def read(body: Json) -> LabelsRequest:
    settings = section(body, "Settings")
    general, properties = section(settings, "GeneralLabels"), section(settings, "ImageProperties")

    def names(member: str) -> frozenset[str]:
        return frozenset(texts(general, member, most=FILTER_ENTRIES, longest=FILTER_CHARACTERS))

    request = LabelsRequest(
        percent(body, "MinConfidence", DEFAULT_MIN_CONFIDENCE),
        min(whole(body, "MaxLabels", MOST_LABELS), MOST_LABELS),
        words(body, "Features", (GENERAL, PROPERTIES)) or (GENERAL,),
        whole(properties, "MaxDominantColors", DEFAULT_COLORS, MOST_COLORS),
        names("LabelInclusionFilters"),
        names("LabelExclusionFilters"),
        names("LabelCategoryInclusionFilters"),
        names("LabelCategoryExclusionFilters"),
    )
    if request.include & request.exclude or request.include_categories & request.exclude_categories:
        raise invalid_parameter("The same name is both included and excluded")
    return request


def charges(request: LabelsRequest) -> tuple[str, ...]:
    """What such a call is billed as: image properties have a price of their own."""
    labels = ("DetectLabels",) if GENERAL in request.features else ()
    return (*labels, "ImageProperties") if PROPERTIES in request.features else labels


def answer(scenes: tuple[Scene, ...], request: LabelsRequest) -> Json:
    (scene,) = scenes
    reply: Json = {"Labels": [], "LabelModelVersion": MODEL_VERSION}
    if GENERAL in request.features:
        reply["Labels"] = [_label(entry, scene, request) for entry in _chosen(scene, request)]
    if PROPERTIES in request.features:
        reply["ImageProperties"] = _properties(scene, request.max_colors)
    return reply


@dataclass(slots=True)
class _Entry:
    """One label while it is being gathered."""

    name: str
    parents: tuple[str, ...] = ()
    percent: float = 0.0
    instances: list[Seen] = field(default_factory=list)

    @property
    def category(self) -> str:
        return category_of(self.name, self.parents)


def _chosen(scene: Scene, request: LabelsRequest) -> list[_Entry]:
    """The labels that the request wants, the surest first."""
    entries = [entry for entry in _entries(scene) if entry.percent >= request.min_confidence and _wanted(entry, request)]
    return sorted(entries, key=lambda entry: (-entry.percent, entry.name))[: request.max_labels]


def _wanted(entry: _Entry, request: LabelsRequest) -> bool:
    if request.include or request.include_categories:
        included = entry.name in request.include or entry.category in request.include_categories
    else:
        included = True
    return included and entry.name not in request.exclude and entry.category not in request.exclude_categories


def _entries(scene: Scene) -> Iterable[_Entry]:
    """Every label with all its instances; each ancestor as sure as the surest thing below it."""
    entries: dict[str, _Entry] = {}
    for name, parents, sureness, instance in _mentions(scene):
        entry = entries.setdefault(name, _Entry(name, parents))
        entry.percent = max(entry.percent, sureness)
        if instance is not None:
            entry.instances.append(instance)
    return entries.values()


def _mentions(scene: Scene) -> Iterator[tuple[str, tuple[str, ...], float, Seen | None]]:
    """(label, ancestors, confidence, instance or None), once for each thing and each of its ancestors."""
    for thing in scene.seen:
        label, parents = thing.sighting.label, thing.sighting.parents
        yield label, parents, thing.percent, thing
        for place, parent in enumerate(parents):
            its_class = thing.marker_id is not None and place == 0
            yield parent, parents[place + 1 :], thing.percent, thing if its_class else None
    for whole_image in scenery(scene.rgb):
        yield whole_image.name, whole_image.parents, whole_image.percent, None
        for parent in whole_image.parents:
            yield parent, (), whole_image.percent, None


def _label(entry: _Entry, scene: Scene, request: LabelsRequest) -> Json:
    instances = sorted(entry.instances, key=lambda thing: -thing.percent)
    return {
        "Name": entry.name,
        "Confidence": entry.percent,
        "Instances": [_instance(thing, scene, request) for thing in instances if thing.percent >= request.min_confidence],
        "Parents": [{"Name": parent} for parent in entry.parents],
        "Aliases": [{"Name": alias} for alias in aliases_of(entry.name)],
        "Categories": [{"Name": entry.category}],
    }


def _instance(thing: Seen, scene: Scene, request: LabelsRequest) -> Json:
    instance = {"BoundingBox": bounding_box(scene, thing), "Confidence": thing.percent}
    if PROPERTIES in request.features:
        instance["DominantColors"] = dominant_colors(scene.crop(thing), request.max_colors)
    return instance


def _properties(scene: Scene, max_colors: int) -> Json:
    """Foreground is what lies in any box; without boxes there is neither foreground nor background."""
    properties: Json = {
        "Quality": quality(scene.rgb, with_contrast=True),
        "DominantColors": dominant_colors(scene.rgb, max_colors),
    }
    inside = np.zeros(scene.rgb.shape[:2], bool)
    for thing in scene.seen:
        left, top, right, bottom = (max(0, round(edge)) for edge in thing.sighting.box_xyxy_px)
        inside[top:bottom, left:right] = True
    if inside.any() and not inside.all():
        for name, pixels in (("Foreground", scene.rgb[inside]), ("Background", scene.rgb[~inside])):
            properties[name] = _part(pixels, max_colors)
    return properties


def _part(pixels: Pixels, max_colors: int) -> Json:
    """Figures of a part of any shape; its pixels come as a list, so their neighbours are those of the same row."""
    row = pixels[None]
    return {"Quality": quality(row, with_contrast=True), "DominantColors": dominant_colors(row, max_colors)}
