"""The emulated Azure AI Vision as real clients see it: Microsoft's own SDKs, over HTTP, with a process of its own.

What the SDKs cannot be made to send goes through plain HTTP.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from azure.ai.vision.imageanalysis import ImageAnalysisClient
from azure.ai.vision.imageanalysis.models import ImageBoundingBox, VisualFeatures
from azure.cognitiveservices.vision.computervision.models import (
    ComputerVisionErrorResponseException,
    ComputerVisionOcrErrorException,
    VisualFeatureTypes,
)
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)

from tests.support import cartoons
from tests.support.azure_clients import (
    KEY,
    FixedToken,
    analysis_client,
    async_analysis_client,
    vision_client,
    what_was_read,
)
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.marker_scenes import Placed, busy, plain, stored
from tests.support.plain_http import WEB

MARKERS = (Placed(8, 60, 40, 120), Placed(17, 300, 200, 200), Placed(951, 80, 300, 90))
LABELS = {marker.label for marker in MARKERS}
SCENE = stored(busy(640, 480, *MARKERS))
FACE = stored(cartoons.face(240, (640, 480), (200, 60)))
BLANK = stored(plain(200, 150))
URL = "https://storage.example/photos/2026/a%20scene.jpg"
EVERYTHING = list(VisualFeatures)
EVERYTHING_32 = list(VisualFeatureTypes)
OBJECTS = [VisualFeatures.OBJECTS]
SHORT_S = 0.3


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    buckets = tmp_path_factory.mktemp("buckets")
    (buckets / "photos" / "2026").mkdir(parents=True)
    (buckets / "photos" / "2026" / "a scene.jpg").write_bytes(SCENE)
    with running_emulator("--buckets", str(buckets), vendor="azure") as running:
        yield running


@pytest.fixture
def emulator(process: RunningEmulator) -> RunningEmulator:
    """The module's emulator as if it had just been started."""
    process.reset()
    return process


@pytest.fixture
def client(emulator: RunningEmulator) -> Iterator[ImageAnalysisClient]:
    with analysis_client(emulator.url) as opened:
        yield opened


@pytest.fixture
def old_client(emulator: RunningEmulator) -> Iterator[Any]:
    """The client of 3.2."""
    with vision_client(emulator.url) as opened:
        yield opened


def box_of(box: ImageBoundingBox) -> tuple[int, int, int, int]:
    return (box.x, box.y, box.x + box.width, box.y + box.height)


def corners(box: Any) -> tuple[int, int, int, int]:
    """A rectangle of 3.2."""
    return (box.x, box.y, box.x + box.w, box.y + box.h)


def test_every_feature_of_40(emulator: RunningEmulator, client: ImageAnalysisClient) -> None:
    result = client.analyze(
        SCENE,
        EVERYTHING,
        language="en",
        gender_neutral_caption=True,
        smart_crops_aspect_ratios=[0.9, 1.33],
        model_version="latest",
    )
    assert (result.metadata.width, result.metadata.height, result.model_version) == (640, 480, "2023-10-01")
    assert result.objects is not None
    assert result.people is not None
    assert result.tags is not None
    assert result.caption is not None
    assert result.dense_captions is not None
    assert result.smart_crops is not None
    assert result.read is not None
    boxes = {thing.tags[0].name: box_of(thing.bounding_box) for thing in result.objects.list}
    assert boxes == {marker.label: pytest.approx(marker.box, abs=1) for marker in MARKERS}
    assert {box_of(person.bounding_box) for person in result.people.list} == set(boxes.values())
    assert {tag.name for tag in result.tags.list} >= LABELS | {"car", "dog", "cup"}
    assert result.caption.text.startswith("a dog, a car and a cup")
    assert 0 < result.caption.confidence <= 1
    assert box_of(result.dense_captions.list[0].bounding_box) == (0, 0, 640, 480)
    assert [crop.aspect_ratio for crop in result.smart_crops.list] == [0.9, 1.33]
    words = [word.text for line in result.read.blocks[0].lines for word in line.words]
    assert sorted(words) == ["M0008", "M0017", "M0951"]
    assert emulator.counters()["inferences"] == {feature.value: 1 for feature in EVERYTHING}


def test_features_that_nobody_asked_for_are_not_there(client: ImageAnalysisClient) -> None:
    result = client.analyze(BLANK, OBJECTS)
    assert result.objects is not None
    assert result.objects.list == []
    assert (result.people, result.tags, result.caption, result.read) == (None, None, None, None)


def test_faces_that_only_eyes_see(old_client: Any) -> None:
    found = old_client.analyze_image_in_stream(io.BytesIO(FACE), [VisualFeatureTypes.faces])
    (face,) = found.faces
    box = face.face_rectangle
    assert abs(box.left + box.width / 2 - 320) < 24
    assert abs(box.top + box.height / 2 - 190) < 40


