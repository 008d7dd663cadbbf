"""Images that a request only gives the address of, fetched where the operator allows it.

Comes in: an address from a client's request, so nothing here trusts it. Goes out: the image's bytes, or a Problem. Built by
the composition root, called by the front half. http and https lead only to the operator's list of hosts, and of these only to
public addresses: every address that a name resolves to is checked, and the connection goes to one that was, also after each
redirect. A name that changes its mind between check and connection changes nothing, and no proxy of the environment's comes
between. gs:// leads to Cloud Storage (`gcs`).
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol, TypeAlias
from urllib.parse import quote, urljoin, urlsplit

import httpcore

from app.errors import Kind, Problem
from app.providers.fetching import Fetcher, not_now, unavailable

_Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]

MAX_REDIRECTS = 3
# Longest address that is looked at, characters; longer ones no server takes.
MAX_URL_CHARACTERS = 2048
# Longest that one image may take, seconds, whatever the request's own time is.
MAX_FETCH_S = 15.0
_DEFAULT_PORTS = {"http": 80, "https": 443}
_GS = re.compile(r"gs://(?P<bucket>[^/]+)/(?P<key>.+)", re.IGNORECASE | re.DOTALL)
# What the path and query of an address may hold as it is; everything else is percent-encoded.
_SAFE = "/%:@!$&'()*+,;=~-._?"
# IPv6 addresses that stand for an IPv4 one by way of a translator (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# All that is given out for use between networks; what lies outside (site-local, a translator's own prefix) is somebody's own.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# What `ipaddress` may take for public, and is not: protocols' own (RFC 6890; Oracle's cloud has its metadata there), relays of
# 6to4 (RFC 7526), documentation (RFC 9637), and where each virtual machine of Azure's finds the platform beneath it.
_NOT_PUBLIC = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "168.63.129.16/32")))
_IPV4_BITS = 0xFFFF_FFFF


class Storage(Protocol):
    """Cloud Storage, as seen from here."""

    async def read(self, bucket: str, key: str, *, max_bytes: int) -> bytes: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """`patterns`: exact host names, or patterns with `*` and `?`, each with `:port` for another port than 80 and 443.

    `loopback`: also addresses of this machine, for tests; no setting leads here.
    """

    patterns: tuple[str, ...] = ()
    loopback: bool = False

    def allow(self, scheme: str, host: str, port: int) -> bool:
        usual = port == _DEFAULT_PORTS[scheme]
        names = [f"{host}:{port}", host] if usual else [f"{host}:{port}"]
        return any(fnmatchcase(name, pattern.lower()) for name in names for pattern in self.patterns)

    def allow_address(self, address: str) -> bool:
        """Whether a connection may go there."""
        known = ipaddress.ip_address(address.partition("%")[0])
        return is_public(known) or (self.loopback and known.is_loopback)


class Links:
    """A `LinkReader`. Nothing is looked up or connected before the first read."""

    def __init__(self, hosts: AllowedHosts, storage: Storage | None = None, resolve: Resolve | None = None) -> None:
        """`resolve`: who knows the addresses of a name; this machine's own resolver, without one."""
        self._hosts = hosts
        self._storage = storage
        self._fetcher = Fetcher(CheckedNetwork(hosts, resolve))

    async def read(self, url: str, *, max_bytes: int, timeout_s: float) -> bytes:
        """Raises Problem: FORBIDDEN, OBJECT_UNAVAILABLE, PROVIDER_UNAVAILABLE, IMAGE_TOO_LARGE."""
        try:
            async with asyncio.timeout(max(0.0, min(timeout_s, MAX_FETCH_S))):
                stored = _GS.fullmatch(url)
                if stored is None and url.lower().startswith("gs://"):
                    raise unavailable("gs:// is followed by a bucket and an object, gs://bucket/object")
                if stored is None:
                    return await self._follow(url, max_bytes)
                if self._storage is None:
                    raise Problem(Kind.FORBIDDEN, "this server reads images from no bucket")
                return await self._storage.read(stored["bucket"], stored["key"], max_bytes=max_bytes)
        except TimeoutError as error:
            raise not_now("it took too long") from error

    async def aclose(self) -> None:
        await self._fetcher.aclose()
        if self._storage is not None:
            await self._storage.aclose()

    async def _follow(self, url: str, max_bytes: int) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            url = checked_url(url, self._hosts)
            fetched = await self._fetcher.get(url, {}, max_bytes)
            if fetched.location is None:
                return fetched.data
            url = redirected(url, fetched.location)
        raise unavailable(f"it is behind more than {MAX_REDIRECTS} redirects")


