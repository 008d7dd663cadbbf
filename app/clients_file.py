"""Reads the operator's clients, and again when their file changes: keys are rotated without a restart. One per API process.

In: the file (TESSERA_CLIENTS). Out: `clients`, in which every dialect and the quotas look, brought up to date in place. A file
that cannot be used changes nothing: who was let in still is, one line says what is wrong (never a key), and a gauge falls.

The file is looked at, and not listened to: what Kubernetes mounts is a link to a link that is swapped, and network volumes tell
nobody. A file must have looked the same twice before it is read, so that nobody's half-written one counts.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.core.clients import Clients, ClientsError, parse_clients
from app.core.quota import Limits
from app.log import get_logger

# Between two looks, seconds: with two of them a new key counts within about as long as an operator needs to try it.
LOOK_S = 1.0

log = get_logger(__name__)


class ClientsLedger(Protocol):
    """What is counted; the metrics implement it."""

    def clients_file(self, *, ok: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class _Look:
    """What a change cannot leave as it was; all zero where there is no file to be seen."""

    device: int = 0
    inode: int = 0
    bytes: int = 0
    modified_ns: int = 0
    changed_ns: int = 0


class ClientsFile:
    """`clients` is empty, but for the default limits, where there is no file: then everybody is let in."""

    def __init__(self, path: str | None, default: Limits, ledger: ClientsLedger, *, look_s: float = LOOK_S) -> None:
        """Reads the file. Raises ClientsError, OSError."""
        self._path = Path(path) if path is not None else None
        self._default = default
        self._ledger = ledger
        self._look_s = look_s
        self._read = self._seen = self._look()
        self.clients = self._load() if self._path is not None else Clients(default=default)
        ledger.clients_file(ok=True)

    async def watch(self) -> None:
        """Look again and again, off the event loop; ends only when it is cancelled."""
        while self._path is not None:
            await asyncio.sleep(self._look_s)
            try:
                self._take(await asyncio.to_thread(self.look))
            except Exception:
                log.error("clients: the file is not watched well", exc_info=True)

    def look(self) -> Clients | None:
        """What the file says, where that is new, complete, and can be used. Blocks for as long as the disk does."""
        seen = self._look()
        is_settled, self._seen = seen == self._seen, seen
        if not is_settled or seen == self._read:
            return None
        try:
            found = self._load()
        except ClientsError as error:
            self._unusable(str(error), seen)
        except (OSError, UnicodeDecodeError) as error:
            self._unusable(f"it cannot be read ({type(error).__name__})", seen)
        else:
            if self._look() == seen:  # or it has changed under our eyes, and is read when it has settled
                self._read = seen
                return found
        return None

    def _take(self, found: Clients | None) -> None:
        """On the event loop, between two requests."""
        if found is not None:
            self.clients.become(found)
            self._ledger.clients_file(ok=True)
            log.info("clients were read anew", clients=len(found.names))

    def _unusable(self, reason: str, seen: _Look) -> None:
        self._read = seen
        self._ledger.clients_file(ok=False)
        log.error("the clients' file cannot be used: those who were let in still are", file=str(self._path), reason=reason)

    def _load(self) -> Clients:
        if self._path is None:
            raise ClientsError("there is no file")
        return parse_clients(self._path.read_text(encoding="utf-8"), self._default)

    def _look(self) -> _Look:
        """Of the file that the path leads to at present, through links."""
        if self._path is None:
            return _Look()
        try:
            found = os.stat(self._path)
        except OSError:
            return _Look()
        return _Look(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
