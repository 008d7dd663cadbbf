"""How many images may share a sheet while answers are watched: a limit on the cells, as a pure state machine.

In: the agreement of each image that was also asked alone, and the time. Out: the limit, and what has changed. Called by
`work.shadow`, one for each task.

    FREE     --a layout is surely below the operator's limit-->              LIMITED, a step below that layout
    LIMITED  --a layout within it is surely below, too-->                    LIMITED, a step further down
    LIMITED  --rested, and agreement is well above (at 1 cell: rested)-->    TRIAL of the limit before the last fall
    TRIAL    --as many samples, and well above-->                            LIMITED there, or FREE where that was before
    TRIAL    --as many samples, and not well above-->                        LIMITED as before the trial, for longer
    TRIAL    --a layout within the old limit is surely below-->              LIMITED, a step below that layout

Steps are 9, 4, 2 and 1 cells. "Surely below": the upper end of the interval is below the limit. "Well above": the mean is
above the limit by a margin. So agreement near the limit moves nothing, and what has moved rests. A trial asks every image of
the tried layouts alone as well: it is over after as few doubtful answers as can be, and it gets away from one cell, where
there is nothing to compare.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from app.core.agreement import Interval, Window, wilson
from app.core.model import ALONE, Layout

# What stands in where a limit leaves none of a lane's own layouts.
STEPS: Mapping[int, tuple[Layout, ...]] = MappingProxyType(
    {9: (Layout(3, 3),), 4: (Layout(2, 2),), 2: (Layout(1, 2), Layout(2, 1)), 1: (ALONE,)}
)
# Samples before anything is decided. With 20 images that agree by half, the truth is surely below 0.70.
LEAST_SAMPLES = 20
# Above the limit by so much, or a limit would be lifted by the same chance that set it.
MARGIN = 0.02
# A limit stands at least so long, seconds; twice as long each time that lifting it was a mistake.
REST_S = 600.0
MOST_REST_S = 6 * 3600.0


class Stage(StrEnum):
    """See the module's docstring."""

    FREE = "free"
    LIMITED = "limited"
    TRIAL = "trial"


class Direction(StrEnum):
    """What a change was (metric label)."""

    SPARSER = "sparser"
    TRIAL = "trial"
    DENSER = "denser"


@dataclass(frozen=True, slots=True)
class Change:
    """What happened; `cells` is the limit from now on (None: none), `because` the agreement that decided."""

    direction: Direction
    stage: Stage
    before: int | None
    cells: int | None
    because: Interval | None = None
    layout: Layout | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How much evidence and time changes take."""

    samples: int = LEAST_SAMPLES
    margin: float = MARGIN
    rest_s: float = REST_S
    most_rest_s: float = MOST_REST_S


class Density:
    """One task's limit. `least_unit`: the agreement that the operator wants."""

    def __init__(self, least_unit: float, patience: Patience | None = None) -> None:
        self._least_unit = least_unit
        self._patience = patience or Patience()
        self._stage = Stage.FREE
        self._settled: int | None = None  # the limit, trials aside
        self._fallen_from: list[int | None] = []  # the limits before each fall, to go back to in turn
        self._since_s = 0.0
        self._rest_s = self._patience.rest_s
        self._rose_s = float("-inf")
        self._seen: defaultdict[Layout, Window] = defaultdict(Window)  # since the last change
        self._tried = Window()

    @property
    def stage(self) -> Stage:
        return self._stage

    @property
    def cells(self) -> int | None:
        """The limit that is in force."""
        return self._fallen_from[-1] if self._stage is Stage.TRIAL else self._settled

    def allowed(self, layouts: tuple[Layout, ...]) -> tuple[Layout, ...]:
        """Of these the ones within the limit; where that leaves no grid, the step's own layouts."""
        limit = self.cells
        if limit is None or max(layout.cells for layout in layouts) <= limit:
            return layouts
        within = tuple(layout for layout in layouts if layout.cells <= limit)
        return within if any(layout.cells > 1 for layout in within) else STEPS[limit]

    def is_tried(self, layout: Layout) -> bool:
        """Whether every image on such a sheet is wanted as a sample."""
        return self._stage is Stage.TRIAL and self._is_beyond(layout)

    def turn(self, now_s: float) -> Change | None:
        """What time alone changes: a limit that has rested is tried to be lifted."""
        if self._stage is not Stage.LIMITED or now_s - self._since_s < self._rest_s:
            return None
        if self._settled != 1 and not self._is_well_above(_pooled(self._seen.values())):
            return None
        return self._enter(Stage.TRIAL, Direction.TRIAL, now_s, self.cells)

    def saw(self, layout: Layout, value: float, now_s: float) -> Change | None:
        """One more image of such a sheet was asked alone, and agreed so far. A straggler from beyond the limit is nothing."""
        limit = self.cells
        if layout.cells < 2 or (limit is not None and layout.cells > limit):
            return None
        if self.is_tried(layout):
            self._tried.add(value)
            return self._judge_trial(layout, now_s)
        self._seen[layout].add(value)
        return self._judge(layout, now_s)

    def _judge(self, layout: Layout, now_s: float) -> Change | None:
        found = self._seen[layout].interval()
        if not self._is_surely_below(found):
            return None
        before = self.cells
        self._fallen_from.append(self._settled)
        self._settled = max(step for step in STEPS if step < layout.cells)
        self._rest_s = self._next_rest_s() if now_s - self._rose_s < self._patience.most_rest_s else self._patience.rest_s
        return self._enter(Stage.LIMITED, Direction.SPARSER, now_s, before, found, layout)

    def _judge_trial(self, layout: Layout, now_s: float) -> Change | None:
        found, before = self._tried.interval(), self.cells
        if found.samples < self._patience.samples:
            return None
        if not self._is_well_above(found):
            self._rest_s = self._next_rest_s()
            return self._enter(Stage.LIMITED, Direction.SPARSER, now_s, before, found, layout)
        self._settled = self._fallen_from.pop()
        self._rose_s = now_s
        stage = Stage.FREE if self._settled is None else Stage.LIMITED
        return self._enter(stage, Direction.DENSER, now_s, before, found, layout)

    def _enter(
        self,
        stage: Stage,
        direction: Direction,
        now_s: float,
        before: int | None,
        because: Interval | None = None,
        layout: Layout | None = None,
    ) -> Change:
        """What was seen under the old limit says nothing about the new one."""
        self._stage = stage
        self._since_s = now_s
        self._seen.clear()
        self._tried = Window()
        return Change(direction, stage, before, self.cells, because, layout)

    def _is_beyond(self, layout: Layout) -> bool:
        return self._settled is not None and layout.cells > self._settled

    def _is_surely_below(self, found: Interval) -> bool:
        return found.samples >= self._patience.samples and found.high < self._least_unit

    def _is_well_above(self, found: Interval) -> bool:
        # Never more than all: a limit of 0.99 could not be lifted otherwise.
        return found.samples >= self._patience.samples and found.mean >= min(1.0, self._least_unit + self._patience.margin)

    def _next_rest_s(self) -> float:
        return min(self._patience.most_rest_s, 2 * self._rest_s)


def _pooled(windows: Iterable[Window]) -> Interval:
    """All of them as one."""
    found = [interval for interval in (window.interval() for window in windows) if interval.samples]
    samples = sum(interval.samples for interval in found)
    if not samples:
        return Window().interval()
    return wilson(math.fsum(interval.mean * interval.samples for interval in found) / samples, samples)
