"""The share of images that make a group's answer unsafe, estimated while they come: pure.

In: how many images were decided, and how. Out: the estimate that group sizes follow. Older images count ever less, so that a
flood of unsafe uploads is noticed within a few hundred images, and forgotten as fast.

Two shares make up the estimate. *Unsafe* images say so in their own answers. Others only *alarm* a group, which is asked at a
lower threshold than its clients', and are found to be nothing of the kind when they are alone: nobody sees which of a flagged
group they were, so they are counted by what is to be expected (`expected_alarms`, the E-step of an EM estimate). Images that
were never part of a group tell nothing about alarms.

At the start nothing is known, and the estimate is that of a fair coin with little weight (a Beta prior): images go alone, at
no loss, until a handful of clean ones speaks for groups. So a start costs a few inferences and never more than asking alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# After so many further images an image counts 1/e: at a prevalence of 0.1 the estimate is then within 0.01 of the truth two
# times in three.
MEMORY_IMAGES = 1000.0
# The prior: so many images seen before the first one, half of them unsafe. A group of three pays below a prevalence of about
# 0.3, which three clean images are enough for.
PRIOR_IMAGES = 4.0
PRIOR_UNSAFE = 2.0
# The same for alarms: so many images that raised none. It also ends the doubt of a stream that goes alone for its alarms: some
# thousand images later groups are tried again.
PRIOR_JUDGED = 40.0
# What rounding may add to a sum of shares.
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Prevalence:
    """Decayed counts: `unsafe` of `images`, and `alarms` of the images that groups `judged` and that are not unsafe."""

    images: float = 0.0
    unsafe: float = 0.0
    judged: float = 0.0
    alarms: float = 0.0

    def __post_init__(self) -> None:
        _require_shares(self.images, self.unsafe, self.judged, self.alarms)

    @property
    def alarm_share(self) -> float:
        """Of images that are not unsafe, those that flag a group all the same, 0 to 1."""
        return min(1.0, self.alarms / (self.judged + PRIOR_JUDGED))

    @property
    def estimate(self) -> float:
        """Of all images those that flag a group, 0 to 1."""
        unsafe_share = (self.unsafe + PRIOR_UNSAFE) / (self.images + PRIOR_IMAGES)
        return unsafe_share + (1 - unsafe_share) * self.alarm_share

    def seen(self, images: int, unsafe: int, judged: float = 0.0, alarms: float = 0.0) -> Prevalence:
        """After so many more images. ValueError unless images >= unsafe >= 0 and judged >= alarms >= 0."""
        _require_shares(images, unsafe, judged, alarms)
        kept = math.exp(-images / MEMORY_IMAGES)
        return Prevalence(
            self.images * kept + images,
            self.unsafe * kept + unsafe,
            self.judged * kept + judged,
            self.alarms * kept + alarms,
        )


@dataclass(slots=True)
class Evidence:
    """What a group test finds out about its images until it ends.

    `judged`: those that were part of the first group. `is_alarmed`: its answer spoke against somebody, or could not be relied
    on. Images end as `cleared` with a group, or with an answer of their own, `unsafe` or `safe`.
    """

    judged: frozenset[str] = frozenset()
    is_alarmed: bool = False
    cleared: int = 0
    unsafe: int = 0
    safe: int = 0
    safe_and_judged: int = 0

    def counts(self, alarm_share: float) -> tuple[int, int, float, float]:
        """As `Prevalence.seen` takes them; `alarm_share`: what is known so far.

        Where the first group was flagged and somebody was unsafe, nothing is known of the others that were asked alone: the
        unsafe one explains the answer.
        """
        images = self.cleared + self.safe + self.unsafe
        if not self.is_alarmed or self.unsafe:
            return images, self.unsafe, float(self.cleared), 0.0
        alarms = expected_alarms(self.safe_and_judged, alarm_share)
        return images, 0, float(self.cleared + self.safe_and_judged), alarms


def expected_alarms(suspects: int, share: float) -> float:
    """How many of so many images raise alarms, each with this probability, when at least one does: 1 to `suspects`."""
    if suspects < 1:
        return 0.0
    at_least_one = 1 - (1 - share) ** suspects
    return 1.0 if at_least_one <= 0 else min(float(suspects), max(1.0, suspects * share / at_least_one))


def _require_shares(images: float, unsafe: float, judged: float, alarms: float) -> None:
    if not (0 <= unsafe <= images and 0 <= alarms <= judged + _TOLERANCE):  # also false for NaN
        raise ValueError(f"{unsafe} unsafe images of {images}, {alarms} alarms of {judged}")
