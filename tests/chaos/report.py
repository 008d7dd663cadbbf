"""The end of a run: what it came to, as a table for people and as JSON. Pure.

In: a `History`. Out: `Report`, with the reasons for which the run has failed, if it has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tests.chaos.history import History
from tests.chaos.judge import Judgement, Verdict, answered_under_one_id, counted_too_much, judged
from tests.chaos.money import Bill, bill
from tests.chaos.recovery import caught_s, ended_within, quantile_s, recovered_after_s, shared, usual

CALM = "before any fault"
# The answer that says that the time is over leaves when it is over: what the way back takes is not the request's.
WAY_BACK_S = 0.3
END_S = float("inf")


@dataclass(frozen=True, slots=True)
class Phase:
    """Requests that ended between a fault's beginning and the next one's: those that it caught under way are its own.

    Times in seconds; None where nobody knows.
    """

    name: str
    words: str
    seconds: float
    sent: int
    right: int
    errors: int
    lost: int
    wrong: int
    shared: float
    p50_s: float | None
    p99_s: float | None
    caught_s: float | None
    recovered_s: float | None
    facts: str


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. `failures` is empty where everything that must hold has held."""

    sent: int
    right: int
    vendor_errors: dict[str, int]
    unclear_errors: dict[str, int]
    incomplete: list[str]
    lost: list[str]
    doubled: list[str]
    wrong: list[str]
    retried: int
    left: int
    bill: Bill
    p50_s: float | None
    p99_s: float | None
    limit_s: float
    phases: list[Phase]
    fronts: dict[str, int]
    failures: list[str]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def report(history: History, *, warm_until_s: float, window_s: float) -> Report:
    """Judge everything once."""
    judgements = [judged(request, history.limit_s) for request in history.requests]
    seconds = [one.request.seconds for one in judgements]
    found = Report(
        sent=len(judgements),
        right=_count(judgements, Verdict.RIGHT),
        vendor_errors=_errors(judgements, Verdict.VENDOR_ERROR),
        unclear_errors=_errors(judgements, Verdict.UNCLEAR_ERROR),
        incomplete=[_about(one) for one in judgements if one.verdict is Verdict.INCOMPLETE],
        lost=[_about(one) for one in judgements if one.verdict is Verdict.LOST],
        doubled=_doubled(history, judgements),
        wrong=[f"{one.request.id} ({one.request.front}): {'; '.join(one.wrong)}" for one in judgements if one.wrong],
        retried=sum(one.was_retried for one in judgements),
        left=history.left,
        bill=bill(history.payments, history.requests, history.spans, history.limit_s),
        p50_s=quantile_s(seconds, 0.5),
        p99_s=quantile_s(seconds, 0.99),
        limit_s=history.limit_s,
        phases=list(_phases(history, judgements, warm_until_s, window_s)),
        fronts=dict(Counter(one.request.front for one in judgements)),
        failures=[],
    )
    found.failures.extend(_failures(found))
    return found


def _count(judgements: Sequence[Judgement], verdict: Verdict) -> int:
    return sum(one.verdict is verdict for one in judgements)


def _errors(judgements: Sequence[Judgement], verdict: Verdict) -> dict[str, int]:
    told = (f"{one.request.front}: {one.error}" for one in judgements if one.verdict is verdict)
    return dict(Counter(told).most_common())


def _about(one: Judgement) -> str:
    request, last = one.request, one.request.last
    return f"{request.id} ({request.front}, {request.seconds:.1f} s, {last.process}): {last.ending} {last.words}".strip()


def _doubled(history: History, judgements: Sequence[Judgement]) -> list[str]:
    own = [words for one in judgements for words in one.doubled]
    return [*own, *answered_under_one_id(history.requests), *counted_too_much(history.books)]


def _phases(history: History, judgements: Sequence[Judgement], warm_until_s: float, window_s: float) -> Iterator[Phase]:
    usually = usual([one.request for one in judgements if one.request.ended_s < warm_until_s])
    began_s = min((one.request.sent_s for one in judgements), default=warm_until_s)
    begins_s = [span.began_s for span in history.spans]
    yield _phase(CALM, "", warm_until_s - began_s, ended_within(judgements, 0.0, min([*begins_s, END_S])))
    for span, until_s in zip(history.spans, [*begins_s[1:], END_S], strict=True):
        sent = ended_within(judgements, span.began_s, until_s)
        recovered_s = recovered_after_s(judgements, span, window_s=window_s, usually=usually, now_s=span.until_s)
        phase = _phase(span.name, span.words, span.ended_s - span.began_s, sent)
        caught = caught_s(history.requests, span)
        yield replace(phase, caught_s=caught, recovered_s=recovered_s, facts=span.facts)


def _phase(name: str, words: str, seconds: float, sent: Sequence[Judgement]) -> Phase:
    took = [one.request.seconds for one in sent]
    return Phase(
        name,
        words,
        seconds,
        len(sent),
        _count(sent, Verdict.RIGHT),
        _count(sent, Verdict.VENDOR_ERROR) + _count(sent, Verdict.UNCLEAR_ERROR),
        _count(sent, Verdict.LOST),
        _count(sent, Verdict.WRONG) + _count(sent, Verdict.INCOMPLETE),
        shared(one.request for one in sent),
        quantile_s(took, 0.5),
        quantile_s(took, 0.99),
        caught_s=None,
        recovered_s=None,
        facts="",
    )


def _failures(found: Report) -> Iterator[str]:
    for name in ("lost", "doubled", "wrong", "incomplete"):
        if listed := getattr(found, name):
            yield f"{name}: {len(listed)}, the first: {listed[0]}"
    if found.unclear_errors:
        yield f"errors that no SDK understands: {found.unclear_errors}"
    slow = [phase.name for phase in found.phases if phase.p99_s is not None and phase.p99_s > found.limit_s + WAY_BACK_S]
    if slow:
        yield f"p99 beyond the request's own {found.limit_s:g} s: {', '.join(slow)}"
    if not found.sent:
        yield "nothing was sent"
