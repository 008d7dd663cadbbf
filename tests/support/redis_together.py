"""Redis servers that stand together, for real: a master with a replica and three sentinels, or the nodes of a cluster.

    with watched_redis() as redis:        with redis_cluster(replicas=1) as redis:
        use(redis.url)                        use(redis.url)
        redis.master().kill()                 redis.owner(tag).kill()

Every server has a password, the sentinels another one. What is waited for announces itself to nobody, so it is asked for.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError, ResponseError

from tests.support.cluster import until
from tests.support.redis_server import RedisServer, free_port, require_binary

PASSWORD, SENTINEL_PASSWORD = "of-servers", "of-sentinels"
SERVICE = "ours"
PASSWORDS = ("--requirepass", PASSWORD, "--masterauth", PASSWORD, "--repl-diskless-sync-delay", "0")
# After so long without an answer a server counts as dead: short for a test, long for a busy machine, milliseconds.
DOWN_AFTER_MS = 1000
SLOTS = 16_384
# Sentinels tell each other of themselves every two seconds; while they get to know each other they may do so more often.
HURRIED_MS, USUAL_MS = 50, 2000


def asking(port: int, password: str = PASSWORD) -> Redis:
    """A client of the test's own."""
    return Redis(port=port, password=password, socket_timeout=2.0, protocol=2)


def says(port: int, *words: str) -> Any:
    """The server's raw answer to one command."""
    with asking(port) as client:
        return client.execute_command(*words)


class Sentinel:
    """One sentinel process. It writes its configuration down, so that lies in a folder of its own."""

    def __init__(self, master_port: int, quorum: int) -> None:
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="tessera-sentinel-")
        config = Path(self._folder.name) / "sentinel.conf"
        config.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self._folder.name}\nlogfile {self._folder.name}/sentinel.log\n"
            f"requirepass {SENTINEL_PASSWORD}\nsentinel sentinel-pass {SENTINEL_PASSWORD}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {master_port} {quorum}\nsentinel auth-pass {SERVICE} {PASSWORD}\n"
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\nsentinel failover-timeout {SERVICE} 5000\n"
        )
        self._process = subprocess.Popen([str(require_binary()), str(config), "--sentinel"])

    def told(self) -> dict[bytes, bytes]:
        """What it knows of the master; nothing while it starts."""
        try:
            with asking(self.port, SENTINEL_PASSWORD) as client:
                flat: list[bytes] = client.execute_command("SENTINEL", "MASTER", SERVICE)
        except RedisError:
            return {}
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def tell_others_every(self, pause_ms: int) -> None:
        """Of itself and of its master. Redis 7 can; an older one says no and does it every two seconds."""
        with suppress(ResponseError):
            self.order("SENTINEL", "DEBUG", "PUBLISH-PERIOD", str(pause_ms))

    def order(self, *words: str) -> None:
        with asking(self.port, SENTINEL_PASSWORD) as client:
            client.execute_command(*words)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


@dataclass(frozen=True, slots=True)
class WatchedRedis:
    """A master and a replica under three sentinels."""

    servers: list[RedisServer]
    sentinels: list[Sentinel]

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://default:{PASSWORD}@{hosts}/{SERVICE}/0?sentinel_password={SENTINEL_PASSWORD}"

    def master(self) -> RedisServer:
        """The one that the sentinels name."""
        port = int(self.sentinels[0].told()[b"port"])
        return next(server for server in self.servers if server.port == port)

    def fail_over(self) -> None:
        """The replica takes over, and the old master lives on as its replica."""
        self.sentinels[0].order("SENTINEL FAILOVER", SERVICE)

    def _is_ready(self) -> bool:
        """All know each other and the replica, which has everything."""
        told = [sentinel.told() for sentinel in self.sentinels]
        return all(one and int(one[b"num-other-sentinels"]) == 2 and int(one[b"num-slaves"]) == 1 for one in told) and (
            says(self.servers[1].port, "ROLE")[3] == b"connected"
        )


