"""The list of labels: merged by our words, filtered, sorted, cut. The whole shape is in tests/fidelity/cases."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.model import Detection, Feature, Tree
from app.wire.native import NativeDialect
from tests.support.wire import PICTURE, answered, native_request

DIALECT = NativeDialect()


def label(name: str, score_unit: float = 0.9, vendor: str = "rekognition", **fields: Tree) -> Detection:
    return Detection(Feature.LABELS, name, score_unit, None, vendor, fields)


def labels_of(findings: Sequence[Detection], query: str = "") -> list[dict[str, Any]]:
    call = DIALECT.read(native_request(query, operation="classify"))
    reply = DIALECT.write(call, PICTURE, [answered(*findings)], "r")
    assert reply.filtered == 0, "labels are no boxes"
    listed: list[dict[str, Any]] = json.loads(reply.body)["labels"]
    return listed


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["a", "b"]),
        ("min_score=0", ["a", "b", "c"]),
        ("min_score=0.7", ["a", "b"]),
        ("min_score=0.71", ["a"]),
        ("max_results=1", ["a"]),
        ("min_score=1", []),
    ],
)
def test_own_filters(query: str, names: list[str]) -> None:
    """The border itself is in."""
    found = [label("b", 0.7), label("a", 0.9), label("c", 0.2)]
    assert [item["label"] for item in labels_of(found, query)] == names


def test_of_equally_sure_labels_those_with_boxes_come_first() -> None:
    found = [label("Animal", count=0), label("Zebra", count=1), label("Dog", count=2), label("Outdoors")]
    assert [item["label"] for item in labels_of(found)] == ["Dog", "Zebra", "Animal", "Outdoors"]
    assert [item["label"] for item in labels_of(found, "max_results=2")] == ["Dog", "Zebra"]


def test_counts_are_of_what_was_counted() -> None:
    found = [label("Person", count=2), label("Human", 0.8), label("Dog")]
    counts = {item["label"]: item["count"] for item in labels_of(found)}
    assert counts == {"Person": 2, "Dog": None}


@pytest.mark.parametrize("broken", [None, "Animal", 3, {"Name": "Animal"}, [None, 4, {}]])
def test_lists_of_names_that_are_none_do_no_harm(broken: Tree) -> None:
    (item,) = labels_of([label("Dog", count="two", parents=broken, categories=broken)])
    assert item == {"label": "Dog", "score": 0.9, "count": None, "parents": [], "categories": []}


def test_what_is_its_own_parent_in_our_words_names_it_not() -> None:
    (item,) = labels_of([label("Human", parents=["Person", "Animal", "Animal"])])
    assert (item["label"], item["parents"]) == ("Person", ["Animal"])


WORDS = st.sampled_from(["Person", "Human", "Mobile Phone", "Cell Phone", "Dog"])
FOUND = st.builds(
    lambda name, score, count: label(name, score, count=count), WORDS, st.floats(0, 1), st.none() | st.integers(0, 9)
)


@given(st.lists(FOUND, max_size=10), st.integers(1, 4), st.randoms(use_true_random=False))
def test_laws(found: list[Detection], most: int, chance: random.Random) -> None:
    """No word twice, most certain first, the order of findings does not matter, and a cut is the beginning of the whole."""
    whole = labels_of(found, "min_score=0")
    assert len({item["label"] for item in whole}) == len(whole)
    assert [item["score"] for item in whole] == sorted((item["score"] for item in whole), reverse=True)
    assert labels_of(chance.sample(found, len(found)), "min_score=0") == whole
    assert labels_of(found, f"min_score=0&max_results={most}") == whole[:most]
