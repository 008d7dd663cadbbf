"""The words of the product as types: what travels along each arrow of a request's way.

raw request -> Call -> Job -> Batch -> GridPlan -> Sheet -> Reading -> Outcome -> raw reply
(`GridPlan` and `Placement` live in `core.layout`, `Sheet` in `imaging.compose`, `Reading` in `providers.contract`.)

All are frozen and valid once built. Everything is matched by id, never by position.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeAlias

from app.core.geometry import PixelBox, Size, UnitBox, UnitLength, UnitPoint
from app.errors import Kind, Problem, VendorError

# A vendor's own JSON in which every piece of geometry has been replaced by a typed leaf, so that one generic walk can
# move it all (boxes, landmarks, polygons, nested instances) and no field that the vendor may add later is lost.
Tree: TypeAlias = "bool | int | float | str | list[Tree] | dict[str, Tree] | UnitBox | UnitPoint | UnitLength | None"


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it arrived. Header names are lower case; `query` is the raw query string."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Task(StrEnum):
    """The paper's three tasks. `classify`: detection on a grid, its labels gathered per image; `moderate`: group testing."""

    DETECT = "detect"
    CLASSIFY = "classify"
    MODERATE = "moderate"


class Feature(StrEnum):
    """What a detection looks for. A provider says which of them it offers."""

    OBJECTS = "objects"
    FACES = "faces"
    CELEBRITIES = "celebrities"
    PROTECTIVE_EQUIPMENT = "protective_equipment"
    CUSTOM_OBJECTS = "custom_objects"
    PEOPLE = "people"
    LANDMARKS = "landmarks"
    LOGOS = "logos"
    TEXT = "text"
    LABELS = "labels"  # of the whole image, without places
    MODERATION = "moderation"  # unsafe content of the whole image, without places

    @property
    def task(self) -> Task:
        """Which of the paper's tasks asking for it is."""
        return _TASKS.get(self, Task.DETECT)

    @property
    def on_sheet(self) -> Feature:
        """What a sheet is asked for in its stead: labels have no place there, the objects that they name do."""
        return Feature.OBJECTS if self is Feature.LABELS else self


_TASKS = {Feature.LABELS: Task.CLASSIFY, Feature.MODERATION: Task.MODERATE}

# First digit of the keys of a task's lanes, hexadecimal: whoever sees the keys only can count by task.
TASK_DIGITS: Mapping[Task, str] = MappingProxyType({Task.DETECT: "0", Task.CLASSIFY: "1", Task.MODERATE: "2"})


class GridMode(StrEnum):
    """`kept`: aspect kept, gutter between cells. `paper`: the paper's method, stretched to one cell size, no gutter."""

    KEPT = "kept"
    PAPER = "paper"


class Release(StrEnum):
    """Why a batch was closed (metric label). `single`: it never gathered, the image was sent alone."""

    FULL = "full"
    DUE = "due"
    IDLE = "idle"
    DRAIN = "drain"
    SINGLE = "single"


class Bypass(StrEnum):
    """Why a griddable request was sent alone, or (last group) why a request could not be gridded (metric label)."""

    CALLER = "caller"  # X-Tessera-Grid: off
    BUDGET = "budget"  # the accuracy budget allows no grid
    DEADLINE = "deadline"  # could not make it through a grid in its time
    LATE = "late"  # withdrawn from the accumulator because its batch did not come back
    OVERDUE = "overdue"  # withdrawn because its window was long over and nobody had claimed it: workers are busy or gone
    ACCUMULATOR = "accumulator"  # Redis unreachable or refusing
    CAPACITY = "capacity"  # accumulator full
    NO_WORKER = "no_worker"  # nobody alive to work on it
    DRAINING = "draining"  # this process is going down
    SIZE = "size"  # too small, too large or too elongated to share a sheet
    FEATURES = "features"  # asks for something without geometry, or of a model that was seen to answer without
    SETTING = "setting"  # the operator chose to send these alone
    PREVALENCE = "prevalence"  # so many images are unsafe, or so little is known yet, that a group test would cost more
    TRANSPARENT = "transparent"  # to be moderated, and does not look the same to every reader
    OPERATION = "operation"  # not an operation that can be gridded: passed through


