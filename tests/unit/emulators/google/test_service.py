"""The way of a call through the service, over REST in one process: refusals, payment, faults, recording, time."""

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
from app.emulators.disturbing import MANY_LABEL, OUTSIDE_LABEL
from app.emulators.faults import Fault, FaultKind
from app.emulators.options import EmulatorOptions
from app.emulators.sending import GARBAGE
from tests.support.emulated_google import EmulatedGoogle, emulated_google, inline
from tests.support.marker_scenes import Placed, plain, stored
from tests.support.seen import thing

SEVEN = stored(plain(320, 240, Placed(7, 40, 40, 120)))
EIGHT = stored(plain(320, 240, Placed(8, 40, 40, 120)))
NOTHING = {"requests": 0, "inferences": 0, "refused": 0, "throttled": 0, "failed": 0}
METHOD = "BatchAnnotateImages"


async def totals(emulator: EmulatedGoogle) -> dict[str, int]:
    found: dict[str, int] = (await emulator.counters())["totals"]
    return found


def names(response: Any) -> list[str]:
    return [found["name"] for found in response.get("localizedObjectAnnotations", [])]


async def test_each_image_is_answered_in_its_place_and_paid_for() -> None:
    async with emulated_google() as emulator:
        reply = await emulator.annotate(EIGHT, SEVEN, EIGHT)
        assert reply.status == 200
        assert [names(response) for response in reply.json["responses"]] == [["Car-0008"], ["Cup-0007"], ["Car-0008"]]
        counters = await emulator.counters()
        assert counters["requests"] == {METHOD: 1}
        assert counters["inferences"] == {"OBJECT_LOCALIZATION": 3}
        assert counters["in_flight"] == 0


async def test_each_feature_of_each_image_is_a_unit_and_some_are_free() -> None:
    async with emulated_google() as emulator:
        await emulator.annotate(EIGHT, SEVEN, features=("LABEL_DETECTION", "SAFE_SEARCH_DETECTION", "FACE_DETECTION"))
        assert (await emulator.counters())["inferences"] == {"LABEL_DETECTION": 2, "FACE_DETECTION": 2}


async def test_a_bad_image_is_refused_alone_and_not_paid_for() -> None:
    async with emulated_google() as emulator:
        reply = await emulator.annotate(EIGHT, b"no image", EIGHT[: len(EIGHT) // 2], SEVEN)
        assert (reply.status, reply.image_codes) == (200, [0, 3, 3, 0])
        assert reply.json["responses"][1] == {"error": {"code": 3, "message": "Bad image data."}}
        assert await totals(emulator) == NOTHING | {"requests": 1, "inferences": 2, "refused": 2}


async def test_an_image_that_asks_for_nothing_or_for_products_is_refused_alone() -> None:
    async with emulated_google() as emulator:
        wrong = [inline(EIGHT), {"features": [{"type": 4}]}, inline(EIGHT, "OBJECT_LOCALIZATION", "PRODUCT_SEARCH")]
        reply = await emulator.post({"requests": [*wrong, inline(EIGHT, "OBJECT_LOCALIZATION")]})
        assert reply.image_codes == [3, 3, 3, 0]
        assert (await emulator.counters())["inferences"] == {"OBJECT_LOCALIZATION": 1}


async def test_an_image_of_too_many_pixels_is_refused() -> None:
    async with emulated_google() as emulator:
        reply = await emulator.annotate(stored(np.zeros((7501, 10_000), np.uint8), "PNG"))
        assert reply.image_codes == [3]
        assert "75" in reply.json["responses"][0]["error"]["message"]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "TIFF"])
async def test_many_formats_are_looked_at(kind: str) -> None:
    picture = plain(320, 240, Placed(8, 40, 40, 120))
    async with emulated_google() as emulator:
        reply = await emulator.annotate(stored(picture, kind, **({"lossless": True} if kind == "WEBP" else {})))
        assert names(reply.json["responses"][0]) == ["Car-0008"]


@pytest.mark.parametrize(("count", "status"), [(0, 200), (16, 200), (17, 400)])
async def test_images_of_a_call_are_limited(count: int, status: int) -> None:
    small = stored(plain(16, 16))
    async with emulated_google() as emulator:
        reply = await emulator.annotate(*[small] * count)
        assert reply.status == status
        if status == 400:
            assert (reply.code, reply.message) == ("INVALID_ARGUMENT", "Too many images per request.")
            assert await totals(emulator) == NOTHING | {"requests": 1, "refused": 1}
        else:
            assert len(reply.json.get("responses", [])) == count


