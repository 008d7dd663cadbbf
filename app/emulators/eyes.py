"""Which eyes an emulator looks through.

In: options. Out: detectors, one for objects and one for faces. Called by `serve`.

    without a model   markers; where there are none, OpenCV's faces and people (unless switched off)
    with a model      markers and the model together; for faces: markers, and where there are none OpenCV's faces

In an image with markers the classical detectors are not asked: tests stay exact, and sheets of markers fast.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.detectors.classical import ClassicalDetector
from app.detectors.contract import Detector
from app.detectors.markers import MarkerDetector
from app.detectors.onnx import OnnxDetector
from app.detectors.several import FirstToSee, Together
from app.emulators.options import EmulatorOptions


@dataclass(frozen=True, slots=True)
class Eyes:
    """`objects` for labels, persons and custom labels; `faces` for everything about faces."""

    objects: Detector
    faces: Detector


def open_eyes(options: EmulatorOptions) -> Eyes:
    """Loads what has to be loaded; ValueError where the model is of no known family."""
    markers = MarkerDetector()
    if options.model is not None:
        objects: Detector = Together(markers, OnnxDetector(options.model))
        return Eyes(objects, FirstToSee(markers, ClassicalDetector(people=False)) if options.classical else objects)
    everything: Detector = FirstToSee(markers, ClassicalDetector()) if options.classical else markers
    return Eyes(everything, everything)
