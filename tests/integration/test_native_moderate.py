"""`POST /v1/moderate` of a running server: group tests, each client's own threshold and categories, no silence for safety."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.core.moderation import Category
from tests.support import bad_images
from tests.support.emulator import running_emulator
from tests.support.grouped import ALONE, CORPSES, EXPLICIT, GAMBLING, GROUP, VIOLENCE, clean, unsafe, warm_up
from tests.support.native import CALL_S, NativeClient, is_problem, native_client
from tests.support.pictures import picture
from tests.support.sdk import HURRIED, Rig, both, running_rig, together
from tests.support.server import running_server

CLEAN = [clean(number) for number in range(1, GROUP)]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_rig(tmp_path_factory.mktemp("moderate")) as running:
        yield running
        assert running.server.stats()["requests"]["by_outcome"]["own_error"] == 0


@pytest.fixture
def client(rig: Rig) -> Iterator[NativeClient]:
    """Nothing is known of its images yet."""
    with native_client(rig.server.url) as found:
        yield found


@pytest.fixture
def trusted(client: NativeClient) -> NativeClient:
    """A tenant whose images have been clean so far."""
    warm_up(lambda content: client.moderate(content, headers=ALONE))
    return client


def verdict(answer: Mapping[str, Any]) -> tuple[bool, list[tuple[str, str | None]]]:
    """Unsafe, and what for; most certain first."""
    scores = [item["score"] for item in answer["labels"]]
    assert scores == sorted(scores, reverse=True)
    assert answer["unsafe"] == bool(scores)
    return answer["unsafe"], [(item["label"], item["category"]) for item in answer["labels"]]


def asked(client: NativeClient, *images: tuple[bytes, str]) -> list[dict[str, Any]]:
    """All at once."""
    return together(*(lambda one=one: client.moderate(*one) for one in images))


def alone(client: NativeClient, content: bytes, query: str = "") -> tuple[bool, list[tuple[str, str | None]]]:
    """What the vendor says of the image alone."""
    return verdict(client.moderate(content, query, ALONE))


def test_a_clean_group_is_cleared_for_one_inference(rig: Rig, trusted: NativeClient) -> None:
    paid = rig.emulator.paid()
    answers = asked(trusted, *((content, "") for content in [*CLEAN, clean(GROUP)]))
    assert rig.emulator.paid() - paid == 1
    assert [(answer["unsafe"], answer["labels"]) for answer in answers] == [(False, [])] * GROUP
    assert {(answer["grid"]["layout"], answer["grid"]["inferences"]) for answer in answers} == {("3x3", 0.1111)}
    assert {tuple(answer["image"].values()) for answer in answers} == {(480, 360)}


def test_the_unsafe_one_is_told_so_and_nobody_else(rig: Rig, trusted: NativeClient) -> None:
    hidden = unsafe(CORPSES)
    before = rig.calls()
    *others, own = asked(trusted, *((content, "") for content in [*CLEAN, hidden]))
    assert [answer["unsafe"] for answer in others] == [False] * len(CLEAN)
    assert [call.operation for call in rig.sent(before) if call.content == hidden] == ["DetectModerationLabels"]
    assert len(rig.sent(before)) < GROUP
    assert verdict(own) == (
        True,
        [("Corpses", "gore"), ("Death and Emaciation", "gore"), ("Visually Disturbing", "gore")],
    )
    assert own["labels"][0]["parents"] == ["Death and Emaciation", "Visually Disturbing"]


def test_clients_with_different_filters_share_a_group_and_each_has_its_own_verdict(rig: Rig, trusted: NativeClient) -> None:
    """The same picture is unsafe for one and safe for another, by its category and by its score."""
    faint, violent = unsafe(GAMBLING, side_px=60), unsafe(VIOLENCE)
    images = [
        (faint, ""),
        (faint, "min_score=0.95"),
        (faint, "categories=gambling"),
        (faint, "categories=adult,violence"),
        (violent, "categories=violence&min_score=0.9"),
        (violent, "categories=gambling"),
        (violent, "categories=gambling&min_score=0"),
        *((content, "min_score=0.9") for content in CLEAN[:2]),
    ]
    answers = asked(trusted, *images)
    assert len({answer["grid"]["layout"] for answer in answers}) == 1
    assert [answer["unsafe"] for answer in answers] == [True, False, True, False, True, False, False, False, False]
    assert [verdict(answer) for answer in answers] == [alone(trusted, *one) for one in images]


def test_a_score_below_the_threshold_is_never_told(trusted: NativeClient) -> None:
    """Of several things in one picture only those that count; the group was asked for far less."""
    several = picture(800, 600, EXPLICIT, GAMBLING)
    scores = {item["label"]: item["score"] for item in trusted.moderate(several.content, "min_score=0", ALONE)["labels"]}
    between = sum(sorted(scores.values())[-2:]) / 2
    answers = asked(trusted, (several.content, f"min_score={between:.6f}"), *((content, "min_score=0.1") for content in CLEAN))
    told = {item["label"]: item["score"] for item in answers[0]["labels"]}
    assert told == {label: score for label, score in scores.items() if score >= between}


def test_an_image_that_no_decoder_reads_costs_its_group_nothing(trusted: NativeClient) -> None:
    answers, bad = both(
        lambda: asked(trusted, *((content, "") for content in CLEAN)),
        lambda: trusted.post(bad_images.undecodable("png"), operation="moderate"),
    )
    assert [answer["unsafe"] for answer in answers] == [False] * len(CLEAN)
    is_problem(bad, 422, "image-refused")


def test_an_image_that_the_vendor_refuses_clears_nobody(rig: Rig, trusted: NativeClient) -> None:
    images = [*CLEAN[1:], unsafe(VIOLENCE)]
    rig.emulator.behave(poison=[666])
    try:
        answers, bad = both(
            lambda: asked(trusted, *((content, "") for content in images)),
            lambda: trusted.post(picture(480, 360, 666).content, operation="moderate"),
        )
    finally:
        rig.emulator.behave(poison=[])
    assert [answer["unsafe"] for answer in answers] == [False] * (len(images) - 1) + [True]
    is_problem(bad, 422, "image-refused")


def test_nobody_is_called_safe_because_the_vendor_is_down(rig: Rig, trusted: NativeClient, tmp_path: Path) -> None:
    """The client hears of it as soon as its time is up."""
    settings = {"TESSERA_UPSTREAM_URL": rig.emulator.url, "TESSERA_REQUEST_TIMEOUT_MS": "1500", "TESSERA_MAX_WAIT_MS": "100"}
    with running_server(tmp_path / "server.log", **settings) as server, native_client(server.url) as hurried:
        warm_up(lambda content: hurried.moderate(content, headers=ALONE))
        rig.emulator.add_fault("error500", operation="DetectModerationLabels")
        try:
            replies = together(*(lambda one=one: hurried.post(one, operation="moderate") for one in [*CLEAN, unsafe(EXPLICIT)]))
        finally:
            rig.emulator.behave(faults=[])
        assert {reply.status_code for reply in replies} <= {503, 504}
        assert all("unsafe" not in reply.json() for reply in replies)


def test_before_anything_is_known_images_go_alone(rig: Rig, client: NativeClient) -> None:
    before = rig.calls()
    for content, is_unsafe in ((CLEAN[0], False), (unsafe(VIOLENCE), True)):
        answer = client.moderate(content)
        assert answer["unsafe"] is is_unsafe
        assert (answer["grid"]["layout"], answer["grid"]["inferences"], answer["grid"]["wait_ms"]) == ("1x1", 1.0, 0)
    assert [call.content for call in rig.sent(before)] == [CLEAN[0], unsafe(VIOLENCE)]


@pytest.mark.parametrize(
    ("content", "query", "status", "kind", "words"),
    [
        (b"no image", "", 415, "invalid-image", "image"),
        (b"", "", 400, "missing-image", "no image"),
        (bad_images.cut("jpeg"), "", 415, "invalid-image", "image"),
        (CLEAN[0], "categories=nudity", 400, "invalid-parameter", "known: adult"),
        (CLEAN[0], "categories=violense", 400, "invalid-parameter", "did you mean 'violence'?"),
        (CLEAN[0], "category=adult", 400, "invalid-parameter", "did you mean 'categories'?"),
        (CLEAN[0], "features=labels", 400, "invalid-parameter", "POST /v1/classify"),
        (CLEAN[0], "min_score=nan", 400, "invalid-parameter", "between 0 and 1"),
        (CLEAN[0], "categories=spoof", 404, "unknown-operation", "spoof: not available through this provider"),
    ],
)
def test_bad_requests_are_problems(
    client: NativeClient, content: bytes, query: str, status: int, kind: str, words: str
) -> None:
    problem = is_problem(client.post(content, query, HURRIED, operation="moderate"), status, kind)
    assert words in problem["detail"]


def test_the_operator_may_send_all_images_alone(rig: Rig, tmp_path: Path) -> None:
    settings = {"TESSERA_UPSTREAM_URL": rig.emulator.url, "TESSERA_MODERATE_GROUP": "1"}
    with running_server(tmp_path / "server.log", **settings) as server, native_client(server.url) as client:
        warm_up(lambda content: client.moderate(content, headers=ALONE))
        answers = asked(client, *((content, "") for content in [*CLEAN, unsafe(CORPSES)]))
    assert {(answer["grid"]["layout"], answer["grid"]["inferences"]) for answer in answers} == {("1x1", 1.0)}
    assert [answer["unsafe"] for answer in answers] == [False] * len(CLEAN) + [True]


# What each emulated vendor calls what a marker stands for: its own kinds in turn, by the marker's id.
WORDS: Mapping[str, Mapping[int, tuple[str, Category]]] = {
    "google": {
        EXPLICIT: ("adult", Category.ADULT),
        GAMBLING: ("spoof", Category.SPOOF),
        CORPSES: ("medical", Category.MEDICAL),
        VIOLENCE: ("violence", Category.VIOLENCE),
    },
    "azure": {
        GAMBLING: ("adult", Category.ADULT),
        CORPSES: ("racy", Category.RACY),
        VIOLENCE: ("gore", Category.GORE),
    },
}
UNKNOWN: Mapping[str, str] = {"google": "gore", "azure": "violence"}


@pytest.mark.parametrize("vendor", WORDS)
def test_other_vendors_are_asked_in_groups_just_as_well(vendor: str, tmp_path: Path) -> None:
    own = {"google": {"TESSERA_GOOGLE_API_KEY": "any"}, "azure": {"TESSERA_AZURE_KEY": "any"}}[vendor]
    with running_emulator("--no-classical", vendor=vendor) as emulator:
        settings = {"TESSERA_PROVIDER": vendor, "TESSERA_UPSTREAM_URL": emulator.url, "TESSERA_MAX_WAIT_MS": "6000", **own}
        settings |= {"TESSERA_UPSTREAM_GRPC": emulator.grpc} if emulator.grpc else {}
        with running_server(tmp_path / "server.log", **settings) as server, native_client(server.url) as client:
            warm_up(lambda content: client.moderate(content, headers=ALONE))
            paid = emulator.paid()
            hidden = [*WORDS[vendor]][-1]
            answers = asked(client, *((content, "") for content in [*CLEAN, unsafe(hidden)]))
            assert emulator.paid() - paid < GROUP
            assert [answer["unsafe"] for answer in answers] == [False] * len(CLEAN) + [True]
            for marker_id, expected in WORDS[vendor].items():
                assert alone(client, unsafe(marker_id), "min_score=0.7") == (True, [expected])
            reply = client.post(CLEAN[0], f"categories={UNKNOWN[vendor]}", operation="moderate")
            is_problem(reply, 404, "unknown-operation")


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_curl(client: NativeClient, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(unsafe(VIOLENCE))
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail-with-body", "-F", "image=@photo.jpg", f"{client.url}/v1/moderate"],
        cwd=tmp_path, capture_output=True, text=True, timeout=CALL_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["unsafe"] is True
