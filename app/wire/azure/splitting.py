"""Which features of a request can share sheets, and which go with the rest, or whether it all goes whole.

A rest is a second request to the vendor with only the features that cannot; so it takes a provider that speaks Azure. With any
other provider such features, and those that could share a sheet but that it does not find, are not to be had.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from app.core.clients import Clients
from app.core.labels import DETECTION
from app.core.model import Feature
from app.core.prices import PriceList, Shareable
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
    provider can be asked for, whoever it is. `clients`: who is let in. `classify`: "detection" where tags are to come out of
    objects; otherwise Azure itself is asked for them in its own words, where it is the provider.
    """

    grid_text: bool = False
    offers: frozenset[Feature] = frozenset(Feature)
    own: OwnProvider | None = None
    clients: Clients = field(default_factory=Clients)
    classify: str | None = None


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
    placed = tuple(
        name for name in asked.features if name in asked.inquiries and _can_place(api.gridded[name].feature, options)
    )
    rest = tuple(name for name in asked.features if name not in placed)
    has_rest = bool(rest or asked.details)
    if own is None and has_rest:
        raise Refused(Reason.LACKING, next(iter((*rest, *asked.details))))
    if not placed or (own is not None and asked.pinned):
        return None
    if not has_rest or own is None:
        return Split(placed)
    shared = tuple(name for name in placed if options.grid_text or api.gridded[name].feature is not Feature.TEXT)
    if not may_grid:
        return None
    rest = tuple(name for name in asked.features if name not in shared)  # what is alone anyway goes with the rest
    better = _better_on_sheets(api, shared, (*rest, *asked.details), own)
    return Split(better, tuple(name for name in asked.features if name not in better), asked.details) if better else None


def _can_place(feature: Feature, options: AzureOptions) -> bool:
    """Whether the pipeline can be asked for it, and is to be."""
    if feature is Feature.LABELS and options.own is not None and options.classify != DETECTION:
        return False
    return feature in options.offers


def _better_on_sheets(api: Api, names: tuple[str, ...], rest: tuple[str, ...], own: OwnProvider) -> tuple[str, ...]:
    """Without what is cheaper beside the rest."""
    shareable = [Shareable(name, api.gridded[name].paid_as, own.share) for name in names]
    better = own.prices.better_on_sheets(shareable, rest)
    return tuple(name for name in names if name in better)
