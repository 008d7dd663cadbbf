"""google-cloud-vision through the proxy, over REST, gRPC and asynchronous gRPC: its helpers and batches, with another vendor
behind. Clients share sheets, get their own things in their own images, and see the vendor's errors as the vendor's exceptions.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.api_core import exceptions
from google.cloud import vision

from app.core.geometry import Size
from tests.support.bad_images import heavy
from tests.support.google_clients import asked, grpc_aio_client, grpc_client, rest_client, with_key
from tests.support.marker_scenes import Placed, plain, stored
from tests.support.moderated import unsafe_picture
from tests.support.sdk import Rig, new_key, running_rig, together
from tests.support.server import RunningServer, running_server

CALL_S = 60.0
ONE = Placed(8, 40, 40, 160)
OTHER = Placed(17, 200, 120, 160)
FIRST = stored(plain(640, 480, ONE))
SECOND = stored(plain(640, 480, OTHER))
# To the emulator's Rekognition: explicit.
UNSAFE = 970
VERY_UNLIKELY = vision.Likelihood.VERY_UNLIKELY
HURRIED = ("x-tessera-max-wait-ms", "10")
Client = vision.ImageAnnotatorClient


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A proxy of its own: its grids need no second client to be full."""
    with running_rig(tmp_path_factory.mktemp("google"), TESSERA_MAX_HELD_BYTES="100000000") as running:
        yield running


@pytest.fixture(scope="module")
def clients(rig: Rig) -> Iterator[Mapping[str, Client]]:
    with grpc_client(rig.server.grpc) as client:
        yield {"rest": rest_client(rig.server.url), "grpc": client}


@pytest.fixture(params=("rest", "grpc"))
def client(request: pytest.FixtureRequest, clients: Mapping[str, Client]) -> Client:
    return clients[request.param]


def labels(response: Any) -> list[str]:
    """Of the markers: the provider finds what they are a kind of (`Car`) in the same places."""
    return [found.name for found in response.localized_object_annotations if found.name[-1].isdigit()]


def check_place(found: Any, marker: Placed, width: int = 640, height: int = 480) -> None:
    """Within three pixels: a sheet is smaller than its images together."""
    true = marker.box
    first, third = found.bounding_poly.normalized_vertices[0], found.bounding_poly.normalized_vertices[2]
    seen = (first.x * width, first.y * height, third.x * width, third.y * height)
    assert seen == pytest.approx(true, abs=3)


def alone(name: str = "") -> list[tuple[str, str]]:
    """Metadata of a call that nobody is to meet, of a tenant of its own."""
    return [HURRIED, *with_key(name or new_key())]


def test_two_clients_share_a_sheet_and_get_their_own(rig: Rig, client: Client) -> None:
    before, key = rig.calls(), with_key(new_key())
    answers = together(
        *(
            lambda data=data: client.object_localization(image=vision.Image(content=data), metadata=key)
            for data in (FIRST, SECOND)
        )
    )
    assert [labels(answer) for answer in answers] == [[ONE.label.capitalize()], [OTHER.label.capitalize()]]
    for answer, marker in zip(answers, (ONE, OTHER), strict=True):
        check_place(answer.localized_object_annotations[0], marker)
    assert rig.calls() == before + 1


def test_faces_have_whole_pixels_of_their_own_image(client: Client) -> None:
    answer = client.face_detection(image=vision.Image(content=FIRST), metadata=alone())
    (face,) = answer.face_annotations
    assert face.detection_confidence > 0.5
    corners = face.bounding_poly.vertices
    assert (corners[0].x, corners[0].y, corners[2].x, corners[2].y) == pytest.approx(ONE.box, abs=20)
    assert face.fd_bounding_poly == face.bounding_poly


def test_a_batch_fills_its_own_sheets_and_keeps_its_order(rig: Rig, client: Client) -> None:
    before = rig.calls()
    images = [data + bytes([number]) for number in range(8) for data in (FIRST, SECOND)]  # equal ones would share a cell
    answer = client.batch_annotate_images(
        requests=asked(*[(data, ["OBJECT_LOCALIZATION"]) for data in images]), metadata=with_key(new_key())
    )
    wanted = [[ONE.label.capitalize()], [OTHER.label.capitalize()]] * 8
    assert [labels(one) for one in answer.responses] == wanted
    assert rig.calls() - before == 8


def test_equal_images_of_a_batch_share_a_cell(rig: Rig, client: Client) -> None:
    """Each has its own answer, and they are paid once."""
    before = rig.calls()
    requests = asked(*[(data, ["OBJECT_LOCALIZATION"]) for data in [FIRST, SECOND] * 8])
    answer = client.batch_annotate_images(requests=requests, metadata=with_key(new_key()))
    assert [labels(one) for one in answer.responses] == [[ONE.label.capitalize()], [OTHER.label.capitalize()]] * 8
    assert rig.calls() - before == 1


