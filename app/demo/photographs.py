"""The demo on photographs of a folder: which of them, and what the upstream's detector sees in each alone.

In: a folder. Out: `Scene`s whose truth is the upstream's own answer to the untouched file, asked before the run (the counters
are set back afterwards). Called by `run`.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from app.core.geometry import Size
from app.demo.checking import ALIKE_MIN_SCORE
from app.demo.clients import Crowd, Request
from app.demo.encoding import ORIENTATION_TAG
from app.demo.scenes import Scene
from app.demo.truth import PERCENT, TrueObject, seen_in

SUFFIXES = {".jpg": "jpg", ".jpeg": "jpg", ".png": "png", ".webp": "webp"}
MOST_BYTES = 5_242_880  # the vendor's limit for images inside a request
LEAST_SIDE_PX = 80  # the vendor's limit, too
FIRST_TURNED = 5  # EXIF orientations 5 to 8 exchange width and height
TRUE_QUALITY = 95  # JPEG; no detector tells it from the original
ASKING_AT_ONCE = 4  # enough to keep two cores busy

# The vendor's default of 55 would hide what the judge still counts, on both sides of the comparison.
OPTIONS: Mapping[str, Any] = {"MinConfidence": ALIKE_MIN_SCORE * PERCENT}


class PhotographsError(Exception):
    """The folder cannot be used; the message says why."""


def find_photographs(folder: Path, count: int, seed: int) -> list[Path]:
    """Up to `count` of the folder's pictures (subfolders too), drawn by lot: the same for the same seed."""
    if not folder.is_dir():
        raise PhotographsError(f"{folder} is not a folder")
    usable = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not usable:
        raise PhotographsError(f"there are no jpg, png or webp files in {folder}")
    order = np.random.default_rng(seed).permutation(len(usable))
    return [usable[index] for index in order[:count]]


def load(paths: Sequence[Path]) -> list[Scene]:
    """Read the files; what no vendor would take (too large, too small, not an image) is left out. The truth comes later."""
    scenes: list[Scene] = []
    for path in paths:
        content = path.read_bytes()
        size = _upright_size(path)
        if size is not None and size.shortest_px >= LEAST_SIDE_PX and len(content) <= MOST_BYTES:
            kind = SUFFIXES[path.suffix.lower()]
            scenes.append(Scene(len(scenes), content, kind, kind, size, objects=()))
    if not scenes:
        raise PhotographsError("none of the files is an image that the vendor would take")
    return scenes


def _upright_size(path: Path) -> Size | None:
    try:
        with Image.open(path) as picture:
            size = Size(*picture.size)
            return size.transposed() if picture.getexif().get(ORIENTATION_TAG, 1) >= FIRST_TURNED else size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def look_alone(scenes: Sequence[Scene], client: Any) -> list[Scene]:
    """Ask the upstream about each image alone. An image that it refuses is left out: it has no truth to compare with."""
    requests = [Request(scene.number, _in_a_format_the_vendor_takes(scene)) for scene in scenes]
    replies = Crowd(client, requests, ASKING_AT_ONCE, OPTIONS).run()
    answered = [(scene, reply.answer) for scene, reply in zip(scenes, replies, strict=True) if reply.answer is not None]
    if not answered:
        raise PhotographsError(f"the upstream refused every image; the last time: {replies[-1].error}")
    return [_with_truth(scene, number, answer) for number, (scene, answer) in enumerate(answered)]


def _in_a_format_the_vendor_takes(scene: Scene) -> bytes:
    """The file itself; WebP, which only the proxy accepts, as a JPEG."""
    if scene.suffix != "webp":
        return scene.content
    target = io.BytesIO()
    with Image.open(io.BytesIO(scene.content)) as picture:
        picture.convert("RGB").save(target, "JPEG", quality=TRUE_QUALITY)
    return target.getvalue()


def _with_truth(scene: Scene, number: int, answer: Mapping[str, Any]) -> Scene:
    sure = [seen for seen in seen_in(answer) if seen.score_unit >= ALIKE_MIN_SCORE]
    objects = tuple(TrueObject(seen.label, seen.box) for seen in sure if seen.box is not None)
    return Scene(number, scene.content, scene.kind, scene.suffix, scene.size, objects)
