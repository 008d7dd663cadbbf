"""Which kinds of cases there are, how many of each are played, and how one kind is played to its end.

In: how many in all, a seed, which kinds. Out: a `Tally` for each. Called by the command (`make fuzz`) and by the short test.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import MappingProxyType

from tests.fuzz.dealing import dealing, garbage
from tests.fuzz.described import described
from tests.fuzz.engine import AFTERWARDS, KIB, Case, Tally, play, play_together, require, told
from tests.fuzz.looking import looking
from tests.fuzz.reading import reading
from tests.fuzz.seeds import FRONTS
from tests.fuzz.served import over_grpc, over_http, with_bent_images
from tests.fuzz.stand import PROVIDERS, Stand, standing

# The share of each kind; what goes through a process takes ten times as long as what does not.
PURE: Mapping[str, tuple[float, Case]] = MappingProxyType(
    {
        **{f"read {front}": (0.06, reading(front)) for front in FRONTS},
        "images": (0.16, looking),
        "findings": (0.12, dealing),
        "garbled answers": (0.12, garbage),
    }
)
_HTTP, _GRPC, _IMAGES, _DESCRIBED = "http", "grpc", "images over http", "openapi"
SERVED: Mapping[str, float] = MappingProxyType({_HTTP: 0.12, _GRPC: 0.06, _IMAGES: 0.04, _DESCRIBED: 0.02})
KINDS = (*PURE, *SERVED)
# Memory is looked at after so many parts of the cases; the first part fills caches and pools.
_PARTS = 5
# What may be left behind by all cases but the first part's, MiB. A case that keeps a kilobyte shows after thirty thousand.
MOST_GROWN_MIB = 32.0


def shares(cases: int, only: frozenset[str] = frozenset()) -> dict[str, int]:
    """How many of each kind; with `only` those alone, all of them."""
    weights = {name: weight for name, (weight, _) in PURE.items()} | dict(SERVED)
    chosen = {name: weight for name, weight in weights.items() if not only or name in only}
    total = sum(chosen.values())
    return {name: max(1, round(cases * weight / total)) for name, weight in chosen.items()}


def play_pure(kind: str, seed: int, cases: int) -> Tally:
    """A kind that needs no process but this one."""
    tally, (_, case) = Tally(kind, seed), PURE[kind]
    play_in_parts(tally, cases, partial(play, tally, case), own_rss_mib)
    return tally


def play_served(seed: int, counts: Mapping[str, int], folder: Path, providers: tuple[str, ...] = PROVIDERS) -> Iterator[Tally]:
    """The kinds that go through a process, in front of each of these vendors in turn."""
    for provider in providers:
        with standing(folder, provider) as stand:
            for kind, count in counts.items():
                yield play_at(stand, kind, seed, max(1, count // len(providers)))


def play_at(stand: Stand, kind: str, seed: int, cases: int) -> Tally:
    """The server is looked over after the last case."""
    tally = Tally(f"{kind}, {stand.provider} behind", seed)
    with ExitStack() as stack:
        if kind == _DESCRIBED:
            described(stand, tally, cases)
        else:
            case = _case_at(stand, kind, stack)
            play_in_parts(tally, cases, partial(play_together, tally, case), stand.rss_mib)
    try:
        stand.check_alive()
    except Exception as error:
        tally.blame(AFTERWARDS, f"afterwards: {told(error)}")
    return tally


def _case_at(stand: Stand, kind: str, stack: ExitStack) -> Case:
    if kind == _HTTP:
        return over_http(stand)
    if kind == _IMAGES:
        return with_bent_images(stand)
    case, close = over_grpc(stand)
    stack.callback(close)
    return case


def play_in_parts(tally: Tally, cases: int, play_some: Callable[[int, int], None], rss_mib: Callable[[], float]) -> None:
    """Play all; what the memory has grown by since the first part was over must be within its bound."""
    part = -(-cases // _PARTS)
    for first in range(0, cases, part):
        play_some(min(part, cases - first), first)
        tally.memory_mib.append(rss_mib())
    try:
        require(tally.grown_mib < MOST_GROWN_MIB, f"the memory grew by {tally.grown_mib:.1f} MiB: {tally.memory_mib}")
    except AssertionError as error:
        tally.blame(AFTERWARDS, str(error))


def own_rss_mib() -> float:
    """What this process holds, once what is free has been given back to the system."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4 / KIB
