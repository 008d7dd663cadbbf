"""Damaged images against inspecting, decoding and composing: only a Problem comes out, and no neighbour is disturbed.

A bad image shares a sheet with a good one. Either the sheet is spoilt by the bad one, named, or it is painted; then the good
one's cell is the same, byte for byte, as if its neighbour had been good.
"""

from __future__ import annotations

from functools import cache
from random import Random

from PIL import Image

from app.core.geometry import PixelBox, Size
from app.core.layout import GridPlan, GridRules, Placement, plan_grid
from app.core.model import GridMode, Layout, Picture
from app.errors import Kind, Problem
from app.imaging.compose import Encoding, Source, SpoiledSheet, compose, prepare
from app.imaging.decode import decode
from app.imaging.header import inspect, is_plain
from app.imaging.transcode import transcode
from tests.fuzz.engine import require
from tests.fuzz.pictures import bent_picture
from tests.support.images import ALL_FORMATS, encoded, opened, painted

# Small, so that what goes beyond it is seen; a real server accepts 50 million.
MAX_PIXELS = 2_000_000
GOOD_SIDES = Size(120, 90)
RULES = GridRules(GridMode.KEPT, sheet_side_px=400)
LAYOUTS = (Layout(2, 1), Layout(1, 2))
MIB = 1024 * 1024
_OF_THE_IMAGE = frozenset({Kind.INVALID_IMAGE, Kind.IMAGE_TOO_LARGE})


@cache
def good() -> Source:
    data = encoded(painted(GOOD_SIDES, (10, 10, 60, 50)))
    return Source(data, inspect(data, formats=ALL_FORMATS, max_pixels=MAX_PIXELS))


def looking(rng: Random) -> str:
    """One damaged image, all the way."""
    bent, data = bent_picture(rng)
    try:
        picture = inspect(data, formats=ALL_FORMATS, max_pixels=MAX_PIXELS)
    except Problem as problem:
        return f"refused: {_kind_of(problem)}"
    require(picture.stored.pixels <= MAX_PIXELS, f"{bent}: {picture} was let in")
    is_plain(data, picture)
    source = Source(data, picture)
    alone = _alone(source, bent)
    shared = _shared(rng, source, bent)
    return f"{alone}, {shared}"


def _kind_of(problem: Problem) -> str:
    require(problem.kind in _OF_THE_IMAGE, f"an image's problem is {problem}")
    return str(problem.kind.value)


def _alone(source: Source, bent: str) -> str:
    """Decoded whole, and written anew for a vendor that reads PNG only."""
    try:
        pixels = decode(source.image, source.picture)
    except Problem as problem:
        return f"undecoded: {_kind_of(problem)}"
    upright = source.picture.upright
    require(pixels.mode == "RGB", f"{bent}: decoded as {pixels.mode}")
    require(pixels.size == (upright.width_px, upright.height_px), f"{bent}: {pixels.size} is not {upright}")
    try:
        transcode(source, formats=frozenset({"png"}), max_bytes=MIB)
    except Problem as problem:
        return f"not written: {_kind_of(problem)}"
    return "decoded"


def _shared(rng: Random, source: Source, bent: str) -> str:
    """On a sheet beside a good image."""
    plan = plan_grid(
        [("good", good().picture.upright), ("bad", source.picture.upright)],
        LAYOUTS,
        RULES,
        {},
        views=_views(rng, source.picture),
    )
    encoding = Encoding("png", max_bytes=4 * MIB)
    try:
        sheet = compose(plan, {"good": good(), "bad": source}, encoding)
    except SpoiledSheet as spoiled:
        require(set(spoiled.failures) == {"bad"}, f"{bent}: blamed are {set(spoiled.failures)}")
        _kind_of(spoiled.failures["bad"])
        return "spoilt"
    place = next(one for one in plan.placements if one.job_id == "good")
    require(_cell(opened(sheet.data), place) == _as_if_alone(plan, place), f"{bent}: the neighbour is disturbed")
    return "composed"


def _views(rng: Random, picture: Picture) -> dict[str, PixelBox]:
    """At times only a part of the bad image is shown."""
    size = picture.upright
    if rng.random() < 0.5 or size.width_px < 2 or size.height_px < 2:
        return {}
    right, bottom = rng.randint(1, size.width_px), rng.randint(1, size.height_px)
    return {"bad": PixelBox(float(rng.randrange(right)), float(rng.randrange(bottom)), float(right), float(bottom))}


def _as_if_alone(plan: GridPlan, place: Placement) -> bytes:
    """The good image's cell as it is prepared, whoever its neighbour is."""
    cell = prepare(place, good())
    require(isinstance(cell, Image.Image), "a good image is not prepared")
    return cell.tobytes() if isinstance(cell, Image.Image) else b""


def _cell(sheet: Image.Image, place: Placement) -> bytes:
    left, top, right, bottom = (int(edge) for edge in place.content)
    return sheet.crop((left, top, right, bottom)).tobytes()