@dataclass(frozen=True, slots=True, order=True)
class Layout:
    """rows x columns; `2x1` is two images stacked vertically, as in the paper."""

    rows: int
    columns: int

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1:
            raise ValueError(f"a layout has at least one row and one column, not {self.rows}x{self.columns}")

    @classmethod
    def parse(cls, text: str) -> Layout:
        """`"2x1"` -> Layout(2, 1). Raises ValueError for anything else."""
        rows, cross, columns = text.strip().lower().partition("x")
        if not (cross and rows.isdecimal() and columns.isdecimal()):
            raise ValueError(f"not a layout: {text!r} (rows x columns, for example 2x1)")
        return cls(int(rows), int(columns))

    @property
    def cells(self) -> int:
        return self.rows * self.columns

    def __str__(self) -> str:
        return f"{self.rows}x{self.columns}"


ALONE = Layout(1, 1)


@dataclass(frozen=True, slots=True)
class Picture:
    """What an image's header tells, before anything is decoded.

    `format` is "jpeg", "png" or "webp"; `stored` the size as stored; `orientation` the EXIF value 1..8 that will be applied.
    """

    format: str
    stored: Size
    orientation: int = 1

    @property
    def upright(self) -> Size:
        """Size after the orientation has been applied: the frame in which all boxes are given."""
        return self.stored.transposed() if self.orientation >= 5 else self.stored


def require_view(view: PixelBox, upright: Size) -> None:
    """Raises ValueError where `view` is no part of an upright image: whole pixels of it, at least one each way."""
    if not all(float(edge_px).is_integer() for edge_px in view):
        raise ValueError(f"a view lies on whole pixels: {view}")
    is_across = 0 <= view.left_px < view.right_px <= upright.width_px
    if not (is_across and 0 <= view.top_px < view.bottom_px <= upright.height_px):
        raise ValueError(f"a view is a part of its image of {upright}: {view}")


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What one image is asked for.

    `parameters` is canonical JSON of what changes the inference (it splits lanes); `min_score_unit` (0..1) and
    `max_results` only filter (they do not). `own_request` is the client's request without the image: an image that is sent
    alone to the provider `own_vendor` is asked with exactly these words. `parameters` are in the language of `own_vendor`, too;
    where that is empty (the inquiry of a sheet), in that of whoever is asked. `categories` only filter, too: the kinds of
    unsafe content that matter to whoever asks for moderation, as `core.moderation` names them (empty: all).
    """

    feature: Feature
    parameters: str = "{}"
    min_score_unit: float | None = None
    max_results: int | None = None
    own_vendor: str = ""
    own_request: str = ""
    categories: tuple[str, ...] = ()

    def heard_by(self, vendor: str) -> Inquiry:
        """What of it means anything to the provider that speaks `vendor`: not the parameters and words of another language."""
        if self.own_vendor in {"", vendor}:
            return self
        return replace(self, parameters="{}", own_vendor="", own_request="")

    def __post_init__(self) -> None:
        if self.min_score_unit is not None and not 0.0 <= self.min_score_unit <= 1.0:
            raise ValueError(f"min_score_unit is a ratio, not {self.min_score_unit}")
        if self.max_results is not None and self.max_results < 0:
            raise ValueError(f"max_results cannot be {self.max_results}")


class Shape(StrEnum):
    """Whether an image, or the part of it that is shown, is wider than high."""

    ANY = "any"
    LANDSCAPE = "landscape"
    PORTRAIT = "portrait"

    @classmethod
    def of(cls, width_px: float, height_px: float) -> Shape:
        """A square is as wide as it is high, and counts as landscape."""
        return cls.LANDSCAPE if width_px >= height_px else cls.PORTRAIT


@dataclass(frozen=True, slots=True)
class Lane:
    """Images that may share a sheet: all of these must be equal.

    `layouts` are the allowed grids, most cells last; `mode` is how images are put into their cells. `shape`: those of one shape
    waste less of a sheet; ANY where they are not told apart.
    """

    tenant: str
    provider: str
    task: Task
    feature: Feature
    parameters: str
    layouts: tuple[Layout, ...]
    mode: GridMode = GridMode.KEPT
    shape: Shape = Shape.ANY

    def __post_init__(self) -> None:
        if not self.layouts:
            raise ValueError("a lane needs at least one layout")

    @property
    def capacity(self) -> int:
        """Cells of the largest allowed layout."""
        return max(layout.cells for layout in self.layouts)

    @property
    def key(self) -> str:
        """Short, stable, and free of anything secret (the tenant goes in as a hash); hexadecimal, its task's digit first."""
        parts = [self.tenant, self.provider, self.task, self.feature, self.parameters, self.mode, self.shape]
        parts += map(str, self.layouts)
        return TASK_DIGITS[self.task] + _digest(parts)[1:]

    @property
    def stream(self) -> str:
        """The same for all images of this kind and tenant, however they are packed: whose share of unsafe ones is estimated."""
        return _digest([self.tenant, self.provider, self.task, self.feature, self.parameters])


