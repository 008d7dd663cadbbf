"""The pictures that `bench_proxy` sends, and the ways in which it sends them. Called by it alone.

In: sizes and addresses. Out: JPEG files of the weight of photographs, and requests that are ready to be sent.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.core.geometry import PixelBox, Size
from app.demo.truth import TrueObject
from app.detectors.markers import marker_parents
from tests.bench.crowd import Run, run_crowd
from tests.bench.stand_ins import StandIn
from tests.support.http_raw import request, signed_by, with_image
from tests.support.marker_scenes import Placed, busy, plain, stored
from tests.support.server import RunningServer

JPEG_QUALITY = 85
# An operation that Tessera hands on whole; the emulator looks at the image for it just as well.
HANDED_ON = "RekognitionService.CompareFaces"
# The other image that this operation wants: small, so that the bodies are as long as the others.
_BESIDE = Placed(7, 24, 24, 48)
_BESIDE_PX = 96

DIRECT, FORWARDER, PASSED, ALONE, GRIDDED = "direct", "forwarder", "passed through", "alone", "gridded"


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG and the one thing in it."""

    content: bytes = field(repr=False)
    truth: TrueObject


@dataclass(frozen=True, slots=True)
class Way:
    """One way to send the pictures. `pid`: the process whose CPU time is counted."""

    name: str
    url: str
    pid: int | None
    requests: Sequence[bytes] = field(repr=False)

    def run(self, clients: int, images: int) -> Run:
        return run_crowd(self.url, self.requests, clients=clients, images=images, pid=self.pid)


def pictures(size: Size, count: int, side_px: int) -> list[Picture]:
    """A different marker, `side_px` wide, in each."""
    made = []
    for number in range(count):
        patch = Placed(number, size.width_px // 4, size.height_px // 4, side_px)
        content = stored(busy(size.width_px, size.height_px, patch, seed=number), quality=JPEG_QUALITY)
        box = PixelBox(*patch.box).to_unit(size)
        made.append(Picture(content, TrueObject(patch.label, box, marker_parents(number))))
    return made


def ways(some: Sequence[Picture], upstream: str, forwarder: StandIn, server: RunningServer) -> list[Way]:
    """All of them."""

    def ready(**headers: str) -> list[bytes]:
        return [request(with_image(one.content), headers=signed_by("BENCH") | headers) for one in some]

    url, pid, plain = server.url, server.process.pid, ready()
    return [
        Way(DIRECT, upstream, None, plain),
        Way(FORWARDER, forwarder.url, forwarder.pid, plain),
        Way(PASSED, url, pid, _compared(some)),
        Way(ALONE, url, pid, ready(**{"X-Tessera-Grid": "off"})),
        Way(GRIDDED, url, pid, plain),
    ]


def _compared(some: Sequence[Picture]) -> list[bytes]:
    """Each picture's face is looked for in the same small one."""
    beside = b64encode(stored(plain(_BESIDE_PX, _BESIDE_PX, _BESIDE))).decode()
    asked = [{"SourceImage": {"Bytes": b64encode(one.content).decode()}, "TargetImage": {"Bytes": beside}} for one in some]
    return [request(json.dumps(one).encode(), target=HANDED_ON, headers=signed_by("BENCH")) for one in asked]
