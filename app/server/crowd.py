"""Everybody who is connected: how many there may be, and who has to go when one more comes. No sockets, no clock.

In: what each connection is doing, told by itself (`connections`). Out: whether its request is served, and a word to those who
are turned out. A flood of connections that say nothing, or say it slowly, leaves the door open: the one that has waited longest
without a whole request makes room. Only those whose requests are under way stay for certain.
"""

from __future__ import annotations

from typing import Protocol

# Connections beyond those that are served: through them health checks still come when everybody inside is being served.
SPARE = 64


class Member(Protocol):
    """A connection, as seen from here."""

    def turn_out(self) -> None:
        """End it now. It has left already."""
        ...


class Crowd:
    """A member is idle (between requests, or in a head), sending its request's body, or waiting for its answer."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside: set[Member] = set()
        # In the order in which they came to be so: the first has been so longest.
        self._idle: dict[Member, None] = {}
        self._sending: dict[Member, None] = {}

    @property
    def inside(self) -> int:
        return len(self._inside)

    def enter(self, member: Member) -> None:
        """Somebody connects. Where all places are taken, somebody else leaves."""
        if len(self._inside) >= self._most + SPARE:
            longest = next(iter(self._idle or self._sending), None)
            if longest is not None:
                self.leave(longest)
                longest.turn_out()
        self._inside.add(member)
        self._idle[member] = None

    def begin(self, member: Member) -> bool:
        """Its head is whole. False: as many as may be are being served."""
        if member not in self._inside:
            return False
        self._idle.pop(member, None)
        self._sending[member] = None
        return len(self._inside) - len(self._idle) <= self._most

    def whole(self, member: Member) -> None:
        """Its request is whole."""
        self._sending.pop(member, None)

    def rest(self, member: Member) -> None:
        """Its answer is written, and no other one is due."""
        self._sending.pop(member, None)
        if member in self._inside:
            self._idle.setdefault(member, None)

    def leave(self, member: Member) -> None:
        """It is gone; said twice does no harm."""
        self._inside.discard(member)
        self._idle.pop(member, None)
        self._sending.pop(member, None)
