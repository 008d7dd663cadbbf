"""The fronts as clients use them: raw HTTP, and (in `sdks`) the vendors' own SDKs, most with their own tries switched off.

One `ask` of a front is one attempt at one process: `Attempt` says how it ended. Which process, and whether there is another
attempt, is decided in `balancer`.
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from app.core.geometry import Size
from tests.chaos import reading
from tests.chaos.history import OK, Attempt, Ending, Task
from tests.chaos.raw import PLAIN, BrokenError, Manner, RawAnswer, exchange, post

KEY = "CHAOSKEY"
_SCOPE = f"Credential={KEY}/20260101/us-east-1/rekognition/aws4_request"
_AWS = {
    "Content-Type": "application/x-amz-json-1.1",
    "Authorization": f"AWS4-HMAC-SHA256 {_SCOPE}, SignedHeaders=host, Signature={'0' * 64}",
}


@dataclass(frozen=True, slots=True)
class Question:
    """What a client sends."""

    id: str
    image: bytes
    size: Size


class Endpoint(Protocol):
    """A process that clients may ask."""

    @property
    def name(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def grpc(self) -> str: ...
    @property
    def was_killed(self) -> bool: ...


class Front(Protocol):
    """One way to ask."""

    @property
    def name(self) -> str: ...
    @property
    def task(self) -> Task: ...
    @property
    def tries_again(self) -> bool:
        """Whether its SDK does so by itself: then it asks at the gate."""
        ...

    def ask(self, endpoint: Endpoint, question: Question, patience_s: float) -> Attempt: ...


@dataclass(frozen=True, slots=True)
class RawFront:
    """`build` writes the request, `read` the answer's boxes. `manner`: how slowly it is sent and read."""

    name: str
    build: Callable[[Question], bytes]
    read: reading.Read
    task: Task = Task.DETECT
    manner: Manner = PLAIN
    tries_again: bool = False

    def ask(self, endpoint: Endpoint, question: Question, patience_s: float) -> Attempt:
        began_s = time.monotonic()
        try:
            answer = exchange(endpoint.url, self.build(question), patience_s, self.manner)
        except (ConnectionRefusedError, BrokenError, TimeoutError) as error:
            return unanswered(endpoint, began_s, error)
        if answer is None:
            return Attempt(endpoint.name, began_s, time.monotonic(), Ending.BROKEN, words="it left")
        return with_body(answered(endpoint, answer), answer.json(), question.size, self.read)


def answered(endpoint: Endpoint, answer: RawAnswer) -> Attempt:
    """An attempt with an answer, whatever its body says."""
    return Attempt(
        endpoint.name,
        answer.sent_s,
        time.monotonic(),
        Ending.ANSWERED,
        answer.status,
        layout=answer.headers.get("x-tessera-grid", ""),
        answered_id=answer.headers.get("x-request-id"),
        surplus_bytes=answer.surplus,
    )


def with_body(attempt: Attempt, body: Any, size: Size, read: reading.Read) -> Attempt:
    """The attempt with what its answer says. An answer that nobody can read is an error without a code."""
    if attempt.status != OK:
        return replace(attempt, error=reading.error_code(body))
    if error := reading.google_image_error(body):
        return replace(attempt, error=error)
    try:
        return replace(attempt, seen=read(body, size))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        return replace(attempt, status=0, words=f"cannot be read: {error!r}")


def unanswered(endpoint: Endpoint, began_s: float, error: BaseException) -> Attempt:
    """How an attempt without an answer ended, from what was raised and what that was raised from."""
    ending = ending_of(error)
    words = f"{type(error).__name__}: {error}"[:200]
    return Attempt(endpoint.name, began_s, time.monotonic(), ending, was_killed=endpoint.was_killed, words=words)


def ending_of(error: BaseException) -> Ending:
    """SDKs wrap what the socket said, some of them in arguments only."""
    names = [type(one).__name__ for one in _chain(error)]
    if any(name in names for name in ("ConnectionRefusedError", "NewConnectionError", "EndpointConnectionError")):
        return Ending.REFUSED
    if "failed to connect to all addresses" in str(error):
        return Ending.REFUSED
    if any("Timeout" in name or name == "DeadlineExceeded" for name in names):
        return Ending.SILENT
    return Ending.BROKEN


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    left: list[BaseException] = [error]
    while left:
        one = left.pop()
        if one in found:
            continue
        found.append(one)
        near = [one.__cause__, one.__context__, getattr(one, "reason", None), getattr(one, "inner_exception", None), *one.args]
        left += [other for other in near if isinstance(other, BaseException)]
    return found


def _octets(path: str, key_header: str) -> Callable[[Question], bytes]:
    def build(question: Question) -> bytes:
        headers = {"Content-Type": "application/octet-stream", key_header: KEY, "X-Request-Id": question.id}
        return post(path, question.image, headers)

    return build


def _native(question: Question) -> bytes:
    headers = {"Content-Type": "image/jpeg", "X-Api-Key": KEY, "X-Request-Id": question.id}
    return post("/v1/detect?features=objects", question.image, headers)


def _aws(operation: str) -> Callable[[Question], bytes]:
    def build(question: Question) -> bytes:
        body = json.dumps({"Image": {"Bytes": b64encode(question.image).decode()}}).encode()
        return post("/", body, {**_AWS, "X-Amz-Target": f"RekognitionService.{operation}", "X-Request-Id": question.id})

    return build


def _google(question: Question) -> bytes:
    image = {"content": b64encode(question.image).decode()}
    body = json.dumps({"requests": [{"image": image, "features": [{"type": "OBJECT_LOCALIZATION"}]}]}).encode()
    headers = {"Content-Type": "application/json", "X-Goog-Api-Key": KEY, "X-Request-Id": question.id}
    return post("/v1/images:annotate", body, headers)


AZURE_4_0_PATH = "/computervision/imageanalysis:analyze?api-version=2024-02-01&features=objects"
NATIVE = RawFront("native", _native, reading.native)
RAW: Mapping[str, RawFront] = {
    front.name: front
    for front in (
        NATIVE,
        RawFront("rekognition", _aws("DetectLabels"), reading.rekognition),
        RawFront("rekognition, moderate", _aws("DetectModerationLabels"), reading.moderation, Task.MODERATE),
        RawFront("google", _google, reading.google),
        RawFront("azure 4.0", _octets(AZURE_4_0_PATH, "Ocp-Apim-Subscription-Key"), reading.azure_4_0),
        RawFront("azure 3.2", _octets("/vision/v3.2/detect", "Ocp-Apim-Subscription-Key"), reading.azure_3_2),
    )
}
# Bodies that take about two seconds to send, answers that are read a few bytes at a time; and clients that do not wait.
SLOW = replace(NATIVE, name="native, slow", manner=Manner(piece_bytes=1024, pause_s=0.15, read_bytes=64, read_pause_s=0.01))
LEAVING = replace(NATIVE, name="native, leaving", manner=Manner(leaves=True))
