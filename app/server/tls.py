"""The server's certificate, for HTTP and for gRPC: read from two files at the start, and again when they have changed.

In: the paths of a certificate chain and its key, PEM. Out: an SSLContext that follows the files, and the pair for whoever does
TLS by itself. Called by `app.main`. Nothing older than TLS 1.2 is spoken.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from app.log import get_logger

# How often the files are looked at, seconds. Certificates are replaced days before they end.
LOOK_AGAIN_S = 10.0

log = get_logger(__name__)


class CertificateLedger(Protocol):
    """What is counted; the metrics implement it."""

    def certificate(self, *, ok: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate chain and its key, PEM."""

    chain: bytes
    key: bytes = field(repr=False)


class Certificate:
    """What the server shows. Raises OSError at the start when the files cannot be used; later it keeps what it has."""

    def __init__(self, chain: Path, key: Path) -> None:
        self._chain, self._key = chain, key
        self.context = _context()
        self.pair = self._read()
        self._seen = self._state()
        self.context.load_cert_chain(chain, key, _no_password)

    async def follow(self, ledger: CertificateLedger, look_s: float = LOOK_AGAIN_S) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(look_s)
            ledger.certificate(ok=await asyncio.to_thread(self.look))

    def look(self) -> bool:
        """Takes over what has changed. Whether what stands in the files is shown now.

        A pair that cannot be used (half of it may just be being written) changes nothing.
        """
        try:
            state = self._state()
            if state == self._seen:
                return True
            pair = self._read()
            self.context.load_cert_chain(self._chain, self._key, _no_password)
        except OSError as error:
            log.warning("the new certificate cannot be used", reason=str(error))
            return False
        self.pair, self._seen = pair, state
        log.info("new certificate")
        return True

    def _state(self) -> tuple[tuple[int, int, int], ...]:
        """Changes with the files, also where a link (as Kubernetes has it) leads elsewhere."""
        found = [path.stat() for path in (self._chain, self._key)]
        return tuple((one.st_ino, one.st_mtime_ns, one.st_size) for one in found)

    def _read(self) -> Pair:
        """Tried on a context that nobody uses: one that is in use would be left with half of a pair that does not fit."""
        try:
            _context().load_cert_chain(self._chain, self._key, _no_password)
            return Pair(self._chain.read_bytes(), self._key.read_bytes())
        except (OSError, ValueError) as error:  # an ssl.SSLError is an OSError
            raise OSError(f"TESSERA_TLS_CERT and TESSERA_TLS_KEY cannot be used: {error}") from error


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context


def _no_password() -> str:
    """Without this OpenSSL would ask at the terminal."""
    raise ValueError("the key is encrypted; it has to be readable without a password")
