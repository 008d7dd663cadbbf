"""The answer of `POST /v1/detect`: its models, published by FastAPI, and how outcomes become one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, Field

from app.core.geometry import Size, UnitBox
from app.core.model import Bill, Detection, Feature, Inquiry, Picture
from app.core.names import NATIVE, spoken
from app.wire.headers import MS_PER_S, MS_PLACES, SHARE_PLACES
from app.wire.native.vendor import equipment_of, parents_of

# Decimals: a millionth of the widest image allowed is far below a pixel; a hundredth of a pixel is below what can be seen.
_UNIT_PLACES = 6
_PIXEL_PLACES = 2
_SCORE_PLACES = 6
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


class ImageReply(BaseModel):
    """Size in pixels after the EXIF orientation has been applied: the frame of all boxes."""

    width: int
    height: int


class GridReply(BaseModel):
    """How this image was answered, and its share of what was paid."""

    layout: str = Field(description="Rows x columns of the sheet it shared; 1x1 when it was sent alone.")
    inferences: float = Field(description="Its share of the paid inferences.")
    wait_ms: float = Field(description="Time it waited for company.")
    sheets: list[str] = Field(description="Ids of the sheets it was on, as the logs have them.")


class DetectReply(BaseModel):
    """What was found, most certain first."""

    request_id: str
    image: ImageReply
    detections: list[DetectionReply]
    grid: GridReply


def reply_of(
    request_id: str, picture: Picture, found: Sequence[tuple[Inquiry, Sequence[Detection]]], bills: Sequence[Bill], limit: int
) -> tuple[DetectReply, int]:
    """The answer, and how many placed detections the request's own filters left out of it."""
    size = picture.upright
    all_items = [item for _, detections in found for detection in detections for item in _items(detection)]
    sure = [
        item
        for inquiry, detections in found
        for detection in detections
        for item in _items(detection)
        if _passes(item, inquiry)
    ]
    chosen = sorted(sure, key=lambda item: -item.score_unit)[:limit]
    reply = DetectReply(
        request_id=request_id,
        image=ImageReply(width=size.width_px, height=size.height_px),
        detections=[_written(item, item.box, size) for item in chosen if item.box is not None],
        grid=_grid(bills),
    )
    return reply, len(all_items) - len(chosen)


def _items(detection: Detection) -> Iterator[Detection]:
    """The detection, where it has a place, and the pieces of equipment that a person wears."""
    if detection.box is not None:
        yield detection
        yield from equipment_of(detection)


def _passes(item: Detection, inquiry: Inquiry) -> bool:
    return inquiry.min_score_unit is None or item.score_unit >= inquiry.min_score_unit


def _written(item: Detection, box: UnitBox, size: Size) -> DetectionReply:
    inside = UnitBox(_clip(box.left), _clip(box.top), _clip(box.right), _clip(box.bottom))
    pixels = inside.to_pixels(size)
    return DetectionReply(
        feature=item.feature,
        label=_label(item),
        score=round(_clip(item.score_unit), _SCORE_PLACES),
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


def _clip(ratio: float) -> float:
    """Vendors let boxes reach out of the image; a native client gets the part that it can see."""
    return min(1.0, max(0.0, ratio))


def _grid(bills: Sequence[Bill]) -> GridReply:
    return GridReply(
        layout=str(bills[0].layout),
        inferences=round(sum(bill.inferences for bill in bills), SHARE_PLACES),
        wait_ms=round(max(bill.waited_s for bill in bills) * MS_PER_S, MS_PLACES),
        sheets=list(dict.fromkeys(bill.sheet_id for bill in bills if bill.sheet_id)),
    )