def test_several_features_of_one_image(client: Client) -> None:
    requests = asked((FIRST, ["OBJECT_LOCALIZATION", "FACE_DETECTION"]))
    (answer,) = client.batch_annotate_images(requests=requests, metadata=alone()).responses
    assert labels(answer) == [ONE.label.capitalize()]
    assert len(answer.face_annotations) == 1


def test_bad_images_beside_good_ones_are_refused_by_themselves(client: Client) -> None:
    requests = asked(
        (FIRST, ["OBJECT_LOCALIZATION"]),
        (b"no image", ["OBJECT_LOCALIZATION"]),
        (FIRST, []),
        (b"", ["OBJECT_LOCALIZATION"]),
        (FIRST[:200], ["FACE_DETECTION"]),
    )
    answer = client.batch_annotate_images(requests=requests, metadata=alone())
    assert labels(answer.responses[0]) == [ONE.label.capitalize()]
    assert [one.error.code for one in answer.responses] == [0, 3, 3, 3, 3]
    assert answer.responses[1].error.message.startswith("Bad image data.")
    assert answer.responses[2].error.message == answer.responses[3].error.message == "Request must specify image and features."


def test_what_the_provider_does_not_offer_is_said_beside_what_it_found(client: Client) -> None:
    """Nobody else crops, and another vendor cannot be asked for the rest."""
    requests = asked((FIRST, ["OBJECT_LOCALIZATION", "CROP_HINTS"]), (SECOND, ["OBJECT_LOCALIZATION"]))
    first, second = client.batch_annotate_images(requests=requests, metadata=alone()).responses
    assert labels(first) == [ONE.label.capitalize()]
    assert (first.error.code, first.error.message) == (3, "CROP_HINTS: not available through this provider.")
    assert (labels(second), second.error.code) == ([OTHER.label.capitalize()], 0)


def test_no_features_ask_for_all_twelve(client: Client) -> None:
    """The helper's default. What this provider has none of is an error of the image, and nothing else of it is lost."""
    answer = client.annotate_image({"image": {"content": FIRST}}, metadata=alone())
    assert (labels(answer), len(answer.face_annotations), answer.error.code) == ([ONE.label.capitalize()], 1, 3)


def test_what_the_provider_has_none_of_is_refused(client: Client) -> None:
    with pytest.raises(exceptions.BadRequest, match="LOGO_DETECTION: not available through this provider"):
        client.logo_detection(image=vision.Image(content=FIRST), metadata=alone())


def test_labels_and_unsafe_content_are_asked_of_whoever_is_there(rig: Rig, client: Client) -> None:
    """Of the image alone, in Google's words; nobody says what Rekognition does not look for."""
    before = rig.calls()
    found = client.label_detection(image=vision.Image(content=FIRST), max_results=3, metadata=alone()).label_annotations
    assert len(found) == 3
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert all(one.topicality == one.score and not one.mid for one in found)
    unsafe = unsafe_picture(np.random.default_rng(1), Size(640, 480), 0.4, UNSAFE)
    requests = asked(*((image, ["SAFE_SEARCH_DETECTION"]) for image in (FIRST, unsafe)))
    answer = client.batch_annotate_images(requests=requests, metadata=alone())
    clean, bad = (one.safe_search_annotation for one in answer.responses)
    assert (clean.adult, clean.violence, clean.racy) == (VERY_UNLIKELY,) * 3
    assert (bad.adult, bad.violence, bad.racy) == (vision.Likelihood.VERY_LIKELY, VERY_UNLIKELY, VERY_UNLIKELY)
    assert {one.spoof for one in (clean, bad)} == {one.medical for one in (clean, bad)} == {vision.Likelihood.UNKNOWN}
    sent = [call.operation for call in rig.sent(before)]
    assert sent == ["DetectLabels", "DetectModerationLabels", "DetectModerationLabels"]


def test_a_large_image_passes(client: Client) -> None:
    """Above grpc's own limit of 4 MiB for a message."""
    answer = client.object_localization(image=vision.Image(content=heavy(5 * 1024 * 1024, FIRST)), metadata=alone())
    assert labels(answer) == [ONE.label.capitalize()]


