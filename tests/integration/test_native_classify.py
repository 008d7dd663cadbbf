"""`POST /v1/classify` of a running server: what an image shows, out of what was found in it, for a share of an inference."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from app.demo.scenes import Scene
from tests.support import bad_images
from tests.support.marker_scenes import Placed, plain, stored
from tests.support.native import CALL_S, NativeClient, is_image_of, is_problem, native_client
from tests.support.pictures import picture
from tests.support.plain_http import WEB
from tests.support.sdk import HURRIED, Rig, running_rig, together
from tests.support.server import running_server

ONE, OTHER = picture(800, 600, 3, 8), picture(800, 600, 21, 30, 55)
# Two chairs, whose scores grow with their size: about 0.96 and 0.99.
CHAIRS = stored(plain(800, 600, Placed(3, 60, 60, 240), Placed(27, 700, 500, 64)))
# Labels of no box: the emulator sees them in every picture as a whole.
SCENERY = frozenset({"Outdoors", "Indoors"})


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_rig(tmp_path_factory.mktemp("classify")) as running:
        yield running
        assert running.server.stats()["requests"]["by_outcome"]["own_error"] == 0


@pytest.fixture
def client(rig: Rig) -> Iterator[NativeClient]:
    with native_client(rig.server.url) as found:
        yield found


def names(answer: Mapping[str, Any]) -> set[str]:
    return {item["label"] for item in answer["labels"]}


def check(scene: Scene, answer: Mapping[str, Any]) -> None:
    """The labels of its own objects and what these are kinds of, nobody else's, most certain first."""
    is_image_of(answer, scene)
    own = {thing.label: thing.parents for thing in scene.objects}
    labels = {item["label"]: item for item in answer["labels"]}
    assert len(labels) == len(answer["labels"])
    assert own.keys() <= labels.keys()
    assert labels.keys() - SCENERY - {"Nature", "Room"} == own.keys() | {name for parents in own.values() for name in parents}
    for name, parents in own.items():
        assert (tuple(labels[name]["parents"]), labels[name]["count"]) == (parents, 1)
    scores = [item["score"] for item in answer["labels"]]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(("width_px", "height_px", "layout"), [(800, 600, "2x1"), (600, 800, "1x2")])
def test_two_clients_of_one_key_share_a_sheet(
    rig: Rig, client: NativeClient, width_px: int, height_px: int, layout: str
) -> None:
    """The vendor is asked for objects, since labels have no place on a sheet."""
    scenes = [picture(width_px, height_px, 3, 8), picture(width_px, height_px, 21, 30, 55)]
    before = rig.calls()
    answers = together(*(lambda scene=scene: client.classify(scene.content) for scene in scenes))
    assert [call.operation for call in rig.sent(before)] == ["DetectLabels"]
    for scene, answer in zip(scenes, answers, strict=True):
        assert (answer["grid"]["layout"], answer["grid"]["inferences"]) == (layout, 0.5)
        check(scene, answer)
    assert answers[0]["grid"]["sheets"] == answers[1]["grid"]["sheets"]


def test_a_lone_image_has_its_scenery_too(rig: Rig, client: NativeClient) -> None:
    """Labels without boxes are known when nobody else is on the sheet."""
    before = rig.calls()
    answer = client.classify(ONE.content, headers=HURRIED)
    (call,) = rig.sent(before)
    assert (call.operation, call.content) == ("DetectLabels", ONE.content)
    assert (answer["grid"]["layout"], answer["grid"]["inferences"]) == ("1x1", 1.0)
    check(ONE, answer)
    assert names(answer) & SCENERY


