"""Who may ask: the clients that the operator has named, with their keys and limits. Pure; used by the dialects and the quotas.

In: what a request shows (an API key, a bearer token, an AWS access key id). Out: the tenant, by the name that the operator gave
the client, so that a client with two keys is one tenant, whichever vendor's SDK he uses. Where no clients are named, everybody
is let in, and is told apart by what he shows, and where. `app.clients_file` reads the file, and again when it changes.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.quota import Limits
from app.errors import Kind, Problem

ANONYMOUS = "anonymous"
# Hexadecimal digits of the hash that stands for a key: 96 bits, far from any collision, and the key stays secret.
_DIGITS = 24
# A client's limits in the file, and what they are in `Limits`.
_LIMITS = {
    "images_per_second": "images_per_s",
    "burst": "burst",
    "dollars_per_month": "dollars_per_month",
    "inferences_per_month": "inferences_per_month",
}


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose images a request brings. `is_client`: `name` is a client of the operator's; otherwise it says what was shown."""

    name: str
    is_client: bool = False

    def at(self, endpoint: str) -> str:
        """Who shares sheets. A client is the same at all endpoints; what a stranger shows at one proves nothing at another."""
        return f"client:{self.name}" if self.is_client else f"{endpoint}:{self.name}"


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An AWS access key: whose it is, and the secret that its signatures are checked with, if the operator knows it."""

    tenant: Tenant
    secret: str | None = field(default=None, repr=False)


class ClientsError(ValueError):
    """The operator's file cannot be used; the text names the client and what is wrong, and never a key."""


@dataclass(frozen=True, slots=True)
class _Book:
    """Everything that changes together when the file does. `names`: by a key's hash, so that how long a look-up takes says
    nothing about a key that is nearly right.
    """

    names: Mapping[str, str] = field(repr=False)
    access_keys: Mapping[str, AccessKey] = field(repr=False)
    limits: Mapping[str, Limits]


class Clients:
    """The named clients. `keys`: API key or token -> client; `access_keys`: AWS access key id -> its client and secret;
    `limits`: of those clients that have their own, by name; `default` of everybody else's.
    """

    def __init__(
        self,
        keys: Mapping[str, str] | None = None,
        access_keys: Mapping[str, AccessKey] | None = None,
        limits: Mapping[str, Limits] | None = None,
        *,
        default: Limits | None = None,
    ) -> None:
        names = {_digest(key): name for key, name in (keys or {}).items()}
        self._book = _Book(names, dict(access_keys or {}), dict(limits or {}))
        self._default = default or Limits()

    def become(self, other: Clients) -> None:
        """From now on these are the clients, with all that they may; whoever holds this object need not be told."""
        self._book = other._book

    @property
    def are_named(self) -> bool:
        return bool(self._book.names or self._book.access_keys)

    @property
    def names(self) -> frozenset[str]:
        """The operator's names for his clients."""
        book = self._book
        return frozenset(book.names.values()) | {key.tenant.name for key in book.access_keys.values()}

    def of_key(self, key: str) -> Tenant:
        """The tenant behind an API key or a token; "" where none was shown. Raises Problem(UNAUTHENTICATED)."""
        if not self.are_named:
            return Tenant(f"key-{_digest(key)[:_DIGITS]}" if key else ANONYMOUS)
        name = self._book.names.get(_digest(key)) if key else None
        if name is None:
            raise Problem(Kind.UNAUTHENTICATED, "the API key is not known here" if key else "no API key was given")
        return Tenant(name, is_client=True)

    def of_access_key(self, access_key_id: str) -> AccessKey:
        """The same for an AWS access key id."""
        if not self.are_named:
            # No access key id has a space in it: whoever calls his so is not taken for those who show nothing.
            name = f"access key {ANONYMOUS}" if access_key_id == ANONYMOUS else access_key_id
            return AccessKey(Tenant(name or ANONYMOUS))
        known = self._book.access_keys.get(access_key_id)
        if known is None:
            said = "the access key id is not known here" if access_key_id else "the request is not signed"
            raise Problem(Kind.UNAUTHENTICATED, said)
        return known

    def limits_of(self, tenant: Tenant) -> Limits:
        """What a tenant may use, now."""
        own = self._book.limits.get(tenant.name) if tenant.is_client else None
        return self._default if own is None else own.or_else(self._default)


def parse_clients(text: str, default: Limits | None = None) -> Clients:
    """From TOML: a table per client, with `keys` (a list), `aws` (a table: access key id = secret, "" for none), and limits.

    Raises ClientsError.
    """
    keys: dict[str, str] = {}
    access_keys: dict[str, AccessKey] = {}
    limits: dict[str, Limits] = {}
    for name, entry in _tables(text).items():
        if not isinstance(entry, dict) or not entry.keys() <= {"keys", "aws", *_LIMITS}:
            raise ClientsError(
                f"client {name!r}: a table with `keys`, `aws` and {', '.join(map('`{}`'.format, _LIMITS))} was expected"
            )
        for key in _texts(name, entry.get("keys", [])):
            if keys.setdefault(key, name) != name:
                raise ClientsError(f"client {name!r} has a key that another client has, too")
        for access_key_id, secret in _pairs(name, entry.get("aws", {})).items():
            if access_key_id in access_keys:
                raise ClientsError(f"client {name!r}: access key id {access_key_id!r} belongs to another client")
            access_keys[access_key_id] = AccessKey(Tenant(name, is_client=True), secret or None)
        limits[name] = _limits(name, entry)
    if not keys and not access_keys:
        raise ClientsError("no client has any key: nobody would be let in")
    return Clients(keys, access_keys, limits, default=default)


def _tables(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ClientsError("it is not TOML") from error  # not its words: they may quote a line


def _texts(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(key, str) and key.strip() for key in value):
        raise ClientsError(f"client {name!r}: `keys` is a list of texts that are not empty")
    return value


def _pairs(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(secret, str) for secret in value.values()):
        raise ClientsError(f'client {name!r}: `aws` is a table of access key id = secret, "" where signatures are not checked')
    return value


def _limits(name: str, entry: Mapping[str, Any]) -> Limits:
    said = {ours: entry[theirs] for theirs, ours in _LIMITS.items() if theirs in entry}
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in said.values()):
        raise ClientsError(f"client {name!r}: limits are numbers")
    try:
        return Limits(**said)
    except ValueError as error:
        raise ClientsError(f"client {name!r}: {error}") from error


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
