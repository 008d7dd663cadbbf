"""Microsoft's SDKs read what the Azure dialects write, and write what they read: requests, answers, and every error."""

from __future__ import annotations

import io
import json
import os
from base64 import b64decode
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from azure.ai.vision.imageanalysis.models import VisualFeatures
from azure.cognitiveservices.vision.computervision.models import (
    ComputerVisionErrorResponseException,
    Details,
    VisualFeatureTypes,
)
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError

from app.core.geometry import UnitBox, UnitPoint
from app.core.model import Answer, Detection, Feature, Outcome, RawRequest, Tree
from app.core.prices import PriceList
from app.errors import Kind, Problem
from app.wire.azure import AzureDialect, AzureOptions, OwnProvider, azure_dialects
from app.wire.contract import Answered, Call, Calls, InlineImage, LinkedImage, Passthrough, RawReply, RestReply
from tests.support.azure_clients import analysis_client, async_analysis_client, vision_client
from tests.support.dialect_server import DialectServer, serving
from tests.support.wire import PICTURE, PIXELS

OFFERS = frozenset({Feature.OBJECTS, Feature.PEOPLE, Feature.TEXT})
DIALECTS = azure_dialects(AzureOptions(grid_text=True, offers=OFFERS, own=OwnProvider(PriceList(otherwise=0.001), 0.5)))
OTHERS = azure_dialects(AzureOptions(grid_text=True))
ADDRESS = "https://example.com/fake.jpg"

# Recorded requests of the real SDKs are kept outside the repository; TESSERA_TEST_CAPTURES names their folder.
CAPTURES = Path(os.environ.get("TESSERA_TEST_CAPTURES", Path(__file__).parents[3] / "shared" / "wire" / "captures"))
RECORDED = sorted(CAPTURES.glob("azure_v*.json"))

BOX = UnitBox(0.25, 0.5, 0.5, 0.75)
RECT = {"x": 160, "y": 240, "w": 160, "h": 120}
CORNERS: list[Tree] = [UnitPoint(0.25, 0.5), UnitPoint(0.5, 0.5), UnitPoint(0.5, 0.75), UnitPoint(0.25, 0.75)]
ITEMS: dict[Feature, dict[str, Tree]] = {
    Feature.OBJECTS: {"object": {"boundingBox": BOX, "tags": [{"name": "dog", "confidence": 0.9}]}},
    Feature.PEOPLE: {"person": {"boundingBox": BOX, "confidence": 0.2}},
    Feature.TEXT: {
        "line": 4,
        "block": 0,
        "word": {"text": "STOP", "boundingPolygon": CORNERS, "confidence": 0.9},
    },
}
REST = {
    "modelVersion": "2023-10-01",
    "metadata": {"width": 1, "height": 1},
    "captionResult": {"text": "a dog", "confidence": 0.5},
}
OLD_REST = {"adult": {"isAdultContent": True, "adultScore": 0.9}, "requestId": "theirs", "metadata": {"width": 1}}


def dialect_for(raw: RawRequest) -> AzureDialect:
    return DIALECTS.vision if raw.path.startswith("/vision/") else DIALECTS.analysis


def findings(feature: Feature, vendor: str) -> Outcome:
    """One thing; a word among text, and in the vendor's own shape where the vendor is Azure."""
    label = "STOP" if feature is Feature.TEXT else "dog" if vendor == "azure" else "Dog"
    fields = ITEMS.get(feature, {}) if vendor == "azure" else {"line": 4}
    extra: dict[str, Tree] = {"modelVersion": "2023-10-01"} if vendor == "azure" else {}
    return Outcome("job", Answer((Detection(feature, label, 0.9, BOX, vendor, fields),), extra=extra))


def answering(vendor: str) -> Callable[[RawRequest], RawReply]:
    """Read as the proxy reads it, one finding for each inquiry, and the rest as the vendor would answer it."""

    def answer(raw: RawRequest) -> RawReply:
        dialect = dialect_for(raw)
        read = dialect.read(raw)
        assert not isinstance(read, Passthrough)
        calls = read if isinstance(read, Calls) else Calls((read,))
        answers = [Answered(PICTURE, tuple(findings(one.feature, vendor) for one in call.inquiries)) for call in calls.calls]
        rest = OLD_REST if dialect is DIALECTS.vision else REST
        return dialect.write_calls(
            calls, answers, RestReply(200, json.dumps(rest).encode()) if calls.rest else None, "request-1"
        )

    return answer


@pytest.fixture(params=["azure", "rekognition"])
def server(request: pytest.FixtureRequest) -> Iterator[DialectServer]:
    """Findings of Azure's own, or of another vendor: the SDKs see the same."""
    with serving(answering(request.param)) as running:
        yield running


