"""How a request's body is read: whole, however it is sent, and never more of it than is wanted."""

from __future__ import annotations

from starlette.requests import Request


async def body_of(request: Request, most_bytes: int) -> bytes | None:
    """The whole body, or None where it is longer. Its end is awaited then, too: clients send all before they read."""
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length <= most_bytes:
            parts.append(part)
    return b"".join(parts) if length <= most_bytes else None
