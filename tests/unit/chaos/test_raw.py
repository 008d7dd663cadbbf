"""The raw client hides nothing: surplus bytes, cut answers, silence and refusals each come out as what they are."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.chaos.fronts import ending_of
from tests.chaos.history import Ending
from tests.chaos.raw import BrokenError, Manner, exchange, post, read_request

REQUEST = post("/", b"question", {"X-Request-Id": "r-1"})
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Request-Id: r-1\r\n\r\n{}"
PATIENCE_S = 10.0


@contextmanager
def answering(said: bytes, *, hold: bool = False) -> Iterator[str]:
    """A server that reads one request, says this and ends the connection; `hold`: not before the block ends."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                received = b""
                while not received.endswith(b"question"):
                    received += connection.recv(1000)
                connection.sendall(said)
                if hold:
                    done.wait(PATIENCE_S)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            done.set()
            thread.join()


def test_an_answer_is_read_whole_however_slowly() -> None:
    for manner in (Manner(), Manner(piece_bytes=20, pause_s=0.001, read_bytes=7, read_pause_s=0.001)):
        with answering(ANSWER) as url:
            answer = exchange(url, REQUEST, PATIENCE_S, manner)
        assert answer is not None
        assert (answer.status, answer.json(), answer.headers["x-request-id"], answer.surplus) == (200, {}, "r-1", 0)


def test_a_second_answer_on_the_connection_is_noticed() -> None:
    with answering(ANSWER + ANSWER) as url:
        answer = exchange(url, REQUEST, PATIENCE_S)
    assert answer is not None
    assert (answer.surplus, answer.received) == (len(ANSWER), ANSWER + ANSWER)


@pytest.mark.parametrize("said", [b"", ANSWER[:20], ANSWER[:-1]], ids=["nothing", "half a head", "a byte too few"])
def test_a_broken_answer_is_no_answer(said: bytes) -> None:
    with answering(said) as url, pytest.raises(BrokenError) as raised:
        exchange(url, REQUEST, PATIENCE_S)
    assert ending_of(raised.value) is Ending.BROKEN


def test_silence_is_told_from_a_refusal() -> None:
    with answering(b"", hold=True) as url, pytest.raises(TimeoutError) as silent:
        exchange(url, REQUEST, 0.05)
    assert ending_of(silent.value) is Ending.SILENT
    with pytest.raises(ConnectionRefusedError) as refused:  # the port is closed by now
        exchange(url, REQUEST, PATIENCE_S)
    assert ending_of(refused.value) is Ending.REFUSED


def test_who_leaves_reads_nothing() -> None:
    with answering(b"") as url:
        assert exchange(url, REQUEST, PATIENCE_S, Manner(leaves=True)) is None


def test_a_request_is_read_whole_or_not_at_all() -> None:
    for sent in (REQUEST, REQUEST[:10], REQUEST[:-1]):
        here, there = socket.socketpair()
        with here, there:
            here.sendall(sent)
            here.shutdown(socket.SHUT_WR)
            if sent == REQUEST:
                content, headers = read_request(there)
                assert (content, headers["x-request-id"]) == (REQUEST, "r-1")
                continue
            with pytest.raises(ConnectionResetError):
                read_request(there)


def test_sdks_wrap_what_the_socket_said() -> None:
    inner = ConnectionRefusedError("no")
    wrapped = RuntimeError("an SDK's own", RuntimeError("a pool's own", inner))
    assert ending_of(wrapped) is Ending.REFUSED
    assert ending_of(RuntimeError("something", TimeoutError("late"))) is Ending.SILENT
    assert ending_of(RuntimeError("something else")) is Ending.BROKEN
