"""The least of a vendor: it answers every DetectLabels with one person, and fails now and then.

For tests that only need answers to come back, over and over; what is in the image does not matter to it. (`upstream` plays a
script and is strict; the emulator really looks.)
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# One answer in so many is an error of its own: the retry succeeds, and the failure is counted. Not "slow down": after that
# nothing would be asked for a while that can wait.
FAILS_EVERY = 5
BOX = {"Left": 0.2, "Top": 0.1, "Width": 0.2, "Height": 0.2}
INSTANCE = {"BoundingBox": BOX, "Confidence": 99.0}
ANSWER = {"Labels": [{"Name": "Person", "Confidence": 99.0, "Instances": [INSTANCE], "Parents": []}]}
FAILURE = {"__type": "InternalServerError", "Message": "Something broke"}


@asynccontextmanager
async def running_vendor() -> AsyncIterator[str]:
    """Yields its address; it ends with the block."""
    numbers = itertools.count(1)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = next(line.partition(":")[2] for line in head.split("\r\n") if line.startswith("content-length:"))
        await reader.readexactly(int(length))
        fails = next(numbers) % FAILS_EVERY == 0
        body = json.dumps(FAILURE if fails else ANSWER).encode()
        status = "500 Internal Server Error" if fails else "200 OK"
        fields = f"content-type: application/x-amz-json-1.1\r\ncontent-length: {len(body)}\r\nconnection: close"
        writer.write(f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"
