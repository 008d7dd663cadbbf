"""Operations that cannot be gridded: handed on whole, signed again, the vendor's answer untouched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from app.providers.build import EMULATOR_CREDENTIALS
from tests.support.http_raw import Reply, exchange, request
from tests.support.pictures import picture
from tests.support.sdk import HURRIED, Rig, code_of, running_rig, together

SCENE, OTHER = picture(800, 600, 21, 30, 990), picture(700, 700, 30, 31)
BYTES, OTHER_BYTES = {"Bytes": SCENE.content}, {"Bytes": OTHER.content}

ANSWERED: Mapping[str, Mapping[str, Any]] = {
    "CompareFaces": {"SourceImage": BYTES, "TargetImage": OTHER_BYTES, "SimilarityThreshold": 50},
    "ListCollections": {"MaxResults": 10},
    "DescribeCollection": {"CollectionId": "people"},
    "DescribeProjects": {},
}
BILLED = frozenset({"CompareFaces"})


@pytest.mark.parametrize("operation", ANSWERED)
def test_an_answer_is_the_vendors_own_byte_for_byte(rig: Rig, operation: str) -> None:
    """Nothing is added but the id that the logs carry, and what was paid for an image; nothing comes twice."""
    told = rig.client()(operation, **ANSWERED[operation])
    direct = rig.direct()(operation, **ANSWERED[operation])
    assert told.body == direct.body
    assert told.answer == direct.answer
    more = {"x-tessera-inferences"} if operation in BILLED else set()
    assert told.headers.keys() - direct.headers.keys() == {"x-request-id"} | more
    assert told.headers["content-type"] == direct.headers["content-type"]
    assert "GMT, " not in told.headers["date"], "one Date header"


def test_the_images_arrive_untouched(rig: Rig) -> None:
    before = rig.calls()
    rig.client()("CompareFaces", **ANSWERED["CompareFaces"])
    (call,) = rig.sent(before)
    assert (call.operation, call.content) == ("CompareFaces", SCENE.content)
    assert call.request["SimilarityThreshold"] == 50


def test_many_at_once_are_not_mixed_up(rig: Rig) -> None:
    scenes = [picture(640, 480, 400 + number) for number in range(8)]
    wanted: list[dict[str, Any]] = [
        {"SourceImage": {"Bytes": scene.content}, "TargetImage": {"Bytes": scene.content}} for scene in scenes
    ]
    client, direct = rig.client(), rig.direct()
    told = together(*(lambda asked=asked: client("CompareFaces", **asked) for asked in wanted))
    alone = [direct("CompareFaces", **asked).body for asked in wanted]
    assert [one.body for one in told] == alone
    assert len(set(alone)) == len(scenes), "each has its face somewhere else"


@pytest.mark.parametrize(
    ("operation", "members", "code"),
    [
        ("DescribeCollection", {"CollectionId": "nobody"}, "ResourceNotFoundException"),
        ("CreateCollection", {"CollectionId": "people"}, "ResourceAlreadyExistsException"),
        ("CompareFaces", {"SourceImage": {"Bytes": b"no image"}, "TargetImage": BYTES}, "InvalidImageFormatException"),
        ("ListUsers", {"CollectionId": "people"}, "UnknownOperationException"),
    ],
)
def test_an_error_is_the_vendors_own(rig: Rig, operation: str, members: Mapping[str, Any], code: str) -> None:
    error, direct = rig.client().refused(operation, **members), rig.direct().refused(operation, **members)
    assert code_of(error) == code_of(direct) == code
    assert error.response["Error"] == direct.response["Error"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    assert status == direct.response["ResponseMetadata"]["HTTPStatusCode"]


def test_an_operation_that_nobody_knows_is_refused_by_the_vendor(rig: Rig) -> None:
    """A newer SDK may know more operations than this proxy: the vendor decides."""
    error = _refusal(lambda: exchange(rig.server.url, request(b"{}", target="RekognitionService.ReadMinds")))
    assert error["__type"] == "UnknownOperationException"
    assert "one of this service" in error["Message"], "the emulator's own words"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A vendor that verifies signatures, with the secret that the proxy signs with; clients have another one."""
    with running_rig(tmp_path_factory.mktemp("strict"), "--secret", EMULATOR_CREDENTIALS.secret_access_key) as running:
        yield running


def test_everything_is_signed_again_with_the_operators_key(strict: Rig) -> None:
    """A sheet, a lone image, a passed-through request; a client's own signature would be refused."""
    assert code_of(strict.direct().refused("CompareFaces", **ANSWERED["CompareFaces"])) == "InvalidSignatureException"
    client, hurried = strict.client(), strict.client(HURRIED)
    told = together(*(lambda scene=scene: client("DetectFaces", scene.content) for scene in (SCENE, OTHER)))
    assert {one.layout for one in told} == {"2x1"}
    assert hurried("DetectFaces", SCENE.content).layout == "1x1"
    assert client("CompareFaces", **ANSWERED["CompareFaces"]).answer["SourceImageFace"]
    assert client("ListCollections").answer["CollectionIds"] == ["people"]


def test_a_vendor_that_drops_the_connection_is_an_error_and_no_broken_connection(rig: Rig) -> None:
    rig.emulator.add_fault("close", operation="CompareFaces", times=1)
    error = rig.client().refused("CompareFaces", **ANSWERED["CompareFaces"])
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert code_of(error) == "InternalServerError"


def _refusal(call: Callable[[], Reply]) -> dict[str, Any]:
    reply = call()
    assert reply.status == 400
    return reply.json()
