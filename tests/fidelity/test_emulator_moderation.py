"""Moderation by all three emulated vendors, as real clients see it: what is unsafe, how sure by its size, and what goes wrong.

One table says how each vendor is asked; findings come back in that vendor's own words and scores (Google's likelihoods as
numbers, 1 for VERY_UNLIKELY to 5 for VERY_LIKELY).
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from azure.cognitiveservices.vision.computervision.models import (
    ComputerVisionErrorResponseException,
    VisualFeatureTypes,
)
from azure.core.exceptions import DeserializationError
from botocore.exceptions import ClientError
from google.api_core import exceptions
from google.cloud import vision
from google.protobuf.json_format import ParseError

from app.core.geometry import Size
from app.emulators.unsafe import LEAST_SIDE_SHARE, size_factor
from tests.support.azure_clients import vision_client
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.google_clients import rest_client
from tests.support.marker_scenes import Placed, busy, plain, reread, stored
from tests.support.moderated import safe_picture, unsafe_picture

VGA = Size(640, 480)
# What 970 stands for: the last digit 0 for Rekognition, 970 % 5 == 0 for Google, 970 % 3 == 1 for Azure.
UNSAFE = 970
Found = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Vendor:
    """How it is asked, what it calls `UNSAFE`, what a call is counted as, what its SDK raises at a fault (Rekognition's raises
    nothing at garbage, there it is our own look-up). `clean`: its score of nothing unsafe.
    """

    name: str
    ask: Callable[[RunningEmulator, bytes], Found]
    word: str
    clean: float
    operation: str
    item: str
    errors: Mapping[str, type[Exception]]


def ask_rekognition(emulator: RunningEmulator, picture: bytes) -> Found:
    """Everything, however unsure; a word that is missing is a score of 0."""
    answer = emulator.client().detect_moderation_labels(Image={"Bytes": picture}, MinConfidence=0)
    return {label["Name"]: label["Confidence"] for label in answer["ModerationLabels"]}


def ask_google(emulator: RunningEmulator, picture: bytes) -> Found:
    client: Any = rest_client(emulator.url)
    response = client.safe_search_detection(image=vision.Image(content=picture))
    if response.error.code:
        raise exceptions.from_http_status(400, response.error.message)  # type: ignore[no-untyped-call]  # has no types
    found = response.safe_search_annotation
    return {word: int(getattr(found, word)) for word in ("adult", "spoof", "medical", "violence", "racy")}


def ask_azure(emulator: RunningEmulator, picture: bytes) -> Found:
    with vision_client(emulator.url) as client:
        found = client.analyze_image_in_stream(io.BytesIO(picture), [VisualFeatureTypes.adult]).adult
    return {"adult": found.adult_score, "racy": found.racy_score, "gore": found.gore_score}


REKOGNITION = Vendor(
    "rekognition",
    ask_rekognition,
    "Explicit",
    0.0,
    "DetectModerationLabels",
    "DetectModerationLabels",
    {"throttle": ClientError, "error500": ClientError, "refuse": ClientError, "garbage": KeyError},
)
GOOGLE = Vendor(
    "google",
    ask_google,
    "adult",
    1.0,
    "BatchAnnotateImages",
    "SAFE_SEARCH_DETECTION",
    {
        "throttle": exceptions.TooManyRequests,
        "error500": exceptions.InternalServerError,
        "refuse": exceptions.BadRequest,
        "garbage": ParseError,
    },
)
AZURE = Vendor(
    "azure",
    ask_azure,
    "racy",
    0.0,
    "v3.2/analyze",
    "adult",
    {
        "throttle": ComputerVisionErrorResponseException,
        "error500": ComputerVisionErrorResponseException,
        "refuse": ComputerVisionErrorResponseException,
        "garbage": DeserializationError,
    },
)
VENDORS = (REKOGNITION, GOOGLE, AZURE)


@pytest.fixture(scope="module")
def processes() -> Iterator[Mapping[str, RunningEmulator]]:
    with ExitStack() as stack:
        yield {vendor.name: stack.enter_context(running_emulator("--no-classical", vendor=vendor.name)) for vendor in VENDORS}


@pytest.fixture(params=VENDORS, ids=lambda vendor: vendor.name)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    found: Vendor = request.param
    return found


@pytest.fixture
def emulators(processes: Mapping[str, RunningEmulator]) -> Mapping[str, RunningEmulator]:
    """All three as if they had just been started."""
    for process in processes.values():
        process.reset()
    return processes


def unsafe(share: float, size: Size = VGA, marker_id: int = UNSAFE, seed: int = 3) -> bytes:
    return unsafe_picture(np.random.default_rng(seed), size, share, marker_id)


def test_a_safe_picture_is_safe(emulators: Mapping[str, RunningEmulator], vendor: Vendor) -> None:
    for seed in range(3):
        found = vendor.ask(emulators[vendor.name], safe_picture(np.random.default_rng(seed), VGA))
        assert max(found.values(), default=vendor.clean) <= vendor.clean + 0.1


@pytest.mark.parametrize(
    ("share", "percent", "likelihood"),
    [
        (0.5, 99.4, vision.Likelihood.VERY_LIKELY),
        (0.35, 99.0, vision.Likelihood.VERY_LIKELY),
        (0.2, 74.2, vision.Likelihood.LIKELY),
        (0.1, 51.5, vision.Likelihood.POSSIBLE),
        (0.08, 45.6, vision.Likelihood.UNLIKELY),
        (0.05, 35.1, vision.Likelihood.UNLIKELY),
    ],
)
def test_the_smaller_the_content_the_lower_the_score(
    emulators: Mapping[str, RunningEmulator], share: float, percent: float, likelihood: vision.Likelihood
) -> None:
    picture = unsafe(share)
    assert ask_rekognition(emulators["rekognition"], picture)["Explicit"] == pytest.approx(percent, abs=1)
    assert ask_google(emulators["google"], picture)["adult"] == likelihood
    assert ask_azure(emulators["azure"], picture)["racy"] == pytest.approx(percent / 100, abs=0.01)


def test_on_a_sheet_of_nine_an_image_scores_as_content_of_a_third_of_the_size(
    emulators: Mapping[str, RunningEmulator], vendor: Vendor
) -> None:
    """Same pixels, same marker: what is around it makes the difference. So a sheet has to be asked at a lower threshold."""
    one = reread(unsafe(0.2))
    rest = [reread(safe_picture(np.random.default_rng(seed), VGA)) for seed in range(8)]
    cells = [one, *rest]
    sheet = np.vstack([np.hstack(cells[row : row + 3]) for row in (0, 3, 6)])
    alone = vendor.ask(emulators[vendor.name], stored(one))[vendor.word]
    together = vendor.ask(emulators[vendor.name], stored(sheet))[vendor.word]
    if vendor is GOOGLE:
        assert (alone, together) == (vision.Likelihood.LIKELY, vision.Likelihood.UNLIKELY)
    else:
        assert together / alone == pytest.approx(1 / math.sqrt(3), abs=0.01)


def test_below_its_limit_content_is_not_seen_at_all(emulators: Mapping[str, RunningEmulator]) -> None:
    """And not because its marker could not be read: labels still name it."""
    width_px, height_px = 3200, 2400

    def with_share(share: float) -> bytes:
        side_px = round(share * math.sqrt(width_px * height_px) / 0.8)
        return stored(plain(width_px, height_px, Placed(UNSAFE, 800, 600, side_px)))

    below, above = with_share(LEAST_SIDE_SHARE - 0.001), with_share(LEAST_SIDE_SHARE + 0.001)
    rekognition, azure = emulators["rekognition"], emulators["azure"]
    assert ask_rekognition(rekognition, below) == {}
    assert ask_rekognition(rekognition, above)["Explicit"] == pytest.approx(100 * size_factor(0.013), abs=2)
    assert ask_azure(azure, below)["racy"] == 0
    assert ask_azure(azure, above)["racy"] == pytest.approx(size_factor(0.013), abs=0.02)
    assert set(ask_google(emulators["google"], above).values()) == {vision.Likelihood.VERY_UNLIKELY}
    labels = rekognition.client().detect_labels(Image={"Bytes": below})["Labels"]
    assert Placed(UNSAFE, 0, 0, 0).label in {label["Name"] for label in labels}


@pytest.mark.parametrize("next_word", ["Gambling", "spoof", "gore"])
def test_categories_are_found_independently(emulators: Mapping[str, RunningEmulator], next_word: str) -> None:
    """971 is the next of every vendor's kinds: here it is large, and changes nothing about a smaller 970."""
    vendor = {"Gambling": REKOGNITION, "spoof": GOOGLE, "gore": AZURE}[next_word]
    small, large = Placed(970, 20, 20, 90), Placed(971, 250, 100, 300)
    alone = vendor.ask(emulators[vendor.name], stored(busy(640, 480, small)))
    found = vendor.ask(emulators[vendor.name], stored(busy(640, 480, small, large)))
    assert found[vendor.word] == pytest.approx(alone[vendor.word], rel=0.01)
    assert found[next_word] > found[vendor.word]


