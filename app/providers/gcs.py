"""Objects of Cloud Storage, read with the operator's credentials from the buckets the operator allows.

Comes in: bucket and key from a client's request. Goes out: the object's bytes, or a Problem. Through the storage JSON API, with
google-auth's token; google-auth blocks, so it works in a thread. Called by `links`.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol
from urllib.parse import quote

import google.auth
import google.auth.exceptions
import google.auth.transport.requests

from app.core.buckets import AllowedBuckets
from app.errors import Kind, Problem
from app.providers.fetching import Fetcher, not_now, unavailable

STORAGE_URL = "https://storage.googleapis.com"
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"


class TokenSource(Protocol):
    """Whose rights an object is read with."""

    async def token(self) -> str:
        """An access token that is valid now; "" reads as nobody. Raises Problem."""
        ...


class GoogleToken:
    """The operator's own: what google-auth finds in this machine's surroundings, looked up with the first read."""

    def __init__(self) -> None:
        self._credentials: Any = None
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        async with self._lock:
            try:
                return await asyncio.to_thread(self._fresh)
            except google.auth.exceptions.TransportError as error:
                raise not_now(type(error).__name__) from error
            except google.auth.exceptions.GoogleAuthError as error:
                raise unavailable(type(error).__name__) from error

    def _fresh(self) -> str:
        if self._credentials is None:
            self._credentials, _ = google.auth.default(scopes=[_SCOPE])
        if not self._credentials.valid:
            self._credentials.refresh(google.auth.transport.requests.Request())
        return str(self._credentials.token)


class CloudStorage:
    """A `links.Storage`. `url`: another address than the vendor's own."""

    def __init__(self, buckets: AllowedBuckets, tokens: TokenSource, *, url: str = STORAGE_URL) -> None:
        self._buckets = buckets
        self._tokens = tokens
        self._url = url.rstrip("/")
        self._fetcher = Fetcher()

    async def read(self, bucket: str, key: str, *, max_bytes: int) -> bytes:
        """Raises Problem: FORBIDDEN, OBJECT_UNAVAILABLE, PROVIDER_UNAVAILABLE, IMAGE_TOO_LARGE."""
        if not self._buckets.allow(bucket):
            raise Problem(Kind.FORBIDDEN, "the operator does not allow requests to name this bucket (TESSERA_GCS_BUCKETS)")
        token = await self._tokens.token()
        headers = {"authorization": f"Bearer {token}"} if token else {}
        url = f"{self._url}/storage/v1/b/{quote(bucket, safe='')}/o/{quote(key, safe='')}?alt=media"
        fetched = await self._fetcher.get(url, headers, max_bytes)
        if fetched.location is not None:
            raise unavailable("it was redirected")
        return fetched.data

    async def aclose(self) -> None:
        await self._fetcher.aclose()
