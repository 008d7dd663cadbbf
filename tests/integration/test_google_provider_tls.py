"""`tessera serve` pays Google over TLS, as it does in earnest: an https address, the operator's key, no other port named.

In a process of its own, because grpc reads the certificates that it trusts once in a process's life.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from app.core.model import Feature
from tests.support.google_answers import FULL, IMAGE
from tests.support.google_upstream import GoogleUpstream, answer, tls_for
from tests.support.native import is_problem, native_client
from tests.support.sdk import HURRIED
from tests.support.server import running_server


def _asked_once(url: str, folder: Path, roots: Path) -> Any:
    """One native request to a server that trusts `roots`."""
    settings = {
        "TESSERA_PROVIDER": "google",
        "TESSERA_UPSTREAM_URL": url,
        "TESSERA_GOOGLE_API_KEY": "operator",
        "TESSERA_REQUEST_TIMEOUT_MS": "1500",
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(roots),
    }
    with running_server(folder / "server.log", **settings) as server, native_client(server.url) as client:
        return client.post(IMAGE, headers=HURRIED)


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_tls_is_spoken_to_whom_the_operator_trusts(tmp_path: Path, is_trusted: bool) -> None:
    own, other = tls_for("127.0.0.1"), tls_for("127.0.0.1")
    roots = tmp_path / "roots.pem"
    roots.write_bytes(own.certificate_pem if is_trusted else other.certificate_pem)
    async with GoogleUpstream(*[answer(FULL[Feature.OBJECTS])] * is_trusted, tls=own) as upstream:
        reply = await asyncio.to_thread(_asked_once, upstream.url, tmp_path, roots)
    if not is_trusted:
        is_problem(reply, 503, "provider-unavailable")
        return
    assert [item["label"] for item in reply.json()["detections"]] == ["Car"]
    assert [told["x-goog-api-key"] for told in upstream.metadata] == ["operator"]
