"""Builders of jobs, lanes and outcomes for tests: everything has a default, and what a test names is what it is about."""

from __future__ import annotations

import itertools

from app.core.geometry import Size, UnitBox
from app.core.model import Answer, Batch, Bill, Detection, Feature, Inquiry, Job, Lane, Layout, Outcome, Picture, Task

_numbers = itertools.count(1)


def lane(tenant: str = "tenant", *, capacity: int = 2, task: Task = Task.DETECT) -> Lane:
    """A lane whose largest layout has `capacity` cells."""
    layouts = (Layout(1, 1), Layout(capacity, 1)) if capacity > 1 else (Layout(1, 1),)
    return Lane(tenant, "emulator", task, Feature.OBJECTS, "{}", layouts)


def job(
    id: str | None = None,
    *,
    lane: Lane | None = None,
    max_wait_s: float = 0.2,
    time_left_s: float = 600.0,
    image: bytes = b"image",
) -> Job:
    """A job with an id of its own unless one is given."""
    name = id or f"job-{next(_numbers)}"
    return Job(
        id=name,
        request_id=f"request-of-{name}",
        lane=lane or _default_lane(),
        inquiry=Inquiry(Feature.OBJECTS),
        picture=Picture("jpeg", Size(640, 480)),
        image=image,
        max_wait_s=max_wait_s,
        time_left_s=time_left_s,
    )


def outcome(job_id: str, *, label: str = "thing") -> Outcome:
    """An answer with one detection, which says by its label whose it is."""
    found = Detection(Feature.OBJECTS, label, 0.9, UnitBox(0.1, 0.2, 0.3, 0.4), "emulator", {"Name": label})
    return Outcome(job_id, Answer((found,)), Bill(inferences=1.0))


def outcomes(batch: Batch) -> list[Outcome]:
    """An outcome for every job of a batch, labelled with the job's id."""
    return [outcome(item.job.id, label=item.job.id) for item in batch.items]


def job_ids(batch: Batch | None) -> list[str]:
    """The ids of a batch's jobs in order; none for no batch."""
    return [] if batch is None else [item.job.id for item in batch.items]


def _default_lane() -> Lane:
    return lane()
