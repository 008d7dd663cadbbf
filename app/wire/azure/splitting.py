"""Which features of a request share a sheet, which are asked alone, and which go with the rest, or whether it all goes whole.

A rest is a second request to the vendor with only the features that have no place; so it takes a provider that speaks
Azure. With any other provider nothing is split: the request is handed on whole, and the desk says that it cannot be.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.core.model import Feature
from app.core.prices import PriceList
from app.wire.azure.api import Api, Asked


@dataclass(frozen=True, slots=True)
class OwnProvider:
    """The provider, where it speaks this vendor's language: which features it can be asked for on a sheet, what it charges by
    the vendor's names, and the smallest share of a sheet that one image may get (1 / cells).
    """

    offers: frozenset[Feature]
    prices: PriceList
    share: float


@dataclass(frozen=True, slots=True)
class AzureOptions:
    """What the operator decides. `grid_text`: text may share a sheet (small print suffers); otherwise it is read alone."""

    grid_text: bool = False
    own: OwnProvider | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """The features of a request, by the way that they take."""

    shared: tuple[str, ...]
    alone: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()
    details: tuple[str, ...] = ()

    @property
    def has_rest(self) -> bool:
        return bool(self.rest or self.details)


def split(api: Api, asked: Asked, options: AzureOptions, *, may_grid: bool) -> Split | None:
    """None: the request goes to the vendor whole."""
    own = options.own
    rest = tuple(name for name in asked.features if not _askable(api, name, own))
    placed = tuple(name for name in asked.features if name not in rest)
    has_rest = bool(rest or asked.details)
    if not placed or (has_rest and own is None) or (own is not None and asked.pinned):
        return None
    alone = () if options.grid_text else tuple(name for name in placed if api.gridded[name].feature is Feature.TEXT)
    shared = tuple(name for name in placed if name not in alone)
    if not has_rest or own is None:
        return Split(shared, alone)
    if not shared or not may_grid:
        return None
    rest = tuple(name for name in asked.features if name not in shared)  # what is alone anyway goes with the rest
    if own.prices.split_costs_more(priced(shared), priced((*rest, *asked.details)), own.share):
        return None
    return Split(shared, (), rest, asked.details)


def priced(names: tuple[str, ...]) -> frozenset[str]:
    """The vendor's names as its prices have them: those of 3.2 like the members of its answers, and so like those of 4.0."""
    return frozenset(name[:1].lower() + name[1:] for name in names)


def _askable(api: Api, name: str, own: OwnProvider | None) -> bool:
    """Whether the pipeline can be asked. Where the provider is another vendor's, it says itself what it does not offer."""
    row = api.gridded.get(name)
    return row is not None and (own is None or row.feature in own.offers)
