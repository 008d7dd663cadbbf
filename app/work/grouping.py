"""What an image that is to be moderated may be part of, and what its answer alone teaches. Called by the pipeline.

In: the estimated share of unsafe images in its stream. Out: the `Choice` of a group's size. An image that goes alone tells as
much about its stream as a group does: without it, nobody would notice that a flood of unsafe images is over.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.core.grouping import group_choice
from app.core.mix import Choice
from app.core.model import Answer, Job, Lane, Outcome, Task
from app.core.moderation import is_clean
from app.work.prevalence import Estimates


@dataclass(frozen=True, slots=True)
class Groups:
    """`largest`: most images that a group may begin with."""

    estimates: Estimates
    largest: int

    def choice(self, lane: Lane) -> Choice:
        return group_choice(self.estimates.estimate(lane.stream), self.largest)

    def saw_alone(self, job: Job, outcome: Outcome) -> None:
        """Learn from an image that was asked alone; of other tasks nothing."""
        if job.lane.task is Task.MODERATE and isinstance(outcome.result, Answer):
            self.estimates.seen(job.lane.stream, 1, int(not is_clean(outcome.result.detections, job.inquiry)))
