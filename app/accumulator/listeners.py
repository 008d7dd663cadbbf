"""Who in this process listens for the end of which flight. Used by both implementations, on the event loop only."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Listeners:
    """Each has an event of its own, so that one who clears his takes nothing from another."""

    def __init__(self) -> None:
        self._events: defaultdict[str, list[asyncio.Event]] = defaultdict(list)

    @contextmanager
    def listen(self, key: str) -> Iterator[asyncio.Event]:
        event = asyncio.Event()
        self._events[key].append(event)
        try:
            yield event
        finally:
            self._events[key].remove(event)
            if not self._events[key]:
                del self._events[key]

    def tell(self, key: str) -> None:
        """A flight of this key has ended; nothing happens where nobody listens."""
        for event in self._events.get(key, ()):
            event.set()
