"""The emulated Google Cloud Vision as real clients see it: google-cloud-vision over REST, gRPC and asynchronous gRPC.

Answers are read through the package's own types; what it makes of errors, stalls and broken answers is what it would make of
Google's.
"""

from __future__ import annotations

import base64
import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import vision
from google.protobuf.json_format import ParseError
from requests.exceptions import ChunkedEncodingError
from requests.exceptions import ConnectionError as LostConnection

from app.emulators.disturbing import OUTSIDE_LABEL
from tests.support.bad_images import heavy
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.google_clients import asked, grpc_aio_client, grpc_client, rest_client, with_key
from tests.support.marker_scenes import Placed, busy, plain, stored

MARKERS = (Placed(8, 60, 40, 120), Placed(17, 300, 200, 200), Placed(951, 80, 300, 90))
SCENE = stored(busy(640, 480, *MARKERS))
EIGHT = stored(plain(320, 240, Placed(8, 40, 40, 120)))
BLANK = stored(plain(200, 150))
LARGE = heavy(5 * 1024 * 1024, EIGHT)
CARRIERS = ("rest", "grpc")
CALL_S = 60.0
Client = vision.ImageAnnotatorClient


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    buckets = tmp_path_factory.mktemp("buckets")
    (buckets / "photos").mkdir()
    (buckets / "photos" / "a scene.jpg").write_bytes(SCENE)
    with running_emulator("--buckets", str(buckets), vendor="google") as running:
        yield running


@pytest.fixture(scope="module")
def clients(process: RunningEmulator) -> Iterator[dict[str, Client]]:
    with grpc_client(process.grpc) as client:
        yield {"rest": rest_client(process.url), "grpc": client}


@pytest.fixture
def emulator(process: RunningEmulator) -> RunningEmulator:
    """The module's emulator as if it had just been started."""
    process.reset()
    return process


@pytest.fixture(params=CARRIERS)
def client(request: pytest.FixtureRequest, clients: dict[str, Client], emulator: RunningEmulator) -> Client:
    """A client of either carrier, of an emulator as if it had just been started."""
    return clients[request.param]


def image(data: bytes = SCENE) -> vision.Image:
    return vision.Image(content=data)


def corners_px(polygon: Any) -> tuple[float, ...]:
    """left, top, right, bottom."""
    return (polygon.vertices[0].x, polygon.vertices[0].y, polygon.vertices[2].x, polygon.vertices[2].y)


def names(response: Any) -> list[str]:
    return [found.name for found in response.localized_object_annotations]


def test_object_localization(client: Any, emulator: RunningEmulator) -> None:
    found = {one.name: one for one in client.object_localization(image=image()).localized_object_annotations}
    assert set(found) == {marker.label for marker in MARKERS}
    for marker in MARKERS:
        first, _, third, _ = found[marker.label].bounding_poly.normalized_vertices
        box = (640 * first.x, 480 * first.y, 640 * third.x, 480 * third.y)
        assert box == pytest.approx(marker.box, abs=0.5)
    assert [one.score for one in found.values()] == sorted((one.score for one in found.values()), reverse=True)
    assert emulator.counters()["inferences"] == {"OBJECT_LOCALIZATION": 1}
    assert emulator.counters()["requests"] == {"BatchAnnotateImages": 1}


def test_face_detection(client: Any) -> None:
    faces = client.face_detection(image=image(), max_results=2).face_annotations
    assert [corners_px(face.fd_bounding_poly) for face in faces] == [
        pytest.approx(marker.box, abs=1) for marker in (MARKERS[1], MARKERS[0])
    ]
    assert all(len(face.landmarks) >= 30 for face in faces)
    assert vision.Likelihood.UNKNOWN not in {face.joy_likelihood for face in faces}


