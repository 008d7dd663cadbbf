"""Categories of unsafe content, thresholds with margins, and whom a finding speaks against."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.model import Detection, Feature, Inquiry, Tree
from app.core.moderation import (
    DEFAULT_MARGINS,
    LEAST_THRESHOLD_UNIT,
    Category,
    Margins,
    cares_for,
    category_of,
    crowding,
    is_clean,
    is_undecided,
    is_unsafe,
    loosest_threshold,
    threshold,
)
from tests.support.moderated import speaks_against

scores = st.floats(0.0, 1.0)


def finding(label: str, score_unit: float = 0.9, parents: Tree = None) -> Detection:
    fields: dict[str, Tree] = {} if parents is None else {"parents": parents}
    return Detection(Feature.MODERATION, label, score_unit, None, "rekognition", fields)


def asking(min_score_unit: float | None = None, *categories: Category) -> Inquiry:
    return Inquiry(Feature.MODERATION, min_score_unit=min_score_unit, categories=tuple(one.value for one in categories))


# --- categories ---


@pytest.mark.parametrize("category", Category)
def test_our_own_words_are_categories(category: Category) -> None:
    assert category_of(finding(category.value)) is category


@pytest.mark.parametrize(
    ("label", "category"),
    [
        # Rekognition, version 7: the first level
        ("Explicit", Category.ADULT),
        ("Non-Explicit Nudity of Intimate parts and Kissing", Category.RACY),
        ("Swimwear or Underwear", Category.RACY),
        ("Violence", Category.VIOLENCE),
        ("Visually Disturbing", Category.GORE),
        ("Drugs & Tobacco", Category.DRUGS),
        ("Alcohol", Category.ALCOHOL),
        ("Rude Gestures", Category.RUDE),
        ("Gambling", Category.GAMBLING),
        ("Hate Symbols", Category.HATE),
        # the second level, where it differs
        ("Graphic Violence", Category.GORE),
        ("Weapons", Category.VIOLENCE),
        ("Smoking", Category.TOBACCO),
        # Google, Azure
        ("adult", Category.ADULT),
        ("racy", Category.RACY),
        ("spoof", Category.SPOOF),
        ("medical", Category.MEDICAL),
        ("gore", Category.GORE),
        ("something new", None),
    ],
)
def test_vendors_words_in_any_case(label: str, category: Category | None) -> None:
    assert category_of(finding(label)) is category
    assert category_of(finding(label.upper())) is category


@pytest.mark.parametrize(
    ("label", "parents", "category"),
    [
        ("Blood & Gore", ["Graphic Violence", "Violence"], Category.GORE),  # the nearest that is known counts
        ("Pistol", ["Firearms", "Weapons", "Violence"], Category.VIOLENCE),
        ("Smoking", ["Drugs & Tobacco"], Category.TOBACCO),  # its own word before its parents'
        ("Anything", [], None),
        ("Anything", ["Unheard of"], None),
        ("Anything", [7, None, "Violence"], Category.VIOLENCE),
        ("Anything", "Violence", None),
    ],
)
def test_a_word_that_is_not_known_is_what_its_nearest_parent_is(label: str, parents: Tree, category: Category | None) -> None:
    assert category_of(finding(label, parents=parents)) is category


# --- margins ---


@pytest.mark.parametrize(
    ("size", "margin"), [(1, 0.0), (2, 0.1), (3, 0.2), (4, 0.2), (5, 0.3), (9, 0.3), (10, 0.3), (100, 0.3)]
)
def test_a_size_that_was_not_measured_takes_the_margin_of_the_next_larger_or_the_largest(size: int, margin: float) -> None:
    assert Margins({2: 0.1, 4: 0.2, 9: 0.3}).of(size) == margin


def test_without_measurements_there_is_no_margin() -> None:
    assert Margins({}).of(9) == 0.0


@pytest.mark.parametrize("by_size", [{1: 0.1}, {0: 0.0}, {2: -0.1}, {2: 1.1}])
def test_impossible_margins_are_refused(by_size: dict[int, float]) -> None:
    with pytest.raises(ValueError, match="margins"):
        Margins(by_size)


def test_the_default_grows_with_the_group() -> None:
    margins = [DEFAULT_MARGINS.of(size) for size in range(1, 30)]
    assert margins == sorted(margins)
    assert margins[0] == 0 < margins[1]


# --- thresholds ---


@pytest.mark.parametrize(
    ("own", "margin", "expected"),
    [
        (None, 0.0, 0.5),
        (None, 0.2, 0.4),
        (0.8, 0.0, 0.8),
        (0.8, 0.3, 0.56),
        (0.3, 0.99, LEAST_THRESHOLD_UNIT),
        (0.005, 0.45, 0.005),  # a client who wants to hear of everything does
        (0.0, 0.45, 0.0),
        (1.0, 0.0, 1.0),
    ],
)
def test_a_threshold_is_the_clients_less_the_margin_but_above_the_noise(
    own: float | None, margin: float, expected: float
) -> None:
    assert threshold(asking(own), margin) == pytest.approx(expected)


@given(own=st.none() | scores, small=scores, large=scores)
def test_a_larger_margin_never_raises_a_threshold_and_none_goes_above_the_clients(
    own: float | None, small: float, large: float
) -> None:
    small, large = sorted((small, large))
    assert 0 <= threshold(asking(own), large) <= threshold(asking(own), small) <= threshold(asking(own))


@given(owns=st.lists(st.none() | scores, min_size=1), margin=scores)
def test_a_group_is_asked_at_the_lowest_of_its_clients_thresholds(owns: list[float | None], margin: float) -> None:
    inquiries = [asking(own) for own in owns]
    asked = loosest_threshold(inquiries, margin)
    assert asked in {threshold(inquiry, margin) for inquiry in inquiries}
    for inquiry in inquiries:
        below = finding("Violence", max(0.0, asked - 1e-6))
        assert asked == 0 or not speaks_against([below], inquiry, margin)


# --- whom it speaks against ---


@pytest.mark.parametrize(
    ("label", "wanted", "cares"),
    [
        ("Violence", (), True),
        ("Violence", (Category.VIOLENCE,), True),
        ("Violence", (Category.ADULT,), False),
        ("Violence", (Category.ADULT, Category.VIOLENCE), True),
        ("Something new", (Category.ADULT,), True),
    ],
)
def test_a_client_cares_for_its_categories_and_for_what_nobody_knows(
    label: str, wanted: tuple[Category, ...], cares: bool
) -> None:
    assert cares_for(asking(None, *wanted), finding(label)) is cares


@pytest.mark.parametrize(
    ("findings", "inquiry", "margin", "speaks"),
    [
        ([], asking(0.0), 1.0, False),
        ([finding("Violence", 0.5)], asking(), 0.0, True),
        ([finding("Violence", 0.49)], asking(), 0.0, False),
        ([finding("Violence", 0.49)], asking(), 0.1, True),
        ([finding("Violence", 0.9)], asking(0.95), 0.0, False),
        ([finding("Violence", 0.9)], asking(None, Category.ADULT), 0.4, False),
        ([finding("Violence", 0.9), finding("Explicit", 0.2)], asking(None, Category.ADULT), 0.6, True),
    ],
)
def test_a_finding_speaks_against_who_cares_for_it_at_its_score(
    findings: list[Detection], inquiry: Inquiry, margin: float, speaks: bool
) -> None:
    assert speaks_against(findings, inquiry, margin) is speaks


@given(st.lists(st.builds(finding, st.sampled_from(["Violence", "Explicit", "New"]), scores)), scores, scores, scores)
def test_with_a_larger_margin_nobody_is_less_suspected(found: list[Detection], own: float, small: float, large: float) -> None:
    small, large = sorted((small, large))
    assert speaks_against(found, asking(own), small) <= speaks_against(found, asking(own), large)


# --- groups are judged more widely than single images ---


def test_an_upper_level_in_a_group_may_be_the_category_that_a_client_asked_for() -> None:
    """Of small content a vendor may name no more; alone it is told exactly."""
    asked = asking(0.5, Category.GORE)
    for label in ("Violence", "Visually Disturbing", "Graphic Violence"):
        assert speaks_against([finding(label, 0.3)], asked, 0.65), label
    assert not speaks_against([finding("Alcohol", 0.9)], asked, 0.65)
    assert not is_unsafe([finding("Violence", 0.9)], asked)
    assert is_unsafe([finding("Graphic Violence", 0.9)], asked)


def test_what_the_vendor_has_flagged_counts_in_a_group_whatever_its_score() -> None:
    flagged = Detection(Feature.MODERATION, "adult", 0.2, None, fields={"flagged": True})
    assert speaks_against([flagged], asking(0.5), 0.3)
    assert not speaks_against([replace(flagged, fields={"flagged": False})], asking(0.5), 0.3)


def test_what_the_vendor_does_not_know_clears_nobody_who_cares() -> None:
    unknown = Detection(Feature.MODERATION, "spoof", 0.0, None, fields={"likelihood": "UNKNOWN"})
    assert is_undecided([unknown], asking(0.5))
    assert not is_undecided([unknown], asking(0.5, Category.ADULT))
    assert not is_clean([unknown], asking(0.5))


def test_where_a_vendor_has_steps_the_next_one_below_counts_in_every_group() -> None:
    """Google: what is POSSIBLE alone may be UNLIKELY among others, and nothing lies between."""
    steps = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95)
    assert [threshold(asking(0.5), margin, steps=steps) for margin in (0.1, 0.3, 0.65)] == pytest.approx([0.25, 0.25, 0.175])
    assert threshold(asking(0.75), 0.1, steps=steps) == 0.5
    assert threshold(asking(0.03), 0.1, steps=steps) == pytest.approx(0.027)
    assert threshold(asking(0.5), 0.0, steps=steps) == 0.5


@given(own=scores, margin=scores, seen=scores)
def test_what_spoke_against_a_group_speaks_against_its_parts(own: float, margin: float, seen: float) -> None:
    if margin > 0 and seen >= LEAST_THRESHOLD_UNIT:
        assert threshold(asking(own), margin, seen_unit=seen) <= max(seen, min(own, LEAST_THRESHOLD_UNIT))
    assert threshold(asking(own), margin, seen_unit=seen) <= own


@pytest.mark.parametrize(
    ("images", "relative_scale", "size"), [(9, 1 / 3, 9), (4, 0.49, 4), (2, 0.66, 2), (2, 0.5, 3), (9, 0.12, 55), (1, 1.5, 1)]
)
def test_an_image_is_judged_by_how_small_it_is_shown(images: int, relative_scale: float, size: int) -> None:
    assert crowding(images, relative_scale) == size
