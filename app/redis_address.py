"""What TESSERA_REDIS_URL says: which servers to ask, how to get in, and in which of three ways they stand together.

    redis://[user:password@]host[:port][/db][?options]                       one server, or whatever looks like one
    redis+sentinel://[user:password@]host[:port][,host...]/name[/db][?...]   sentinels, and the name of the master they watch
    redis+cluster://[user:password@]host[:port][,host...][?options]          some nodes of a Redis Cluster

`rediss` in place of `redis` is TLS, for sentinels and nodes alike; `unix://path` is one server. User and password are the
servers'; the sentinels' own stand in the options, as `sentinel_username` and `sentinel_password`. The other options are
those of redis-py's addresses (`ssl_ca_certs`, `ssl_check_hostname`, ...). Pure: nothing is connected here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import parse_qsl, quote, unquote, urlencode

REDIS_PORT = 6379
SENTINEL_PORT = 26379

_MANY = re.compile(
    r"(?P<scheme>rediss?)\+(?P<kind>sentinel|cluster)://(?:(?P<user>\S*)@)?(?P<hosts>[^\s/?@]+)(?:/(?P<path>[^\s?]*))?"
    r"(?:\?(?P<options>\S*))?"
)
_HOST = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.%]+)\]|(?P<name>[^\[\]:]+))(?::(?P<port>[0-9]{1,5}))?")
_OF_SENTINELS = {"sentinel_username": "username", "sentinel_password": "password"}


class Standing(Enum):
    """How servers stand together."""

    ALONE = auto()
    SENTINEL = auto()
    CLUSTER = auto()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, repr=False)
class RedisAddress:
    """Servers that stand together: `places` are nodes of a cluster, or sentinels, whose master is called `service`."""

    standing: Standing
    places: tuple[Place, ...]
    service: str
    _scheme: str
    _user: str
    _db: str
    _options: str
    _sentinel_options: str

    def server(self, place: Place) -> str:
        """The address of one server, in redis-py's form."""
        return f"{self._scheme}://{self._user}{_netloc(place)}{self._db}{self._options}"

    def sentinel(self, place: Place) -> str:
        """The same of a sentinel, which has users of its own and no databases."""
        return f"{self._scheme}://{_netloc(place)}{self._sentinel_options}"


ALONE = Place("", 0)


def parse(url: str) -> RedisAddress | None:
    """The servers that stand together, or None where there is only one. Raises ValueError; its text quotes nothing secret."""
    if "+" not in url.partition("://")[0]:
        return None
    found = _MANY.fullmatch(url)
    if found is None:
        raise ValueError("not the address of sentinels or of a cluster: see docs/redis.md")
    standing = Standing.SENTINEL if found["kind"] == "sentinel" else Standing.CLUSTER
    service, db = _path(standing, found["path"] or "")
    options = parse_qsl(found["options"] or "", keep_blank_values=True)
    servers = [(name, value) for name, value in options if name not in _OF_SENTINELS]
    sentinels = [(_OF_SENTINELS.get(name, name), value) for name, value in options if _concerns_sentinels(name)]
    return RedisAddress(
        standing=standing,
        places=tuple(_place(host, standing) for host in found["hosts"].split(",")),
        service=service,
        _scheme=found["scheme"],
        _user=_user(found["user"]),
        _db=f"/{db}",
        _options=_query(servers),
        _sentinel_options=_query(sentinels),
    )


def _path(standing: Standing, path: str) -> tuple[str, int]:
    service, _, db = path.partition("/")
    if standing is Standing.CLUSTER:
        if service not in ("", "0") or db:
            raise ValueError("a cluster has no databases but 0")
        return "", 0
    if not service:
        raise ValueError("the master's name is missing: redis+sentinel://host:26379/name")
    if db and not db.isdecimal():
        raise ValueError("the database should be a number: redis+sentinel://host:26379/name/0")
    return unquote(service), int(db or 0)


def _place(text: str, standing: Standing) -> Place:
    found = _HOST.fullmatch(text)
    port = int(found["port"] or 0) if found else 0
    if found is None or (found["port"] is not None and not 0 < port < 2**16):
        raise ValueError("a host should be name:port, comma between several")
    usual = SENTINEL_PORT if standing is Standing.SENTINEL else REDIS_PORT
    return Place(found["v6"] or found["name"], port or usual)


def _concerns_sentinels(name: str) -> bool:
    """TLS is theirs as well; user and password of the servers are not."""
    return name in _OF_SENTINELS or name.startswith("ssl_")


def _user(user: str | None) -> str:
    """Percent-encoded once, whatever was encoded before: a password may hold any character."""
    if not user:
        return ""
    name, colon, password = user.partition(":")
    return f"{quote(unquote(name), safe='')}{colon}{quote(unquote(password), safe='')}@"


def _query(options: list[tuple[str, str]]) -> str:
    return f"?{urlencode(options)}" if options else ""


def _netloc(place: Place) -> str:
    return f"[{place.host}]:{place.port}" if ":" in place.host else f"{place.host}:{place.port}"