async def test_asynchronous_grpc(rig: Rig) -> None:
    async with grpc_aio_client(rig.server.grpc) as client:
        requests = asked((FIRST, ["OBJECT_LOCALIZATION"]), (SECOND, ["OBJECT_LOCALIZATION"]))
        answer = await client.batch_annotate_images(requests=requests, metadata=with_key(new_key()))
        assert [labels(one) for one in answer.responses] == [[ONE.label.capitalize()], [OTHER.label.capitalize()]]
        with pytest.raises(exceptions.InvalidArgument, match=r"Too many images per request\."):
            await client.batch_annotate_images(requests=requests * 9, metadata=alone())


@pytest.mark.parametrize(
    ("requests", "words"),
    [
        ([], "No request is given"),
        (asked(*[(FIRST, ["OBJECT_LOCALIZATION"])] * 17), r"Too many images per request\."),
        (asked((FIRST, ["OBJECT_LOCALIZATION"] * 51)), r"'requests\[0\].features' has more than 50 entries\."),
    ],
    ids=["none", "17", "51"],
)
def test_what_is_wrong_with_the_whole_request_is_the_vendors_exception(client: Client, requests: list[Any], words: str) -> None:
    with pytest.raises(exceptions.BadRequest, match=words):
        client.batch_annotate_images(requests=requests, metadata=alone())


def test_an_unsupported_feature_is_its_images_error(client: Client) -> None:
    requests: list[Any] = [{"image": {"content": FIRST}, "features": [{"type_": 99}]}]
    answer = client.batch_annotate_images(requests=requests, metadata=alone())
    assert (answer.responses[0].error.code, answer.responses[0].error.message) == (3, "Unsupported feature type: 99.")


@pytest.mark.parametrize(
    ("uri", "code"), [("https://photos.example/a.jpg", 7), ("gs://photos/a.jpg", 7), ("ftp://photos/a.jpg", 7)]
)
def test_addresses_that_nobody_allowed_are_not_followed(client: Client, uri: str, code: int) -> None:
    image = vision.Image(source=vision.ImageSource(image_uri=uri))
    assert client.object_localization(image=image, metadata=alone()).error.code == code


