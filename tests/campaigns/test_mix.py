from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart_recovery.campaigns.mix import ChoiceReason, MixOption, choose, draw_order

EMAIL = MixOption(1, "email", "t", 70)
SMS = MixOption(2, "sms", "t", 30)
PUSH = MixOption(3, "webpush", "t", 0)


def nothing_blocks(channel: str) -> str:
    return ""


def test_draw_is_the_same_when_repeated() -> None:
    assert all(
        draw_order([EMAIL, SMS, PUSH], seed=f"{n}:7")
        == draw_order([PUSH, SMS, EMAIL], seed=f"{n}:7")
        for n in range(200)
    )


def test_shares_follow_the_weights_over_many_contacts() -> None:
    first = Counter(draw_order([EMAIL, SMS, PUSH], seed=f"{n}:7")[0].channel for n in range(20_000))
    assert first["webpush"] == 0
    assert first["email"] / 20_000 == pytest.approx(0.70, abs=0.015)


def test_removing_a_channel_moves_only_its_own_contacts() -> None:
    for n in range(500):
        before = draw_order([EMAIL, SMS, PUSH], seed=f"{n}:7")
        after = draw_order([EMAIL, PUSH], seed=f"{n}:7")
        assert [o for o in before if o.channel != "sms"] == after


def test_preferred_channel_goes_first_when_permitted() -> None:
    choice, blocked = choose([EMAIL, SMS], seed="1:1", preferred="sms", blocker=nothing_blocks)
    assert choice is not None
    assert (choice.option, choice.reason, blocked) == (SMS, ChoiceReason.PREFERRED, ())


SMS_A = MixOption(4, "sms", "a", 20)
SMS_B = MixOption(5, "sms", "b", 10)


@pytest.mark.parametrize("preferred", ["sms", ""])
def test_variants_of_one_channel_are_drawn_by_weight(preferred: str) -> None:
    """Also where the person's own channel goes first: A/B tests need both groups."""

    def only_sms(channel: str) -> str:
        return "" if channel == "sms" else "no_consent"

    drawn: Counter[int] = Counter()
    for n in range(6_000):
        ways = {"seed": f"{n}:7", "preferred": preferred, "blocker": only_sms}
        choice, _blocked = choose([EMAIL, SMS_A, SMS_B], **ways)
        again, _blocked = choose([SMS_B, EMAIL, SMS_A], **ways)
        assert choice is not None
        assert choice == again
        drawn[choice.option.variant_id] += 1
    assert set(drawn) == {4, 5}
    assert drawn[4] / 6_000 == pytest.approx(2 / 3, abs=0.02)


def test_blocked_channel_is_told_once_for_all_its_variants() -> None:
    choice, _blocked = choose(
        [SMS_A, SMS_B, MixOption(9, "email", "t", 0)], seed="1:1", preferred="sms",
        blocker=lambda channel: "no_address" if channel == "sms" else "",
    )  # fmt: skip
    assert choice is not None
    assert choice.describe() == "fallback: sms no_address"


def test_zero_weight_is_taken_when_everything_else_is_blocked() -> None:
    choice, _blocked = choose(
        [EMAIL, SMS, PUSH], seed="1:1", preferred="",
        blocker=lambda channel: "" if channel == "webpush" else "no_consent",
    )  # fmt: skip
    assert choice is not None
    assert choice.option == PUSH
    assert choice.reason is ChoiceReason.FALLBACK
    assert "email no_consent" in choice.describe()


def test_nothing_is_chosen_when_all_is_blocked() -> None:
    choice, blocked = choose([EMAIL, SMS], seed="1:1", preferred="", blocker=lambda c: "suppressed")
    assert choice is None
    assert dict(blocked) == {"email": "suppressed", "sms": "suppressed"}


def test_nothing_is_chosen_when_a_step_has_no_variant() -> None:
    assert choose([], seed="1:1", preferred="sms", blocker=nothing_blocks) == (None, ())


@given(
    weights=st.lists(st.integers(0, 1000), min_size=1, max_size=6),
    blocked=st.sets(st.integers(0, 5)),
    seed=st.text(max_size=20),
    preferred=st.sampled_from(["", "c0", "c3", "none"]),
)
def test_choice_is_never_blocked_and_always_made_when_possible(
    weights: list[int], blocked: set[int], seed: str, preferred: str
) -> None:
    options = [MixOption(n, f"c{n}", "t", weight) for n, weight in enumerate(weights)]
    barred = {f"c{n}" for n in blocked}
    choice, why = choose(
        options,
        seed=seed,
        preferred=preferred,
        blocker=lambda c: "no_consent" if c in barred else "",
    )
    open_channels = {o.channel for o in options} - barred
    assert (choice is None) == (not open_channels)
    if choice is not None:
        assert choice.option.channel in open_channels
        assert len(choice.describe()) <= 64
        if preferred in open_channels:
            assert choice.option.channel == preferred
    else:
        assert {channel for channel, _reason in why} == {o.channel for o in options}
