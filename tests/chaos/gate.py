"""One address in front of all API processes, for SDKs that try again by themselves: each try is a connection of its own.

As a load balancer does: a process that refuses the connection was sent nothing, so the next one is asked; a connection that
ends before its answer ends for the client, too, and whether there is another try is up to the SDK. What became of each try is
kept under the request's id, so that it is judged like any attempt that the run makes by itself.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace

from tests.chaos.balancer import MOST_ATTEMPTS, Balancer
from tests.chaos.fronts import Endpoint, Front, Question, answered, unanswered
from tests.chaos.history import Attempt, Ending
from tests.chaos.raw import BrokenError, exchange, read_request

THREADS = 64
ID_HEADER = "x-request-id"


class Gate:
    """An `Endpoint`. Safe to use from many threads."""

    name = "gate"
    grpc = ""
    was_killed = False

    def __init__(self, balancer: Balancer, listener: socket.socket, patience_s: float) -> None:
        host, port = listener.getsockname()
        self.url = f"http://{host}:{port}"
        self._balancer = balancer
        self._patience_s = patience_s
        self._tries: dict[str, list[Attempt]] = {}
        self._lock = threading.Lock()

    def ask(self, front: Front, question: Question, patience_s: float) -> tuple[Attempt, ...]:
        """All tries of the SDK. What the last one's answer says is what the SDK gave its user.

        azure-core gives up when a connection ends that it has sent something on. Where a kill did that its user asks again.
        """
        attempts: list[Attempt] = []
        for _ in range(MOST_ATTEMPTS):
            found = front.ask(self, question, patience_s)
            with self._lock:
                tries = self._tries.pop(question.id, [])
            attempts += [*tries[:-1], _merged(tries[-1], found)] if tries else [found]
            if not (attempts[-1].ending is Ending.BROKEN and attempts[-1].was_killed):
                break
        return tuple(attempts)

    def carry(self, client: socket.socket) -> None:
        """One try: from its first byte to the end of its connection."""
        with client, suppress(OSError):
            client.settimeout(self._patience_s)
            content, headers = read_request(client)
            client.sendall(self._carried(content, headers.get(ID_HEADER, "")))

    def _carried(self, content: bytes, request_id: str) -> bytes:
        """What came back; nothing where nobody took it, or where the answer is not whole."""
        for _ in range(MOST_ATTEMPTS):
            endpoint, began_s = self._balancer.turn(), time.monotonic()
            try:
                answer = exchange(endpoint.url, content, self._patience_s)
            except ConnectionRefusedError:
                continue
            except (BrokenError, TimeoutError) as error:
                self._note(endpoint, request_id, unanswered(endpoint, began_s, error))
                return b""
            if answer is None:
                raise AssertionError("nobody leaves here")
            self._note(endpoint, request_id, answered(endpoint, answer))
            return answer.received
        return b""

    def _note(self, endpoint: Endpoint, request_id: str, attempt: Attempt) -> None:
        self._balancer.count(endpoint)
        with self._lock:
            self._tries.setdefault(request_id, []).append(attempt)


def _merged(last: Attempt, found: Attempt) -> Attempt:
    """The last try as its connection saw it, with what the SDK made of it."""
    return replace(
        found, process=last.process, sent_s=last.sent_s, surplus_bytes=last.surplus_bytes, was_killed=last.was_killed
    )


@contextmanager
def open_gate(balancer: Balancer, patience_s: float) -> Iterator[Gate]:
    """Listens until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(THREADS, "gate") as pool:
        gate = Gate(balancer, listener, patience_s)
        keeper = threading.Thread(target=_keep, args=(gate, listener, pool), name="gate")
        keeper.start()
        try:
            yield gate
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # wakes who accepts
            keeper.join()


def _keep(gate: Gate, listener: socket.socket, pool: ThreadPoolExecutor) -> None:
    with suppress(OSError):  # it is closed
        while True:
            pool.submit(gate.carry, listener.accept()[0])
