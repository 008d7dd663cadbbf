"""`POST /v1/detect` of a running server: what is wrong with a request comes back as problem+json, and harms nobody else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from app.core.geometry import Size
from tests.support import bad_images
from tests.support.images import encoded, noise
from tests.support.native import NativeClient, is_problem, native_client
from tests.support.pictures import picture
from tests.support.sdk import HURRIED, Rig, running_rig, together
from tests.support.server import running_server

SCENE = picture(800, 600, 3, 8)
MIB = 1024 * 1024
FORMAT, PARAMETER, MALFORMED = (415, "invalid-image"), (400, "invalid-parameter"), (400, "malformed-request")
MISSING, LARGE, REFUSED = (400, "missing-image"), (413, "image-too-large"), (422, "image-refused")

IMAGES: Mapping[str, tuple[bytes, tuple[int, str]]] = {
    "empty": (b"", MISSING),
    "text": (b"this is no image", FORMAT),
    "jpeg cut": (bad_images.cut("jpeg"), FORMAT),
    "png cut": (bad_images.cut("png"), FORMAT),
    "webp cut": (bad_images.cut("webp"), FORMAT),
    "gif": (bad_images.plain_file("GIF"), FORMAT),
    "animated webp": (bad_images.animated("WEBP"), FORMAT),
    "png bomb": (bad_images.png_that_claims(60_000, 60_000), LARGE),
    "jpeg bomb": (bad_images.jpeg_that_claims(65_535, 65_535), LARGE),
    "22 MB": (bad_images.heavy(22 * MIB), (413, "body-too-large")),
    "100 MB": (bytes(100 * MIB), (413, "body-too-large")),
    "1 x 1": (encoded(noise(Size(1, 1)), "png"), REFUSED),
    "png without pixels": (bad_images.undecodable("png"), REFUSED),
    "jpeg without tables": (bad_images.undecodable("jpeg"), REFUSED),
    "webp of ones": (bad_images.undecodable("webp lossless"), FORMAT),
}

QUERIES: Mapping[str, str] = {
    "feature=objects": "did you mean 'features'?",
    "features=": "known: celebrities",
    "features=face": "did you mean 'faces'?",
    "features=objects,,faces": "unknown feature ''",
    "features=custom_objects": "unknown feature",
    "features=%F0%9F%98%80": "unknown feature",
    "features=objects%00": "unknown feature",
    "min_score=2": "between 0 and 1",
    "min_score=-0.1": "between 0 and 1",
    "min_score=nan": "between 0 and 1",
    "min_score=1e1": "between 0 and 1",
    "max_results=0": "between 1 and 1000",
    "max_results=1001": "between 1 and 1000",
    "max_results=1.5": "between 1 and 1000",
    "max_results=%D9%A1": "between 1 and 1000",
    "max_results=1&max_results=2": "given 2 times",
    "%ff%fe=1": "unknown parameter",
    "%3Cscript%3E=1": "unknown parameter",
    "a=1&" * 40: "more than 32 parameters",
    "x" * 20_000: "unknown parameter",
}

BOUNDARY = "limit"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def _part(content: bytes, name: str = "image", more: str = "") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="x.jpg"\r\n{more}\r\n'
    return head.encode() + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()
FORMS: Mapping[str, tuple[str, bytes, tuple[int, str]]] = {
    "no boundary": ("multipart/form-data", _part(SCENE.content) + END, MALFORMED),
    "an endless boundary": (f"multipart/form-data; boundary={'b' * 500}", b"", MALFORMED),
    "another boundary": ("multipart/form-data; boundary=other", _part(SCENE.content) + END, MALFORMED),
    "no end": (FORM, _part(SCENE.content), MALFORMED),
    "nothing": (FORM, b"", MALFORMED),
    "no parts": (FORM, END, MISSING),
    "an empty image": (FORM, _part(b"") + END, MISSING),
    "two images": (FORM, _part(SCENE.content) * 2 + END, PARAMETER),
    "another field": (FORM, _part(SCENE.content, "file") + END, PARAMETER),
    "a parameter in the form": (FORM, _part(b"faces", "features") + _part(SCENE.content) + END, PARAMETER),
    "a hundred parts": (FORM, _part(b"x") * 100 + END, MALFORMED),
    "a part of endless headers": (FORM, _part(SCENE.content, more="X: y\r\n" * 100_000) + END, MALFORMED),
    "near misses": (FORM, _part(b"\r\n--limi" * 500_000) + END, FORMAT),
    "a form in a form": (FORM, _part(_part(SCENE.content)) + END, FORMAT),
    "json": ("application/json", b'{"image": "AAAA"}', FORMAT),
    "text": ("text/plain; charset=utf-8", SCENE.content, FORMAT),
    "a type that is none": ("\xe9", SCENE.content, FORMAT),
}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_rig(tmp_path_factory.mktemp("native-errors")) as running:
        yield running
        assert running.server.stats()["requests"]["by_outcome"]["own_error"] == 0
        assert not [line for line in running.server.logs() if line["level"] in {"error", "critical"}]


@pytest.fixture
def client(rig: Rig) -> Iterator[NativeClient]:
    with native_client(rig.server.url) as found:
        yield found


@pytest.mark.parametrize("name", IMAGES)
def test_a_bad_image_is_a_problem(client: NativeClient, name: str) -> None:
    content, (status, kind) = IMAGES[name]
    is_problem(client.post(content, headers=HURRIED), status, kind)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:30])
def test_a_bad_query_is_a_problem_that_names_the_parameter(client: NativeClient, query: str) -> None:
    problem = is_problem(client.post(SCENE.content, query, HURRIED), *PARAMETER)
    assert QUERIES[query] in problem["detail"]
    assert len(problem["detail"]) < 300


@pytest.mark.parametrize("name", FORMS)
def test_a_bad_form_or_type_is_a_problem(client: NativeClient, name: str) -> None:
    content_type, body, (status, kind) = FORMS[name]
    headers = HURRIED | {"Content-Type": content_type}
    is_problem(client.post(body, headers={key: value.encode("latin-1") for key, value in headers.items()}), status, kind)  # type: ignore[misc]  # httpx takes bytes, too


@pytest.mark.parametrize(
    "header",
    [{"X-Tessera-Max-Wait-Ms": "abc"}, {"X-Tessera-Max-Map-Drop": "2"}, {"X-Tessera-Grid": "perhaps"}],
    ids=lambda header: next(iter(header)),
)
def test_a_wish_that_is_not_understood_is_a_problem(client: NativeClient, header: dict[str, str]) -> None:
    problem = is_problem(client.post(SCENE.content, headers=header), *PARAMETER)
    assert next(iter(header)) in problem["detail"]


def test_a_throttled_provider_is_429_and_says_when_to_come_again(rig: Rig, tmp_path: Path) -> None:
    """The proxy retries within the request's own time; only when that is up, the client hears of it."""
    settings = {"TESSERA_UPSTREAM_URL": rig.emulator.url, "TESSERA_REQUEST_TIMEOUT_MS": "1200", "TESSERA_MAX_WAIT_MS": "10"}
    with running_server(tmp_path / "server.log", **settings) as server, native_client(server.url) as impatient:
        rig.emulator.behave(throttle_share=1.0)
        try:
            reply = impatient.post(SCENE.content)
        finally:
            rig.emulator.behave(throttle_share=0.0)
    is_problem(reply, 429, "throttled")
    assert int(reply.headers["retry-after"]) >= 1


def test_neighbours_of_bad_requests_get_right_answers(client: NativeClient) -> None:
    scenes = [picture(640 + 40 * number, 480, 900 + 2 * number, 901 + 2 * number) for number in range(8)]

    def good(content: bytes) -> tuple[int, str]:
        answer = client.detect(content, headers={"X-Tessera-Max-Wait-Ms": "1500"})
        return 200, ",".join(sorted(item["label"] for item in answer["detections"] if "-" in item["label"]))

    def bad(content: bytes) -> tuple[int, str]:
        reply = client.post(content, headers={"X-Tessera-Max-Wait-Ms": "1500"})
        return reply.status_code, reply.json()["type"].rpartition(":")[2]

    small = [(content, wanted) for content, wanted in IMAGES.values() if len(content) < 20 * MIB]
    told = together(
        *(lambda scene=scene: good(scene.content) for scene in scenes), *(lambda image=image: bad(image) for image, _ in small)
    )
    expected = [(200, ",".join(sorted(thing.label for thing in scene.objects))) for scene in scenes]
    assert told == [*expected, *(wanted for _, wanted in small)]
