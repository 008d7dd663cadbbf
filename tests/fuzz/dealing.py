"""Random findings against demultiplexing and every front's `write`, and vendors' answers that are garbage against all of it.

`dealing`: sound findings in mad places (NaN, infinite, inverted, huge, without area, nested). `garbage`: the vendor's answer
bent as text or message, read by the provider. Nothing crosses cells, nothing lies outside its image, each finding goes to one
image at most, and all that is written is read by the vendor's SDK.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from google.protobuf.message import DecodeError

from app.core.demux import demultiplex
from app.core.geometry import PixelBox, Size, UnitBox, UnitLength, UnitPoint
from app.core.labels import labels_of
from app.core.layout import GridPlan, GridRules, Placement, plan_grid
from app.core.model import Answer, Detection, Feature, GridMode, Layout, Picture, Tree
from app.errors import Problem
from tests.fuzz.engine import require
from tests.fuzz.octets import mutated_bytes, mutated_message
from tests.fuzz.trees import mutated_json
from tests.fuzz.writers import body_of, offered, parse, sound, writers, written

_MAD = (math.nan, math.inf, -math.inf, 1e308, -1e308, 1e6, -1e6, 1e-320, 0.0, -0.0, 1.0, 0.5, 100.0, -100.0)
_MOST_AT_ONCE = 300
LAYOUTS = tuple(Layout(rows, columns) for rows in range(1, 4) for columns in range(1, 4))
# What rounding to whole pixels and back may add.
SLACK_PX = 0.02


def dealing(rng: Random) -> str:
    """Findings in mad places, on a sheet of one to nine images."""
    vendor, feature = rng.choice(offered())
    known = sound(vendor, feature)
    count = _MOST_AT_ONCE if rng.random() < 0.02 else rng.randrange(12)
    found = [_marked(_bent(rng, rng.choice(known)), number) for number in range(count)]
    plan = _plan(rng)
    by_job = _dealt(plan, found)
    place = rng.choice(plan.placements)
    _write(rng, feature, place, by_job[place.job_id], as_found=False)
    if feature is Feature.OBJECTS:
        _write(rng, Feature.LABELS, place, labels_of(by_job[place.job_id]), as_found=False)
    return f"{vendor}: {'none' if not found else 'dealt'}"


def garbage(rng: Random) -> str:
    """A vendor's answer that is garbage."""
    vendor, feature = rng.choice(offered())
    body = body_of(vendor, feature)
    if vendor == "google":
        body = mutated_message(rng, body)
    else:
        body = mutated_json(rng, json.loads(body)) if rng.random() < 0.7 else mutated_bytes(rng, body)
    try:
        reading = parse(vendor, feature, body)
    except DecodeError:
        return f"{vendor}: no message"
    except Problem as problem:
        require(problem.kind.fault.value == "provider", f"{vendor}'s garbage is told as {problem}")
        return f"{vendor}: {problem.kind.value}"
    plan = _plan(rng)
    by_job = _dealt(plan, reading.detections)
    place = rng.choice(plan.placements)
    _write(rng, feature, place, by_job[place.job_id], as_found=True)
    _write(rng, feature, place, reading.detections, as_found=True)  # as if it had been alone
    return f"{vendor}: {'broken findings' if reading.broken else 'read'}"


def _plan(rng: Random) -> GridPlan:
    images = [(f"job-{at}", Size(rng.randint(1, 3000), rng.randint(1, 3000))) for at in range(rng.randint(1, 9))]
    mode = rng.choice((GridMode.KEPT, GridMode.KEPT, GridMode.PAPER))
    rules = GridRules(mode, sheet_side_px=rng.choice((100, 640, 1920)), gutter_px=rng.choice((0, 1, 16)))
    views = {job_id: _view(rng, size) for job_id, size in images if rng.random() < 0.3}
    return plan_grid(images, LAYOUTS, rules, {}, views=views)


def _view(rng: Random, size: Size) -> PixelBox:
    right, bottom = rng.randint(1, size.width_px), rng.randint(1, size.height_px)
    return PixelBox(float(rng.randrange(right)), float(rng.randrange(bottom)), float(right), float(bottom))


def _number(rng: Random) -> float:
    return rng.choice(_MAD) if rng.random() < 0.1 else rng.uniform(-0.2, 1.2)


