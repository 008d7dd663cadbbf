"""Labels of the whole image by all three emulated vendors, as real clients see them: from the pixels, and without places."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from azure.cognitiveservices.vision.computervision.models import VisualFeatureTypes
from google.cloud import vision

from tests.support.azure_clients import vision_client
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.google_clients import rest_client
from tests.support.marker_scenes import Placed, plain, stored

VENDORS = ("rekognition", "google", "azure")
EMPTY = stored(plain(400, 300))
LARGE, SMALL = (stored(plain(400, 300, Placed(8, 20, 20, side_px))) for side_px in (250, 50))


def rekognition(emulator: RunningEmulator, picture: bytes, **members: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = emulator.client().detect_labels(Image={"Bytes": picture}, **members)["Labels"]
    return found


def google(emulator: RunningEmulator, picture: bytes, **members: Any) -> dict[str, float]:
    client: Any = rest_client(emulator.url)
    response = client.label_detection(image=vision.Image(content=picture), **members)
    return {label.description: label.score for label in response.label_annotations}


def azure(emulator: RunningEmulator, picture: bytes) -> dict[str, float]:
    with vision_client(emulator.url) as client:
        found = client.analyze_image_in_stream(io.BytesIO(picture), [VisualFeatureTypes.tags])
    return {tag.name: tag.confidence for tag in found.tags}


@pytest.fixture(scope="module")
def emulators() -> Iterator[Mapping[str, RunningEmulator]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(running_emulator("--no-classical", vendor=name)) for name in VENDORS}


def named(name: str, emulator: RunningEmulator, picture: bytes) -> dict[str, float]:
    """Names in lower case with scores, 0 to 1."""
    if name == "rekognition":
        return {label["Name"].lower(): label["Confidence"] / 100 for label in rekognition(emulator, picture)}
    found = (google if name == "google" else azure)(emulator, picture)
    return {word.lower(): score for word, score in found.items()}


@pytest.mark.parametrize("name", VENDORS)
def test_labels_are_what_is_seen_and_the_larger_the_surer(emulators: Mapping[str, RunningEmulator], name: str) -> None:
    large, small = (named(name, emulators[name], picture) for picture in (LARGE, SMALL))
    assert {"car", "vehicle"} <= large.keys() & small.keys()
    assert large["car"] > small["car"] > 0.9
    assert large["vehicle"] > small["vehicle"]
    assert "car" not in named(name, emulators[name], EMPTY)


@pytest.mark.parametrize(("name", "place"), [("rekognition", "indoors"), ("google", "indoors"), ("azure", "indoor")])
def test_the_whole_image_has_a_label_too(emulators: Mapping[str, RunningEmulator], name: str, place: str) -> None:
    assert place in named(name, emulators[name], EMPTY)


def test_rekognitions_labels_of_the_whole_image_have_no_instances(emulators: Mapping[str, RunningEmulator]) -> None:
    assert [label["Instances"] for label in rekognition(emulators["rekognition"], EMPTY)] == [[]]


def test_rekognition_gives_no_more_and_no_less_sure_labels_than_asked_for(
    emulators: Mapping[str, RunningEmulator],
) -> None:
    emulator = emulators["rekognition"]
    assert [label["Name"] for label in rekognition(emulator, LARGE, MaxLabels=1)] == ["Car"]
    assert "Indoors" in {label["Name"] for label in rekognition(emulator, LARGE)}
    assert "Indoors" not in {label["Name"] for label in rekognition(emulator, LARGE, MinConfidence=90)}


def test_google_gives_no_more_labels_than_asked_for(emulators: Mapping[str, RunningEmulator]) -> None:
    assert list(google(emulators["google"], LARGE, max_results=1)) == ["Car"]