def test_text_detection(client: Any) -> None:
    words = stored(plain(320, 240, Placed(1, 10, 10, 60), Placed(2, 75, 10, 60), Placed(3, 200, 150, 60)))
    answer = client.text_detection(image=image(words))
    assert [one.description for one in answer.text_annotations] == ["M0001 M0002\nM0003", "M0001", "M0002", "M0003"]
    assert answer.full_text_annotation.text == "M0001 M0002\nM0003"
    document = client.document_text_detection(image=image(words), image_context={"language_hints": ["de"]})
    assert document.full_text_annotation.pages[0].width == 320
    assert document.text_annotations[0].locale == "de"
    assert client.text_detection(image=image(BLANK)).full_text_annotation.pages == []


def test_logos_landmarks_labels_and_the_web(client: Any) -> None:
    pictures = {number: image(stored(plain(320, 240, Placed(number, 40, 40, 120)))) for number in (4, 5)}
    (logo,) = client.logo_detection(image=pictures[4]).logo_annotations
    assert logo.description == "Logo-0004"
    assert corners_px(logo.bounding_poly) == pytest.approx((52, 52, 148, 148), abs=1)
    (landmark,) = client.landmark_detection(image=pictures[5]).landmark_annotations
    assert (landmark.description, landmark.locations[0].lat_lng.latitude) == ("Landmark-0005", -84.5)
    assert "Car" in [one.description for one in client.label_detection(image=image()).label_annotations]
    assert client.web_detection(image=image()).web_detection.web_entities


def test_safe_search_properties_and_crop_hints(client: Any) -> None:
    assert client.safe_search_detection(image=image()).safe_search_annotation.spoof == vision.Likelihood.POSSIBLE
    assert client.safe_search_detection(image=image(BLANK)).safe_search_annotation.spoof == vision.Likelihood.VERY_UNLIKELY
    (color,) = client.image_properties(image=image(BLANK)).image_properties_annotation.dominant_colors.colors
    assert (color.color.red, color.pixel_fraction) == (130, 1)
    context = {"crop_hints_params": {"aspect_ratios": [1.0]}}
    (hint,) = client.crop_hints(image=image(BLANK), image_context=context).crop_hints_annotation.crop_hints
    assert corners_px(hint.bounding_poly) == (25, 0, 175, 150)


def test_everything_at_once_is_refused_for_its_product_search(client: Any, emulator: RunningEmulator) -> None:
    """`annotate_image` without features asks for all of them."""
    assert client.annotate_image({"image": image()}).error.code == 3
    assert client.product_search(image=image()).error.code == 3
    assert emulator.paid() == 0


def test_a_batch_keeps_its_order_and_a_bad_image_harms_no_other(client: Any, emulator: RunningEmulator) -> None:
    both = ["OBJECT_LOCALIZATION", "FACE_DETECTION"]
    batch = client.batch_annotate_images(requests=asked((SCENE, both), (b"no image", both), (EIGHT, both[:1]), (BLANK, both)))
    assert [len(names(response)) for response in batch.responses] == [3, 0, 1, 0]
    assert [len(response.face_annotations) for response in batch.responses] == [3, 0, 0, 0]
    assert [response.error.code for response in batch.responses] == [0, 3, 0, 0]
    assert emulator.counters()["inferences"] == {"OBJECT_LOCALIZATION": 3, "FACE_DETECTION": 2}
    assert emulator.counters()["refused"] == {"BatchAnnotateImages": 1}


def test_seventeen_images_are_too_many(client: Any, emulator: RunningEmulator) -> None:
    requests = asked(*[(BLANK, ["LABEL_DETECTION"])] * 17)
    assert len(client.batch_annotate_images(requests=requests[:16]).responses) == 16
    with pytest.raises(exceptions.BadRequest, match="Too many images per request"):  # gRPC's InvalidArgument is one
        client.batch_annotate_images(requests=requests)


def test_a_parent_and_stored_images(client: Any) -> None:
    uris = ("gs://photos/a scene.jpg", "gs://photos/other.jpg", "https://example.com/a.jpg")
    requests = [{"image": {"source": {"image_uri": uri}}, "features": [{"type_": 19}]} for uri in uris]
    batch = client.batch_annotate_images({"parent": "projects/p/locations/eu", "requests": requests})
    assert [(len(names(response)), response.error.code) for response in batch.responses] == [(3, 0), (0, 7), (0, 7)]


