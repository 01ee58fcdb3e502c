from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import count

import pytest
from django.core.cache import cache
from django.utils import timezone

from cart_recovery.reports.keeping import kept


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def test_is_counted_once_in_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers, now = count(1), timezone.now()
    results = []
    for minutes in (0, 1, 9, 11, 12):
        moment = now + dt.timedelta(minutes=minutes)
        monkeypatch.setattr("cart_recovery.reports.keeping.timezone.now", lambda at=moment: at)
        results.append(kept("x", lambda: next(numbers)))
    assert [result for _at, result in results] == [1, 1, 1, 2, 2]
    assert results[3][0] == now + dt.timedelta(minutes=11)
    assert kept("x", lambda: next(numbers), fresh=True)[1] == 3


def test_others_do_not_wait_while_one_counts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    kept("x", lambda: "old")
    later = timezone.now() + dt.timedelta(minutes=11)
    monkeypatch.setattr("cart_recovery.reports.keeping.timezone.now", lambda: later)
    seen = []

    def slow() -> str:
        seen.append(kept("x", lambda: "must not be counted")[1])
        return "new"

    assert kept("x", slow)[1] == "new"
    assert seen == ["old"]
