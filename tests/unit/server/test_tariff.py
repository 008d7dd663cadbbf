"""What a request may cost and did cost, by what the vendor charges for each part of it."""

from __future__ import annotations

import pytest

from app.core.clients import Tenant
from app.core.model import ALONE, Bill, Feature, Inquiry, Layout, Outcome, RawRequest
from app.core.prices import PriceList
from app.core.quota import Amount
from app.fares import Ended
from app.server.tariff import Asked, Tariff
from app.wire.contract import Calls, Passthrough, Rest
from tests.support.front_half import call
from tests.support.wire import answered

PRICES = PriceList({"OBJECTS": 0.002, "LABELS": 0.001}, otherwise=0.005)
TARIFF = Tariff(PRICES, {Feature.OBJECTS: "OBJECTS", Feature.LABELS: "LABELS"})
SHOP = Tenant("tenant")
RAW = RawRequest("POST", "/", "", {}, b"")


def test_a_call_costs_each_of_its_questions_alone() -> None:
    both = call(inquiries=(Inquiry(Feature.OBJECTS), Inquiry(Feature.LABELS)))
    assert TARIFF.asked(both) == Asked(SHOP, 1, Amount.of(0.003, 2))


def test_what_the_provider_does_not_offer_is_asked_of_nobody() -> None:
    assert TARIFF.asked(call(inquiries=(Inquiry(Feature.LOGOS),))) == Asked(SHOP, 1, Amount.of(0, 1))


def test_a_batch_costs_all_of_its_images_and_the_rest_beside_them() -> None:
    rest = Rest(RAW, "google", (frozenset({"LABELS", "CROPS"}), frozenset({"CROPS"})))
    asked = TARIFF.asked(Calls((call(), call()), rest, images=4, tenant=SHOP))
    assert asked == Asked(SHOP, 4, Amount.of(0.004 + 0.006 + 0.005, 2 + 3))
    assert TARIFF.asked(Calls((), images=3, tenant=SHOP)) == Asked(SHOP, 3, Amount())
    assert TARIFF.asked(Calls(())) is None


@pytest.mark.parametrize(
    ("billed", "images", "amount"),
    [
        ((), 1, Amount()),
        ((frozenset({"CROPS"}),), 1, Amount.of(0.005, 1)),
        ((frozenset({"LABELS"}),) * 5, 5, Amount.of(0.005, 5)),
    ],
)
def test_what_is_handed_on_counts_its_billed_images(billed: tuple[frozenset[str], ...], images: int, amount: Amount) -> None:
    assert TARIFF.asked(Passthrough("azure", "crops", SHOP, "azure", billed)) == Asked(SHOP, images, amount)


def outcome(feature: Feature, layout: Layout, inferences: float) -> tuple[Inquiry, Outcome]:
    return Inquiry(feature), answered(bill=Bill(layout, inferences))


@pytest.mark.parametrize(
    ("feature", "layout", "inferences", "dollars"),
    [
        (Feature.OBJECTS, Layout(2, 2), 0.25, 0.0005),
        (Feature.OBJECTS, ALONE, 1.0, 0.002),
        (Feature.LABELS, ALONE, 1.0, 0.001),
        (Feature.LABELS, Layout(2, 1), 0.5, 0.001),  # its sheet was asked for objects
        (Feature.LABELS, ALONE, 1.5, 0.002),  # and alone after it
        (Feature.OBJECTS, Layout(2, 1), 1.5, 0.003),  # the sheet was asked three times
    ],
)
def test_a_bill_is_priced_by_what_was_asked(feature: Feature, layout: Layout, inferences: float, dollars: float) -> None:
    inquiry, done = outcome(feature, layout, inferences)
    assert TARIFF.paid([inquiry], [done]) == Amount.of(dollars, inferences)


def test_what_nobody_waited_for_is_priced_by_its_bill_or_guessed_upwards() -> None:
    inquiry, done = outcome(Feature.OBJECTS, Layout(2, 2), 0.25)
    broken_off = Inquiry(Feature.LABELS)
    assert TARIFF.of_ended([Ended(inquiry, done), Ended(broken_off, None)]) == Amount.of(0.0005 + 0.001, 1.25)
    assert TARIFF.of_ended([]) == Amount()
