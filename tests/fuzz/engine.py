"""Many cases of one kind: each made of its own seed, timed, and told by its name where it shows a defect.

A case is a function of a random source: it makes something bad, gives it to the product, and says in a word what came of it, or
raises. `Defect` is what a case raises where the product broke a promise; anything else that comes out of it is a defect, too.
A case that takes too long or fills the memory is one as well. Case 17 of the kind "read google" with seed 3 is always the same.
"""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from threading import Lock

# Longest that one case may keep its thread busy, seconds of its own CPU time: a hundred times what the slowest of them takes,
# so that a busy machine is none.
LONGEST_S = 5.0
# Most that one case may add to the process's peak, MiB: two images of the largest size that the cases' limits let through.
LARGEST_MIB = 256
KIB = 1024
# So many defects of a kind are told; one cause often has thousands.
MOST_TOLD = 20
AFTERWARDS = -1

Case = Callable[[Random], str]


class Defect(AssertionError):
    """The product broke a promise."""


def require(holds: object, what: str) -> None:
    """Raises Defect."""
    if not holds:
        raise Defect(what)


def rng_of(seed: int, kind: str, number: int) -> Random:
    """The random source of one case."""
    return Random(f"{seed}/{kind}/{number}")


@dataclass(slots=True)
class Tally:
    """What came of a kind's cases: counted by a word for each, the slowest, and the defects by the case's number."""

    kind: str
    seed: int
    came: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    slowest: int = 0
    defects: dict[int, str] = field(default_factory=dict)
    memory_mib: list[float] = field(default_factory=list)

    @property
    def cases(self) -> int:
        return self.came.total()

    @property
    def grown_mib(self) -> float:
        """By how much the process has grown since its caches were full: from the end of the first part to that of the last."""
        return self.memory_mib[-1] - self.memory_mib[0] if self.memory_mib else 0.0

    def note(self, number: int, came: str, seconds: float) -> None:
        self.came[came] += 1
        if seconds > self.slowest_s:
            self.slowest_s, self.slowest = seconds, number

    def blame(self, number: int, what: str) -> None:
        """With AFTERWARDS for the number, what is told is of all cases together."""
        if number != AFTERWARDS:
            self.came["DEFECT"] += 1
        if len(self.defects) < MOST_TOLD:
            self.defects[number] = what


def peak_mib() -> float:
    """The most memory that this process has had at once."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB


def play(tally: Tally, case: Case, cases: int, first: int = 0, *, longest_s: float = LONGEST_S) -> None:
    """Play the cases one after another on this thread."""
    for number in range(first, first + cases):
        rng, peak, started_s = rng_of(tally.seed, tally.kind, number), peak_mib(), time.thread_time()
        try:
            came = case(rng)
            taken_s, grown = time.thread_time() - started_s, peak_mib() - peak
            require(taken_s < longest_s, f"took {taken_s:.1f} s")
            require(grown < LARGEST_MIB, f"took {grown:.0f} MiB")
        except Exception as error:
            tally.blame(number, told(error))
        else:
            tally.note(number, came, taken_s)


def told(error: Exception) -> str:
    """An exception with the place in our code where it came from."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        file, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        place = f" at app{file.rpartition('/app')[2]}:{line}" if "/app/" in file else place
        trace = trace.tb_next
    return f"{type(error).__name__}: {str(error)[:500]}{place}"


def play_together(tally: Tally, case: Case, cases: int, first: int = 0, *, threads: int = 8) -> None:
    """The same with several at once, for cases that wait for a server. Time is the clock's; memory is the server's affair."""
    lock = Lock()

    def one(number: int) -> None:
        rng, started_s = rng_of(tally.seed, tally.kind, number), time.monotonic()
        try:
            came = case(rng)
        except Exception as error:
            with lock:
                tally.blame(number, told(error))
        else:
            with lock:
                tally.note(number, came, time.monotonic() - started_s)

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(one, range(first, first + cases)):
            pass
