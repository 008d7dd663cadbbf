"""Labels of an image out of its detections: best box, count, the vendor's parents and categories."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.geometry import UnitBox
from app.core.labels import label_facts, labels_of, names_in
from app.core.model import Detection, Feature, Tree

BOX = UnitBox(0.1, 0.1, 0.4, 0.4)


def thing(label: str, score_unit: float = 0.9, fields: Mapping[str, Tree] | None = None, vendor: str = "local") -> Detection:
    return Detection(Feature.OBJECTS, label, score_unit, BOX, vendor, dict(fields or {}))


def of_rekognition(label: str, score_unit: float, *parents: str, **more: Tree) -> Detection:
    item: dict[str, Tree] = {"Name": label, "Parents": [{"Name": name} for name in parents], **more}
    return thing(label, score_unit, {"label": item}, "rekognition")


def told(*detections: Detection) -> dict[str, tuple[float, Mapping[str, Tree]]]:
    return {found.label: (found.score_unit, found.fields) for found in labels_of(detections)}


def test_nothing_detected_nothing_labelled() -> None:
    assert labels_of([]) == ()


def test_a_label_is_as_sure_as_its_best_box_and_counts_its_boxes() -> None:
    found = labels_of([thing("Dog", 0.6), thing("Cat", 0.7), thing("Dog", 0.9), thing("Dog", 0.3)])
    assert found == (
        Detection(Feature.LABELS, "Dog", 0.9, None, "local", {"count": 3}),
        Detection(Feature.LABELS, "Cat", 0.7, None, "local", {"count": 1}),
    )


def test_most_certain_first_of_equals_those_with_boxes_then_by_name() -> None:
    found = labels_of([of_rekognition("Dog", 0.8, "Animal"), thing("Cat", 0.8), thing("Zebra", 0.9)])
    assert [one.label for one in found] == ["Zebra", "Cat", "Dog", "Animal"]


def test_a_parent_is_a_label_as_sure_as_the_surest_below_it_without_boxes_of_its_own() -> None:
    labels = told(of_rekognition("Dog", 0.6, "Animal", "Mammal"), of_rekognition("Cat", 0.8, "Animal"))
    assert labels["Animal"] == (0.8, {"count": 0})
    assert labels["Mammal"] == (0.6, {"count": 0})
    assert labels["Dog"] == (0.6, {"count": 1, "parents": ["Animal", "Mammal"]})


def test_a_parent_that_has_boxes_itself_counts_those() -> None:
    labels = told(of_rekognition("Car", 0.6, "Vehicle"), of_rekognition("Vehicle", 0.5), of_rekognition("Vehicle", 0.4))
    assert labels["Vehicle"] == (0.6, {"count": 2})


def test_rekognitions_categories_and_what_it_says_of_ancestors_are_kept() -> None:
    dog = of_rekognition("Dog", 0.9, "Animal", "Pet", Categories=[{"Name": "Animals and Pets"}])
    animal: Tree = {"Name": "Animal", "Parents": [], "Categories": [{"Name": "Animals and Pets"}]}
    labels = told(thing("Dog", 0.9, {**dog.fields, "ancestors": [animal]}))
    assert labels["Dog"][1] == {"count": 1, "parents": ["Animal", "Pet"], "categories": ["Animals and Pets"]}
    assert labels["Animal"][1] == {"count": 0, "categories": ["Animals and Pets"]}
    assert labels["Pet"][1] == {"count": 0}


@pytest.mark.parametrize("first", ["own", "ancestor"])
def test_what_the_vendor_says_of_a_label_itself_counts_more_than_what_its_child_says(first: str) -> None:
    own = of_rekognition("Animal", 0.5, Categories=[{"Name": "own"}])
    child = thing("Dog", 0.9, {"ancestors": [{"Name": "Animal", "Categories": [{"Name": "told"}]}]})
    labels = told(own, child) if first == "own" else told(child, own)
    assert labels["Animal"] == (0.9, {"count": 1, "categories": ["own"]})


def test_googles_machine_id_is_kept() -> None:
    labels = told(thing("Dog", 0.9, {"object": {"mid": "/m/0bt9lr", "name": "Dog"}}, "google"))
    assert labels == {"Dog": (0.9, {"count": 1, "mid": "/m/0bt9lr"})}


def test_azures_and_local_models_parents_are_kept() -> None:
    labels = told(thing("dog", 0.9, {"parents": ["mammal", "animal"]}))
    assert labels["dog"][1] == {"count": 1, "parents": ["mammal", "animal"]}
    assert {*labels} == {"dog", "mammal", "animal"}


@pytest.mark.parametrize(
    "fields",
    [
        {"label": "Dog"},
        {"label": {"Parents": "Animal"}},
        {"label": {"Parents": [{"Title": "Animal"}, 7, None]}},
        {"object": {"mid": 7}},
        {"object": ["mid"]},
        {"parents": {"Name": "Animal"}},
        {"ancestors": "Animal"},
        {"ancestors": ["Animal", {"Title": "Animal"}, {"Name": 7}]},
    ],
)
def test_fields_of_an_unexpected_shape_say_nothing(fields: dict[str, Tree]) -> None:
    assert told(thing("Dog", 0.9, fields)) == {"Dog": (0.9, {"count": 1})}


def test_a_label_is_no_ancestor_of_itself() -> None:
    assert told(of_rekognition("Dog", 0.9, "Dog"))["Dog"][1]["count"] == 1


@pytest.mark.parametrize(
    ("listed", "names"),
    [(None, []), ("a", []), ([], []), (["a", "b"], ["a", "b"]), ([{"Name": "a"}, "b", {"Name": 1}, 2], ["a", "b"])],
)
def test_names_in_a_vendors_list(listed: Tree, names: list[str]) -> None:
    assert names_in(listed) == names


def test_facts_of_a_label_leave_out_what_is_empty() -> None:
    assert label_facts({"Parents": [], "Categories": [{"Name": "x"}]}) == {"categories": ["x"]}
    assert label_facts({}) == {}


@given(st.lists(st.tuples(st.sampled_from(["Dog", "Cat", "Animal"]), st.floats(0, 1), st.booleans())))
def test_each_label_once_every_box_counted_once_and_the_best_score_kept(seen: list[tuple[str, float, bool]]) -> None:
    detections = [of_rekognition(label, score, *(["Animal"] if parent else [])) for label, score, parent in seen]
    found = labels_of(detections)
    assert len({one.label for one in found}) == len(found)
    counts = [one.fields["count"] for one in found]
    assert sum(count for count in counts if isinstance(count, int)) == len(seen)
    assert max((one.score_unit for one in found), default=0) == max((score for _, score, _ in seen), default=0)
    assert all(one.box is None and one.feature is Feature.LABELS for one in found)
