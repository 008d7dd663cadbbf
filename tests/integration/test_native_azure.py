"""A running server that pays Azure: natively asked, images share sheets and everybody's own boxes come back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from app.demo.checking import EXACT_OVERLAP, Fate, judge_exact
from app.demo.scenes import Scene
from app.demo.truth import overlap
from app.detectors.markers import marker_id_of
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.load import NativeClient as LoadClient
from tests.support.load import identity_images, mistakes, run_load
from tests.support.marker_scenes import Placed, plain, stored
from tests.support.native import NativeClient, is_image_of, is_problem, native_client, seen
from tests.support.pictures import picture
from tests.support.sdk import HURRIED, MEETING_MS, together
from tests.support.server import RunningServer, running_server

ONE, OTHER = picture(800, 600, 3, 8), picture(800, 600, 21, 30, 55)
KEY = "s3cret-operator-key"
POISON = 900


@dataclass(frozen=True, slots=True)
class Rig:
    """The proxy and its upstream, which takes only the operator's key."""

    server: RunningServer
    emulator: RunningEmulator


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("azure")
    options = ("--no-classical", "--secret", KEY, "--poison", str(POISON))
    with running_emulator(*options, vendor="azure") as emulator:
        settings = {
            "TESSERA_PROVIDER": "azure",
            "TESSERA_GRID_TEXT": "true",
            "TESSERA_UPSTREAM_URL": f"{emulator.url}/",
            "TESSERA_AZURE_KEY": KEY,
            "TESSERA_MAX_WAIT_MS": str(MEETING_MS),
        }
        with running_server(folder / "server.log", **settings) as server:
            yield Rig(server, emulator)
            assert server.stats()["requests"]["by_outcome"]["own_error"] == 0
            assert KEY not in (folder / "server.log").read_text(encoding="utf-8")


@pytest.fixture
def client(rig: Rig) -> Iterator[NativeClient]:
    with native_client(rig.server.url) as found:
        yield found


def check_places(scene: Scene, labels: list[str], client_answer: dict[str, object], feature: str) -> None:
    """As many findings as objects, each object found in its place, and called so."""
    found = seen(client_answer, feature)
    assert len(found) == len(scene.objects)
    for thing, label in zip(scene.objects, labels, strict=True):
        (match,) = [one for one in found if one.box is not None and overlap(one.box, thing.box) > EXACT_OVERLAP]
        assert match.label == label


def test_two_clients_of_one_key_share_a_sheet(rig: Rig, client: NativeClient) -> None:
    paid = rig.emulator.paid()
    answers = together(*(lambda scene=scene: client.detect(scene.content, "features=objects") for scene in (ONE, OTHER)))
    for scene, answer in zip((ONE, OTHER), answers, strict=True):
        is_image_of(answer, scene)
        assert (answer["grid"]["layout"], answer["grid"]["inferences"]) == ("2x1", 0.5)
        verdict = judge_exact(scene.objects, seen(answer, "objects"))
        assert [mark for mark in verdict.marks if mark.fate is not Fate.RIGHT] == []
    assert answers[0]["grid"]["sheets"] == answers[1]["grid"]["sheets"]
    assert rig.emulator.paid() - paid == 1


def test_people_and_words_are_everybodys_own_too(rig: Rig, client: NativeClient) -> None:
    """Each feature has a sheet of its own. The emulator joins words of two cells to one line; each word still comes home."""
    paid = rig.emulator.paid()
    answers = together(*(lambda scene=scene: client.detect(scene.content, "features=people,text") for scene in (ONE, OTHER)))
    for scene, answer in zip((ONE, OTHER), answers, strict=True):
        assert answer["grid"]["inferences"] == 1.0
        check_places(scene, ["Person"] * len(scene.objects), answer, "people")
        check_places(scene, [f"M{marker_id_of(thing.label):04d}" for thing in scene.objects], answer, "text")
    assert rig.emulator.paid() - paid == 2


def test_faces_and_brands_come_from_the_older_api(rig: Rig, client: NativeClient) -> None:
    """Every fourth marker is a brand."""
    paid = rig.emulator.paid()
    answers = together(*(lambda scene=scene: client.detect(scene.content, "features=faces,logos") for scene in (ONE, OTHER)))
    for scene, answer in zip((ONE, OTHER), answers, strict=True):
        assert answer["grid"]["inferences"] == 1.0
        check_places(scene, ["Face"] * len(scene.objects), answer, "faces")
    assert [[found.label for found in seen(answer, "logos")] for answer in answers] == [["Brand-0008"], []]
    assert rig.emulator.paid() - paid == 2


def test_a_webp_alone_is_encoded_anew_for_the_older_api_only(client: NativeClient) -> None:
    scene = picture(760, 500, 40, 41, encoding="WebP")
    answer = client.detect(scene.content, "features=faces,objects", HURRIED)
    assert (answer["grid"]["layout"], answer["grid"]["inferences"]) == ("1x1", 2.0)
    check_places(scene, ["Face", "Face"], answer, "faces")
    check_places(scene, [thing.label for thing in scene.objects], answer, "objects")


def test_an_image_alone_is_the_whole_inference(client: NativeClient) -> None:
    answer = client.detect(ONE.content, "features=objects", HURRIED)
    assert (answer["grid"]["layout"], answer["grid"]["inferences"]) == ("1x1", 1.0)
    check_places(ONE, [thing.label for thing in ONE.objects], answer, "objects")


def test_what_azure_does_not_offer_is_refused(client: NativeClient) -> None:
    is_problem(client.post(ONE.content, "features=celebrities"), 404, "unknown-operation")


def test_one_image_that_the_vendor_refuses_harms_no_neighbour(client: NativeClient) -> None:
    """Azure refuses the sheet as an image; it is asked again in halves."""
    bad = stored(plain(800, 600, Placed(POISON, 300, 200, 240)))
    refused, answered = together(lambda: client.post(bad), lambda: client.post(ONE.content))
    assert (refused.status_code, answered.status_code) == (422, 200), (refused.text, answered.text)
    check_places(ONE, [thing.label for thing in ONE.objects], answered.json(), "objects")


def test_a_throttle_is_waited_out(rig: Rig, client: NativeClient) -> None:
    rig.emulator.add_fault("throttle", times=1)
    answers = together(*(lambda scene=scene: client.detect(scene.content) for scene in (ONE, OTHER)))
    assert [answer["grid"]["inferences"] for answer in answers] == [0.5, 0.5]


def test_many_clients_get_their_own_and_pay_less(rig: Rig) -> None:
    paid, images = rig.emulator.paid(), identity_images(range(100, 124))
    replies = run_load([LoadClient(rig.server.url, HURRIED | {"X-Tessera-Max-Wait-Ms": "1000"})], images, rate_per_s=40)
    assert mistakes(replies) == []
    assert len(replies) == len(images)
    assert rig.emulator.paid() - paid <= 0.75 * len(images)