def test_five_mebibytes(client: Any) -> None:
    assert names(client.object_localization(image=image(LARGE))) == ["Car-0008"]


def test_poison_strikes_alike(client: Any, emulator: RunningEmulator) -> None:
    emulator.behave(poison=[951])
    assert client.object_localization(image=image()).error.message == "Bad image data."
    assert names(client.object_localization(image=image(EIGHT))) == ["Car-0008"]


def test_disturbed_boxes_arrive(client: Any, emulator: RunningEmulator) -> None:
    emulator.add_fault("outside_boxes")
    assert OUTSIDE_LABEL in names(client.object_localization(image=image(EIGHT)))


ERRORS: list[tuple[str, type[Exception], type[Exception]]] = [
    ("throttle", exceptions.TooManyRequests, exceptions.ResourceExhausted),
    ("error500", exceptions.InternalServerError, exceptions.InternalServerError),
    ("close", LostConnection, exceptions.ServiceUnavailable),
    ("garbage", ParseError, exceptions.InternalServerError),
    ("truncated", ChunkedEncodingError, exceptions.InternalServerError),
]


@pytest.mark.parametrize(("kind", "over_rest", "over_grpc"), ERRORS)
@pytest.mark.parametrize("carrier", CARRIERS)
def test_faults_are_the_clients_own_exceptions(
    kind: str,
    over_rest: type[Exception],
    over_grpc: type[Exception],
    carrier: str,
    clients: dict[str, Client],
    emulator: RunningEmulator,
) -> None:
    emulator.add_fault(kind, times=1)
    client: Any = clients[carrier]
    with pytest.raises(over_rest if carrier == "rest" else over_grpc):
        client.object_localization(image=image())
    assert emulator.paid() == (1 if kind in {"garbage", "truncated"} else 0)
    assert len(names(client.object_localization(image=image()))) == 3


def test_a_lost_connection_is_tried_again_over_grpc(clients: dict[str, Client], emulator: RunningEmulator) -> None:
    """`batch_annotate_images` retries UNAVAILABLE by default; over REST a lost connection is no such error."""
    emulator.add_fault("close", times=1)
    requests: Any = asked((EIGHT, ["OBJECT_LOCALIZATION"]))
    assert len(clients["grpc"].batch_annotate_images(requests=requests).responses) == 1
    assert emulator.counters()["requests"] == {"BatchAnnotateImages": 2}
    assert emulator.counters()["failed"] == {"BatchAnnotateImages": 1}
    emulator.add_fault("close", times=1)
    with pytest.raises(LostConnection):
        clients["rest"].batch_annotate_images(requests=requests)
    assert emulator.paid() == 1


def test_a_stall_ends_in_the_callers_deadline(client: Any, emulator: RunningEmulator) -> None:
    emulator.add_fault("stall", times=1, seconds=600)
    requests = asked((EIGHT, ["OBJECT_LOCALIZATION"]))
    with pytest.raises(Exception, match=r"(?i)deadline|timed? ?out"):
        client.batch_annotate_images(requests=requests, timeout=0.5, retry=None)
    assert emulator.counters()["in_flight"] >= 1  # the call goes on without its caller


def test_above_its_rate_calls_are_refused_with_a_reason(client: Any, emulator: RunningEmulator) -> None:
    emulator.behave(rate_per_s=0.001)
    assert names(client.object_localization(image=image(EIGHT))) == ["Car-0008"]
    with pytest.raises(exceptions.TooManyRequests) as caught:
        client.object_localization(image=image(EIGHT))
    assert caught.value.reason == "RATE_LIMIT_EXCEEDED"
    assert emulator.counters()["totals"]["throttled"] == 1


async def test_the_asynchronous_client(emulator: RunningEmulator) -> None:
    async with grpc_aio_client(emulator.grpc) as client:
        requests: Any = asked((EIGHT, ["OBJECT_LOCALIZATION"]), (LARGE, ["LABEL_DETECTION"]))
        batch = await client.batch_annotate_images(requests=requests)
        assert names(batch.responses[0]) == ["Car-0008"]
        emulator.add_fault("throttle", times=1)
        with pytest.raises(exceptions.ResourceExhausted):
            await client.batch_annotate_images(requests=requests)
    assert emulator.counters()["inferences"] == {"OBJECT_LOCALIZATION": 1, "LABEL_DETECTION": 1}


