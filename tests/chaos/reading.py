"""What an answer says, whichever front gave it: from the vendor's JSON to boxes, or to the vendor's own code of an error.

In: JSON (an SDK's object, written as JSON, reads the same), and the image's size where a vendor counts in pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from app.core.geometry import PixelBox, Size, UnitBox
from app.demo.truth import Seen, seen_in

Json: TypeAlias = Mapping[str, Any]
Read: TypeAlias = Callable[[Json, Size], tuple[Seen, ...]]

PERCENT = 100.0


def native(answer: Json, _: Size) -> tuple[Seen, ...]:
    return tuple(Seen(one["label"], one["score"], UnitBox(**one["box"]["unit"])) for one in answer["detections"])


def rekognition(answer: Json, _: Size) -> tuple[Seen, ...]:
    return seen_in(answer)


def moderation(answer: Json, _: Size) -> tuple[Seen, ...]:
    return tuple(Seen(one["Name"], one["Confidence"] / PERCENT, None) for one in answer["ModerationLabels"])


def google(answer: Json, _: Size) -> tuple[Seen, ...]:
    found = answer["responses"][0].get("localizedObjectAnnotations", ())
    return tuple(Seen(one["name"], one["score"], _hull(one["boundingPoly"]["normalizedVertices"])) for one in found)


def _hull(corners: list[Json]) -> UnitBox:
    """What is 0 is left out of the JSON."""
    across, down = [one.get("x", 0.0) for one in corners], [one.get("y", 0.0) for one in corners]
    return UnitBox(min(across), min(down), max(across), max(down))


def azure_4_0(answer: Json, size: Size) -> tuple[Seen, ...]:
    return tuple(
        Seen(one["tags"][0]["name"], one["tags"][0]["confidence"], _unit(one["boundingBox"], size))
        for one in answer["objectsResult"]["values"]
    )


def azure_3_2(answer: Json, size: Size) -> tuple[Seen, ...]:
    return tuple(Seen(one["object"], one["confidence"], _unit(one["rectangle"], size)) for one in answer["objects"])


def _unit(box: Json, size: Size) -> UnitBox:
    return PixelBox(box["x"], box["y"], box["x"] + box["w"], box["y"] + box["h"]).to_unit(size)


def error_code(answer: Json) -> str:
    """The vendor's own code in the body of a refusal, whichever vendor it is; "" where there is none."""
    return next((str(code) for code in _codes(answer) if code), "")


def _codes(answer: object) -> Iterator[object]:
    if not isinstance(answer, Mapping):
        return
    yield str(answer.get("__type", "")).rpartition("#")[2]
    yield str(answer.get("type", "")).rpartition(":")[2]
    error = answer.get("error")
    if isinstance(error, Mapping):
        inner = error.get("innererror")
        if isinstance(inner, Mapping):
            yield inner.get("code")
        yield error.get("status") or error.get("code")


def google_image_error(answer: Json) -> str:
    """Google answers 200 and puts the error of an image into its place."""
    first: Json = next(iter(answer.get("responses", ())), {})
    code = first.get("error", {}).get("code", 0)
    return GOOGLE_CODES.get(code, str(code)) if code else ""


GOOGLE_CODES: Mapping[int, str] = MappingProxyType(
    {
        3: "INVALID_ARGUMENT",
        4: "DEADLINE_EXCEEDED",
        8: "RESOURCE_EXHAUSTED",
        13: "INTERNAL",
        14: "UNAVAILABLE",
    }
)
