"""Real SDKs that try again by themselves, at the gate: each try is known, comes to whoever is there, names the same call."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from app.core.geometry import Size
from tests.chaos.balancer import Balancer, Process
from tests.chaos.fronts import Question
from tests.chaos.gate import Gate, open_gate
from tests.chaos.history import Attempt, Ending
from tests.chaos.raw import read_request
from tests.chaos.sdks import sdk_fronts

QUESTION = Question("r-1", b"an image", Size(100, 100))
PATIENCE_S = 10.0
BOTO3, AZURE = "boto3, own tries", "azure SDK 4.0, own tries"


def answer(status: int, body: object, count: int = 1) -> bytes:
    """So many answers, one behind the other."""
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} Any\r\nContent-Length: {len(content)}\r\nX-Request-Id: r-1\r\nConnection: close\r\n"
    return (head.encode() + b"Content-Type: application/json\r\n\r\n" + content) * count


RIGHT = {BOTO3: {"Labels": []}, AZURE: {"objectsResult": {"values": []}, "modelVersion": "1", "metadata": {}}}
FAILED = {BOTO3: {"__type": "InternalServerError"}, AZURE: {"error": {"code": "InternalServerError", "message": ""}}}


@dataclass
class Scripted:
    """A process that says these things, one on each connection (nothing: it ends it), and keeps the headers it was sent."""

    said: list[bytes]
    headers: list[dict[str, str]] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        for words in self.said:
            connection, _ = listener.accept()
            with connection:
                self.headers.append(dict(read_request(connection)[1]))
                connection.sendall(words)


@contextmanager
def gate_to(scripted: Scripted, *, was_killed: bool = False) -> Iterator[tuple[Gate, Balancer]]:
    """A gate in front of a process that is not there, and of this one."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("127.0.0.1", 0)) as gone:
        processes = [
            Process(name, f"http://127.0.0.1:{one.getsockname()[1]}", "", killed)
            for name, one, killed in (("api-0", gone, True), ("api-1", listener, was_killed))
        ]
        gone.close()
        serving = threading.Thread(target=scripted.serve, args=(listener,))
        serving.start()
        balancer = Balancer()
        balancer.know(processes)
        with open_gate(balancer, PATIENCE_S) as gate:
            yield gate, balancer
        serving.join()


def asked(name: str, scripted: Scripted, *, was_killed: bool = False) -> Sequence[Attempt]:
    with gate_to(scripted, was_killed=was_killed) as (gate, balancer):
        front = sdk_fronts()[name]
        assert front.tries_again
        attempts = gate.ask(front, QUESTION, PATIENCE_S)
        assert balancer.sent() == {"api-1": len(attempts)}, "who refuses was sent nothing"
    assert {headers["x-request-id"] for headers in scripted.headers} == {"r-1"}
    return attempts


@pytest.mark.parametrize("name", [BOTO3, AZURE])
def test_an_answer_is_one_try(name: str) -> None:
    (found,) = asked(name, Scripted([answer(200, RIGHT[name])]))
    assert (found.process, found.ending, found.status, found.error, found.answered_id) == (
        "api-1",
        Ending.ANSWERED,
        200,
        "",
        "r-1",
    )


@pytest.mark.parametrize("name", [BOTO3, AZURE])
def test_an_error_that_the_sdk_tries_again_is_a_try_of_the_same_call(name: str) -> None:
    scripted = Scripted([answer(500, FAILED[name]), answer(200, RIGHT[name])])
    first, last = asked(name, scripted)
    assert (first.ending, first.status, first.is_error) == (Ending.ANSWERED, 500, True)
    assert (last.ending, last.status, last.is_error) == (Ending.ANSWERED, 200, False)
    assert first.ended_s <= last.sent_s
    call_id = {BOTO3: "amz-sdk-invocation-id", AZURE: "x-ms-client-request-id"}[name]
    assert len({headers[call_id] for headers in scripted.headers}) == 1


@pytest.mark.parametrize("name", [BOTO3, AZURE])
def test_a_connection_that_a_kill_has_cut_off_is_asked_again(name: str) -> None:
    first, last = asked(name, Scripted([b"", answer(200, RIGHT[name])]), was_killed=True)
    assert (first.ending, first.was_killed, last.ending) == (Ending.BROKEN, True, Ending.ANSWERED)


def test_a_connection_that_ends_without_a_kill_is_known_whatever_follows() -> None:
    first, last = asked(BOTO3, Scripted([answer(200, RIGHT[BOTO3])[:-1], answer(200, RIGHT[BOTO3])]))
    assert (first.ending, first.was_killed, last.ending) == (Ending.BROKEN, False, Ending.ANSWERED)
    (only,) = asked(AZURE, Scripted([b""]))
    assert (only.ending, only.was_killed) == (Ending.BROKEN, False)


def test_a_second_answer_on_the_connection_is_noticed() -> None:
    (found,) = asked(BOTO3, Scripted([answer(200, RIGHT[BOTO3], count=2)]))
    assert found.surplus_bytes == len(answer(200, RIGHT[BOTO3]))