class TestAnswers:
    def test_image_analysis(self, server: DialectServer) -> None:
        """Every feature with a place, and the rest beside them, in the SDK's own types."""
        features = [VisualFeatures.OBJECTS, VisualFeatures.PEOPLE, VisualFeatures.READ, VisualFeatures.CAPTION]
        headers: list[Any] = []
        keep: Any = {"raw_response_hook": lambda answer: headers.append(answer.http_response.headers)}
        result = analysis_client(server.url).analyze(PIXELS, features, **keep)
        assert (result.metadata.width, result.metadata.height) == (640, 480)
        assert result.model_version == "2023-10-01"
        assert result.objects is not None
        assert result.objects.list[0].as_dict() == {"boundingBox": RECT, "tags": [{"name": "dog", "confidence": 0.9}]}
        assert result.people is not None
        assert result.people.list[0].bounding_box.as_dict() == RECT
        assert result.read is not None
        (line,) = result.read.blocks[0].lines
        assert (line.text, line.words[0].text, line.words[0].confidence) == ("STOP", "STOP", 0.9)
        around = [{"x": 160, "y": 240}, {"x": 320, "y": 240}, {"x": 320, "y": 360}, {"x": 160, "y": 360}]
        assert [corner.as_dict() for corner in line.bounding_polygon] == around
        assert [corner.as_dict() for corner in line.words[0].bounding_polygon] == around
        assert result.caption is not None
        assert result.caption.text == "a dog"
        assert result.tags is None
        assert headers[0]["apim-request-id"] == "request-1"

    async def test_asyncio_and_a_body_in_pieces(self, server: DialectServer) -> None:
        async with async_analysis_client(server.url) as client:
            result = await client.analyze(PIXELS, [VisualFeatures.OBJECTS])
        assert result.objects is not None
        assert result.objects.list[0].tags[0].name == "dog"
        pieces: Any = (PIXELS[at : at + 4] for at in range(0, len(PIXELS), 4))
        assert analysis_client(server.url).analyze(pieces, [VisualFeatures.OBJECTS]).objects == result.objects

    def test_version_3_2(self, server: DialectServer) -> None:
        found = vision_client(server.url).analyze_image_in_stream(
            io.BytesIO(PIXELS), visual_features=[VisualFeatureTypes.objects, VisualFeatureTypes.adult]
        )
        (thing,) = found.objects
        assert (thing.object_property, thing.confidence, thing.parent) == ("dog", 0.9, None)
        rectangle = thing.rectangle
        assert (rectangle.x, rectangle.y, rectangle.w, rectangle.h) == (160, 240, 160, 120)
        assert found.adult.is_adult_content is True
        assert (found.request_id, found.metadata.width, found.metadata.format) == ("request-1", 640, "Jpeg")
        assert vision_client(server.url).detect_objects_in_stream(io.BytesIO(PIXELS)).objects[0].rectangle.w == 160


def test_faces_and_brands_of_3_2_from_another_vendor() -> None:
    """Image Analysis 4.0 has neither."""

    def answer(raw: RawRequest) -> RawReply:
        call = OTHERS.vision.read(raw)
        assert isinstance(call, Call)
        return OTHERS.vision.write(call, PICTURE, [findings(one.feature, "google") for one in call.inquiries], "request-1")

    with serving(answer) as server:
        wanted = [VisualFeatureTypes.faces, VisualFeatureTypes.brands]
        found = vision_client(server.url).analyze_image_in_stream(io.BytesIO(PIXELS), visual_features=wanted)
    face, brand = found.faces[0].face_rectangle, found.brands[0]
    assert (face.left, face.top, face.width, face.height) == (160, 240, 160, 120)
    assert (brand.name, brand.confidence, brand.rectangle.y) == ("Dog", 0.9, 240)


