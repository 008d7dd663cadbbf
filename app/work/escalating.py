"""Asks an image again, alone, of which the grid was unsure. Called by the pipeline, which has the image and knows the time.

In: the grid's outcome. Out: the better one: the image's own answer, or the grid's where that was not to be had. Both bills are
the image's. How many are asked again is capped, so that a day of odd pictures cannot cost more than calibration said.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from app.core.doubt import Cap, doubt
from app.core.mix import Escalation
from app.core.model import ALONE, Answer, Failure, Job, Outcome
from app.providers.calling import Caller, PaidKind
from app.providers.contract import Capabilities
from app.work.alone import ask_alone
from app.work.pixels import PixelPool


class EscalationLedger(Protocol):
    """What is counted; the metrics module implements it."""

    def escalated(self) -> None: ...


class Escalator:
    """One per API process; keeps the share that it has asked again, for each cap that is in force."""

    def __init__(self, caller: Caller, capabilities: Capabilities, pixels: PixelPool, ledger: EscalationLedger) -> None:
        self._caller = caller
        self._capabilities = capabilities
        self._pixels = pixels
        self._ledger = ledger
        self._caps: dict[float, Cap] = {}

    async def surer(self, job: Job, gathered: Outcome, escalation: Escalation, *, time_left_s: float) -> Outcome:
        """The outcome to hand out: `gathered`, or what the image got alone."""
        answer = gathered.result
        if isinstance(answer, Failure) or gathered.bill.layout == ALONE:
            return gathered
        cap = self._caps.setdefault(escalation.max_share, Cap(escalation.max_share))
        if not cap.admit(wanted=doubt(answer.detections) > escalation.doubt):
            return gathered
        self._ledger.escalated()
        again = await ask_alone(
            job,
            gathered.bill,
            self._caller,
            self._capabilities,
            self._pixels,
            time_left_s=time_left_s,
            kind=PaidKind.ESCALATION,
        )
        if isinstance(again.result, Answer):
            return again
        return replace(gathered, bill=replace(again.bill, layout=gathered.bill.layout))
