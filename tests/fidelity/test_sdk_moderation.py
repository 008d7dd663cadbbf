"""boto3's DetectModerationLabels through the proxy: group tests, and everybody hears what AWS says of his own image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support import bad_images
from tests.support.grouped import ALONE, CORPSES, EXPLICIT, GAMBLING, GROUP, VIOLENCE, clean, unsafe, warm_up
from tests.support.pictures import picture
from tests.support.sdk import HURRIED, MEETING_MS, Client, Rig, Told, both, code_of, new_key, running_rig, together

OPERATION = "DetectModerationLabels"
ARN = "arn:aws:rekognition:us-east-1:123456789012:project/moderation/version/strict.1/1700000000000"
REVIEW = {"HumanLoopName": "loop-1", "FlowDefinitionArn": "arn:aws:sagemaker:us-east-1:123456789012:flow-definition/f"}
PARAMETER, FORMAT = "InvalidParameterException", "InvalidImageFormatException"
CLEAN = [clean(number) for number in range(1, GROUP)]

Members = Mapping[str, Any]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One of its own: what is paid is counted."""
    with running_rig(tmp_path_factory.mktemp("moderation")) as running:
        yield running
        assert running.server.stats()["requests"]["by_outcome"]["own_error"] == 0


@pytest.fixture
def client(rig: Rig) -> Client:
    return warm(rig)


def warm(rig: Rig, **members: Any) -> Client:
    """A tenant whose images have been clean so far."""
    key = new_key()
    alone = rig.client(ALONE, key=key)
    warm_up(lambda content: alone(OPERATION, content, **members))
    return rig.client(key=key)


def asked(client: Client, *images: tuple[bytes, Members]) -> list[Told]:
    """All at once."""
    return together(*(lambda one=one: client(OPERATION, one[0], **one[1]) for one in images))


def check_all(rig: Rig, told: list[Told], *images: tuple[bytes, Members]) -> None:
    """Everybody hears what the vendor says of his image alone."""
    for one, (content, members) in zip(told, images, strict=True):
        assert one.answer == rig.direct()(OPERATION, content, **members).answer


def test_a_clean_group_is_cleared_for_one_inference(rig: Rig, client: Client) -> None:
    images = [(content, {"MinConfidence": 60.0}) for content in [*CLEAN, clean(GROUP)]]
    before = rig.calls()
    told = asked(client, *images)
    (call,) = rig.sent(before)
    assert (call.operation, set(call.request)) == (OPERATION, {"MinConfidence"})
    assert call.request["MinConfidence"] < 60, "what is smaller scores lower"
    assert [one.layout for one in told] == ["3x3"] * GROUP
    assert [one.inferences for one in told] == [pytest.approx(1 / GROUP, abs=1e-4)] * GROUP
    assert {one.answer["ModerationModelVersion"] for one in told} == {"7.0"}
    assert [one.answer["ModerationLabels"] for one in told] == [[]] * GROUP
    check_all(rig, told, *images)


def test_the_flagged_one_hears_the_vendors_own_words_and_the_others_that_they_are_clean(rig: Rig, client: Client) -> None:
    """Its own bytes were asked about in its own words, and the answer is AWS's byte for byte."""
    images: list[tuple[bytes, Members]] = [(content, {}) for content in CLEAN]
    images.insert(4, (unsafe(VIOLENCE), {"MinConfidence": 77.5}))
    before, paid = rig.calls(), rig.emulator.paid()
    told = asked(client, *images)
    own = [call for call in rig.sent(before) if call.content == images[4][0]]
    assert [call.request for call in own] == [{"MinConfidence": 77.5}]
    paid = rig.emulator.paid() - paid
    assert sum(one.inferences for one in told) == pytest.approx(paid, abs=0.001)
    assert paid < GROUP
    assert told[4].body == rig.direct()(OPERATION, images[4][0], MinConfidence=77.5).body
    assert [label["Name"] for label in told[4].answer["ModerationLabels"]] == [
        "Weapon Violence",
        "Graphic Violence",
        "Violence",
    ]
    check_all(rig, told, *images)


def test_clients_with_different_thresholds_share_a_group_and_each_has_its_own_answer(rig: Rig, client: Client) -> None:
    """Content of a middling score: unsafe for who asks for little, safe for who asks for much."""
    faint = unsafe(GAMBLING, side_px=60)
    scores = [label["Confidence"] for label in rig.direct()(OPERATION, faint, MinConfidence=1).answer["ModerationLabels"]]
    assert len(scores) == 1
    assert 50 < scores[0] < 90
    images: list[tuple[bytes, Members]] = [
        (content, {"MinConfidence": 5.0 * number}) for number, content in enumerate(CLEAN[2:])
    ]
    images += [(faint, {"MinConfidence": 50}), (faint, {"MinConfidence": 90}), (faint, {"MinConfidence": 0})]
    told = asked(client, *images)
    check_all(rig, told, *images)
    assert [len(one.answer["ModerationLabels"]) for one in told[-3:]] == [1, 0, 1]
    assert len({one.layout for one in told}) == 1


