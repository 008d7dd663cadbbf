"""Which process a request goes to, and when it is sent again: as a load balancer and an SDK do.

A process that refuses the connection was sent nothing: the next one is asked, and nobody counts that. A connection that is
lost after sending is an error of the client's; where the process had been killed its SDK sends the request again, with the
same id, to another one. Where it had not, the answer is lost, and stays so.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.fronts import Endpoint, Front, Question
from tests.chaos.history import Attempt, Ending

# How often one request may be refused or sent again.
MOST_ATTEMPTS = 5


@dataclass(slots=True)
class Process:
    """An API process as its clients know it. Set `was_killed` before killing it."""

    name: str
    url: str
    grpc: str
    was_killed: bool = False


class Balancer:
    """Deals requests out in turn, over the processes that are there. Safe to use from many threads."""

    def __init__(self) -> None:
        self._processes: list[Endpoint] = []
        self._turns = itertools.count()
        self._lock = threading.Lock()
        self._sent: Counter[str] = Counter()

    def know(self, processes: Sequence[Endpoint]) -> None:
        """These take requests from now on."""
        with self._lock:
            self._processes = list(processes)

    @property
    def processes(self) -> Sequence[Endpoint]:
        """Those that take requests now."""
        with self._lock:
            return tuple(self._processes)

    def sent(self) -> Counter[str]:
        """Requests sent to each process so far."""
        with self._lock:
            return Counter(self._sent)

    def turn(self) -> Endpoint:
        """Whose turn it is."""
        with self._lock:
            return self._processes[next(self._turns) % len(self._processes)]

    def count(self, endpoint: Endpoint) -> None:
        """It was sent a request."""
        with self._lock:
            self._sent[endpoint.name] += 1

    def ask(self, front: Front, question: Question, patience_s: float) -> tuple[Attempt, ...]:
        """Until it is answered or lost. Attempts that were refused before anything was sent are left out, but for the last."""
        attempts: list[Attempt] = []
        for number in range(MOST_ATTEMPTS):
            endpoint = self.turn()
            attempt = front.ask(endpoint, question, patience_s)
            is_last = number == MOST_ATTEMPTS - 1
            if attempt.ending is not Ending.REFUSED:
                self.count(endpoint)
            elif not is_last:
                continue
            attempts.append(attempt)
            if not (attempt.ending is Ending.BROKEN and endpoint.was_killed):
                break
        return tuple(attempts)
