"""Send windows as a shop writes them; what cannot be read says what to write."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from cart_recovery.checks.sending_times import check_sending_times
from cart_recovery.markets.profiles import DAYTIME, PROFILES, US_HOURS, market_for
from cart_recovery.markets.windows import read_week


def recovery(**changes: Any) -> Any:
    return override_settings(CART_RECOVERY={**settings.CART_RECOVERY, **changes})


DAY = ((480, 1200),)


def test_days_ranges_and_lists_are_read() -> None:
    week = read_week({"Mon-Wed": "08:00-20:00", "thu, sat": "10:00-12:00,14:00-24:00"}, "w")
    short = ((600, 720), (840, 1440))
    assert week == (DAY, DAY, DAY, short, (), short, (), ())


def test_holidays_are_like_sundays_unless_they_are_named() -> None:
    on_sundays = read_week({"mon-sun": "08:00-20:00"}, "w")
    closed = read_week({"mon-sun": "08:00-20:00", "holidays": "closed"}, "w")
    assert on_sundays is not None
    assert closed is not None
    assert (on_sundays[7], closed[7]) == (DAY, ())


def test_none_means_no_quiet_hours() -> None:
    assert read_week(None, "w") is None


@pytest.mark.parametrize(
    ("markets", "text"),
    [
        ({"DE": {"windows": {"email": {"mon-sat": "7-22"}}}}, '"7-22" is no span'),
        ({"DE": {"windows": {"email": {"mon-sat": "22:00-07:00"}}}}, "earlier to a later hour"),
        ({"DE": {"windows": {"email": {"mon": "08:00-25:00"}}}}, "24:00 at most"),
        ({"DE": {"windows": {"email": {"mon": "08:60-10:00"}}}}, "24:00 at most"),
        ({"DE": {"windows": {"email": {"mon": "08:00-12:00,11:00-13:00"}}}}, "overlaps"),
        ({"DE": {"windows": {"email": {"montag": "08:00-12:00"}}}}, "is no day"),
        ({"DE": {"windows": {"email": {"sat-mon": "08:00-12:00"}}}}, "mon stands before sat"),
        ({"DE": {"windows": {"email": {"mon-wed": "08:00-12:00", "tue": "closed"}}}}, "tue twice"),
        ({"DE": {"windows": {"email": {"mon": "closed"}}}}, "never open"),
        ({"DE": {"windows": {"email": {"mon": 8}}}}, "must be text"),
        ({"DE": {"windows": {"email": "08:00-20:00"}}}, "must be None"),
        ({"DE": {"windows": {"sms": None}}}, "no kind of address"),
        ({"DE": {"windows": "08:00-20:00"}}, "must be a dict"),
        ({"DE": {"window": {}}}, "nothing that can be changed"),
        ({"DE": "08:00-20:00"}, "must be a dict"),
        ({"Germany": {}}, "neither a market"),
        ({"DE": {"holidays": ["DE-XX"]}}, "no calendar 'DE-XX'"),
        ({"DE": {"holidays": "DE"}}, "must be a list"),
        ({"DE": {"allows_soft_opt_in": "yes"}}, "True or False"),
        ({"DE": {"double_opt_in": ["sms"]}}, "must be a list of"),
        ({"US": {"sms_per_cart": "one"}}, "a number or None"),
        ({"US": {"sms_within": 48}}, "a timedelta"),
    ],
)
def test_mistake_is_named_with_what_to_write(markets: dict[str, Any], text: str) -> None:
    with recovery(MARKETS=markets):
        with pytest.raises(ImproperlyConfigured) as caught:
            market_for("DE")
        (message,) = check_sending_times(None)
    assert text in str(caught.value)
    assert message.msg == str(caught.value)
    assert message.id == "cart_recovery.E006"


@pytest.mark.parametrize(
    ("caps", "text"),
    [
        ([{"limit": 1}], "without channels it counts all"),
        ([{"limit": 0, "per": dt.timedelta(days=1)}], "from 1 on"),
        ([{"limit": 1, "per": 24}], "a timedelta"),
        ([{"limit": 1, "per": dt.timedelta(days=1), "channels": "sms"}], "must be a list"),
        ([{"limit": 1, "per": dt.timedelta(days=1), "channels": ["fax"]}], 'no channel "fax"'),
        (["once a day"], "must be"),
    ],
)
def test_wrong_cap_is_named_with_what_to_write(caps: list[Any], text: str) -> None:
    with recovery(FREQUENCY_CAPS=caps):
        messages = [m for m in check_sending_times(None) if m.id == "cart_recovery.E007"]
    assert [text in message.msg for message in messages] == [True]


def test_market_without_quiet_hours_is_warned_about() -> None:
    with recovery(MARKETS={"DE": {"windows": {"phone": None}}, "GB": {"double_opt_in": ["phone"]}}):
        (message,) = check_sending_times(None)
    assert message.id == "cart_recovery.W006"
    assert message.msg == "There are no quiet hours for SMS in: DE."
    with recovery(MARKETS={}):
        assert check_sending_times(None) == []
    email = {"email": settings.CART_RECOVERY["CHANNELS"]["email"]}
    with recovery(MARKETS={"*": {"windows": {"phone": None}}}, CHANNELS=email):
        assert check_sending_times(None) == []


class TestChanges:
    def test_kind_that_is_not_named_stays_as_it_was(self) -> None:
        with recovery(MARKETS={"DE": {"windows": {"email": {"mon-sat": "07:00-22:00"}}}}):
            market = market_for("DE")
        assert market.week("phone") == dict(DAYTIME)["phone"]
        assert market.week("email") == (((420, 1320),),) * 6 + ((), ())

    def test_entry_for_all_goes_before_the_market_and_the_country(self) -> None:
        markets = {
            "*": {"sms_per_cart": 3, "windows": {"phone": None}},
            "EU": {"sms_per_cart": 2},
            "IT": {"sms_per_cart": 1},
        }
        with recovery(MARKETS=markets):
            found = [market_for(country).sms_per_cart for country in ("JP", "FR", "IT")]
            assert market_for("IT").week("phone") is None
        assert found == [3, 2, 1]

    def test_country_without_a_profile_gets_one(self) -> None:
        with recovery(MARKETS={"CA": {"double_opt_in": [], "holidays": ["CA", "CA-QC"]}}):
            market = market_for("CA")
        assert (market.double_opt_in, market.calendars) == ((), ("CA", "CA-QC"))

    def test_settings_that_change_are_read_again(self) -> None:
        with recovery(MARKETS={}):
            assert market_for("DE").week("phone") is not None
        assert market_for("DE").week("phone") is None


@override_settings(CART_RECOVERY={})
def test_shipped_windows() -> None:
    """PROVIDERS 2.1 and 2.4: inside the law of each US state, and of Italy (no SMS from 22 to 8)."""
    for country in ("DE", "AT", "CH", "IT", "GB", "JP"):
        assert market_for(country).week("phone") == (DAY,) * 6 + ((), ())
    assert market_for("US").week("phone") == (((600, 1080),),) * 5 + (((600, 1020),), (), ())
    assert US_HOURS != DAYTIME
    assert [market for market in PROFILES if market.week("email") is not None] == []
