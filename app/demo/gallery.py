"""The pictures of `demo-out/`: every sheet as it was sent, and some of the clients' images with their own answers.

In: what the upstream recorded; scenes, replies and verdicts. Out: JPEG files. Called by `stage`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from app.demo.checking import Fate, Verdict
from app.demo.clients import Reply
from app.demo.drawing import draw, strokes_of_seen, strokes_of_verdict
from app.demo.scenes import Scene
from app.demo.truth import seen_in
from app.demo.upstream import SentSheet

CLIENTS_DRAWN = 24  # spread over the run: every kind of image is among them, and a folder view shows them all


def draw_sheets(sheets: Iterable[SentSheet], folder: Path) -> None:
    """Every sheet with the upstream's boxes."""
    _all(
        partial(draw, sheet.content, strokes_of_seen(seen_in(sheet.answer)), folder / f"{sheet.number:04d}.jpg")
        for sheet in sheets
    )


def draw_clients(
    scenes: Sequence[Scene], replies: Sequence[Reply], verdicts: Sequence[Verdict], words: Mapping[Fate, str], folder: Path
) -> None:
    """Some of the clients' images, each with its own answer, judged."""
    _all(
        partial(
            draw,
            scenes[n].content,
            strokes_of_verdict(verdicts[n], words),
            folder / client_file_name(scenes[n], replies[n].layout),
        )
        for n in spread(len(scenes), CLIENTS_DRAWN)
    )


def _all(works: Iterable[Callable[[], None]]) -> None:
    """Pillow lets go of the interpreter while it decodes and encodes."""
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="drawer") as pool:
        for job in [pool.submit(work) for work in works]:
            job.result()


def spread(count: int, wanted: int) -> list[int]:
    """Up to `wanted` of `count` numbers, evenly, the first and the last included."""
    return sorted({int(number) for number in np.linspace(0, count - 1, min(count, wanted)).round()})


def client_file_name(scene: Scene, layout: str) -> str:
    """Number, encoding and layout: `017-jpeg-turned-exif-6-in-2x1.jpg`."""
    kind = "-".join("".join(c if c.isalnum() else " " for c in scene.kind.lower()).split())
    return f"{scene.number:03d}-{kind}-in-{layout or 'nothing'}.jpg"
