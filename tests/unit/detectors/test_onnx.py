"""ONNX models: families are recognised, images prepared as each wants them, boxes read as each writes them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.core.detector_input import DetectorInput, InputFit
from app.core.geometry import Size
from app.detectors.coco import COCO_CLASSES
from app.detectors.contract import Sighting
from app.detectors.onnx import OnnxDetector
from app.detectors.recipe import OutputKind
from app.detectors.suppression import MOST_FINDINGS, keep_best
from tests.support.eval_data import boxes_file, models, needs_eval_data, photographs
from tests.support.tiny_onnx import FLOAT, Node, Port, detr_model, model, rows_model, scaled_rows_model

SIDE = 64  # of the tiny models' input
CELLS = 8 * 8 + 4 * 4 + 2 * 2
DOG, PERSON = 16, 0
ALL_CHANNELS, FIRST, LAST = (1.0, 1.0, 1.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
WHITE, RED, BLUE = (255, 255, 255), (255, 0, 0), (0, 0, 255)
Mask = tuple[float, float, float]
Floats = NDArray[np.float32]


def eye(folder: Path, content: bytes, floor_unit: float = 0.001) -> OnnxDetector:
    path = folder / "tiny.onnx"
    path.write_bytes(content)
    return OnnxDetector(path, floor_unit=floor_unit)


def even(width_px: int, height_px: int, rgb: tuple[int, int, int] = WHITE) -> NDArray[np.uint8]:
    return np.full((height_px, width_px, 3), rgb, np.uint8)


def yolo8_rows(*things: tuple[int, float, tuple[float, float, float, float]]) -> Floats:
    """(class, score, centre and size in pixels of the input) each."""
    rows = np.zeros((1, 4 + len(COCO_CLASSES), CELLS), np.float32)
    for cell, (number, score, box) in enumerate(things):
        rows[0, :4, cell] = box
        rows[0, 4 + number, cell] = score
    return rows


def yolo5_rows(cells: int, cell: int, box: tuple[float, float, float, float]) -> Floats:
    """One dog, objectness 0.8, class score 0.5."""
    rows = np.zeros((1, cells, 5 + len(COCO_CLASSES)), np.float32)
    rows[0, cell, :4], rows[0, cell, 4], rows[0, cell, 5 + DOG] = box, 0.8, 0.5
    return rows


def described(found: list[Sighting]) -> list[tuple[str, str, float, tuple[float, ...]]]:
    return [(s.kind, s.label, round(s.score_unit, 3), tuple(round(edge, 1) for edge in s.box_xyxy_px)) for s in found]


def test_the_detr_family_answers_in_pixels_of_the_image(tmp_path: Path) -> None:
    boxes = np.array([[[0.25, 0.5, 0.5, 1.0], [0, 0, 0.1, 0.1]]], np.float32)
    tiny = eye(tmp_path, detr_model(boxes, np.array([[DOG, PERSON]], np.int64), SIDE, ALL_CHANNELS))
    found = tiny.look(even(200, 100, (51, 51, 51)))
    assert described(found) == [
        ("object", "Dog", 0.2, (50.0, 50.0, 100.0, 100.0)),
        ("person", "Person", 0.2, (0.0, 0.0, 20.0, 10.0)),
    ]
    assert [sighting.parents for sighting in found] == [("Canine", "Pet", "Mammal", "Animal"), ()]


@pytest.mark.parametrize(("mask", "scores"), [(FIRST, [1.0]), (LAST, []), (ALL_CHANNELS, [0.333])])
def test_the_detr_family_gets_rgb_from_0_to_1_without_borders(tmp_path: Path, mask: Mask, scores: list[float]) -> None:
    content = detr_model(np.array([[[0, 0, 1, 1]]], np.float32), np.array([[DOG]], np.int64), SIDE, mask)
    found = eye(tmp_path, content).look(even(90, 30, RED))
    assert [sighting.score_unit for sighting in found] == pytest.approx(scores, abs=0.001)


def test_yolo8_boxes_come_back_through_the_letterbox(tmp_path: Path) -> None:
    """A 128 x 64 image is shown at half size, with 16 px of grey above and below."""
    rows = yolo8_rows((DOG, 0.9, (16, 32, 8, 16)), (PERSON, 0.5, (48, 24, 16, 8)))
    assert described(eye(tmp_path, rows_model(rows, SIDE)).look(even(128, 64))) == [
        ("object", "Dog", 0.9, (24.0, 16.0, 40.0, 48.0)),
        ("person", "Person", 0.5, (80.0, 8.0, 112.0, 24.0)),
    ]


def test_yolo5_scores_are_objectness_times_class(tmp_path: Path) -> None:
    """A 64 x 128 image is shown at half size, with 16 px of grey left and right."""
    content = rows_model(yolo5_rows(3 * CELLS, 7, (32, 32, 8, 16)), SIDE)
    assert described(eye(tmp_path, content).look(even(64, 128))) == [("object", "Dog", 0.4, (24.0, 48.0, 40.0, 80.0))]


@pytest.mark.parametrize(
    ("cell", "raw", "wanted"),
    [
        (0, (0.5, 0.5, 0.0, 0.0), (0.0, 0.0, 16.0, 16.0)),  # stride 8, first cell, size e^0
        (8 + 2, (0.5, 0.5, float(np.log(2)), 0.0), (24.0, 16.0, 56.0, 32.0)),  # stride 8, third column, second row
        (64 + 5, (0.0, 0.0, 0.0, 0.0), (16.0, 16.0, 48.0, 48.0)),  # stride 16
        (64 + 16 + 1, (0.5, 0.5, -1.0, -1.0), (84.2, 20.2, 107.8, 43.8)),  # stride 32
    ],
)
def test_yolox_boxes_are_decoded_from_their_cells(
    tmp_path: Path, cell: int, raw: tuple[float, float, float, float], wanted: tuple[float, ...]
) -> None:
    """The image is twice the input's size and as wide as high: nothing but the scale comes on top."""
    tiny = eye(tmp_path, rows_model(yolo5_rows(CELLS, cell, raw), SIDE))
    assert described(tiny.look(even(128, 128))) == [("object", "Dog", 0.4, wanted)]


