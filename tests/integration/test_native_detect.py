"""`POST /v1/detect` of a running server: an image in, everybody's own boxes out, in ratios and in pixels."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from app.demo.checking import EXACT_OVERLAP, Fate, judge_exact
from app.demo.scenes import Scene
from app.demo.truth import overlap
from app.detectors.markers import marker_label
from tests.support.marker_scenes import Placed, plain, stored
from tests.support.native import CALL_S, NativeClient, is_image_of, native_client, seen, told
from tests.support.pictures import check_labels, picture
from tests.support.sdk import HURRIED, Rig, running_rig, together

ONE, OTHER = picture(800, 600, 3, 8), picture(800, 600, 21, 30, 55)
FEATURES = ("objects", "faces", "celebrities", "protective_equipment")
COVERS = ("FACE_COVER", "HEAD_COVER", "HAND_COVER", "HAND_COVER")


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_rig(tmp_path_factory.mktemp("native")) as running:
        yield running
        assert running.server.stats()["requests"]["by_outcome"]["own_error"] == 0


@pytest.fixture
def client(rig: Rig) -> Iterator[NativeClient]:
    with native_client(rig.server.url) as found:
        yield found


def _check_objects(scene: Scene, answer: dict[str, Any]) -> None:
    is_image_of(answer, scene)
    verdict = judge_exact(scene.objects, seen(answer, "objects"))
    assert [mark for mark in verdict.marks if mark.fate is not Fate.RIGHT] == []
    parents = {item["label"]: tuple(item["parents"]) for item in answer["detections"] if item["feature"] == "objects"}
    assert all(parents[thing.label] == thing.parents for thing in scene.objects)


def _check_places(scene: Scene, answer: dict[str, Any], feature: str) -> list[str]:
    """Each true object is found in its place by this feature; the labels that it got there, in the objects' order."""
    found = seen(answer, feature)
    labels = []
    for thing in scene.objects:
        (match,) = [one for one in found if one.box is not None and overlap(one.box, thing.box) > EXACT_OVERLAP]
        labels.append(match.label)
    return labels


@pytest.mark.parametrize(("width_px", "height_px", "layout"), [(800, 600, "2x1"), (600, 800, "1x2")])
def test_two_clients_of_one_key_share_a_sheet(client: NativeClient, width_px: int, height_px: int, layout: str) -> None:
    scenes = [picture(width_px, height_px, 3, 8), picture(width_px, height_px, 21, 30, 55)]
    answers = together(*(lambda scene=scene: client.detect(scene.content) for scene in scenes))
    for scene, answer in zip(scenes, answers, strict=True):
        assert (answer["grid"]["layout"], answer["grid"]["inferences"]) == (layout, 0.5)
        _check_objects(scene, answer)
    assert answers[0]["grid"]["sheets"] == answers[1]["grid"]["sheets"]


def test_a_raw_body_and_a_form_share_a_sheet(client: NativeClient) -> None:
    """Both are the same question; the form's other facts about its file do not matter."""
    form = {"image": ("../../photo of mine \xe9.jpg", OTHER.content, "text/plain")}
    raw, multipart = together(lambda: client.post(ONE.content), lambda: client.post(None, files=form))
    assert told(raw)["grid"]["layout"] == told(multipart)["grid"]["layout"] == "2x1"
    _check_objects(ONE, told(raw))
    _check_objects(OTHER, told(multipart))


def test_all_features_of_one_request_at_once(rig: Rig, client: NativeClient) -> None:
    """One inquiry per feature, each on a sheet with the partner's of the same feature: four halves are two inferences."""
    paid = rig.emulator.paid()
    query = f"features={','.join(FEATURES)}"
    answers = together(*(lambda scene=scene: client.detect(scene.content, query) for scene in (ONE, OTHER)))
    for scene, answer in zip((ONE, OTHER), answers, strict=True):
        assert (answer["grid"]["layout"], answer["grid"]["inferences"]) == ("2x1", 2.0)
        assert len(answer["grid"]["sheets"]) == 4
        _check_objects(scene, answer)
        assert set(_check_places(scene, answer, "faces")) == {"Face"}
        assert _check_places(scene, answer, "celebrities") == [thing.label for thing in scene.objects]
        assert set(_check_places(scene, answer, "protective_equipment")) == {"Person"}
        scores = [item["score"] for item in answer["detections"]]
        assert scores == sorted(scores, reverse=True)
    assert rig.emulator.paid() - paid == 4


