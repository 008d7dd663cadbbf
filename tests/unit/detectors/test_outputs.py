"""Every kind of output, through ONNX files that answer with what the test wrote; and recipes that do not fit their graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.detectors.contract import Sighting, UnusableModel
from app.detectors.onnx import OnnxDetector
from tests.support.tiny_onnx import FLOAT, INT64, UINT8, Port, constant_model, rows_model, scaled_rows_model

SIDE = 64
PLACES = 8 * 8 + 4 * 4 + 2 * 2
IMAGE = Port("images", FLOAT, (1, 3, SIDE, SIDE))
CHW = Port("image", FLOAT, (3, "height", "width"))
Floats = NDArray[np.float32]
Outputs = dict[str, NDArray[np.generic]]
Found = list[tuple[str, float, tuple[float, ...]]]

THREE = '[classes]\nnames = ["a", "b", "c"]\n'


def eye(folder: Path, content: bytes, recipe: str) -> OnnxDetector:
    path = folder / "tiny.onnx"
    path.write_bytes(content)
    path.with_suffix(".toml").write_text(recipe, encoding="utf-8")
    return OnnxDetector(path)


def seen(detector: OnnxDetector, width_px: int = 128, height_px: int = 64) -> Found:
    return described(detector.look(np.full((height_px, width_px, 3), 255, np.uint8)))


def described(found: list[Sighting]) -> Found:
    return [(one.label, round(one.score_unit, 3), tuple(round(edge, 1) for edge in one.box_xyxy_px)) for one in found]


def floats(*rows: tuple[float, ...]) -> Floats:
    return np.array([rows], np.float32)


def logit(share: float) -> float:
    return float(np.log(share / (1 - share)))


def recipe(kind: str, fit: str = "stretch", input_keys: str = "", output_keys: str = "", classes: str = THREE) -> str:
    return f'[input]\nfit = "{fit}"\n{input_keys}\n[output]\nkind = "{kind}"\n{output_keys}\n{classes}'


class TestDetrLogits:
    """Centre and size in ratios of the input."""

    BOXES = floats((0.5, 0.5, 0.25, 0.5), (0.25, 0.25, 0.5, 0.5))

    def test_softmax_gives_each_query_its_best_class_and_the_last_is_no_object(self, tmp_path: Path) -> None:
        logits = np.log(floats((0.1, 0.7, 0.1, 0.1), (0.2, 0.05, 0.05, 0.7)))
        content = constant_model({"logits": logits, "pred_boxes": self.BOXES}, [IMAGE])
        found = seen(eye(tmp_path, content, recipe("detr_logits", output_keys='activation = "softmax"')))
        assert found == [("b", 0.7, (48.0, 16.0, 80.0, 48.0)), ("a", 0.2, (0.0, 0.0, 64.0, 32.0))]

    def test_sigmoid_gives_a_query_every_class_above_the_floor(self, tmp_path: Path) -> None:
        logits = floats((logit(0.8), logit(0.3), -20.0), (-20.0, -20.0, logit(0.5)))
        content = constant_model({"logits": logits, "pred_boxes": self.BOXES}, [IMAGE])
        found = seen(eye(tmp_path, content, recipe("detr_logits", output_keys='activation = "sigmoid"')))
        assert [(label, score) for label, score, _ in found] == [("a", 0.8), ("c", 0.5), ("b", 0.3)]

    def test_a_box_comes_back_through_a_letterbox(self, tmp_path: Path) -> None:
        logits = floats((logit(0.8), -20.0, -20.0))
        content = constant_model({"logits": logits, "pred_boxes": floats((0.5, 0.5, 1.0, 0.5))}, [IMAGE])
        found = seen(eye(tmp_path, content, recipe("detr_logits", "letterbox_centre", output_keys='activation = "sigmoid"')))
        assert found == [("a", 0.8, (0.0, 0.0, 128.0, 64.0))]

    def test_the_gaps_of_coco_s_numbering_are_left_out(self, tmp_path: Path) -> None:
        logits = np.full((1, 2, 92), -20.0, np.float32)
        logits[0, 0, 18] = logits[0, 1, 12] = 5.0
        content = constant_model({"logits": logits, "pred_boxes": self.BOXES}, [IMAGE])
        coco = '[classes]\nnames = "coco91"\n'
        detector = eye(tmp_path, content, recipe("detr_logits", output_keys='activation = "softmax"', classes=coco))
        assert [label for label, _, _ in seen(detector)] == ["Dog"]

    def test_a_mask_and_a_size_that_depends_on_the_image(self, tmp_path: Path) -> None:
        """As exported from the hub's DETR: any size, and a mask of what is image."""
        pixels = Port("pixel_values", FLOAT, ("batch", 3, "height", "width"))
        mask = Port("pixel_mask", INT64, ("batch", "height", "width"))
        logits = np.log(floats((0.9, 0.03, 0.03, 0.04)))
        content = constant_model({"logits": logits, "pred_boxes": floats((0.5, 0.5, 1.0, 1.0))}, [pixels, mask])
        keys = 'shortest = 32\nlongest = 100\nextras = { pixel_mask = "pixel_mask" }'
        found = seen(eye(tmp_path, content, recipe("detr_logits", "shortest_side", keys, 'activation = "softmax"')))
        assert found == [("a", 0.9, (0.0, 0.0, 128.0, 64.0))]


