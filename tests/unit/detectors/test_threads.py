"""The process-wide setting of OpenCV."""

from __future__ import annotations

import cv2

from app.detectors.threads import one_core_per_image


def test_opencv_uses_one_core_per_image() -> None:
    before = cv2.getNumThreads()
    try:
        one_core_per_image()
        assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(before)
