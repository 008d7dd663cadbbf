"""The answer of `POST /v1/classify`: its models, published by FastAPI, and how findings become one.

Different words of a vendor that mean one thing to us are one label: as sure as the surest of them, with all of their boxes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import BaseModel, Field

from app.core.labels import names_in
from app.core.model import Detection
from app.core.names import NATIVE, spoken
from app.wire.native.envelope import Found, GridReply, ImageReply, is_sure_enough, score_of


class LabelReply(BaseModel):
    """What the image shows, or a part of it."""

    label: str
    score: float = Field(ge=0, le=1, description="That of its best box, where it has any.")
    count: int | None = Field(
        default=None, description="Boxes of it; 0 for what has none; null where the provider counts none."
    )
    parents: list[str] = Field(default_factory=list, description="What the label is a kind of, where the provider says so.")
    categories: list[str] = Field(default_factory=list, description="The provider's own categories of it, if it has any.")


class ClassifyReply(BaseModel):
    """What the image shows, most certain first."""

    request_id: str
    image: ImageReply
    labels: list[LabelReply]
    grid: GridReply


def write_labels(found: Found) -> tuple[ClassifyReply, int]:
    """The answer. Nothing counts as filtered: labels are no boxes."""
    labels = _merged(one for inquiry, listed in found.answers for one in listed if is_sure_enough(one, inquiry))
    # Of equally sure labels those with boxes come first, so that a cut keeps what was seen and not what it is a kind of.
    labels.sort(key=lambda one: (-one.score, not one.count, one.label))
    return ClassifyReply(request_id=found.request_id, image=found.image, labels=labels[: found.limit], grid=found.grid), 0


@dataclass(slots=True)
class _Gathered:
    score_unit: float = 0.0
    count: int | None = None
    parents: dict[str, None] = field(default_factory=dict)
    categories: dict[str, None] = field(default_factory=dict)


def _merged(findings: Iterable[Detection]) -> list[LabelReply]:
    gathered: dict[str, _Gathered] = {}
    for one in findings:
        word = spoken(one.label, one.vendor, NATIVE)
        own = gathered.setdefault(word, _Gathered())
        own.score_unit = max(own.score_unit, one.score_unit)
        count = one.fields.get("count")
        if isinstance(count, int):
            own.count = (own.count or 0) + count
        parents = (spoken(name, one.vendor, NATIVE) for name in names_in(one.fields.get("parents")))
        own.parents |= dict.fromkeys(name for name in parents if name != word)
        own.categories |= dict.fromkeys(names_in(one.fields.get("categories")))
    return [
        LabelReply(
            label=word, score=score_of(own.score_unit), count=own.count, parents=[*own.parents], categories=[*own.categories]
        )
        for word, own in gathered.items()
    ]
