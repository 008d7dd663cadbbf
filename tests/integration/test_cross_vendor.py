"""docs/cross-vendor.md is true: what is answered and what is refused, and which members an answer of another vendor has.

Its tables are the cases: every front asks every provider for every feature, through its own SDK.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from PIL import Image

from app.core.names import AZURE, COLUMNS, GOOGLE, NATIVE, REKOGNITION, spoken
from tests.integration.test_pairs import VENDORS
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.fronts import Ask, azure_3_2, azure_4_0, google_grpc, google_rest, native, rekognition
from tests.support.images import encoded
from tests.support.pictures import picture
from tests.support.sdk import new_key
from tests.support.server import RunningServer, running_server
from tests.support.tiny_onnx import detr_model

PAGE = (Path(__file__).parents[2] / "docs" / "cross-vendor.md").read_text(encoding="utf-8")
# A logo and a landmark, an object, a face, a person, a celebrity, a word and unsafe content at once, as emulators see markers.
SCENE = picture(800, 600, 20, 40, 970)
REFUSED, HANDED_ON = "-", "handed on"
# What the emulators' eyes see in a bright picture, as numbers of COCO: things that vendors have different words for.
BRIGHT = encoded(Image.new("RGB", (320, 240), "white"))
THINGS = {67: "Cell Phone", 60: "Dining Table", 62: "TV", 58: "Potted Plant"}
NUMBERS = np.array([list(THINGS)], np.int64)
PLACES = np.array([[[0.1, 0.1, 0.4, 0.4], [0.5, 0.1, 0.9, 0.4], [0.1, 0.5, 0.4, 0.9], [0.5, 0.5, 0.9, 0.9]]], np.float32)

FRONTS: Mapping[str, tuple[Ask, ...]] = {
    "native": (native,),
    "Rekognition": (rekognition,),
    "Google": (google_rest, google_grpc),
    "Azure 4.0": (azure_4_0,),
    "Azure 3.2": (azure_3_2,),
}
REFUSALS: Mapping[str, tuple[str, ...]] = {
    "native": ("404 urn:tessera:problem:unknown-operation",),
    "Rekognition": ("UnknownOperationException",),
    "Google": ("INVALID_ARGUMENT",),
    "Azure 4.0": ("NotSupportedVisualFeature",),
    "Azure 3.2": ("NotSupportedVisualFeature", "404"),
}


@dataclass(frozen=True, slots=True)
class Behind:
    """The proxy with one vendor behind it."""

    server: RunningServer
    emulator: RunningEmulator


def table(first: str, second: str) -> list[list[str]]:
    """The rows of the one table whose heading begins so."""
    (found,) = re.findall(rf"^\| {first} \| {second} \|.*\n\|[-|]+\|\n((?:\|.*\|\n)+)", PAGE, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found.splitlines()]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def answers_by_provider() -> Iterator[tuple[str, str, str, str]]:
    """Front, feature, provider, and what the page says of the three."""
    for front, asked_as, *cells in table("Front", "Asked as [|] Rekognition behind"):
        for provider, cell in zip(VENDORS, cells, strict=True):
            yield from ((front, feature, provider, cell) for feature in quoted(asked_as))


CASES = list(answers_by_provider())
HAS = {
    (front, name): set(quoted(has))
    for front, asked_as, has, _ in table("Front", "Asked as [|] Has")
    for name in quoted(asked_as)
}


@pytest.fixture(scope="module", params=VENDORS)
def behind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Behind]]:
    vendor, own = VENDORS[request.param]
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("cross")
        (folder / "eyes.onnx").write_bytes(detr_model(PLACES, NUMBERS, side_px=64, mask=(1, 1, 1)))
        eyes = ("--no-classical", "--model", str(folder / "eyes.onnx"))
        emulator = stack.enter_context(running_emulator(*eyes, vendor=vendor))
        settings = {
            "TESSERA_PROVIDER": request.param,
            "TESSERA_UPSTREAM_URL": emulator.url,
            "TESSERA_MAX_WAIT_MS": "1",
            **own,
            **({"TESSERA_UPSTREAM_GRPC": emulator.grpc} if emulator.grpc else {}),
        }
        yield request.param, Behind(stack.enter_context(running_server(folder / "log", **settings)), emulator)


def bought(behind: Behind, before: Counter[str]) -> Counter[str]:
    return Counter(behind.emulator.counters()["inferences"]) - before


@pytest.mark.parametrize("front", FRONTS)
def test_what_is_answered_and_what_is_refused(behind: tuple[str, Behind], front: str) -> None:
    provider, proxy = behind
    cases = [(feature, cell) for place, feature, who, cell in CASES if (place, who) == (front, provider)]
    assert cases
    for feature, cell in cases:
        for ask in FRONTS[front]:
            before = bought(proxy, Counter())
            said = ask(proxy.server, new_key(), feature, SCENE.content)
            paid = bought(proxy, before)
            where = f"{front}: {feature} of {provider}: {said}"
            if cell == REFUSED:
                assert (said.refusal in REFUSALS[front], paid.total()) == (True, 0), where
            elif cell == HANDED_ON:
                assert (said.refusal, paid.total()) == ("", 1), where
            else:
                assert ({name.lower() for name in paid}, said.refusal) == ({name.lower() for name in quoted(cell)}, ""), where
                assert said.items, where
            if not said.refusal and cell != HANDED_ON and not front.lower().startswith(provider):
                assert set(said.items[0]) == HAS[front, feature], where


@pytest.mark.parametrize(
    ("front", "feature", "vendor", "name_of"),
    [
        ("native", "objects", NATIVE, lambda item: item["label"]),
        ("Rekognition", "DetectLabels", REKOGNITION, lambda item: item["Name"]),
        ("Google", "OBJECT_LOCALIZATION", GOOGLE, lambda item: item["name"]),
        ("Azure 4.0", "objects", AZURE, lambda item: item["tags"][0]["name"]),
        ("Azure 3.2", "/detect", AZURE, lambda item: item["object"]),
    ],
)
def test_things_are_called_what_the_front_vendor_calls_them(
    behind: tuple[str, Behind], front: str, feature: str, vendor: str, name_of: Callable[[Mapping[str, Any]], str]
) -> None:
    """Whoever found them; a vendor's own words are nobody's to change."""
    provider, proxy = behind
    expected = {spoken(thing, NATIVE, vendor) for thing in THINGS.values()}
    for ask in FRONTS[front] if vendor != provider else ():
        assert {name_of(item) for item in ask(proxy.server, new_key(), feature, BRIGHT).items} >= expected


def test_filters_of_labels_compare_with_the_names_that_the_client_sees(behind: tuple[str, Behind]) -> None:
    provider, proxy = behind
    name = "Cell Phone" if provider == REKOGNITION else "Mobile Phone"  # the emulator's own word is the former one
    client: Any = boto3.session.Session().client(
        "rekognition",
        endpoint_url=proxy.server.url,
        region_name="us-east-1",
        aws_access_key_id=new_key(),
        aws_secret_access_key="-",
    )
    for wanted, found in (([name], [name]), (["Mobile phone"], [])):
        settings = {"GeneralLabels": {"LabelInclusionFilters": wanted}}
        assert [one["Name"] for one in client.detect_labels(Image={"Bytes": BRIGHT}, Settings=settings)["Labels"]] == found


def test_all_refusals_are_written_down() -> None:
    said = {front: quoted(cell) for fronts, cell in table("Front", "Refused with") for front in fronts.split(", ")}
    for front, refusals in REFUSALS.items():
        assert set(refusals) <= set(said[front])


def test_names_on_the_page_are_those_of_the_table() -> None:
    rows = [[quoted(cell)[0] for cell in row] for row in table("native", "Rekognition [|] Google")]
    known = [[COLUMNS[vendor][place][0] for vendor in COLUMNS] for place in range(len(COLUMNS["native"]))]
    assert rows
    assert [row for row in rows if row not in known] == []
