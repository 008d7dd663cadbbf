"""From the answer message to a `Reading`. Pure; called by `provider`, off the event loop.

An answer that has not one response for its one image is Problem PROVIDER_GARBLED; an error in that response is what
`refusals` makes of it; broken findings inside a sound answer are counted (see `findings`).
"""

from __future__ import annotations

from google.cloud.vision_v1.types import image_annotator
from google.protobuf import json_format

from app.core.geometry import Size
from app.core.model import Feature
from app.errors import Problem
from app.imaging.header import inspect
from app.providers.answers import garbled
from app.providers.contract import Reading
from app.providers.google.features import MOST_RESULTS, UNCAPPED
from app.providers.google.findings import find
from app.providers.google.refusals import image_refusal
from app.providers.google.trees import Object

_JPEG = "jpeg"
_ALL_FORMATS = frozenset({_JPEG, "png", "webp"})
_MOST_PIXELS = 2**31  # whoever sent it has checked this


def parse(feature: Feature, image: bytes, answer: image_annotator.BatchAnnotateImagesResponse) -> Reading:
    """All findings of `feature` in the answer to `image`."""
    responses = image_annotator.BatchAnnotateImagesResponse.pb(answer).responses
    if len(responses) != 1:
        raise garbled(f"one image was sent, and {len(responses)} are answered")
    response = responses[0]
    if response.error.code:
        raise image_refusal(response.error)
    tree: Object = json_format.MessageToDict(response)
    found = tuple(find(feature, tree, frame_of(image)))
    sound = tuple(detection for detection in found if detection is not None)
    is_full = feature not in UNCAPPED and len(found) >= MOST_RESULTS
    return Reading(sound, response.SerializeToString(), truncated=is_full, broken=len(found) - len(sound))


def frame_of(image: bytes) -> Size | None:
    """The size in which the vendor counts pixels; None for what we cannot read (it then answers in ratios, or in vain).

    Google does not say what it does with an EXIF orientation. It is taken to turn what everybody turns, JPEG, and nothing
    else. Sheets have none.
    """
    try:
        picture = inspect(image, formats=_ALL_FORMATS, max_pixels=_MOST_PIXELS)
    except Problem:
        return None
    return picture.upright if picture.format == _JPEG else picture.stored