def test_a_trailing_slash_and_numbers_for_enums(emulator: RunningEmulator) -> None:
    """With a slash at the end of its endpoint the SDK asks for //v1/images:annotate."""
    client: Any = rest_client(emulator.url + "/")
    assert names(client.object_localization(image=image(EIGHT))) == ["Car-0008"]


def test_a_hand_written_request(emulator: RunningEmulator) -> None:
    content = base64.b64encode(BLANK).decode()
    body = {"requests": [{"image": {"content": content}, "features": [{"type": "SAFE_SEARCH_DETECTION"}]}]}
    request = urllib.request.Request(
        f"{emulator.url}/v1/images:annotate?key=any",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=CALL_S) as reply:
        answer = json.load(reply)
    assert answer["responses"][0]["safeSearchAnnotation"]["racy"] == "VERY_UNLIKELY"


def test_many_clients_at_once(clients: dict[str, Client], emulator: RunningEmulator) -> None:
    """Both carriers stand on one service: all calls are in its counters."""
    found: list[list[str]] = []

    def ask(client: Any) -> None:
        found.extend(names(client.object_localization(image=image(EIGHT))) for _ in range(5))

    threads = [threading.Thread(target=ask, args=[clients[carrier]]) for carrier in CARRIERS * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(CALL_S)
    assert found == [["Car-0008"]] * 20
    assert emulator.counters()["totals"]["inferences"] == 20


@pytest.fixture(scope="module")
def guarded() -> Iterator[RunningEmulator]:
    with running_emulator("--no-classical", "--secret", "right", vendor="google") as running:
        yield running


def test_with_a_secret_only_its_key_is_accepted_over_rest(guarded: RunningEmulator) -> None:
    right, wrong, nobody = (rest_client(guarded.url, key) for key in ("right", "wrong", None))
    assert names(right.object_localization(image=image(EIGHT))) == ["Car-0008"]
    with pytest.raises(exceptions.BadRequest) as caught:
        wrong.object_localization(image=image(EIGHT))
    assert caught.value.reason == "API_KEY_INVALID"
    with pytest.raises(exceptions.Forbidden):
        nobody.object_localization(image=image(EIGHT))


def test_with_a_secret_only_its_key_is_accepted_over_grpc(guarded: RunningEmulator) -> None:
    requests: Any = asked((EIGHT, ["OBJECT_LOCALIZATION"]))
    with grpc_client(guarded.grpc) as client:
        assert len(client.batch_annotate_images(requests=requests, metadata=with_key("right")).responses) == 1
        with pytest.raises(exceptions.InvalidArgument) as caught:
            client.batch_annotate_images(requests=requests, metadata=with_key("wrong"))
        assert caught.value.reason == "API_KEY_INVALID"
        with pytest.raises(exceptions.Unauthenticated):
            client.batch_annotate_images(requests=requests, metadata=[("authorization", "Bearer wrong")])
        with pytest.raises(exceptions.PermissionDenied):
            client.batch_annotate_images(requests=requests)


def test_it_records_what_it_is_sent(tmp_path: Path) -> None:
    with (
        running_emulator("--no-classical", "--record", str(tmp_path), vendor="google") as emulator,
        grpc_client(emulator.grpc) as client,
    ):
        requests: Any = asked((EIGHT, ["OBJECT_LOCALIZATION"]), (BLANK, ["LABEL_DETECTION", "SAFE_SEARCH_DETECTION"]))
        client.batch_annotate_images(requests=requests)
    assert (tmp_path / "000001.jpg").read_bytes() == EIGHT
    operations = [json.loads((tmp_path / f"00000{number}.json").read_text())["operation"] for number in (1, 2)]
    assert operations == ["OBJECT_LOCALIZATION", "LABEL_DETECTION+SAFE_SEARCH_DETECTION"]