def test_equipment_is_listed_beside_the_persons_who_wear_it(client: NativeClient) -> None:
    """A marker's lowest four bits say what covers it: face, head, left and right hand."""
    answer = client.detect(picture(800, 600, 15, 16).content, "features=protective_equipment", HURRIED)
    found = [item["label"] for item in answer["detections"]]
    assert sorted(found) == sorted([*COVERS, "Person", "Person"])


@pytest.mark.parametrize("encoding", ["JPEG turned (EXIF 6)", "PNG with alpha", "WebP", "JPEG CMYK", "JPEG progressive"])
@pytest.mark.parametrize("headers", [{}, HURRIED], ids=["shared", "alone"])
def test_boxes_are_those_of_the_upright_image(client: NativeClient, encoding: str, headers: dict[str, str]) -> None:
    scene = picture(760, 500, 40, 41, encoding=encoding)
    if headers:
        answer = client.detect(scene.content, headers=headers)
    else:
        answer, _ = together(lambda: client.detect(scene.content), lambda: client.detect(OTHER.content))
    assert answer["grid"]["layout"] == ("1x1" if headers else "2x1")
    _check_objects(scene, answer)


def test_a_lone_image_goes_out_as_the_clients_own_bytes(rig: Rig, client: NativeClient) -> None:
    before = rig.calls()
    answer = client.detect(ONE.content, headers=HURRIED)
    assert (answer["grid"]["layout"], answer["grid"]["inferences"]) == ("1x1", 1.0)
    _check_objects(ONE, answer)
    (call,) = rig.sent(before)
    assert call.content == ONE.content


# Confidences grow with size: about 96 % for the small one, above 98 % for the large one.
MIXED = stored(plain(800, 600, Placed(16, 40, 40, 64), Placed(25, 300, 200, 240)))


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("", {"Car", "Dog", marker_label(16), marker_label(25)}),
        ("min_score=0", {"Car", "Dog", marker_label(16), marker_label(25)}),
        ("min_score=0.975", {"Dog", marker_label(25)}),
        ("min_score=1", set()),
        ("max_results=2", {"Dog", marker_label(25)}),
        ("max_results=1000&min_score=0.5&features=objects", {"Car", "Dog", marker_label(16), marker_label(25)}),
    ],
)
def test_each_request_is_filtered_by_its_own_words(client: NativeClient, query: str, labels: set[str]) -> None:
    """Beside a neighbour that asks for everything."""
    own, other = together(lambda: client.detect(MIXED, query), lambda: client.detect(OTHER.content, "min_score=0"))
    assert own["grid"]["layout"] == other["grid"]["layout"] == "2x1"
    assert {item["label"] for item in own["detections"]} == labels
    _check_objects(OTHER, other)


def _apart(clients: Sequence[NativeClient]) -> bool:
    """Whether these two, who ask at once and would wait for company a good while, are answered alone."""
    answers = together(
        *(
            lambda client=client, scene=scene: client.detect(scene.content, headers={"X-Tessera-Max-Wait-Ms": "400"})
            for client, scene in zip(clients, (ONE, OTHER), strict=True)
        )
    )
    for scene, answer in zip((ONE, OTHER), answers, strict=True):
        _check_objects(scene, answer)
    return {answer["grid"]["layout"] for answer in answers} == {"1x1"}


def test_different_keys_are_different_tenants(client: NativeClient) -> None:
    """Never on one sheet: not two keys, not a key and nobody, not keys that differ in case."""
    assert all(_apart([client, client.with_key(key)]) for key in (f"{client.key}1", "", client.key.lower()))


