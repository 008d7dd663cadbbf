"""From a sheet to each client's pixels: Azure's own items, in the typed shape that its provider makes, through the demux."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.demux import demultiplex
from app.core.geometry import PixelBox, Size, UnitBox, UnitPoint
from app.core.layout import GridPlan, GridRules, Placement, plan_grid
from app.core.model import Answer, Detection, Feature, GridMode, Layout, Outcome, Picture, Tree
from app.wire.azure import AzureOptions, azure_dialects
from app.wire.contract import Call
from tests.support.wire import azure_request

DIALECT = azure_dialects(AzureOptions(grid_text=True)).analysis
SIZES = st.builds(Size, st.integers(50, 4000), st.integers(50, 4000))
KEPT = GridRules(GridMode.KEPT, 2000)
# Ids of the images, and what each of them shows.
JOBS = ("one", "two", "three")


@st.composite
def sheets(draw: st.DrawFn) -> tuple[GridPlan, dict[str, list[PixelBox]]]:
    """A plan, and a few boxes on whole pixels of each of its images."""
    images = [(job, draw(SIZES)) for job in JOBS[: draw(st.integers(1, len(JOBS)))]]
    plan = plan_grid(images, [Layout(2, 2)], KEPT, {})
    return plan, {job: draw(st.lists(_boxes(size), max_size=3)) for job, size in images}


def _boxes(size: Size) -> st.SearchStrategy[PixelBox]:
    return st.builds(
        lambda x, y, w, h: PixelBox(x, y, min(x + w, size.width_px), min(y + h, size.height_px)),
        st.integers(0, size.width_px - 1),
        st.integers(0, size.height_px - 1),
        st.integers(1, size.width_px),
        st.integers(1, size.height_px),
    )


def corners(box: PixelBox) -> list[tuple[float, float]]:
    left, top, right, bottom = box
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def on_sheet(plan: GridPlan, place: Placement, box: PixelBox, feature: Feature, label: str) -> Detection:
    """What the provider says of a thing at `box` of one image: all words of a sheet stand on one line."""
    there: UnitBox = place.to_sheet(box.to_unit(place.source), plan.sheet)
    item: dict[str, Tree] = {"confidence": 0.5, "label": label}
    if feature is Feature.TEXT:
        width, height = place.source.width_px, place.source.height_px
        item |= {
            "text": label,
            "boundingPolygon": [place.point_to_sheet(UnitPoint(x / width, y / height), plan.sheet) for x, y in corners(box)],
        }
        return Detection(feature, label, 0.5, there, "azure", {"line": 0, "block": 0, "word": item})
    name = "object" if feature is Feature.OBJECTS else "person"
    return Detection(feature, label, 0.5, there, "azure", {name: {**item, "boundingBox": there}})


def written(size: Size, feature: str, found: tuple[Detection, ...]) -> dict[str, Any]:
    call = DIALECT.read(azure_request(f"api-version=2024-02-01&features={feature}"))
    assert isinstance(call, Call)
    reply = DIALECT.write(call, Picture("jpeg", size), [Outcome("job", Answer(found))], "request-1")
    body: dict[str, Any] = json.loads(reply.body)
    assert body["metadata"] == {"width": size.width_px, "height": size.height_px}
    return body


def shares(plan: GridPlan, boxes: dict[str, list[PixelBox]], feature: Feature) -> dict[str, tuple[Detection, ...]]:
    things = [
        on_sheet(plan, place, box, feature, f"{place.job_id}-{number}")
        for place in plan.placements
        for number, box in enumerate(boxes[place.job_id])
    ]
    return dict(demultiplex(plan, things).by_job)


@settings(max_examples=60)
@given(sheets())
def test_objects_and_people_come_back_to_the_pixel(sheet: tuple[GridPlan, dict[str, list[PixelBox]]]) -> None:
    """Each image its own, in its own whole pixels, every other member of the vendor's item as it was."""
    plan, boxes = sheet
    for feature, name, member in ((Feature.OBJECTS, "objects", "objectsResult"), (Feature.PEOPLE, "people", "peopleResult")):
        by_job = shares(plan, boxes, feature)
        for place in plan.placements:
            values = written(place.source, name, by_job[place.job_id])[member]["values"]
            assert [value["label"] for value in values] == [f"{place.job_id}-{n}" for n in range(len(boxes[place.job_id]))]
            for value, box in zip(values, boxes[place.job_id], strict=True):
                left, top, right, bottom = box
                assert value["boundingBox"] == {"x": left, "y": top, "w": right - left, "h": bottom - top}
                assert value["confidence"] == 0.5


@settings(max_examples=60)
@given(sheets())
def test_a_line_over_several_images_is_a_line_of_each(sheet: tuple[GridPlan, dict[str, list[PixelBox]]]) -> None:
    plan, boxes = sheet
    by_job = shares(plan, boxes, Feature.TEXT)
    for place in plan.placements:
        own = boxes[place.job_id]
        blocks = written(place.source, "read", by_job[place.job_id])["readResult"]["blocks"]
        lines = [line for block in blocks for line in block["lines"]]
        assert [line["text"] for line in lines] == ([" ".join(f"{place.job_id}-{n}" for n in range(len(own)))] if own else [])
        found = [word["boundingPolygon"] for line in lines for word in line["words"]]
        assert found == [[{"x": x, "y": y} for x, y in corners(box)] for box in own]
