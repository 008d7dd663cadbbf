"""How many cores one call into OpenCV may take: a setting of the whole process, so only a process's owner calls this."""

from __future__ import annotations

import cv2


def one_core_per_image() -> None:
    """Where several images are looked at at once, OpenCV's own threads only get in each other's way."""
    cv2.setNumThreads(1)
