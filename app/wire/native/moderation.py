"""The answer of `POST /v1/moderate`: its models, published by FastAPI, and how findings become one.

A group of images that was found clean has no findings, and each of them is answered as what it is: not unsafe.
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from app.core.labels import names_in
from app.core.model import Detection
from app.core.moderation import Category, cares_for, category_of
from app.wire.native.envelope import Found, GridReply, ImageReply, is_sure_enough, score_of


class FindingReply(BaseModel):
    """Unsafe content, in the provider's words and in ours."""

    label: str
    category: Category | None = Field(default=None, description="What kind of unsafe content it is; null where nobody knows.")
    score: float = Field(ge=0, le=1)
    parents: list[str] = Field(default_factory=list, description="What the label is a kind of, where the provider says so.")


class ModerateReply(BaseModel):
    """Whether the image is unsafe for this request, and why: most certain first."""

    request_id: str
    image: ImageReply
    unsafe: bool
    labels: list[FindingReply]
    grid: GridReply


def write_moderation(found: Found) -> tuple[ModerateReply, int]:
    """The answer. Nothing counts as filtered: unsafe content has no boxes."""
    counting = [
        one for inquiry, listed in found.answers for one in listed if is_sure_enough(one, inquiry) and cares_for(inquiry, one)
    ]
    counting.sort(key=lambda one: -one.score_unit)
    reply = ModerateReply(
        request_id=found.request_id,
        image=found.image,
        unsafe=bool(counting),
        labels=[_written(one) for one in counting[: found.limit]],
        grid=found.grid,
    )
    return reply, 0


def _written(one: Detection) -> FindingReply:
    return FindingReply(
        label=one.label,
        category=category_of(one),
        score=score_of(one.score_unit),
        parents=names_in(one.fields.get("parents")),
    )
