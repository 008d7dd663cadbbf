"""Ways to come by labels over the same photographs: what each costs and how good it is, and what is left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

import pytest

from app.calibration.classifying import ALONE, DETECTED_ALONE, Findings, Plan, go
from app.calibration.dataset import Dataset, DatasetError, Photo, Truth
from app.calibration.measuring import PlannedSheet
from app.calibration.report.classified import About, class_table, full_text, main_table, page, to_json
from app.calibration.runner import Ask
from app.calibration.store import Measured
from app.core.geometry import Size
from app.core.mix import Tier
from app.core.model import Detection, Feature, Layout, Picture
from tests.support.scored import BOX, FAR

HOSTILE = "<b>dog</b>"
TIERS = (Tier((Layout(1, 2), Layout(2, 1))), Tier((Layout(2, 2),)))
CLASSES = ("cat", "aeroplane", HOSTILE)
PHOTOS = tuple(
    Photo(f"{number:02}", Path(f"{number}.jpg"), Picture("jpeg", Size(64, 48)), (Truth(CLASSES[number % 3], BOX),))
    for number in range(12)
)
WORDS = {"cat": "Cat", "aeroplane": "Airplane", HOSTILE: HOSTILE}


def boxes(photo: Photo, score_unit: float) -> tuple[Detection, ...]:
    """Two of the right thing, and a thing that the data set knows nothing of."""
    found = [(WORDS[photo.truths[0].label], score_unit), (WORDS[photo.truths[0].label], 0.1), ("Bird", 0.99)]
    return tuple(
        Detection(Feature.OBJECTS, name, score, box) for (name, score), box in zip(found, (BOX, FAR, BOX), strict=True)
    )


async def labels(name: str, sheets: Sequence[PlannedSheet]) -> dict[str, Measured]:
    """Knows no cats; one photograph gets no answer."""
    by_id = {photo.id: photo for photo in PHOTOS}
    names = [one for sheet in sheets for one in sheet.photo_ids if one != "11"]
    words = {one: WORDS[by_id[one].truths[0].label] for one in names}
    return {
        one: Measured((Detection(Feature.LABELS, words[one], 0.8, None),) if words[one] != "Cat" else (), 1.0) for one in names
    }


async def objects(name: str, sheets: Sequence[PlannedSheet]) -> dict[str, Measured]:
    """The larger the sheet, the less sure; one photograph of a sheet gets no answer."""
    by_id = {photo.id: photo for photo in PHOTOS}
    answers = {}
    for sheet in sheets:
        share = 1 / len(sheet.photo_ids)
        for one in sheet.photo_ids:
            answers[one] = Measured(boxes(by_id[one], 0.3 + 0.6 * share), share)
    return answers


async def measured(ask_labels: Ask | None = labels, ask_objects: Ask = objects) -> Findings:
    said: list[str] = []
    return await go(Plan(TIERS, 1, ask_labels, ask_objects), PHOTOS, said.append)


async def test_every_way_has_its_bill_and_its_figures() -> None:
    found = await measured()
    rows = {row.name: row for row in found.rows}
    assert list(rows) == [ALONE, DETECTED_ALONE, "1x2|2x1", "2x2"]
    assert len(found.photos) == 11  # the one without an answer alone has nothing to be compared with
    assert [rows[name].inferences_per_image for name in rows] == [1.0, 1.0, 0.5, 0.25]
    assert rows[ALONE].figures["recall@0.5"] == pytest.approx(7 / 11)
    assert rows[DETECTED_ALONE].figures["recall@0.5"] == 1.0
    assert rows["2x2"].figures["recall@0.5"] == 0.0  # below the threshold: 0.45
    assert rows["2x2"].figures["mAP"] == 1.0  # and still well ranked
    assert rows["2x2"].figures["top-1"] == 1.0  # the bird is no class of the data set
    assert rows[DETECTED_ALONE].drops["recall@0.5"].drop == pytest.approx(7 / 11 - 1)
    assert rows[ALONE].by_class["cat"].recall == 0.0
    assert found.images == {"aeroplane": 4, "cat": 4, HOSTILE: 3}


async def test_without_labels_of_its_own_detection_alone_is_the_reference() -> None:
    found = await measured(None)
    assert found.reference == DETECTED_ALONE
    assert "no operation for labels" in found.notes[0]


async def test_a_class_that_nobody_names_is_left_out_and_said() -> None:
    async def no_cats(name: str, sheets: Sequence[PlannedSheet]) -> dict[str, Measured]:
        answers = await objects(name, sheets)
        return {one: answer for one, answer in answers.items() if answer.detections[0].label != "Cat"}

    found = await measured(labels, no_cats)
    assert "cat" not in found.images
    assert any("left out" in note and "cat (4)" in note for note in found.notes)


async def test_answers_in_other_words_are_nothing_to_measure() -> None:
    async def strange(name: str, sheets: Sequence[PlannedSheet]) -> dict[str, Measured]:
        return {
            one: Measured((Detection(Feature.OBJECTS, "Bird", 0.9, BOX),), 1.0) for sheet in sheets for one in sheet.photo_ids
        }

    with pytest.raises(DatasetError, match="none of the data set's classes"):
        await measured(None, strange)


class TestReport:
    """What people and programs get of it."""

    ABOUT = About(
        Dataset(f"voc:{HOSTILE}", PHOTOS, has_truth=True, skipped={"image is missing": (HOSTILE,)}),
        "onnx:tiny",
        paid=33,
        paid_dollars=0.066,
        unanswered={"11": "not today"},
    )

    async def test_the_table_names_all_figures(self) -> None:
        lines = main_table(await measured()).splitlines()
        assert lines[0].split()[:2] == ["inf/image", "mAP"]
        assert lines[2].split()[:5] == ["alone", "1.000", "0.667", "-", "-"]
        assert lines[-1].split()[:4] == ["2x2", "0.250", "1.000", "-0.333"]

    async def test_classes_have_precision_and_recall_for_every_way(self) -> None:
        cats = next(line for line in class_table(await measured()).splitlines() if line.startswith("cat"))
        assert cats.replace(" / ", "/").split() == ["cat", "4", "-/0.00", "1.00/1.00", "1.00/1.00", "-/0.00"]

    async def test_the_text_says_what_was_left_out(self) -> None:
        text = full_text(await measured(), self.ABOUT)
        assert "1 photographs got no answer at some point: 11 (not today)" in text
        assert "image is missing" in text

    async def test_the_page_escapes_and_loads_nothing(self) -> None:
        shown = page(await measured(), self.ABOUT)
        assert HOSTILE not in shown
        assert escape(HOSTILE) in shown
        assert "src=" not in shown
        assert "$0.066" in shown

    async def test_programs_get_everything(self) -> None:
        data = json.loads(json.dumps(to_json(await measured(), self.ABOUT), allow_nan=False))
        assert data["reference"] == ALONE
        way = data["ways"][3]
        assert way["name"] == "2x2"
        assert way["figures"]["precision@0.5"] is None  # nothing was named
        low, high = way["lost"]["mAP"]["interval"]
        assert low <= way["lost"]["mAP"]["value"] <= high
        assert way["classes"]["cat"] == {"images": 4, "average_precision": 1.0, "precision": None, "recall": 0.0}
