"""Retries by a real SDK, equal images and dead leaders, with real processes: paid once, answered all the same.

The vendor takes longer than the SDK waits, so boto3 gives up and asks again: with the same invocation id, as in production.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.support.cluster import Cluster, running_cluster, until
from tests.support.emulator import RunningEmulator
from tests.support.load import IdentityImage, identity_images
from tests.support.sdk import new_key
from tests.support.server import RunningServer, running_server

pytestmark = pytest.mark.redis

# The vendor's time, and what the impatient SDK waits for it: two tries give up, and the third gets the answer.
LATENCY_MS = 1500
READ_S = 0.6
ATTEMPTS = 6
SETTINGS = {"TESSERA_MAX_WAIT_MS": "50", "TESSERA_PROVIDER_TIMEOUT_MS": "5000"}
# Longer than a leader's lease: whoever waits for a dead one still has time.
PATIENT_S = 20.0


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("idempotency")
    with running_cluster(folder, api=2, emulator=("--latency-ms", str(LATENCY_MS)), settings=SETTINGS) as cluster:
        yield cluster


@pytest.fixture
def cluster(shared: Cluster) -> Cluster:
    shared.emulator.reset()
    return shared


def detected(sdk: Any, image: IdentityImage) -> tuple[set[str], float]:
    """The labels that boto3 gives its user, and what the answer says was paid for it. The client is done with then."""
    with closing(sdk):
        answer = sdk.detect_labels(Image={"Bytes": image.content})
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    return {label["Name"] for label in answer["Labels"]}, float(headers["x-tessera-inferences"])


def joined(*servers: RunningServer) -> int:
    return sum(int(count) for server in servers for count in server.stats()["joined"].values())


def one_image(number: int) -> IdentityImage:
    return identity_images([number])[0]


def in_flight(emulator: RunningEmulator) -> int:
    return int(emulator.counters()["in_flight"])


def test_an_sdk_that_loses_patience_and_asks_again_is_paid_once(cluster: Cluster) -> None:
    api, image = cluster.apis[0], one_image(1)
    before = joined(api)
    labels, inferences = detected(api.client(access_key=new_key(), attempts=ATTEMPTS, read_s=READ_S), image)
    assert image.truth.label in labels
    assert inferences == 0.0
    assert joined(api) > before
    assert cluster.emulator.paid() == 1


def test_a_retry_that_comes_to_another_process_joins_there(cluster: Cluster) -> None:
    """As behind a load balancer: the first try is given up at one process, the next one comes to the other."""
    first, second = cluster.apis
    image, key = one_image(2), new_key()
    with pytest.raises(ReadTimeoutError):
        detected(first.client(access_key=key, read_s=READ_S), image)
    before = joined(second)
    labels, inferences = detected(second.client(access_key=key), image)
    assert image.truth.label in labels
    assert (inferences, joined(second), cluster.emulator.paid()) == (0.0, before + 1, 1)
    again, nothing = detected(first.client(access_key=key), image)  # its client had left: kept for whoever asks again
    assert (again, nothing, cluster.emulator.paid()) == (labels, 0.0, 1)


def test_equal_images_of_one_tenant_share_a_cell_and_those_of_two_never_do(cluster: Cluster) -> None:
    image, key = one_image(3), new_key()
    before = joined(*cluster.apis)
    with ThreadPoolExecutor(6) as pool:
        clients = [api.client(access_key=key) for api in cluster.apis for _ in range(2)]
        clients += [api.client(access_key=new_key()) for api in cluster.apis]
        answers = list(pool.map(lambda sdk: detected(sdk, image), clients))
    assert {frozenset(labels) for labels, _ in answers} == {frozenset(answers[0][0])}
    assert sorted(inferences for _, inferences in answers) == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    assert (joined(*cluster.apis), cluster.emulator.paid()) == (before + 3, 3)


def test_when_the_leader_s_process_is_killed_who_waits_elsewhere_takes_over(cluster: Cluster) -> None:
    leader, other = cluster.apis
    image, key = one_image(4), new_key()
    with ThreadPoolExecutor(2) as pool:
        lost = pool.submit(detected, leader.client(access_key=key), image)
        until("the leader's sheet is under way", lambda: in_flight(cluster.emulator) == 1)
        waiting = pool.submit(detected, other.client(access_key=key), image)
        until("another has come", lambda: other.stats()["images"]["pending"]["detect"] == 0 and not waiting.done())
        leader.kill()
        labels, _ = waiting.result(PATIENT_S)
        assert image.truth.label in labels
        assert lost.exception() is not None
    cluster.replace_dead()


def test_a_request_that_is_handed_on_whole_is_paid_once_for_its_retries(cluster: Cluster) -> None:
    api, image = cluster.apis[-1], one_image(5)
    before = int(api.stats()["inferences"]["by_kind"].get("passthrough", 0))
    sdk = api.client(access_key=new_key(), attempts=ATTEMPTS, read_s=READ_S)
    with closing(sdk):
        answer = sdk.compare_faces(SourceImage={"Bytes": image.content}, TargetImage={"Bytes": image.content})
    assert answer["SourceImageFace"] is not None
    assert cluster.emulator.paid() == 1
    assert int(api.stats()["inferences"]["by_kind"]["passthrough"]) == before + 1


def test_cache_hits_are_counted_apart_and_save_nothing_in_the_books(tmp_path: Path, cluster: Cluster) -> None:
    """In one process, without Redis."""
    cluster.emulator.behave(latency_ms=0)
    settings = {"TESSERA_UPSTREAM_URL": cluster.emulator.url, "TESSERA_RESULT_CACHE_S": "60", **SETTINGS}
    with running_server(tmp_path / "log", **settings) as server:
        one, other = new_key(), new_key()
        paid = [detected(server.client(access_key=key), one_image(6))[1] for key in (one, one, other, one)]
        stats = server.stats()
    assert paid == [1.0, 0.0, 1.0, 0.0]
    assert cluster.emulator.paid() == 2
    assert stats["joined"] == {"flight": 0, "retry": 0, "cache": 2}
    assert (stats["images"]["answered"], stats["inferences"]["paid"], stats["inferences"]["saved"]) == (2, 2, 0)
    assert stats["dollars"]["saved"] == 0
    assert stats["requests"]["by_outcome"]["answered"] == 4
