"""The way of a request through the service, in one process: refusals, payment, faults, recording, time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.detectors.contract import Sighting
from app.detectors.markers import MarkerDetector
from app.emulators.disturbing import MANY_LABEL, OUTSIDE_LABEL
from app.emulators.faults import Fault, FaultKind
from app.emulators.images import ImageFormat
from app.emulators.options import EmulatorOptions
from app.emulators.sending import GARBAGE
from tests.support.emulated_azure import ANALYZE, API_VERSION, code_of, emulated_azure
from tests.support.marker_scenes import Placed, plain, stored
from tests.support.seen import face

SEVEN = stored(plain(320, 240, Placed(7, 40, 40, 120)))
EIGHT = stored(plain(320, 240, Placed(8, 40, 40, 120)))
NOTHING = {"requests": 0, "inferences": 0, "refused": 0, "throttled": 0, "failed": 0}
ORIENTATION = 0x0112


def names(answer: dict[str, dict[str, list[dict[str, list[dict[str, str]]]]]]) -> list[str]:
    return [value["tags"][0]["name"] for value in answer["objectsResult"]["values"]]


async def test_an_answer_has_the_services_form_and_each_feature_is_paid_for() -> None:
    async with emulated_azure() as emulator:
        reply = await emulator.analyze(EIGHT, "objects,people,caption")
        assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json; charset=utf-8")
        assert len(reply.headers["apim-request-id"]) == 36
        assert reply.headers["csp-billing-usage"] == "CognitiveServices.ComputerVision.Transaction=3"
        assert int(reply.headers["x-envoy-upstream-service-time"]) >= 0
        assert names(reply.json()) == ["Car-0008"]
        counters = await emulator.counters()
        assert counters["inferences"] == {"objects": 1, "people": 1, "caption": 1}
        assert counters["totals"] == NOTHING | {"requests": 1, "inferences": 3}
        assert counters["in_flight"] == 0


async def test_an_error_has_the_services_form_and_is_not_paid_for() -> None:
    async with emulated_azure() as emulator:
        reply = await emulator.analyze(b"no image")
        assert (reply.status_code, reply.headers["content-type"]) == (400, "application/json; charset=utf-8")
        assert reply.json()["error"]["innererror"]["code"] == "InvalidImageFormat"
        assert "csp-billing-usage" not in reply.headers
        assert "retry-after" not in reply.headers
        assert len(reply.headers["apim-request-id"]) == 36
        assert await emulator.totals() == NOTHING | {"requests": 1, "refused": 1}


async def test_the_request_id_of_32_is_in_header_and_body() -> None:
    async with emulated_azure() as emulator:
        reply = await emulator.old("detect", EIGHT)
        assert reply.json()["requestId"] == reply.headers["apim-request-id"]
        assert (await emulator.counters())["requests"] == {"v3.2/detect": 1}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ANALYZE),
        ("POST", "/"),
        ("POST", "/vision/v3.2"),
        ("POST", "/vision/v3.1/analyze"),
        ("POST", "/vision/v3.2/areaOfInterest"),
        ("DELETE", "/vision/v3.2/read/analyzeResults/x"),
        ("GET", "/favicon.ico"),
    ],
)
async def test_nothing_else_is_found(method: str, path: str) -> None:
    async with emulated_azure() as emulator:
        reply = await emulator.http.request(method, path, headers={"ocp-apim-subscription-key": "k"})
        assert (reply.status_code, reply.json()) == (404, {"error": {"code": "404", "message": "Resource not found"}})
        assert (await emulator.counters())["refused"] == {"unknown": 1}


@pytest.mark.parametrize("version", ["", "2022-10-12-preview"])
async def test_another_api_version_is_not_found(version: str) -> None:
    async with emulated_azure() as emulator:
        assert (await emulator.analyze(EIGHT, api_version=version)).status_code == 404


@pytest.mark.parametrize(("key", "secret", "status"), [("", None, 401), ("wrong", "right", 401), ("right", "right", 200)])
async def test_who_may_call(key: str, secret: str | None, status: int) -> None:
    async with emulated_azure(EmulatorOptions(secret=secret)) as emulator:
        replies = [
            await emulator.analyze(EIGHT, key=key),
            await emulator.old("tag", EIGHT, key=key),
        ]
        assert [reply.status_code for reply in replies] == [status, status]
        assert status == 200 or {code_of(reply) for reply in replies} == {"401"}


@pytest.mark.parametrize(
    ("image", "new", "old"),
    [
        (b"", ("InvalidRequest", 400), ("InvalidImageFormat", 400)),
        (b"\xff\xd8\xff" + bytes(20_971_520 - 2), ("InvalidRequest", 400), ("InvalidImageSize", 400)),
        (b"\xff\xd8\xff" + bytes(22_000_000), ("InvalidRequest", 400), ("InvalidImageSize", 400)),
        (b"\xff\xd8\xff" + bytes(4 * 1024 * 1024), ("InvalidImageFormat", 400), ("InvalidImageSize", 400)),
        (b"GIF", ("InvalidImageFormat", 400), ("InvalidImageFormat", 400)),
        (stored(plain(49, 200)), ("InvalidImageSize", 400), ("InvalidImageSize", 400)),
        (stored(plain(16_001, 50)), ("InvalidImageSize", 400), ("InvalidImageSize", 400)),
        (stored(plain(60, 60), "WEBP"), ("", 200), ("InvalidImageFormat", 400)),
    ],
    ids=["empty", "one byte too many", "far too many", "too many for 3.2", "cut off", "too small", "too wide", "webp"],
)
async def test_images_outside_the_limits(image: bytes, new: tuple[str, int], old: tuple[str, int]) -> None:
    async with emulated_azure() as emulator:
        for reply, (code, status) in ((await emulator.analyze(image), new), (await emulator.old("detect", image), old)):
            assert reply.status_code == status
            assert status == 200 or code_of(reply) == code


@pytest.mark.parametrize("size_wh", [(50, 50), (16_000, 50)])
async def test_images_at_the_limits(size_wh: tuple[int, int]) -> None:
    async with emulated_azure() as emulator:
        reply = await emulator.analyze(stored(plain(*size_wh)))
        assert reply.json()["metadata"] == dict(zip(("width", "height"), size_wh, strict=True))


@pytest.mark.parametrize("kind", list(ImageFormat))
async def test_formats_of_both_versions(kind: ImageFormat) -> None:
    image = stored(plain(240, 240, Placed(8, 40, 40, 120)), kind)
    async with emulated_azure() as emulator:
        assert names((await emulator.analyze(image)).json()) == ["Car-0008"]
        reply = await emulator.old("detect", image)
        assert reply.status_code == (200 if kind in ("JPEG", "PNG", "GIF", "BMP") else 400)
        assert reply.status_code == 400 or reply.json()["metadata"]["format"] == kind.value.capitalize()


async def test_a_jpeg_with_more_pictures_behind_it_is_a_jpeg() -> None:
    first = Image.fromarray(plain(240, 240, Placed(8, 40, 40, 120)))
    several = stored(np.asarray(first), "MPO", save_all=True, append_images=[Image.fromarray(plain(240, 240))])
    async with emulated_azure() as emulator:
        assert names((await emulator.analyze(several)).json()) == ["Car-0008"]


async def test_the_orientation_in_a_jpeg_is_applied() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    sideways = stored(np.rot90(plain(320, 240, Placed(8, 40, 40, 120))).copy(), exif=exif)
    async with emulated_azure() as emulator:
        answer = (await emulator.analyze(sideways)).json()
        assert answer["metadata"] == {"width": 320, "height": 240}
        (value,) = answer["objectsResult"]["values"]
        assert value["boundingBox"] == {"x": 52, "y": 52, "w": 96, "h": 96}


@pytest.mark.parametrize(
    ("kind", "new", "old"),
    [
        ("image/jpeg", 200, 415),
        ("text/plain", 400, 415),
        ("", 400, 415),
    ],
)
async def test_content_types(kind: str, new: int, old: int) -> None:
    async with emulated_azure() as emulator:
        assert (await emulator.analyze(EIGHT, kind=kind)).status_code == new
        assert (await emulator.old("tag", EIGHT, kind=kind)).status_code == old


async def test_images_are_found_by_url(tmp_path: Path) -> None:
    (tmp_path / "buckets" / "photos").mkdir(parents=True)
    (tmp_path / "buckets" / "photos" / "a.jpg").write_bytes(EIGHT)
    options = EmulatorOptions(buckets=tmp_path / "buckets", record=tmp_path / "seen")
    body = json.dumps({"url": "https://x.example/photos/a.jpg"}).encode()
    async with emulated_azure(options) as emulator:
        assert names((await emulator.analyze(body, kind="application/json")).json()) == ["Car-0008"]
        gone = await emulator.analyze(body.replace(b"a.jpg", b"b.jpg"), kind="application/json")
        assert gone.json()["error"] == {
            "code": "InvalidRequest",
            "message": "Image URL is badly formatted or not accessible.",
        }
        assert code_of(await emulator.old("tag", b"{}", kind="application/json")) == "BadArgument"
    assert (tmp_path / "seen" / "000001.jpg").read_bytes() == EIGHT
    assert json.loads((tmp_path / "seen" / "000001.json").read_text())["request"]["url"] == "https://x.example/photos/a.jpg"


async def test_text_at_once() -> None:
    async with emulated_azure() as emulator:
        reply = await emulator.old("ocr", EIGHT, language="en", detectOrientation="true")
        assert reply.json()["regions"][0]["lines"][0]["words"] == [{"boundingBox": "52,52,96,96", "text": "M0008"}]
        assert "requestId" not in reply.json()
        assert (await emulator.counters())["inferences"] == {"ocr": 1}


async def test_a_reading_is_accepted_first_and_told_later() -> None:
    async with emulated_azure() as emulator:
        accepted = await emulator.old("read/analyze", EIGHT, readingOrder="basic")
        assert (accepted.status_code, accepted.content) == (202, b"")
        assert accepted.headers["csp-billing-usage"].endswith("=1")
        place = accepted.headers["operation-location"]
        assert place.startswith("http://emulator/vision/v3.2/read/analyzeResults/")
        key = {"ocp-apim-subscription-key": "k"}
        first, second = [(await emulator.http.get(place, headers=key)).json() for _ in range(2)]
        assert (first["status"], second["status"]) == ("running", "succeeded")
        assert second["analyzeResult"]["readResults"][0]["lines"][0]["text"] == "M0008"
        assert (await emulator.http.get(f"{place}x", headers=key)).status_code == 404
        assert (await emulator.http.get(place)).status_code == 401
        counters = await emulator.counters()
        assert counters["inferences"] == {"read": 1}
        assert counters["requests"] == {"v3.2/read/analyze": 1, "v3.2/read/analyzeResults": 4}


class Faces:
    """Eyes that see a face, whatever they look at."""

    def look(self, rgb: NDArray[np.uint8]) -> list[Sighting]:
        return [face()]


async def test_faces_are_seen_by_the_eyes_for_faces() -> None:
    async with emulated_azure(eyes=MarkerDetector(), faces=Faces()) as emulator:
        answer = (await emulator.old("analyze", EIGHT, visualFeatures="Objects,Faces")).json()
        assert [one["object"] for one in answer["objects"]] == ["Car-0008"]
        assert answer["faces"] == [{"faceRectangle": {"left": 200, "top": 50, "width": 60, "height": 60}}]


@pytest.mark.parametrize("features", ["objects", "smartCrops", "read"])
async def test_poison_is_refused_whatever_is_asked(features: str) -> None:
    async with emulated_azure(EmulatorOptions(poison=frozenset({7}))) as emulator:
        assert code_of(await emulator.analyze(SEVEN, features)) == "InvalidImageFormat"
        assert (await emulator.analyze(EIGHT, features)).status_code == 200
        assert (await emulator.counters())["inferences"] == {features: 1}


@pytest.mark.parametrize("options", [EmulatorOptions(rate_per_s=0.001), EmulatorOptions(throttle_share=1.0)])
async def test_throttled_calls_are_told_when_to_come_again(options: EmulatorOptions) -> None:
    async with emulated_azure(options) as emulator:
        await emulator.analyze(EIGHT)
        reply = await emulator.analyze(EIGHT)
        assert (reply.status_code, reply.headers["retry-after"], code_of(reply)) == (429, "1", "429")
        assert (await emulator.totals())["throttled"] >= 1


@pytest.mark.parametrize(
    ("kind", "status", "code", "fate"),
    [
        (FaultKind.THROTTLE, 429, "429", "throttled"),
        (FaultKind.ERROR500, 500, "InternalServerError", "failed"),
        (FaultKind.REFUSE, 400, "InvalidImageFormat", "refused"),
    ],
)
async def test_faults_that_are_refusals(kind: FaultKind, status: int, code: str, fate: str) -> None:
    fault = Fault(kind, operation="v3.2/detect", times=1)
    async with emulated_azure(EmulatorOptions(faults=(fault,))) as emulator:
        assert (await emulator.analyze(EIGHT)).status_code == 200
        reply = await emulator.old("detect", EIGHT)
        assert (reply.status_code, code_of(reply)) == (status, code)
        assert (await emulator.old("detect", EIGHT)).status_code == 200
        assert (await emulator.counters())[fate] == {"v3.2/detect": 1}


async def test_garbage_is_paid_for() -> None:
    async with emulated_azure(EmulatorOptions(faults=(Fault(FaultKind.GARBAGE),))) as emulator:
        reply = await emulator.analyze(EIGHT)
        assert (reply.status_code, reply.content) == (200, GARBAGE)
        assert (await emulator.totals())["inferences"] == 1


async def test_garbage_does_not_touch_refusals_and_acceptances() -> None:
    async with emulated_azure(EmulatorOptions(faults=(Fault(FaultKind.GARBAGE),))) as emulator:
        assert code_of(await emulator.analyze(b"")) == "InvalidRequest"
        assert (await emulator.old("read/analyze", EIGHT)).content == b""


async def test_a_stall_is_an_answer_that_comes_late() -> None:
    async with emulated_azure(EmulatorOptions(faults=(Fault(FaultKind.STALL, seconds=0.01),))) as emulator:
        assert (await emulator.analyze(EIGHT)).status_code == 200


@pytest.mark.parametrize(("kind", "label"), [(FaultKind.OUTSIDE_BOXES, OUTSIDE_LABEL), (FaultKind.MANY_BOXES, MANY_LABEL)])
async def test_faults_that_add_boxes(kind: FaultKind, label: str) -> None:
    async with emulated_azure(EmulatorOptions(faults=(Fault(kind),))) as emulator:
        found = names((await emulator.analyze(EIGHT)).json())
        assert {"Car-0008", label.lower()} == set(found)
        boxes = [one["boundingBox"] for one in (await emulator.analyze(EIGHT, "people")).json()["peopleResult"]["values"]]
        assert len(boxes) > 1


async def test_what_is_recorded(tmp_path: Path) -> None:
    async with emulated_azure(EmulatorOptions(record=tmp_path)) as emulator:
        reply = await emulator.analyze(EIGHT, "objects")
        await emulator.analyze(stored(plain(20, 20)))
        await emulator.analyze(b"")
    facts = json.loads((tmp_path / "000001.json").read_text())
    assert (facts["operation"], facts["status"], facts["paid"]) == ("analyze", 200, True)
    assert facts["request"] == {"api-version": API_VERSION, "features": "objects"}
    assert facts["answer"] == reply.json()
    refused = json.loads((tmp_path / "000002.json").read_text())
    assert (refused["status"], refused["paid"]) == (400, False)
    assert not (tmp_path / "000003.json").exists()


async def test_the_behaviour_changes_while_it_runs() -> None:
    async with emulated_azure() as emulator:
        await emulator.control("behaviour", {"poison": [8]})
        assert (await emulator.analyze(EIGHT)).status_code == 400
        await emulator.control("reset", {})
        assert (await emulator.analyze(EIGHT)).status_code == 200
        assert await emulator.totals() == NOTHING | {"requests": 1, "inferences": 1}