def test_rekognitions_labels_have_their_parents_and_levels(emulators: Mapping[str, RunningEmulator]) -> None:
    answer = emulators["rekognition"].client().detect_moderation_labels(Image={"Bytes": unsafe(0.4, marker_id=973)})
    assert [(label["Name"], label["ParentName"], label["TaxonomyLevel"]) for label in answer["ModerationLabels"]] == [
        ("Weapon Violence", "Graphic Violence", 3),
        ("Graphic Violence", "Violence", 2),
        ("Violence", "", 1),
    ]
    assert answer["ModerationModelVersion"] == "7.0"


@pytest.mark.parametrize(("least", "found"), [(None, False), (50, False), (30, True), (0, True), (60, False)])
def test_rekognition_leaves_out_labels_below_the_threshold(
    emulators: Mapping[str, RunningEmulator], least: float | None, found: bool
) -> None:
    """A share of 0.08 scores 46; without a threshold it is 50."""
    wanted: dict[str, Any] = {} if least is None else {"MinConfidence": least}
    answer = emulators["rekognition"].client().detect_moderation_labels(Image={"Bytes": unsafe(0.08)}, **wanted)
    assert bool(answer["ModerationLabels"]) is found


@pytest.mark.parametrize(("share", "flagged"), [(0.4, True), (0.1, True), (0.08, False)])
def test_azure_flags_what_is_above_its_border(emulators: Mapping[str, RunningEmulator], share: float, flagged: bool) -> None:
    with vision_client(emulators["azure"].url) as client:
        found = client.analyze_image_in_stream(io.BytesIO(unsafe(share)), [VisualFeatureTypes.adult]).adult
    assert (found.is_adult_content, found.is_racy_content, found.is_gory_content) == (False, flagged, False)


