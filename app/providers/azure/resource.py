"""Which Azure resource is paid: its address and its key. Called by `provider`; looked up when they are first needed.

The operator's settings count first, then the two names that Microsoft's own samples use: VISION_ENDPOINT and VISION_KEY.
Microsoft Entra ID is not spoken: it would need another library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from app.errors import Kind, Problem

ENDPOINT_NAME, KEY_NAME = "VISION_ENDPOINT", "VISION_KEY"

_KEY = re.compile(r"[!-~]{1,1000}")  # visible ASCII: anything else cannot travel in a header


@dataclass(frozen=True, slots=True)
class Resource:
    """What the operator chose; None leaves it to `environ`."""

    endpoint: str | None
    key: str | None = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)

    def url(self) -> str:
        """The address, without a slash at its end. Raises Problem(INTERNAL) when there is none."""
        found = self.endpoint or self.environ.get(ENDPOINT_NAME, "").strip()
        if not found:
            raise Problem(Kind.INTERNAL, f"No address for Azure AI Vision: set TESSERA_UPSTREAM_URL or {ENDPOINT_NAME}")
        if not _is_address(found):  # not quoted: it may hold a secret
            raise Problem(Kind.INTERNAL, f"{ENDPOINT_NAME} is no address of the form http(s)://host[:port][/path]")
        return found.rstrip("/")

    def secret(self) -> str:
        """The key. Raises Problem(INTERNAL) when there is none that can be sent."""
        found = self.key or self.environ.get(KEY_NAME, "").strip()
        if not found:
            raise Problem(Kind.INTERNAL, f"No key for Azure AI Vision: set TESSERA_AZURE_KEY or {KEY_NAME}")
        if not _KEY.fullmatch(found):
            raise Problem(Kind.INTERNAL, "The key for Azure AI Vision holds characters that no key has")
        return found


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and not (parts.query or parts.fragment or parts.username or parts.port == 0)
        )
    except ValueError:  # what is no port, half an IPv6 address
        return False
