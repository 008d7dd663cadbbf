"""What every native answer says beside its findings: the image's size, how it was answered, and what that took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, Field

from app.core.model import Bill, Detection, Inquiry, Picture
from app.wire.headers import MS_PER_S, MS_PLACES, SHARE_PLACES

# Decimals of a score: finer than any vendor's.
_SCORE_PLACES = 6


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


@dataclass(frozen=True, slots=True)
class Found:
    """The material of one answer: what was found for each inquiry, and what it took."""

    request_id: str
    picture: Picture
    answers: Sequence[tuple[Inquiry, Sequence[Detection]]]
    bills: Sequence[Bill]

    @property
    def image(self) -> ImageReply:
        size = self.picture.upright
        return ImageReply(width=size.width_px, height=size.height_px)

    @property
    def grid(self) -> GridReply:
        return GridReply(
            layout=str(self.bills[0].layout),
            inferences=round(sum(bill.inferences for bill in self.bills), SHARE_PLACES),
            wait_ms=round(max(bill.waited_s for bill in self.bills) * MS_PER_S, MS_PLACES),
            sheets=list(dict.fromkeys(bill.sheet_id for bill in self.bills if bill.sheet_id)),
        )

    @property
    def limit(self) -> int | None:
        """Most findings in the answer."""
        return self.answers[0][0].max_results


def is_sure_enough(item: Detection, inquiry: Inquiry) -> bool:
    """Whether it reaches the request's own threshold; a sheet was asked at its most modest neighbour's."""
    return inquiry.min_score_unit is None or item.score_unit >= inquiry.min_score_unit


def clipped(ratio: float) -> float:
    """Vendors let boxes reach out of the image; a native client gets the part that it can see."""
    return min(1.0, max(0.0, ratio))


def score_of(score_unit: float) -> float:
    return round(clipped(score_unit), _SCORE_PLACES)
