"""Which features of a request have a place, and which go with the rest, or whether it all goes whole.

A rest is a second request to the vendor with only the features that have no place; so it takes a provider that speaks
Azure. With any other provider such features, and those with places that it does not find, are not to be had.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from app.core.clients import Clients
from app.core.model import Feature
from app.core.prices import PriceList
from app.wire.azure.api import Api, Asked
from app.wire.azure.refusals import Reason, Refused


@dataclass(frozen=True, slots=True)
class OwnProvider:
    """The provider, where it speaks this vendor's language: what it charges by the vendor's names, and the smallest share of a
    sheet that one image may get (1 / cells).
    """

    prices: PriceList
    share: float


@dataclass(frozen=True, slots=True)
class AzureOptions:
    """What the operator decides, and what stands behind.

    `grid_text`: text may share a sheet (small print suffers); otherwise the pipeline asks for it alone. `offers`: what the
    provider can be asked for, whoever it is. `clients`: who is let in.
    """

    grid_text: bool = False
    offers: frozenset[Feature] = frozenset(Feature)
    own: OwnProvider | None = None
    clients: Clients = field(default_factory=Clients)


@dataclass(frozen=True, slots=True)
class Split:
    """The features of a request, by the way that they take: `placed` ones are asked for by the pipeline."""

    placed: tuple[str, ...]
    rest: tuple[str, ...] = ()
    details: tuple[str, ...] = ()

    @property
    def has_rest(self) -> bool:
        return bool(self.rest or self.details)


def split(api: Api, asked: Asked, options: AzureOptions, *, may_grid: bool) -> Split | None:
    """None: the request goes to the vendor whole. Raises Refused(LACKING) where a part of it can go nowhere: that is said
    before anything is paid for another part.
    """
    own = options.own
    placed = tuple(name for name in asked.features if _is_offered(api, name, options))
    rest = tuple(name for name in asked.features if name not in placed)
    has_rest = bool(rest or asked.details)
    if own is None and has_rest:
        raise Refused(Reason.LACKING, next(iter((*rest, *asked.details))))
    if not placed or (own is not None and asked.pinned):
        return None
    if not has_rest or own is None:
        return Split(placed)
    shared = tuple(name for name in placed if options.grid_text or api.gridded[name].feature is not Feature.TEXT)
    if not shared or not may_grid:
        return None
    rest = tuple(name for name in asked.features if name not in shared)  # what is alone anyway goes with the rest
    if own.prices.split_costs_more(shared, (*rest, *asked.details), own.share):
        return None
    return Split(shared, rest, asked.details)


def _is_offered(api: Api, name: str, options: AzureOptions) -> bool:
    row = api.gridded.get(name)
    return row is not None and row.feature in options.offers
