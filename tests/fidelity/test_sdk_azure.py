"""Microsoft's SDKs through the proxy, with a Rekognition behind it: clients share sheets, and each gets its own boxes."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest
from azure.ai.vision.imageanalysis.models import VisualFeatures
from azure.cognitiveservices.vision.computervision.models import (
    ComputerVisionErrorResponseException,
    Details,
    VisualFeatureTypes,
)
from azure.core.exceptions import HttpResponseError

from app.core.geometry import Size, UnitBox
from app.demo.checking import EXACT_OVERLAP, Fate, judge_exact
from app.demo.scenes import Scene
from app.demo.truth import Seen, overlap
from tests.support import bad_images
from tests.support.azure_clients import analysis_client, async_analysis_client, vision_client
from tests.support.images import encoded, noise
from tests.support.moderated import unsafe_picture
from tests.support.pictures import check_labels, picture
from tests.support.plain_http import WEB
from tests.support.sdk import HURRIED, Rig, both, new_key, together

OBJECTS, PEOPLE, TAGS, READ = VisualFeatures.OBJECTS, VisualFeatures.PEOPLE, VisualFeatures.TAGS, VisualFeatures.READ
CAPTION = VisualFeatures.CAPTION
OLD_OBJECTS, OLD_FACES, ADULT = VisualFeatureTypes.objects, VisualFeatureTypes.faces, VisualFeatureTypes.adult
SCENES = (picture(800, 600, 3, 8), picture(800, 600, 21, 30, 55))
# To the emulator's Rekognition: explicit.
UNSAFE = 970
ADDRESS = "https://example.com/a.jpg"
MIB = 1024 * 1024


def check_things(scene: Scene, things: Sequence[tuple[str, float, Mapping[str, int]]]) -> None:
    """Names, confidences and whole pixels: every object in its place, and nobody else's."""
    size = scene.size
    truth = [replace(one, label=one.label.lower(), parents=tuple(map(str.lower, one.parents))) for one in scene.objects]
    seen = [Seen(name, score, _unit(at["x"], at["y"], at["w"], at["h"], size)) for name, score, at in things]
    verdict = judge_exact(truth, seen)
    assert [mark for mark in verdict.marks if mark.fate is not Fate.RIGHT] == []
    assert all(0 < score <= 1 for _, score, _ in things)


def check_analysis(scene: Scene, result: Any) -> None:
    assert (result.metadata.width, result.metadata.height) == (scene.size.width_px, scene.size.height_px)
    things = [(one.tags[0].name, one.tags[0].confidence, one.bounding_box.as_dict()) for one in result.objects.list]
    check_things(scene, things)


def check_old_objects(scene: Scene, found: Any) -> None:
    assert (found.metadata.width, found.metadata.height) == (scene.size.width_px, scene.size.height_px)
    things = [(one.object_property, one.confidence, _xywh(one.rectangle)) for one in found.objects]
    check_things(scene, things)


def check_old_faces(scene: Scene, faces: Sequence[Any]) -> None:
    """Every marker is a face to the emulator."""
    assert len(faces) == len(scene.objects)
    boxes = [face.face_rectangle for face in faces]
    for thing in scene.objects:
        assert any(overlap(_unit(at.left, at.top, at.width, at.height, scene.size), thing.box) > EXACT_OVERLAP for at in boxes)


def _xywh(rectangle: Any) -> dict[str, int]:
    return {"x": rectangle.x, "y": rectangle.y, "w": rectangle.w, "h": rectangle.h}


def _unit(left_px: int, top_px: int, width_px: int, height_px: int, size: Size) -> UnitBox:
    assert all(isinstance(edge, int) for edge in (left_px, top_px, width_px, height_px))
    width, height = size.width_px, size.height_px
    return UnitBox.from_ltwh(left_px / width, top_px / height, width_px / width, height_px / height)


class Analysis:
    """A client of Image Analysis 4.0 that also tells the headers of its answers."""

    def __init__(self, url: str, key: str | None = None, **options: Any) -> None:
        self._client = analysis_client(url, key or new_key(), **options)

    def __call__(self, image: Any, *features: VisualFeatures, **more: Any) -> tuple[Any, Mapping[str, str]]:
        headers: list[Mapping[str, str]] = []
        more["raw_response_hook"] = lambda answer: headers.append(answer.http_response.headers)
        return self._client.analyze(image, list(features), **more), headers[-1]