class TestRequests:
    @pytest.mark.parametrize("version", ["2023-10-01", "2024-02-01"])
    def test_what_the_sdk_writes_is_read(self, version: str) -> None:
        """Both versions; every parameter; a stream and an address."""
        with serving(answering("azure")) as server:
            client = analysis_client(server.url, api_version=version)
            wanted = [VisualFeatures.SMART_CROPS, VisualFeatures.OBJECTS, VisualFeatures.CAPTION]
            more: Any = {"gender_neutral_caption": True, "smart_crops_aspect_ratios": [0.9, 1.33], "model_version": "latest"}
            client.analyze(PIXELS, wanted, language="en", **more)
            client.analyze_from_url(ADDRESS, [VisualFeatures.OBJECTS])
        mixed, linked = (DIALECTS.analysis.read(raw) for raw in server.requests)
        assert isinstance(mixed, Calls)
        assert mixed.rest is not None
        assert mixed.rest.request.query == (
            f"api-version={version}&features=smartCrops,caption&language=en&gender-neutral-caption=true"
            "&smartcrops-aspect-ratios=0.9,1.33&model-version=latest"
        )
        assert (
            mixed.calls[0].inquiries[0].own_request
            == f"api-version={version}&features=objects&language=en&model-version=latest"
        )
        assert isinstance(linked, Call)
        assert linked.source == LinkedImage(ADDRESS)

    def test_what_the_sdk_of_3_2_writes_is_read(self) -> None:
        with serving(answering("azure")) as server:
            client = vision_client(server.url)
            wanted = [VisualFeatureTypes.objects, VisualFeatureTypes.color]
            client.analyze_image_in_stream(io.BytesIO(PIXELS), visual_features=wanted, details=[Details.landmarks])
            client.detect_objects(ADDRESS)
        mixed, linked = (DIALECTS.vision.read(raw) for raw in server.requests)
        assert isinstance(mixed, Calls)
        assert mixed.calls[0].source == InlineImage(PIXELS)
        assert mixed.rest is not None
        assert mixed.rest.request.query == "visualFeatures=Color&details=Landmarks&language=en&model-version=latest"
        assert isinstance(linked, Call)
        assert linked.source == LinkedImage(ADDRESS)

    @pytest.mark.skipif(not RECORDED, reason="no recorded requests here (TESSERA_TEST_CAPTURES names their folder)")
    def test_recorded_requests_are_read(self) -> None:
        """What has places is read with the recorded image, everything else is handed on whole."""
        handed_on = set()
        for path in RECORDED:
            request = json.loads(path.read_text(encoding="utf-8"))["request"]
            body = b64decode(request["body_base64"]) if "body_base64" in request else request["body_text"].encode()
            headers = {name.lower(): value for name, value in request["headers"]}
            read = dialect_for(raw := RawRequest(request["method"], request["path"], request["query"], headers, body)).read(raw)
            if isinstance(read, Passthrough):
                handed_on.add(path.stem)
                continue
            call = read.calls[0] if isinstance(read, Calls) else read
            assert call.source == (LinkedImage(ADDRESS) if "url" in path.stem else InlineImage(body)), path.stem
            assert call.tenant.name.startswith("key-"), path.stem
        assert handed_on == {f"azure_v32_{name}_in_stream" for name in ("describe", "ocr", "read", "tag")}


def _always(reply: RawReply, _: RawRequest) -> RawReply:
    return reply


# Kinds that azure-core sends again: by Retry-After, or by their status.
AGAIN = {kind for kind in Kind if kind.retryable}


class TestErrors:
    """`retries=1`: two attempts where the SDK tries again. A Retry-After of no seconds is not waited for."""

    @pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
    def test_every_failure_is_the_sdks_exception(self, kind: Kind) -> None:
        problem = Problem(kind, "something", retry_after_s=0)
        with serving(lambda _: DIALECTS.analysis.refuse(problem, "request-1")) as server:
            with pytest.raises(HttpResponseError) as caught:
                analysis_client(server.url, retries=1).analyze(PIXELS, [VisualFeatures.OBJECTS])
            assert len(server.requests) == (2 if kind in AGAIN else 1)
        classes = {
            Kind.UNAUTHENTICATED: ClientAuthenticationError,
            Kind.WRONG_SIGNATURE: ClientAuthenticationError,
            Kind.UNKNOWN_OPERATION: ResourceNotFoundError,
        }
        assert type(caught.value) is classes.get(kind, HttpResponseError)
        assert caught.value.error is not None
        assert caught.value.error.code
        assert "omething" in str(caught.value.error.message)

    @pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
    def test_every_failure_is_the_exception_of_the_3_2_sdk(self, kind: Kind) -> None:
        """Which never tries again."""
        with serving(lambda _: DIALECTS.vision.refuse(Problem(kind, "something"), "request-1")) as server:
            with pytest.raises(ComputerVisionErrorResponseException) as caught:
                vision_client(server.url).detect_objects_in_stream(io.BytesIO(PIXELS))
            assert len(server.requests) == 1
        error: Any = caught.value.error
        assert error.error.code
        assert "omething" in error.error.message

    async def test_asyncio_tries_again_alike(self) -> None:
        for kind, attempts in ((Kind.THROTTLED, 2), (Kind.INVALID_IMAGE, 1)):
            reply = DIALECTS.analysis.refuse(Problem(kind, "something", retry_after_s=0), "request-1")
            with serving(partial(_always, reply)) as server:
                async with async_analysis_client(server.url, retries=1) as client:
                    with pytest.raises(HttpResponseError):
                        await client.analyze(PIXELS, [VisualFeatures.OBJECTS])
                assert len(server.requests) == attempts
