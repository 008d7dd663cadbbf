"""Safe search and labels with Google before Google, through its own clients: group tests, and labels out of objects."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from google.cloud import vision

from app.core.geometry import Size
from tests.support.emulator import running_emulator
from tests.support.google_clients import asked, grpc_client, rest_client, with_key
from tests.support.moderated import safe_picture, unsafe_picture
from tests.support.pictures import picture
from tests.support.plain_http import WEB
from tests.support.sdk import new_key, together
from tests.support.two_proxies import TwoProxies, two_proxies

VGA = Size(640, 480)
CHANCE = np.random.default_rng(11)
CLEAN = [safe_picture(CHANCE, VGA) for _ in range(12)]
# To this emulator: adult content that fills much of the picture, and as much of the kind `violence`.
UNSAFE = {"adult": unsafe_picture(CHANCE, VGA, 0.4, 970), "violence": unsafe_picture(CHANCE, VGA, 0.4, 973)}
SCENES = (picture(800, 600, 3, 8), picture(800, 600, 21, 30, 55))
SAFE, LABEL, OBJECTS, COLOURS = "SAFE_SEARCH_DETECTION", "LABEL_DETECTION", "OBJECT_LOCALIZATION", "IMAGE_PROPERTIES"
WORDS = ("adult", "spoof", "medical", "violence", "racy")
# Long enough for a batch of images to meet on a busy machine; whoever is not asked with others waits for as long.
MEETING_MS = 1000
# So many clean images make groups worth while at once.
ACQUAINTED = 6
Client = vision.ImageAnnotatorClient


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoProxies]:
    folder = tmp_path_factory.mktemp("whole")
    with ExitStack() as stack:
        emulator = stack.enter_context(running_emulator("--no-classical", vendor="google"))
        settings = {
            "TESSERA_PROVIDER": "google",
            "TESSERA_UPSTREAM_URL": emulator.url,
            "TESSERA_UPSTREAM_GRPC": emulator.grpc,
            "TESSERA_MAX_WAIT_MS": str(MEETING_MS),
            "TESSERA_LAYOUTS": "2x1",
        }
        yield stack.enter_context(two_proxies(folder, emulator, settings))


@pytest.fixture(params=("rest", "grpc"))
def client(request: pytest.FixtureRequest, rig: TwoProxies) -> Iterator[Client]:
    if request.param == "rest":
        yield rest_client(rig.server.url)
        return
    with grpc_client(rig.server.grpc) as over_grpc:
        yield over_grpc


def annotated(client: Client, images: Sequence[bytes], *features: str, **options: Any) -> list[Any]:
    requests = asked(*((image, features) for image in images))
    return list(client.batch_annotate_images(requests=requests, **options).responses)


def likelihoods(response: Any) -> dict[str, str]:
    assert not response.error.code, response.error
    return {word: vision.Likelihood(getattr(response.safe_search_annotation, word)).name for word in WORDS}


VERY_UNLIKELY = dict.fromkeys(WORDS, "VERY_UNLIKELY")


def test_clean_images_are_cleared_together_and_unsafe_ones_have_googles_own_answer(rig: TwoProxies, client: Client) -> None:
    """Of two batches of a new client the first begins one by one, and the second is asked by groups."""
    key = with_key(new_key())
    for response in annotated(client, CLEAN[:ACQUAINTED], SAFE, metadata=key):
        assert likelihoods(response) == VERY_UNLIKELY
    before = rig.units()
    for response in annotated(client, CLEAN, SAFE, metadata=key):
        assert likelihoods(response) == VERY_UNLIKELY
    assert rig.paid_since(before)[SAFE] <= len(CLEAN) // 2
    images = [*CLEAN[:4], UNSAFE["adult"], *CLEAN[4:7], UNSAFE["violence"]]
    direct = [likelihoods(one) for one in annotated(rest_client(rig.emulator.url), images, SAFE)]
    found = [likelihoods(one) for one in annotated(client, images, SAFE, metadata=key)]
    assert found == direct
    assert (found[4]["adult"], found[8]["violence"]) == ("VERY_LIKELY", "VERY_LIKELY")


def test_what_is_unlikely_enough_in_a_group_is_clean(rig: TwoProxies) -> None:
    """Whatever the client is told, it is what Google says of the image alone, or that Google saw nothing in its group."""
    client, key = rest_client(rig.server.url), with_key(new_key())
    annotated(client, CLEAN[:ACQUAINTED], SAFE, metadata=key)
    images = [*CLEAN[:2], unsafe_picture(np.random.default_rng(5), VGA, 0.07, 970)]
    own = likelihoods(annotated(rest_client(rig.emulator.url), images[2:], SAFE)[0])
    assert own["adult"] == "UNLIKELY"
    *clean, faint = [likelihoods(one) for one in annotated(client, images, SAFE, metadata=key)]
    assert clean == [VERY_UNLIKELY] * 2
    assert faint in (own, VERY_UNLIKELY)


def test_beside_labels_it_stays_free_and_the_rest_is_split_all_the_same(rig: TwoProxies, client: Client) -> None:
    direct = rest_client(rig.emulator.url)
    for features, paid in (
        ((SAFE, LABEL), {LABEL: 1}),
        ((OBJECTS, SAFE, LABEL), {OBJECTS: 1, LABEL: 1}),
        ((OBJECTS, SAFE, COLOURS), {OBJECTS: 1, SAFE: 1, COLOURS: 1}),
    ):
        before = rig.units()
        (response,) = annotated(client, [UNSAFE["adult"]], *features, metadata=with_key(new_key()))
        assert rig.paid_since(before) == paid
        (alone,) = annotated(direct, [UNSAFE["adult"]], *features)
        assert response == alone


def post(rig: TwoProxies, query: str, *features: str) -> Any:
    images = [{"image": {"content": b64encode(UNSAFE["adult"]).decode()}, "features": [{"type": one} for one in features]}]
    url = f"{rig.detecting.url}/v1/images:annotate?key={new_key()}&{query}"
    return WEB.post(url, content=json.dumps({"requests": images})).raise_for_status().json()["responses"]


def test_masks_and_enums_by_number(rig: TwoProxies) -> None:
    (found,) = post(rig, "fields=responses(safeSearchAnnotation/adult)", SAFE, OBJECTS)
    assert found == {"safeSearchAnnotation": {"adult": "VERY_LIKELY"}}
    (found,) = post(rig, "$alt=json;enum-encoding=int&fields=responses/safeSearchAnnotation(adult,racy)", SAFE)
    assert found == {"safeSearchAnnotation": {"adult": 5, "racy": 1}}
    (found,) = post(rig, "fields=responses/labelAnnotations/description", LABEL)
    assert {*found} == {"labelAnnotations"}
    assert {name for one in found["labelAnnotations"] for name in one} == {"description"}


def test_labels_out_of_the_objects_on_a_sheet(rig: TwoProxies) -> None:
    """Two clients pay one sheet; each has the labels of its own image, with the ids of Google's objects."""
    key, before = new_key(), rig.units()
    client = rest_client(rig.detecting.url, key)
    told = together(
        *(lambda image=scene.content: client.label_detection(image=vision.Image(content=image)) for scene in SCENES)
    )
    assert rig.paid_since(before) == {OBJECTS: 1}
    for scene, response in zip(SCENES, told, strict=True):
        labels = response.label_annotations
        assert {one.description for one in labels} == {thing.label for thing in scene.objects}
        assert all(one.mid and one.topicality == one.score for one in labels)
        assert [one.score for one in labels] == sorted((one.score for one in labels), reverse=True)
    one = client.label_detection(image=vision.Image(content=SCENES[1].content), max_results=1, metadata=[OFF])
    assert len(one.label_annotations) == 1


OFF = ("x-tessera-grid", "off")


def test_an_image_that_goes_alone_has_googles_own_labels(rig: TwoProxies) -> None:
    before = rig.units()
    (found,) = annotated(rest_client(rig.detecting.url), [SCENES[0].content], LABEL, metadata=[OFF, *with_key(new_key())])
    assert rig.paid_since(before) == {LABEL: 1}
    (alone,) = annotated(rest_client(rig.emulator.url), [SCENES[0].content], LABEL)
    assert found == alone


def test_labels_and_safe_search_go_the_cheaper_way(rig: TwoProxies) -> None:
    """Half a sheet of objects and a share of a group cost more than labels, beside which safe search is free."""
    before = rig.units()
    (found,) = annotated(rest_client(rig.detecting.url), [SCENES[0].content], LABEL, SAFE, metadata=with_key(new_key()))
    assert rig.paid_since(before) == {LABEL: 1}
    assert found.label_annotations
    assert likelihoods(found) == VERY_UNLIKELY
