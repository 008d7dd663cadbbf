"""Every front before every provider: an SDK that knows nothing of what stands behind finds its own objects, where they are.

Two clients at once, each with identities that the other does not have: one sheet, one inference, in any pair. Behind the
vendors are emulators that read markers; the local model tells colours apart.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeAlias

import boto3
import pytest
from azure.ai.vision.imageanalysis.models import VisualFeatures
from azure.cognitiveservices.vision.computervision.models import VisualFeatureTypes

from app.core.geometry import PixelBox, Size, UnitBox
from app.demo.checking import EXACT_OVERLAP
from app.demo.scenes import Scene
from app.demo.truth import overlap
from app.detectors.markers import marker_id_of
from tests.support.azure_clients import analysis_client, vision_client
from tests.support.colour_model import COLOURS, patches, write_colour_model
from tests.support.emulator import running_emulator
from tests.support.google_clients import grpc_client, rest_client, with_key
from tests.support.native import seen
from tests.support.pictures import picture, unit_box
from tests.support.plain_http import WEB
from tests.support.sdk import MEETING_MS, new_key, together
from tests.support.server import RunningServer, running_server

Found: TypeAlias = list[tuple[str, UnitBox]]
MARKERS = (picture(800, 600, 3, 8), picture(640, 480, 21, 30))
PATCHES = (
    patches(Size(800, 600), {"Red": (80, 60, 400, 300), "Lime": (420, 280, 800, 600)}),
    patches(Size(640, 480), {"Blue": (0, 0, 300, 200), "Magenta": (340, 220, 600, 440)}, "PNG"),
)


@dataclass(frozen=True, slots=True)
class Behind:
    """The proxy with one provider behind it, and what that can find."""

    server: RunningServer
    paid: Callable[[], int]
    scenes: tuple[Scene, Scene]
    finds: Callable[[str], bool]


# Vendor as a provider -> the emulated one, and the settings that it takes beside its address.
VENDORS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "rekognition": ("rekognition", {"AWS_ACCESS_KEY_ID": "OPERATOR", "AWS_SECRET_ACCESS_KEY": "operators-secret"}),
    "google": ("google", {"TESSERA_GOOGLE_API_KEY": "operators-key"}),
    "azure": ("azure", {"TESSERA_AZURE_KEY": "operators-key"}),
}


@pytest.fixture(scope="module", params=[*VENDORS, "onnx"])
def behind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    log = tmp_path_factory.mktemp("pairs") / "log"
    together_on_a_sheet = {"TESSERA_MAX_WAIT_MS": str(MEETING_MS), "TESSERA_LAYOUTS": "2x1"}
    if request.param == "onnx":
        settings = {"TESSERA_PROVIDER": "onnx", "TESSERA_MODEL": str(write_colour_model(log.parent)), **together_on_a_sheet}
        with running_server(log, **settings) as server:
            yield Behind(server, lambda: paid_by(server), PATCHES, is_colour)
        return
    vendor, own = VENDORS[request.param]
    with ExitStack() as stack:
        emulator = stack.enter_context(running_emulator("--no-classical", vendor=vendor))
        settings = {
            "TESSERA_PROVIDER": request.param,
            "TESSERA_UPSTREAM_URL": emulator.url,
            **together_on_a_sheet,
            **own,
            **({"TESSERA_UPSTREAM_GRPC": emulator.grpc} if emulator.grpc else {}),
        }
        yield Behind(stack.enter_context(running_server(log, **settings)), emulator.paid, MARKERS, is_marker)


def paid_by(server: RunningServer) -> int:
    return int(server.stats()["inferences"]["paid"])


def is_marker(label: str) -> bool:
    return marker_id_of(label.capitalize()) is not None


def is_colour(label: str) -> bool:
    return label.capitalize() in COLOURS


def native(server: RunningServer, key: str) -> Callable[[Scene], Found]:
    def ask(scene: Scene) -> Found:
        reply = WEB.post(
            f"{server.url}/v1/detect", content=scene.content, headers={"content-type": "image/jpeg", "x-api-key": key}
        )
        reply.raise_for_status()
        return [(one.label, one.box) for one in seen(reply.json(), "objects") if one.box is not None]

    return ask


def rekognition(server: RunningServer, key: str) -> Callable[[Scene], Found]:
    client: Any = boto3.session.Session().client(
        "rekognition", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key="any"
    )

    def ask(scene: Scene) -> Found:
        labels = client.detect_labels(Image={"Bytes": scene.content})["Labels"]
        return [(label["Name"], unit_box(one["BoundingBox"])) for label in labels for one in label["Instances"]]

    return ask


def azure_4_0(server: RunningServer, key: str) -> Callable[[Scene], Found]:
    client = analysis_client(server.url, key)

    def ask(scene: Scene) -> Found:
        found = client.analyze(scene.content, [VisualFeatures.OBJECTS]).objects
        assert found is not None
        return [(one.tags[0].name, in_ratios(one.bounding_box, scene.size)) for one in found.list]

    return ask


def azure_3_2(server: RunningServer, key: str) -> Callable[[Scene], Found]:
    client = vision_client(server.url, key)

    def ask(scene: Scene) -> Found:
        answer = client.analyze_image_in_stream(io.BytesIO(scene.content), visual_features=[VisualFeatureTypes.objects])
        return [(one.object_property, in_ratios(one.rectangle, scene.size)) for one in answer.objects]

    return ask


def google_rest(server: RunningServer, key: str) -> Callable[[Scene], Found]:
    client: Any = rest_client(server.url, key)
    return lambda scene: localized(client.object_localization({"content": scene.content}))


def google_grpc(server: RunningServer, key: str) -> Callable[[Scene], Found]:
    def ask(scene: Scene) -> Found:
        with grpc_client(server.grpc) as client:
            localize: Any = client.object_localization
            return localized(localize({"content": scene.content}, metadata=with_key(key)))

    return ask


def localized(answer: Any) -> Found:
    assert answer.error.code == 0, answer.error
    found = []
    for one in answer.localized_object_annotations:
        corners = one.bounding_poly.normalized_vertices
        xs, ys = [corner.x for corner in corners], [corner.y for corner in corners]
        found.append((one.name, UnitBox(min(xs), min(ys), max(xs), max(ys))))
    return found


def in_ratios(box: Any, size: Size) -> UnitBox:
    left, top = box.x, box.y
    width, height = (box.width, box.height) if hasattr(box, "width") else (box.w, box.h)
    return PixelBox(left, top, left + width, top + height).to_unit(size)


FRONTS: Mapping[str, Callable[[RunningServer, str], Callable[[Scene], Found]]] = {
    "native": native,
    "rekognition": rekognition,
    "google over REST": google_rest,
    "google over gRPC": google_grpc,
    "azure 4.0": azure_4_0,
    "azure 3.2": azure_3_2,
}


@pytest.mark.parametrize("front", FRONTS)
def test_every_client_finds_his_own_objects_for_half_the_price(behind: Behind, front: str) -> None:
    ask, paid = FRONTS[front](behind.server, new_key()), behind.paid()
    answers = together(*(lambda scene=scene: ask(scene) for scene in behind.scenes))
    assert behind.paid() - paid == 1
    for scene, found in zip(behind.scenes, answers, strict=True):
        own = [(label, box) for label, box in found if behind.finds(label)]
        assert len(own) == len(scene.objects)
        for thing in scene.objects:
            (label,) = [label for label, box in own if overlap(box, thing.box) > EXACT_OVERLAP]
            assert label.lower() == thing.label.lower()
