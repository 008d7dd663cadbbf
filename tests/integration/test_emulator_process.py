"""The emulator as a process: how it announces itself, how it ends, what it leaves behind."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from azure.ai.vision.imageanalysis.models import VisualFeatures
from botocore.exceptions import EndpointConnectionError

from tests.support.azure_clients import analysis_client
from tests.support.cluster import until
from tests.support.emulator import REPOSITORY, STOP_S, RunningEmulator, running_emulator, stop
from tests.support.google_clients import asked, grpc_client, rest_client
from tests.support.marker_scenes import Placed, plain, stored

SCENE = stored(plain(320, 240, Placed(8, 40, 40, 120)))


def test_it_announces_itself_with_one_line_and_ends_when_stdin_closes() -> None:
    with running_emulator("--no-classical") as emulator:
        assert emulator.url.startswith("http://127.0.0.1:")
        assert emulator.process.stdin is not None
        emulator.process.stdin.write(b"what is said here is not listened to")
        emulator.process.stdin.flush()
        emulator.client().list_collections()
        assert stop(emulator.process) == 0
        assert emulator.process.stdout is not None
        assert emulator.process.stdout.read() == b""  # nothing after the ready line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    with running_emulator("--no-classical", watch_stdin=False) as emulator:
        emulator.client().list_collections()  # a connection that stays open
        emulator.process.send_signal(number)
        assert emulator.process.wait(STOP_S) == 0


def test_a_closed_stdin_is_no_reason_to_end_unless_asked_for() -> None:
    with running_emulator("--no-classical", watch_stdin=False) as emulator:
        assert emulator.process.stdin is not None
        emulator.process.stdin.close()
        assert emulator.client().list_collections()["CollectionIds"] == ["people"]


def test_a_call_that_stalls_does_not_keep_it_from_ending() -> None:
    with running_emulator("--no-classical", "--fault", "kind=stall,seconds=600") as emulator:
        host, port = emulator.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            head = (
                "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: RekognitionService.ListCollections\r\nContent-Length: 2\r\n"
                "Authorization: AWS4-HMAC-SHA256 Credential=K/20260101/us-east-1/rekognition/aws4_request, SignedHeaders=host, "
                f"Signature={'0' * 64}\r\n\r\n{{}}"
            )
            connection.sendall(head.encode())
            while not emulator.counters()["in_flight"]:
                pass
            assert stop(emulator.process) == 0


@pytest.mark.parametrize("vendor", ["rekognition", "google", "azure"])
def test_it_says_what_was_in_each_picture_that_was_paid_for(vendor: str) -> None:
    ask: dict[str, Any] = {
        "rekognition": lambda emulator: emulator.client().detect_labels(Image={"Bytes": SCENE}),
        "google": lambda emulator: rest_client(emulator.url).batch_annotate_images(
            requests=asked((SCENE, ["OBJECT_LOCALIZATION"]))
        ),
        "azure": lambda emulator: analysis_client(emulator.url).analyze(SCENE, [VisualFeatures.OBJECTS]),
    }
    with running_emulator("--no-classical", vendor=vendor) as emulator:
        ask[vendor](emulator)
        assert [one["markers"] for one in emulator.payments()] == [[8]]


def test_it_goes_away_and_comes_back() -> None:
    with running_emulator("--no-classical") as emulator:
        client = emulator.client()
        client.list_collections()
        emulator.go_away(0.3)
        with pytest.raises(EndpointConnectionError):
            client.list_collections()
        until("it is back", lambda: answers(emulator))
        assert emulator.counters()["totals"]["requests"] == 1
        emulator.process.terminate()
        assert emulator.process.wait(STOP_S) == 0


def answers(emulator: RunningEmulator) -> bool:
    try:
        return bool(emulator.counters())
    except OSError:
        return False


def test_it_records_what_it_is_sent(tmp_path: Path) -> None:
    with running_emulator("--no-classical", "--record", str(tmp_path / "seen")) as emulator:
        emulator.client().detect_labels(Image={"Bytes": SCENE})
    assert (tmp_path / "seen" / "000001.jpg").read_bytes() == SCENE
    facts = json.loads((tmp_path / "seen" / "000001.json").read_text())
    assert (facts["operation"], facts["status"], facts["paid"]) == ("DetectLabels", 200, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_that_speaks_grpc_says_where_and_ends_as_cleanly(number: signal.Signals) -> None:
    with running_emulator("--no-classical", vendor="google", watch_stdin=False) as emulator:
        assert emulator.grpc.startswith("127.0.0.1:")
        with grpc_client(emulator.grpc) as client:
            requests: Any = asked((SCENE, ["LABEL_DETECTION"]))
            assert len(client.batch_annotate_images(requests=requests).responses) == 1
            emulator.process.send_signal(number)
            assert emulator.process.wait(STOP_S) == 0


def test_a_grpc_call_that_stalls_does_not_keep_it_from_ending() -> None:
    with (
        running_emulator("--no-classical", "--fault", "kind=stall,seconds=600", vendor="google") as emulator,
        grpc.insecure_channel(emulator.grpc) as channel,
    ):
        method: Any = channel.unary_unary("/google.cloud.vision.v1.ImageAnnotator/BatchAnnotateImages")
        under_way = method.future(b"")
        while not emulator.counters()["in_flight"]:
            pass
        assert stop(emulator.process) == 0
        assert under_way.exception(STOP_S) is not None


def test_a_grpc_port_that_is_taken_is_said_plainly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = failed_start("google", "--port", "0", "--grpc-port", str(taken.getsockname()[1]))
    assert result.returncode == 1
    assert result.stderr.startswith("emulator: ")
    assert "Traceback" not in result.stderr


def failed_start(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.emulators", *words]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)


def test_a_port_that_is_taken_is_said_plainly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = failed_start("rekognition", "--port", str(taken.getsockname()[1]))
    assert result.returncode == 1
    assert result.stderr.startswith("emulator: ")
    assert "Traceback" not in result.stderr


def test_a_model_that_is_none_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "no.onnx").write_bytes(b"no model")
    result = failed_start("rekognition", "--port", "0", "--model", str(tmp_path / "no.onnx"))
    assert result.returncode == 1
    assert "not an ONNX model" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_vendor_is_an_error_of_the_command_line() -> None:
    assert failed_start("nobody").returncode == 2
