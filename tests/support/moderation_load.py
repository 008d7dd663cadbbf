"""Many clients who have pictures moderated at once, and what each of them should be told.

The truth is the vendor's own answer to each unsafe picture alone, asked before; a safe picture has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np

from app.core.geometry import Size
from app.emulators.meanings import FIRST_UNSAFE_ID
from tests.support.emulator import RunningEmulator
from tests.support.moderated import safe_picture, unsafe_picture
from tests.support.server import CALL_S

SIZE = Size(320, 240)
SHARE = 0.5
AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Moderated:
    """A picture, and the labels that the vendor has for it alone (none: it is safe). `key`: whose it is."""

    data: bytes
    labels: tuple[str, ...]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What a client was told. `labels` is None where it got an error."""

    picture: Moderated
    status: int
    labels: tuple[str, ...] | None
    layout: str
    share: float

    @property
    def is_right(self) -> bool:
        return self.labels is not None and set(self.labels) == set(self.picture.labels)


def pictures(emulator: RunningEmulator, *, safe: int, unsafe: int, seed: int) -> list[Moderated]:
    """Shuffled; every unsafe one shows something else, as far as there are kinds."""
    rng = np.random.default_rng(seed)
    vendor = emulator.client()
    found = [Moderated(safe_picture(rng, SIZE), ()) for _ in range(safe)]
    for number in range(unsafe):
        data = unsafe_picture(rng, SIZE, SHARE, FIRST_UNSAFE_ID + number)
        answer = vendor.detect_moderation_labels(Image={"Bytes": data})
        found.append(Moderated(data, tuple(label["Name"] for label in answer["ModerationLabels"])))
    assert all(one.labels for one in found[safe:])
    return [found[int(place)] for place in rng.permutation(len(found))]


def moderate(urls: Sequence[str], asked: Sequence[Moderated]) -> list[Told]:
    """Ask about all of them, AT_ONCE at a time, at these addresses in turn."""
    with httpx.Client(timeout=CALL_S, limits=httpx.Limits(max_connections=2 * AT_ONCE)) as client:

        def ask(numbered: tuple[int, Moderated]) -> Told:
            number, picture = numbered
            headers = {"x-api-key": picture.key} if picture.key else {}
            reply = client.post(f"{urls[number % len(urls)]}/v1/moderate", content=picture.data, headers=headers)
            return told(picture, reply)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(ask, enumerate(asked)))


def told(picture: Moderated, reply: httpx.Response) -> Told:
    if reply.status_code != httpx.codes.OK:
        assert reply.headers["content-type"] == "application/problem+json", reply.text
        return Told(picture, reply.status_code, None, "", 0.0)
    answer: dict[str, Any] = reply.json()
    labels = tuple(label["label"] for label in answer["labels"])
    assert answer["unsafe"] == bool(labels)
    return Told(picture, reply.status_code, labels, answer["grid"]["layout"], answer["grid"]["inferences"])
