"""Logs: a request can be followed from the front process to the worker, and neither images nor secrets are in them.

The processes run at the most talkative level, are asked right and wrong things, and lose their Redis for a while.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.support.cluster import Cluster, running_cluster, until
from tests.support.load import Client, NativeClient, Reply, SdkClient, identity_images, mistakes, run_load

pytestmark = pytest.mark.redis

POISONED = 3
CLIENT_ACCESS_KEY, CLIENT_API_KEY = "AKIACLIENTCLIENT0001", "native-client-key-4711"
OPERATOR_ACCESS_KEY, OPERATOR_SECRET = "AKIAOPERATOR00000001", "operators-own-secret-0815"
REDIS_PASSWORD = "redis-pass-word-2024"
SETTINGS = {
    "TESSERA_MAX_WAIT_MS": "100",
    "TESSERA_LOG_LEVEL": "debug",
    "TESSERA_PROVIDER": "rekognition",
    "AWS_ACCESS_KEY_ID": OPERATOR_ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": OPERATOR_SECRET,
    "AWS_EC2_METADATA_DISABLED": "true",
}
# So many characters of base64 or bytes in hexadecimal cannot be in a log by chance.
PIECE = 24


@dataclass(frozen=True, slots=True)
class Run:
    """What was asked, and the whole logs of the processes that answered: front, worker."""

    replies: list[Reply]
    front: str
    worker: str

    @property
    def both(self) -> str:
        return self.front + self.worker


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with running_cluster(tmp_path_factory.mktemp("logs"), redis_password=REDIS_PASSWORD, settings=SETTINGS) as cluster:
        replies = some_of_everything(cluster)
        cluster.stop()
        yield Run(replies, *(server.log_file.read_text(encoding="utf-8") for server in (*cluster.apis, *cluster.workers)))


def some_of_everything(cluster: Cluster) -> list[Reply]:
    """Good requests of two kinds, a refused image, a body that is no image, an unknown operation, and a Redis that is away."""
    cluster.emulator.behave(poison=[POISONED])
    (api,) = cluster.apis
    clients: list[Client] = [
        NativeClient(api.url, headers={"X-Api-Key": CLIENT_API_KEY, "Authorization": f"Bearer {CLIENT_API_KEY}"}),
        SdkClient(api.client(access_key=CLIENT_ACCESS_KEY)),
    ]
    replies = run_load(clients, identity_images(range(12)), rate_per_s=60.0)
    with httpx.Client(base_url=api.url, trust_env=False, headers={"X-Api-Key": CLIENT_API_KEY}) as client:
        assert client.post("/v1/detect", content=b"no image").status_code == 415
        assert client.post("/", json={}, headers={"X-Amz-Target": "RekognitionService.Nonsense"}).status_code == 400
    cluster.redis.kill()
    until("the front process has noticed", lambda: api.ready()[1] == "degraded")
    replies += run_load([NativeClient(api.url)], identity_images(range(100, 102)), rate_per_s=60.0, name="alone")
    cluster.redis.launch()
    return replies


def lines_of(log: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.splitlines()]


def test_every_line_is_one_json_object_with_the_usual_members(run: Run) -> None:
    lines = lines_of(run.both)
    assert all(line.keys() >= {"timestamp", "level", "event", "logger"} for line in lines)


def test_a_request_can_be_followed_from_the_front_to_the_worker(run: Run) -> None:
    assert mistakes(run.replies, may_fail=lambda reply: reply.image.marker_id == POISONED) == []
    answered = {line["request_id"]: line for line in lines_of(run.front) if line["event"] == "answered"}
    claimed = {line["sheet_id"]: line for line in lines_of(run.worker) if line["event"] == "sheet claimed"}
    done = {line["sheet_id"] for line in lines_of(run.worker) if line["event"] == "sheet done"}
    for reply in run.replies:
        line = answered[reply.headers["x-request-id"]]
        assert line["status"] == reply.status
        sheets = line["sheet_ids"]
        assert isinstance(sheets, list)
        assert tuple(sheets) == (reply.sheets or tuple(sheets))
        if not reply.request_id.startswith("alone"):
            (sheet_id,) = {re.split(r"[.a-z+]*$", sheet)[0] if sheet not in claimed else sheet for sheet in sheets}
            assert reply.headers["x-request-id"] in str(claimed[sheet_id]["request_ids"])
            assert sheet_id in done


def test_no_image_data_reaches_a_log(run: Run) -> None:
    for reply in run.replies:
        content = reply.image.content
        middle = len(content) // 2  # the beginning of a JPEG is the same in all of them
        for piece in (content[:300], content[middle : middle + 300]):
            encoded = base64.b64encode(piece[: len(piece) // 3 * 3]).decode()
            assert encoded[:PIECE] not in run.both
            assert piece.hex()[:PIECE] not in run.both.lower()
            assert repr(piece)[2:PIECE] not in run.both
    assert max(map(len, run.both.splitlines())) < 20_000


@pytest.mark.parametrize(
    "secret",
    [CLIENT_ACCESS_KEY, CLIENT_API_KEY, "any-secret", OPERATOR_ACCESS_KEY, OPERATOR_SECRET, REDIS_PASSWORD, "Signature="],
)
def test_no_secret_reaches_a_log(run: Run, secret: str) -> None:
    """Neither the clients' keys and signatures nor the operator's, nor the password of Redis."""
    assert secret not in run.both
    assert base64.b64encode(secret.encode()).decode().rstrip("=") not in run.both
