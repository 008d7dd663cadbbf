"""The end of a run: what it came to, in figures, and as JSON. Pure.

In: a `History`. Out: `Report`. Whether the run has failed is for `verdict` to say; `telling` makes tables of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tests.chaos.history import History, Request
from tests.chaos.judge import Judgement, Verdict, answered_under_one_id, counted_too_much, judged
from tests.chaos.money import Bill, bill
from tests.chaos.recovery import caught_s, ended_within, quantile_s, recovered_after_s, shared, usual

CALM = "before any fault"
END_S = float("inf")


@dataclass(frozen=True, slots=True)
class Phase:
    """Requests that ended between a fault's beginning and the next one's: those that it caught under way are its own.

    Times in seconds; None where nobody knows. `hushed`: requests of which an SDK kept an error to itself and tried again.
    `expected_errors`: so many the fault may cause, chance aside.
    """

    name: str
    words: str
    seconds: float
    sent: int
    right: int
    errors: int
    hushed: int
    expected_errors: float
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
    """All of it. `failures` is empty where everything that must hold has held (`verdict.settled` fills it).

    `equal`: requests about a picture that another request asked about at the same time. `joined`: how many requests were
    answered by another one's inference, by how, as the API processes that are left count them; a killed one's are not known.
    """

    sent: int
    right: int
    vendor_errors: dict[str, int]
    unclear_errors: dict[str, int]
    incomplete: list[str]
    lost: list[str]
    doubled: list[str]
    wrong: list[str]
    retried: int
    hushed: int
    left: int
    equal: int
    joined: dict[str, int]
    bill: Bill
    p50_s: float | None
    p99_s: float | None
    limit_s: float
    phases: list[Phase]
    fronts: dict[str, int]
    failures: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def report(history: History, *, warm_until_s: float, window_s: float) -> Report:
    """Judge everything once."""
    judgements = [judged(request, history.limit_s) for request in history.requests]
    seconds = [one.request.seconds for one in judgements]
    return Report(
        sent=len(judgements),
        right=_count(judgements, Verdict.RIGHT),
        vendor_errors=_errors(judgements, Verdict.VENDOR_ERROR),
        unclear_errors=_errors(judgements, Verdict.UNCLEAR_ERROR),
        incomplete=[_about(one) for one in judgements if one.verdict is Verdict.INCOMPLETE],
        lost=[_about(one) for one in judgements if one.verdict is Verdict.LOST],
        doubled=_doubled(history, judgements),
        wrong=[f"{one.request.id} ({one.request.front}): {'; '.join(one.wrong)}" for one in judgements if one.wrong],
        retried=sum(one.was_retried for one in judgements),
        hushed=_hushed(judgements),
        left=history.left,
        equal=_equal(history.requests),
        joined=dict(history.joined),
        bill=bill(history.payments, history.requests, history.spans),
        p50_s=quantile_s(seconds, 0.5),
        p99_s=quantile_s(seconds, 0.99),
        limit_s=history.limit_s,
        phases=list(_phases(history, judgements, warm_until_s, window_s)),
        fronts=dict(Counter(one.request.front for one in judgements)),
    )


def _equal(requests: Sequence[Request]) -> int:
    """All but the first about each picture."""
    return len(requests) - len({(one.task, one.truth.number) for one in requests})


def _count(judgements: Sequence[Judgement], verdict: Verdict) -> int:
    return sum(one.verdict is verdict for one in judgements)


def _hushed(judgements: Sequence[Judgement]) -> int:
    """Of those whose client saw no error."""
    return sum(one.hushed > 0 and not one.request.last.is_error for one in judgements)


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
        caught, expected = caught_s(history.requests, span), span.errors * phase.sent
        yield replace(phase, expected_errors=expected, caught_s=caught, recovered_s=recovered_s, facts=span.facts)


def _phase(name: str, words: str, seconds: float, sent: Sequence[Judgement]) -> Phase:
    took = [one.request.seconds for one in sent]
    return Phase(
        name,
        words,
        seconds,
        len(sent),
        _count(sent, Verdict.RIGHT),
        _count(sent, Verdict.VENDOR_ERROR) + _count(sent, Verdict.UNCLEAR_ERROR),
        _hushed(sent),
        0.0,
        _count(sent, Verdict.LOST),
        _count(sent, Verdict.WRONG) + _count(sent, Verdict.INCOMPLETE),
        shared(one.request for one in sent),
        quantile_s(took, 0.5),
        quantile_s(took, 0.99),
        caught_s=None,
        recovered_s=None,
        facts="",
    )
