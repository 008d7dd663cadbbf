"""What has to be known of a detection model to run it: a `Recipe`, valid once built.

Made by `recipe_file` (a TOML file beside the model), `guess` (the graph's own shape) or code. Read by `preparing` (pixels to
inputs) and `outputs` (outputs to boxes). A ValueError of a dataclass here begins with the key that it is about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from app.core.detector_input import DetectorInput, InputFit
from app.core.geometry import Size
from app.detectors.classes import Classes, usual_classes

SCORE_FLOOR_UNIT = 0.001
"""Everything above it is reported: mean average precision needs the unsure ones too."""
USUAL_SCORE_UNIT = 0.25
"""For clients who name no threshold: what YOLO's own programs show by default."""
OVERLAP_SUPPRESSED_UNIT = 0.65
"""Boxes of one class that overlap more (intersection over union) are one object, as YOLOX's own evaluation has it."""
PAD_GREY = 114.0
"""The grey that the YOLO families are trained to ignore."""
SHORTEST_PX, LONGEST_PX = 800, 1333
"""Faster R-CNN's and DETR's own sizes."""
WHITE = 255.0
_DIGEST_DIGITS = 6
"""Enough to tell the recipes of one model apart."""
LARGEST_SIDE_PX = 10_000
"""Above it one input would take more than a gigabyte."""


class Fit(StrEnum):
    """How an image gets the input's size. `as_is`: it keeps its own, the graph scales it (torchvision's exports do)."""

    STRETCH = "stretch"
    LETTERBOX_TOPLEFT = "letterbox_topleft"
    LETTERBOX_CENTRE = "letterbox_centre"
    SHORTEST_SIDE = "shortest_side"
    AS_IS = "as_is"

    @property
    def has_own_size(self) -> bool:
        """Whether the input's size depends on the image."""
        return self in (Fit.SHORTEST_SIDE, Fit.AS_IS)


class Colours(StrEnum):
    """Order of the channels."""

    RGB = "rgb"
    BGR = "bgr"


class Axes(StrEnum):
    """Order of the input's dimensions: n images, c channels, h rows, w columns."""

    NCHW = "nchw"
    NHWC = "nhwc"
    CHW = "chw"
    HWC = "hwc"


class Extra(StrEnum):
    """What a further input is fed: sizes as (1, 2), the mask as (1, rows, columns): 1 where the image is."""

    ORIGINAL_WH = "original_wh"
    ORIGINAL_HW = "original_hw"
    INPUT_WH = "input_wh"
    INPUT_HW = "input_hw"
    SCALE_YX = "scale_yx"
    PIXEL_MASK = "pixel_mask"


class OutputKind(StrEnum):
    """How a model writes its findings; see docs/local-models.md."""

    DETR_LOGITS = "detr_logits"
    BOXES_LABELS_SCORES = "boxes_labels_scores"
    YOLOX = "yolox"
    YOLOV5 = "yolov5"
    YOLOV8 = "yolov8"


class BoxUnit(StrEnum):
    """What boxes are counted in: pixels of the image or of the input, or ratios of the input."""

    ORIGINAL = "original"
    INPUT = "input"
    UNIT = "unit"


class Activation(StrEnum):
    """What turns the model's numbers into scores. `softmax`: over the classes and, last, "no object"."""

    NONE = "none"
    SIGMOID = "sigmoid"
    SOFTMAX = "softmax"


OUTPUT_ROLES: Mapping[OutputKind, tuple[str, ...]] = {
    OutputKind.DETR_LOGITS: ("logits", "pred_boxes"),
    OutputKind.BOXES_LABELS_SCORES: ("boxes", "labels", "scores"),
    OutputKind.YOLOX: ("output",),
    OutputKind.YOLOV5: ("output",),
    OutputKind.YOLOV8: ("output",),
}
"""The outputs that a kind is read from. A graph with as many outputs as roles may call them anything, see `outputs`."""


