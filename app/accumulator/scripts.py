"""The commands of one shard, typed: one function per Lua script, and the few plain commands beside them.

In: plain values, seconds, bytes. Out: what the script answered as a value. How the words get to Redis, and what becomes of its
failures, is `links`' matter. Called by `redis.py`, and through small protocols by `replies.py` and `claiming.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from app.accumulator import keys
from app.accumulator.codec import CodecError, decode_outcome
from app.accumulator.contract import Withdrawal
from app.accumulator.keys import ShardKeys
from app.accumulator.limits import Limits
from app.accumulator.links import Link, Script
from app.accumulator.replies import Recalled
from app.clock import Clock
from app.core.flights import Begun, Flight, How, Keep, Standing
from app.core.lanes import RETURN_GRACE_S, Admission, Settled
from app.core.model import TASK_DIGITS, Job, Outcome, Release, Task
from app.core.prevalence import MEMORY_IMAGES, Prevalence
from app.core.window import FORGET_S, IDLE_THRESHOLD, LONE_ARRIVALS, tau_s

NO_WORKER = "no_worker"
# Ids that are taken off a reply list at a time; more wait for the next turn.
REPLY_CHUNK = 200
HEAD = "_shard"
SCRIPTS = (
    "abandon_flight",
    "beat",
    "begin_flight",
    "claim",
    "complete",
    "drain",
    "enqueue",
    "extend",
    "extend_flight",
    "finish_flight",
    "give_back",
    "leave",
    "nudge",
    "observe",
    "peek",
    "pending",
    "recall",
    "reserve",
    "settle",
    "tell_of_flight",
    "withdraw",
)
# Scripts that share a second head.
SECOND_HEADS = {
    "reserve": "_quota",
    "settle": "_quota",
    "abandon_flight": "_flight",
    "begin_flight": "_flight",
    "finish_flight": "_flight",
}
# Hexadecimal digits by which a call is known again.
ID_DIGITS = 16


@dataclass(frozen=True, slots=True)
class LeasedJob:
    """One job of a claimed batch, without its image; `owner` is the process that waits for it."""

    id: str
    owner: str
    waited_s: float
    time_left_s: float


@dataclass(frozen=True, slots=True)
class Leased:
    """A batch that the claim script has handed over."""

    id: str
    generation: int
    attempt: int
    release: Release
    jobs: tuple[LeasedJob, ...]


@dataclass(frozen=True, slots=True)
class NothingReady:
    """No batch; `next_s` is the time until there may be one, None when nothing waits at all."""

    next_s: float | None


def load_scripts() -> dict[str, Script]:
    """Every script with its common head, read from the package."""
    folder = resources.files(__package__) / "lua"

    def text_of(name: str) -> bytes:
        parts = (HEAD, SECOND_HEADS[name], name) if name in SECOND_HEADS else (HEAD, name)
        return b"\n".join((folder / f"{part}.lua").read_bytes() for part in parts)

    texts = {name: text_of(name) for name in SCRIPTS}
    return {name: Script(text, hashlib.sha1(text, usedforsecurity=False).hexdigest()) for name, text in texts.items()}


class ShardCommands:
    """All commands on one shard, for one process. `clock` replaces Redis's own time, in tests only."""

    def __init__(
        self,
        link: Link,
        scripts: dict[str, Script],
        names: ShardKeys,
        process_id: str,
        limits: Limits,
        *,
        clock: Clock | None = None,
    ) -> None:
        self._link = link
        self._scripts = scripts
        self._keys = names
        self._process_id = process_id
        self._limits = limits
        self._clock = clock

    async def enqueue(self, job: Job, payload: bytes, *, max_pending: int) -> Admission | None:
        """Admit a job with its payload; None when no worker is alive to claim it."""
        answer = await self._run(
            "enqueue",
            [self._keys.rate(job.lane.key), self._keys.image(job.id)],
            [
                job.id,
                job.lane.key,
                job.lane.capacity,
                self._process_id,
                _us(job.max_wait_s),
                _us(job.time_left_s),
                max_pending,
                payload,
                _ms(job.time_left_s + keys.IMAGE_GRACE_S),
                _us(self._limits.worker_ttl_s),
                repr(tau_s(job.max_wait_s)),
                repr(IDLE_THRESHOLD),
                LONE_ARRIVALS,
                repr(FORGET_S),
            ],
        )
        text = answer.decode()
        return None if text == NO_WORKER else Admission(text)

    async def withdraw(self, job_id: str, lane: str, *, only_pending: bool = False) -> tuple[Withdrawal, bytes | None]:
        """Where the job was, and its outcome if that came first. `lane` is the key of its lane."""
        concerned = [self._keys.image(job_id), self._keys.outcome(job_id), self._keys.stay(lane)]
        answer = await self._run("withdraw", concerned, [job_id, int(only_pending), _us(RETURN_GRACE_S)])
        return Withdrawal(answer[0].decode()), answer[1] if len(answer) > 1 else None

    async def claim(self, batch_id: str, lease_s: float, *, stays: bool) -> Leased | NothingReady:
        """The earliest ready batch. `stays`: the caller will wait here until the next event."""
        answer = await self._run("claim", [], [batch_id, _us(lease_s), int(stays)])
        if len(answer) <= 1:
            return NothingReady(_s(answer[0]) if answer else None)
        name, generation, attempt, release, *jobs = answer
        leased = tuple(LeasedJob(job.decode(), owner.decode(), _s(waited), _s(left)) for job, owner, waited, left in jobs)
        return Leased(name.decode(), generation, attempt, Release(release.decode()), leased)

    async def images(self, job_ids: Sequence[str]) -> list[bytes | None]:
        """The payloads of jobs, None where there is none (any more)."""
        found: list[bytes | None] = await self._link.call("MGET", *map(self._keys.image, job_ids))
        return found

    async def extend(self, batch_id: str, generation: int, lane: str, lease_s: float, stay_s: float) -> bool:
        arguments = [batch_id, generation, _us(lease_s), _us(stay_s)]
        return bool(await self._run("extend", [self._keys.stay(lane)], arguments))

    async def complete(self, batch_id: str, generation: int, outcomes: Sequence[tuple[LeasedJob, bytes]]) -> Settled:
        names: list[str] = []
        arguments: list[Any] = [batch_id, generation, _ms(keys.OUTCOME_TTL_S)]
        for job, payload in outcomes:
            names += [self._keys.image(job.id), self._keys.outcome(job.id), self._keys.reply(job.owner)]
            arguments += [job.id, payload]
        current, *delivered = await self._run("complete", names, arguments)
        return Settled(frozenset(job_id.decode() for job_id in delivered), stale=not current)

    async def give_back(self, batch_id: str, generation: int) -> bool:
        return bool(await self._run("give_back", [], [batch_id, generation]))

    async def drain(self, job_ids: Sequence[str]) -> int:
        return int(await self._run("drain", [], job_ids))

    async def peek(self) -> float | None:
        """Flush time of the earliest ready batch, seconds from now; None when nothing is ready."""
        answer = await self._run("peek", [], [])
        return None if answer is None else _s(answer)

    async def pending(self) -> Mapping[Task, int]:
        answer = await self._run("pending", [], list(TASK_DIGITS.values()))
        return dict(zip(TASK_DIGITS, map(int, answer), strict=True))

    async def nudge(self) -> None:
        """Leave a token for somebody else who waits to claim, if there is anything to wait for."""
        await self._run("nudge", [], [])

    async def beat(self) -> None:
        """This process is alive and claims."""
        await self._run("beat", [], [self._process_id, _us(self._limits.worker_ttl_s)])

    async def leave(self) -> bool:
        """This process claims no more. True if nobody else does: then all that is pending is ready."""
        return bool(await self._run("leave", [], [self._process_id, _us(self._limits.worker_ttl_s)]))

    async def ping(self) -> None:
        await self._link.call("PING")

    async def pop_wake(self) -> bool:
        """Wait for a token, at most one block."""
        return await self._pop(self._keys.wake) is not None

    async def next_replies(self, done: Sequence[str]) -> list[tuple[str, bytes | None]]:
        """Wait for replies, at most one block; `done` are ids whose outcomes have been read and may go."""
        if done:
            await self._link.block("UNLINK", *map(self._keys.outcome, done))
        reply = self._keys.reply(self._process_id)
        first = await self._pop(reply)
        if first is None:
            return []
        more, payload = await self._link.block_all(("LPOP", reply, REPLY_CHUNK), ("GET", self._keys.outcome(first)))
        others = [job_id.decode() for job_id in more or []]
        payloads = await self._link.block("MGET", *map(self._keys.outcome, others)) if others else []
        return [(first, payload), *zip(others, payloads, strict=True)]

    async def recall(self, job_ids: Sequence[str]) -> list[bytes | Recalled]:
        """For each job its outcome, or what the store knows of it."""
        answer = await self._run("recall", [self._keys.outcome(job_id) for job_id in job_ids], job_ids)
        return [found if isinstance(found, bytes) else Recalled.UNDER_WAY if found else Recalled.LOST for found in answer]

    async def observe(self, stream: str, counts: tuple[float, float, float, float]) -> Prevalence:
        """So many more images of a stream were decided (as in `Prevalence.seen`); what is known of it with them."""
        arguments = [*map(repr, counts), repr(MEMORY_IMAGES), _ms(keys.PREVALENCE_TTL_S)]
        return _prevalence(await self._run("observe", [self._keys.prevalence(stream)], arguments))

    async def prevalence(self, stream: str) -> Prevalence:
        """What is known of a stream."""
        return _prevalence(await self._link.call("HMGET", self._keys.prevalence(stream), *_COUNTS))

    async def quota(self, script: str, tenant: str, arguments: Sequence[Any]) -> Any:
        """`reserve` or `settle` on a client's account; what they take and give is `redis_quota`'s to know."""
        return await self._run(script, self._keys.quota(tenant, self._process_id), arguments)

    async def begin_flight(self, asker: Flight, lease_s: float) -> Begun:
        """Lead, or find who leads or what has come of it."""
        lease = (_us(lease_s), _ms(keys.FLIGHT_LEASES * lease_s))
        arguments = [asker.token, self._process_id, _digests(asker.retry_ids), *lease]
        standing, *found = await self._run("begin_flight", [self._keys.flight(asker.key)], arguments)
        match Standing(standing.decode()):
            case Standing.THEIRS:
                return Begun(Standing.THEIRS, left_s=_s(found[0]))
            case Standing.FINISHED:
                return Begun(Standing.FINISHED, how=How(found[0].decode()), outcome=_read(found[1]))
        return Begun(Standing.MINE)

    async def extend_flight(self, leader: Flight, lease_s: float) -> bool:
        arguments = [leader.token, _us(lease_s), _ms(keys.FLIGHT_LEASES * lease_s)]
        return bool(await self._run("extend_flight", [self._keys.flight(leader.key)], arguments))

    async def finish_flight(self, leader: Flight, outcome: bytes, keep: Keep, keep_s: float) -> frozenset[str] | None:
        """The processes that wait for it; None for one who leads no more."""
        arguments = [leader.token, keep.value, _us(keep_s), _ms(keep_s), _digests(leader.retry_ids), outcome]
        answer = await self._run("finish_flight", [self._keys.flight(leader.key)], arguments)
        return frozenset(process.decode() for process in answer[1:]) if answer else None

    async def abandon_flight(self, asker: Flight) -> frozenset[str]:
        """The processes that have to be told."""
        answer = await self._run("abandon_flight", [self._keys.flight(asker.key)], [asker.token])
        return frozenset(process.decode() for process in answer)

    async def is_joined(self, leader: Flight) -> bool:
        """Whether anybody waits for a flight that this one leads."""
        token, waits = await self._link.call("HMGET", self._keys.flight(leader.key), "token", "waits")
        return token == leader.token.encode() and int(waits or 0) > 0

    async def tell_of_flight(self, key: str, processes: Sequence[str]) -> None:
        names = [self._keys.reply(process) for process in processes]
        await self._run("tell_of_flight", names, [key, _ms(keys.OUTCOME_TTL_S)])

    async def _pop(self, name: str) -> str | None:
        found = await self._link.block("BLPOP", name, self._limits.block_s)
        return None if found is None else found[1].decode()

    async def _run(self, name: str, names: Sequence[str], arguments: Sequence[Any]) -> Any:
        now = "" if self._clock is None else str(_us(self._clock.now_s()))
        shared = [now, _ms(keys.SHARD_TTL_S), _ms(keys.SIGNAL_TTL_S)]
        return await self._link.run(self._scripts[name], [*self._keys.fixed(), *names], [*shared, *arguments])


# Members of a stream's hash, in the order of Prevalence's own.
_COUNTS = ("images", "unsafe", "judged", "alarms")


def _prevalence(counts: Sequence[bytes | None]) -> Prevalence:
    return Prevalence(*(float(count or 0) for count in counts))


def _read(outcome: bytes) -> Outcome | None:
    """None where it is damaged."""
    try:
        return decode_outcome(outcome)
    except CodecError:
        return None


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000)


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1_000))


def _s(microseconds: int) -> float:
    return microseconds / 1_000_000


def _digests(retry_ids: Iterable[str]) -> str:
    """Clients' own ids as words of one length."""
    digests = (hashlib.sha256(retry_id.encode("utf-8", "surrogatepass")).hexdigest()[:ID_DIGITS] for retry_id in retry_ids)
    return " ".join(sorted(digests))