def redirected(url: str, location: str) -> str:
    """Where a checked address sends its reader. Raises Problem(OBJECT_UNAVAILABLE) where that gives up TLS."""
    further = urljoin(url, location)
    if url.startswith("https:") and not further.lower().startswith("https:"):
        raise unavailable("it is redirected to a place without TLS")
    return further


def checked_url(url: str, hosts: AllowedHosts) -> str:
    """The address in plain ASCII, without a fragment. Raises Problem: FORBIDDEN, OBJECT_UNAVAILABLE."""
    if len(url) > MAX_URL_CHARACTERS or not url.isprintable() or "\\" in url or " " in url:
        raise unavailable("that is no address")
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise unavailable("that is no address") from error
    if scheme not in _DEFAULT_PORTS or parts.username is not None or parts.password is not None:
        raise _not_allowed()
    port = _DEFAULT_PORTS[scheme] if port is None else port
    if not host or not host.isascii() or not hosts.allow(scheme, host, port):
        raise _not_allowed()
    shown = f"[{host}]" if ":" in host else host
    query = f"?{quote(parts.query, safe=_SAFE)}" if parts.query else ""
    return f"{scheme}://{shown}:{port}{quote(parts.path, safe=_SAFE) or '/'}{query}"


def is_public(address: _Address) -> bool:
    """Whether an address is somewhere on the open internet: not private, local, shared, reserved, multicast or unspecified.

    An IPv6 address that stands for an IPv4 one (mapped, 6to4, Teredo, NAT64) is judged by that one as well.
    """
    if isinstance(address, ipaddress.IPv6Address) and address in _NAT64:
        return _is_open(ipaddress.IPv4Address(int(address) & _IPV4_BITS))  # the only way to IPv4 hosts in some networks
    return _is_open(address) and all(_is_open(inner) for inner in _inner(address))


def _is_open(address: _Address) -> bool:
    if any(address in network for network in _NOT_PUBLIC) or (address.version == 6 and address not in _GLOBAL_UNICAST):
        return False
    closed = address.is_multicast or address.is_private or address.is_loopback or address.is_link_local
    return address.is_global and not (closed or address.is_reserved or address.is_unspecified)


def _inner(address: _Address) -> Iterable[_Address]:
    if isinstance(address, ipaddress.IPv4Address):
        return []
    return [inner for inner in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())) if inner is not None]


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to names by way of their addresses, once all of these have been allowed."""

    def __init__(self, hosts: AllowedHosts, resolve: Resolve | None = None) -> None:
        self._hosts = hosts
        self._resolve = resolve or resolved
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises Problem(FORBIDDEN) when any of the addresses is not allowed: one among others is an attack, or a mistake."""
        addresses = await self._resolve(host, port)
        if not all(self._hosts.allow_address(address) for address in addresses):
            raise _not_allowed()
        for address in addresses[:-1]:
            try:
                return await self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._plain.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)


async def resolved(host: str, port: int) -> list[str]:
    """All addresses of a name, at least one, each once. Raises Problem(OBJECT_UNAVAILABLE)."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise unavailable("its host is not known") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _not_allowed() -> Problem:
    return Problem(Kind.FORBIDDEN, "the operator does not allow images from this address (TESSERA_URL_HOSTS)")
