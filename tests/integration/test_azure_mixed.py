"""Azure before Azure: what has a place shares sheets, the rest of the request goes to Azure alone, and it is one answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import httpx
import pytest
from azure.ai.vision.imageanalysis.models import VisualFeatures

from app.core.geometry import PixelBox
from app.demo.checking import EXACT_OVERLAP
from app.demo.scenes import Scene
from app.demo.truth import overlap
from tests.support.azure_clients import analysis_client
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.pictures import picture
from tests.support.plain_http import WEB
from tests.support.sdk import MEETING_MS, new_key, together
from tests.support.server import RunningServer, running_server

SCENES = (picture(800, 600, 3, 8), picture(800, 600, 21, 30, 55))
MIXED = [VisualFeatures.OBJECTS, VisualFeatures.PEOPLE, VisualFeatures.TAGS, VisualFeatures.CAPTION]
KEY = "operators-key"


@dataclass(frozen=True, slots=True)
class Rig:
    server: RunningServer
    emulator: RunningEmulator

    def units(self) -> dict[str, int]:
        """What the vendor has charged for so far."""
        return dict(self.emulator.counters()["inferences"])


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_emulator("--no-classical", "--secret", KEY, vendor="azure") as emulator:
        settings = {
            "TESSERA_PROVIDER": "azure",
            "TESSERA_UPSTREAM_URL": emulator.url,
            "TESSERA_AZURE_KEY": KEY,
            "TESSERA_MAX_WAIT_MS": str(MEETING_MS),
            "TESSERA_LAYOUTS": "2x1",
        }
        with running_server(tmp_path_factory.mktemp("mixed") / "log", **settings) as server:
            yield Rig(server, emulator)


def test_a_mixed_request_pays_for_half_a_sheet_and_for_the_rest(rig: Rig) -> None:
    """Answers are those of Azure asked directly, and each client has his own objects."""
    client, direct = analysis_client(rig.server.url, new_key()), analysis_client(rig.emulator.url, KEY)
    before = rig.units()
    told = together(*(lambda scene=scene: client.analyze(scene.content, MIXED) for scene in SCENES))
    paid = {name: count - before.get(name, 0) for name, count in rig.units().items()}
    assert {name: count for name, count in paid.items() if count} == {"objects": 1, "people": 1, "tags": 2, "caption": 2}
    for scene, result in zip(SCENES, told, strict=True):
        alone = direct.analyze(scene.content, MIXED)
        assert (result.tags, result.caption, result.metadata) == (alone.tags, alone.caption, alone.metadata)
        assert result.objects is not None
        assert len(result.objects.list) == len(scene.objects)
        for thing in scene.objects:
            (label,) = [
                one.tags[0].name
                for one in result.objects.list
                if overlap(pixels_of(one.bounding_box).to_unit(scene.size), thing.box) > EXACT_OVERLAP
            ]
            assert label == thing.label


def test_each_client_is_told_what_the_vendor_counted_for_him(rig: Rig) -> None:
    """Half of each sheet, and the whole of each feature that was asked for alone."""
    client = analysis_client(rig.server.url, new_key())
    before = rig.units()
    headers: list[Mapping[str, str]] = []

    def ask(scene: Scene, features: list[VisualFeatures]) -> None:
        client.analyze(scene.content, features, raw_response_hook=lambda told: headers.append(told.http_response.headers))

    together(*(partial(ask, scene, MIXED) for scene in SCENES))
    ask(SCENES[0], [VisualFeatures.TAGS, VisualFeatures.CAPTION])
    paid = sum(count - before.get(name, 0) for name, count in rig.units().items())
    assert [one["X-Tessera-Inferences"] for one in headers] == ["3", "3", "2"]
    assert paid == 8


def pixels_of(box: object) -> PixelBox:
    left, top, width, height = (getattr(box, name) for name in ("x", "y", "width", "height"))
    return PixelBox(left, top, left + width, top + height)


def test_what_cannot_share_at_all_is_handed_on(rig: Rig) -> None:
    features = [VisualFeatures.TAGS, VisualFeatures.DENSE_CAPTIONS]
    answers = [
        analysis_client(url, key).analyze(SCENES[0].content, features)
        for url, key in ((rig.server.url, new_key()), (rig.emulator.url, KEY))
    ]
    assert answers[0] == answers[1]


def test_an_answer_that_breaks_off_breaks_off_for_the_client_too_and_one_line_says_so(rig: Rig) -> None:
    rig.emulator.add_fault("truncated", times=1)
    url = f"{rig.server.url}/computervision/imageanalysis:analyze?api-version=2023-10-01&features=caption"
    headers = {"content-type": "application/octet-stream", "ocp-apim-subscription-key": new_key(), "x-request-id": "broken-1"}
    with pytest.raises(httpx.RemoteProtocolError):
        WEB.post(url, content=SCENES[0].content, headers=headers)
    lines = [line for line in rig.server.logs() if line["level"] in {"warning", "error"} or "exception" in line]
    assert [(line["event"], line["level"], line["request_id"]) for line in lines] == [
        ("the answer broke off", "warning", "broken-1")
    ]
