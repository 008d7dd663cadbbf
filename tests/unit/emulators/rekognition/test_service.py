"""The way of a request through the service, in one process: refusals, payment, faults, recording, time."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.detectors.contract import Sighting
from app.detectors.markers import MarkerDetector
from app.emulators.disturbing import MANY_LABEL, OUTSIDE_LABEL
from app.emulators.faults import Fault, FaultKind
from app.emulators.options import EmulatorOptions
from app.emulators.rekognition.service import MOST_BODY_BYTES
from app.emulators.sending import GARBAGE
from tests.support.emulated import Emulated, emulated, inline
from tests.support.marker_scenes import Placed, plain, stored
from tests.support.seen import check_against_model, thing

SEVEN = stored(plain(320, 240, Placed(7, 40, 40, 120)))
EIGHT = stored(plain(320, 240, Placed(8, 40, 40, 120)))
NOTHING = {"requests": 0, "inferences": 0, "refused": 0, "throttled": 0, "failed": 0}


async def totals(emulator: Emulated) -> dict[str, int]:
    found: dict[str, int] = (await emulator.counters())["totals"]
    return found


async def test_an_answer_has_the_services_form_and_is_paid_for() -> None:
    async with emulated() as emulator:
        reply = await emulator.look("DetectLabels", EIGHT)
        assert (reply.status, reply.headers["content-type"]) == (200, "application/x-amz-json-1.1")
        assert len(reply.headers["x-amzn-requestid"]) == 36
        check_against_model("DetectLabels", reply.json)
        assert "Car-0008" in [label["Name"] for label in reply.json["Labels"]]
        counters = await emulator.counters()
        assert counters["inferences"] == {"DetectLabels": 1}
        assert counters["totals"] == NOTHING | {"requests": 1, "inferences": 1}
        assert counters["in_flight"] == 0


async def test_an_error_has_the_services_form_and_is_not_paid_for() -> None:
    async with emulated() as emulator:
        reply = await emulator.look("DetectLabels", b"no image")
        assert (reply.status, reply.headers["content-type"]) == (400, "application/x-amz-json-1.1")
        assert set(reply.json) == {"__type", "Code", "Logref", "Message"}
        assert reply.json["__type"] == reply.json["Code"] == "InvalidImageFormatException"
        assert await totals(emulator) == NOTHING | {"requests": 1, "refused": 1}


async def test_image_properties_are_an_item_of_their_own() -> None:
    async with emulated() as emulator:
        await emulator.look("DetectLabels", EIGHT, Features=["GENERAL_LABELS", "IMAGE_PROPERTIES"])
        assert (await emulator.counters())["inferences"] == {"DetectLabels": 1, "ImageProperties": 1}


async def test_operations_without_an_image_cost_nothing() -> None:
    async with emulated() as emulator:
        reply = await emulator.call("ListCollections")
        assert reply.json["CollectionIds"] == ["people"]
        assert await totals(emulator) == NOTHING | {"requests": 1}


async def test_collections_live_as_long_as_the_emulator() -> None:
    async with emulated() as emulator:
        await emulator.call("CreateCollection", {"CollectionId": "staff"})
        assert (await emulator.call("ListCollections")).json["CollectionIds"] == ["people", "staff"]


@pytest.mark.parametrize(
    "target", ["", "DetectLabels", "RekognitionService.Nothing", "Other.DetectLabels", "RekognitionService."]
)
async def test_an_unknown_operation_is_refused(target: str) -> None:
    async with emulated() as emulator:
        assert (await emulator.call("", x_amz_target=target)).code == "UnknownOperationException"
        assert (await emulator.counters())["refused"] == {"unknown": 1}


async def test_a_signature_is_needed() -> None:
    async with emulated() as emulator:
        assert (await emulator.call("ListCollections", authorization="")).code == "MissingAuthenticationTokenException"


async def test_with_a_secret_the_signature_is_checked() -> None:
    async with emulated(EmulatorOptions(secret="s")) as emulator:
        assert (await emulator.call("ListCollections")).code == "IncompleteSignatureException"
        assert (await emulator.call("ListCollections", x_amz_date="20260101T000000Z")).code == "InvalidSignatureException"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b"\xff"])
async def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    async with emulated() as emulator:
        assert (await emulator.call("DetectLabels", body=body)).code == "SerializationException"


async def test_a_body_that_is_far_too_large_is_refused() -> None:
    async with emulated() as emulator:
        reply = await emulator.call("DetectLabels", body=bytes(MOST_BODY_BYTES + 1))
        assert (reply.status, reply.code) == (413, "RequestEntityTooLargeException")


@pytest.mark.parametrize(
    ("operation", "side_px", "code"),
    [
        ("DetectLabels", 79, "InvalidParameterException"),
        ("DetectLabels", 80, ""),
        ("DetectProtectiveEquipment", 63, "InvalidParameterException"),
        ("DetectProtectiveEquipment", 64, ""),
        ("DetectProtectiveEquipment", 4097, "ImageTooLargeException"),
        ("DetectFaces", 4097, ""),
        ("DetectLabels", 10_001, "ImageTooLargeException"),
    ],
)
async def test_sides_are_limited_by_operation(operation: str, side_px: int, code: str) -> None:
    short_px = min(side_px, 80)
    async with emulated() as emulator:
        reply = await emulator.look(operation, stored(np.zeros((short_px, side_px, 3), np.uint8)))
        assert reply.json.get("__type", "") == code


@pytest.mark.parametrize(("operation", "mebibytes"), [("DetectLabels", 5), ("DetectProtectiveEquipment", 4)])
async def test_inline_bytes_are_limited_by_operation(operation: str, mebibytes: int) -> None:
    padded = EIGHT + bytes(mebibytes * 1024 * 1024 - len(EIGHT))
    async with emulated() as emulator:
        assert (await emulator.look(operation, padded)).status == 200
        assert (await emulator.look(operation, padded + b"\0")).code == "ImageTooLargeException"


async def test_parameters_are_checked_before_the_image() -> None:
    async with emulated() as emulator:
        assert (await emulator.look("DetectLabels", b"no image", MinConfidence=101)).code == "InvalidParameterException"


async def test_a_poisoned_marker_makes_its_image_a_bad_one() -> None:
    async with emulated(EmulatorOptions(poison=frozenset({7}))) as emulator:
        assert (await emulator.look("DetectLabels", SEVEN)).code == "InvalidImageFormatException"
        assert (await emulator.look("DetectFaces", SEVEN)).code == "InvalidImageFormatException"
        assert (await emulator.look("DetectLabels", EIGHT)).status == 200
        await emulator.control("behaviour", {"poison": [8]})
        assert (await emulator.look("DetectLabels", SEVEN)).status == 200
        assert (await emulator.look("DetectLabels", EIGHT)).code == "InvalidImageFormatException"
        assert await totals(emulator) == NOTHING | {"requests": 5, "inferences": 2, "refused": 3}


async def test_faces_are_looked_for_with_the_eyes_for_faces() -> None:
    class Blind:
        def look(self, rgb: NDArray[np.uint8]) -> list[Sighting]:
            return []

    async with emulated(eyes=Blind(), faces=MarkerDetector()) as emulator:
        assert len((await emulator.look("DetectFaces", EIGHT)).json["FaceDetails"]) == 1
        assert (await emulator.look("DetectCustomLabels", EIGHT, ProjectVersionArn=ARN)).json["CustomLabels"] == []


ARN = "arn:aws:rekognition:us-east-1:123456789012:project/parts/version/parts.1/1700000000000"


async def test_two_images_are_compared_and_paid_for_once() -> None:
    async with emulated() as emulator:
        reply = await emulator.call("CompareFaces", {"SourceImage": inline(SEVEN), "TargetImage": inline(EIGHT)})
        check_against_model("CompareFaces", reply.json)
        assert (len(reply.json["FaceMatches"]), len(reply.json["UnmatchedFaces"])) == (0, 1)
        assert await totals(emulator) == NOTHING | {"requests": 1, "inferences": 1}


@pytest.mark.parametrize(
    ("kind", "status", "code", "count"),
    [
        (FaultKind.THROTTLE, 400, "ThrottlingException", "throttled"),
        (FaultKind.ERROR500, 500, "InternalServerError", "failed"),
        (FaultKind.REFUSE, 400, "InvalidImageFormatException", "refused"),
    ],
)
async def test_scripted_refusals_are_not_paid_for(kind: FaultKind, status: int, code: str, count: str) -> None:
    async with emulated(EmulatorOptions(faults=(Fault(kind, times=1),))) as emulator:
        struck, spared = await emulator.look("DetectLabels", EIGHT), await emulator.look("DetectLabels", EIGHT)
        assert (struck.status, struck.code, spared.status) == (status, code, 200)
        assert await totals(emulator) == NOTHING | {"requests": 2, "inferences": 1, count: 1}


async def test_garbage_is_paid_for() -> None:
    async with emulated(EmulatorOptions(faults=(Fault(FaultKind.GARBAGE, times=1),))) as emulator:
        reply = await emulator.look("DetectLabels", EIGHT)
        assert (reply.status, reply.body) == (200, GARBAGE)
        assert (await totals(emulator))["inferences"] == 1


@pytest.mark.parametrize(("kind", "label"), [(FaultKind.OUTSIDE_BOXES, OUTSIDE_LABEL), (FaultKind.MANY_BOXES, MANY_LABEL)])
async def test_disturbed_answers_hold_the_true_boxes_too(kind: FaultKind, label: str) -> None:
    async with emulated(EmulatorOptions(faults=(Fault(kind),))) as emulator:
        labels = {found["Name"]: found for found in (await emulator.look("DetectLabels", EIGHT)).json["Labels"]}
        assert len(labels["Car-0008"]["Instances"]) == 1
        assert len(labels[label]["Instances"]) >= 12


async def test_many_boxes_reach_every_cap() -> None:
    async with emulated(EmulatorOptions(faults=(Fault(FaultKind.MANY_BOXES),))) as emulator:
        assert len((await emulator.look("DetectFaces", EIGHT)).json["FaceDetails"]) == 100
        assert len((await emulator.look("DetectProtectiveEquipment", EIGHT)).json["Persons"]) == 15
        known = (await emulator.look("RecognizeCelebrities", EIGHT)).json
        assert len(known["CelebrityFaces"]) + len(known["UnrecognizedFaces"]) == 64


async def test_a_stalled_call_is_answered_in_the_end_and_paid_for_then() -> None:
    async with emulated(EmulatorOptions(faults=(Fault(FaultKind.STALL, times=1, seconds=0.2),))) as emulator:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        assert (await emulator.look("DetectLabels", EIGHT)).status == 200
        assert loop.time() - started_s >= 0.19
        assert (await totals(emulator))["inferences"] == 1


async def test_above_its_rate_calls_are_refused_by_another_name() -> None:
    async with emulated(EmulatorOptions(rate_per_s=0.001)) as emulator:
        assert (await emulator.call("ListCollections")).status == 200
        assert (await emulator.call("ListCollections")).code == "ProvisionedThroughputExceededException"
        assert (await totals(emulator))["throttled"] == 1


async def test_a_share_of_the_calls_is_throttled() -> None:
    async with emulated(EmulatorOptions(throttle_share=1.0)) as emulator:
        assert (await emulator.call("ListCollections")).code == "ThrottlingException"


async def test_answers_take_the_latency_and_refusals_come_at_once() -> None:
    async with emulated(EmulatorOptions(latency_ms=150)) as emulator:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        await emulator.look("DetectLabels", EIGHT)
        assert loop.time() - started_s >= 0.145
        await emulator.control("behaviour", {"latency_ms": 3_600_000})
        assert (await emulator.look("DetectLabels", b"no image")).status == 400


async def test_calls_are_worked_on_at_the_same_time() -> None:
    """Two calls must be looking at once for either to be answered."""
    both = threading.Barrier(2, timeout=30)

    class Meeting:
        def look(self, rgb: NDArray[np.uint8]) -> list[Sighting]:
            both.wait()
            return [thing("Cup")]

    async with emulated(EmulatorOptions(threads=2), eyes=Meeting()) as emulator:
        replies = await asyncio.gather(*(emulator.look("DetectLabels", EIGHT) for _ in range(2)))
        assert [reply.status for reply in replies] == [200, 200]
        assert (await emulator.counters())["in_flight_peak"] == 2


async def recorded(folder: Path, faults: tuple[Fault, ...] = (), *images: bytes) -> list[Any]:
    async with emulated(EmulatorOptions(record=folder, faults=faults)) as emulator:
        for image in images:
            await emulator.look("DetectLabels", image, MaxLabels=3)
        await emulator.call("ListCollections")
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


async def test_every_image_is_recorded_with_its_answer(tmp_path: Path) -> None:
    kept, refused = await recorded(tmp_path, (), EIGHT, b"no image")
    assert (kept["operation"], kept["status"], kept["paid"], kept["request"]) == ("DetectLabels", 200, True, {"MaxLabels": 3})
    assert (tmp_path / kept["images"][0]).read_bytes() == EIGHT
    assert len(kept["answer"]["Labels"]) == 3
    assert (refused["status"], refused["paid"], refused["images"]) == (400, False, ["000002.bin"])
    assert refused["answer"]["__type"] == "InvalidImageFormatException"


async def test_a_call_that_nobody_looked_into_is_not_recorded(tmp_path: Path) -> None:
    assert await recorded(tmp_path, (Fault(FaultKind.THROTTLE),), EIGHT) == []
