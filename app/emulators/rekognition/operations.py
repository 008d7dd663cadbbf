"""The table of operations that look at images: how a request is read and answered, which eyes, which limits, what is billed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.emulators.images import ImageLimits
from app.emulators.rekognition import celebrities, comparing, custom, equipment, faces, labels, moderation, text
from app.emulators.rekognition.parameters import Json
from app.emulators.scene import Scene

INLINE_BYTES = 5 * 1024 * 1024
"""Most bytes in `Image.Bytes` (the service model says 5,242,880)."""
SMALL_INLINE_BYTES = 4 * 1024 * 1024
"""The same for protective equipment and custom labels."""
SIDES = ImageLimits(80, 10_000)
SMALL_SIDES = ImageLimits(64, 4096)


@dataclass(frozen=True, slots=True)
class ImageOperation:
    """One operation. `read` turns the request's members into what `answer` needs; both raise `ServiceError`.

    `images` are the request's members that hold images; `charges` the items of the bill.
    """

    name: str
    read: Callable[[Json], Any]
    answer: Callable[[tuple[Scene, ...], Any], Json]
    about_faces: bool = False
    images: tuple[str, ...] = ("Image",)
    inline_bytes: int = INLINE_BYTES
    sides: ImageLimits = SIDES
    itemised: Callable[[Any], tuple[str, ...]] | None = None

    def charges(self, request: Any) -> tuple[str, ...]:
        return (self.name,) if self.itemised is None else self.itemised(request)


_ALL = (
    ImageOperation("DetectLabels", labels.read, labels.answer, itemised=labels.charges),
    ImageOperation("DetectFaces", faces.read, faces.answer, about_faces=True),
    ImageOperation("RecognizeCelebrities", celebrities.read, celebrities.answer, about_faces=True),
    ImageOperation(
        "DetectProtectiveEquipment", equipment.read, equipment.answer, inline_bytes=SMALL_INLINE_BYTES, sides=SMALL_SIDES
    ),
    ImageOperation("DetectCustomLabels", custom.read, custom.answer, inline_bytes=SMALL_INLINE_BYTES, sides=SMALL_SIDES),
    ImageOperation("DetectText", text.read, text.answer),
    ImageOperation("DetectModerationLabels", moderation.read, moderation.answer),
    ImageOperation("CompareFaces", comparing.read, comparing.answer, about_faces=True, images=("SourceImage", "TargetImage")),
)
IMAGE_OPERATIONS: Mapping[str, ImageOperation] = {operation.name: operation for operation in _ALL}
