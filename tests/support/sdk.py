"""boto3 as its users have it, in front of a running `tessera serve` with the emulator behind it: what the SDK tests share.

with running_rig(folder) as rig:
    client = rig.client()
    one, other = together(lambda: client("DetectLabels", photo), lambda: client("DetectLabels", photo_2))
    assert one.layout == "2x1"
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from botocore import xform_name
from botocore.exceptions import ClientError

from tests.support.aws_model import service_model, strangers
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.server import RunningServer, running_server

T = TypeVar("T")
U = TypeVar("U")

# Long enough for two clients to meet on a machine that is busy with other tests; a full sheet goes out at once.
MEETING_MS = 6000
# For images that nobody is to meet: they wait this long and go.
HURRIED = {"X-Tessera-Max-Wait-Ms": "10"}

_keys = itertools.count(1)


def new_key() -> str:
    """An access key id that nobody has used: a tenant of its own, whose lanes have no history."""
    return f"CLIENT{next(_keys):04d}"


@dataclass(frozen=True, slots=True)
class Told:
    """An answer as boto3 gives it, and what boto3 keeps to itself: the body as it came."""

    answer: Mapping[str, Any]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def layout(self) -> str:
        return self.headers.get("x-tessera-grid", "")

    @property
    def inferences(self) -> float:
        return float(self.headers["x-tessera-inferences"])


class Client:
    """A boto3 client that is called with an operation's name. `headers` go with every request, through boto3's own events."""

    def __init__(self, sdk: Any, headers: Mapping[str, str] | None = None) -> None:
        self.sdk = sdk
        self._headers = dict(headers or {})
        self._heard = threading.local()
        sdk.meta.events.register("before-call.rekognition", self._add_headers)
        sdk.meta.events.register("before-parse.rekognition", self._keep_body)

    def __call__(self, operation: str, image: bytes | None = None, **members: Any) -> Told:
        """Raises what boto3 raises. An answer that AWS's own model does not know fails the test."""
        if image is not None:
            members["Image"] = {"Bytes": image}
        answer = dict(getattr(self.sdk, xform_name(operation))(**members))
        headers = answer.pop("ResponseMetadata")["HTTPHeaders"]
        body: bytes = self._heard.body
        shape = service_model().operation_model(operation).output_shape
        assert list(strangers(shape, json.loads(body))) == []
        return Told(answer, headers, body)

    def refused(self, operation: str, image: bytes | None = None, **members: Any) -> ClientError:
        """The error that boto3 raises."""
        try:
            told = self(operation, image, **members)
        except ClientError as error:
            return error
        raise AssertionError(f"{operation} was answered: {told}")

    def _add_headers(self, params: dict[str, Any], **_: Any) -> None:
        params["headers"].update(self._headers)

    def _keep_body(self, response_dict: Mapping[str, Any], **_: Any) -> None:
        self._heard.body = response_dict["body"]


def code_of(error: ClientError) -> str:
    """AWS's name for it. The class that boto3 raised must be the one of that name, where the model has one."""
    code = str(error.response["Error"]["Code"])
    known = service_model().operation_model(error.operation_name).error_shapes
    if code in {shape.name for shape in known}:
        assert type(error).__name__ == code, "boto3 raises the modelled exception"
    return code


@dataclass(frozen=True, slots=True)
class Sent:
    """One call as the upstream received it."""

    content: bytes = field(repr=False)
    operation: str
    request: Mapping[str, Any]
    answer: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rig:
    """The proxy, its upstream, and the folder in which the upstream keeps what it was sent."""

    server: RunningServer
    emulator: RunningEmulator
    record: Path

    @property
    def address(self) -> tuple[str, int]:
        """The proxy's host and port."""
        parts = urlsplit(self.server.url)
        return parts.hostname or "", parts.port or 0

    def client(
        self, headers: Mapping[str, str] | None = None, *, key: str | None = None, server: RunningServer | None = None
    ) -> Client:
        """A client of the proxy; without a `key` it is a tenant of its own."""
        return Client((server or self.server).client(access_key=key or new_key()), headers)

    def direct(self) -> Client:
        """A client of the upstream itself."""
        return Client(self.emulator.client())

    def calls(self) -> int:
        """How many calls the upstream has kept so far."""
        return sum(1 for _ in self.record.glob("*.json"))

    def sent(self, after: int = 0) -> list[Sent]:
        """The calls it has kept, without the first `after`. A call is kept before it is answered."""
        kept = sorted(self.record.glob("*.json"))[after:]
        return [self._sent(json.loads(path.read_text(encoding="utf-8"))) for path in kept]

    def _sent(self, facts: Mapping[str, Any]) -> Sent:
        content = (self.record / facts["images"][0]).read_bytes()
        return Sent(content, facts["operation"], facts["request"], facts["answer"])


@contextmanager
def running_rig(folder: Path, *emulator: str, s3: bool = False, **settings: str) -> Iterator[Rig]:
    """Both processes; `settings` are the proxy's. With `s3` it reads objects from the upstream's folder `buckets`."""
    record, buckets = folder / "record", folder / "buckets"
    buckets.mkdir()
    options = ("--no-classical", "--record", str(record), "--buckets", str(buckets), *emulator)
    with running_emulator(*options) as upstream:
        defaults = {"TESSERA_UPSTREAM_URL": upstream.url, "TESSERA_MAX_WAIT_MS": str(MEETING_MS)}
        if s3:
            defaults["AWS_ENDPOINT_URL_S3"] = upstream.url
        with running_server(folder / "server.log", **(defaults | settings)) as server:
            yield Rig(server, upstream, record)


def both(one: Callable[[], T], other: Callable[[], U]) -> tuple[T, U]:
    """Two calls at once that give different things."""
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(one), pool.submit(other)
        return first.result(), second.result()


def together(*calls: Callable[[], T]) -> list[T]:
    """All calls at once, each on a thread of its own; their results in order. An exception is raised when all have ended."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]
