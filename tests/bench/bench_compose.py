"""How many images of 1280x960 one CPU second composes into 2x2 sheets, and how near that is to the pixel floor.

The floor is the same work by nothing but Pillow: scaled decoding, resizing where needed, pasting, encoding. Run it with
`python -m tests.bench.bench_compose [sheet side in pixels ...]`; times are CPU time of the process, so a busy machine
matters little. At a sheet side of 1296 every cell is exactly half of its image, which is what scaled decoding likes best.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from app.core.geometry import Size
from app.core.layout import GridPlan, GridRules, plan_grid
from app.core.model import GridMode, Layout
from app.imaging.compose import FILL_RGB, QUALITY, Encoding, Source, compose
from app.imaging.decode import REDUCING_FILTER
from app.imaging.encode import SUBSAMPLING
from tests.support.images import looked_at

IMAGE = Size(1280, 960)
LAYOUT = Layout(2, 2)
SHEETS = 8
ROUNDS = 5
SIDES_PX = (1296, 1920)


def photographs(count: int) -> list[bytes]:
    """Files of the weight of photographs (some 200 kB): smooth colours, edges and a little noise."""
    files = []
    for seed in range(count):
        random = np.random.default_rng(seed)
        coarse = Image.fromarray(random.integers(0, 256, (24, 32, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((IMAGE.width_px, IMAGE.height_px), Image.Resampling.BICUBIC)).astype(np.int16)
        grain = random.normal(0, 5, smooth.shape).astype(np.int16)
        file = BytesIO()
        Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=85)
        files.append(file.getvalue())
    return files


def floor(plan: GridPlan, files: dict[str, bytes]) -> bytes:
    """The least that Pillow has to do for the sheet."""
    sheet = Image.new("RGB", (plan.sheet.width_px, plan.sheet.height_px), FILL_RGB)
    for placement in plan.placements:
        target = (placement.content_size.width_px, placement.content_size.height_px)
        picture: Image.Image = JpegImageFile(BytesIO(files[placement.job_id]))
        picture.draft("RGB", target)
        if picture.size != target:
            picture = picture.resize(target, REDUCING_FILTER)
        sheet.paste(picture, (int(placement.content.left_px), int(placement.content.top_px)))
    out = BytesIO()
    sheet.save(out, "JPEG", quality=QUALITY, subsampling=SUBSAMPLING)
    return out.getvalue()


def cpu_seconds(work: Callable[[], object]) -> float:
    started_s = time.process_time()
    work()
    return time.process_time() - started_s


def measure(side_px: int, files: list[bytes]) -> None:
    groups = [
        {f"{sheet}.{cell}": files[sheet * LAYOUT.cells + cell] for cell in range(LAYOUT.cells)} for sheet in range(SHEETS)
    ]
    rules = GridRules(GridMode.KEPT, sheet_side_px=side_px)

    def plan(group: dict[str, bytes]) -> GridPlan:
        return plan_grid([(job_id, IMAGE) for job_id in group], [LAYOUT], rules, {})

    def ours() -> None:
        for group in groups:
            sources = {job_id: Source(data, looked_at(data)) for job_id, data in group.items()}
            compose(plan(group), sources, Encoding())

    def bare() -> None:
        for group, planned in zip(groups, plans, strict=True):
            floor(planned, group)

    plans = [plan(group) for group in groups]
    # The best of several rounds, turn by turn: what disturbs one round of a noisy machine disturbs no law of either.
    pairs = [(cpu_seconds(ours), cpu_seconds(bare)) for _ in range(ROUNDS)]
    ours_s, bare_s = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    images = SHEETS * LAYOUT.cells
    print(
        f"{plans[0].sheet} sheet, cells {plans[0].placements[0].content_size}: {images / ours_s:.0f} images per CPU second "
        f"(header check, plan and compose), floor {images / bare_s:.0f}, ratio {bare_s / ours_s:.2f}"
    )


def main() -> None:
    files = photographs(SHEETS * LAYOUT.cells)
    print(f"{len(files)} JPEG files of {IMAGE}, {sum(map(len, files)) / len(files) / 1000:.0f} kB on average, {LAYOUT} sheets")
    for side_px in [int(text) for text in sys.argv[1:]] or SIDES_PX:
        measure(side_px, files)


if __name__ == "__main__":
    main()
