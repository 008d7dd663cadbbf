"""gRPC to Google: a request message out, an answer message in. grpc's one home in this package.

Called by `provider`, on the event loop. Nothing here tries again: neither the client (its default retry is taken away) nor
the channel. Every failure is a `Problem`, and its kind says whether the vendor may have billed the request: before there is a
connection it is PROVIDER_UNAVAILABLE (nothing was bought); what the vendor answers is its own error; after that, a deadline
is PROVIDER_TIMEOUT and a connection that breaks is PROVIDER_GARBLED (it may have been). gRPC does not say how much of a
request has left, so whatever was handed to a connection counts as sent.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import grpc
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import vision
from google.cloud.vision_v1.services.image_annotator.transports import ImageAnnotatorGrpcAsyncIOTransport
from google.cloud.vision_v1.types import image_annotator
from google.protobuf.message import DecodeError

from app.errors import Kind, Problem
from app.providers.google.refusals import call_refusal

# Sheets under way on one connection before another one is opened: all of a connection's uploads share its TCP stream, and
# servers take no more than a hundred calls on one.
CALLS_PER_CONNECTION = 8
# 100 faces are about 300 kB; a dense page with all its symbols a few MB. grpc's own limit of 4 MiB would be too small.
MAX_ANSWER_BYTES = 32 * 1024 * 1024
# After a failed connection: how soon the next is tried, at first and later, milliseconds. grpc's own last step is 2 minutes.
_FIRST_RECONNECT_MS, _LAST_RECONNECT_MS = 100, 2_000
# Between the end of a call that broke with its connection and the end of the connection: 1 ms, on a busy machine more.
# Only calls that end as UNAVAILABLE wait for it, and those are not asked again at once anyway.
_NOTICE_S = 0.2
_MS_PER_S = 1000

_READY = grpc.ChannelConnectivity.READY
_FAILING = frozenset({grpc.ChannelConnectivity.TRANSIENT_FAILURE, grpc.ChannelConnectivity.SHUTDOWN})


@dataclass(frozen=True, slots=True)
class Target:
    """Where gRPC is spoken. `is_near`: on this machine, where no proxy of the environment is asked."""

    address: str
    is_encrypted: bool
    is_near: bool


@dataclass(slots=True)
class _Line:
    """One connection, the client that speaks on it, and how many calls are under way."""

    channel: grpc.aio.Channel
    client: vision.ImageAnnotatorAsyncClient = field(repr=False)
    in_flight: int = 0
    breaking: asyncio.Task[None] | None = None

    async def is_broken(self, until_s: float) -> bool:
        """Whether the connection is gone, or goes before `until_s`. One watch at a time: grpc keeps each until it ends."""
        if self.breaking is None or self.breaking.done():
            self.breaking = asyncio.create_task(self.channel.wait_for_state_change(_READY), name="google connection")
        done, _ = await asyncio.wait({self.breaking}, timeout=max(0.0, until_s - asyncio.get_running_loop().time()))
        return bool(done)

    async def aclose(self) -> None:
        if self.breaking is not None:
            self.breaking.cancel()
            await asyncio.wait({self.breaking})
        await self.channel.close()


class Channels:
    """Connections to one target, opened as they are needed. Belongs to the event loop that first uses it."""

    def __init__(self, target: Target, *, max_connections: int, connect_timeout_s: float) -> None:
        self._target = target
        self._most = math.ceil(max_connections / CALLS_PER_CONNECTION)
        self._connect_timeout_s = connect_timeout_s
        self._lines: list[_Line] = []
        self._is_closed = False

    async def annotate(
        self, request: image_annotator.BatchAnnotateImagesRequest, identity: Mapping[str, str], *, deadline_s: float
    ) -> image_annotator.BatchAnnotateImagesResponse:
        """One call; it ends before `deadline_s` on the event loop's clock."""
        if self._is_closed:
            raise _closed()
        line = self._line()
        line.in_flight += 1
        try:
            await self._connect(line.channel, deadline_s)
            return await self._call(line, request, identity, deadline_s)
        except (asyncio.CancelledError, grpc.aio.UsageError) as error:  # what calls on a channel that is closed end with
            task = asyncio.current_task()
            if not self._is_closed or (task is not None and task.cancelling()):
                raise
            raise _closed() from error
        finally:
            line.in_flight -= 1

    async def aclose(self) -> None:
        """Calls under way fail."""
        self._is_closed = True
        for line in self._lines:
            await line.aclose()

    def _line(self) -> _Line:
        """The least busy one, or a new one while all are busy and there may be more."""
        calmest = min(self._lines, key=lambda line: line.in_flight, default=None)
        if calmest is not None and (calmest.in_flight < CALLS_PER_CONNECTION or len(self._lines) >= self._most):
            return calmest
        channel = _open(self._target, self._connect_timeout_s)
        client = vision.ImageAnnotatorAsyncClient(transport=ImageAnnotatorGrpcAsyncIOTransport(channel=channel))
        self._lines.append(_Line(channel, client))
        return self._lines[-1]

    async def _connect(self, channel: grpc.aio.Channel, deadline_s: float) -> None:
        """Wait until there is a connection, so that a call which ends late is known to have been sent."""
        until_s = min(deadline_s, asyncio.get_running_loop().time() + self._connect_timeout_s)
        try:
            async with asyncio.timeout_at(until_s):
                while (state := channel.get_state(try_to_connect=True)) is not _READY:
                    if state in _FAILING:
                        raise Problem(Kind.PROVIDER_UNAVAILABLE, "The provider could not be reached")
                    await channel.wait_for_state_change(state)
        except TimeoutError as error:
            raise Problem(Kind.PROVIDER_UNAVAILABLE, "The provider could not be reached in time") from error

    async def _call(
        self,
        line: _Line,
        request: image_annotator.BatchAnnotateImagesRequest,
        identity: Mapping[str, str],
        deadline_s: float,
    ) -> image_annotator.BatchAnnotateImagesResponse:
        timeout_s = deadline_s - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(deadline_s):
                answer = await line.client.batch_annotate_images(
                    request, retry=None, timeout=timeout_s, metadata=tuple(identity.items())
                )
        except TimeoutError as error:
            raise _too_late() from error
        except GoogleAPICallError as error:
            raise await _problem_of(error, line, deadline_s) from error
        except (ValueError, DecodeError) as error:  # an error whose details are none, or contradict it
            raise Problem(Kind.PROVIDER_GARBLED, "The provider's error cannot be understood") from error
        if not isinstance(answer, image_annotator.BatchAnnotateImagesResponse):  # grpc's EOF, for bytes that are no message
            raise Problem(Kind.PROVIDER_GARBLED, "The provider's answer cannot be understood: it is no message")
        return answer