async def test_an_image_from_a_bucket(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(EIGHT)
    feature = [{"type": "OBJECT_LOCALIZATION"}]
    uris = ("gs://photos/a.jpg", "gs://photos/b.jpg", "https://example.com/a.jpg")
    async with emulated_google(EmulatorOptions(buckets=tmp_path)) as emulator:
        body = {"requests": [{"image": {"source": {"imageUri": uri}}, "features": feature} for uri in uris]}
        reply = await emulator.post(body)
        assert reply.image_codes == [0, 7, 7]
        assert names(reply.json["responses"][0]) == ["Car-0008"]


async def test_a_poisoned_marker_makes_its_image_a_bad_one() -> None:
    async with emulated_google(EmulatorOptions(poison=frozenset({7}))) as emulator:
        for feature in ("OBJECT_LOCALIZATION", "FACE_DETECTION", "LABEL_DETECTION"):
            assert (await emulator.annotate(SEVEN, EIGHT, features=(feature,))).image_codes == [3, 0]
        await emulator.control("behaviour", {"poison": [8]})
        assert (await emulator.annotate(SEVEN, EIGHT)).image_codes == [0, 3]
        assert await totals(emulator) == NOTHING | {"requests": 4, "inferences": 4, "refused": 4}


@pytest.mark.parametrize(
    ("kind", "status", "code", "count"),
    [
        (FaultKind.THROTTLE, 429, "RESOURCE_EXHAUSTED", "throttled"),
        (FaultKind.ERROR500, 500, "INTERNAL", "failed"),
    ],
)
async def test_scripted_refusals_are_not_paid_for(kind: FaultKind, status: int, code: str, count: str) -> None:
    async with emulated_google(EmulatorOptions(faults=(Fault(kind, times=1),))) as emulator:
        struck, spared = await emulator.annotate(EIGHT), await emulator.annotate(EIGHT)
        assert (struck.status, struck.code, spared.status) == (status, code, 200)
        assert await totals(emulator) == NOTHING | {"requests": 2, "inferences": 1, count: 1}


async def test_a_scripted_bad_image_is_every_image_of_the_call() -> None:
    async with emulated_google(EmulatorOptions(faults=(Fault(FaultKind.REFUSE, times=1),))) as emulator:
        assert (await emulator.annotate(EIGHT, SEVEN)).image_codes == [3, 3]
        assert (await emulator.annotate(EIGHT, SEVEN)).image_codes == [0, 0]
        assert await totals(emulator) == NOTHING | {"requests": 2, "inferences": 2, "refused": 2}


async def test_a_fault_may_be_one_methods() -> None:
    fault = Fault(FaultKind.ERROR500, operation="GetOperation")
    async with emulated_google(EmulatorOptions(faults=(fault,))) as emulator:
        assert (await emulator.annotate(EIGHT)).status == 200
        assert (await emulator.get("/v1/operations/finished")).status == 500


async def test_garbage_is_paid_for() -> None:
    async with emulated_google(EmulatorOptions(faults=(Fault(FaultKind.GARBAGE, times=1),))) as emulator:
        reply = await emulator.annotate(EIGHT)
        assert (reply.status, reply.body) == (200, GARBAGE)
        assert (await totals(emulator))["inferences"] == 1


@pytest.mark.parametrize(("kind", "label"), [(FaultKind.OUTSIDE_BOXES, OUTSIDE_LABEL), (FaultKind.MANY_BOXES, MANY_LABEL)])
async def test_disturbed_answers_hold_the_true_boxes_too(kind: FaultKind, label: str) -> None:
    request = inline(EIGHT)
    request["features"] = [{"type": "OBJECT_LOCALIZATION", "maxResults": 1000}, {"type": 1, "maxResults": 1000}]
    async with emulated_google(EmulatorOptions(faults=(Fault(kind),))) as emulator:
        (response,) = (await emulator.post({"requests": [request]})).json["responses"]
        assert names(response)[0] == "Car-0008"
        assert set(names(response)[1:]) == {label}
        if kind is FaultKind.MANY_BOXES:
            assert len(response["faceAnnotations"]) == len(names(response)) == 100


async def test_a_stalled_call_is_answered_in_the_end_and_paid_for_then() -> None:
    async with emulated_google(EmulatorOptions(faults=(Fault(FaultKind.STALL, times=1, seconds=0.2),))) as emulator:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        assert (await emulator.annotate(EIGHT)).status == 200
        assert loop.time() - started_s >= 0.19
        assert (await totals(emulator))["inferences"] == 1


async def test_above_its_rate_calls_are_refused_with_a_reason() -> None:
    async with emulated_google(EmulatorOptions(rate_per_s=0.001)) as emulator:
        assert (await emulator.annotate(EIGHT)).status == 200
        refused = await emulator.annotate(EIGHT)
        assert (refused.status, refused.code) == (429, "RESOURCE_EXHAUSTED")
        assert refused.json["error"]["details"][0]["reason"] == "RATE_LIMIT_EXCEEDED"
        assert (await totals(emulator))["throttled"] == 1


async def test_a_share_of_the_calls_is_throttled() -> None:
    async with emulated_google(EmulatorOptions(throttle_share=1.0)) as emulator:
        assert (await emulator.annotate(EIGHT)).code == "RESOURCE_EXHAUSTED"


async def test_answers_take_the_latency_and_refusals_come_at_once() -> None:
    async with emulated_google(EmulatorOptions(latency_ms=150)) as emulator:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        await emulator.annotate(EIGHT)
        assert loop.time() - started_s >= 0.145
        await emulator.control("behaviour", {"latency_ms": 3_600_000})
        assert (await emulator.post(b"no JSON")).status == 400


async def test_images_of_a_call_are_looked_at_at_the_same_time() -> None:
    """Both must be looked at at once for either to be answered."""
    both = threading.Barrier(2, timeout=30)

    class Meeting:
        def look(self, rgb: NDArray[np.uint8]) -> list[Sighting]:
            both.wait()
            return [thing("Cup")]

    async with emulated_google(EmulatorOptions(threads=2), eyes=Meeting()) as emulator:
        assert (await emulator.annotate(EIGHT, SEVEN)).image_codes == [0, 0]


async def test_with_a_secret_only_it_is_accepted() -> None:
    async with emulated_google(EmulatorOptions(secret="s")) as emulator:
        body = {"requests": [inline(EIGHT, "LABEL_DETECTION")]}
        statuses = [
            (await emulator.post(body)).status,
            (await emulator.post(body, authorization="Bearer other")).status,
            (await emulator.post(body, x_goog_api_key="other")).status,
            (await emulator.post(body, authorization="Bearer s")).status,
            (await emulator.post(body, x_goog_api_key="s")).status,
            (await emulator.post(body, path="/v1/images:annotate?key=s")).status,
        ]
        assert statuses == [403, 401, 400, 200, 200, 200]
        assert await totals(emulator) == NOTHING | {"requests": 6, "inferences": 3, "refused": 3}


async def recorded(folder: Path, faults: tuple[Fault, ...], *images: bytes) -> list[Any]:
    async with emulated_google(EmulatorOptions(record=folder, faults=faults)) as emulator:
        await emulator.annotate(*images, features=("OBJECT_LOCALIZATION", "LABEL_DETECTION"))
        await emulator.get("/v1/operations/finished")
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


async def test_every_image_of_a_batch_is_recorded_with_its_answer(tmp_path: Path) -> None:
    kept, refused = await recorded(tmp_path, (), EIGHT, b"no image")
    assert set(kept) == {"images", "operation", "status", "paid", "request_id", "request", "answer"}
    assert (kept["operation"], kept["status"], kept["paid"]) == ("OBJECT_LOCALIZATION+LABEL_DETECTION", 200, True)
    assert kept["request"] == {"features": [{"type": "OBJECT_LOCALIZATION"}, {"type": "LABEL_DETECTION"}]}
    assert (tmp_path / kept["images"][0]).read_bytes() == EIGHT
    assert names(kept["answer"]) == ["Car-0008"]
    assert (refused["status"], refused["paid"], refused["images"]) == (400, False, ["000002.bin"])
    assert refused["answer"]["error"]["code"] == 3


async def test_a_call_that_nobody_looked_into_is_not_recorded(tmp_path: Path) -> None:
    assert await recorded(tmp_path, (Fault(FaultKind.THROTTLE),), EIGHT) == []