class TestBoxesLabelsScores:
    """One row per finding, however many."""

    @pytest.mark.parametrize(
        ("unit", "box", "wanted"),
        [
            ("original", (10, 20, 100, 60), (10.0, 20.0, 100.0, 60.0)),
            ("input", (16, 16, 32, 48), (32.0, 0.0, 64.0, 64.0)),  # half size, 16 px of grey above and below
            ("unit", (0.25, 0.25, 0.5, 0.75), (32.0, 0.0, 64.0, 64.0)),
        ],
    )
    def test_boxes_in_the_unit_that_the_recipe_says(
        self, tmp_path: Path, unit: str, box: tuple[float, ...], wanted: tuple[float, ...]
    ) -> None:
        outputs: Outputs = {"boxes": floats(box), "labels": np.array([[2]], np.int64), "scores": np.array([[0.5]], np.float32)}
        text = recipe("boxes_labels_scores", "letterbox_centre", output_keys=f'boxes = "{unit}"')
        assert seen(eye(tmp_path, constant_model(outputs, [IMAGE]), text)) == [("c", 0.5, wanted)]

    def test_faster_rcnn_as_torchvision_exports_it(self, tmp_path: Path) -> None:
        """No batch dimension, names of the exporter's, numbers from 1, the graph scales the image by itself."""
        outputs: Outputs = {
            "2568": floats((10, 20, 100, 60), (0, 0, 30, 30))[0],
            "2570": np.array([18, 1], np.int64),
            "2569": np.array([0.9, 0.3], np.float32),
        }
        content = constant_model(outputs, [CHW], open_outputs=True)
        names = 'names = { boxes = "2568", labels = "2570", scores = "2569" }'
        coco = '[classes]\nnames = "coco91"\n'
        text = recipe("boxes_labels_scores", "as_is", 'divisor = 255\naxes = "chw"', names, coco)
        detector = eye(tmp_path, content, text)
        assert seen(detector) == [("Dog", 0.9, (10.0, 20.0, 100.0, 60.0)), ("Person", 0.3, (0.0, 0.0, 30.0, 30.0))]
        assert detector.facts.seen.size.longest_px == 1333

    def test_nothing_found_is_nothing_found(self, tmp_path: Path) -> None:
        outputs: Outputs = {
            "boxes": np.zeros((0, 4), np.float32),
            "labels": np.zeros(0, np.int64),
            "scores": np.zeros(0, np.float32),
        }
        content = constant_model(outputs, [CHW], open_outputs=True)
        assert seen(eye(tmp_path, content, recipe("boxes_labels_scores", "as_is", 'axes = "chw"'))) == []

    def test_sizes_are_fed_as_the_extras_say(self, tmp_path: Path) -> None:
        outputs: Outputs = {
            "boxes": floats((0, 0, 9, 9)),
            "labels": np.array([[0]], np.int64),
            "scores": np.array([[0.5]], np.float32),
        }
        extras = ("original_wh", "original_hw", "input_wh", "input_hw", "scale_yx")
        ports = [IMAGE, *(Port(name, FLOAT if name == "scale_yx" else INT64, (1, 2)) for name in extras)]
        keys = "extras = { " + ", ".join(f'{name} = "{name}"' for name in extras) + " }"
        assert len(seen(eye(tmp_path, constant_model(outputs, ports), recipe("boxes_labels_scores", input_keys=keys)))) == 1

    def test_graphs_may_take_bytes_channels_last(self, tmp_path: Path) -> None:
        outputs: Outputs = {"boxes": floats((0, 0, 9, 9)), "labels": np.array([[0]]), "scores": floats((0.5,))[0]}
        content = constant_model(outputs, [Port("images", UINT8, (1, SIDE, SIDE, 3))])
        assert len(seen(eye(tmp_path, content, recipe("boxes_labels_scores", input_keys='axes = "nhwc"')))) == 1

    def test_overlapping_ones_are_left_out_where_the_recipe_says_so(self, tmp_path: Path) -> None:
        outputs: Outputs = {
            "boxes": floats((0, 0, 40, 40), (1, 0, 40, 40)),
            "labels": np.array([[0, 0]], np.int64),
            "scores": np.array([[0.4, 0.9]], np.float32),
        }
        content = constant_model(outputs, [IMAGE])
        assert len(seen(eye(tmp_path, content, recipe("boxes_labels_scores")))) == 2
        once = seen(eye(tmp_path, content, recipe("boxes_labels_scores", output_keys="overlap = 0.5")))
        assert [score for _, score, _ in once] == [0.9]


