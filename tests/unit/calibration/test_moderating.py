"""Group tests measured: the margin of each size, what could not be measured, and the advice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import pytest

from app.calibration.dataset import Dataset, DatasetError, Photo
from app.calibration.labelled import Labelled
from app.calibration.measuring import PlannedSheet
from app.calibration.moderating import Findings, Plan, go
from app.calibration.report.moderated import About, facts, full_text, main_table, page
from app.calibration.store import Measured
from app.core.geometry import Size
from app.core.model import Detection, Feature, Picture

UNSAFE = tuple(f"unsafe/{number}" for number in range(8))
HOSTILE = "safe/<b>"
SAFE = (*(f"safe/{number:02}" for number in range(11)), HOSTILE)


def photo(name: str) -> Photo:
    return Photo(name, Path(name), Picture("jpeg", Size(64, 48)))


LABELLED = Labelled(
    Dataset(f"folder:{HOSTILE}", tuple(photo(name) for name in sorted(UNSAFE + SAFE)), has_truth=False), frozenset(UNSAFE)
)


@dataclass
class Vendor:
    """Scores of photographs alone; on a sheet what counts is divided by the square root of the sheet's images."""

    scores: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(UNSAFE, 0.96))
    silent_from: int = 100
    stored: dict[tuple[str, ...], dict[str, Measured]] = field(default_factory=dict)

    async def ask(self, name: str, sheets: Sequence[PlannedSheet]) -> dict[str, Measured]:
        answers: dict[str, Measured] = {}
        for sheet in sheets:
            size = len(sheet.photo_ids)
            if size < self.silent_from:
                best = max(self.scores.get(one, 0.0) for one in sheet.photo_ids) / size**0.5
                found = (Detection(Feature.MODERATION, "adult", best, None),) if best else ()
                self.stored[sheet.photo_ids] = {one: Measured(found, 1 / size) for one in sheet.photo_ids}
                answers.update(self.stored[sheet.photo_ids])
        return answers

    def answers_of(self, sheet: PlannedSheet) -> Mapping[str, Measured]:
        return self.stored.get(sheet.photo_ids, {})


async def measured(
    vendor: Vendor, sizes: tuple[int, ...] = (2, 4, 9), labelled: Labelled = LABELLED, largest: int = 9
) -> Findings:
    said: list[str] = []
    return await go(Plan(sizes, 1, 0.99, largest, vendor.ask, vendor.answers_of), labelled, said.append)


async def test_the_margin_grows_with_the_group() -> None:
    found = await measured(Vendor())
    margins = {group.size: group.chosen.margin for group in found.groups}
    assert margins == {2: 0.25, 4: 0.5, 9: 0.65}  # 0.96 / sqrt(size) against 0.9 x (1 - margin)
    assert all(group.chosen.is_enough for group in found.groups)
    assert (found.advised, found.notes) == (9, [])


async def test_what_the_provider_does_not_flag_alone_is_no_groups_fault() -> None:
    scores = dict.fromkeys(UNSAFE, 0.55) | {UNSAFE[0]: 0.2}
    found = await measured(Vendor(scores), (4,))
    assert found.groups[0].chosen.margin == 0.45  # 0.275 against 0.5 x (1 - margin)


async def test_sizes_that_miss_the_goal_are_named_with_the_largest_that_does_not() -> None:
    class Blind(Vendor):
        async def ask(self, name: str, sheets: Sequence[PlannedSheet]) -> dict[str, Measured]:
            answers = await super().ask(name, sheets)
            for sheet in sheets:
                if len(sheet.photo_ids) == 9:
                    self.stored[sheet.photo_ids] = {one: Measured((), 1 / 9) for one in sheet.photo_ids}
            return answers

    found = await measured(Blind())
    assert found.advised == 4
    assert found.groups[-1].chosen.margin == 0.9
    [note] = found.notes
    assert note.startswith("WARNING")
    assert "in groups of 9" in note
    assert "TESSERA_MODERATE_GROUP to 4 at most" in note
    assert "0.90 !" in main_table(found)


async def test_groups_larger_than_measured_are_mentioned() -> None:
    found = await measured(Vendor(), (2, 4), largest=9)
    assert "groups above 4 were not measured" in found.notes[0]


async def test_too_few_safe_photographs_leave_a_size_out() -> None:
    found = await measured(Vendor(), (4, 16))
    assert [group.size for group in found.groups] == [4]
    assert found.notes[0] == "groups of 16 were not measured: they need 16 safe photographs, there are 12"


async def test_neighbours_that_score_themselves_are_said() -> None:
    found = await measured(Vendor(dict.fromkeys(UNSAFE, 0.96) | dict.fromkeys(SAFE, 0.1)), (4,))
    assert "some neighbours score by themselves" in found.notes[0]


async def test_sheets_without_an_answer_are_no_evidence() -> None:
    found = await measured(Vendor(silent_from=9))
    assert [group.size for group in found.groups] == [2, 4]
    assert any("got no answer" in note for note in found.notes)
    assert any("no sheet with a photograph that is flagged alone" in note for note in found.notes)
    with pytest.raises(DatasetError, match="no group could be measured"):
        await measured(Vendor(silent_from=2))


async def test_a_provider_that_sees_nothing_unsafe_cannot_be_measured() -> None:
    with pytest.raises(DatasetError, match="flags none of the 8 unsafe photographs"):
        await measured(Vendor(dict.fromkeys(UNSAFE, 0.4)))


class TestReport:
    """What people and the server get of it."""

    ABOUT = About(LABELLED.dataset, "google at home", 0.99, paid=100, paid_dollars=0.15, unanswered={HOSTILE: "not today"})

    async def test_the_table_begins_with_the_provider_itself(self) -> None:
        found = await measured(Vendor(dict.fromkeys(UNSAFE[:6], 0.96)))
        lines = main_table(found).splitlines()
        assert lines[2].split()[:4] == ["alone", "20", "-", "0.750"]
        assert lines[3].split()[:4] == ["2", str(8 + 12), "0.25", "1.000"]

    async def test_the_text_has_all_margins_of_all_sizes(self) -> None:
        text = full_text(await measured(Vendor()), self.ABOUT)
        assert text.count("Groups of ") == 3
        assert text.count("\n0.45 ") == 3
        assert "not today" in text

    async def test_the_page_escapes_and_loads_nothing(self) -> None:
        shown = page(await measured(Vendor()), self.ABOUT)
        assert "<b>" not in shown
        assert escape(HOSTILE) in shown
        assert "src=" not in shown

    async def test_the_server_s_file_says_what_the_margins_rest_on(self) -> None:
        said = json.loads(json.dumps(facts(await measured(Vendor(dict.fromkeys(UNSAFE, 0.7)), (4,)), self.ABOUT)))
        assert said["largest_group"] == 4
        assert said["groups"]["4"]["reached"] is True
        assert said["groups"]["4"]["sensitivity"]["0.5"]["of"] == 8
        assert said["groups"]["4"]["sensitivity"]["0.9"] is None  # none is so sure alone
