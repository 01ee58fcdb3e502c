from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart_recovery.campaigns.mix import MixOption, choose
from cart_recovery.campaigns.shares import as_shares, expected


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ([70, 30], [70, 30]), ([100, 100], [50, 50]), ([1, 1, 1], [34, 33, 33]), ([5], [100]),
        ([0, 0], [0, 0]), ([], []), ([1000, 1], [99, 1]), ([50, 0], [100, 0]), ([30, 60], [33, 67]),
    ],
)  # fmt: skip
def test_weights_become_shares_of_a_hundred(weights: list[int], shares: list[int]) -> None:
    assert as_shares(weights) == shares


@given(st.lists(st.integers(0, 1000), max_size=20))
def test_shares_add_up_and_fall_backs_stay_fall_backs(weights: list[int]) -> None:
    shares = as_shares(weights)
    assert sum(shares) == (100 if any(weights) else 0)
    assert [share == 0 for share in shares] == [weight == 0 for weight in weights]
    assert as_shares(shares) == shares


@pytest.mark.parametrize("preferred", ["", "email", "sms", "webpush"])
@pytest.mark.parametrize(
    "reached", [{"email"}, {"sms"}, {"email", "sms"}, {"webpush"}, {"email", "webpush"}, set()]
)
def test_expected_parts_are_what_the_draw_gives(preferred: str, reached: set[str]) -> None:
    rows = [("email", 50), ("sms", 30), ("sms", 20), ("webpush", 0), ("webpush", 0)]
    options = [MixOption(n, channel, "t", weight) for n, (channel, weight) in enumerate(rows)]
    drawn: Counter[int] = Counter()
    for n in range(3_000):
        choice, _blocked = choose(
            options, seed=f"{n}:1", preferred=preferred,
            blocker=lambda channel: "" if channel in reached else "no_consent",
        )  # fmt: skip
        if choice is not None:
            drawn[choice.option.variant_id] += 1
    parts = expected(rows, reached=frozenset(reached), preferred=preferred)
    assert [drawn[n] / 3_000 for n in range(5)] == pytest.approx(parts, abs=0.03)