@contextmanager
def watched_redis() -> Iterator[WatchedRedis]:
    with ExitStack() as stack:
        with ThreadPoolExecutor(2) as pool:
            servers = list(pool.map(lambda _: RedisServer.start(*PASSWORDS), range(2)))
        for server in servers:
            stack.callback(server.stop)
        says(servers[1].port, "REPLICAOF", "127.0.0.1", str(servers[0].port))
        sentinels = []
        for _ in range(3):
            sentinels.append(Sentinel(servers[0].port, quorum=2))
            stack.callback(sentinels[-1].stop)
        redis = WatchedRedis(servers, sentinels)
        until("the sentinels answer", lambda: all(sentinel.told() for sentinel in sentinels))
        for sentinel in sentinels:
            sentinel.tell_others_every(HURRIED_MS)
        until("the sentinels know each other", redis._is_ready)
        for sentinel in sentinels:
            sentinel.tell_others_every(USUAL_MS)
        yield redis


@dataclass(frozen=True, slots=True)
class RedisCluster:
    """Nodes with the slots spread evenly; `replicas` follow the masters in their order."""

    masters: list[RedisServer]
    replicas: list[RedisServer]

    @property
    def url(self) -> str:
        """Names two nodes: the others are found."""
        return f"redis+cluster://:{PASSWORD}@" + ",".join(f"127.0.0.1:{server.port}" for server in self.masters[:2])

    def owner(self, tag: str, asked: RedisServer | None = None) -> RedisServer:
        """Who has the tag's slot, by the word of one node."""
        slot = key_slot(tag.encode())
        for first, last, (_, port, *_), *_ in says((asked or self.masters[-1]).port, "CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(server for server in (*self.masters, *self.replicas) if server.port == port)
        raise AssertionError(f"nobody has slot {slot}")

    def move(self, tag: str, to: RedisServer) -> None:
        """Move the tag's slot key by key, as redis-cli does."""
        slot, source = str(key_slot(tag.encode())), self.owner(tag)
        source_id, to_id = (says(server.port, "CLUSTER", "MYID").decode() for server in (source, to))
        says(to.port, "CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
        says(source.port, "CLUSTER", "SETSLOT", slot, "MIGRATING", to_id)
        while names := says(source.port, "CLUSTER", "GETKEYSINSLOT", slot, "1"):
            says(source.port, "MIGRATE", "127.0.0.1", str(to.port), "", "0", "5000", "AUTH", PASSWORD, "KEYS", *names)
        for server in (to, source, *(other for other in self.masters if other not in (to, source))):
            says(server.port, "CLUSTER", "SETSLOT", slot, "NODE", to_id)

    def _is_ready(self) -> bool:
        infos = [says(server.port, "CLUSTER", "INFO") for server in (*self.masters, *self.replicas)]
        return all(b"cluster_state:ok" in info for info in infos) and all(map(_follows, self.replicas))


def _follows(replica: RedisServer) -> bool:
    kind, *rest = says(replica.port, "ROLE")
    return kind == b"slave" and bool(rest[2] == b"connected")


@contextmanager
def redis_cluster(*, masters: int = 3, replicas: int = 0) -> Iterator[RedisCluster]:
    """`replicas`: so many of the masters have one."""
    with ExitStack() as stack:
        buses = [free_port() for _ in range(masters + replicas)]
        with ThreadPoolExecutor(len(buses)) as pool:
            servers = list(pool.map(_node, buses))
        for server in servers:
            stack.callback(server.stop)
        redis = RedisCluster(servers[:masters], servers[masters:])
        for number, master in enumerate(redis.masters):
            first, last = SLOTS * number // masters, SLOTS * (number + 1) // masters - 1
            says(master.port, "CLUSTER", "ADDSLOTSRANGE", str(first), str(last))
            says(master.port, "CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        for server, bus in zip(servers[1:], buses[1:], strict=True):
            says(servers[0].port, "CLUSTER", "MEET", "127.0.0.1", str(server.port), str(bus))
        until("the nodes know each other", lambda: all(_knows(server, len(servers)) for server in servers))
        for master, replica in zip(redis.masters, redis.replicas, strict=False):
            says(replica.port, "CLUSTER", "REPLICATE", says(master.port, "CLUSTER", "MYID").decode())
        until("the cluster is whole", redis._is_ready)
        yield redis


def _node(bus: int) -> RedisServer:
    options = ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-port", str(bus)]
    options += ["--cluster-node-timeout", str(DOWN_AFTER_MS), "--cluster-require-full-coverage", "no"]
    return RedisServer.start(*PASSWORDS, *options)


def _knows(server: RedisServer, nodes: int) -> bool:
    lines = says(server.port, "CLUSTER", "NODES").decode().splitlines()
    return len(lines) == nodes and not any("handshake" in line for line in lines)