@pytest.mark.parametrize("version", ["2023-10-01", "2024-02-01"])
def test_two_clients_share_a_sheet_and_get_their_own_answers(rig: Rig, version: str) -> None:
    """Half an inference each, whole pixels of their own images, and the ids of the request."""
    client, before = Analysis(rig.server.url, api_version=version), rig.calls()
    told = together(*(lambda scene=scene: client(scene.content, OBJECTS) for scene in SCENES))
    assert [call.operation for call in rig.sent(before)] == ["DetectLabels"]
    for scene, (result, headers) in zip(SCENES, told, strict=True):
        check_analysis(scene, result)
        assert (headers["x-tessera-grid"], headers["x-tessera-inferences"]) == ("2x1", "0.5")
        assert headers["apim-request-id"] == headers["x-request-id"]


def test_text_shares_sheets_and_every_client_reads_his_own(rig: Rig) -> None:
    """The numbers of his markers, each as a word in its place (the rig's operator lets text share)."""
    client = Analysis(rig.server.url)
    told = together(*(lambda scene=scene: client(scene.content, READ) for scene in SCENES))
    for scene, (result, headers) in zip(SCENES, told, strict=True):
        assert headers["x-tessera-grid"] == "2x1"
        words = [word for block in result.read.blocks for line in block.lines for word in line.words]
        assert sorted(word.text for word in words) == sorted(thing.label.rpartition("-")[2] for thing in scene.objects)
        for word in words:
            (thing,) = [thing for thing in scene.objects if thing.label.endswith(word.text)]
            xs, ys = [corner.x for corner in word.bounding_polygon], [corner.y for corner in word.bounding_polygon]
            box = _unit(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys), scene.size)
            assert overlap(box, thing.box) > EXACT_OVERLAP


async def test_asyncio(rig: Rig) -> None:
    async with async_analysis_client(rig.server.url, new_key()) as client:
        results = await asyncio.gather(*(client.analyze(scene.content, [OBJECTS]) for scene in SCENES))
    for scene, result in zip(SCENES, results, strict=True):
        check_analysis(scene, result)


def test_version_3_2_in_pieces_with_objects_and_faces(rig: Rig) -> None:
    """Its streams come chunked; two features are two shared inferences."""
    client, before = vision_client(rig.server.url, new_key()), rig.calls()
    told = together(
        *(
            lambda scene=scene: client.analyze_image_in_stream(
                io.BytesIO(scene.content), visual_features=[OLD_OBJECTS, OLD_FACES], raw=True
            )
            for scene in SCENES
        )
    )
    assert sorted(call.operation for call in rig.sent(before)) == ["DetectFaces", "DetectLabels"]
    for scene, raw in zip(SCENES, told, strict=True):
        check_old_objects(scene, raw.output)
        check_old_faces(scene, raw.output.faces)
        assert raw.response.headers["x-tessera-inferences"] == "1"
        assert raw.output.request_id == raw.response.headers["apim-request-id"]


def test_clients_of_both_versions_share_a_sheet(rig: Rig) -> None:
    key = new_key()
    one, other = SCENES
    (result, headers), found = both(
        lambda: Analysis(rig.server.url, key)(one.content, OBJECTS),
        lambda: vision_client(rig.server.url, key).detect_objects_in_stream(io.BytesIO(other.content)),
    )
    check_analysis(one, result)
    check_old_objects(other, found)
    assert headers["x-tessera-grid"] == "2x1"


def test_clients_with_other_keys_and_of_other_vendors_never_share(rig: Rig) -> None:
    before = rig.calls()
    key = new_key()
    calls: list[Callable[[], object]] = [
        lambda: check_analysis(SCENES[0], Analysis(rig.server.url, key)(SCENES[0].content, OBJECTS, headers=HURRIED)[0]),
        lambda: check_analysis(SCENES[1], Analysis(rig.server.url)(SCENES[1].content, OBJECTS, headers=HURRIED)[0]),
        lambda: check_labels(SCENES[0], rig.client(HURRIED, key=key)("DetectLabels", SCENES[0].content).answer),
    ]
    together(*calls)
    assert sorted(call.content for call in rig.sent(before)) == sorted(
        scene.content for scene in (SCENES[0], SCENES[0], SCENES[1])
    )