def test_a_key_is_the_same_key_in_either_header(client: NativeClient) -> None:
    bearer = {"X-Api-Key": "", "Authorization": f"Bearer {client.key}"}
    answers = together(lambda: client.detect(ONE.content), lambda: client.detect(OTHER.content, headers=bearer))
    assert {answer["grid"]["layout"] for answer in answers} == {"2x1"}


def test_an_api_key_and_an_access_key_id_of_the_same_name_are_different_tenants(rig: Rig, client: NativeClient) -> None:
    hurried = {"X-Tessera-Max-Wait-Ms": "400"}
    sdk = rig.client(hurried, key=client.key)
    native, aws = together(
        lambda: client.detect(ONE.content, "min_score=0.55", hurried)["grid"]["layout"],
        lambda: sdk("DetectLabels", OTHER.content).layout,
    )
    assert (native, aws) == ("1x1", "1x1")


def test_a_key_appears_in_no_log(rig: Rig, client: NativeClient) -> None:
    """Neither there nor in an answer."""
    secret = "s3cr3t-" + "k" * 40
    holder = client.with_key(secret)
    assert secret not in holder.post(ONE.content, "nonsense=1").text
    holder.detect(ONE.content, headers=HURRIED)
    assert secret not in rig.server.log_file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "content_type",
    ["image/jpeg", "image/png", "image/*", "application/octet-stream", "application/x-www-form-urlencoded", "IMAGE/JPEG; q=1"],
)
def test_what_the_image_is_its_bytes_say(client: NativeClient, content_type: str) -> None:
    _check_objects(ONE, client.detect(ONE.content, headers=HURRIED | {"Content-Type": content_type}))


@pytest.mark.parametrize("header", [{"X-Tessera-Grid": "off"}, {"X-Tessera-Max-Map-Drop": "0"}, {"X-Tessera-Max-Wait-Ms": "0"}])
def test_a_header_sends_an_image_alone_at_once(client: NativeClient, header: dict[str, str]) -> None:
    answers = together(*(lambda scene=scene: client.detect(scene.content, headers=header) for scene in (ONE, OTHER)))
    assert [answer["grid"]["layout"] for answer in answers] == ["1x1", "1x1"]
    assert [answer["grid"]["wait_ms"] for answer in answers] == [0, 0]


def test_both_endpoints_say_the_same_of_an_image(rig: Rig, client: NativeClient) -> None:
    native = client.detect(ONE.content, headers=HURRIED)
    aws = rig.client(HURRIED)("DetectLabels", ONE.content)
    check_labels(ONE, aws.answer)
    boxed = {label["Name"] for label in aws.answer["Labels"] if label["Instances"]}
    assert {item["label"] for item in native["detections"]} == boxed


CURL = [
    pytest.param(["--data-binary", "@photo.jpg"], id="raw"),
    pytest.param(["--data-binary", "@photo.jpg", "-H", "Content-Type: image/jpeg"], id="raw with its type"),
    pytest.param(["-F", "image=@photo.jpg"], id="form"),
    pytest.param(["-F", "image=@photo.jpg;type=image/jpeg;filename=x", "-H", "Expect: 100-continue"], id="form, asking first"),
    pytest.param(["--data-binary", "@photo.jpg", "-H", "Transfer-Encoding: chunked"], id="in chunks"),
    pytest.param(["--http1.0", "--data-binary", "@photo.jpg"], id="HTTP/1.0"),
]


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
@pytest.mark.parametrize("words", CURL)
def test_curl(client: NativeClient, tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "photo.jpg").write_bytes(ONE.content)
    command = ["curl", "--silent", "--show-error", "--fail-with-body", "-H", "X-Tessera-Max-Wait-Ms: 10", *words]
    done = subprocess.run(
        [*command, f"{client.url}/v1/detect?features=objects,faces"],
        cwd=tmp_path, capture_output=True, text=True, timeout=CALL_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    _check_objects(ONE, answer)
    assert set(_check_places(ONE, answer, "faces")) == {"Face"}
