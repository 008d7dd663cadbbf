"""Labels and unsafe content of a whole image: one finding each, without a place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.model import Detection, Feature
from app.core.moderation import Category, category_of
from app.providers.answers import MAX_DEPTH
from app.providers.rekognition.whole import labels, moderation
from tests.support.rekognition_answers import LABELS, MODERATION


def unsafe(*listed: Any) -> list[Detection | None]:
    return list(moderation({"ModerationLabels": list(listed)}))


def test_every_label_is_a_finding_with_what_is_told_of_it() -> None:
    assert list(labels(LABELS)) == [
        Detection(
            Feature.LABELS,
            "Car",
            0.995,
            None,
            "rekognition",
            {
                "count": 2,
                "parents": ["Vehicle", "Transportation", "Vehicle", "Unlisted"],
                "categories": ["Vehicles and Automotive"],
            },
        ),
        Detection(Feature.LABELS, "Vehicle", 0.995, None, "rekognition", {"count": 0, "parents": ["Transportation"]}),
        Detection(Feature.LABELS, "Transportation", 0.995, None, "rekognition", {"count": 0}),
        Detection(Feature.LABELS, "Sunset", 0.8, None, "rekognition", {"count": 0}),
    ]


@pytest.mark.parametrize("instances", [None, [], 7, "many", {}, [None, 1]])
def test_instances_that_are_none_count_nothing_and_cost_the_label_nothing(instances: Any) -> None:
    (label,) = labels({"Labels": [{"Name": "Car", "Confidence": 50, "Instances": instances}]})
    assert label == Detection(Feature.LABELS, "Car", 0.5, None, "rekognition", {"count": 0})


@pytest.mark.parametrize("wrong", [None, 7, {}, {"Name": None}, {"Name": 7}, {"Name": "a", "Confidence": "high"}])
@pytest.mark.parametrize(("find", "member"), [(labels, "Labels"), (moderation, "ModerationLabels")])
def test_a_broken_finding_goes_and_its_neighbours_stay(find: Any, member: str, wrong: Any) -> None:
    sound = {"Name": "Sound", "Confidence": 90}
    assert [each and each.label for each in find({member: [sound, wrong, sound]})] == ["Sound", None, "Sound"]


@pytest.mark.parametrize(("find", "member"), [(labels, "Labels"), (moderation, "ModerationLabels")])
def test_what_stands_in_place_of_a_list_is_one_broken_finding(find: Any, member: str) -> None:
    assert list(find({member: "none"})) == [None]
    assert list(find({})) == []


def test_unsafe_content_keeps_its_entry_and_knows_its_ancestors() -> None:
    weapons, violence = moderation(MODERATION)
    listed = MODERATION["ModerationLabels"]
    assert weapons == Detection(
        Feature.MODERATION, "Weapons", 0.955, None, "rekognition", {"moderation": listed[0], "parents": ["Violence"]}
    )
    assert violence == Detection(
        Feature.MODERATION, "Violence", 0.97, None, "rekognition", {"moderation": listed[1], "parents": []}
    )


def test_ancestors_are_named_nearest_first_and_give_a_new_word_its_category() -> None:
    listed = [("Explicit", ""), ("Explicit Nudity", "Explicit"), ("A word of version 8", "Explicit Nudity")]
    found = unsafe(*({"Name": name, "ParentName": parent, "Confidence": 80.0} for name, parent in listed))
    newest = found[-1]
    assert newest is not None
    assert newest.fields["parents"] == ["Explicit Nudity", "Explicit"]
    assert category_of(newest) is Category.ADULT


def test_a_parent_that_is_not_listed_is_named_all_the_same() -> None:
    (found,) = unsafe({"Name": "Smoking", "ParentName": "Drugs & Tobacco", "Confidence": 80.0})
    assert found is not None
    assert found.fields["parents"] == ["Drugs & Tobacco"]


@pytest.mark.parametrize("parent", [None, "", 7, [], {"Name": "Violence"}])
def test_what_is_no_parent_is_none_and_the_finding_stands(parent: Any) -> None:
    (found,) = unsafe({"Name": "Weapons", "ParentName": parent, "Confidence": 80.0})
    assert found is not None
    assert (found.label, found.fields["parents"]) == ("Weapons", [])


def test_unsafe_content_without_a_confidence_is_certain() -> None:
    (found,) = unsafe({"Name": "Weapons"})
    assert found is not None
    assert found.score_unit == 1.0


def test_a_chain_longer_than_any_taxonomy_is_cut() -> None:
    chain = [{"Name": str(level), "ParentName": str(level + 1), "Confidence": 50.0} for level in range(10_000)]
    found = unsafe(*chain)
    assert max(len(names) for each in found if each and isinstance(names := each.fields["parents"], list)) == MAX_DEPTH


names = st.sampled_from("abcd")


@given(st.lists(st.tuples(names, names | st.just("")), max_size=8))
def test_ancestors_end_and_never_name_the_label_itself(pairs: list[tuple[str, str]]) -> None:
    """Even where names go round in a circle."""
    found = unsafe(*({"Name": name, "ParentName": parent, "Confidence": 50.0} for name, parent in pairs))
    assert len(found) == len(pairs)
    for each, (name, parent) in zip(found, pairs, strict=True):
        assert each is not None
        above = each.fields["parents"]
        assert isinstance(above, list)
        assert name not in above
        assert above[:1] == ([parent] if parent not in {"", name} else [])
        assert len(above) == len(set(map(str, above)))
