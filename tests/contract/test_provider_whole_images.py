"""Labels and unsafe content of single images, asked of the emulated vendors over their own wires.

What is promised: findings without a place, one paid inference for a question, and a threshold that tells clean images from
others. The emulators look at the pixels; they share no code with the providers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from app.core.model import Feature, Inquiry
from app.core.moderation import category_of, is_unsafe
from app.detectors.markers import marker_class
from app.emulators.meanings import FIRST_UNSAFE_ID
from app.providers.build import EMULATOR_CREDENTIALS, ProviderOptions, build_provider
from app.providers.contract import Provider
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.marker_scenes import Placed, busy, stored

PATIENT_S = 60.0
VENDORS = ("rekognition", "google", "azure")
SAFE_IDS = (7, 130)


def picture(*marker_ids: int) -> bytes:
    """Large markers, side by side."""
    placed = [Placed(marker_id, 20 + 300 * place, 60, 260) for place, marker_id in enumerate(marker_ids)]
    return stored(busy(640, 400, *placed), quality=92)


CLEAN, UNSAFE = picture(*SAFE_IDS), picture(SAFE_IDS[0], FIRST_UNSAFE_ID)


@dataclass(frozen=True, slots=True)
class Row:
    """One vendor, and its emulator."""

    vendor: str
    emulator: RunningEmulator

    @asynccontextmanager
    async def provider(self) -> AsyncIterator[Provider]:
        built = build_provider(
            ProviderOptions(
                self.vendor,
                self.emulator.url,
                region="us-east-1",
                credentials=EMULATOR_CREDENTIALS,
                azure_key="KEY",
                upstream_grpc=self.emulator.grpc or None,
            )
        )
        try:
            yield built
        finally:
            await built.aclose()


@pytest.fixture(scope="module")
def emulators() -> Iterator[dict[str, RunningEmulator]]:
    with ExitStack() as stack:
        yield {vendor: stack.enter_context(running_emulator("--no-classical", vendor=vendor)) for vendor in VENDORS}


@pytest.fixture(params=VENDORS)
def row(request: pytest.FixtureRequest, emulators: dict[str, RunningEmulator]) -> Row:
    vendor: str = request.param
    return Row(vendor, emulators[vendor])


async def test_an_image_is_labelled_without_places_for_one_inference(row: Row) -> None:
    paid = row.emulator.paid()
    async with row.provider() as provider:
        reading = await provider.infer(CLEAN, Inquiry(Feature.LABELS), timeout_s=PATIENT_S)
    assert row.emulator.paid() == paid + 1
    assert (reading.broken, reading.truncated) == (0, False)
    assert {(one.feature, one.vendor, one.box) for one in reading.detections} == {(Feature.LABELS, row.vendor, None)}
    labels = {one.label.lower() for one in reading.detections}
    assert len(labels) == len(reading.detections)
    classes = {marker_class(marker_id).lower() for marker_id in SAFE_IDS}
    assert len(classes) == len(SAFE_IDS)
    assert classes <= labels


@pytest.mark.parametrize("min_score_unit", [0.5, 0.15])
async def test_a_clean_image_has_nothing_against_it(row: Row, min_score_unit: float) -> None:
    inquiry = Inquiry(Feature.MODERATION, min_score_unit=min_score_unit)
    paid = row.emulator.paid()
    async with row.provider() as provider:
        reading = await provider.infer(CLEAN, inquiry, timeout_s=PATIENT_S)
    assert row.emulator.paid() == paid + 1
    assert (reading.broken, reading.truncated) == (0, False)
    assert not is_unsafe(reading.detections, inquiry)


async def test_unsafe_content_is_found_and_its_category_known(row: Row) -> None:
    inquiry = Inquiry(Feature.MODERATION, min_score_unit=0.5)
    async with row.provider() as provider:
        reading = await provider.infer(UNSAFE, inquiry, timeout_s=PATIENT_S)
    assert is_unsafe(reading.detections, inquiry)
    assert {(one.feature, one.vendor, one.box) for one in reading.detections} == {(Feature.MODERATION, row.vendor, None)}
    against = [one for one in reading.detections if one.score_unit >= 0.5]
    assert all(category_of(one) is not None for one in against)


OWN_WORDS = {
    ("rekognition", Feature.LABELS): '{"MaxLabels":1}',
    ("rekognition", Feature.MODERATION): '{"MinConfidence":50.0}',
    ("google", Feature.LABELS): '{"features":[{"type":"LABEL_DETECTION","maxResults":1}]}',
    ("google", Feature.MODERATION): '{"features":[{"type":"SAFE_SEARCH_DETECTION"}]}',
    ("azure", Feature.LABELS): "api-version=2023-10-01&features=tags",
    ("azure", Feature.MODERATION): "visualFeatures=Adult",
}


@pytest.mark.parametrize("feature", [Feature.LABELS, Feature.MODERATION])
async def test_a_client_of_the_vendor_is_asked_for_in_its_own_words(row: Row, feature: Feature) -> None:
    inquiry = Inquiry(feature, own_vendor=row.vendor, own_request=OWN_WORDS[row.vendor, feature])
    async with row.provider() as provider:
        reading = await provider.infer(UNSAFE, inquiry, timeout_s=PATIENT_S)
    assert reading.verbatim
    assert reading.detections
    if feature is Feature.LABELS and row.vendor != "azure":
        assert len(reading.detections) == 1
