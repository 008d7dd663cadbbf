"""Providers: the upstreams that are paid. Implementations: `rekognition` (also behind it: the emulator), `google`, `azure`, and
`local` (a model in this process).

P1  One call of `infer` is at most one paid inference; there is no hidden retry inside (the one retry loop is `calling`).
P2  Every finding of the vendor is in `Reading.detections`, in coordinates of the image that was sent.
P3  All failures are `errors.Problem`; the vendor's own error, where there is one, is in `Problem.vendor`.
P4  `infer` ends within `timeout_s`, whatever the vendor does (Problem PROVIDER_TIMEOUT).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from app.core.detector_input import DetectorInput
from app.core.model import Detection, Feature, Inquiry, RawRequest, Tree
from app.core.prices import PriceList


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider accepts and costs, in one declared value; sheets are sized to it.

    `sheet_side_px`: longest side of a sheet: larger ones cost pixels and gain nothing with this vendor.
    `vendor`: whose wire language it speaks (`provider` may be another name for it: the emulator speaks "rekognition").
    `narrower`: for features of which it reads fewer formats, those formats.
    `names`: its own name for each feature that it offers; `prices` are by such names.
    `accuracy_table`: the column of the paper's table that stands for it until it is calibrated.
    `input`: how its detector sees an image, where that is known. `usual_score_unit`: clients who name no threshold are given
    what is at least so sure; None where the provider has a threshold of its own. `moderation_steps`: the only scores that it
    has for unsafe content, ascending; empty where they are continuous.
    """

    provider: str
    formats: frozenset[str]
    names: Mapping[Feature, str]
    max_image_bytes: Mapping[Feature, int]
    min_side_px: int
    max_side_px: int
    sheet_side_px: int
    prices: PriceList
    accuracy_table: str
    vendor: str = ""
    narrower: Mapping[Feature, frozenset[str]] = field(default_factory=dict)
    input: DetectorInput | None = None
    usual_score_unit: float | None = None
    moderation_steps: tuple[float, ...] = ()

    @property
    def features(self) -> frozenset[Feature]:
        return frozenset(self.names)

    def formats_for(self, feature: Feature) -> frozenset[str]:
        """The formats that it reads when asked for this feature."""
        return self.narrower.get(feature, self.formats)

    def dollars(self, feature: str) -> float:
        """List price of one inference."""
        return self.prices.of((self.names[Feature(feature)],))


@dataclass(frozen=True, slots=True)
class Reading:
    """A provider's answer to one image or sheet.

    `verbatim` is the vendor's whole body. `truncated`: a result cap was reached, so findings may be missing. `broken`: so
    many findings cannot be read, and are not among the detections.
    `extra`: facts of the whole answer that hold for every image on the sheet (a model version).
    """

    detections: tuple[Detection, ...]
    verbatim: bytes = field(repr=False)
    truncated: bool = False
    broken: int = 0
    extra: Mapping[str, Tree] = field(default_factory=dict)


class Provider(Protocol):
    """One paid upstream."""

    @property
    def capabilities(self) -> Capabilities: ...

    async def infer(self, image: bytes, inquiry: Inquiry, *, timeout_s: float) -> Reading:
        """Pay for one inference of `image` (encoded, in an accepted format).

        When `inquiry.own_vendor` is this provider, `inquiry.own_request` is sent word for word with the image put in.
        """
        ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ForwardReply:
    """The vendor's reply to a forwarded request, untouched; `body` streams and must be read to its end or closed."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: AsyncIterator[bytes] = field(repr=False)


class Resumed:
    """A reply's body of which the first part has been read already; `rest` is None where that was all. Closing works before the
    first byte.
    """

    def __init__(self, read: bytes, rest: AsyncIterator[bytes] | None) -> None:
        self._read = read
        self._rest = rest

    def __aiter__(self) -> Resumed:
        return self

    async def __anext__(self) -> bytes:
        read, self._read = self._read, b""
        if read:
            return read
        if self._rest is None:
            raise StopAsyncIteration
        return await anext(self._rest)

    async def aclose(self) -> None:
        closing = getattr(self._rest, "aclose", None)
        if closing is not None:
            await closing()


class Forwarder(Protocol):
    """Optional ability: hand whole requests of the provider's own API on."""

    async def forward(self, request: RawRequest, *, timeout_s: float) -> ForwardReply: ...


class Upstream(Provider, Forwarder, Protocol):
    """A provider somewhere else: it has an address, and credentials to be found."""

    async def address(self) -> str:
        """Where requests go. Raises Problem when nothing says so; needs no credentials."""
        ...

    async def warm_up(self) -> None:
        """Find address and credentials before the first image needs them. Raises Problem when one is missing."""
        ...


class LinkReader(Protocol):
    """Optional ability: fetch an image that a request only gives the address of. Limits and allow-lists are the reader's."""

    async def read(self, url: str, *, max_bytes: int, timeout_s: float) -> bytes:
        """Raises Problem: FORBIDDEN (not allowed), OBJECT_UNAVAILABLE, IMAGE_TOO_LARGE, PROVIDER_UNAVAILABLE."""
        ...


class ObjectStore(Protocol):
    """Optional ability: read an image that a request only names (S3Object). Limits and allow-list are the store's."""

    async def read(self, bucket: str, name: str, version: str | None, *, max_bytes: int, timeout_s: float) -> bytes:
        """Raises Problem: FORBIDDEN (bucket not allowed), OBJECT_UNAVAILABLE, IMAGE_TOO_LARGE, PROVIDER_UNAVAILABLE."""
        ...
