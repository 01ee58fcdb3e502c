"""The wall clock of every place a person may be in, on ordinary days and on odd nights."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from cart_recovery.markets.changes import read_windows
from cart_recovery.markets.hours import is_open, next_open, open_time
from cart_recovery.markets.profiles import Market, market_for
from cart_recovery.markets.zones import zones_of_country

BERLIN = ("Europe/Berlin",)


def at(text: str, zone: str = "Europe/Berlin", fold: int = 0) -> dt.datetime:
    """Wall time somewhere, in UTC."""
    return (
        dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(dt.UTC)
    )


@pytest.fixture(autouse=True)
def _shipped_markets():
    with override_settings(CART_RECOVERY={}):
        yield


def market(**days: str) -> Market:
    return Market("XX", (), windows=read_windows({"phone": days}), holidays=())


def opens(where: Market, zones: tuple[str, ...], moment: dt.datetime) -> dt.datetime | None:
    return next_open(where, "phone", zones, moment)


class TestGermany:
    @pytest.mark.parametrize(
        ("moment", "expected"),
        [
            ("2026-11-20 07:59:59", "2026-11-20 08:00"),
            ("2026-11-20 08:00", "2026-11-20 08:00"),
            ("2026-11-20 19:59:59", "2026-11-20 19:59:59"),
            ("2026-11-20 20:00", "2026-11-21 08:00"),
            # Saturday evening to Monday
            ("2026-11-21 20:00", "2026-11-23 08:00"),
            ("2026-11-22 12:00", "2026-11-23 08:00"),
            # a Saturday that is German Unity Day, with a Sunday after it
            ("2026-10-03 12:00", "2026-10-05 08:00"),
            # Christmas: Friday and Saturday
            ("2026-12-24 20:00", "2026-12-28 08:00"),
            # Good Friday, and Easter Monday
            ("2026-04-02 20:00", "2026-04-04 08:00"),
            ("2026-04-06 12:00", "2026-04-07 08:00"),
        ],
    )
    def test_sundays_holidays_and_nights_are_quiet(self, moment: str, expected: str) -> None:
        assert opens(market_for("DE"), BERLIN, at(moment)) == at(expected)
        assert is_open(market_for("DE"), "phone", BERLIN, at(moment)) == (moment == expected)

    def test_mail_has_no_quiet_hours(self) -> None:
        night = at("2026-12-25 03:00")
        assert is_open(market_for("DE"), "email", BERLIN, night)
        assert next_open(market_for("DE"), "email", BERLIN, night) == night

    def test_holidays_of_a_part_count_where_the_shop_says_so(self) -> None:
        """Corpus Christi (4 June 2026) is one in Bavaria."""
        morning = at("2026-06-04 10:00")
        assert is_open(market_for("DE"), "phone", BERLIN, morning)
        changed = {"MARKETS": {"DE": {"holidays": ["DE", "DE-BY"]}}}
        with override_settings(CART_RECOVERY=changed):
            assert not is_open(market_for("DE"), "phone", BERLIN, morning)

    def test_each_country_has_holidays_of_its_own(self) -> None:
        """1 May is one in Germany and in Austria, 26 October in Austria alone."""
        national_day = at("2026-10-26 10:00")
        assert is_open(market_for("DE"), "phone", BERLIN, national_day)
        assert not is_open(market_for("AT"), "phone", ("Europe/Vienna",), national_day)


class TestClockChanges:
    """Europe/Berlin: 2026-03-29 02:00 becomes 03:00; 2026-10-25 03:00 becomes 02:00."""

    def test_opening_that_does_not_exist_is_the_moment_after_the_gap(self) -> None:
        where = market(**{"mon-sun": "02:30-20:00"})
        assert opens(where, BERLIN, at("2026-03-29 01:00")) == at("2026-03-29 03:00")

    def test_window_that_lies_in_the_gap_does_not_open_that_night(self) -> None:
        where = market(**{"mon-sun": "02:00-03:00"})
        assert opens(where, BERLIN, at("2026-03-29 01:00")) == at("2026-03-30 02:00")

    def test_window_opens_on_both_passes_of_a_repeated_hour(self) -> None:
        where = market(**{"mon-sun": "02:30-02:45"})
        first, second = at("2026-10-25 02:30"), at("2026-10-25 02:30", fold=1)
        assert second - first == dt.timedelta(hours=1)
        assert opens(where, BERLIN, at("2026-10-25 01:00")) == first
        assert opens(where, BERLIN, first + dt.timedelta(minutes=15)) == second
        assert not is_open(where, "phone", BERLIN, first + dt.timedelta(minutes=30))

    def test_window_that_is_over_opens_again_when_the_clock_goes_back(self) -> None:
        where = market(**{"mon-sun": "01:00-02:20"})
        assert opens(where, BERLIN, at("2026-10-25 02:20")) == at("2026-10-25 02:00", fold=1)

    def test_morning_after_is_by_the_new_clock(self) -> None:
        where = market(**{"mon-sun": "08:00-20:00"})
        spring = opens(where, BERLIN, at("2026-03-28 20:00"))
        autumn = opens(where, BERLIN, at("2026-10-24 20:00"))
        assert spring == dt.datetime(2026, 3, 29, 6, tzinfo=dt.UTC)
        assert autumn == dt.datetime(2026, 10, 25, 7, tzinfo=dt.UTC)

    def test_half_an_hour_is_a_clock_change_too(self) -> None:
        """Lord Howe: 2026-10-04 02:00 becomes 02:30; 2026-04-05 02:00 becomes 01:30."""
        where, howe = market(**{"mon-sun": "02:10-03:00"}), "Australia/Lord_Howe"
        found = opens(where, (howe,), at("2026-10-04 01:00", howe))
        assert found == at("2026-10-04 02:30", howe)
        where = market(**{"mon-sun": "01:00-01:45"})
        found = opens(where, (howe,), at("2026-04-05 01:45", howe))
        assert found == at("2026-04-05 01:30", howe, fold=1)


@pytest.mark.parametrize(
    ("zone", "utc"),
    [("Asia/Kolkata", "02:30"), ("Asia/Kathmandu", "02:15"), ("Australia/Eucla", "23:15")],
)
def test_zones_off_the_full_hour(zone: str, utc: str) -> None:
    where = market(**{"mon-sun": "08:00-20:00"})
    found = opens(where, (zone,), at("2026-06-10 00:00", zone))
    assert found == at("2026-06-10 08:00", zone)
    assert found is not None
    assert f"{found:%H:%M}" == utc


class TestSeveralZones:
    def test_message_waits_until_every_zone_is_awake(self) -> None:
        """+1 208 is Boise or Los Angeles (PROVIDERS 2.6)."""
        zones = ("America/Boise", "America/Los_Angeles")
        found = opens(market_for("US"), zones, at("2026-06-10 10:00", "America/Boise"))
        assert found == at("2026-06-10 10:00", "America/Los_Angeles")
        evening = at("2026-06-10 17:30", "America/Los_Angeles")
        assert not is_open(market_for("US"), "phone", zones, evening)

    @pytest.mark.parametrize("day", ["2026-01-14", "2026-01-17", "2026-07-15", "2026-07-18"])
    def test_whole_united_states_have_an_hour_in_common_each_working_day(self, day: str) -> None:
        zones = zones_of_country("US")
        assert {"Pacific/Honolulu", "America/Adak", "America/New_York"} <= set(zones)
        found = opens(market_for("US"), zones, at(f"{day} 00:00", "America/New_York"))
        assert found == at(f"{day} 10:00", "Pacific/Honolulu")

    def test_day_without_a_common_hour_is_passed_over(self) -> None:
        """Tarawa is a day ahead of New York by the calendar for most of the day."""
        where = market(wed="10:00-18:00", fri="00:00-24:00", sat="00:00-24:00")
        zones = ("America/New_York", "Pacific/Kiritimati")
        found = opens(where, zones, at("2026-06-09 12:00", "America/New_York"))
        assert found == at("2026-06-12 00:00", "America/New_York")

    def test_where_there_is_never_a_common_hour_there_is_none(self) -> None:
        where = market(**{"mon-sun": "08:00-12:00"})
        assert opens(where, ("America/New_York", "Asia/Tokyo"), at("2026-06-09 12:00")) is None

    def test_search_ends_after_the_horizon(self) -> None:
        where = Market(
            "XX", (), windows=read_windows({"phone": {"holidays": "08:00-20:00"}}), holidays=("DE",)
        )
        # from Whit Monday to German Unity Day there is no holiday
        assert opens(where, BERLIN, at("2026-05-25 20:00")) is None
        assert opens(where, BERLIN, at("2026-09-20 20:00")) == at("2026-10-03 08:00")


ZONES = st.sampled_from(
    ["Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York",
     "Pacific/Apia", "Africa/Casablanca", "America/St_Johns"]
)  # fmt: skip
#: any minute of two years
MOMENTS = st.integers(0, 2 * 365 * 24 * 60).map(
    lambda minutes: dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=minutes)
)


@given(
    moment=MOMENTS, zones=st.lists(ZONES, min_size=1, max_size=3, unique=True).map(tuple),
    begin=st.integers(0, 22), hours=st.integers(1, 23),
)  # fmt: skip
def test_next_opening_is_the_first_open_minute(
    moment: dt.datetime, zones: tuple[str, ...], begin: int, hours: int
) -> None:
    """Held against a search minute by minute with nothing but the definition of a wall clock."""
    end = min(begin + hours, 24)
    where = market(**{"mon-sat": f"{begin:02}:00-{end:02}:00"})

    def by_hand(minute: dt.datetime) -> bool:
        walls = [minute.astimezone(ZoneInfo(zone)) for zone in zones]
        return all(wall.weekday() < 6 and begin <= wall.hour < end for wall in walls)

    found = opens(where, zones, moment)
    days_apart = [moment + dt.timedelta(minutes=n) for n in range(3 * 1440)]
    expected = next((minute for minute in days_apart if by_hand(minute)), None)
    if expected is not None:
        assert found == expected
    else:
        assert found is None or (found > days_apart[-1] and by_hand(found))


@given(moment=MOMENTS, zones=st.lists(ZONES, min_size=1, max_size=2, unique=True).map(tuple),
       begin=st.integers(0, 22), hours=st.integers(1, 24), length=st.integers(0, 4 * 1440))  # fmt: skip
def test_open_time_is_the_number_of_open_minutes(
    moment: dt.datetime, zones: tuple[str, ...], begin: int, hours: int, length: int
) -> None:
    where = market(**{"mon-sat": f"{begin:02}:00-{min(begin + hours, 24):02}:00"})
    expected = sum(
        is_open(where, "phone", zones, moment + dt.timedelta(minutes=n)) for n in range(length)
    )
    until = moment + dt.timedelta(minutes=length)
    assert open_time(where, "phone", zones, moment, until) == dt.timedelta(minutes=expected)


def test_open_time_beyond_the_horizon_counts_as_a_whole() -> None:
    where = market(mon="08:00-20:00")
    begin = at("2026-06-08 00:00", "UTC")
    assert open_time(where, "phone", ("UTC",), begin, begin + dt.timedelta(days=20)) == (
        2 * dt.timedelta(hours=12) + dt.timedelta(days=6)
    )
    assert open_time(where, "phone", ("UTC",), begin, begin - dt.timedelta(days=1)) == (
        dt.timedelta(0)
    )
    assert open_time(where, "email", ("UTC",), begin, begin + dt.timedelta(days=2)) == (
        dt.timedelta(days=2)
    )