def test_an_image_by_url_in_pieces_and_as_another_content_type(emulator: RunningEmulator, client: ImageAnalysisClient) -> None:
    pieces: Any = (SCENE[start : start + 10_000] for start in range(0, len(SCENE), 10_000))
    for result in (
        client.analyze_from_url(URL, OBJECTS),
        client.analyze(pieces, OBJECTS),
        client.analyze(SCENE, OBJECTS, content_type="image/jpeg"),
    ):
        assert result.objects is not None
        assert {thing.tags[0].name for thing in result.objects.list} == LABELS
    assert emulator.counters()["inferences"] == {"objects": 3}


def test_the_newer_version_of_the_api(emulator: RunningEmulator) -> None:
    with analysis_client(emulator.url, api_version="2024-02-01") as client:
        assert client.analyze(BLANK, OBJECTS).objects is not None


def test_a_form(emulator: RunningEmulator) -> None:
    reply = WEB.post(
        f"{emulator.url}/computervision/imageanalysis:analyze",
        params={"api-version": "2024-02-01", "features": "objects,people"},
        headers={"Ocp-Apim-Subscription-Key": KEY},
        files={"file": ("scene.jpg", SCENE, "image/jpeg")},
    )
    assert reply.status_code == 200
    assert reply.headers["CSP-Billing-Usage"] == "CognitiveServices.ComputerVision.Transaction=2"
    assert {thing["tags"][0]["name"] for thing in reply.json()["objectsResult"]["values"]} == LABELS


async def test_the_asynchronous_client(emulator: RunningEmulator) -> None:
    async with async_analysis_client(emulator.url) as client:
        result = await client.analyze(SCENE, OBJECTS)
        assert result.objects is not None
        assert {thing.tags[0].name for thing in result.objects.list} == LABELS
        with pytest.raises(HttpResponseError) as caught:
            await client.analyze_from_url("https://storage.example/photos/none.jpg", OBJECTS)
        assert caught.value.message.startswith("(InvalidRequest) Image URL is badly formatted or not accessible.")


def test_a_token_is_as_good_as_a_key(emulator: RunningEmulator) -> None:
    with ImageAnalysisClient(emulator.url, FixedToken()) as client:
        assert client.analyze(BLANK, OBJECTS, enforce_https=False).objects is not None


@pytest.mark.parametrize(
    ("image", "features", "options", "outer", "inner"),
    [
        (b"no image", OBJECTS, {}, "InvalidRequest", "InvalidImageFormat"),
        (stored(plain(40, 60)), OBJECTS, {}, "InvalidRequest", "InvalidImageSize"),
        (bytes(20_971_521), OBJECTS, {}, "InvalidRequest", None),
        (BLANK, ["faces"], {}, "InvalidRequest", "NotSupportedVisualFeature"),
        (BLANK, OBJECTS, {"language": "xx"}, "InvalidRequest", "NotSupportedLanguage"),
        (BLANK, [VisualFeatures.SMART_CROPS], {"smart_crops_aspect_ratios": [0.5]}, "InvalidRequest", "BadArgument"),
        (BLANK, OBJECTS, {"content_type": "text/plain"}, "InvalidRequest", None),
    ],
)
def test_refusals_of_40(
    emulator: RunningEmulator,
    client: ImageAnalysisClient,
    image: bytes,
    features: Any,
    options: dict[str, Any],
    outer: str,
    inner: str | None,
) -> None:
    with pytest.raises(HttpResponseError) as caught:
        client.analyze(image, features, **options)
    assert (caught.value.status_code, caught.value.error and caught.value.error.code) == (400, outer)
    body = json.loads(caught.value.response.text())["error"] if caught.value.response else {}
    assert body.get("innererror", {}).get("code") == inner
    assert emulator.counters()["totals"] | {"requests": 1, "refused": 1} == emulator.counters()["totals"]


def test_other_errors_of_40(emulator: RunningEmulator) -> None:
    with analysis_client(emulator.url, api_version="2021-01-01") as old, pytest.raises(ResourceNotFoundError):
        old.analyze(BLANK, OBJECTS)
    with analysis_client(emulator.url, "") as keyless, pytest.raises(ClientAuthenticationError, match="Access denied due to"):
        keyless.analyze(BLANK, OBJECTS)


