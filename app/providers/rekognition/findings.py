"""The findings of one answer, operation by operation. Pure; called by `parse` with an answer that is known to be an object.

`Detection.fields` holds what the Rekognition dialect needs to write the finding again, with geometry typed (see `trees`):

    OBJECTS               one per instance: {"label": its label without Instances, "instance": ..., "ancestors": [labels]}
    FACES                 {"face": ...}
    CELEBRITIES           {"celebrity": ...} or {"unrecognized": ...}
    PROTECTIVE_EQUIPMENT  {"person": ..., "summary": [names of the Summary lists with its Id]}; no "summary" without Summary
    CUSTOM_OBJECTS        {"custom_label": ...}; box None for a label of the whole image
    TEXT                  one per word: {"line": the Id of its line, "word": ..., "whole": the line, "words": how many it has}
    LABELS, MODERATION    of the whole image, see `whole`

Labels without instances (scenes, concepts) have no place in the image and cannot be attributed to a cell of a sheet: OBJECTS
leaves them out. An image that was sent alone still has them, in `Reading.verbatim`. For a finding that is broken, or whose box
is missing where the operation promises one, there is a None; its neighbours stand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from app.core.geometry import UnitBox
from app.core.model import Detection, Feature, Tree
from app.providers.answers import Broken, checked, entries, or_none, text
from app.providers.rekognition.operations import VENDOR
from app.providers.rekognition.trees import score_unit, typed_fields, unit_box
from app.providers.rekognition.whole import labels, moderation

_Object: TypeAlias = dict[str, Any]
_Fields: TypeAlias = dict[str, Tree]
_Found: TypeAlias = Detection | None


def _labels(answer: _Object) -> Iterator[_Found]:
    known = _labels_by_name(answer)
    for label in entries(answer, "Labels"):
        try:
            yield from _instances(checked(label), known)
        except Broken:
            yield None


def _instances(label: _Object, known: Mapping[str, _Fields]) -> list[_Found]:
    name, label_score_unit = text(label, "Name"), score_unit(label)
    entry = typed_fields(label, without="Instances")
    named = (parent.get("Name") for parent in entries(label, "Parents") if isinstance(parent, dict))
    ancestors: list[Tree] = [known[parent] for parent in dict.fromkeys(map(str, named)) if parent in known and parent != name]

    def read(instance: _Object) -> Detection:
        fields: _Fields = {"label": entry, "instance": typed_fields(instance), "ancestors": ancestors}
        sureness = score_unit(instance, otherwise=label_score_unit)
        return _detection(Feature.OBJECTS, name, sureness, _box(instance), fields)

    return [or_none(read, instance) for instance in entries(label, "Instances")]


def _labels_by_name(answer: _Object) -> dict[str, _Fields]:
    known: dict[str, _Fields] = {}
    for label in entries(answer, "Labels"):
        try:
            known.setdefault(text(checked(label), "Name"), typed_fields(label, without="Instances"))
        except Broken:
            continue
    return known


def _faces(answer: _Object) -> Iterator[_Found]:
    def read(face: _Object) -> Detection:
        return _detection(Feature.FACES, "Face", score_unit(face), _box(face), {"face": typed_fields(face)})

    return (or_none(read, face) for face in entries(answer, "FaceDetails"))


def _celebrities(answer: _Object) -> Iterator[_Found]:
    def read_known(entry: _Object) -> Detection:
        fields: _Fields = {"celebrity": typed_fields(entry)}
        sureness = score_unit(entry, member="MatchConfidence")
        return _detection(Feature.CELEBRITIES, text(entry, "Name"), sureness, _box(_object(entry, "Face")), fields)

    def read_unknown(face: _Object) -> Detection:
        fields: _Fields = {"unrecognized": typed_fields(face)}
        return _detection(Feature.CELEBRITIES, "Face", score_unit(face), _box(face), fields)

    yield from (or_none(read_known, entry) for entry in entries(answer, "CelebrityFaces"))
    yield from (or_none(read_unknown, face) for face in entries(answer, "UnrecognizedFaces"))


def _persons(answer: _Object) -> Iterator[_Found]:
    summary = answer.get("Summary")

    def read(person: _Object) -> Detection:
        fields: _Fields = {"person": typed_fields(person)}
        if isinstance(summary, dict):
            number_in_answer = person.get("Id")
            fields["summary"] = [name for name, ids in summary.items() if isinstance(ids, list) and number_in_answer in ids]
        return _detection(Feature.PROTECTIVE_EQUIPMENT, "Person", score_unit(person), _box(person), fields)

    return (or_none(read, person) for person in entries(answer, "Persons"))


def _custom_labels(answer: _Object) -> Iterator[_Found]:
    def read(label: _Object) -> Detection:
        geometry = label.get("Geometry") or {}
        box = unit_box(geometry["BoundingBox"]) if isinstance(geometry, dict) and geometry.get("BoundingBox") else None
        fields: _Fields = {"custom_label": typed_fields(label)}
        return _detection(Feature.CUSTOM_OBJECTS, text(label, "Name"), score_unit(label), box, fields)

    return (or_none(read, label) for label in entries(answer, "CustomLabels"))


def _words(answer: _Object) -> Iterator[_Found]:
    """Words by their lines. A line without any word (none is known to come) would be nobody's."""
    listed = entries(answer, "TextDetections")
    items = [entry for entry in listed if isinstance(entry, dict)]
    lines = {_line_id(item, "Id"): item for item in items if item.get("Type") == "LINE"}
    in_line = Counter(_line_id(item, "ParentId") for item in items if item.get("Type") != "LINE")

    def read(word: _Object) -> Detection:
        line_id = _line_id(word, "ParentId")
        if line_id is None or line_id not in lines:
            raise Broken("a word without a line")
        whole = typed_fields(lines[line_id])
        fields: _Fields = {"line": line_id, "word": typed_fields(word), "whole": whole, "words": in_line[line_id]}
        box = _box(_object(word, "Geometry"))
        return _detection(Feature.TEXT, text(word, "DetectedText"), score_unit(word), box, fields)

    words = (entry for entry in listed if not (isinstance(entry, dict) and entry.get("Type") == "LINE"))
    return (or_none(read, word) for word in words)


def _line_id(item: _Object, member: str) -> int | None:
    value = item.get(member)
    return value if isinstance(value, int) else None


FINDERS: Mapping[Feature, Callable[[_Object], Iterator[_Found]]] = {
    Feature.OBJECTS: _labels,
    Feature.FACES: _faces,
    Feature.CELEBRITIES: _celebrities,
    Feature.PROTECTIVE_EQUIPMENT: _persons,
    Feature.TEXT: _words,
    Feature.CUSTOM_OBJECTS: _custom_labels,
    Feature.LABELS: labels,
    Feature.MODERATION: moderation,
}


def _detection(feature: Feature, label: str, sureness: float, box: UnitBox | None, fields: _Fields) -> Detection:
    return Detection(feature, label, sureness, box, vendor=VENDOR, fields=fields)


def _object(node: _Object, member: str) -> _Object:
    value = node.get(member)
    if not isinstance(value, dict):
        raise Broken(f"{member} is not an object")
    return value


def _box(node: _Object) -> UnitBox:
    return unit_box(node.get("BoundingBox"))