@dataclass(frozen=True, slots=True)
class InputRecipe:
    """From pixels 0..255 to the image input: fit, fill with `padding`, colour order, / divisor, - mean, / std.

    `size_wh`: None leaves it to the graph. `shortest_px`, `longest_px`: for `shortest_side`, and for `as_is` what the graph
    does by itself. `multiple_px`: sides are filled up to multiples of it (`shortest_side` only). `name`: of the graph's input;
    "" is the one that no extra is for.
    """

    fit: Fit = Fit.STRETCH
    size_wh: tuple[int, int] | None = None
    shortest_px: int = SHORTEST_PX
    longest_px: int = LONGEST_PX
    multiple_px: int = 1
    padding: float = PAD_GREY
    colours: Colours = Colours.RGB
    divisor: float = 1.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    axes: Axes = Axes.NCHW
    name: str = ""
    extras: Mapping[str, Extra] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.size_wh is not None and self.fit.has_own_size:
            raise ValueError(f"input.width: has no meaning with fit = {self.fit.value!r}")
        for key, side_px in zip(("width", "height"), self.size_wh or (), strict=False):
            _require(f"input.{key}", 1 <= side_px <= LARGEST_SIDE_PX, f"from 1 to {LARGEST_SIDE_PX}")
        _require("input.shortest", 1 <= self.shortest_px <= self.longest_px, "from 1 to input.longest")
        _require("input.longest", self.longest_px <= LARGEST_SIDE_PX, f"at most {LARGEST_SIDE_PX}")
        _require("input.multiple", 1 <= self.multiple_px <= LARGEST_SIDE_PX, f"from 1 to {LARGEST_SIDE_PX}")
        _require("input.padding", 0 <= self.padding <= WHITE, "from 0 to 255")
        _require("input.divisor", self.divisor > 0, "above 0")
        _require("input.std", all(value > 0 for value in self.std), "above 0, each of them")

    def seen(self) -> DetectorInput:
        """The law by which images are seen. ValueError while only the graph knows the size."""
        if self.fit.has_own_size:
            return DetectorInput(InputFit.SHORTEST_SIDE, Size(self.longest_px, self.shortest_px))
        if self.size_wh is None:
            raise ValueError("input.width: is not known without the graph")
        return DetectorInput(InputFit.STRETCH if self.fit is Fit.STRETCH else InputFit.LETTERBOX, Size(*self.size_wh))


@dataclass(frozen=True, slots=True)
class OutputRecipe:
    """From the graph's outputs to boxes. `names`: the graph's name for a role, where it is another one.

    `boxes`: of `boxes_labels_scores`; the other kinds say it themselves. `overlap_unit`: None leaves every box: models that are
    trained without suppression, or do it inside, need none here.
    """

    kind: OutputKind
    names: Mapping[str, str] = field(default_factory=dict)
    boxes: BoxUnit = BoxUnit.ORIGINAL
    activation: Activation = Activation.NONE
    overlap_unit: float | None = None

    def __post_init__(self) -> None:
        _require("output.overlap", self.overlap_unit is None or 0 < self.overlap_unit <= 1, "above 0, at most 1")
        is_softmax = self.activation is Activation.SOFTMAX
        _require("output.activation", not is_softmax or self.kind is OutputKind.DETR_LOGITS, "none or sigmoid for this kind")


@dataclass(frozen=True, slots=True)
class Recipe:
    """`source`: what errors call it (a file's name). `floor_unit`: nothing below it is reported. `usual_score_unit`: the
    threshold of clients who name none.
    """

    source: str
    input: InputRecipe
    output: OutputRecipe
    classes: Classes = field(default_factory=lambda: usual_classes("coco80"))
    floor_unit: float = SCORE_FLOOR_UNIT
    usual_score_unit: float = USUAL_SCORE_UNIT

    def __post_init__(self) -> None:
        _require("scores.floor", 0 <= self.floor_unit < 1, "from 0 to below 1")
        _require("scores.usual", self.floor_unit <= self.usual_score_unit <= 1, "from scores.floor to 1")
        if not self.classes.by_number:
            raise ValueError("classes.names: holds no name")

    @property
    def digest(self) -> str:
        """The same for recipes that say the same, whatever their files are called."""
        return hashlib.sha256(repr(replace(self, source="")).encode()).hexdigest()[:_DIGEST_DIGITS]


def _require(key: str, holds: bool, wanted: str) -> None:
    if not holds:
        raise ValueError(f"{key}: should be {wanted}")
