"""Adult content and tags with Azure before Azure, through Microsoft's own clients: group tests, and tags out of objects."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
import pytest
from azure.ai.vision.imageanalysis.models import VisualFeatures
from azure.cognitiveservices.vision.computervision.models import VisualFeatureTypes

from app.core.geometry import Size
from tests.support.azure_clients import analysis_client, vision_client
from tests.support.emulator import running_emulator
from tests.support.moderated import safe_picture, unsafe_picture
from tests.support.pictures import picture
from tests.support.sdk import new_key, together
from tests.support.two_proxies import TwoProxies, two_proxies

VGA = Size(640, 480)
CHANCE = np.random.default_rng(12)
CLEAN = [safe_picture(CHANCE, VGA) for _ in range(9)]
# To this emulator: racy content that fills much of the picture, and as much of the kind `gore`.
UNSAFE = {"racy": unsafe_picture(CHANCE, VGA, 0.4, 970), "gore": unsafe_picture(CHANCE, VGA, 0.4, 971)}
SCENES = (picture(800, 600, 3, 8), picture(800, 600, 21, 30, 55))
ADULT, OLD_TAGS, COLOR = VisualFeatureTypes.adult, VisualFeatureTypes.tags, VisualFeatureTypes.color
TAGS, CAPTION = VisualFeatures.TAGS, VisualFeatures.CAPTION
KEY = "operators-key"
# Long enough for several clients to meet on a busy machine; whoever meets nobody waits for as long.
MEETING_MS = 1000


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoProxies]:
    folder = tmp_path_factory.mktemp("whole")
    with ExitStack() as stack:
        emulator = stack.enter_context(running_emulator("--no-classical", "--secret", KEY, vendor="azure"))
        settings = {
            "TESSERA_PROVIDER": "azure",
            "TESSERA_UPSTREAM_URL": emulator.url,
            "TESSERA_AZURE_KEY": KEY,
            "TESSERA_MAX_WAIT_MS": str(MEETING_MS),
            "TESSERA_LAYOUTS": "2x1",
        }
        yield stack.enter_context(two_proxies(folder, emulator, settings))


def analyzed(url: str, key: str, image: bytes, *features: VisualFeatureTypes, **more: Any) -> Any:
    return vision_client(url, key).analyze_image_in_stream(io.BytesIO(image), list(features), **more)


def tagged(url: str, key: str, image: bytes, *others: VisualFeatures, **more: Any) -> Any:
    """By 4.0."""
    return analysis_client(url, key).analyze(image, [TAGS, *others], **more)


def judged(url: str, key: str, images: Sequence[bytes]) -> list[Any]:
    """Members `adult` as dicts, asked for all at once."""
    results = together(*(partial(analyzed, url, key, image, ADULT) for image in images))
    return [result.adult.serialize(keep_readonly=True) for result in results]


NOTHING = {
    "isAdultContent": False,
    "isRacyContent": False,
    "isGoryContent": False,
    "adultScore": 0.0,
    "racyScore": 0.0,
    "goreScore": 0.0,
}


def test_clean_images_are_cleared_together_and_unsafe_ones_have_azures_own_answer(rig: TwoProxies) -> None:
    """Of a new client's images the first go one by one, later ones by groups."""
    key = new_key()
    for found in judged(rig.server.url, key, CLEAN):
        assert not any(flag for name, flag in found.items() if name.startswith("is"))
    before = rig.units()
    assert judged(rig.server.url, key, CLEAN) == [NOTHING] * len(CLEAN)
    assert rig.paid_since(before)["adult"] <= len(CLEAN) // 2
    images = [*CLEAN[:3], UNSAFE["racy"], *CLEAN[3:6], UNSAFE["gore"]]
    found, direct = judged(rig.server.url, key, images), judged(rig.emulator.url, KEY, images)
    assert (found[3], found[7]) == (direct[3], direct[7])
    assert (found[3]["isRacyContent"], found[7]["isGoryContent"]) == (True, True)
    for place in (0, 1, 2, 4, 5, 6):
        assert found[place] in (NOTHING, direct[place])


def test_beside_other_features_it_is_one_answer(rig: TwoProxies) -> None:
    """Color is Azure's to answer, whole; the ids and the size are those of the client's own request and image."""
    before = rig.units()
    found = analyzed(rig.server.url, new_key(), UNSAFE["racy"], ADULT, COLOR)
    assert rig.paid_since(before) == {"adult": 1, "color": 1}
    direct = analyzed(rig.emulator.url, KEY, UNSAFE["racy"], ADULT, COLOR)
    assert (found.adult, found.color, found.metadata) == (direct.adult, direct.color, direct.metadata)
    assert found.request_id


def test_tags_are_azures_own_unless_it_is_said_otherwise(rig: TwoProxies) -> None:
    content, before = SCENES[0].content, rig.units()
    found = tagged(rig.server.url, new_key(), content)
    old = analyzed(rig.server.url, new_key(), content, OLD_TAGS)
    assert rig.paid_since(before) == {"tags": 2}
    assert found.tags == tagged(rig.emulator.url, KEY, content).tags
    assert old.tags == analyzed(rig.emulator.url, KEY, content, OLD_TAGS).tags


def test_tags_out_of_the_objects_on_a_sheet(rig: TwoProxies) -> None:
    """A client of each version; they pay one sheet, and each has the tags of its own image."""
    key, before = new_key(), rig.units()
    new, old = together(
        lambda: tagged(rig.detecting.url, key, SCENES[0].content).tags.list,
        lambda: analyzed(rig.detecting.url, key, SCENES[1].content, OLD_TAGS).tags,
    )
    assert rig.paid_since(before) == {"objects": 1}
    for scene, tags in zip(SCENES, (new, old), strict=True):
        assert {one.name for one in tags} == {thing.label for thing in scene.objects}
        assert [one.confidence for one in tags] == sorted((one.confidence for one in tags), reverse=True)


def test_beside_a_caption_they_are_one_answer(rig: TwoProxies) -> None:
    key, before = new_key(), rig.units()
    results = together(*(partial(tagged, rig.detecting.url, key, scene.content, CAPTION) for scene in SCENES))
    assert rig.paid_since(before) == {"objects": 1, "caption": 2}
    for scene, result in zip(SCENES, results, strict=True):
        assert {one.name for one in result.tags.list} == {thing.label for thing in scene.objects}
        assert result.caption is not None


def test_an_image_that_goes_alone_has_azures_own_tags(rig: TwoProxies) -> None:
    """3.2 gets them of 4.0."""
    content, before, off = SCENES[0].content, rig.units(), {"X-Tessera-Grid": "off"}
    found = tagged(rig.detecting.url, new_key(), content, headers=off)
    direct = tagged(rig.emulator.url, KEY, content)
    old = analyzed(rig.detecting.url, new_key(), content, OLD_TAGS, custom_headers=off)
    assert found == direct
    assert {one.name for one in old.tags} == {one.name for one in direct.tags.list}
    assert rig.paid_since(before) == {"tags": 3}


def test_tags_in_another_language_stay_with_azure(rig: TwoProxies) -> None:
    before = rig.units()
    tagged(rig.detecting.url, new_key(), SCENES[0].content, language="de")
    analyzed(rig.detecting.url, new_key(), SCENES[0].content, OLD_TAGS, language="es")
    assert rig.paid_since(before) == {"tags": 2}
