"""How a request's body is read: whole, however it is sent, and never more of it than is wanted."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request


async def body_of(request: Request, most_bytes: int) -> bytes | None:
    """The whole body, or None where it is longer, or where its client leaves in the middle of it: both are the caller's fault.

    The end of a long one is awaited, too: clients send all before they read.
    """
    parts, length = [], 0
    try:
        async for part in request.stream():
            length += len(part)
            if length <= most_bytes:
                parts.append(part)
    except ClientDisconnect:  # nobody is there to read the refusal
        return None
    return b"".join(parts) if length <= most_bytes else None
