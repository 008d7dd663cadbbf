"""`tessera serve` that pays Google: images of native clients share sheets, and boxes come back in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from app.core.geometry import UnitBox
from app.demo.checking import Fate, judge_exact
from app.demo.scenes import Scene
from app.demo.truth import overlap
from tests.support.emulator import running_emulator
from tests.support.native import NativeClient, is_image_of, is_problem, native_client, seen, told
from tests.support.pictures import picture
from tests.support.sdk import HURRIED, MEETING_MS, Rig, together
from tests.support.server import running_server

POISON = 13
KEY = "operator-key"
# Of their ids, 8, 40 and 60 are logos, 40, 55 and 60 landmarks.
ONE, OTHER = picture(800, 600, 3, 8, 40), picture(800, 600, 21, 55, 60)
# A face's outer box is a tenth wider than its marker on each side, and what is read of a marker fills it.
LOOSE_OVERLAP = 0.6


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("google")
    options = ("--no-classical", "--record", str(folder / "record"), "--poison", str(POISON), "--secret", KEY)
    with running_emulator(*options, vendor="google") as upstream:
        settings = {
            "TESSERA_PROVIDER": "google",
            "TESSERA_GRID_TEXT": "true",
            "TESSERA_UPSTREAM_URL": upstream.url,
            "TESSERA_UPSTREAM_GRPC": upstream.grpc,
            "TESSERA_GOOGLE_API_KEY": KEY,
            "TESSERA_MAX_WAIT_MS": str(MEETING_MS),
        }
        with running_server(folder / "server.log", **settings) as server:
            yield Rig(server, upstream, folder / "record")
            assert server.stats()["requests"]["by_outcome"]["own_error"] == 0
            assert KEY not in server.log_file.read_text(encoding="utf-8")


@pytest.fixture
def client(rig: Rig) -> Iterator[NativeClient]:
    with native_client(rig.server.url) as found:
        yield found


def _shared(client: NativeClient, query: str) -> list[dict[str, Any]]:
    """The answers to both pictures, which were asked for at once and met on one sheet for each feature."""
    answers = together(*(lambda scene=scene: client.detect(scene.content, query) for scene in (ONE, OTHER)))
    for scene, answer in zip((ONE, OTHER), answers, strict=True):
        assert answer["grid"]["layout"] == "2x1"
        is_image_of(answer, scene)
    assert answers[0]["grid"]["sheets"] == answers[1]["grid"]["sheets"]
    return answers


def _number(label: str) -> int:
    return int(label[-4:])


def _check_objects(scene: Scene, answer: Mapping[str, Any]) -> None:
    verdict = judge_exact(scene.objects, seen(answer, "objects"))
    assert [mark for mark in verdict.marks if mark.fate is not Fate.RIGHT] == []


def _check_places(scene: Scene, answer: Mapping[str, Any], feature: str, ids: set[int]) -> None:
    """One finding for each of these markers of the scene, in its place; whoever has a number has its marker's."""
    places = {_number(thing.label): thing.box for thing in scene.objects if _number(thing.label) in ids}
    found = seen(answer, feature)
    assert len(found) == len(places)
    for one in found:
        assert one.box is not None
        at = _nearest(one.box, places)
        assert overlap(one.box, places[at]) > LOOSE_OVERLAP
        assert one.label == "Face" or _number(one.label) == at


def _nearest(box: UnitBox, places: Mapping[int, UnitBox]) -> int:
    return max(places, key=lambda number: overlap(box, places[number]))


def test_two_clients_share_one_paid_inference_and_each_gets_its_own_objects(rig: Rig, client: NativeClient) -> None:
    paid = rig.emulator.paid()
    for scene, answer in zip((ONE, OTHER), _shared(client, "features=objects"), strict=True):
        assert answer["grid"]["inferences"] == 0.5
        _check_objects(scene, answer)
    assert rig.emulator.paid() - paid == 1


@pytest.mark.parametrize(
    ("feature", "ids"),
    [
        ("faces", {3, 8, 40, 21, 55, 60}),
        ("logos", {8, 40, 60}),
        ("landmarks", {40, 55, 60}),
        ("text", {3, 8, 40, 21, 55, 60}),
    ],
)
def test_every_other_feature_comes_back_in_place_too(client: NativeClient, feature: str, ids: set[int]) -> None:
    for scene, answer in zip((ONE, OTHER), _shared(client, f"features={feature}"), strict=True):
        _check_places(scene, answer, feature, ids)


def test_several_features_are_several_sheets(rig: Rig, client: NativeClient) -> None:
    paid = rig.emulator.paid()
    for scene, answer in zip((ONE, OTHER), _shared(client, "features=objects,faces"), strict=True):
        assert answer["grid"]["inferences"] == 1.0
        _check_objects(scene, answer)
        _check_places(scene, answer, "faces", {3, 8, 40, 21, 55, 60})
    assert rig.emulator.paid() - paid == 2


def test_a_lone_image_goes_out_as_the_clients_own_bytes(rig: Rig, client: NativeClient) -> None:
    before = rig.calls()
    answer = client.detect(ONE.content, headers=HURRIED)
    assert (answer["grid"]["layout"], answer["grid"]["inferences"]) == ("1x1", 1.0)
    _check_objects(ONE, answer)
    (call,) = rig.sent(before)
    assert (call.content, call.operation) == (ONE.content, "OBJECT_LOCALIZATION")


@pytest.mark.parametrize("encoding", ["JPEG turned (EXIF 6)", "PNG with alpha", "WebP"])
@pytest.mark.parametrize("headers", [{}, HURRIED], ids=["shared", "alone"])
def test_boxes_are_those_of_the_upright_image(client: NativeClient, encoding: str, headers: dict[str, str]) -> None:
    scene = picture(760, 500, 44, 41, encoding=encoding)
    calls = [lambda: client.detect(scene.content, "features=objects,faces", headers)]
    if not headers:
        calls.append(lambda: client.detect(OTHER.content, "features=objects,faces"))
    answer = together(*calls)[0]
    assert answer["grid"]["layout"] == ("1x1" if headers else "2x1")
    is_image_of(answer, scene)
    _check_objects(scene, answer)
    _check_places(scene, answer, "faces", {44, 41})


def test_a_bad_neighbour_costs_nobody_an_answer(client: NativeClient) -> None:
    """The vendor refuses the sheet for the poisoned image; that one alone is refused in the end."""
    poisoned, good = together(lambda: client.post(picture(800, 600, POISON, 9).content), lambda: client.post(OTHER.content))
    is_problem(poisoned, 422, "image-refused")
    _check_objects(OTHER, told(good))


@pytest.mark.parametrize("feature", ["people", "celebrities", "protective_equipment", "objects,people"])
def test_what_google_does_not_offer_is_said_so(rig: Rig, client: NativeClient, feature: str) -> None:
    before = rig.calls()
    problem = is_problem(client.post(ONE.content, f"features={feature}"), 404, "unknown-operation")
    assert "not available through this provider" in problem["detail"]
    assert rig.calls() == before