@dataclass(frozen=True, slots=True)
class Job:
    """One image and what it is asked for, ready to be gathered. Durations count from the moment it is enqueued.

    `max_wait_s`: longest time in the accumulator. `time_left_s`: time until its answer must be there.
    `request_id` is the client's request (one request may make several jobs). `view` is the part of the upright image that is
    shown on sheets (None: all of it); an image that is sent alone is always sent whole.
    """

    id: str
    request_id: str
    lane: Lane
    inquiry: Inquiry
    picture: Picture
    image: bytes = field(repr=False)
    max_wait_s: float
    time_left_s: float
    view: PixelBox | None = None

    def __post_init__(self) -> None:
        if self.view is not None:
            require_view(self.view, self.picture.upright)


@dataclass(frozen=True, slots=True)
class Item:
    """A job inside a claimed batch: how long it has waited, and how much time its answer still has."""

    job: Job
    waited_s: float
    time_left_s: float


@dataclass(frozen=True, slots=True)
class Batch:
    """Jobs of one lane, claimed by one worker. `generation` fences late holders; `attempt` starts at 1."""

    id: str
    generation: int
    attempt: int
    lane: Lane
    release: Release
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Detection:
    """One thing found in an image, in that image's own coordinates.

    `box` is None where the vendor gave no geometry: such a finding cannot be attributed to an image of a grid.
    `fields` is the vendor's own item with typed geometry (see `Tree`), `vendor` who made it ("" if there are none).
    """

    feature: Feature
    label: str
    score_unit: float
    box: UnitBox | None
    vendor: str = ""
    fields: Mapping[str, Tree] = field(default_factory=dict)

    def moved(self, box: UnitBox | None, fields: Mapping[str, Tree]) -> Detection:
        return replace(self, box=box, fields=fields)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found in one image.

    `verbatim` is the vendor's whole body, kept when the image was sent alone, so that the same vendor's dialect can hand
    it on untouched (`verbatim_vendor` says whose it is). `extra` holds vendor facts of the whole answer that belong to
    every image alike (a model version, say).
    """

    detections: tuple[Detection, ...]
    verbatim: bytes | None = field(default=None, repr=False)
    verbatim_vendor: str = ""
    extra: Mapping[str, Tree] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one image got no answer; the wire form of `errors.Problem`."""

    kind: Kind
    detail: str
    vendor: VendorError | None = None
    retry_after_s: float | None = None

    @classmethod
    def of(cls, problem: Problem) -> Failure:
        return cls(problem.kind, problem.detail, problem.vendor, problem.retry_after_s)


@dataclass(frozen=True, slots=True)
class Bill:
    """What one image's answer took.

    `layout` is that of the sheet that was answered. `inferences` is this image's share of everything that was paid, retries
    included. Times are of the whole way: gathering, composing, and waiting for the provider; `attempt_s` is the part of
    `provider_s` that the one successful attempt took, what the provider needs when nothing goes wrong.
    """

    layout: Layout = ALONE
    inferences: float = 0.0
    sheet_id: str = ""
    release: Release = Release.SINGLE
    waited_s: float = 0.0
    compose_s: float = 0.0
    provider_s: float = 0.0
    attempt_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The one end of a job."""

    job_id: str
    result: Answer | Failure
    bill: Bill = field(default_factory=Bill)


def _digest(parts: list[str]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]


def canonical_json(value: Any) -> str:
    """Equal values give equal text: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
