"""After a failure nobody tries for a while; then one at a time does, until it works again."""

from __future__ import annotations

from app.core.breaker import Breaker


def test_a_closed_breaker_lets_everybody_try() -> None:
    breaker = Breaker(open_s=1.0)
    assert breaker.is_closed
    assert all(breaker.may_try(now_s) for now_s in (0.0, 0.0, 5.0))


def test_an_open_one_lets_one_probe_through_after_each_pause() -> None:
    breaker = Breaker(open_s=1.0)
    breaker.failed(10.0)
    tries = [(10.0, False), (10.9, False), (11.0, True), (11.0, False), (11.9, False), (12.0, True)]
    assert [(now_s, breaker.may_try(now_s)) for now_s, _ in tries] == tries
    assert not breaker.is_closed


def test_success_closes_it_and_failure_starts_the_pause_again() -> None:
    breaker = Breaker(open_s=1.0)
    breaker.failed(0.0)
    breaker.failed(0.8)
    assert not breaker.may_try(1.5)
    breaker.succeeded()
    assert breaker.is_closed
    assert breaker.may_try(1.5)