def test_an_image_that_no_decoder_reads_costs_its_group_nothing(rig: Rig, client: Client) -> None:
    """And hears what the vendor says of it."""
    images: list[tuple[bytes, Members]] = [(content, {}) for content in CLEAN]
    told, code = both(
        lambda: asked(client, *images), lambda: code_of(client.refused(OPERATION, bad_images.undecodable("jpeg")))
    )
    assert code == FORMAT
    check_all(rig, told, *images)


def test_an_image_that_the_vendor_refuses_clears_nobody_and_harms_nobody(rig: Rig, client: Client) -> None:
    poison, hidden = picture(480, 360, 666).content, unsafe(CORPSES)
    rig.emulator.behave(poison=[666])
    try:
        told, code = both(
            lambda: asked(client, *((content, {}) for content in [*CLEAN[1:], hidden])),
            lambda: code_of(client.refused(OPERATION, poison)),
        )
    finally:
        rig.emulator.behave(poison=[])
    assert code == FORMAT
    check_all(rig, told, *((content, {}) for content in [*CLEAN[1:], hidden]))
    assert told[-1].answer["ModerationLabels"]


@pytest.mark.parametrize("fault", ["error500", "garbage", "truncated", "close", "refuse", "throttle"])
def test_what_fails_on_the_way_never_becomes_a_clean_verdict(rig: Rig, client: Client, fault: str) -> None:
    images: list[tuple[bytes, Members]] = [(content, {}) for content in [*CLEAN, unsafe(EXPLICIT)]]
    rig.emulator.add_fault(fault, operation=OPERATION, times=2)
    try:
        told = asked(client, *images)
    finally:
        rig.emulator.behave(faults=[])
    check_all(rig, told, *images)
    assert told[-1].answer["ModerationLabels"]


def test_before_anything_is_known_images_go_alone(rig: Rig) -> None:
    """At no loss: it is what they would have paid without the proxy."""
    client, images = rig.client(), [*CLEAN[:2], unsafe(EXPLICIT)]
    for content in images:
        told = client(OPERATION, content)
        assert (told.layout, told.inferences, told.headers["x-tessera-wait-ms"]) == ("1x1", 1.0, "0")
        assert told.body == rig.direct()(OPERATION, content).body


@pytest.mark.parametrize("header", [{"X-Tessera-Grid": "off"}, {"X-Tessera-Max-Map-Drop": "0"}, {"X-Tessera-Max-Wait-Ms": "0"}])
def test_a_header_sends_an_image_alone(rig: Rig, header: Mapping[str, str]) -> None:
    key = new_key()
    alone = rig.client(ALONE, key=key)
    warm_up(lambda content: alone(OPERATION, content))
    told = rig.client(header, key=key)(OPERATION, CLEAN[0])
    assert (told.layout, told.inferences, told.headers["x-tessera-wait-ms"]) == ("1x1", 1.0, "0")
    assert told.body == rig.direct()(OPERATION, CLEAN[0]).body


def test_a_human_review_is_about_one_image_in_its_own_words(rig: Rig, client: Client) -> None:
    before, started = rig.calls(), [(content, {"HumanLoopConfig": REVIEW}) for content in CLEAN[:2]]
    told = asked(client, *started)
    assert [(one.layout, one.headers["x-tessera-wait-ms"]) for one in told] == [("1x1", "0")] * 2
    sent = rig.sent(before)
    assert {call.content for call in sent} == set(CLEAN[:2])
    assert [call.request for call in sent] == [{"HumanLoopConfig": REVIEW}] * 2


def test_an_adapter_has_groups_of_its_own(rig: Rig) -> None:
    client = warm(rig, ProjectVersion=ARN)
    images = [(content, {"ProjectVersion": ARN}) for content in [*CLEAN, clean(GROUP)]]
    before = rig.calls()
    told = asked(client, *images)
    (call,) = rig.sent(before)
    assert call.request["ProjectVersion"] == ARN
    assert [one.layout for one in told] == ["3x3"] * GROUP
    check_all(rig, told, *images)


@pytest.mark.parametrize(
    ("members", "word"),
    [
        ({"MinConfidence": 200}, "MinConfidence"),
        ({"ProjectVersion": "x" * 20}, "ProjectVersion"),
        ({"HumanLoopConfig": {**REVIEW, "HumanLoopName": "UPPER"}}, "HumanLoopName"),
        ({"HumanLoopConfig": {**REVIEW, "DataAttributes": {"ContentClassifiers": ["Free"]}}}, "ContentClassifiers"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_members_raise_the_modelled_exception(rig: Rig, members: Members, word: str) -> None:
    error = rig.client(HURRIED).refused(OPERATION, CLEAN[0], **members)
    assert code_of(error) == PARAMETER
    assert word in str(error)
    assert rig.client(HURRIED)(OPERATION, CLEAN[0]).answer["ModerationLabels"] == []


def test_the_window_is_not_waited_out(rig: Rig, client: Client) -> None:
    """A whole group goes at once."""
    told = asked(client, *((content, {}) for content in [*CLEAN, clean(GROUP)]))
    assert all(float(one.headers["x-tessera-wait-ms"]) < 0.9 * MEETING_MS for one in told)
