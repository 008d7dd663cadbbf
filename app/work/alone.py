"""Sending one image alone: the client's own bytes, the client's own words, the vendor's own answer.

Called by the worker for groups of one, and by the API process for everything that bypasses the accumulator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.core.model import ALONE, Answer, Bill, Failure, Job, Outcome, Task
from app.core.moderation import is_undecided
from app.errors import Kind, Problem
from app.imaging.compose import Source
from app.imaging.transcode import transcode
from app.providers.calling import AskFailed, Caller, PaidKind, Permit
from app.providers.contract import Capabilities, Reading
from app.work.pixels import PixelPool


async def ask_alone(
    job: Job,
    bill: Bill,
    caller: Caller,
    capabilities: Capabilities,
    pixels: PixelPool,
    *,
    time_left_s: float,
    permit: Permit | None = None,
    kind: PaidKind = PaidKind.SINGLE,
    under_way: Callable[[bool], None] = lambda _is_under_way: None,
) -> Outcome:
    """The outcome of one image on its own. Raises only LeaseLost (when `permit` refuses). `under_way`: see `Caller.ask`."""
    try:
        image = await _own_bytes(job, capabilities, pixels)
        asked = await caller.ask(
            image,
            job.inquiry,
            kind=kind,
            time_left_s=time_left_s,
            permit=permit,
            task=job.lane.task,
            under_way=under_way,
        )
    except AskFailed as failed:
        return Outcome(job.id, Failure.of(failed.problem), _charged(bill, job, failed.paid, failed.provider_s))
    except Problem as problem:  # the image could not be turned into anything that the vendor reads
        return Outcome(job.id, Failure.of(problem), bill)
    reading = asked.reading
    if _is_unsure(job, reading, capabilities):
        failure = Failure(Kind.PROVIDER_GARBLED, "Parts of the provider's answer cannot be understood")
        return Outcome(job.id, failure, _charged(bill, job, asked.paid, asked.provider_s))
    answer = Answer(reading.detections, reading.verbatim, capabilities.vendor, reading.extra)
    charged = _charged(bill, job, asked.paid, asked.provider_s)
    return Outcome(job.id, answer, replace(charged, attempt_s=asked.attempt_s))


def _is_unsure(job: Job, reading: Reading, capabilities: Capabilities) -> bool:
    """What cannot be read must not look like nothing unsafe. The vendor's own client is given the whole body, and reads it."""
    is_handed_on = job.inquiry.own_vendor == capabilities.vendor
    if job.lane.task is not Task.MODERATE or is_handed_on:
        return False
    return reading.broken > 0 or is_undecided(reading.detections, job.inquiry)


def _charged(bill: Bill, job: Job, paid: int, provider_s: float) -> Bill:
    return replace(
        bill,
        layout=ALONE,
        inferences=bill.inferences + paid,
        sheet_id=bill.sheet_id or job.id,
        provider_s=bill.provider_s + provider_s,
    )


async def _own_bytes(job: Job, capabilities: Capabilities, pixels: PixelPool) -> bytes:
    """The client's bytes, unchanged; re-encoded only where the vendor does not read their format, or not so many of them."""
    feature = job.inquiry.feature
    limit_bytes, formats = capabilities.max_image_bytes[feature], capabilities.formats_for(feature)
    if job.picture.format in formats and len(job.image) <= limit_bytes:
        return job.image
    source = Source(job.image, job.picture)
    return await pixels.in_turn(transcode, source, formats=formats, max_bytes=limit_bytes)
