"""The guarantees of a provider (P1 to P4 in app/providers/contract.py) for models that run in this process.

There is no wire and no vendor's error here, so the rows of test_provider.py about these have no meaning; all others do.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.core.detector_input import DetectorInput, InputFit
from app.core.geometry import Size, UnitBox
from app.core.labels import labels_of
from app.core.model import Feature, Inquiry, RawRequest
from app.detectors.contract import Detector, ModelFacts, Sighting, UnusableModel
from app.errors import Kind, Problem
from app.providers.build import ProviderOptions, build_provider
from app.providers.contract import Upstream
from app.providers.local import LocalProvider
from tests.support.bad_images import cut, undecodable
from tests.support.colour_model import patches, write_colour_model

PATIENT_S = 20.0
SHORT_S = 0.2
SCENE = patches(Size(800, 600), {"Red": (80, 60, 240, 300), "Blue": (400, 300, 800, 600)})
SEEN = DetectorInput(InputFit.STRETCH, Size(64, 64))
PEOPLE = [Sighting("person", "Person", 0.4, (8, 8, 16, 32)), Sighting("object", "Dog", 0.002, (0, 0, 64, 64), parents=("Pet",))]


class Eye:
    """A model that does what the test says."""

    def __init__(self, look: Callable[[NDArray[np.uint8]], list[Sighting]], has_people: bool = False) -> None:
        self._look = look
        self.facts = ModelFacts("eye:1", SEEN, has_people, 0.25)

    def look(self, rgb: NDArray[np.uint8]) -> list[Sighting]:
        return self._look(rgb)


@asynccontextmanager
async def local(eye: Eye, looks_at_once: int = 1) -> AsyncIterator[LocalProvider]:
    provider = LocalProvider("onnx", eye, dollars=0.001, looks_at_once=looks_at_once)
    try:
        yield provider
    finally:
        await provider.aclose()


@asynccontextmanager
async def onnx(folder: Path) -> AsyncIterator[Upstream]:
    provider = build_provider(ProviderOptions("onnx", model=str(write_colour_model(folder)), dollars=0.002))
    try:
        yield provider
    finally:
        await provider.aclose()


async def problem_of(provider: Upstream, image: bytes = SCENE.content, timeout_s: float = PATIENT_S) -> Problem:
    with pytest.raises(Problem) as raised:
        await provider.infer(image, Inquiry(Feature.OBJECTS), timeout_s=timeout_s)
    return raised.value


async def test_what_it_declares_is_whole(tmp_path: Path) -> None:
    async with onnx(tmp_path) as provider:
        declared = provider.capabilities
    assert (declared.provider, declared.vendor) == ("onnx", "onnx")
    assert declared.features == {Feature.OBJECTS, Feature.LABELS} == set(declared.max_image_bytes)
    assert declared.formats == {"jpeg", "png", "webp"}
    assert 1 <= declared.min_side_px <= declared.sheet_side_px <= declared.max_side_px
    assert declared.dollars(Feature.OBJECTS) == declared.dollars(Feature.LABELS) == 0.002


async def test_sheets_are_sized_for_what_the_model_sees(tmp_path: Path) -> None:
    async with onnx(tmp_path) as provider:
        declared = provider.capabilities
    assert declared.input == DetectorInput(InputFit.LETTERBOX, Size(512, 512))
    assert declared.sheet_side_px == 1024


async def test_its_address_is_the_model_s_own_wherever_it_lies(tmp_path: Path) -> None:
    addresses = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        async with onnx(tmp_path / name) as provider:
            await provider.warm_up()
            addresses.append(await provider.address())
    assert addresses[0] == addresses[1]
    assert addresses[0].startswith("onnx:colours.onnx:")


async def test_p1_one_call_is_one_look() -> None:
    looks: list[tuple[int, ...]] = []

    def look(rgb: NDArray[np.uint8]) -> list[Sighting]:
        looks.append(rgb.shape)
        raise UnusableModel("no")

    async with local(Eye(look)) as provider:
        assert (await problem_of(provider)).kind is Kind.PROVIDER_GARBLED
    assert looks == [(192, 256, 3)]  # four times the input's longest side: no larger is decoded


async def test_p2_everything_that_was_found_is_in_ratios_of_the_image_that_was_sent(tmp_path: Path) -> None:
    async with onnx(tmp_path) as provider:
        reading = await provider.infer(SCENE.content, Inquiry(Feature.OBJECTS), timeout_s=PATIENT_S)
    found = {one.label: one for one in reading.detections}
    assert found.keys() == {"Red", "Blue"}
    for thing in SCENE.objects:
        one = found[thing.label]
        assert one.box is not None
        assert (one.feature, one.vendor, one.score_unit) == (Feature.OBJECTS, "onnx", 1.0)
        assert edges(one.box) == pytest.approx(edges(thing.box), abs=1.5 / 512)


def edges(box: UnitBox) -> tuple[float, ...]:
    return box.left, box.top, box.right, box.bottom


@pytest.mark.parametrize(("min_score_unit", "labels"), [(None, ["Person", "Dog"]), (0.0, ["Person", "Dog"]), (0.3, ["Person"])])
async def test_p2_nothing_is_left_out_unless_a_score_is_asked_for(min_score_unit: float | None, labels: list[str]) -> None:
    async with local(Eye(lambda rgb: PEOPLE)) as provider:
        inquiry = Inquiry(Feature.OBJECTS, min_score_unit=min_score_unit)
        reading = await provider.infer(SCENE.content, inquiry, timeout_s=PATIENT_S)
    assert [one.label for one in reading.detections] == labels


async def test_p2_ancestors_are_kept() -> None:
    async with local(Eye(lambda rgb: PEOPLE)) as provider:
        reading = await provider.infer(SCENE.content, Inquiry(Feature.OBJECTS), timeout_s=PATIENT_S)
    assert [one.fields for one in reading.detections] == [{}, {"parents": ["Pet"]}]


async def test_people_are_offered_where_the_model_knows_them() -> None:
    async with local(Eye(lambda rgb: PEOPLE, has_people=True)) as provider:
        assert provider.capabilities.features == {Feature.OBJECTS, Feature.LABELS, Feature.PEOPLE}
        reading = await provider.infer(SCENE.content, Inquiry(Feature.PEOPLE), timeout_s=PATIENT_S)
    assert [(one.feature, one.label) for one in reading.detections] == [(Feature.PEOPLE, "Person")]


async def test_labels_are_those_that_detection_would_gather() -> None:
    """The same as from a sheet, so that it does not matter which way an image went."""
    seen = [*PEOPLE, Sighting("object", "Dog", 0.5, (32, 0, 64, 64), parents=("Pet",))]
    async with local(Eye(lambda rgb: seen)) as provider:
        objects = await provider.infer(SCENE.content, Inquiry(Feature.OBJECTS, min_score_unit=0.0), timeout_s=PATIENT_S)
        labels = await provider.infer(SCENE.content, Inquiry(Feature.LABELS, min_score_unit=0.0), timeout_s=PATIENT_S)
    assert labels.detections == labels_of(objects.detections)
    assert [(one.feature, one.label, one.score_unit, one.box, one.fields) for one in labels.detections] == [
        (Feature.LABELS, "Dog", 0.5, None, {"count": 2, "parents": ["Pet"]}),
        (Feature.LABELS, "Pet", 0.5, None, {"count": 0}),
        (Feature.LABELS, "Person", 0.4, None, {"count": 1}),
    ]


@pytest.mark.parametrize(
    ("min_score_unit", "counts"),
    [(None, {"Person": 1, "Dog": 1}), (0.25, {"Person": 1, "Dog": 1}), (0.001, {"Person": 1, "Dog": 2}), (0.45, {"Dog": 1})],
)
async def test_labels_count_only_boxes_that_would_be_shown(min_score_unit: float | None, counts: dict[str, int]) -> None:
    """Above the client's threshold, or the usual one: hundreds of boxes lie above a model's floor."""
    seen = [*PEOPLE, Sighting("object", "Dog", 0.5, (32, 0, 64, 64))]
    async with local(Eye(lambda rgb: seen)) as provider:
        inquiry = Inquiry(Feature.LABELS, min_score_unit=min_score_unit)
        reading = await provider.infer(SCENE.content, inquiry, timeout_s=PATIENT_S)
    assert {one.label: one.fields["count"] for one in reading.detections if one.fields["count"]} == counts


@pytest.mark.parametrize(
    "image", [b"", b"GIF89a", cut("jpeg", 0.01), undecodable("png")], ids=["nothing", "gif", "cut off", "no pixels"]
)
async def test_p3_what_is_no_image_is_refused_as_an_image(tmp_path: Path, image: bytes) -> None:
    async with onnx(tmp_path) as provider:
        problem = await problem_of(provider, image)
    assert problem.kind is Kind.IMAGE_REFUSED
    assert problem.detail.startswith("The model cannot read the image: ")


async def test_p3_no_memory_is_unavailable() -> None:
    def look(rgb: NDArray[np.uint8]) -> list[Sighting]:
        raise MemoryError

    async with local(Eye(look)) as provider:
        assert (await problem_of(provider)).kind is Kind.PROVIDER_UNAVAILABLE


async def test_p3_requests_of_vendors_are_not_taken(tmp_path: Path) -> None:
    async with onnx(tmp_path) as provider:
        with pytest.raises(Problem) as raised:
            await provider.forward(RawRequest("POST", "/", "", {}, b""), timeout_s=PATIENT_S)
    assert raised.value.kind is Kind.UNKNOWN_OPERATION


async def test_p3_a_closed_provider_says_so(tmp_path: Path) -> None:
    async with onnx(tmp_path) as provider:
        await provider.aclose()
        assert (await problem_of(provider)).kind is Kind.SHUTTING_DOWN


class Slow(Eye):
    """Its looks begin, and end when the test lets them."""

    def __init__(self) -> None:
        super().__init__(self._wait)
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Event()
        self.looks = 0

    def _wait(self, rgb: NDArray[np.uint8]) -> list[Sighting]:
        self.looks += 1
        self.begun.release()
        self.may_end.wait(PATIENT_S)
        return []

    async def has_begun(self) -> None:
        await asyncio.to_thread(self.begun.acquire)


async def test_p3_closing_ends_a_call_under_way_with_a_problem() -> None:
    eye = Slow()
    async with local(eye) as provider:
        calling = [asyncio.create_task(problem_of(provider)) for _ in range(2)]  # one looks, one waits for its turn
        await eye.has_begun()
        await provider.aclose()
        assert {(await call).kind for call in calling} == {Kind.SHUTTING_DOWN}
        eye.may_end.set()
    assert eye.looks == 1


async def test_p4_a_call_ends_in_its_time_and_one_that_never_began_was_not_bought() -> None:
    eye = Slow()
    async with local(eye) as provider:
        looking = asyncio.create_task(problem_of(provider, timeout_s=SHORT_S))
        await eye.has_begun()
        waiting = await problem_of(provider, timeout_s=SHORT_S)
        assert [(await looking).kind, waiting.kind] == [Kind.PROVIDER_TIMEOUT, Kind.PROVIDER_UNAVAILABLE]
        eye.may_end.set()
    assert eye.looks == 1


@pytest.mark.parametrize("timeout_s", [0.0, -1.0])
async def test_p4_no_time_is_no_look(timeout_s: float) -> None:
    eye = Slow()
    async with local(eye) as provider:
        assert (await problem_of(provider, timeout_s=timeout_s)).kind is Kind.PROVIDER_UNAVAILABLE
    assert eye.looks == 0


async def test_a_cancelled_call_stays_cancelled_and_harms_no_later_one() -> None:
    eye = Slow()
    async with local(eye) as provider:
        calling = asyncio.create_task(provider.infer(SCENE.content, Inquiry(Feature.OBJECTS), timeout_s=PATIENT_S))
        await eye.has_begun()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        eye.may_end.set()
        reading = await provider.infer(SCENE.content, Inquiry(Feature.OBJECTS), timeout_s=PATIENT_S)
    assert reading.detections == ()


async def test_as_many_looks_at_once_as_there_are_threads() -> None:
    eye = Slow()
    async with local(eye, looks_at_once=3) as provider, asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(provider.infer(SCENE.content, Inquiry(Feature.OBJECTS), timeout_s=PATIENT_S))
        for _ in range(3):
            await eye.has_begun()
        assert eye.looks == 3
        eye.may_end.set()
    assert eye.looks == 4


def test_a_model_that_cannot_be_used_is_told_when_it_is_built(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(UnusableModel, match="not an ONNX model"):
        build_provider(ProviderOptions("onnx", model=str(tmp_path / "broken.onnx")))


def test_the_eye_of_these_tests_is_a_detector() -> None:
    eye: Detector = Eye(lambda rgb: [])
    assert eye.look(np.zeros((1, 1, 3), np.uint8)) == []
