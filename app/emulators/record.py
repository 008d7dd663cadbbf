"""Writes what an emulator was sent and what it answered: numbered pairs of files, for the demo and for looking into things.

`000001.jpg` is the image byte for byte as received, `000001.json` the rest. The JSON file appears whole or not at all, and
only after its image, so whoever sees it may read both.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from app.emulators.images import suffix_of


class Recorder:
    """Numbers count from 1 in the order in which answers were ready; the second image of a call has `-2` after its number."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._numbers = itertools.count(1)

    def take_number(self) -> int:
        """The next number; called on the event loop, so no two are equal."""
        return next(self._numbers)

    def save(self, number: int, images: tuple[bytes, ...], facts: dict[str, Any]) -> None:
        """Write one call. Blocks: for a thread."""
        names = []
        for place, data in enumerate(images, start=1):
            name = f"{number:06d}{'' if place == 1 else f'-{place}'}{suffix_of(data)}"
            (self._folder / name).write_bytes(data)
            names.append(name)
        whole = self._folder / f"{number:06d}.json"
        part = whole.with_suffix(".part")
        part.write_text(json.dumps({"images": names, **facts}, indent=1) + "\n", encoding="utf-8")
        part.replace(whole)
