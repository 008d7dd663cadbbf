"""What one of Azure's two APIs is: a row of facts, and the functions that read its query and put an answer together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from app.core.geometry import Size
from app.core.model import Detection, Feature, Inquiry, Picture
from app.wire.azure.bodies import BodyRules
from app.wire.azure.query import Query
from app.wire.azure.refusals import Reason, Refused, Row

# Shortest and longest side of an image, pixels ("What is Image Analysis?", image requirements), the same for both APIs.
LEAST_SIDE_PX, MOST_SIDE_PX = 50, 16_000

Writer: TypeAlias = Callable[[Sequence[Detection], Size], Any]


@dataclass(frozen=True, slots=True)
class Gridded:
    """A feature that can share a sheet: what it is to us, the answer's member, and who writes that.

    `paid_as`: what a sheet is asked for, by the vendor's name. `keeps_member`: an answer of the vendor to a single image is one
    of this API, and its member can be handed on as it is.
    """

    feature: Feature
    member: str
    write: Writer
    paid_as: str
    keeps_member: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for features of one image. `features` and `details` are in the vendor's spelling, in the caller's order;
    `inquiries` has one for each of the features that can share a sheet.

    `pinned`: it names a model that nobody but the vendor's own service of this API has.
    """

    operation: str
    query: Query
    features: tuple[str, ...]
    inquiries: Mapping[str, Inquiry]
    details: tuple[str, ...] = ()
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Seal:
    """What every answer has beside its features: of the client's own image, of the model, of the request."""

    picture: Picture
    model_version: str | None
    request_id: str


@dataclass(frozen=True, slots=True)
class Api:
    """One API. `parameter`: the query's list of features. `ask`: None for an operation that is not about features.

    `billed`: what the vendor charges for a request that is handed on. `unread`: how files begin whose format the vendor reads
    and we do not. `keeps_bodies`: the whole of an answer of the vendor to a single image can be handed on as it is, too.
    """

    version: str
    parameter: str
    reasons: Mapping[Reason, Row]
    bodies: BodyRules
    gridded: Mapping[str, Gridded]
    unread: tuple[bytes, ...]
    ask: Callable[[str, Query], Asked | None]
    billed: Callable[[str, Query], frozenset[str]]
    seal: Callable[[dict[str, Any], Seal], dict[str, Any]]
    keeps_bodies: bool = False
    by_feature: Mapping[Feature, Gridded] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_feature", {row.feature: row for row in self.gridded.values()})


def check_sides(picture: Picture) -> None:
    """Raises Problem in the vendor's words for an image that is too small or too large for it."""
    shortest_px, longest_px = picture.stored.shortest_px, picture.stored.longest_px
    if shortest_px < LEAST_SIDE_PX or longest_px > MOST_SIDE_PX:
        raise Refused(Reason.IMAGE_SIDES, f"the image has {picture.stored} pixels")