def test_a_secret_is_the_only_key() -> None:
    with running_emulator("--no-classical", "--secret", "s3cret", vendor="azure") as emulator:
        with analysis_client(emulator.url, "s3cret") as client:
            assert client.analyze(BLANK, OBJECTS).objects is not None
        with analysis_client(emulator.url, "guess") as client, pytest.raises(ClientAuthenticationError):
            client.analyze(BLANK, OBJECTS)
        with vision_client(emulator.url, "guess") as old:
            denied = refusal_of(lambda: old.tag_image_in_stream(io.BytesIO(BLANK)))
        assert denied.error.error.code == "401"


def test_throttling_is_waited_for(emulator: RunningEmulator) -> None:
    emulator.add_fault("throttle", times=1)
    with analysis_client(emulator.url, retries=3) as client:
        assert client.analyze(BLANK, OBJECTS).objects is not None
    counters = emulator.counters()
    assert (counters["requests"], counters["throttled"]) == ({"analyze": 2}, {"analyze": 1})


def test_an_internal_error_is_tried_again_and_a_refusal_is_not(emulator: RunningEmulator) -> None:
    emulator.add_fault("error500", times=1)
    with analysis_client(emulator.url, retries=3) as client:
        assert client.analyze(BLANK, OBJECTS).objects is not None
        emulator.add_fault("refuse", times=1)
        with pytest.raises(HttpResponseError):
            client.analyze(BLANK, OBJECTS)
    counters = emulator.counters()
    assert counters["totals"] | {"requests": 3, "failed": 1, "refused": 1, "inferences": 1} == counters["totals"]


@pytest.mark.parametrize(
    ("kind", "expected", "paid"),
    [("close", ServiceResponseError, 0), ("garbage", DecodeError, 1), ("truncated", AzureError, 1)],
)
def test_broken_answers(
    emulator: RunningEmulator, client: ImageAnalysisClient, kind: str, expected: type[AzureError], paid: int
) -> None:
    emulator.add_fault(kind, times=1)
    with pytest.raises(expected):
        client.analyze(SCENE, OBJECTS)
    assert emulator.paid() == paid
    assert client.analyze(SCENE, OBJECTS).objects is not None


def test_a_stall_outlasts_a_clients_patience(emulator: RunningEmulator, client: ImageAnalysisClient) -> None:
    emulator.add_fault("stall", times=1, seconds=60)
    with pytest.raises(ServiceResponseTimeoutError):
        client.analyze(BLANK, OBJECTS, read_timeout=SHORT_S)


def test_boxes_beyond_the_image(emulator: RunningEmulator, client: ImageAnalysisClient) -> None:
    emulator.add_fault("outside_boxes")
    objects = client.analyze(SCENE, OBJECTS).objects
    assert objects is not None
    ghosts = [box_of(thing.bounding_box) for thing in objects.list if thing.tags[0].name == "ghost"]
    assert ghosts
    assert all(right <= 0 or bottom <= 0 or left >= 640 or top >= 480 for left, top, right, bottom in ghosts)


def test_poisoned_images_are_refused_and_others_are_not(emulator: RunningEmulator, client: ImageAnalysisClient) -> None:
    emulator.behave(poison=[17])
    with pytest.raises(HttpResponseError, match="Image format is not valid"):
        client.analyze(SCENE, OBJECTS)
    assert client.analyze(BLANK, OBJECTS).objects is not None


def test_many_calls_at_once(emulator: RunningEmulator, client: ImageAnalysisClient) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: client.analyze(SCENE, OBJECTS), range(24)))
    assert all(result.objects is not None and len(result.objects.list) == 3 for result in results)
    assert emulator.counters()["inferences"] == {"objects": 24}


def test_every_feature_of_32(emulator: RunningEmulator, old_client: Any) -> None:
    found = old_client.analyze_image_in_stream(io.BytesIO(SCENE), EVERYTHING_32, ["Celebrities", "Landmarks"], language="en")
    assert (found.metadata.width, found.metadata.height, found.metadata.format) == (640, 480, "Jpeg")
    assert len(found.request_id) == 36
    assert found.model_version == "2021-05-01"
    boxes = {thing.object_property: corners(thing.rectangle) for thing in found.objects}
    assert boxes == {marker.label: pytest.approx(marker.box, abs=1) for marker in MARKERS}
    dog = next(thing for thing in found.objects if thing.object_property == "Dog-0017")
    assert (dog.parent.object_property, dog.parent.parent.object_property) == ("dog", "canine")
    faces = {(face.face_rectangle.left, face.face_rectangle.top) for face in found.faces}
    assert faces == {(left, top) for left, top, _, _ in boxes.values()}
    assert [brand.name for brand in found.brands] == ["Brand-0008"]
    assert corners(found.brands[0].rectangle) == boxes["Car-0008"]
    assert (found.adult.is_adult_content, found.adult.is_racy_content, found.adult.is_gory_content) == (True, False, False)
    assert found.adult.adult_score > 0.5 > 0.1 > found.adult.racy_score
    assert found.color.dominant_colors
    assert len(found.color.accent_color) == 6
    assert found.color.is_bw_img is False
    assert found.image_type.clip_art_type == found.image_type.line_drawing_type == 0
    people = next(category for category in found.categories if category.name == "people_")
    assert {one.name for one in people.detail.celebrities} == LABELS
    assert {tag.name for tag in found.tags} >= LABELS
    assert found.description.captions[0].text.startswith("a dog, a car and a cup")
    billed = {feature.value[0].lower() + feature.value[1:] for feature in EVERYTHING_32} | {"celebrities", "landmarks"}
    assert emulator.counters()["inferences"] == dict.fromkeys(billed, 1)


