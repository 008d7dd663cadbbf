"""One image as the operations see it. Made by `service`, read by every operation."""

from __future__ import annotations

from dataclasses import dataclass

from app.emulators.images import ImageFormat
from app.emulators.scene import Scene


@dataclass(frozen=True, slots=True)
class Picture:
    """What was seen, once for objects and once for faces (the same where nobody asked about faces), and the file's format."""

    scene: Scene
    faces: Scene
    format: ImageFormat

    @property
    def size_wh_px(self) -> tuple[int, int]:
        height_px, width_px = self.scene.rgb.shape[:2]
        return width_px, height_px
