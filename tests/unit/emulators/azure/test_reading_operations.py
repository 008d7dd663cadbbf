"""`/ocr` and `/read`: their queries, and readings that wait for being asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.emulators.azure.errors import Problem, Refused
from app.emulators.azure.parameters import Query
from app.emulators.azure.reading_operations import MOST_READINGS, OcrWishes, Readings, read_ocr, read_reading


def test_what_an_ocr_asks_for() -> None:
    assert read_ocr({}) == OcrWishes("unk", True)
    assert read_ocr({"language": "zh-Hans", "detectOrientation": "false"}) == OcrWishes("zh-Hans", False)


def test_a_reading_takes_any_language_and_pages() -> None:
    read_reading({"language": "tlh", "pages": "1-3", "readingOrder": "natural", "model-version": "2022-04-30"})


@pytest.mark.parametrize(
    ("read", "query", "problem"),
    [
        (read_ocr, {"language": "tlh"}, Problem.LANGUAGE),
        (read_ocr, {"detectOrientation": "1"}, Problem.ARGUMENT),
        (read_ocr, {"model-version": "x"}, Problem.ARGUMENT),
        (read_reading, {"readingOrder": "backwards"}, Problem.ARGUMENT),
        (read_reading, {"model-version": "x"}, Problem.ARGUMENT),
    ],
)
def test_wrong_queries_are_refused(read: Callable[[Query], object], query: dict[str, str], problem: Problem) -> None:
    with pytest.raises(Refused) as caught:
        read(query)
    assert caught.value.problem is problem


def test_a_reading_is_running_at_first_and_done_ever_after() -> None:
    readings = Readings()
    reading_id = readings.keep({"version": "x"})
    assert len(reading_id) == 36
    first, second, third = (readings.ask(reading_id) for _ in range(3))
    assert (first["status"], "analyzeResult" in first) == ("running", False)
    assert (second["status"], second["analyzeResult"]) == ("succeeded", {"version": "x"})
    assert third["analyzeResult"] == second["analyzeResult"]
    assert set(first) == {"status", "createdDateTime", "lastUpdatedDateTime"}


def test_the_oldest_readings_are_forgotten() -> None:
    readings = Readings()
    first, second, *_ = [readings.keep({}) for _ in range(MOST_READINGS + 1)]
    assert readings.ask(second)["status"] == "running"
    with pytest.raises(Refused) as caught:
        readings.ask(first)
    assert caught.value.problem is Problem.NOT_FOUND
