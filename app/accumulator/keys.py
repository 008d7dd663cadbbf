"""Every key that the accumulator keeps in Redis: name, type, time to live, purpose. Scripts get all of them through KEYS.

All keys of a shard share the hash tag `{<namespace>:f<FORMAT>:<shard>}`, so that they live on one node of a Redis Cluster and
a script may touch them together. A lane belongs to one shard, by hash; so does everything that happens to its jobs.

The tag names the format, so releases that write different ones never meet: each sees only the lanes, the living workers and the
outcomes of its own. While one replaces the other, old workers serve what old API processes ask, and new ones the new; where
nobody of a format is left, its images go alone. What must count the same whoever writes it lies under `ShardKeys.shared`.

The shard's own keys (`SHARD_KEYS`) are given to every script, in this order; `lua/_shard.lua` names them in the same order.
Lua fills `<lane>`, `<job>`, `<process>`, `<tenant>`, `<stream>` and `<key>` in nowhere: names are made here only.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.core.window import FORGET_S

# Of everything under a format's tag: the bytes of `codec`, what the scripts keep in their hashes, and what a lane's key means.
# Whoever changes one of them raises the number (tests/unit/accumulator/test_format.py), or two releases misread each other.
FORMAT = 6
# A shard that nobody has touched for so long is gone, seconds. Every script that writes renews it, and a request lives for
# seconds to minutes, so this only cleans up after everybody has left.
SHARD_TTL_S = 3600.0
# An image outlives its job's own time by this, seconds: no claim hands out a job whose time is over, but reading its image
# is a second step after the claim.
IMAGE_GRACE_S = 10.0
# An outcome waits so long for the process that asked, seconds: far longer than it takes a listener to come back, and short
# enough that answers for a process that has died do not pile up.
OUTCOME_TTL_S = 30.0
# Tokens and heartbeats mean nothing after so long, seconds; what they announce is found again by looking.
SIGNAL_TTL_S = 60.0
# A stream without images is forgotten after a day, seconds: long enough for a night without traffic, and what comes after
# that may well be something else.
PREVALENCE_TTL_S = 86_400.0
# What a client has spent is kept for so long after its month, seconds: whoever looks by then begins a new month.
BUDGET_GRACE_S = 86_400.0
# So long a lot that was settled is remembered, seconds: whoever has not heard of it tries again, when an outage ends at last.
TOLD_TTL_S = 86_400.0
# A flight under way outlives its leader's lease so many times: those who wait for it are still to be told of its end.
FLIGHT_LEASES = 4.0


@dataclass(frozen=True, slots=True)
class KeySpec:
    """One kind of key. `name` follows the shard's tag; `ttl_s` is the longest time to live that a script gives it."""

    name: str
    type: str
    ttl_s: float | None
    purpose: str


