"""The table of operations: where each is, what it takes, how its query is read and answered, and what is billed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from app.emulators.azure import analysis32, analysis40, reading_operations
from app.emulators.azure.bodies import BodyRules
from app.emulators.azure.errors import WORDING_32, WORDING_40, Problem, Wording
from app.emulators.azure.parameters import Json, Query
from app.emulators.azure.picture import Picture
from app.emulators.images import ImageFormat, ImageLimits

LEAST_PX, MOST_PX = 50, 16_000
PATH_40 = "/computervision/imageanalysis:analyze"
BASE_32 = "/vision/v3.2"
RESULTS_PATH = f"{BASE_32}/read/analyzeResults/"
"""The id of a reading follows."""
RESULTS_NAME = "v3.2/read/analyzeResults"


@dataclass(frozen=True, slots=True)
class Api:
    """What holds for every operation of one API."""

    wording: Mapping[Problem, Wording]
    images: ImageLimits
    bodies: BodyRules


_FORMATS_32 = frozenset({ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.GIF, ImageFormat.BMP})
API_40 = Api(
    WORDING_40,
    ImageLimits(LEAST_PX, MOST_PX, formats=frozenset(ImageFormat)),  # an MPO file is a JPEG with more pictures behind it
    BodyRules(most_bytes=20_971_520, image_types=True),
)
API_32 = Api(WORDING_32, ImageLimits(LEAST_PX, MOST_PX, formats=_FORMATS_32), BodyRules(4 * 1024 * 1024, image_types=False))


def _never(_: Any) -> bool:
    return False


def _plain(body: Json, _: Picture, __: str) -> Json:
    return body


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `read` turns the query into what `answer` needs; both may raise `Refused`.

    `charges` are the items of the bill, `seal` adds what every answer has. The answer of one that is `deferred` is kept until
    it is asked for.
    """

    name: str
    api: Api
    read: Callable[[Query], Any]
    answer: Callable[[Picture, Any], Json]
    charges: Callable[[Any], tuple[str, ...]]
    seal: Callable[[Json, Picture, str], Json] = _plain
    about_faces: Callable[[Any], bool] = _never
    deferred: bool = False


def _part_of_32(name: str, read: Callable[[Query], Any]) -> Operation:
    """A feature of `/analyze` with an address of its own."""
    return Operation(f"v3.2/{name}", API_32, read, analysis32.answer, analysis32.charges, analysis32.seal)


ANALYZE_40 = Operation("analyze", API_40, analysis40.read, analysis40.answer, analysis40.charges, analysis40.seal)
_ALL_32 = (
    Operation(
        "v3.2/analyze",
        API_32,
        analysis32.read,
        analysis32.answer,
        analysis32.charges,
        analysis32.seal,
        analysis32.about_faces,
    ),
    _part_of_32("detect", analysis32.read_detect),
    _part_of_32("tag", analysis32.read_tag),
    _part_of_32("describe", analysis32.read_describe),
    Operation("v3.2/ocr", API_32, reading_operations.read_ocr, reading_operations.answer_ocr, lambda _: ("ocr",)),
    Operation(
        "v3.2/read/analyze",
        API_32,
        reading_operations.read_reading,
        reading_operations.answer_reading,
        lambda _: ("read",),
        deferred=True,
    ),
)
OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {PATH_40: ANALYZE_40} | {f"/vision/{operation.name}": operation for operation in _ALL_32}
)
"""By path; all are POST."""
