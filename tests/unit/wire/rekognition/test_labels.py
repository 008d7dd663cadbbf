"""DetectLabels out of findings: grouping, parents, filters. The whole shape is in tests/fidelity/cases."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.geometry import UnitBox
from app.core.model import Detection, Feature, Inquiry, Tree
from app.wire.rekognition.findings import Found, LabelFilters, Wanted
from app.wire.rekognition.labels import write_labels

BOX = UnitBox(0.25, 0.25, 0.75, 0.5)
FILTERS = LabelFilters()


def seen(name: str, percent: float, *parents: str, categories: Sequence[str] = (), ancestors: Tree = None) -> Detection:
    """One instance, as the Rekognition provider gives it."""
    label: Tree = {
        "Name": name,
        "Parents": [{"Name": parent} for parent in parents],
        "Categories": [{"Name": c} for c in categories],
    }
    instance: Tree = {"BoundingBox": BOX, "Confidence": percent}
    fields = {"label": label, "instance": instance, "ancestors": ancestors if ancestors is not None else []}
    return Detection(Feature.OBJECTS, name, percent / 100, BOX, "rekognition", fields)


def found(*detections: Detection, least_percent: float = 55, most: int | None = None, wanted: Wanted | None = None) -> Found:
    inquiry = Inquiry(Feature.OBJECTS, min_score_unit=least_percent / 100, max_results=most)
    return Found(detections, inquiry, wanted or Wanted())


def outline(material: Found) -> list[tuple[str, float, int]]:
    """Name, confidence and number of instances of each label."""
    labels = write_labels(material).body["Labels"]
    return [(label["Name"], label["Confidence"], len(label["Instances"])) for label in labels]


def test_nothing_found_is_an_empty_list() -> None:
    written = write_labels(found())
    assert (written.body, written.kept) == ({"Labels": []}, 0)


def test_the_threshold_itself_is_in_and_counts_per_instance() -> None:
    """A neighbour on the sheet may have asked for less: what it asked for is not ours."""
    assert outline(found(seen("Car", 55), seen("Car", 54.9), seen("Dog", 54))) == [("Car", 55, 1)]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (LabelFilters(include_labels=frozenset({"Mobile Phone"})), ["Mobile Phone"]),
        (LabelFilters(include_labels=frozenset({"Mobile phone", "Houseplant"})), []),
        (LabelFilters(exclude_labels=frozenset({"Mobile Phone"})), ["Potted Plant"]),
        (LabelFilters(exclude_labels=frozenset({"Houseplant"})), ["Mobile Phone", "Potted Plant"]),
    ],
)
def test_filters_know_the_names_of_this_vendor(filters: LabelFilters, names: list[str]) -> None:
    """Whoever found it and whatever it is called there; different words for one thing are instances of one label."""
    phones = [Detection(Feature.OBJECTS, label, 0.9, BOX, "google") for label in ("Mobile phone", "Cell phone")]
    written = write_labels(
        found(*phones, Detection(Feature.OBJECTS, "Houseplant", 0.8, BOX, "google"), wanted=Wanted(filters=filters))
    )
    assert [label["Name"] for label in written.body["Labels"]] == names
    assert written.kept == sum({"Mobile Phone": 2, "Potted Plant": 1}[name] for name in names)


def test_a_parent_that_was_seen_itself_keeps_its_own_confidence() -> None:
    assert outline(found(seen("Man", 90, "Person"), seen("Person", 70))) == [("Man", 90, 1), ("Person", 70, 1)]


def test_a_parent_below_the_threshold_is_still_a_parent() -> None:
    """Its child is in the answer, so AWS would have it there, too: as sure as the child, without the faint instance."""
    assert outline(found(seen("Man", 90, "Person"), seen("Person", 40))) == [("Man", 90, 1), ("Person", 90, 0)]


def test_a_parent_of_several_is_as_sure_as_the_surest() -> None:
    assert outline(found(seen("Car", 60, "Vehicle"), seen("Bus", 80, "Vehicle"), seen("Van", 70, "Vehicle"))) == [
        ("Bus", 80, 1),
        ("Vehicle", 80, 0),
        ("Van", 70, 1),
        ("Car", 60, 1),
    ]


def test_grandparents_come_along_even_where_only_the_parent_names_them() -> None:
    ancestors: Tree = [{"Name": "Vehicle", "Parents": [{"Name": "Transportation"}]}]
    car = seen("Car", 60, "Vehicle", ancestors=ancestors)
    plane = seen("Plane", 90, "Vehicle")
    assert outline(found(car, plane)) == [("Plane", 90, 1), ("Vehicle", 90, 0), ("Transportation", 90, 0), ("Car", 60, 1)]


def test_labels_that_are_each_others_parents_end() -> None:
    ancestors: Tree = [{"Name": "B", "Parents": [{"Name": "C"}]}, {"Name": "C", "Parents": [{"Name": "B"}]}]
    labels = outline(found(seen("A", 60, "B", ancestors=ancestors), seen("A2", 70, "C")))
    assert sorted(labels) == [("A", 60, 1), ("A2", 70, 1), ("B", 70, 0), ("C", 70, 0)]


def test_a_cut_prefers_labels_with_boxes() -> None:
    assert outline(found(seen("Car", 60, "A", "B"), most=1)) == [("Car", 60, 1)]
    assert outline(found(seen("Car", 60), most=0)) == []


def test_no_answer_has_more_labels_than_aws_gives() -> None:
    many = [seen(f"Label {number}", 60) for number in range(1001)]
    assert len(outline(found(*many))) == 1000
    assert len(outline(found(*many, most=5000))) == 1000


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (LabelFilters(), {"Car", "Dog", "Vehicle"}),
        (LabelFilters(include_labels=frozenset({"Dog"})), {"Dog"}),
        (LabelFilters(include_labels=frozenset({"dog"})), set()),
        (LabelFilters(include_labels=frozenset({"Vehicle"})), {"Vehicle"}),
        (LabelFilters(exclude_labels=frozenset({"Car"})), {"Dog", "Vehicle"}),
        (LabelFilters(include_categories=frozenset({"Animals and Pets"})), {"Dog"}),
        (LabelFilters(exclude_categories=frozenset({"Animals and Pets"})), {"Car", "Vehicle"}),
        (LabelFilters(include_labels=frozenset({"Dog", "Car"}), exclude_labels=frozenset({"Dog"})), {"Car"}),
        (LabelFilters(include_labels=frozenset({"Car"}), include_categories=frozenset({"Animals and Pets"})), {"Car", "Dog"}),
        (LabelFilters(include_categories=frozenset({"Animals and Pets"}), exclude_labels=frozenset({"Dog"})), set()),
    ],
)
def test_filters_by_exact_name(filters: LabelFilters, names: set[str]) -> None:
    """Exclusion wins over inclusion, and the filters look at each label by itself: a parent without its child, too."""
    material = found(
        seen("Car", 90, "Vehicle"), seen("Dog", 80, categories=["Animals and Pets"]), wanted=Wanted(filters=filters)
    )
    assert {name for name, _, _ in outline(material)} == names


def test_kept_counts_instances_whose_label_stayed() -> None:
    filters = LabelFilters(exclude_labels=frozenset({"Dog"}))
    material = found(seen("Car", 90), seen("Car", 80), seen("Car", 10), seen("Dog", 99), wanted=Wanted(filters=filters))
    assert write_labels(material).kept == 2


def test_who_did_not_ask_for_labels_gets_none() -> None:
    assert outline(found(seen("Car", 90), wanted=Wanted(general_labels=False))) == []


@pytest.mark.parametrize("broken", [None, "x", [None], [{"Name": 5}], [{}]])
def test_broken_lists_of_names_do_no_harm(broken: Tree) -> None:
    fields: dict[str, Tree] = {
        "label": {"Name": "Car", "Parents": broken},
        "instance": {"BoundingBox": BOX, "Confidence": None},
        "ancestors": broken,
    }
    odd = Detection(Feature.OBJECTS, "Car", 0.625, BOX, "rekognition", fields)
    assert outline(found(odd)) == [("Car", 62.5, 1)]


# A vendor names the same parents wherever it names a label.
PARENTS = {"Car": ["Vehicle"], "Dog": ["Animal"], "Puppy": ["Animal", "Dog"], "Vehicle": [], "Animal": []}
SEEN = st.builds(lambda name, percent: seen(name, percent, *PARENTS[name]), st.sampled_from(sorted(PARENTS)), st.floats(0, 100))


# Not the numbers beside 0 whose hundredth is 0.
LEAST = st.floats(0, 100, allow_subnormal=False)


@given(st.lists(SEEN, max_size=12), LEAST, st.none() | st.integers(0, 5), st.randoms(use_true_random=False))
def test_laws(detections: list[Detection], least_percent: float, most: int | None, chance: random.Random) -> None:
    """Names are unique, order is by confidence, nothing is below the threshold, and the order of findings does not matter."""
    labels = outline(found(*detections, least_percent=least_percent, most=most))
    assert len({name for name, _, _ in labels}) == len(labels) <= (1000 if most is None else most)
    assert [confidence for _, confidence, _ in labels] == sorted((confidence for _, confidence, _ in labels), reverse=True)
    assert all(confidence >= least_percent for _, confidence, _ in labels)
    whole = outline(found(*detections, least_percent=least_percent))
    assert sum(count for _, _, count in whole) == sum(item.score_unit >= least_percent / 100 for item in detections)
    shuffled = chance.sample(detections, len(detections))
    assert sorted(outline(found(*shuffled, least_percent=least_percent))) == sorted(whole)


@pytest.mark.parametrize(
    ("label", "vendor", "name"),
    [
        ("cell phone", "azure", "Mobile Phone"),
        ("Mobile phone", "google", "Mobile Phone"),
        ("Kitchen & dining room table", "google", "Dining Table"),
        ("sports car", "azure", "Sports Car"),
        ("person", "", "Person"),
        ("TV", "", "TV"),
        ("", "azure", ""),
        ("iPhone", "rekognition", "iPhone"),
    ],
)
def test_names_of_other_vendors_become_this_ones(label: str, vendor: str, name: str) -> None:
    assert [one for one, _, _ in outline(found(Detection(Feature.OBJECTS, label, 0.9, BOX, vendor)))] == [name]


def test_one_label_in_two_spellings_is_one_label() -> None:
    spelt = [Detection(Feature.OBJECTS, label, 0.9, BOX, "azure") for label in ("person", "Person")]
    assert outline(found(*spelt)) == [("Person", 90.0, 2)]
