"""Recipes as files: read in full, refused with the file and the key, found where they may lie."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.core.detector_input import DetectorInput, InputFit
from app.core.geometry import Size
from app.detectors.recipe import Activation, Axes, BoxUnit, Colours, Extra, Fit, InputRecipe, OutputKind, OutputRecipe
from app.detectors.recipe_file import SECTIONS, SHIPPED, RecipeError, find_recipe, load_recipe, parse_recipe

MANUAL = Path(__file__).parents[3] / "docs" / "local-models.md"
PLAIN = """
[input]
fit = "stretch"
[output]
kind = "yolov8"
[classes]
names = "coco80"
"""
WHOLE = """
[input]
width = 640
height = 480
fit = "letterbox_centre"
padding = 0
colours = "bgr"
divisor = 255
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
axes = "nhwc"
name = "pixels"
extras = { mask = "pixel_mask", sizes = "original_hw" }
[output]
kind = "boxes_labels_scores"
names = { boxes = "dets", labels = "ids" }
boxes = "unit"
activation = "sigmoid"
overlap = 0.5
[classes]
names = ["screw", " nut "]
first = 1
[scores]
floor = 0.01
usual = 0.4
"""


def test_every_key_is_read() -> None:
    recipe = parse_recipe(WHOLE, "m.toml")
    assert recipe.input == InputRecipe(
        Fit.LETTERBOX_CENTRE,
        size_wh=(640, 480),
        padding=0.0,
        colours=Colours.BGR,
        divisor=255.0,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        axes=Axes.NHWC,
        name="pixels",
        extras={"mask": Extra.PIXEL_MASK, "sizes": Extra.ORIGINAL_HW},
    )
    names = {"boxes": "dets", "labels": "ids"}
    assert recipe.output == OutputRecipe(OutputKind.BOXES_LABELS_SCORES, names, BoxUnit.UNIT, Activation.SIGMOID, 0.5)
    assert {number: known.label for number, known in recipe.classes.by_number.items()} == {1: "screw", 2: "nut"}
    assert (recipe.source, recipe.floor_unit, recipe.usual_score_unit) == ("m.toml", 0.01, 0.4)


def test_only_three_keys_are_needed() -> None:
    recipe = parse_recipe(PLAIN, "m.toml")
    assert recipe.input == InputRecipe(Fit.STRETCH)
    assert recipe.output == OutputRecipe(OutputKind.YOLOV8, overlap_unit=0.65)
    assert (recipe.classes.name, recipe.floor_unit) == ("coco80", 0.001)


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        (PLAIN, "", "input.fit: is needed"),
        (PLAIN, "[input", "(at end of document)"),
        (PLAIN, "input = 3", "input: should be a table: [input]"),
        ("[classes]", "[clases]", "clases: unknown; did you mean classes?"),
        ('fit = "stretch"', 'fits = "stretch"', "input.fits: unknown; did you mean input.fit?"),
        ('fit = "stretch"', 'fit = "fill"', "input.fit: should be one of stretch, letterbox_topleft, letterbox_centre, "),
        ('fit = "stretch"', "fit = 3", "input.fit: should be one of stretch, "),
        ('fit = "stretch"', 'fit = "stretch"\nwidth = 640', "input.height: is needed beside the other one"),
        ('fit = "stretch"', 'fit = "stretch"\nheight = 640', "input.width: is needed beside the other one"),
        ('fit = "stretch"', 'fit = "stretch"\nwidth = 0\nheight = 9', "input.width: should be from 1 to 10000"),
        ('fit = "stretch"', 'fit = "stretch"\nwidth = 640.5\nheight = 9', "input.width: should be a whole number, not 640.5"),
        ('fit = "stretch"', 'fit = "stretch"\nwidth = true\nheight = 9', "input.width: should be a whole number, not True"),
        ('fit = "stretch"', 'fit = "as_is"\nwidth = 9\nheight = 9', "input.width: has no meaning with fit = 'as_is'"),
        ('fit = "stretch"', 'fit = "shortest_side"\nshortest = 1400', "input.shortest: should be from 1 to input.longest"),
        ('fit = "stretch"', 'fit = "shortest_side"\nlongest = 10001', "input.longest: should be at most 10000"),
        ('fit = "stretch"', 'fit = "shortest_side"\nmultiple = 0', "input.multiple: should be from 1 to 10000"),
        ('fit = "stretch"', 'fit = "stretch"\npadding = 256', "input.padding: should be from 0 to 255"),
        ('fit = "stretch"', 'fit = "stretch"\npadding = "grey"', "input.padding: should be a number, not 'grey'"),
        ('fit = "stretch"', 'fit = "stretch"\ndivisor = 0', "input.divisor: should be above 0"),
        ('fit = "stretch"', 'fit = "stretch"\nmean = [1, 2]', "input.mean: should be a list of three numbers, not [1, 2]"),
        ('fit = "stretch"', 'fit = "stretch"\nmean = 1', "input.mean: should be a list of three numbers, not 1"),
        ('fit = "stretch"', 'fit = "stretch"\nmean = [1, 2, true]', "input.mean: should be a list of three numbers"),
        ('fit = "stretch"', 'fit = "stretch"\nstd = [1, 0, 1]', "input.std: should be above 0, each of them"),
        ('fit = "stretch"', 'fit = "stretch"\nname = 1', "input.name: should be text, not 1"),
        ('fit = "stretch"', 'fit = "stretch"\nextras = 1', "input.extras: should be a table, not 1"),
        ('fit = "stretch"', 'fit = "stretch"\nextras = { a = "b" }', "input.extras.a: should be one of original_wh, "),
        ('kind = "yolov8"', 'kind = "yolov9"', "output.kind: should be one of detr_logits, boxes_labels_scores, "),
        ('kind = "yolov8"', "", "output.kind: is needed"),
        ('kind = "yolov8"', 'kind = "yolov8"\nboxes = "unit"', "output.boxes: has no meaning with kind = 'yolov8'"),
        ('kind = "yolov8"', 'kind = "yolov8"\noverlap = 0', "output.overlap: should be above 0, at most 1"),
        ('kind = "yolov8"', 'kind = "yolov8"\nactivation = "softmax"', "output.activation: should be none or sigmoid for this"),
        ('kind = "yolov8"', 'kind = "detr_logits"', "output.activation: is needed: softmax (DETR) or sigmoid "),
        (
            'kind = "yolov8"',
            'kind = "yolov8"\nnames = { boxes = "a" }',
            "output.names.boxes: unknown; did you mean output.names.",
        ),
        ('kind = "yolov8"', 'kind = "yolov8"\nnames = { output = 1 }', "output.names.output: should be text, not 1"),
        ('names = "coco80"', "", "classes.names: is needed, or classes.file, and not both"),
        ('names = "coco80"', 'names = "coco80"\nfile = "x"', "classes.names: is needed, or classes.file, and not both"),
        ('names = "coco80"', 'names = "coco"', "classes.names: should be one of coco80, coco91, voc20 or a list of names, "),
        ('names = "coco80"', "names = [1]", "classes.names: should be a list of names"),
        ('names = "coco80"', 'names = [" "]', "classes.names: should be a list of names"),
        ('names = "coco80"', "names = []", "classes.names: holds no name"),
        ('names = "coco80"', 'names = "coco91"\nfirst = 1', "classes.first: has no meaning with coco91"),
        ('names = "coco80"', 'names = "coco80"\nfirst = -1', "classes.first: should be 0 or above"),
        ('names = "coco80"', 'file = "absent.txt"', "classes.file: absent.txt cannot be read (FileNotFoundError)"),
        (PLAIN, f"{PLAIN}[scores]\nfloor = 1", "scores.floor: should be from 0 to below 1"),
        (PLAIN, f"{PLAIN}[scores]\nfloor = 0.5", "scores.usual: should be from scores.floor to 1"),
    ],
)
def test_what_is_wrong_is_told_with_the_file_and_the_key(was: str, becomes: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as raised:
        parse_recipe(PLAIN.replace(was, becomes), "m.toml", tmp_path)
    assert str(raised.value).startswith("m.toml: ")
    assert said in str(raised.value)


def test_classes_may_have_a_file_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("screw\n\n nut\n", encoding="utf-8")
    text = PLAIN.replace('names = "coco80"', 'file = "labels.txt"\nfirst = 2')
    recipe = parse_recipe(text, "m.toml", tmp_path)
    assert {number: known.label for number, known in recipe.classes.by_number.items()} == {2: "screw", 3: "nut"}


def test_a_recipe_is_found_beside_its_model(tmp_path: Path) -> None:
    assert find_recipe(tmp_path / "m.onnx") is None
    (tmp_path / "m.toml").write_text(PLAIN, encoding="utf-8")
    found = find_recipe(tmp_path / "m.onnx")
    assert found is not None
    assert found.source == "m.toml"


def test_the_one_that_was_given_counts_and_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text("", encoding="utf-8")
    (tmp_path / "other.toml").write_text(PLAIN, encoding="utf-8")
    found = find_recipe(tmp_path / "m.onnx", tmp_path / "other.toml")
    assert found is not None
    assert found.source == "other.toml"
    with pytest.raises(RecipeError, match=r"absent\.toml: cannot be read"):
        find_recipe(tmp_path / "m.onnx", tmp_path / "absent.toml")


def test_recipes_ship_for_well_known_models_and_one_beside_the_model_wins(tmp_path: Path) -> None:
    model = tmp_path / "yolox_nano.onnx"
    shipped = find_recipe(model)
    assert shipped is not None
    assert shipped.output.kind is OutputKind.YOLOX
    model.with_suffix(".toml").write_text(PLAIN, encoding="utf-8")
    own = find_recipe(model)
    assert own is not None
    assert own.output.kind is OutputKind.YOLOV8


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_recipe_is_sound(path: Path) -> None:
    assert load_recipe(path).classes.name == "coco80"


def test_the_manual_names_every_key_and_its_recipes_can_be_copied() -> None:
    text = MANUAL.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:input|output|classes|scores)\.\w+)`", text))
    assert named == {f"{section}.{key}" for section, keys in SECTIONS.items() for key in keys}
    assert all(f"`{name}`" in text for name in sorted(path.stem for path in SHIPPED.glob("*.toml")))
    copies = re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    kinds = [parse_recipe(copy, "manual").output.kind for copy in copies]
    assert kinds == [OutputKind.DETR_LOGITS, OutputKind.BOXES_LABELS_SCORES, OutputKind.YOLOV8]


@pytest.mark.parametrize(
    ("recipe", "seen"),
    [
        (InputRecipe(Fit.STRETCH, (416, 320)), DetectorInput(InputFit.STRETCH, Size(416, 320))),
        (InputRecipe(Fit.LETTERBOX_TOPLEFT, (416, 320)), DetectorInput(InputFit.LETTERBOX, Size(416, 320))),
        (InputRecipe(Fit.LETTERBOX_CENTRE, (416, 320)), DetectorInput(InputFit.LETTERBOX, Size(416, 320))),
        (InputRecipe(Fit.SHORTEST_SIDE), DetectorInput(InputFit.SHORTEST_SIDE, Size(1333, 800))),
        (InputRecipe(Fit.AS_IS, shortest_px=480, longest_px=640), DetectorInput(InputFit.SHORTEST_SIDE, Size(640, 480))),
    ],
)
def test_a_recipe_says_how_images_are_seen(recipe: InputRecipe, seen: DetectorInput) -> None:
    assert recipe.seen() == seen


def test_an_open_size_is_not_known_without_the_graph() -> None:
    with pytest.raises(ValueError, match=r"input\.width"):
        InputRecipe(Fit.STRETCH).seen()
