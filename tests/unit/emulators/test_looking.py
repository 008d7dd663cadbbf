"""Looking: which eyes, how often, and what poison and faults change."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from app.detectors.contract import Sighting
from app.emulators.disturbing import OUTSIDE_LABEL
from app.emulators.faults import Fault, FaultKind
from app.emulators.images import ImageLimits, RefusedImageError
from app.emulators.looking import View, Viewer
from app.emulators.script import Behaviour, Script
from tests.support.marker_scenes import plain, stored
from tests.support.seen import marker, thing

DATA = stored(plain(320, 240))


class Eyes:
    """They see what they are told, and count how often they look."""

    def __init__(self, *sightings: Sighting) -> None:
        self.looks = 0
        self._sightings = list(sightings)

    def look(self, rgb: NDArray[np.uint8]) -> list[Sighting]:
        self.looks += 1
        return self._sightings


def view(objects: Eyes, faces: Eyes, *poison: int, fault: Fault | None = None) -> View:
    script = Script(Behaviour(poison=frozenset(poison)), seed=0)
    return Viewer(objects, faces, script).view(DATA, ImageLimits(1), fault)


def test_each_pair_of_eyes_looks_once() -> None:
    objects, faces = Eyes(thing("Cup")), Eyes(marker(8))
    seen = view(objects, faces)
    assert objects.looks == faces.looks == 0
    for _ in range(2):
        assert [found.sighting.label for found in seen.objects.seen] == ["Cup"]
        assert [found.marker_id for found in seen.faces.seen] == [8]
    assert objects.looks == faces.looks == 1


def test_eyes_for_everything_look_once() -> None:
    eyes = Eyes(thing("Cup"))
    seen = view(eyes, eyes)
    assert seen.objects is seen.faces
    assert eyes.looks == 1


def test_poison_is_refused_by_whoever_sees_it() -> None:
    seen = view(Eyes(thing("Cup")), Eyes(marker(8)), 8)
    assert len(seen.objects.seen) == 1
    with pytest.raises(RefusedImageError):
        _ = seen.faces


@pytest.mark.parametrize(("kind", "more"), [(FaultKind.OUTSIDE_BOXES, True), (FaultKind.STALL, False)])
def test_some_faults_add_to_what_is_seen(kind: FaultKind, more: bool) -> None:
    labels = [found.sighting.label for found in view(Eyes(thing("Cup")), Eyes(), fault=Fault(kind)).objects.seen]
    assert labels[0] == "Cup"
    assert (OUTSIDE_LABEL in labels) == more
