"""The demo's default input: generated pictures with objects whose identity is in their pixels.

In: how many, and a seed. Out: `Scene`s, the same for the same seed: an encoded image and what is truly in it. Sizes, shapes
and encodings are those that real clients send (see `SHAPES` and `ENCODINGS`). Called by `run` and by tests.

Objects are markers (`app.detectors.markers`) that the emulator reads back; no identity occurs twice in a run, so a box that is
handed to the wrong client is caught whatever it overlaps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw

from app.core.geometry import PixelBox, Size
from app.demo.encoding import ENCODINGS, LONGEST_PX, Encoding, encode
from app.demo.order import MOST_SCENES
from app.demo.painting import Style, paint
from app.demo.truth import TrueObject
from app.detectors.markers import MARKER_COUNT, draw_marker, marker_box_xyxy_px, marker_label, marker_parents

MOST_OBJECTS = 4
# An image of any shape has its longest side in a cell of a 2x2 sheet of 1920 px shrunk to about 950 px, in a 3x3 sheet to about
# 630. A patch of 9 % of the longest side is then 85 px or 57 px: 8 or 5 pixels per module, where markers need about 3.
LEAST_PATCH_SHARE = 0.09
LEAST_PATCH_PX = 57  # in images too small to be shrunk: the same as above
MOST_PATCH_SHARE = 0.36  # of the shorter side: leaves room for company
MOST_PATCH_PX = 420  # larger ones show nothing more
MARGIN_SHARE = 0.12  # of a patch, around it: room for its frame, and no two markers touch
FRAME_SHARE = 0.05  # of a patch: the coloured edge of the card that it is printed on
SHADOW_SHARE = 0.04  # of a patch: how far the card's shadow falls
SHADOW_SHADE = 0.55  # brightness that is left in the shadow
TRIES = 60  # places tried per object before the picture counts as full
JITTER = 0.08  # sizes vary by this much, so that hardly two are equal
SIDES_PX = (200, LONGEST_PX)  # no side outside

# Width x height, as mixed as what clients send: one in twelve is larger than 1920 px, one in eight elongated. 37 is prime, so
# in time every shape meets every encoding; in the first round the two largest meet JPEGs.
SHAPES = (
    Size(640, 480), Size(1280, 720), Size(480, 640), Size(1000, 1000), Size(320, 240), Size(768, 1024),
    Size(720, 1280), Size(800, 600), Size(1500, 420), Size(210, 210), Size(1024, 768), Size(600, 800),
    Size(960, 540), Size(600, 600), Size(380, 1330), Size(1600, 1200), Size(240, 320), Size(900, 600),
    Size(600, 900), Size(4000, 2667), Size(500, 375), Size(1080, 1440), Size(540, 960), Size(1200, 500),
    Size(375, 500), Size(800, 800), Size(1920, 1080), Size(480, 480), Size(2400, 1600), Size(640, 360),
    Size(1024, 1024), Size(450, 800), Size(1280, 960), Size(300, 1000), Size(2000, 3000), Size(700, 525),
    Size(400, 300),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is decided before a scene is painted. `seed` is its own, so scenes can be painted in any order."""

    number: int
    size: Size
    encoding: Encoding
    style: Style
    marker_ids: tuple[int, ...]
    seed: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Scene:
    """An encoded image and what is truly in it; `size` and boxes are those of the upright image."""

    number: int
    content: bytes = field(repr=False)
    kind: str
    suffix: str
    size: Size
    objects: tuple[TrueObject, ...]


@dataclass(frozen=True, slots=True)
class Patch:
    """Where a marker's patch goes."""

    left_px: int
    top_px: int
    side_px: int


def make_scenes(count: int, seed: int, threads: int) -> list[Scene]:
    """Plan and paint; Pillow and numpy let go of the interpreter for most of it, so threads help."""
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="painter") as pool:
        return list(pool.map(make_scene, plan_scenes(count, seed)))


