"""Images that a request only names (S3Object), read with the operator's credentials from the buckets the operator allows.

Comes in: bucket, name, version from a client's request, so nothing here trusts them. Goes out: the object's bytes, or a
Problem. Built by the composition root, called by the front half. botocore blocks: reads have a pool of threads of their own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError

from app.core.buckets import AllowedBuckets
from app.errors import Kind, Problem
from app.providers.aws import FixedCredentials, open_session

if TYPE_CHECKING:
    from botocore.response import StreamingBody

_CONNECT_TIMEOUT_S = 2.0  # S3 is in the same region: a handshake takes milliseconds
_READ_TIMEOUT_S = 5.0  # between two pieces of a body; the whole read has the caller's time-out
_ATTEMPTS = 2  # one retry for a lost packet or a 503 "slow down"; after that the client's time is better spent on an answer
_FIRST_SERVER_ERROR = 500
_THREADS = 16  # reads at once; each holds one image in memory
_PIECE_BYTES = 64 * 1024  # often enough to notice that nobody waits any more, large enough not to cost time


class S3Store:
    """An `ObjectStore` over S3. Nothing is looked up or connected before the first read.

    `endpoint_url`: another address than AWS's own (AWS_ENDPOINT_URL_S3 works, too).
    """

    def __init__(
        self,
        buckets: AllowedBuckets,
        *,
        region: str | None = None,
        credentials: FixedCredentials | None = None,
        endpoint_url: str | None = None,
    ) -> None:
        self._buckets = buckets
        self._region = region
        self._credentials = credentials
        self._endpoint_url = endpoint_url
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="s3")
        self._lock = threading.Lock()
        self._client: Any = None
        self._closed = False

    async def read(self, bucket: str, name: str, version: str | None, *, max_bytes: int, timeout_s: float) -> bytes:
        """The whole object. Raises Problem: FORBIDDEN, OBJECT_UNAVAILABLE, IMAGE_TOO_LARGE, PROVIDER_UNAVAILABLE."""
        if not self._buckets.allow(bucket):
            raise Problem(Kind.FORBIDDEN, "The operator does not allow images to be read from this bucket")
        if self._closed:
            raise Problem(Kind.SHUTTING_DOWN, "The object store is closed")
        wanted = {"Bucket": bucket, "Key": name} | ({"VersionId": version} if version else {})
        given_up = threading.Event()
        try:
            async with asyncio.timeout(timeout_s):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._threads, self._read, wanted, max_bytes, given_up)
        except TimeoutError as error:
            raise _not_now("it took too long") from error
        finally:
            given_up.set()  # out of time, or the client has left: the thread stops at its next piece

    async def aclose(self) -> None:
        """Later reads are refused; those under way end by themselves, by their own time-outs."""
        self._closed = True
        self._threads.shutdown(wait=False)
        if self._client is not None:
            self._client.close()

    def _read(self, wanted: Mapping[str, str], max_bytes: int, given_up: threading.Event) -> bytes:
        try:
            answer = self._opened_client().get_object(**wanted)
            body: StreamingBody = answer["Body"]
            try:
                return self._read_body(body, answer.get("ContentLength"), max_bytes, given_up)
            finally:
                body.close()
        except ClientError as error:
            raise _refused(error) from error
        except (HTTPClientError, IncompleteReadError, OSError) as error:  # no connection, a body that breaks off
            raise _not_now(type(error).__name__) from error
        except (BotoCoreError, ValueError) as error:  # no credentials, a name that S3 cannot have
            raise _unavailable(type(error).__name__) from error

    def _read_body(self, body: StreamingBody, length_bytes: int | None, max_bytes: int, given_up: threading.Event) -> bytes:
        """Piece by piece: a length that lies costs no more memory than was given, and who gives up frees the thread."""
        if length_bytes is not None and length_bytes > max_bytes:
            raise _too_large(max_bytes)
        data = bytearray()
        while piece := body.read(_PIECE_BYTES):
            data += piece
            if len(data) > max_bytes:
                raise _too_large(max_bytes)
            if given_up.is_set():
                raise _unavailable("nobody waits for it any more")
        return bytes(data)

    def _opened_client(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = open_session(self._credentials, self._region).create_client(
                    "s3",
                    endpoint_url=self._endpoint_url,
                    config=Config(
                        connect_timeout=_CONNECT_TIMEOUT_S,
                        read_timeout=_READ_TIMEOUT_S,
                        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                        max_pool_connections=_THREADS,
                    ),
                )
            return self._client


def _refused(error: ClientError) -> Problem:
    """S3's own no. Its own failures pass, and the client's SDK should try again; everything else is for good."""
    code = str(error.response.get("Error", {}).get("Code", "unknown error"))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return _not_now(code) if status >= _FIRST_SERVER_ERROR else _unavailable(code)


def _not_now(why: str) -> Problem:
    return Problem(Kind.PROVIDER_UNAVAILABLE, f"The image could not be read from S3 now: {why}")


def _unavailable(why: str) -> Problem:
    return Problem(Kind.OBJECT_UNAVAILABLE, f"The image could not be read from S3: {why}")


def _too_large(max_bytes: int) -> Problem:
    return Problem(Kind.IMAGE_TOO_LARGE, f"The image in S3 is larger than {max_bytes} bytes")