@pytest.fixture(scope="module")
def hasty(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A proxy that gives up after a second, so that a provider that always fails is noticed soon."""
    log = tmp_path_factory.mktemp("hasty") / "server.log"
    settings = {"TESSERA_REQUEST_TIMEOUT_MS": "1000", "TESSERA_MAX_WAIT_MS": "10", "TESSERA_UPSTREAM_URL": rig.emulator.url}
    with running_server(log, **settings) as server:
        yield server


@pytest.mark.parametrize(
    ("fault", "over_rest", "over_grpc"),
    [
        ("throttle", exceptions.TooManyRequests, exceptions.ResourceExhausted),
        ("error500", exceptions.ServiceUnavailable, exceptions.ServiceUnavailable),
        ("garbage", exceptions.InternalServerError, exceptions.InternalServerError),
    ],
)
def test_failures_of_the_provider_are_the_vendors_exceptions(
    rig: Rig, hasty: RunningServer, fault: str, over_rest: type[Exception], over_grpc: type[Exception]
) -> None:
    rig.emulator.add_fault(fault, share=1.0)
    try:
        with grpc_client(hasty.grpc) as other:
            for client, kind in ((rest_client(hasty.url), over_rest), (other, over_grpc)):
                with pytest.raises(kind):
                    client.object_localization(image=vision.Image(content=FIRST), metadata=alone())
    finally:
        rig.emulator.reset()


@pytest.mark.parametrize("method", ["batch_annotate_files", "async_batch_annotate_images"])
def test_other_methods_over_grpc_are_not_implemented(clients: Mapping[str, Client], method: str) -> None:
    with pytest.raises(exceptions.MethodNotImplemented):
        getattr(clients["grpc"], method)(requests=[])


def test_headers_of_ours_travel_as_trailing_metadata(rig: Rig) -> None:
    with grpc.insecure_channel(rig.server.grpc) as channel:
        call: Any = channel.unary_unary("/google.cloud.vision.v1.ImageAnnotator/BatchAnnotateImages")
        request = vision.BatchAnnotateImagesRequest(requests=asked((FIRST, ["OBJECT_LOCALIZATION"])))
        data = vision.BatchAnnotateImagesRequest.serialize(request)
        _, told = call.with_call(data, metadata=[*alone(), ("x-request-id", "mine-1")], timeout=CALL_S)
        wanted = {"x-request-id": "mine-1", "x-tessera-grid": "1x1", "x-tessera-inferences": "1"}
        assert dict(told.trailing_metadata()).items() >= wanted.items()
        with pytest.raises(grpc.RpcError) as caught:
            call(b"\xff\xff", metadata=[("x-request-id", "mine-2")], timeout=CALL_S)
        refused: Any = caught.value
        assert refused.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert dict(refused.trailing_metadata())["x-request-id"] == "mine-2"


def post(url: str, body: bytes, path: str = "/v1/images:annotate", **headers: str) -> tuple[int, dict[str, Any], Any]:
    request = urllib.request.Request(url + path, data=body, headers={"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=CALL_S) as reply:
            return reply.status, json.load(reply), reply.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error), error.headers


BAD_BODIES: list[tuple[bytes, str]] = [
    (b"", "No request is given"),
    (b"{", "Invalid JSON payload received."),
    (b"[]", "Its root is not an object"),
    (b'{"requests": 5}', "Invalid value at 'requests'"),
    (b'{"requests": [5]}', "Invalid value at 'requests'"),
    (b'{"requests": [{"picture": {}}]}', "Unknown name \"picture\" at 'requests[0]': Cannot find field."),
    (b'{"reqests": []}', 'Unknown name "reqests": Cannot find field.'),
    (
        b'{"requests": [{"features": [{"type": "OBJEKTE"}]}]}',
        "'requests[0].features[0].type' (type.googleapis.com/google.cloud.vision.v1.Feature.Type), \"OBJEKTE\"",
    ),
    (b'{"requests": [{"features": [{"maxResults": "many"}]}]}', "Invalid value at 'requests.features.maxResults'"),
    (b'{"requests": [{"image": {"content": "b*d"}}]}', "'requests[0].image.content' (TYPE_BYTES), Base64 decoding failed"),
    (b'{"requests": [{"image": {"content": 5}}]}', "Base64 decoding failed"),
    (b'{"requests": [' + b"[" * 5000, "Invalid JSON payload received."),
    (b'{"requests": [' + b"{}," * 20_000 + b"{}]}", "far too many values"),
]


@pytest.mark.parametrize(("body", "words"), BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_bodies_that_cannot_be_read(rig: Rig, body: bytes, words: str) -> None:
    status, answer, headers = post(rig.server.url, body)
    assert (status, answer["error"]["code"], answer["error"]["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert words in answer["error"]["message"]
    assert headers["x-request-id"]


def test_the_vendors_paths_are_all_the_same(rig: Rig) -> None:
    for path in (
        "/v1/images:annotate",
        "//v1/images:annotate",
        "/v1/projects/p/images:annotate",
        "/v1/projects/p/locations/eu/images:annotate",
        "/v1p4beta1/images:annotate",
    ):
        status, answer, _ = post(rig.server.url, b"{}", path)
        assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT"), path


@pytest.mark.parametrize(
    "path", ["/v2/images:annotate", "/v1p4beta1/images:paint", "/v1/images:paint", "/v1/projects/p/locations/l/products"]
)
def test_what_the_service_does_not_have_is_not_found_in_its_words(rig: Rig, path: str) -> None:
    status, answer, _ = post(rig.server.url, b"{}", path)
    assert (status, answer) == (404, {"error": {"code": 404, "message": "Method not found.", "status": "NOT_FOUND"}})


@pytest.mark.parametrize("path", ["/v1/files:annotate", "/v1/images:asyncBatchAnnotate", "/v1/projects/p/operations/1:cancel"])
def test_what_is_passed_through_needs_the_same_vendor_behind(rig: Rig, path: str) -> None:
    status, answer, _ = post(rig.server.url, b"{}", path)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert "not available through this provider" in answer["error"]["message"]


def test_enums_are_names_unless_numbers_are_asked_for(rig: Rig) -> None:
    body = json.dumps({"requests": [{"image": {"content": ""}, "features": [{"type": "FACE_DETECTION"}]}]}).encode()
    for query in ("", "?$alt=json;enum-encoding=int", "?alt=json&prettyPrint=true&key=k&fields=responses"):
        status, answer, _ = post(rig.server.url, body, f"/v1/images:annotate{query}")
        assert (status, answer["responses"][0]["error"]["code"]) == (200, 3)
    assert post(rig.server.url, body, "/v1/images:annotate?alt=proto")[0] == 400
    assert post(rig.server.url, body, "/v1/images:annotate?verbose=1")[0] == 400


def test_the_log_has_no_keys(rig: Rig, client: Client) -> None:
    """Neither from a header nor from the query."""
    client.object_localization(image=vision.Image(content=FIRST), metadata=alone("secret-key-one"))
    post(rig.server.url, b"{}", "/v1/images:annotate?key=secret-key-two")
    log = Path(rig.server.log_file).read_text(encoding="utf-8")
    assert "answered" in log
    assert "secret-key" not in log
