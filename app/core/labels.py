"""Labels of one image out of what was detected in it (paper, appendix A): pure.

In: the detections that belong to an image. Out: one finding per label, without a place: as sure as its best box, with the
number of boxes, and what the vendor says of the label. Called by the pipeline for images that are classified on a grid, and
by the local provider, which knows labels by what it detects only.

`Detection.fields` of such a finding:

    "count"       boxes with this label
    "parents"     names of what it is a kind of, as far as the vendor says so
    "categories"  names of the vendor's categories
    "mid"         Google's machine id of it

A parent is a label of its own, as sure as the surest thing below it; it has no boxes beside those of its children.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from app.core.model import Detection, Feature, Tree

# What an operator calls it (TESSERA_CLASSIFY) that labels come out of what is detected on sheets.
DETECTION = "detection"


@dataclass(slots=True)
class _Gathered:
    score_unit: float = 0.0
    count: int = 0
    vendor: str = ""
    facts: dict[str, Tree] = field(default_factory=dict)


def labels_of(detections: Iterable[Detection]) -> tuple[Detection, ...]:
    """Most certain first; of equals those with boxes, then by name."""
    gathered: dict[str, _Gathered] = {}
    for detection in detections:
        own = gathered.setdefault(detection.label, _Gathered(vendor=detection.vendor))
        own.score_unit = max(own.score_unit, detection.score_unit)
        own.count += 1
        own.facts |= _facts(detection)
        for name, facts in _ancestors(detection):
            above = gathered.setdefault(name, _Gathered(vendor=detection.vendor))
            above.score_unit = max(above.score_unit, detection.score_unit)
            above.facts = facts | above.facts
    found = sorted(gathered.items(), key=lambda entry: (-entry[1].score_unit, entry[1].count == 0, entry[0]))
    return tuple(
        Detection(Feature.LABELS, name, one.score_unit, None, one.vendor, {"count": one.count, **one.facts})
        for name, one in found
    )


def names_in(listed: Tree) -> list[str]:
    """Names in a vendor's list, of texts or of objects with a `Name`."""
    entries = listed if isinstance(listed, list) else []
    names = [entry.get("Name") if isinstance(entry, dict) else entry for entry in entries]
    return [name for name in names if isinstance(name, str)]


def _facts(detection: Detection) -> dict[str, Tree]:
    """What the vendor's own item says of the label: Rekognition's `label`, Google's `object`, a local model's `parents`."""
    label, thing = detection.fields.get("label"), detection.fields.get("object")
    if isinstance(label, dict):
        return label_facts(label)
    facts: dict[str, Tree] = {}
    if isinstance(thing, dict) and isinstance(thing.get("mid"), str):
        facts["mid"] = thing["mid"]
    parents = names_in(detection.fields.get("parents"))
    return facts | ({"parents": [*parents]} if parents else {})


def label_facts(label: Mapping[str, Tree]) -> dict[str, Tree]:
    """Parents and categories of one of Rekognition's labels."""
    listed = {"parents": names_in(label.get("Parents")), "categories": names_in(label.get("Categories"))}
    return {name: [*names] for name, names in listed.items() if names}


def _ancestors(detection: Detection) -> list[tuple[str, dict[str, Tree]]]:
    """What the label is a kind of, with what the vendor says of that."""
    entries = detection.fields.get("ancestors")
    told = {
        name: label_facts(entry)
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and isinstance(name := entry.get("Name"), str)
    }
    named = names_in(_facts(detection).get("parents"))
    return [(name, told.get(name, {})) for name in dict.fromkeys([*named, *told]) if name != detection.label]