def test_single_features_of_32_by_stream_and_by_url(emulator: RunningEmulator, old_client: Any) -> None:
    for found in (old_client.detect_objects_in_stream(io.BytesIO(SCENE)), old_client.detect_objects(URL)):
        assert {thing.object_property for thing in found.objects} == LABELS
    for found in (old_client.tag_image_in_stream(io.BytesIO(SCENE)), old_client.tag_image(URL)):
        assert {tag.name for tag in found.tags} >= LABELS
    for found in (old_client.describe_image_in_stream(io.BytesIO(SCENE), 2), old_client.describe_image(URL, 2)):
        assert len(found.captions) == 2
    assert old_client.analyze_image(URL, [VisualFeatureTypes.brands]).brands[0].name == "Brand-0008"
    assert emulator.counters()["inferences"] == {"objects": 2, "tags": 2, "description": 2, "brands": 1}


def test_text_of_32_at_once_and_later(emulator: RunningEmulator, old_client: Any) -> None:
    for ocr in (old_client.recognize_printed_text_in_stream(io.BytesIO(SCENE)), old_client.recognize_printed_text(URL)):
        words = [word for region in ocr.regions for line in region.lines for word in line.words]
        assert {word.text for word in words} == {"M0008", "M0017", "M0951"}
        assert all(len(word.bounding_box.split(",")) == 4 for word in words)
    for accepted in (old_client.read_in_stream(io.BytesIO(SCENE), raw=True), old_client.read(URL, raw=True)):
        assert accepted.headers["Operation-Location"].startswith(f"{emulator.url}/vision/v3.2/read/analyzeResults/")
        (page,) = what_was_read(old_client, accepted).analyze_result.read_results
        assert (page.width, page.height, page.unit) == (640, 480, "pixel")
        assert {line.text for line in page.lines} == {"M0008", "M0017", "M0951"}
        assert all(len(line.bounding_box) == 8 for line in page.lines)
    assert emulator.counters()["inferences"] == {"ocr": 2, "read": 2}


def refusal_of(call: Callable[[], object]) -> Any:
    """What the SDK raises."""
    with pytest.raises((ComputerVisionErrorResponseException, ComputerVisionOcrErrorException)) as caught:
        call()
    return caught.value


def test_errors_of_32(emulator: RunningEmulator, old_client: Any) -> None:
    large = refusal_of(lambda: old_client.detect_objects_in_stream(io.BytesIO(bytes(5_000_000))))
    assert (large.error.error.code, large.error.error.innererror.code) == ("InvalidRequest", "InvalidImageSize")
    nowhere = refusal_of(lambda: old_client.analyze_image("https://storage.example/nowhere.jpg", EVERYTHING_32))
    assert nowhere.error.error.innererror.code == "InvalidImageUrl"
    unread = refusal_of(lambda: old_client.get_read_result("00000000-0000-0000-0000-000000000000"))
    assert unread.response.status_code == 404
    assert emulator.paid() == 0


def test_32_is_tried_once(emulator: RunningEmulator, old_client: Any) -> None:
    emulator.add_fault("throttle", operation="v3.2/detect", times=1)
    throttled = refusal_of(lambda: old_client.detect_objects_in_stream(io.BytesIO(BLANK)))
    assert (throttled.response.status_code, throttled.response.headers["Retry-After"]) == (429, "1")
    assert old_client.detect_objects_in_stream(io.BytesIO(BLANK)).objects == []
    assert emulator.counters()["requests"] == {"v3.2/detect": 2}


def test_what_is_received_is_recorded(tmp_path: Path) -> None:
    recording = running_emulator("--no-classical", "--record", str(tmp_path), vendor="azure")
    with recording as emulator, vision_client(emulator.url) as client:
        client.tag_image_in_stream(io.BytesIO(SCENE))
    assert (tmp_path / "000001.jpg").read_bytes() == SCENE
    assert json.loads((tmp_path / "000001.json").read_text())["operation"] == "v3.2/tag"
