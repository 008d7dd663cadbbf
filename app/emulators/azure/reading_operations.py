"""The two operations of 3.2 that read text: `/ocr` answers at once, `/read/analyze` is asked for its result later.

In: the query, a picture; later the id of a reading. Out: JSON.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime

from app.emulators.azure.errors import Problem, Refused
from app.emulators.azure.parameters import Json, Query, check_model_version, language, truth
from app.emulators.azure.picture import Picture
from app.emulators.azure.reading import UNKNOWN_LANGUAGE, ocr, read_page

_OCR_LANGUAGES = "unk zh-Hans zh-Hant cs da nl en fi fr de el hu it ja ko nb pl pt ru es sv tr ar ro sr-Cyrl sr-Latn sk"
OCR_LANGUAGES = frozenset(_OCR_LANGUAGES.split())
READING_ORDERS = ("", "basic", "natural")
POLLS_UNTIL_DONE = 1
"""So often a reading is still running when it is asked for, so that clients have to come again, as at the vendor."""
MOST_READINGS = 1000
"""The vendor keeps results for two days; here the newest are kept."""


@dataclass(frozen=True, slots=True)
class OcrWishes:
    """What an `/ocr` asks for."""

    language: str
    detect_orientation: bool


def read_ocr(query: Query) -> OcrWishes:
    check_model_version(query)
    return OcrWishes(language(query, OCR_LANGUAGES, UNKNOWN_LANGUAGE), truth(query, "detectOrientation", True))


def answer_ocr(picture: Picture, wishes: OcrWishes) -> Json:
    return ocr(picture.scene, wishes.language, wishes.detect_orientation)


def read_reading(query: Query) -> None:
    """Language and pages are taken as they come: there is one page, and its text has no language."""
    check_model_version(query)
    if query.get("readingOrder", "") not in READING_ORDERS:
        raise Refused(Problem.ARGUMENT, "'readingOrder' is not valid")


def answer_reading(picture: Picture, _: None) -> Json:
    return read_page(picture)


@dataclass(slots=True)
class _Reading:
    """A result, and how often it will still be said to be running."""

    result: Json
    polls_left: int
    created: str


class Readings:
    """Results that wait for being asked for. Used on the event loop only."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Reading] = OrderedDict()

    def keep(self, result: Json) -> str:
        """The id under which it can be asked for."""
        reading_id = str(uuid.uuid4())
        self._kept[reading_id] = _Reading(result, POLLS_UNTIL_DONE, _now())
        while len(self._kept) > MOST_READINGS:
            self._kept.popitem(last=False)
        return reading_id

    def ask(self, reading_id: str) -> Json:
        """How it stands with a reading."""
        reading = self._kept.get(reading_id)
        if reading is None:
            raise Refused(Problem.NOT_FOUND)
        status: Json = {"status": "running", "createdDateTime": reading.created, "lastUpdatedDateTime": _now()}
        if reading.polls_left > 0:
            reading.polls_left -= 1
            return status
        return {**status, "status": "succeeded", "analyzeResult": reading.result}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