def test_a_crowd_pays_half_and_nobody_gets_somebody_elses_boxes(rig: Rig) -> None:
    scenes = [picture(640 + 40 * number, 480, 100 + 3 * number, 101 + 3 * number) for number in range(8)]
    client, before = Analysis(rig.server.url), rig.emulator.paid()
    told = together(*(lambda scene=scene: client(scene.content, OBJECTS) for scene in scenes))
    for scene, (result, _) in zip(scenes, told, strict=True):
        check_analysis(scene, result)
    assert rig.emulator.paid() - before == 4


def test_forms_image_types_and_png(rig: Rig) -> None:
    """Bodies that no SDK sends, but the vendor takes."""
    png = picture(640, 480, 3, 8, encoding="PNG")
    address = f"{rig.server.url}/computervision/imageanalysis:analyze?api-version=2024-02-01&features=objects"
    key = {"Ocp-Apim-Subscription-Key": new_key(), **HURRIED}
    with httpx.Client() as http:
        form = http.post(address, files={"anything": ("a.png", png.content)}, headers=key)
        typed = http.post(address, content=png.content, headers={**key, "Content-Type": "image/png"})
    for reply in (form, typed):
        assert reply.status_code == 200, reply.text
        body = reply.json()
        items = [
            (one["tags"][0]["name"], one["tags"][0]["confidence"], one["boundingBox"])
            for one in body["objectsResult"]["values"]
        ]
        check_things(png, items)
        assert body["metadata"] == {"width": 640, "height": 480}