def _known(answer: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Labels with their counts, without what belongs to no box."""
    return sorted(
        (item["label"], item["count"]) for item in answer["labels"] if item["label"] not in {*SCENERY, "Nature", "Room"}
    )


@pytest.mark.parametrize("min_score", [0, 0.5, 0.97, 1])
def test_a_grid_says_what_the_vendor_says_of_the_image_alone(client: NativeClient, min_score: float) -> None:
    """Boxes are counted by the client's own threshold, though the sheet was asked at a neighbour's lower one."""
    query = f"min_score={min_score}"
    shared, neighbour = together(lambda: client.classify(CHAIRS, query), lambda: client.classify(OTHER.content, "min_score=0"))
    assert shared["grid"]["layout"] == "2x1"
    check(OTHER, neighbour)
    assert _known(shared) == _known(client.classify(CHAIRS, query, {"X-Tessera-Grid": "off"}))
    counts = dict(_known(shared))
    assert counts.get("Chair") == {0: 2, 0.5: 2, 0.97: 1, 1: None}[min_score]


@pytest.mark.parametrize("most", [1, 2, 4])
def test_max_results_keeps_the_surest(client: NativeClient, most: int) -> None:
    cut, whole = together(lambda: client.classify(OTHER.content, f"max_results={most}"), lambda: client.classify(OTHER.content))
    assert cut["labels"] == whole["labels"][:most]


def test_an_image_that_no_decoder_reads_costs_its_neighbour_nothing(client: NativeClient) -> None:
    good, bad = together(
        lambda: client.post(ONE.content, operation="classify"),
        lambda: client.post(bad_images.undecodable("jpeg"), operation="classify"),
    )
    assert good.status_code == 200
    check(ONE, good.json())
    is_problem(bad, 422, "image-refused")


@pytest.mark.parametrize(
    ("content", "query", "status", "kind", "words"),
    [
        (b"no image", "", 415, "invalid-image", "image"),
        (b"", "", 400, "missing-image", "no image"),
        (bad_images.png_that_claims(60_000, 60_000), "", 413, "image-too-large", "60000"),
        (ONE.content, "max_labels=5", 400, "invalid-parameter", "unknown parameter 'max_labels'"),
        (ONE.content, "features=objects", 400, "invalid-parameter", "POST /v1/detect"),
        (ONE.content, "min_score=60", 400, "invalid-parameter", "between 0 and 1"),
    ],
)
def test_bad_requests_are_problems(
    client: NativeClient, content: bytes, query: str, status: int, kind: str, words: str
) -> None:
    problem = is_problem(client.post(content, query, HURRIED, operation="classify"), status, kind)
    assert words in problem["detail"]


def test_a_form_is_a_request_too(client: NativeClient) -> None:
    reply = client.post(None, headers=HURRIED, files={"image": ("photo.jpg", ONE.content)}, operation="classify")
    check(ONE, reply.raise_for_status().json())


def test_detections_and_labels_have_sheets_of_their_own_and_say_the_same(client: NativeClient) -> None:
    labels, detections = together(lambda: client.classify(ONE.content), lambda: client.detect(ONE.content))
    best: dict[str, float] = {}
    for item in detections["detections"]:
        best[item["label"]] = max(best.get(item["label"], 0.0), item["score"])
    counted = {item["label"]: item["score"] for item in labels["labels"] if item["count"]}
    assert counted == pytest.approx(best, abs=0.01)


def test_the_operator_may_send_all_labels_alone(rig: Rig, tmp_path: Path) -> None:
    settings = {"TESSERA_UPSTREAM_URL": rig.emulator.url, "TESSERA_CLASSIFY": "alone"}
    with running_server(tmp_path / "server.log", **settings) as server, native_client(server.url) as client:
        answers: Sequence[dict[str, Any]] = together(
            *(lambda scene=scene: client.classify(scene.content) for scene in (ONE, OTHER))
        )
        for scene, answer in zip((ONE, OTHER), answers, strict=True):
            assert (answer["grid"]["layout"], answer["grid"]["wait_ms"]) == ("1x1", 0)
            check(scene, answer)
            assert names(answer) & SCENERY


def test_requests_are_counted_by_their_task(rig: Rig, client: NativeClient) -> None:
    """What is refused before it is understood is nobody's; what is understood and refused has its task."""
    before = _counted(rig)
    client.classify(ONE.content, headers=HURRIED)
    client.post(b"no image", headers=HURRIED, operation="classify")
    client.post(ONE.content, "nonsense=1", HURRIED, operation="classify")
    after = _counted(rig)
    assert {labels: count - before.get(labels, 0) for labels, count in after.items() if count != before.get(labels, 0)} == {
        ("classify", "answered"): 1,
        ("classify", "caller_error"): 1,
        ("other", "caller_error"): 1,
    }


def _counted(rig: Rig) -> dict[tuple[str, str], float]:
    """Requests at this endpoint by task and outcome."""
    found: dict[tuple[str, str], float] = {}
    for line in WEB.get(f"{rig.server.url}/metrics").text.splitlines():
        name, _, value = line.rpartition(" ")
        if name.startswith("tessera_requests_total{") and 'endpoint="native"' in name:
            labels = dict(pair.split("=") for pair in name.partition("{")[2].rstrip("}").replace('"', "").split(","))
            found[labels["task"], labels["outcome"]] = float(value)
    return found


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
@pytest.mark.parametrize("words", [["--data-binary", "@photo.jpg"], ["-F", "image=@photo.jpg"]], ids=["raw", "form"])
def test_curl(client: NativeClient, tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "photo.jpg").write_bytes(ONE.content)
    command = ["curl", "--silent", "--show-error", "--fail-with-body", "-H", "X-Tessera-Max-Wait-Ms: 10", *words]
    done = subprocess.run(
        [*command, f"{client.url}/v1/classify?max_results=50"],
        cwd=tmp_path, capture_output=True, text=True, timeout=CALL_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    check(ONE, json.loads(done.stdout))
