"""DetectModerationLabels out of findings: the vendor's own entries as they are, another vendor's in AWS's upper words."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.model import Detection, Feature, Inquiry, Tree
from app.core.moderation import Category
from app.core.moderation_words import REKOGNITION_CATEGORIES
from app.wire.rekognition.findings import Found
from app.wire.rekognition.moderation import MODEL_VERSION, write_moderation


def own(name: str, percent: float, *parents: str) -> Detection:
    """As the Rekognition provider gives it; parents nearest first."""
    entry: Tree = {
        "Name": name,
        "ParentName": parents[0] if parents else "",
        "Confidence": percent,
        "TaxonomyLevel": len(parents) + 1,
    }
    fields: dict[str, Tree] = {"moderation": entry, "parents": [*parents]}
    return Detection(Feature.MODERATION, name, percent / 100, None, "rekognition", fields)


def foreign(label: str, score_unit: float, vendor: str = "google") -> Detection:
    return Detection(Feature.MODERATION, label, score_unit, None, vendor, {"likelihood": "POSSIBLE"})


def body_of(*detections: Detection, least_percent: float = 50, extra: dict[str, Tree] | None = None) -> dict[str, Any]:
    inquiry = Inquiry(Feature.MODERATION, min_score_unit=least_percent / 100)
    written = write_moderation(Found(detections, inquiry, extra=extra or {}))
    assert written.kept == len(detections), "labels are no boxes: none counts as filtered"
    return written.body


def test_a_clean_image_has_no_labels_and_all_members() -> None:
    assert body_of() == {"ModerationLabels": [], "ModerationModelVersion": MODEL_VERSION, "ContentTypes": []}


def test_the_vendors_entries_are_its_own() -> None:
    """In its order, three levels deep; the threshold itself is in."""
    found = [own("Violence", 97), own("Weapons", 97, "Violence"), own("Nudity", 50, "Explicit"), own("Smoking", 49.9)]
    assert body_of(*found)["ModerationLabels"] == [
        {"Name": "Violence", "ParentName": "", "Confidence": 97, "TaxonomyLevel": 1},
        {"Name": "Weapons", "ParentName": "Violence", "Confidence": 97, "TaxonomyLevel": 2},
        {"Name": "Nudity", "ParentName": "Explicit", "Confidence": 50, "TaxonomyLevel": 2},
    ]


def test_what_the_vendor_says_of_the_whole_answer_is_told() -> None:
    extra: dict[str, Tree] = {"ModerationModelVersion": "7.1", "ProjectVersion": "arn:adapter"}
    assert body_of(extra=extra) == {
        "ModerationLabels": [],
        "ModerationModelVersion": "7.1",
        "ProjectVersion": "arn:adapter",
        "ContentTypes": [],
    }


@pytest.mark.parametrize(
    ("vendor", "label", "name"),
    [
        ("google", "adult", "Explicit"),
        ("google", "racy", "Non-Explicit Nudity of Intimate parts and Kissing"),
        ("google", "violence", "Violence"),
        ("azure", "gore", "Visually Disturbing"),
        ("google", "medical", None),
        ("google", "spoof", None),
        ("", "gambling", "Gambling"),
        ("", "something new", "Something New"),
    ],
)
def test_other_vendors_speak_in_labels_of_the_upper_level(vendor: str, label: str, name: str | None) -> None:
    """What AWS has no label for is left out; what nobody knows is kept."""
    labels = body_of(foreign(label, 0.75, vendor))["ModerationLabels"]
    entry = {"Name": name, "ParentName": "", "Confidence": 75.0, "TaxonomyLevel": 1}
    assert labels == ([] if name is None else [entry])


def test_two_findings_of_one_label_are_one_as_sure_as_the_surer() -> None:
    """And the most certain comes first."""
    labels = body_of(foreign("drugs", 0.6, ""), foreign("tobacco", 0.9, ""), foreign("adult", 0.95), foreign("racy", 0.49))
    assert [(label["Name"], label["Confidence"]) for label in labels["ModerationLabels"]] == [
        ("Explicit", 95.0),
        ("Drugs & Tobacco", 90.0),
    ]


def test_an_entry_of_the_vendor_that_is_broken_is_still_told() -> None:
    odd = Detection(Feature.MODERATION, "Violence", 0.75, None, "rekognition", {"moderation": "x"})
    assert [label["Name"] for label in body_of(odd)["ModerationLabels"]] == ["Violence"]


@pytest.mark.parametrize("category", Category)
def test_what_the_answer_has_a_label_for_is_what_clients_are_asked_alone_for(category: Category) -> None:
    said = body_of(foreign(category.value, 0.9))["ModerationLabels"]
    assert bool(said) == (category.value in REKOGNITION_CATEGORIES)
