"""Makes `tessera.png`, the picture in the README, with the product's own scenes, planner, composer and demultiplexer.

python -m docs.images.make_picture
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from app.core.accuracy import drops, table
from app.core.demux import demultiplex
from app.core.geometry import Size, UnitBox
from app.core.layout import GridRules, plan_grid
from app.core.model import Detection, Feature, GridMode, Layout
from app.demo.scenes import Scene, make_scenes
from app.imaging.compose import Encoding, Sheet, Source, compose
from app.imaging.header import inspect

SCENES, SEED = 60, 7
CANVAS = Size(1260, 560)
COLUMN_WIDTH, ROW_HEIGHT, MARGIN = 300, 128, 14
TITLES = ((20, "clients' images"), (290, "one sheet, one paid inference"), (1010, "everyone's own boxes"))
BLUE, GREEN, INK, PAPER = (37, 99, 235), (24, 150, 72), (40, 44, 52), (255, 255, 255)


def main() -> None:
    """Write the picture beside this file."""
    scenes = [scene for scene in make_scenes(SCENES, SEED, 2) if 1.2 < scene.size.width_px / scene.size.height_px < 1.7][:4]
    sheet = _sheet(scenes)
    canvas = Image.new("RGB", (CANVAS.width_px, CANVAS.height_px), PAPER)
    brush = ImageDraw.Draw(canvas)
    for left, title in TITLES:
        brush.text((left, 8), title, fill=INK, font=ImageFont.load_default(22))
    found = [
        Detection(Feature.OBJECTS, thing.label, 0.99, placement.to_sheet(thing.box, sheet.size))
        for placement in sheet.plan.placements
        for thing in scenes[int(placement.job_id)].objects
    ]
    answers = demultiplex(sheet.plan, found)
    for row, scene in enumerate(scenes):
        top = 44 + row * ROW_HEIGHT
        _paste(canvas, scene.content, (20, top), (COLUMN_WIDTH, ROW_HEIGHT - MARGIN), [], GREEN)
        boxes = [detection.box for detection in answers.by_job[str(row)] if detection.box]
        _paste(canvas, scene.content, (1010, top), (COLUMN_WIDTH, ROW_HEIGHT - MARGIN), boxes, GREEN)
    _paste(canvas, sheet.data, (290, 44), (620, CANVAS.height_px - 58), [found_.box for found_ in found if found_.box], BLUE)
    for left in (198, 926):
        brush.line([(left, 300), (left + 50, 300)], fill=INK, width=4)
        brush.polygon([(left + 50, 290), (left + 68, 300), (left + 50, 310)], fill=INK)
    canvas.save(Path(__file__).with_name("tessera.png"), optimize=True)


def _sheet(scenes: list[Scene]) -> Sheet:
    sources = {
        str(number): Source(
            scene.content, inspect(scene.content, formats=frozenset({"jpeg", "png", "webp"}), max_pixels=64_000_000)
        )
        for number, scene in enumerate(scenes)
    }
    sizes = [(name, source.picture.upright) for name, source in sources.items()]
    rules = GridRules(mode=GridMode.KEPT, sheet_side_px=1280)
    plan = plan_grid(sizes, (Layout(2, 2),), rules, drops(table("rekognition")))
    return compose(plan, sources, Encoding(format="jpeg", max_bytes=5_000_000))


def _paste(
    canvas: Image.Image,
    content: bytes,
    at: tuple[int, int],
    within: tuple[int, int],
    boxes: list[UnitBox],
    colour: tuple[int, int, int],
) -> None:
    """An image with its boxes, as large as fits."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    picture.thumbnail(within)
    brush = ImageDraw.Draw(picture)
    for box in boxes:
        x, y = picture.size
        brush.rectangle((box.left * x, box.top * y, box.right * x, box.bottom * y), outline=colour, width=3)
    canvas.paste(picture, at)


if __name__ == "__main__":
    main()
