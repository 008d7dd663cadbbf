"""Google before Google: what has a place shares sheets, the rest of the request goes to Google alone, and it is one answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.api_core.exceptions import NotFound
from google.cloud import vision
from google.cloud.vision_v1.services.product_search import ProductSearchClient
from google.protobuf import json_format

from app.core.geometry import UnitBox
from app.demo.checking import EXACT_OVERLAP
from app.demo.scenes import Scene
from app.demo.truth import overlap
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.google_clients import asked, grpc_client, rest_client, with_key
from tests.support.google_wire import GRPC_PATH
from tests.support.pictures import picture
from tests.support.plain_http import WEB
from tests.support.sdk import MEETING_MS, new_key, together
from tests.support.server import RunningServer, running_server

SCENES = (picture(800, 600, 3, 8), picture(800, 600, 21, 30, 55))
MIXED = ("OBJECT_LOCALIZATION", "FACE_DETECTION", "LABEL_DETECTION", "SAFE_SEARCH_DETECTION", "IMAGE_PROPERTIES")
BAD = b"no image at all"
CALL_S = 30.0


@dataclass(frozen=True, slots=True)
class Rig:
    server: RunningServer
    emulator: RunningEmulator

    def units(self) -> dict[str, int]:
        """What the vendor has charged for so far."""
        return dict(self.emulator.counters()["inferences"])


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_emulator("--no-classical", vendor="google") as emulator:
        settings = {
            "TESSERA_PROVIDER": "google",
            "TESSERA_UPSTREAM_URL": emulator.url,
            "TESSERA_UPSTREAM_GRPC": emulator.grpc,
            "TESSERA_MAX_WAIT_MS": str(MEETING_MS),
            "TESSERA_LAYOUTS": "2x1",
        }
        with running_server(tmp_path_factory.mktemp("mixed") / "log", **settings) as server:
            yield Rig(server, emulator)


def check_objects(scene: Scene, response: Any) -> None:
    found = response.localized_object_annotations
    assert len(found) == len(scene.objects)
    for thing in scene.objects:
        (name,) = [one.name for one in found if overlap(box_of(one), thing.box) > EXACT_OVERLAP]
        assert name == thing.label


def box_of(one: Any) -> UnitBox:
    corners = one.bounding_poly.normalized_vertices
    xs, ys = [corner.x for corner in corners], [corner.y for corner in corners]
    return UnitBox(min(xs), min(ys), max(xs), max(ys))


def test_a_mixed_request_pays_for_half_a_sheet_and_for_the_rest(rig: Rig) -> None:
    """Safe Search is free beside Label: the two stay together. Answers are those of Google asked directly."""
    client, direct = rest_client(rig.server.url, new_key()), rest_client(rig.emulator.url)
    before = rig.units()
    told = together(
        *(lambda scene=scene: client.batch_annotate_images(requests=asked((scene.content, MIXED))) for scene in SCENES)
    )
    paid = {name: count - before.get(name, 0) for name, count in rig.units().items()}
    assert {name: count for name, count in paid.items() if count} == {
        "OBJECT_LOCALIZATION": 1,
        "FACE_DETECTION": 1,
        "LABEL_DETECTION": 2,
        "IMAGE_PROPERTIES": 2,
    }
    for scene, answer in zip(SCENES, told, strict=True):
        (response,) = answer.responses
        check_objects(scene, response)
        assert len(response.face_annotations) == len(scene.objects)
        (alone,) = direct.batch_annotate_images(requests=asked((scene.content, MIXED))).responses
        assert list(response.label_annotations) == list(alone.label_annotations)
        assert response.safe_search_annotation == alone.safe_search_annotation
        assert response.image_properties_annotation == alone.image_properties_annotation


def test_the_bill_is_that_of_the_whole_request_on_both_carriers(rig: Rig) -> None:
    """Half of two sheets, Label and Image Properties; Safe Search is free beside Label. Over gRPC also where nothing shares."""
    key = new_key()
    before = rig.units()
    batches = [vision.BatchAnnotateImagesRequest.pb(message_of(scene, MIXED)) for scene in SCENES]
    with grpc.insecure_channel(rig.server.grpc) as channel:
        call: Any = channel.unary_unary(GRPC_PATH)

        def over_grpc(message: Any) -> str:
            _, told = call.with_call(message.SerializeToString(), metadata=with_key(key), timeout=CALL_S)
            return str(dict(told.trailing_metadata())["x-tessera-inferences"])

        def over_rest(message: Any) -> str:
            url = f"{rig.server.url}/v1/images:annotate?key={key}"
            return WEB.post(url, content=json_format.MessageToJson(message), timeout=CALL_S).headers["x-tessera-inferences"]

        assert together(lambda: over_grpc(batches[0]), lambda: over_rest(batches[1])) == ["3", "3"]
        labels = vision.BatchAnnotateImagesRequest.pb(message_of(SCENES[0], ("LABEL_DETECTION", "SAFE_SEARCH_DETECTION")))
        assert (over_grpc(labels), over_rest(labels)) == ("1", "1")
    assert sum(count - before.get(name, 0) for name, count in rig.units().items()) == 8


def message_of(scene: Scene, features: Sequence[str]) -> vision.BatchAnnotateImagesRequest:
    return vision.BatchAnnotateImagesRequest(requests=asked((scene.content, features)))


def test_a_batch_shares_a_sheet_with_itself_and_a_bad_image_costs_its_neighbours_nothing(rig: Rig) -> None:
    objects = ("OBJECT_LOCALIZATION",)
    requests = asked((SCENES[0].content, objects), (BAD, MIXED), (SCENES[1].content, objects))
    with grpc_client(rig.server.grpc) as client:
        before = rig.units()
        first, bad, second = client.batch_annotate_images(requests=requests, metadata=with_key(new_key())).responses
    check_objects(SCENES[0], first)
    check_objects(SCENES[1], second)
    assert (bad.error.code, list(bad.localized_object_annotations)) == (3, [])
    assert rig.units()["OBJECT_LOCALIZATION"] - before.get("OBJECT_LOCALIZATION", 0) == 1


def test_what_cannot_share_at_all_is_handed_on(rig: Rig) -> None:
    client, direct = rest_client(rig.server.url, new_key()), rest_client(rig.emulator.url)
    image: Any = {"content": SCENES[0].content}
    assert client.label_detection(image) == direct.label_detection(image)


def test_product_search_is_googles_to_answer(rig: Rig) -> None:
    """The emulator has none, and says so; the request has reached it, and is counted."""
    options: Any = {"api_endpoint": rig.server.url, "api_key": new_key()}
    client: Any = ProductSearchClient(transport="rest", client_options=options)
    before = rig.server.stats()["bypass"]["operation"]
    with pytest.raises(NotFound, match="no such method"):
        client.get_product(name="projects/p/locations/l/products/x")
    assert rig.server.stats()["bypass"]["operation"] == before + 1


def test_a_path_of_nobodys_is_not_found_in_the_words_of_whoever_asks(rig: Rig) -> None:
    reply = WEB.get(f"{rig.server.url}/v1/", headers={"x-goog-api-key": new_key()})
    assert (reply.status_code, reply.json()["error"]["status"]) == (404, "NOT_FOUND")
