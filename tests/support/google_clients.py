"""Real google-cloud-vision clients for a server at some address, in their three transports; nothing changed but the address.

REST and gRPC without TLS and, unless a key is given, without credentials. Over gRPC a key travels as metadata of each call:
`client.batch_annotate_images(..., metadata=with_key("k"))`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import grpc
from google.auth.credentials import AnonymousCredentials
from google.cloud import vision
from google.cloud.vision_v1.services.image_annotator.transports import (
    ImageAnnotatorGrpcAsyncIOTransport,
    ImageAnnotatorGrpcTransport,
)

Image = tuple[bytes, Sequence[str]]


def rest_client(url: str, key: str | None = None) -> vision.ImageAnnotatorClient:
    """Over plain HTTP."""
    if key is not None:
        return vision.ImageAnnotatorClient(transport="rest", client_options={"api_endpoint": url, "api_key": key})
    nobody = AnonymousCredentials()  # type: ignore[no-untyped-call]  # google-auth has no types
    return vision.ImageAnnotatorClient(transport="rest", client_options={"api_endpoint": url}, credentials=nobody)


@contextmanager
def grpc_client(address: str) -> Iterator[vision.ImageAnnotatorClient]:
    with grpc.insecure_channel(address) as channel:
        yield vision.ImageAnnotatorClient(transport=ImageAnnotatorGrpcTransport(channel=channel))


@asynccontextmanager
async def grpc_aio_client(address: str) -> AsyncIterator[vision.ImageAnnotatorAsyncClient]:
    """Has no helper methods (`object_localization` and the like), and no REST transport."""
    async with grpc.aio.insecure_channel(address) as channel:
        yield vision.ImageAnnotatorAsyncClient(transport=ImageAnnotatorGrpcAsyncIOTransport(channel=channel))


def with_key(key: str) -> list[tuple[str, str]]:
    return [("x-goog-api-key", key)]


def asked(*images: Image) -> list[Any]:
    """Requests of a batch: images, each with the names of its features."""
    return [
        {"image": {"content": data}, "features": [{"type_": getattr(vision.Feature.Type, name)} for name in features]}
        for data, features in images
    ]