def test_yolox_images_lie_at_the_top_left(tmp_path: Path) -> None:
    content = rows_model(yolo5_rows(CELLS, 0, (0.5, 0.5, 0.0, 0.0)), SIDE)
    assert described(eye(tmp_path, content).look(even(128, 32))) == [("object", "Dog", 0.4, (0.0, 0.0, 16.0, 16.0))]


@pytest.mark.parametrize(
    ("rows", "rgb", "mask", "score"),
    [
        (yolo5_rows(CELLS, 0, (0.5, 0.5, 0, 0)), (0, 0, 1), FIRST, 0.4),  # YOLOX: BGR, 0..255
        (yolo5_rows(CELLS, 0, (0.5, 0.5, 0, 0)), (1, 0, 0), LAST, 0.4),
        (yolo5_rows(CELLS, 0, (0.5, 0.5, 0, 0)), (255, 0, 0), FIRST, None),
        (yolo5_rows(3 * CELLS, 0, (32, 32, 8, 8)), RED, FIRST, 0.4),  # YOLOv5: RGB, 0..1
        (yolo5_rows(3 * CELLS, 0, (32, 32, 8, 8)), BLUE, FIRST, None),
        (yolo8_rows((DOG, 0.9, (32, 32, 8, 8))), RED, FIRST, 0.9),  # YOLOv8: RGB, 0..1
        (yolo8_rows((DOG, 0.9, (32, 32, 8, 8))), BLUE, LAST, 0.9),
        (yolo8_rows((DOG, 0.9, (32, 32, 8, 8))), (102, 0, 0), FIRST, 0.36),
    ],
)
def test_each_family_gets_its_own_colours(
    tmp_path: Path, rows: Floats, rgb: tuple[int, int, int], mask: Mask, score: float | None
) -> None:
    found = eye(tmp_path, scaled_rows_model(rows, SIDE, mask)).look(even(64, 64, rgb))
    assert [round(sighting.score_unit, 3) for sighting in found] == ([] if score is None else [score])


def test_an_open_batch_dimension_is_resolved_by_trying(tmp_path: Path) -> None:
    content = scaled_rows_model(yolo8_rows((DOG, 0.9, (32, 32, 8, 8))), SIDE, ALL_CHANNELS, batch="N")
    assert described(eye(tmp_path, content).look(even(64, 64))) == [("object", "Dog", 0.9, (28.0, 28.0, 36.0, 36.0))]


