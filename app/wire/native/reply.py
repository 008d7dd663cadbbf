"""The answer of `POST /v1/detect`: its models, published by FastAPI, and how outcomes become one."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, Field

from app.core.geometry import Size, UnitBox
from app.core.model import Detection, Feature
from app.core.names import NATIVE, spoken
from app.wire.native.envelope import Found, GridReply, ImageReply, clipped, is_sure_enough, score_of
from app.wire.native.vendor import equipment_of, parents_of

# Decimals: a millionth of the widest image allowed is far below a pixel; a hundredth of a pixel is below what can be seen.
_UNIT_PLACES = 6
_PIXEL_PLACES = 2
# Features whose labels say what kind of thing was found.
_KINDS = frozenset({Feature.OBJECTS, Feature.PEOPLE, Feature.FACES})


class Edges(BaseModel):
    """A box by its edges, from the top left corner of the upright image."""

    left: float
    top: float
    right: float
    bottom: float


class BoxReply(BaseModel):
    """The same box twice: as ratios of the image's width and height, and in its pixels."""

    unit: Edges
    pixels: Edges


class DetectionReply(BaseModel):
    """One thing found in the image."""

    feature: Feature
    label: str
    score: float = Field(ge=0, le=1)
    box: BoxReply
    parents: list[str] = Field(default_factory=list, description="What the label is a kind of, where the provider says so.")


class DetectReply(BaseModel):
    """What was found, most certain first."""

    request_id: str
    image: ImageReply
    detections: list[DetectionReply]
    grid: GridReply


def write_detections(found: Found) -> tuple[DetectReply, int]:
    """The answer, and how many placed detections the request's own filters left out of it."""
    size = found.picture.upright
    all_items = [(inquiry, item) for inquiry, detections in found.answers for one in detections for item in _items(one)]
    sure = [item for inquiry, item in all_items if is_sure_enough(item, inquiry)]
    chosen = sorted(sure, key=lambda item: -item.score_unit)[: found.limit]
    reply = DetectReply(
        request_id=found.request_id,
        image=found.image,
        detections=[_written(item, item.box, size) for item in chosen if item.box is not None],
        grid=found.grid,
    )
    return reply, len(all_items) - len(chosen)


def _items(detection: Detection) -> Iterator[Detection]:
    """The detection, where it has a place, and the pieces of equipment that a person wears."""
    if detection.box is not None:
        yield detection
        yield from equipment_of(detection)


def _written(item: Detection, box: UnitBox, size: Size) -> DetectionReply:
    inside = UnitBox(clipped(box.left), clipped(box.top), clipped(box.right), clipped(box.bottom))
    pixels = inside.to_pixels(size)
    return DetectionReply(
        feature=item.feature,
        label=_label(item),
        score=score_of(item.score_unit),
        box=BoxReply(
            unit=_edges((inside.left, inside.top, inside.right, inside.bottom), _UNIT_PLACES),
            pixels=_edges((pixels.left_px, pixels.top_px, pixels.right_px, pixels.bottom_px), _PIXEL_PLACES),
        ),
        parents=parents_of(item),
    )


def _label(item: Detection) -> str:
    """A kind of thing has one name, whoever found it; proper names and what is written are nobody's to change."""
    return spoken(item.label, item.vendor, NATIVE) if item.feature in _KINDS else item.label


def _edges(ltrb: tuple[float, float, float, float], places: int) -> Edges:
    left, top, right, bottom = (round(edge, places) for edge in ltrb)
    return Edges(left=left, top=top, right=right, bottom=bottom)
