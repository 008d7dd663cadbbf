"""What the service takes and costs, in one value."""

from __future__ import annotations

from app.core.accuracy import table
from app.core.model import Feature
from app.core.prices import Shareable
from app.providers.azure.features import capabilities


def test_the_limits_are_those_of_its_error_texts() -> None:
    declared = capabilities()
    assert (declared.min_side_px, declared.max_side_px) == (50, 16_000)
    assert {
        declared.max_image_bytes[feature] for feature in (Feature.OBJECTS, Feature.PEOPLE, Feature.TEXT, Feature.LABELS)
    } == {20_971_520}
    older = (Feature.FACES, Feature.LOGOS, Feature.MODERATION)
    assert {declared.max_image_bytes[feature] for feature in older} == {4_194_304}
    assert declared.formats_for(Feature.OBJECTS) == {"jpeg", "png", "webp"}
    assert declared.formats_for(Feature.LABELS) == {"jpeg", "png", "webp"}
    assert declared.formats_for(Feature.FACES) == declared.formats_for(Feature.MODERATION) == {"jpeg", "png"}
    assert table(declared.accuracy_table)


def test_each_visual_feature_of_a_call_is_paid_for() -> None:
    prices = capabilities().prices
    assert prices.of(("objects", "people")) == prices.of(("objects",)) + prices.of(("people",))
    assert capabilities().dollars(Feature.TEXT) == prices.of(("read",))
    assert prices.of(("caption",)) > prices.of(("tags",)) > 0
    assert capabilities().dollars(Feature.LABELS) == prices.of(("tags",))
    assert capabilities().dollars(Feature.MODERATION) == prices.of(("Adult",)) > prices.of(("Tags",))


def test_splitting_a_request_pays_when_a_sheet_is_shared() -> None:
    """Nothing is free beside anything else: half a sheet is cheaper than a transaction."""
    prices = capabilities().prices
    assert prices.better_on_sheets([Shareable("objects", "objects", 0.5)], ("caption",)) == {"objects"}
