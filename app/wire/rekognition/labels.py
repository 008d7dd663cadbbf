"""Findings -> the answer of DetectLabels.

Detections of one name are the instances of one label. The parents of a label are labels of their own, as AWS has it. All
filters of the request are applied here, per image: MinConfidence to the instances (a label is as sure as its best one, so it
stays exactly when one of them does), `Settings` and MaxLabels to the labels, parents included.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from app.core.model import Detection
from app.wire.rekognition.findings import Found, Written, boxed, name_of, own_item, percent
from app.wire.rekognition.geometry import to_wire

# AWS's default and upper limit for MaxLabels.
MAX_LABELS = 1000

_Label = dict[str, Any]


def write_labels(found: Found) -> Written:
    """The body of DetectLabels."""
    detections = found.sure_enough() if found.wanted.general_labels else []
    labels = _own_labels(detections)
    labels |= _parents(labels, _known_ancestors(detections))
    chosen = [label for label in labels.values() if found.wanted.filters.admits(label["Name"], _names(label, "Categories"))]
    # Of equally sure labels those with boxes come first, so that MaxLabels does not cut a box off to keep its parent.
    chosen.sort(key=lambda label: (-label["Confidence"], not label["Instances"]))
    limit = MAX_LABELS if found.inquiry.max_results is None else min(found.inquiry.max_results, MAX_LABELS)
    del chosen[limit:]
    names = {label["Name"] for label in chosen}
    kept = sum(name_of(detection) in names for detection in detections)
    return Written({"Labels": chosen, **found.versions("LabelModelVersion")}, kept)


def _own_labels(detections: Iterable[Detection]) -> dict[str, _Label]:
    """One label per name, its instances most certain first."""
    labels: dict[str, _Label] = {}
    for detection in detections:
        name = name_of(detection)
        label = labels.get(name)
        if label is None:
            label = labels[name] = _entry(own_item(detection, "label") or {}, name)
        sure = percent(detection.score_unit)
        if detection.box is not None:
            instance = own_item(detection, "instance") or boxed(detection)
            sure = instance["Confidence"] = _number(instance.get("Confidence"), sure)
            label["Instances"].append(instance)
        label["Confidence"] = max(label["Confidence"], sure)
    for label in labels.values():
        label["Instances"].sort(key=lambda instance: -instance["Confidence"])
    return labels


def _number(value: Any, otherwise: float) -> float:
    return value if isinstance(value, int | float) else otherwise


def _entry(item: Mapping[str, Any], name: str, confidence: float = 0.0) -> _Label:
    """A label with all of AWS's members; its confidence and instances are those found in this image, not the sheet's."""
    label = {"Name": name, "Confidence": confidence, "Instances": [], "Parents": [], "Aliases": [], "Categories": []}
    return label | {member: value for member, value in item.items() if member not in {"Name", "Confidence", "Instances"}}


def _known_ancestors(detections: Iterable[Detection]) -> dict[str, Mapping[str, Any]]:
    """The vendor's own entries for labels that are named as parents, by name."""
    known: dict[str, Mapping[str, Any]] = {}
    for detection in detections:
        ancestors = detection.fields.get("ancestors")
        for ancestor in ancestors if isinstance(ancestors, list) else []:
            if isinstance(ancestor, dict) and isinstance(name := ancestor.get("Name"), str):
                known.setdefault(name, to_wire(ancestor))
    return known


def _parents(labels: Mapping[str, _Label], known: Mapping[str, Mapping[str, Any]]) -> dict[str, _Label]:
    """Entries without instances for the parents of `labels`, and theirs; each as sure as its surest child.

    A parent that was found by itself keeps its own entry. Terminates in the face of cycles: an entry is visited again only
    when its confidence has risen, and confidences come from a finite set.
    """
    parents: dict[str, _Label] = {}
    children = deque(labels.values())
    while children:
        child = children.popleft()
        for name in sorted(_names(child, "Parents") - labels.keys()):
            parent = parents.get(name)
            if parent is None:
                parent = parents[name] = _entry(known.get(name, {}), name, child["Confidence"])
            elif parent["Confidence"] < child["Confidence"]:
                parent["Confidence"] = child["Confidence"]
            else:
                continue
            children.append(parent)
    return parents


def _names(label: _Label, member: str) -> frozenset[str]:
    """The names in `Parents` or `Categories`."""
    entries = label[member] if isinstance(label[member], list) else []
    return frozenset(entry["Name"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("Name"), str))
