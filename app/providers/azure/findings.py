"""The findings of one answer, feature by feature. Pure; called by `parse` with the feature's list.

`Detection.fields` holds what the Azure dialect needs to write the finding again, with geometry typed (see `trees`):

    OBJECTS   {"object": item}; the label is the name of its best tag
    PEOPLE    {"person": item}; the label is "person". People of whom the vendor is unsure are findings, too
    TEXT      one per word: {"line": int, "word": item, "block": int}. Numbers are unique in the answer and in reading order,
              and so are the detections; a line's own text and polygon are left out: on a sheet it may reach into two images
    FACES     {"face": item}; the label is "face". Azure voices no doubt of a face
    LOGOS     {"brand": item}; the label is the brand's name
    LABELS, MODERATION  of the whole image, see `whole`

For a finding that is broken there is a None; its neighbours stand.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from app.core.model import Detection, Feature, Tree
from app.providers.answers import Broken, checked, entries, or_none, text
from app.providers.azure.features import VENDOR
from app.providers.azure.trees import Frame, hull, score_of
from app.providers.azure.whole import adult, tags

_Object: TypeAlias = dict[str, Any]
_Found: TypeAlias = Detection | None

_PERSON, _FACE = "person", "face"


def _objects(items: list[Any], frame: Frame) -> Iterator[_Found]:
    def read(item: _Object) -> Detection:
        label, score_unit = _best_tag(item)
        box = frame.box(item.get("boundingBox"))
        return Detection(Feature.OBJECTS, label, score_unit, box, VENDOR, {"object": frame.fields(item)})

    return (or_none(read, item) for item in items)


def _best_tag(item: _Object) -> tuple[str, float]:
    tags = [(text(tag, "name"), score_of(tag)) for tag in map(checked, entries(item, "tags"))]
    if not tags:
        raise Broken("an object without a name")
    return max(tags, key=lambda tag: tag[1])  # the first of equals


def _people(items: list[Any], frame: Frame) -> Iterator[_Found]:
    def read(item: _Object) -> Detection:
        box = frame.box(item.get("boundingBox"))
        return Detection(Feature.PEOPLE, _PERSON, score_of(item), box, VENDOR, {"person": frame.fields(item)})

    return (or_none(read, item) for item in items)


def _words(blocks: list[Any], frame: Frame) -> Iterator[_Found]:
    numbers = itertools.count()
    for block, entry in enumerate(blocks):
        lines = entries(entry, "lines") if isinstance(entry, dict) else [entry]
        for line in lines:
            yield from _words_of_line(line, next(numbers), block, frame)


def _words_of_line(line: Any, number_of_line: int, block: int, frame: Frame) -> Iterator[_Found]:
    def read(word: _Object) -> Detection:
        fields = frame.fields(word)
        box = hull(fields.get("boundingPolygon"))
        placed: dict[str, Tree] = {"line": number_of_line, "word": fields, "block": block}
        return Detection(Feature.TEXT, text(word, "text"), score_of(word), box, VENDOR, placed)

    words = entries(line, "words") if isinstance(line, dict) else [line]
    return (or_none(read, word) for word in words)


def _faces(items: list[Any], frame: Frame) -> Iterator[_Found]:
    def read(item: _Object) -> Detection:
        box = frame.box(item.get("faceRectangle"))
        return Detection(Feature.FACES, _FACE, score_of(item), box, VENDOR, {"face": frame.fields(item)})

    return (or_none(read, item) for item in items)


def _brands(items: list[Any], frame: Frame) -> Iterator[_Found]:
    def read(item: _Object) -> Detection:
        box = frame.box(item.get("rectangle"))
        return Detection(Feature.LOGOS, text(item, "name"), score_of(item), box, VENDOR, {"brand": frame.fields(item)})

    return (or_none(read, item) for item in items)


FINDERS: Mapping[Feature, Callable[[list[Any], Frame], Iterator[_Found]]] = {
    Feature.OBJECTS: _objects,
    Feature.PEOPLE: _people,
    Feature.TEXT: _words,
    Feature.FACES: _faces,
    Feature.LOGOS: _brands,
    Feature.LABELS: tags,
    Feature.MODERATION: adult,
}
