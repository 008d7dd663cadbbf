"""Dialects: a pair of pure functions, read and write, on plain values. HTTP and gRPC code only carries bytes to and from them.

W1  `read` turns a raw request into a `Call`, into `Calls` or a `Passthrough`, or raises `errors.Problem`; it does no I/O.
W2  `write` turns outcomes into the vendor's answer; the filters of the request are applied here, per image.
W3  `refuse` has a row for every `errors.Kind`: no failure leaves as anything but the vendor's own error shape.
W4  A dialect whose `read` gives `Calls` also has `write_calls`: one image's problem costs the others nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

from app.core.clients import Tenant
from app.core.model import Bypass, Inquiry, Outcome, Picture, RawRequest, Task
from app.errors import Problem


@dataclass(frozen=True, slots=True)
class RawReply:
    """A reply ready to be sent. `filtered` counts the detections that the request's own filters left out."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    filtered: int = 0


@dataclass(frozen=True, slots=True)
class InlineImage:
    """The image came with the request."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredImage:
    """The request only names the image (S3Object)."""

    bucket: str
    name: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class LinkedImage:
    """The request only says where the image is: an address (http, https) or an object of Cloud Storage (gs://bucket/key)."""

    url: str


ImageSource: TypeAlias = "InlineImage | StoredImage | LinkedImage"


@dataclass(frozen=True, slots=True)
class Wishes:
    """The request headers of ours: X-Tessera-Grid: off, X-Tessera-Max-Wait-Ms, X-Tessera-Max-Map-Drop."""

    grid: bool = True
    max_wait_s: float | None = None
    max_map_drop: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A request that can be answered from images: one image, one or more inquiries about it.

    `alone` is a reason for sending the image alone that the request itself gives, if any. `formats` and
    `max_image_bytes` are what the front vendor accepts; `check` is what else it wants of an image's header facts, and raises
    Problem. `memo` is the dialect's own, for `write`. `retry_id`: what the vendor's SDK sends alike on all tries of one call,
    "" where it sends nothing such.
    """

    endpoint: str
    operation: str
    tenant: Tenant
    source: ImageSource
    inquiries: tuple[Inquiry, ...]
    wishes: Wishes
    formats: frozenset[str]
    max_image_bytes: int
    alone: Bypass | None = None
    check: Callable[[Picture], None] | None = None
    retry_id: str = ""
    memo: Mapping[str, object] = field(default_factory=dict)

    @property
    def task(self) -> Task:
        """Which of the paper's tasks it is; of several, that of the first inquiry."""
        return self.inquiries[0].feature.task


@dataclass(frozen=True, slots=True)
class Answered:
    """What is needed to write a call's reply: the image's header facts, and one outcome per inquiry, in their order."""

    picture: Picture
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Rest:
    """The part of a request that can share no sheet, in the vendor's own words: it goes to the provider that speaks `vendor`.

    `billed`: for each image in it the names of what the vendor charges for.
    """

    request: RawRequest
    vendor: str
    billed: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class Calls:
    """One request that is several calls (the images of a batch), or that has a rest beside them. `memo` as in `Call`.

    `images`: how many it brings, those of the rest and those that cannot be asked about included. `tenant`: whose they are,
    where there may be no call to say so.
    """

    calls: tuple[Call, ...]
    rest: Rest | None = None
    memo: Mapping[str, object] = field(default_factory=dict)
    images: int = 1
    tenant: Tenant | None = None

    @property
    def owner(self) -> Tenant | None:
        """Whose images they are."""
        return self.calls[0].tenant if self.tenant is None and self.calls else self.tenant


@dataclass(frozen=True, slots=True)
class RestReply:
    """What the provider answered to a rest, be it an error."""

    status: int
    body: bytes = field(repr=False)


# Why there is no answer to a rest; None where there was no rest.
RestAnswer: TypeAlias = "RestReply | Problem | None"


@dataclass(frozen=True, slots=True)
class Passthrough:
    """A request to be forwarded whole to the provider `vendor` speaks for.

    `billed`: for each image in it the names of what the vendor charges for, in its own language.
    """

    endpoint: str
    operation: str
    tenant: Tenant
    vendor: str
    billed: tuple[frozenset[str], ...] = ()


class Dialect(Protocol):
    """One vendor's way of asking and answering."""

    @property
    def name(self) -> str: ...

    def read(self, request: RawRequest) -> Call | Calls | Passthrough: ...

    def write(self, call: Call, picture: Picture, outcomes: Sequence[Outcome], request_id: str) -> RawReply:
        """One outcome per inquiry, in the same order. If any is a Failure, the reply is its error."""
        ...

    def refuse(self, problem: Problem, request_id: str) -> RawReply: ...


@runtime_checkable
class JoiningDialect(Dialect, Protocol):
    """A dialect with requests of several calls."""

    def write_calls(self, calls: Calls, answers: Sequence[Answered | Problem], rest: RestAnswer, request_id: str) -> RawReply:
        """One answer per call, in the same order; a Problem stands for the call that it ended."""
        ...