def _box(rng: Random) -> UnitBox:
    """Any that can be made: corners out of order and NaN cannot, which is a guarantee of the type's own."""
    if rng.random() < 0.6:
        left, top, side = rng.random(), rng.random(), rng.choice((0.0, 1e-9, 0.05, 0.2))
        return UnitBox(left, top, left + side, top + side * rng.random())
    edges = (_number(rng), _number(rng), _number(rng), _number(rng))
    try:
        return UnitBox(*edges)
    except ValueError:
        left, top, right, bottom = (0.0 if math.isnan(edge) else edge for edge in edges)
        return UnitBox(min(left, right), min(top, bottom), max(left, right), max(top, bottom))


def _bent(rng: Random, detection: Detection) -> Detection:
    box = None if detection.box is None or rng.random() < 0.03 else _box(rng)
    fields = {name: _bent_tree(rng, node) for name, node in detection.fields.items()}
    score = rng.choice((detection.score_unit, rng.random(), 0.0, 1.0))
    return replace(detection, box=box, fields=fields, score_unit=score)


def _bent_tree(rng: Random, node: Tree) -> Tree:
    """The same tree with every place anywhere."""
    match node:
        case UnitBox():
            return _box(rng)
        case UnitPoint():
            return UnitPoint(_number(rng), _number(rng))
        case UnitLength():
            return UnitLength(rng.uniform(-1, 1))
        case dict():
            return {name: _bent_tree(rng, value) for name, value in node.items()}
        case list():
            return [] if rng.random() < 0.1 else [_bent_tree(rng, item) for item in node]
    return node


def _marked(detection: Detection, number: int) -> Detection:
    """A name of its own, to be known again by."""
    return replace(detection, fields={**detection.fields, "mark": number})


def _dealt(plan: GridPlan, found: Sequence[Detection]) -> dict[str, tuple[Detection, ...]]:
    """Handed out, and looked over: one fate each, one owner at most, nothing outside the image or its view."""
    dealt = demultiplex(plan, found)
    require(dealt.kept + dealt.seam + dealt.gutter + dealt.unplaced == len(found), "a finding has no fate, or two")
    require(set(dealt.by_job) == {place.job_id for place in plan.placements}, "an image without an answer")
    marks = [mark for own in dealt.by_job.values() for one in own if (mark := one.fields.get("mark")) is not None]
    require(len(marks) == len(set(map(str, marks))), "two owners of one finding")
    if plan.mode is GridMode.KEPT:
        by_mark = {str(one.fields["mark"]): one for one in found if "mark" in one.fields}
        for place in plan.placements:
            for own in dealt.by_job[place.job_id]:
                _check_inside(place, own)
                if (mark := own.fields.get("mark")) is not None:
                    _check_owner(plan, place, by_mark[str(mark)])
    return dict(dealt.by_job)


def _check_inside(place: Placement, own: Detection) -> None:
    shown = place.shown
    for x, y in _places_in([own.box, *own.fields.values()]):
        inside = shown.left <= x <= shown.right and shown.top <= y <= shown.bottom
        require(inside, f"{x}, {y} is outside {shown} of {place.job_id}")


def _places_in(nodes: Sequence[Any]) -> Iterator[tuple[float, float]]:
    for node in nodes:
        match node:
            case UnitBox():
                yield from ((node.left, node.top), (node.right, node.bottom))
            case UnitPoint():
                yield node.x, node.y
            case dict():
                yield from _places_in(list(node.values()))
            case list():
                yield from _places_in(node)


def _check_owner(plan: GridPlan, place: Placement, original: Detection) -> None:
    """By plain arithmetic on the sheet: at least half of the box on this image, and so less than half on anybody else's."""
    box = original.box
    if box is None:
        require(False, "a finding without a place was handed out")
        return
    on_sheet = box.to_pixels(plan.sheet)
    if on_sheet.area_px <= 0:
        return
    common = on_sheet.intersection(place.content)
    share = common.area_px / on_sheet.area_px if common is not None else 0.0
    require(share >= 0.5 - 1e-9, f"{share:.3f} of a box on the image that got it")


def _write(rng: Random, feature: Feature, place: Placement, found: Sequence[Detection], *, as_found: bool) -> None:
    """By one of the fronts that can ask for it."""
    picture = Picture("jpeg", place.source)
    plain = tuple(replace(one, fields={name: node for name, node in one.fields.items() if name != "mark"}) for one in found)
    able = writers(feature)
    if not able:
        return
    writer = rng.choice(able)
    written(writer, picture, Answer(plain), as_found=as_found)