def plan_scenes(count: int, seed: int) -> list[Plan]:
    """Shapes and encodings in turn (every kind occurs, whatever the seed), the rest by chance. Identities never repeat."""
    if not 1 <= count <= MOST_SCENES:
        raise ValueError(f"between 1 and {MOST_SCENES} scenes can be told apart, not {count}")
    random = np.random.default_rng(seed)
    identities = iter(random.permutation(MARKER_COUNT).tolist())
    most = min(MOST_OBJECTS, MARKER_COUNT // count)
    return [_plan(number, seed, random, identities, most) for number in range(count)]


def _plan(number: int, seed: int, random: np.random.Generator, identities: Iterator[int], most: int) -> Plan:
    encoding = ENCODINGS[number % len(ENCODINGS)]
    style = tuple(Style)[int(random.integers(len(Style)))]
    size = _size(SHAPES[number % len(SHAPES)], encoding, random)
    marker_ids = tuple(next(identities) for _ in range(int(random.integers(1, most + 1))))
    return Plan(number, size, encoding, style, marker_ids, (seed, number))


def _size(shape: Size, encoding: Encoding, random: np.random.Generator) -> Size:
    least, most = SIDES_PX
    scale = random.uniform(1 - JITTER, 1 + JITTER)
    scale = min(scale, encoding.longest_px / shape.longest_px)
    width, height = (min(most, max(least, round(side * scale))) for side in (shape.width_px, shape.height_px))
    return Size(width, height)


def make_scene(plan: Plan) -> Scene:
    """Paint one scene: background, cards with markers, encoding."""
    random = np.random.default_rng(plan.seed)
    picture = paint(plan.size, plan.style, random)
    patches = _place(plan.size, len(plan.marker_ids), random)
    for marker_id, patch in zip(plan.marker_ids, patches, strict=False):  # a picture may be full before all are placed
        _stick(picture, marker_id, patch, random)
    return Scene(
        number=plan.number,
        content=encode(picture, plan.encoding, [_card(patch) for patch in patches]),
        kind=plan.encoding.name,
        suffix=plan.encoding.suffix,
        size=plan.size,
        objects=tuple(_truth(m, p, plan.size) for m, p in zip(plan.marker_ids, patches, strict=False)),
    )


def _place(size: Size, count: int, random: np.random.Generator) -> list[Patch]:
    """Places that neither leave the picture nor touch each other; at least one (the least patch fits every shape)."""
    least = max(LEAST_PATCH_PX, round(size.longest_px * LEAST_PATCH_SHARE))
    most = max(least, min(MOST_PATCH_PX, round(size.shortest_px * MOST_PATCH_SHARE)))
    patches: list[Patch] = []
    for attempt in range(TRIES * count):
        largest = least if attempt > TRIES else most  # when room is scarce, small ones still fit
        candidate = _anywhere(size, int(random.integers(least, largest + 1)), random)
        if all(_apart(candidate, other) for other in patches):
            patches.append(candidate)
        if len(patches) == count:
            break
    return patches


def _anywhere(size: Size, side_px: int, random: np.random.Generator) -> Patch:
    margin = round(side_px * MARGIN_SHARE)
    left = int(random.integers(margin, size.width_px - side_px - margin + 1))
    top = int(random.integers(margin, size.height_px - side_px - margin + 1))
    return Patch(left, top, side_px)


def _apart(one: Patch, other: Patch) -> bool:
    gap = MARGIN_SHARE * (one.side_px + other.side_px)
    beside = max(one.left_px, other.left_px) - gap >= min(one.left_px + one.side_px, other.left_px + other.side_px)
    above = max(one.top_px, other.top_px) - gap >= min(one.top_px + one.side_px, other.top_px + other.side_px)
    return beside or above


def _card(patch: Patch) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the card: the patch and its coloured edge."""
    edge = max(1, round(patch.side_px * FRAME_SHARE))
    right, bottom = patch.left_px + patch.side_px + edge, patch.top_px + patch.side_px + edge
    return (patch.left_px - edge, patch.top_px - edge, right, bottom)


def _stick(picture: Image.Image, marker_id: int, patch: Patch, random: np.random.Generator) -> None:
    """A card with a shadow and a coloured edge; the marker's own white quiet zone stays whole."""
    left, top, right, bottom = _card(patch)
    fall = max(1, round(patch.side_px * SHADOW_SHARE))
    shaded = (left + fall, top + fall, min(right + fall, picture.width), min(bottom + fall, picture.height))
    picture.paste(picture.crop(shaded).point(lambda level: level * SHADOW_SHADE), shaded)
    colour = tuple(int(level) for level in random.integers(40, 216, 3))
    ImageDraw.Draw(picture).rounded_rectangle((left, top, right - 1, bottom - 1), radius=fall, fill=colour)
    picture.paste(Image.fromarray(draw_marker(marker_id, patch.side_px)).convert("RGB"), (patch.left_px, patch.top_px))


def _truth(marker_id: int, patch: Patch, size: Size) -> TrueObject:
    corners = marker_box_xyxy_px(patch.left_px, patch.top_px, patch.side_px)
    return TrueObject(marker_label(marker_id), PixelBox(*corners).to_unit(size), marker_parents(marker_id))


def kinds(scenes: Sequence[Scene]) -> dict[str, int]:
    """How many scenes of each encoding."""
    return {name: sum(1 for scene in scenes if scene.kind == name) for name in sorted({scene.kind for scene in scenes})}
