"""What `tessera bench moderation` is asked to do. Imports nothing heavy: `command` needs it for `--help`."""

from __future__ import annotations

from dataclasses import dataclass

IMAGES = 10_000
# From a quiet gallery to a flood; above 0.3 no group is worth its inference.
PREVALENCES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5)
LARGEST = 9  # as TESSERA_MODERATE_GROUP
MOST_IN_GROUP = 25  # what that takes
# Enough that several groups fill at once while others are halved.
CLIENTS = 96
SEED = 1
# The estimate starts from nothing: this is how many images are left out of the figures after the warm-up.
WARM_UP = 1000


@dataclass(frozen=True, slots=True)
class ModerationOrder:
    """What the command line asks for."""

    images: int = IMAGES
    prevalences: tuple[float, ...] = PREVALENCES
    largest: int = LARGEST
    clients: int = CLIENTS
    seed: int = SEED
    json: bool = False

    @property
    def warm_up(self) -> int:
        """Of few images at most half."""
        return min(WARM_UP, self.images // 2)