def test_overlapping_boxes_of_one_class_are_one_object(tmp_path: Path) -> None:
    rows = yolo8_rows(
        (DOG, 0.7, (32, 32, 20, 20)), (DOG, 0.9, (33, 32, 20, 20)), (PERSON, 0.6, (32, 32, 20, 20)), (DOG, 0.5, (10, 10, 8, 8))
    )
    found = eye(tmp_path, rows_model(rows, SIDE)).look(even(64, 64))
    assert [(sighting.label, round(sighting.score_unit, 2)) for sighting in found] == [
        ("Dog", 0.9),
        ("Person", 0.6),
        ("Dog", 0.5),
    ]


def test_boxes_are_clipped_to_the_image_and_those_outside_are_left_out(tmp_path: Path) -> None:
    rows = yolo8_rows((DOG, 0.9, (0, 0, 20, 20)), (DOG, 0.8, (-30, 32, 20, 20)), (PERSON, 0.7, (32, 32, 0, 8)))
    assert described(eye(tmp_path, rows_model(rows, SIDE)).look(even(64, 64))) == [
        ("object", "Dog", 0.9, (0.0, 0.0, 10.0, 10.0))
    ]


@pytest.mark.parametrize(("floor_unit", "count"), [(0.001, 3), (0.3, 2), (0.5, 1), (0.95, 0)])
def test_only_what_is_above_the_floor_is_reported(tmp_path: Path, floor_unit: float, count: int) -> None:
    rows = yolo8_rows((DOG, 0.9, (10, 10, 8, 8)), (DOG, 0.4, (30, 30, 8, 8)), (DOG, 0.2, (50, 50, 8, 8)))
    assert len(eye(tmp_path, rows_model(rows, SIDE), floor_unit).look(even(64, 64))) == count


FLAT = (1, "n")
IMAGE = Port("images", FLOAT, (1, 3, SIDE, SIDE))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (rows_model(np.zeros((1, 84, CELLS + 2), np.float32), SIDE), "output\\(1 x 84 x 86\\)"),
        (rows_model(np.zeros((1, 20, CELLS), np.float32), SIDE), "output\\(1 x 20 x 84\\)"),
        (rows_model(np.zeros((1, CELLS), np.float32), SIDE), "output\\(1 x 84\\)"),
        (
            model([Node("Identity", ("images",), "output")], [Port("images", FLOAT, FLAT)], [Port("output", FLOAT, FLAT)]),
            "inputs images\\(1 x \\?\\), outputs output\\(1 x \\?\\)",
        ),
        (
            model([Node("Identity", ("images",), "a"), Node("Identity", ("images",), "b")], [IMAGE],
                  [Port("a", FLOAT, IMAGE.shape), Port("b", FLOAT, IMAGE.shape)]),
            "outputs a\\(.*\\), b\\(.*\\)",
        ),
    ],
    ids=["wrong cells", "wrong classes", "two dimensions", "no image", "two outputs"],
)  # fmt: skip
def test_other_models_are_refused_with_what_was_found(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=f"tiny.onnx: no detection model of a known family .*{said}"):
        eye(tmp_path, content)


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x08"])
def test_files_that_are_no_models_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match="not an ONNX model"):
        eye(tmp_path, content)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not an ONNX model"):
        OnnxDetector(tmp_path / "absent.onnx")


@pytest.mark.parametrize(
    ("boxes", "classes", "kept"),
    [
        ((), (), []),
        (((0, 0, 10, 10),), (1,), [0]),
        (((0, 0, 10, 10), (0, 0, 10, 10)), (1, 1), [0]),
        (((0, 0, 10, 10), (0, 0, 10, 10)), (1, 2), [0, 1]),
        (((0, 0, 10, 10), (0, 5, 10, 15)), (1, 1), [0, 1]),  # a third
        (((0, 0, 10, 10), (0, 2, 10, 12)), (1, 1), [0]),  # two thirds
        (((0, 0, 10, 10), (0, 2, 10, 12), (0, 4, 10, 14)), (1, 1, 1), [0, 2]),  # a suppressed box suppresses nothing
        (((0, 0, 0, 0), (0, 0, 0, 0)), (1, 1), [0, 1]),  # nothing overlaps nothing
    ],
)
def test_the_best_box_of_each_class_stays(
    boxes: tuple[tuple[float, ...], ...], classes: tuple[int, ...], kept: list[int]
) -> None:
    rows = np.array(boxes, np.float32).reshape(-1, 4)
    assert keep_best(rows, np.array(classes, np.int64), 0.65).tolist() == kept


def test_no_more_findings_than_the_most() -> None:
    far_apart = np.array([[i * 20, 0, i * 20 + 10, 10] for i in range(MOST_FINDINGS + 50)], np.float32)
    assert len(keep_best(far_apart, np.zeros(len(far_apart), np.int64), 0.65)) == MOST_FINDINGS


