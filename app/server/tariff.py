"""What a request may cost at most, and what its answers did cost, at the provider's list price. Called by the desk for quotas.

In: what a dialect has read, and the outcomes with their bills. Out: images, dollars, inferences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import floor

from app.core.clients import Tenant
from app.core.model import ALONE, Feature, Inquiry, Outcome
from app.core.prices import PriceList
from app.core.quota import Amount
from app.fares import Ended
from app.wire.contract import Call, Calls, Passthrough


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose request it is, how many images it brings, and what they cost when each goes alone, once."""

    tenant: Tenant
    images: int
    amount: Amount


@dataclass(frozen=True, slots=True)
class Tariff:
    """`names`: what the provider calls its features; `prices` are by such names."""

    prices: PriceList
    names: Mapping[Feature, str] = field(default_factory=dict)

    def asked(self, request: Call | Calls | Passthrough) -> Asked | None:
        """None where nobody is named: then there is nothing that could be paid for either."""
        match request:
            case Call():
                return Asked(request.tenant, 1, self._of_calls([request]))
            case Passthrough():
                return Asked(request.tenant, max(1, len(request.billed)), self.handed_on(request.billed))
        rest = () if request.rest is None else request.rest.billed
        amount = self._of_calls(request.calls) + self.handed_on(rest)
        return None if request.owner is None else Asked(request.owner, max(1, request.images), amount)

    def _of_calls(self, calls: Sequence[Call]) -> Amount:
        return self._of_inquiries([inquiry for call in calls for inquiry in call.inquiries])

    def _of_inquiries(self, inquiries: Sequence[Inquiry]) -> Amount:
        return Amount.of(sum(self._alone(inquiry.feature) for inquiry in inquiries), len(inquiries))

    def handed_on(self, billed: Sequence[frozenset[str]]) -> Amount:
        """What the vendor charges for a request of its own."""
        return Amount.of(sum(map(self.prices.of, billed)), sum(map(self.prices.units, billed)))

    def paid(self, inquiries: Sequence[Inquiry], outcomes: Sequence[Outcome]) -> Amount:
        """For these answers. A bill does not say what each inference was: whole ones were of the image alone, shares of sheets,
        which cost what is asked of a sheet in the feature's stead.
        """
        dollars = sum(self._dollars(inquiry, outcome) for inquiry, outcome in zip(inquiries, outcomes, strict=False))
        return Amount.of(dollars, sum(outcome.bill.inferences for outcome in outcomes))

    def of_ended(self, ended: Sequence[Ended]) -> Amount:
        """For ways whose client did not wait for them: their bills. What was broken off may have been paid as for the image
        alone: guessed upwards.
        """
        known = [(each.inquiry, each.outcome) for each in ended if each.outcome is not None]
        unknown = [each.inquiry for each in ended if each.outcome is None]
        paid = self.paid([inquiry for inquiry, _ in known], [outcome for _, outcome in known])
        return paid + self._of_inquiries(unknown)

    def _dollars(self, inquiry: Inquiry, outcome: Outcome) -> float:
        inferences = outcome.bill.inferences
        alone = floor(inferences) if outcome.bill.layout == ALONE else 0
        return alone * self._alone(inquiry.feature) + (inferences - alone) * self._alone(inquiry.feature.on_sheet)

    def _alone(self, feature: Feature) -> float:
        """For one image; nobody is asked for what the provider does not offer."""
        name = self.names.get(feature)
        return 0.0 if name is None else self.prices.of((name,))
