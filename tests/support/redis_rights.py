"""The Redis user of docs/redis.md: what it says that Tessera needs, given to a user of a server in a test."""

from __future__ import annotations

import re
from pathlib import Path

from redis import Redis

DOCUMENT = Path(__file__).parents[2] / "docs" / "redis.md"
PASSWORD = "any-secret"
_RULES = re.compile(r"`(~\{tessera-\* [^`]+)`")


def documented_rules() -> list[str]:
    """As they stand there, one word each."""
    (rules,) = _RULES.findall(DOCUMENT.read_text(encoding="utf-8"))
    return str(rules).split()


def make_user(admin_url: str, name: str, *namespaces: str) -> str:
    """The address for a user with the documented rights, and to the keys of these namespaces likewise."""
    more = [f"~{{{namespace}-*" for namespace in namespaces]
    with Redis.from_url(admin_url) as admin:
        admin.execute_command("ACL", "SETUSER", name, "reset", "on", f">{PASSWORD}", *documented_rules(), *more)
    return admin_url.replace("://", f"://{name}:{PASSWORD}@")


def denied(admin_url: str) -> list[str]:
    """What a server has refused to anybody since the last time that this was asked."""
    with Redis.from_url(admin_url, decode_responses=True) as admin:
        log = admin.execute_command("ACL", "LOG")
        admin.execute_command("ACL", "LOG", "RESET")
    return [str(entry["object"]) for entry in log]