def test_several_threads_may_look_at_once(tmp_path: Path) -> None:
    content = scaled_rows_model(yolo8_rows((DOG, 0.9, (32, 32, 8, 8))), SIDE, FIRST)
    tiny = eye(tmp_path, content)
    pictures = [even(64, 64, (10 * i, 0, 0)) for i in range(1, 20)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(tiny.look, pictures))
    assert together == [tiny.look(picture) for picture in pictures]


def _found_share(detector: OnnxDetector, count: int) -> float:
    """Of the animals and vehicles on photographs, how many have a box of their name, surer than 0.25, over their centre."""
    hits = total = 0
    for path in photographs("voc2012", count):
        found = [s for s in detector.look(np.array(Image.open(path).convert("RGB"))) if s.score_unit > 0.25]
        for thing in ElementTree.parse(boxes_file(path)).getroot().iter("object"):
            name = thing.findtext("name", "")
            if name not in {"cat", "dog", "bird", "horse", "sheep", "cow", "car", "bus", "train", "boat"}:
                continue
            left, top, right, bottom = (
                float(thing.findtext(f"bndbox/{edge}", "0")) for edge in ("xmin", "ymin", "xmax", "ymax")
            )
            x, y = (left + right) / 2, (top + bottom) / 2
            total += 1
            hits += any(
                s.label.lower() == name and s.box_xyxy_px[0] < x < s.box_xyxy_px[2] and s.box_xyxy_px[1] < y < s.box_xyxy_px[3]
                for s in found
            )
    return hits / total


def test_a_guessed_recipe_says_what_was_guessed(tmp_path: Path) -> None:
    tiny = eye(tmp_path, rows_model(yolo8_rows((DOG, 0.9, (32, 32, 8, 8))), SIDE))
    assert (tiny.recipe.source, tiny.recipe.output.kind) == ("tiny.onnx", OutputKind.YOLOV8)
    assert tiny.facts.seen == DetectorInput(InputFit.LETTERBOX, Size(SIDE, SIDE))
    assert (tiny.facts.has_people, tiny.facts.identity[:10]) == (True, "tiny.onnx:")


@needs_eval_data
@pytest.mark.parametrize("path", models(), ids=lambda path: path.stem)
def test_a_shipped_recipe_says_what_would_have_been_guessed(path: Path, tmp_path: Path) -> None:
    """The same findings to the last bit, from photographs of either pool."""
    nameless = tmp_path / "nameless.onnx"  # no recipe ships under this name
    nameless.symlink_to(path.resolve())
    shipped, guessed = OnnxDetector(path), OnnxDetector(nameless)
    assert (shipped.recipe.source, guessed.recipe.source) == (f"{path.stem}.toml", "nameless.onnx")
    for photograph in photographs("voc2012", 3) + photographs("coco2017", 3):
        rgb = np.array(Image.open(photograph).convert("RGB"))
        assert shipped.look(rgb) == guessed.look(rgb)


# How many findings, the sum of their scores and of their boxes' edges on three photographs of each pool, before there were
# recipes: what has been measured with these models stays comparable.
BEFORE = {
    "deimv2_hgnetv2_atto_coco": (1800, 118.985530, 1891386.16),
    "deimv2_hgnetv2_femto_coco": (1800, 128.515624, 1812462.79),
    "yolox_nano": (1190, 33.744844, 1184480.44),
}


@needs_eval_data
@pytest.mark.parametrize("path", models(), ids=lambda path: path.stem)
def test_real_models_find_what_they_found_before_there_were_recipes(path: Path) -> None:
    detector = OnnxDetector(path)
    found = [
        sighting
        for photograph in photographs("voc2012", 3) + photographs("coco2017", 3)
        for sighting in detector.look(np.array(Image.open(photograph).convert("RGB")))
    ]
    scores, edges = sum(one.score_unit for one in found), sum(sum(one.box_xyxy_px) for one in found)
    assert (len(found), scores, edges) == pytest.approx(BEFORE[path.stem], rel=1e-6)


@needs_eval_data
@pytest.mark.parametrize("path", models(), ids=lambda path: path.stem)
def test_real_models_find_animals_and_vehicles_on_photographs(path: Path) -> None:
    """Measured: 0.7 to 0.8. A slip in the preparation (colours, scale, letterbox) takes it far below."""
    assert _found_share(OnnxDetector(path), 40) > 0.55