def yolo_rows(kind: str, classes: int = 3) -> Floats:
    """One "b", 0.4 sure, 8 x 16 pixels around (32, 32)."""
    count = PLACES * (3 if kind == "yolov5" else 1)
    rows = np.zeros((1, count, (4 if kind == "yolov8" else 5) + classes), np.float32)
    if kind == "yolox":
        rows[0, 0, :4] = 4.0, 4.0, np.log(1), np.log(2)
    else:
        rows[0, 0, :4] = 32, 32, 8, 16
    rows[0, 0, -classes + 1] = 0.4 if kind == "yolov8" else 0.5
    if kind != "yolov8":
        rows[0, 0, 4] = 0.8
    return rows.transpose(0, 2, 1).copy() if kind == "yolov8" else rows


class TestYolo:
    """With classes of one's own."""

    @pytest.mark.parametrize("kind", ["yolox", "yolov5", "yolov8"])
    def test_classes_of_one_s_own(self, tmp_path: Path, kind: str) -> None:
        found = seen(eye(tmp_path, rows_model(yolo_rows(kind), SIDE), recipe(kind)))
        assert found == [("b", 0.4, (56.0, 24.0, 72.0, 40.0))]

    def test_scores_may_still_have_to_be_activated(self, tmp_path: Path) -> None:
        rows = np.full((1, 7, PLACES), -20.0, np.float32)
        rows[0, :4, 0], rows[0, 5, 0] = (32, 32, 8, 16), logit(0.6)
        found = seen(eye(tmp_path, rows_model(rows, SIDE), recipe("yolov8", output_keys='activation = "sigmoid"')))
        assert [(label, score) for label, score, _ in found] == [("b", 0.6)]

    def test_the_floor_is_the_recipe_s(self, tmp_path: Path) -> None:
        text = recipe("yolov8") + "[scores]\nfloor = 0.41\nusual = 0.5\n"
        assert seen(eye(tmp_path, rows_model(yolo_rows("yolov8"), SIDE), text)) == []


