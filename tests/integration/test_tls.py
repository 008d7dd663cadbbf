"""`tessera serve` speaks TLS by itself: the vendors' own SDKs trust its certificate, and plain text finds nobody."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import grpc
import httpx
import pytest
from azure.ai.vision.imageanalysis.models import VisualFeatures
from google.cloud import vision
from google.cloud.vision_v1.services.image_annotator.transports import ImageAnnotatorGrpcTransport

from app.server.heads import MAX_WAITING
from tests.support.azure_clients import analysis_client
from tests.support.google_clients import asked, rest_client
from tests.support.google_upstream import tls_for
from tests.support.pictures import picture
from tests.support.sdk import HURRIED
from tests.support.server import RunningServer, running_server

SCENE = picture(640, 480, 7)
TOKEN = "the-operators-own-token"


@dataclass(frozen=True, slots=True)
class Secured:
    server: RunningServer
    roots: Path

    @property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.roots))

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.server.url.removeprefix("https://").rpartition(":")
        return host, int(port)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("tls")
    own = tls_for("127.0.0.1")
    chain, key, token = folder / "chain.pem", folder / "key.pem", folder / "token"
    chain.write_bytes(own.certificate_pem)
    key.write_bytes(own.key_pem)
    token.write_text(f"{TOKEN}\n")
    settings = {"TESSERA_TLS_CERT": str(chain), "TESSERA_TLS_KEY": str(key), "TESSERA_OPS_TOKEN_FILE": str(token)}
    with running_server(folder / "server.log", TESSERA_MAX_WAIT_MS="10", **settings) as server:
        yield Secured(server, chain)


def test_native(secured: Secured) -> None:
    assert secured.server.url.startswith("https://")
    with httpx.Client(base_url=secured.server.url, verify=secured.context, trust_env=False) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.post("/v1/detect", content=SCENE.content, headers=HURRIED).json()["detections"]


def test_boto3(secured: Secured) -> None:
    client = boto3.session.Session().client(
        "rekognition",
        endpoint_url=secured.server.url,
        region_name="us-east-1",
        aws_access_key_id="KEY",
        aws_secret_access_key="any",
        verify=str(secured.roots),
    )
    assert client.detect_labels(Image={"Bytes": SCENE.content})["Labels"]


def test_google_over_rest(secured: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(secured.roots))
    assert rest_client(secured.server.url, "key").object_localization({"content": SCENE.content}).localized_object_annotations


def test_google_over_grpc(secured: Secured) -> None:
    credentials = grpc.ssl_channel_credentials(secured.roots.read_bytes())
    with grpc.secure_channel(secured.server.grpc, credentials) as channel:
        client = vision.ImageAnnotatorClient(transport=ImageAnnotatorGrpcTransport(channel=channel))
        answer = client.batch_annotate_images(requests=asked((SCENE.content, ["OBJECT_LOCALIZATION"]))).responses[0]
    assert answer.localized_object_annotations


def test_azure(secured: Secured) -> None:
    client = analysis_client(secured.server.url, connection_verify=str(secured.roots))
    assert client.analyze(SCENE.content, [VisualFeatures.OBJECTS]).objects


def test_plain_text_finds_nobody(secured: Secured) -> None:
    with socket.create_connection(secured.address, timeout=30) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert not connection.recv(100).startswith(b"HTTP/")
    with grpc.insecure_channel(secured.server.grpc) as channel:
        unary: Any = channel.unary_unary("/google.cloud.vision.v1.ImageAnnotator/BatchAnnotateImages")
        with pytest.raises(grpc.RpcError):
            unary(b"", timeout=5)


@pytest.mark.filterwarnings("ignore:.*TLSv1_1.*:DeprecationWarning")
def test_old_versions_are_not_spoken(secured: Secured) -> None:
    context = secured.context
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(secured.address, timeout=30) as connection,
        pytest.raises((ssl.SSLError, ConnectionError)),
        context.wrap_socket(connection, server_hostname="127.0.0.1"),
    ):
        pass


def test_figures_are_for_those_with_the_token(secured: Secured) -> None:
    """A browser sends it as the password of any name; Prometheus as a bearer token."""
    with httpx.Client(base_url=secured.server.url, verify=secured.context, trust_env=False) as client:
        for path in ("/metrics", "/v1/stats", "/dashboard"):
            assert client.get(path).status_code == 401
            assert client.get(path, auth=("operator", TOKEN)).status_code == 200
            shown = client.get(path, headers={"authorization": f"Bearer {TOKEN}"})
            assert (shown.status_code, TOKEN in shown.text) == (200, False)
        assert client.get("/readyz").status_code == 200


def _tls(secured: Secured) -> ssl.SSLSocket:
    return secured.context.wrap_socket(socket.create_connection(secured.address, timeout=30), server_hostname="127.0.0.1")


def _all_of(connection: ssl.SSLSocket) -> bytes:
    """What comes until the server hangs up."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_request_in_a_body_is_none(secured: Secured) -> None:
    """Also behind an offer of another protocol, as without TLS."""
    inner = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    head = b"POST /nothing HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n" % len(
        inner
    )
    with _tls(secured) as connection:
        connection.sendall(head)
        connection.sendall(inner)
        connection.sendall(inner)
        told = _all_of(connection)
    assert re.findall(rb"HTTP/1.1 (\d+) ", told) == [b"404", b"200"]


def _memory_mib(secured: Secured) -> int:
    """What the server holds now."""
    status = Path(f"/proc/{secured.server.process.pid}/status").read_text(encoding="ascii")
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) // 1024


def test_trailers_without_an_end_are_not_kept(secured: Secured) -> None:
    """TLS takes leave of each other, and what comes meanwhile is read, but thrown away."""
    head = b"POST /v1/detect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    with _tls(secured) as connection:
        connection.sendall(head + b"3\r\nabc\r\n0\r\n")
        before_mib = _memory_mib(secured)
        with suppress(ConnectionError, ssl.SSLError):
            for _ in range(1024):
                connection.sendall(b"X-Trailer: a long one, and not the last\r\n" * 3 * 1024)
        assert _memory_mib(secured) - before_mib < 50


def test_only_so_many_requests_wait_on_one_connection(secured: Secured) -> None:
    first = b"POST /v1/detect HTTP/1.1\r\nHost: a\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(
        SCENE.content
    )
    with _tls(secured) as connection:
        connection.sendall(first + SCENE.content[:-1])
        connection.sendall(SCENE.content[-1:] + b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 10 * MAX_WAITING)
        told = _all_of(connection)
    assert re.findall(rb"HTTP/1.1 (\d+) ", told) == [b"200"] * (1 + MAX_WAITING) + [b"429"]