async def _problem_of(error: GoogleAPICallError, line: _Line, deadline_s: float) -> Problem:
    """The vendor's own error; grpc gives its own, too, for calls that it gave up."""
    if error.grpc_status_code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return _too_late()
    until_s = min(deadline_s, asyncio.get_running_loop().time() + _NOTICE_S)
    if error.grpc_status_code is grpc.StatusCode.UNAVAILABLE and await line.is_broken(until_s):
        return Problem(Kind.PROVIDER_GARBLED, "The provider took the request and its answer broke off")
    return call_refusal(error)


def _closed() -> Problem:
    return Problem(Kind.SHUTTING_DOWN, "The provider is closed")


def _too_late() -> Problem:
    return Problem(Kind.PROVIDER_TIMEOUT, "The provider did not answer in time")


def _open(target: Target, connect_timeout_s: float) -> grpc.aio.Channel:
    options = [
        ("grpc.enable_retries", 0),
        ("grpc.max_receive_message_length", MAX_ANSWER_BYTES),
        ("grpc.initial_reconnect_backoff_ms", _FIRST_RECONNECT_MS),
        ("grpc.min_reconnect_backoff_ms", round(connect_timeout_s * _MS_PER_S)),  # in truth the longest time of one attempt
        ("grpc.max_reconnect_backoff_ms", _LAST_RECONNECT_MS),
        ("grpc.use_local_subchannel_pool", 1),  # or all channels to one address would share one connection
        ("grpc.enable_http_proxy", 0 if target.is_near else 1),
        ("grpc.primary_user_agent", "tessera"),
    ]
    if target.is_encrypted:
        return grpc.aio.secure_channel(target.address, grpc.ssl_channel_credentials(), options)
    return grpc.aio.insecure_channel(target.address, options)
