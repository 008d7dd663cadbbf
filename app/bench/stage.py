"""`tessera bench moderation` from its first image to its last word.

In: a `ModerationOrder`. Out: prints, and the exit code. Called by `command`.

    painted images --> clients --> pipeline --> memory accumulator --> worker --> emulated Rekognition, a process of its own

All parts are built as `tessera serve` builds them (`app.assembly`), with its defaults but for a longer window: nothing of the
environment counts. Only HTTP in front is left out. Each prevalence is played by a tenant of its own, of whom nothing is known
at the start. What was paid is counted by the vendor.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import uvloop

from app.assembly import Parts, assemble
from app.bench.findings import Line, heading, judgement, line_of, row, values
from app.bench.order import ModerationOrder
from app.bench.pictures import Album, Shot, paint_album
from app.bench.playing import Verdict, play
from app.core.clients import Tenant
from app.core.model import Answer, Feature, Inquiry
from app.core.moderation import is_unsafe
from app.embedded import EmulatorFailed, start_emulator
from app.log import configure
from app.pipeline import Pipeline
from app.settings import Settings
from app.wire.contract import Call, InlineImage, Wishes

PROBE_S = 10.0  # for the vendor's counters
# Long enough that groups fill on a busy machine, too, ms: here the rule is measured; what a lack of company costs says
# `tessera simulate`.
WINDOW_MS = 1000
INQUIRY = Inquiry(Feature.MODERATION)
EXIT_DONE, EXIT_SHORT, EXIT_FAILED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class _Bench:
    """What is played against."""

    order: ModerationOrder
    album: Album
    pipeline: Pipeline
    vendor_url: str

    async def line(self, prevalence: float) -> Line:
        """One prevalence, from a cold start."""
        shots = self.album.line(self.order.images, prevalence, self.order.seed)
        paid_before, began_s = await self._paid(), time.monotonic()
        tenant = Tenant(f"bench {prevalence:g}", is_client=True)

        async def ask(shot: Shot) -> Verdict:
            return await self._ask(shot, tenant)

        verdicts = await play(shots, ask, self.order.clients)
        return line_of(
            prevalence,
            shots,
            verdicts,
            paid=await self._paid() - paid_before,
            largest=self.order.largest,
            warm_up=self.order.warm_up,
            seconds=time.monotonic() - began_s,
        )

    async def _ask(self, shot: Shot, tenant: Tenant) -> Verdict:
        (outcome,) = (await self.pipeline.answer(_call(shot, tenant), "bench")).outcomes
        result, inferences = outcome.result, outcome.bill.inferences
        return Verdict(is_unsafe(result.detections, INQUIRY) if isinstance(result, Answer) else None, inferences)

    async def _paid(self) -> int:
        return await asyncio.to_thread(_counted, self.vendor_url)


def perform(order: ModerationOrder) -> int:
    """The whole bench."""
    configure("console", "error")
    say = _keep_quiet if order.json else _say
    try:
        lines = uvloop.run(_perform(order, say))
    except (EmulatorFailed, OSError) as failure:
        print(f"tessera bench: {failure}", file=sys.stderr)
        return EXIT_FAILED
    if order.json:
        print(json.dumps({"lines": [values(line) for line in lines]}, indent=2))
    say("")
    for words in judgement(lines):
        say(words)
    return EXIT_SHORT if any(line.shortcomings for line in lines) else EXIT_DONE


async def _perform(order: ModerationOrder, say: Callable[[str], None]) -> list[Line]:
    say(
        f"{order.images} images a line, groups of at most {order.largest}, {order.clients} clients at once, seed {order.seed}\n"
    )
    say(heading(order.warm_up))
    lines = []
    async with AsyncExitStack() as stack:
        album = await asyncio.to_thread(paint_album, order.seed)
        vendor = await start_emulator(None)
        stack.push_async_callback(vendor.stop)
        settings = Settings(upstream_url=vendor.url, moderate_group=order.largest, max_wait_ms=WINDOW_MS, join_equal=False)
        parts = await assemble(settings, stack)
        bench = _Bench(order, album, await _working(parts, stack), vendor.url)
        for prevalence in order.prevalences:
            lines.append(await bench.line(prevalence))
            say(row(lines[-1]))
    return lines


async def _working(parts: Parts, stack: AsyncExitStack) -> Pipeline:
    """The front half; the worker behind it runs until the stack is unwound."""
    worker, pipeline = parts.worker, parts.pipeline
    if worker is None or pipeline is None:
        raise RuntimeError("both halves are needed")
    running = asyncio.create_task(worker.run(), name="worker")

    async def stop() -> None:
        await worker.stop()
        await running

    stack.push_async_callback(stop)
    return pipeline


def _call(shot: Shot, tenant: Tenant) -> Call:
    return Call(
        endpoint="native",
        operation="moderate",
        tenant=tenant,
        source=InlineImage(shot.data),
        inquiries=(INQUIRY,),
        wishes=Wishes(),
        formats=frozenset({"jpeg"}),
        max_image_bytes=len(shot.data),
    )


def _counted(vendor_url: str) -> int:
    """Inferences that the vendor was paid for, so far."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy of the user's has no business on loopback
    with direct.open(f"{vendor_url}/_emulator/counters", timeout=PROBE_S) as answer:
        return int(json.load(answer)["totals"]["inferences"])


def _say(line: str) -> None:
    """At once, even through a pipe."""
    print(line, flush=True)


def _keep_quiet(_line: str) -> None:
    return
