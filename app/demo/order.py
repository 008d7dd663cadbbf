"""What the demo is asked to do, and whether that makes sense.

In: the command line's values. Out: an `Order` with its defaults filled in. Called by `run`, read by `stage`. Imports nothing
heavy: `run` needs it for `--help`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SCENES, PHOTOGRAPHS = 120, 80  # images of a run
SCENES_PER_S = 12.0  # two or three per window of 200 ms: few stay alone, and two cores (about 20 a second) have time to spare
PHOTOGRAPHS_PER_S = 10.0  # detector networks on a processor are no slower than finding markers in large sheets
CLIENTS = 32  # threads: more than are ever waiting at these rates
MAX_MAP_DROP = 0.03  # the proxy's own default: two images per sheet
OUT = Path("demo-out")
SEED = 7
MOST_SCENES = 1000  # as many identities as there are markers; one each at the least


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line asks for. None: the default of the kind of run (generated scenes, or photographs)."""

    images: Path | None = None
    model: Path | None = None
    rate: float | None = None
    clients: int = CLIENTS
    count: int | None = None
    max_map_drop: float = MAX_MAP_DROP
    out: Path = OUT
    seed: int = SEED

    @property
    def rate_per_s(self) -> float:
        return self.rate or (PHOTOGRAPHS_PER_S if self.images else SCENES_PER_S)

    @property
    def images_wanted(self) -> int:
        return self.count or (PHOTOGRAPHS if self.images else SCENES)

    @property
    def complaint(self) -> str:
        """Why this order cannot be carried out; empty when it can."""
        if self.images and not self.model:
            return "--images needs --model: the emulator has to see something in photographs"
        if self.model and not self.images:
            return "--model needs --images: the generated scenes are read by their markers"
        if self.model and not self.model.is_file():
            return f"there is no file {self.model}"
        if not self.images and self.images_wanted > MOST_SCENES:
            return f"--count: at most {MOST_SCENES} generated images can be told apart"
        return ""