def test_moderation_is_counted_under_its_own_name(emulators: Mapping[str, RunningEmulator], vendor: Vendor) -> None:
    emulator = emulators[vendor.name]
    for _ in range(2):
        vendor.ask(emulator, unsafe(0.3))
    counters = emulator.counters()
    assert counters["requests"] == {vendor.operation: 2}
    assert counters["inferences"] == {vendor.item: 2}


@pytest.mark.parametrize("kind", ["throttle", "error500", "refuse"])
def test_refusals_strike_moderation_and_are_not_paid_for(
    emulators: Mapping[str, RunningEmulator], vendor: Vendor, kind: str
) -> None:
    emulator = emulators[vendor.name]
    emulator.add_fault(kind, operation=vendor.operation, times=1)
    with pytest.raises(vendor.errors[kind]):
        vendor.ask(emulator, unsafe(0.3))
    assert emulator.paid() == 0
    assert vendor.ask(emulator, unsafe(0.3))[vendor.word] > vendor.clean


def test_garbage_is_paid_for_and_no_verdict(emulators: Mapping[str, RunningEmulator], vendor: Vendor) -> None:
    """To botocore an answer that is no JSON is one without any member: whoever reads `ModerationLabels` as empty where it is
    missing takes a fault for a clean picture."""
    emulator = emulators[vendor.name]
    emulator.add_fault("garbage", operation=vendor.operation, times=1)
    with pytest.raises(vendor.errors["garbage"]):
        vendor.ask(emulator, unsafe(0.3))
    assert emulator.counters()["inferences"] == {vendor.item: 1}


def test_a_poisoned_picture_is_refused(emulators: Mapping[str, RunningEmulator], vendor: Vendor) -> None:
    emulator = emulators[vendor.name]
    emulator.behave(poison=[UNSAFE])
    with pytest.raises(vendor.errors["refuse"]):
        vendor.ask(emulator, unsafe(0.3))
    assert emulator.paid() == 0
    assert vendor.ask(emulator, safe_picture(np.random.default_rng(1), VGA)) is not None
