"""From an image's bytes to what is seen in it: limits, eyes, poison and disturbing faults, the same for every vendor.

In: encoded bytes. Out: a `View`, which looks when it is asked, or a `RefusedImageError`. Runs in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.detectors.contract import Detector
from app.emulators.disturbing import disturbances
from app.emulators.faults import Fault
from app.emulators.images import ImageLimits, Refusal, RefusedImageError, decode
from app.emulators.scene import Scene, scene_of
from app.emulators.script import Script


@dataclass(frozen=True, slots=True)
class Viewer:
    """The eyes of a service. `faces` are for everything about faces, `objects` for everything else."""

    objects: Detector
    faces: Detector
    script: Script

    def view(self, data: bytes, limits: ImageLimits, fault: Fault | None) -> View:
        return View(self, decode(data, limits), fault, seed=len(data))


class View:
    """One decoded image. Either pair of eyes looks at most once. (`cached_property` would look at one image at a time: until
    Python 3.12 it has a lock that all instances share.)"""

    def __init__(self, viewer: Viewer, rgb: NDArray[np.uint8], fault: Fault | None, seed: int) -> None:
        self._viewer = viewer
        self._rgb = rgb
        self._fault = fault
        self._seed = seed
        self._scenes: dict[int, Scene] = {}

    @property
    def objects(self) -> Scene:
        """Raises `RefusedImageError` where it shows a poisoned marker."""
        return self._scene(self._viewer.objects)

    @property
    def faces(self) -> Scene:
        """The same through the eyes for faces."""
        return self._scene(self._viewer.faces)

    @property
    def markers(self) -> frozenset[int]:
        """Ids of the markers that were seen so far."""
        return frozenset(one.marker_id for scene in self._scenes.values() for one in scene.markers if one.marker_id is not None)

    def _scene(self, eyes: Detector) -> Scene:
        if id(eyes) not in self._scenes:
            self._scenes[id(eyes)] = self._seen_by(eyes)
        return self._scenes[id(eyes)]

    def _seen_by(self, eyes: Detector) -> Scene:
        scene = scene_of(self._rgb, eyes.look(self._rgb))
        if any(marker.marker_id in self._viewer.script.behaviour.poison for marker in scene.markers):
            raise RefusedImageError(Refusal.FORMAT, "poisoned")
        if self._fault is None:
            return scene
        more = disturbances(self._fault.kind, self._rgb.shape[1], self._rgb.shape[0], self._seed)
        return Scene(self._rgb, (*scene.seen, *scene_of(self._rgb, more).seen))
