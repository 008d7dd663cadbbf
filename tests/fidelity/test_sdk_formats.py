"""Every encoding that clients send: gathered or alone, boxes come back in the coordinates of the upright image."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from app.demo.encoding import ENCODINGS
from app.demo.scenes import Scene
from app.detectors.markers import marker_label
from tests.support.marker_scenes import Placed, plain
from tests.support.pictures import check_faces, check_labels, picture
from tests.support.sdk import HURRIED, Rig, together

NAMES = list(dict.fromkeys(encoding.name for encoding in ENCODINGS))
# Not square and not alike, so that a box in the coordinates of the stored picture would lie elsewhere.
SIZES = ((760, 500), (500, 760), (640, 640))


def _scene(number: int, name: str) -> Scene:
    width_px, height_px = SIZES[number % len(SIZES)]
    return picture(width_px, height_px, 200 + 2 * number, 201 + 2 * number, encoding=name)


def test_all_encodings_at_once_share_sheets_and_come_back_right(rig: Rig) -> None:
    """One client of each; they are an even number, so nobody is left over."""
    scenes = [_scene(number, name) for number, name in enumerate(NAMES)]
    assert len(scenes) % 2 == 0
    client, before = rig.client(), rig.emulator.paid()
    told = together(*(lambda scene=scene: client("DetectLabels", scene.content) for scene in scenes))
    for scene, one in zip(scenes, told, strict=True):
        check_labels(scene, one.answer)
        assert one.layout in {"2x1", "1x2"}, scene.kind
    assert rig.emulator.paid() - before == len(scenes) // 2


@pytest.mark.parametrize("name", NAMES)
def test_every_encoding_alone_comes_back_right(rig: Rig, name: str) -> None:
    """JPEG and PNG go out as the client's own bytes; WebP, which the vendor does not read, as something that it reads."""
    scene, before = _scene(NAMES.index(name), name), rig.calls()
    told = rig.client(HURRIED)("DetectFaces", scene.content)
    check_faces(scene, told.answer)
    assert (told.layout, told.inferences) == ("1x1", 1.0)
    (call,) = rig.sent(before)
    if name.startswith("WebP"):
        assert call.content.startswith((b"\xff\xd8\xff", b"\x89PNG"))
    else:
        assert call.content == scene.content


@pytest.mark.parametrize("mode", ["P", "1", "LA", "I;16", "PA"])
def test_unusual_png_modes_share_a_sheet(rig: Rig, mode: str) -> None:
    """Palette, one bit, grey with alpha, sixteen bits: what screenshots and scanners write."""
    marker = Placed(77, 300, 150, 160)
    rgb = Image.fromarray(plain(640, 480, marker))
    if mode == "I;16":
        stored = Image.frombytes("I;16", rgb.size, b"".join(bytes((0, level)) for level in rgb.convert("L").tobytes()))
    elif mode == "PA":
        stored = rgb.convert("RGBA").quantize()
    else:
        stored = rgb.convert(mode)
    file = io.BytesIO()
    stored.save(file, "PNG")
    neighbour, client = picture(800, 600, 3, 8), rig.client()
    own, other = together(lambda: client("DetectLabels", file.getvalue()), lambda: client("DetectLabels", neighbour.content))
    assert own.layout == other.layout == "2x1"
    check_labels(neighbour, other.answer)
    assert marker_label(77) in {label["Name"] for label in own.answer["Labels"]}
    (box,) = [one["Instances"][0]["BoundingBox"] for one in own.answer["Labels"] if one["Name"] == marker_label(77)]
    left, top, right, bottom = marker.box
    assert abs(box["Left"] * 640 - left) < 2
    assert abs(box["Top"] * 480 - top) < 2
    assert abs(box["Width"] * 640 - (right - left)) < 3
    assert abs(box["Height"] * 480 - (bottom - top)) < 3