IMAGES: Mapping[str, tuple[bytes, str, str]] = {
    "empty": (b"", "InvalidRequest", "not allowed to be zero or larger than 20971520"),
    "text": (b"this is no image", "InvalidRequest", "Image format is not valid."),
    "cut": (bad_images.cut("jpeg"), "InvalidRequest", "Image format is not valid."),
    "gif": (bad_images.plain_file("GIF"), "InvalidRequest", "Image format is not valid."),
    "bomb": (bad_images.png_that_claims(60_000, 60_000), "InvalidRequest", "too large"),
    "49 x 60": (encoded(noise(Size(49, 60)), "png"), "InvalidRequest", "smaller than 50 and larger than 16000"),
    "16001 x 60": (bad_images.png_that_claims(16_001, 60), "InvalidRequest", "smaller than 50 and larger than 16000"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_a_bad_image_is_the_vendors_error(rig: Rig, name: str) -> None:
    """Refused once, never tried again."""
    data, code, words = IMAGES[name]
    before = rig.emulator.paid()
    with pytest.raises(HttpResponseError) as caught:
        Analysis(rig.server.url, retries=3)(data, OBJECTS, headers=HURRIED)
    assert (caught.value.status_code, caught.value.error and caught.value.error.code) == (400, code)
    assert words in str(caught.value.error and caught.value.error.message)
    assert rig.emulator.paid() == before


def test_the_largest_image_is_taken_and_a_larger_one_refused_in_the_vendors_words(rig: Rig) -> None:
    """Also far above what the server itself takes."""
    largest = bad_images.heavy(19 * MIB, SCENES[0].content)
    result, _ = Analysis(rig.server.url)(largest + bytes(20 * MIB - len(largest)), OBJECTS, headers=HURRIED)
    check_analysis(SCENES[0], result)
    for more, words in ((1, "zero or larger than 20971520 bytes"), (4 * MIB, "The image is too large.")):
        with pytest.raises(HttpResponseError) as caught:
            Analysis(rig.server.url, retries=3)(bytes(20 * MIB + more), OBJECTS, headers=HURRIED)
        assert caught.value.status_code == 400
        assert caught.value.error is not None
        assert caught.value.error.code == "InvalidRequest"
        assert words in str(caught.value.error.message)


def test_a_bad_image_of_3_2(rig: Rig) -> None:
    client = vision_client(rig.server.url, new_key())
    for data, inner in ((b"text", "InvalidImageFormat"), (bad_images.heavy(5 * MIB), "InvalidImageSize")):
        with pytest.raises(ComputerVisionErrorResponseException) as caught:
            client.detect_objects_in_stream(io.BytesIO(data))
        assert caught.value.response.status_code == 400
        assert caught.value.response.json()["error"]["innererror"]["code"] == inner


@pytest.mark.parametrize(
    ("features", "lacking"),
    [((CAPTION,), CAPTION), ((OBJECTS, CAPTION), CAPTION), ((PEOPLE,), PEOPLE), ((PEOPLE, READ), PEOPLE)],
)
def test_what_this_provider_does_not_have_is_not_supported_and_not_paid(
    rig: Rig, features: tuple[VisualFeatures, ...], lacking: VisualFeatures
) -> None:
    """As the vendor says it of a region that lacks a feature: one answer, no second try."""
    before = rig.emulator.paid()
    with pytest.raises(HttpResponseError) as caught:
        Analysis(rig.server.url, retries=3)(SCENES[0].content, *features, headers=HURRIED)
    error = caught.value.error
    assert error is not None
    assert error.innererror is not None
    assert (caught.value.status_code, error.code) == (400, "InvalidRequest")
    assert error.innererror["code"] == "NotSupportedVisualFeature"
    assert f"The feature '{lacking.value}' is not supported" in str(error.message)
    assert rig.emulator.paid() == before


@pytest.mark.parametrize(
    ("features", "details", "lacking"),
    [([VisualFeatureTypes.brands], [], "Brands"), ([ADULT, VisualFeatureTypes.color], [], "Color"),
     ([OLD_OBJECTS], [Details.landmarks], "Landmarks")],
)  # fmt: skip
def test_what_this_provider_does_not_have_of_3_2(
    rig: Rig, features: list[VisualFeatureTypes], details: list[Details], lacking: str
) -> None:
    before = rig.emulator.paid()
    with pytest.raises(ComputerVisionErrorResponseException) as caught:
        vision_client(rig.server.url, new_key()).analyze_image_in_stream(io.BytesIO(SCENES[0].content), features, details)
    error = caught.value.response.json()["error"]
    assert (caught.value.response.status_code, error["innererror"]["code"]) == (400, "NotSupportedVisualFeature")
    assert f"'{lacking}'" in error["message"]
    assert rig.emulator.paid() == before


def test_tags_and_adult_content_are_asked_of_whoever_is_there(rig: Rig) -> None:
    """Of the image alone, in Azure's words."""
    before, content = rig.calls(), SCENES[0].content
    result, _ = Analysis(rig.server.url)(content, TAGS)
    tags = {one.name: one.confidence for one in result.tags.list}
    assert [*tags.values()] == sorted(tags.values(), reverse=True)
    assert {thing.label.lower() for thing in SCENES[0].objects} <= tags.keys()
    unsafe = unsafe_picture(np.random.default_rng(1), SCENES[0].size, 0.4, UNSAFE)
    client = vision_client(rig.server.url, new_key())
    clean, bad = (client.analyze_image_in_stream(io.BytesIO(one), [ADULT]).adult for one in (content, unsafe))
    assert (clean.is_adult_content, clean.is_racy_content, clean.is_gory_content) == (False, False, False)
    assert (clean.adult_score, clean.racy_score, clean.gore_score) == (0, 0, 0)
    assert (bad.is_adult_content, bad.is_racy_content, bad.is_gory_content) == (True, False, False)
    assert (bad.adult_score > 0.9, bad.racy_score) == (True, 0)
    sent = [(call.operation, call.content) for call in rig.sent(before)]
    assert sent == [("DetectLabels", content), ("DetectModerationLabels", content), ("DetectModerationLabels", unsafe)]


def test_an_address_is_not_fetched(rig: Rig) -> None:
    with pytest.raises(HttpResponseError) as caught:
        analysis_client(rig.server.url, new_key()).analyze_from_url(ADDRESS, [OBJECTS])
    assert caught.value.status_code == 400
    with pytest.raises(ComputerVisionErrorResponseException):
        vision_client(rig.server.url, new_key()).detect_objects(ADDRESS)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/computervision/imageanalysis:analyze"),
        ("POST", "/computervision/imageanalysis:segment?api-version=2023-02-01-preview"),
        ("GET", "/computervision/models?api-version=2023-02-01-preview"),
        ("POST", "/vision/v3.2/tag"),
        ("GET", "/vision/v3.2/models"),
        ("GET", "/vision/v3.2/read/analyzeResults/7"),
        ("OPTIONS", "/vision/v3.2/analyze"),
    ],
)
def test_other_paths_of_the_vendor_are_answered_in_its_words(rig: Rig, method: str, path: str) -> None:
    reply = WEB.request(method, rig.server.url + path, headers={"Ocp-Apim-Subscription-Key": "k"})
    assert reply.status_code == 404
    assert reply.json()["error"]["code"] == "404"
    assert reply.headers["apim-request-id"] == reply.headers["x-request-id"]
    assert "retry-after" not in reply.headers
