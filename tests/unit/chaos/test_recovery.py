"""How soon all is well again after a fault, and how long answers take meanwhile."""

from __future__ import annotations

import pytest

from tests.chaos.judge import judged
from tests.chaos.recovery import Usual, caught_s, quantile_s, recovered_after_s, shared, usual
from tests.unit.chaos.fabricated import LIMIT_S, attempt, boxes_of, request, span

FAULT = span("fault", 110.0, 115.0, 150.0)


def test_the_sooner_all_is_well_the_sooner_it_has_recovered() -> None:
    def recovered(ill_until_s: float, layout: str = "2x1", takes_s: float = 1.0) -> float | None:
        asked = [
            judged(
                request(
                    number,
                    attempt(
                        sent_s=at_s, ended_s=at_s + takes_s, layout=layout, seen=() if at_s < ill_until_s else boxes_of(number)
                    ),
                ),
                LIMIT_S,
            )
            for number, at_s in ((number, 115.0 + number * 0.25) for number in range(80))
        ]
        return recovered_after_s(asked, FAULT, window_s=2.0, usually=Usual(0.8, 1.0), now_s=135.0)

    assert recovered(0.0) == pytest.approx(0.0)
    assert recovered(120.0) == pytest.approx(4.8, abs=0.11)
    assert recovered(134.0) is None
    assert recovered(0.0, layout="1x1") is None  # right, but nobody shares
    assert recovered(0.0, takes_s=1.9) == pytest.approx(0.0)
    assert recovered(0.0, takes_s=2.1) is None  # right, but slower than usual


def test_those_under_way_are_looked_at_apart() -> None:
    asked = [request(1, attempt(sent_s=114.0, ended_s=121.0)), request(2, attempt(sent_s=116.0, ended_s=130.0))]
    assert caught_s(asked, FAULT) == 6.0
    assert caught_s(asked[1:], FAULT) is None
    assert usual(asked) == Usual(1.0, 7.0)


def test_too_few_requests_say_nothing() -> None:
    asked = [judged(request(number, at_s=116.0 + number), LIMIT_S) for number in range(2)]
    assert recovered_after_s(asked, FAULT, window_s=2.0, usually=Usual(0.0, 1.0), now_s=140.0) is None


def test_quantiles() -> None:
    assert [quantile_s([3.0, 1.0, 2.0], share) for share in (0.5, 0.99)] == [2.0, 3.0]
    assert quantile_s([], 0.5) is None
    assert shared([request(1), request(2, attempt(layout="1x1"))]) == 0.5