SHARD_KEYS = (
    KeySpec("queue", "zset", SHARD_TTL_S, "pending jobs, `<lane>:<sequence>:<job>`, all scores 0: by lane, oldest first"),
    KeySpec(
        "due", "zset", SHARD_TTL_S, "the same jobs, `<lane>:<flush time>:<job>`, all scores 0: by lane, earliest flush first"
    ),
    KeySpec("lanes", "zset", SHARD_TTL_S, "lanes with pending jobs, by their earliest flush time"),
    KeySpec("ready", "zset", SHARD_TTL_S, "those of them that are full or marked, by their earliest flush time"),
    KeySpec("marks", "hash", SHARD_TTL_S, "lane -> why it is ready before it is full or due: idle, drain"),
    KeySpec("jobs", "hash", SHARD_TTL_S, "job -> its lane, place, times and owner; for a claimed one its batch (MessagePack)"),
    KeySpec("deadlines", "zset", SHARD_TTL_S, "pending jobs, by the end of their time"),
    KeySpec("leases", "zset", SHARD_TTL_S, "claimed batches, by the end of their lease"),
    KeySpec("batches", "hash", SHARD_TTL_S, "batch -> generation, attempt, lane, release, jobs (MessagePack)"),
    KeySpec("workers", "zset", SIGNAL_TTL_S, "processes that claim, by their last heartbeat"),
    KeySpec("wake", "list", SIGNAL_TTL_S, "at most one token: somebody who waits to claim should look again"),
    KeySpec("sequence", "string", SHARD_TTL_S, "counter: order of arrival"),
)
OTHER_KEYS = (
    KeySpec("rate:<lane>", "hash", FORGET_S, "the lane's arrivals, as in core.window.Traffic"),
    KeySpec("stay:<lane>", "string", None, "until when the lane's pending jobs are asked to stay; lives as long"),
    KeySpec("image:<job>", "string", None, "the job and its image (codec); lives for the job's time and IMAGE_GRACE_S"),
    KeySpec("outcome:<job>", "string", OUTCOME_TTL_S, "the job's outcome (codec) until its process has read it"),
    KeySpec("reply:<process>", "list", OUTCOME_TTL_S, "ids of jobs whose outcomes wait for this process"),
    KeySpec("pace:<tenant>", "string", None, "state of core.quota.Pace; lives until an even pace has caught up"),
    KeySpec("budget:<tenant>", "hash", None, "month, spent and reserved of it; lives for the month and BUDGET_GRACE_S"),
    KeySpec(
        "reserved:<tenant>", "zset", None, "`<id>:<billionths of dollars>:<millionths of inferences>`, by their lapse; as long"
    ),
    KeySpec("told:<tenant>:<process>", "string", TOLD_TTL_S, "number of the last lot that this process has settled"),
    KeySpec("prevalence:<stream>", "hash", PREVALENCE_TTL_S, "the share of unsafe images, as in core.prevalence.Prevalence"),
    KeySpec("flight:<key>", "hash", None, "who asks this and who waits, or its outcome; lives for leases, or as kept"),
)
# Keys that never expire. There are none, and the tests see to it that this stays true.
PERMANENT_KEYS: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShardKeys:
    """The names of one shard's keys. `tag` is the same in all of them, and nothing else is."""

    tag: str

    @classmethod
    def of(cls, namespace: str, shard: int, format_number: int = FORMAT) -> ShardKeys:
        """What processes of one format share: lanes, workers, outcomes, and whatever else holds bytes of `codec`."""
        return cls(f"{{{namespace}:f{format_number}:{shard}}}")

    @classmethod
    def shared(cls, namespace: str, shard: int) -> ShardKeys:
        """What processes of all releases share: budgets, estimates. Its fields keep their meaning, or get new names."""
        return cls(f"{{{namespace}:{shard}}}")

    def fixed(self) -> list[str]:
        """The keys that every script gets first."""
        return [f"{self.tag}:{spec.name}" for spec in SHARD_KEYS]

    @property
    def jobs(self) -> str:
        return f"{self.tag}:jobs"

    @property
    def workers(self) -> str:
        return f"{self.tag}:workers"

    @property
    def wake(self) -> str:
        return f"{self.tag}:wake"

    def rate(self, lane: str) -> str:
        return f"{self.tag}:rate:{lane}"

    def stay(self, lane: str) -> str:
        return f"{self.tag}:stay:{lane}"

    def image(self, job_id: str) -> str:
        return f"{self.tag}:image:{job_id}"

    def outcome(self, job_id: str) -> str:
        return f"{self.tag}:outcome:{job_id}"

    def reply(self, process_id: str) -> str:
        return f"{self.tag}:reply:{process_id}"

    def prevalence(self, stream: str) -> str:
        return f"{self.tag}:prevalence:{stream}"

    def quota(self, tenant: str, process_id: str) -> list[str]:
        """All keys of a client's account, in the order of `lua/_quota.lua`."""
        return [
            *(f"{self.tag}:{name}:{tenant}" for name in ("pace", "budget", "reserved")),
            f"{self.tag}:told:{tenant}:{process_id}",
        ]

    def flight(self, key: str) -> str:
        return f"{self.tag}:flight:{key}"


def shard_of(lane_key: str, shards: int) -> int:
    """Which shard a lane lives on; `Lane.key` is a hash already, in hexadecimal. (`Lane.stream` and a flight's key, too.)"""
    return int(lane_key, 16) % shards