@pytest.mark.parametrize(
    ("keys", "score"),
    [
        ("divisor = 127.5", 1.0),
        ("divisor = 255", 0.5),
        ("divisor = 255\nmean = [0.25, 0, 0]", 0.25),
        ("divisor = 255\nmean = [0.25, 0, 0]\nstd = [0.5, 1, 1]", 0.5),
        ('divisor = 255\ncolours = "bgr"', 0.0),
    ],
)
def test_colours_are_prepared_as_the_recipe_says(tmp_path: Path, keys: str, score: float) -> None:
    """The model's score is the mean of its first channel; the image is red, half as bright as can be."""
    rows = yolo_rows("yolov8")
    rows[0, 5, 0] = 1.0
    content = scaled_rows_model(rows, SIDE, (1.0, 0.0, 0.0))
    rgb = np.zeros((64, 64, 3), np.uint8)
    rgb[::2, :, 0] = 255
    found = eye(tmp_path, content, recipe("yolov8", input_keys=keys)).look(rgb)
    assert [one.score_unit for one in found] == pytest.approx([min(score, 1.0)] if score else [], abs=0.001)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            recipe("yolov8", input_keys="width = 32\nheight = 64"),
            r"input.width: is 32, but the graph's input is \(1 x 3 x 64 x 64\)",
        ),
        (
            recipe("yolov8", input_keys='axes = "nhwc"'),
            r"input.axes = 'nhwc': does not fit the graph's input images\(1 x 3 x 64",
        ),
        (recipe("yolov8", input_keys='axes = "chw"'), "input.axes = 'chw': does not fit"),
        (recipe("yolov8", input_keys='name = "x"'), "input.name = 'x': one input is for the image"),
        (recipe("yolov8", input_keys='extras = { x = "input_wh" }'), "input.extras.x: the graph has no such input: images"),
        (recipe("yolov8", input_keys='extras = { images = "input_wh" }'), "input.extras: one input is for the image"),
        (recipe("yolov8", output_keys='names = { output = "x" }'), "output.names.output: the graph has no output 'x': output"),
        (
            recipe("yolov8", classes='[classes]\nnames = ["a"]\n'),
            r"yolov8 is 1 x 5 x 84 \(1 classes in names\) .* this is 1 x 7 x 84",
        ),
        (recipe("yolox"), "output.kind: yolox is 1 x 84 x 8 "),
        (recipe("boxes_labels_scores"), "output.names.boxes: the graph has no output 'boxes'"),
        (recipe("yolov8", "as_is"), "the graph cannot be run on images"),
    ],
)
def test_a_recipe_that_does_not_fit_its_graph_is_found_out_at_once(tmp_path: Path, text: str, said: str) -> None:
    content = scaled_rows_model(yolo_rows("yolov8"), SIDE, (1.0, 1.0, 1.0))
    if "as_is" in text:
        text = text.replace("as_is", "shortest_side")
    with pytest.raises(UnusableModel, match=f"^tiny.toml: .*{said}"):
        eye(tmp_path, content, text)


@pytest.mark.parametrize(
    ("outputs", "kind", "said"),
    [
        (
            {"logits": np.zeros((1, 2, 5), np.float32), "pred_boxes": np.zeros((1, 2, 4), np.float32)},
            "detr_logits",
            r"logits should be rows of 4 \(3 classes in names\), and is 1 x 2 x 5",
        ),
        (
            {"logits": np.zeros((1, 3, 4), np.float32), "pred_boxes": np.zeros((1, 2, 4), np.float32)},
            "detr_logits",
            "2 boxes and 3 rows of logits",
        ),
        (
            {"logits": np.zeros((1, 2, 4), np.float32), "pred_boxes": np.zeros((2, 2, 4), np.float32)},
            "detr_logits",
            "pred_boxes should be rows of 4, and is 2 x 2 x 4",
        ),
        (
            {"boxes": np.zeros((2, 4), np.float32), "labels": np.zeros(1, np.int64), "scores": np.zeros(2, np.float32)},
            "boxes_labels_scores",
            "2 boxes, 1 labels and 2 scores do not go together",
        ),
    ],
)
def test_outputs_that_contradict_the_recipe_are_found_out_at_once(
    tmp_path: Path, outputs: dict[str, NDArray[np.generic]], kind: str, said: str
) -> None:
    text = recipe(kind, output_keys='activation = "softmax"' if kind == "detr_logits" else "")
    with pytest.raises(UnusableModel, match=f"^tiny.toml: output.kind: {said}"):
        eye(tmp_path, constant_model(outputs, [IMAGE]), text)
