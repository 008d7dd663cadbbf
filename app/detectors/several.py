"""Several eyes as one.

In: RGB pixels. Out: what the eyes together saw. Called by the emulators.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.detectors.contract import Detector, Sighting


class Together:
    """Everything that any of the eyes sees."""

    def __init__(self, *eyes: Detector) -> None:
        self._eyes = eyes

    def look(self, rgb: NDArray[np.uint8]) -> list[Sighting]:
        return [sighting for eye in self._eyes for sighting in eye.look(rgb)]


class FirstToSee:
    """The findings of the first eye that sees anything; those after it are not asked.

    With markers first, generated scenes are read exactly and fast, and guesses of weaker eyes never mix with them.
    """

    def __init__(self, *eyes: Detector) -> None:
        self._eyes = eyes

    def look(self, rgb: NDArray[np.uint8]) -> list[Sighting]:
        for eye in self._eyes:
            if found := eye.look(rgb):
                return found
        return []
