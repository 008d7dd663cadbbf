"""One client's account, on its own; both stores are held against it in tests/contract/test_quota_store.py."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core import quota_account
from app.core.quota import NOTHING, US_PER_S, Amount, Ask, Limit, Limits, Month
from app.core.quota_account import Account, Lot

MONTH = Month(682, 1000.0)


def ask(name: int, nano_dollars: int, lapse_s: float = 10.0) -> Ask:
    return Ask(f"{name}", 1, Amount(nano_dollars, 0), lapse_s)


@given(
    st.integers(0, 1000),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400), st.floats(0, 15), st.booleans()), max_size=50),
)
def test_nobody_is_let_in_beyond_the_budget(budget: int, asks: list[tuple[int, int, float, bool]]) -> None:
    """Whatever is asked, paid, settled late or never: at each moment when somebody comes in there was room for him."""
    account, limits, now_us = Account(), Limits(dollars_per_month=budget / 1e9), 0.0
    under_way: list[Ask] = []
    number = 0
    for place, (amount, paid, later_s, settles) in enumerate(asks):
        now_us += later_s * US_PER_S
        before = account.usage(now_us, MONTH)
        one = ask(place, amount)
        verdict = account.take(one, limits, now_us, MONTH)
        used = (before.spent + before.reserved).nano_dollars + amount
        assert (verdict.refused is None) is (used <= budget or amount == 0)
        under_way += [one] if verdict.refused is None else []
        if settles and under_way:
            number += 1
            spent = account.spent
            account.settle(Lot("teller", number, (under_way.pop(0),), Amount(paid, 0)), now_us, MONTH)
            assert account.spent == spent + Amount(paid, 0)


def test_the_budget_speaks_before_the_rate() -> None:
    """Whoever has nothing left need not be told to come again soon."""
    account, limits = Account(), Limits(images_per_s=1, burst=1, dollars_per_month=1e-9)
    assert account.take(ask(1, 1), limits, 0.0, MONTH).refused is None
    refused = account.take(ask(2, 2), limits, 0.0, MONTH)
    assert (refused.refused, refused.is_spent, refused.retry_after_s) == (Limit.DOLLARS, True, MONTH.left_s)


def test_an_account_is_idle_when_forgetting_it_loses_nothing() -> None:
    account, limits = Account(), Limits(images_per_s=1, dollars_per_month=1)
    assert account.is_idle(0.0)
    account.take(ask(1, 5), limits, 0.0, MONTH)
    assert not account.is_idle(2.0 * US_PER_S)
    account.settle(Lot("teller", 1, (ask(1, 5),), NOTHING), 0.0, MONTH)
    assert not account.is_idle(0.5 * US_PER_S)
    assert account.is_idle(2.0 * US_PER_S)
    account.settle(Lot("teller", 2, (), Amount(1, 0)), 0.0, MONTH)
    assert not account.is_idle(2.0 * US_PER_S)


def test_tellers_that_are_long_gone_are_forgotten() -> None:
    account = Account()
    for number in range(quota_account.MOST_TELLERS + 5):
        account.settle(Lot(f"{number}", 1, (), NOTHING), 0.0, MONTH)
    assert len(account.told) == quota_account.MOST_TELLERS
