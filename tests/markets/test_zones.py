"""Where a person may be, by what is known: own zone, address, number, the shop's market."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import override_settings

from cart_recovery.markets.zones import candidate_zones, zones_of, zones_of_country
from cart_recovery.models import Contact


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        # the surest fact first
        (("Asia/Kolkata", "DE", "+4915112345678"), ("Asia/Kolkata",)),
        (("", "IN", "+4915112345678"), ("Asia/Kolkata",)),
        (("", "np", ""), ("Asia/Kathmandu",)),
        (("", "", "+4915112345678"), ("Europe/Berlin",)),
        # an area code on a border (PROVIDERS 2.6)
        (("", "", "+12085551234"), ("America/Boise", "America/Los_Angeles")),
        # a British mobile number has four zones, three of them on islands of their own
        (("", "", "+447400123456"), ("Europe/London",)),
        # what nobody knows is passed over
        (("Europe/Atlantis", "", "+4915112345678"), ("Europe/Berlin",)),
        (("Etc/Unknown", "XX", "+12085551234"), ("America/Boise", "America/Los_Angeles")),
        (("../etc/passwd", "", "+4915112345678"), ("Europe/Berlin",)),
        (("America", "", "+4915112345678"), ("Europe/Berlin",)),
        # nothing known, or a number that belongs to no country: the shop's own market
        (("", "", ""), ("Europe/Berlin", "Europe/Busingen")),
        (("", "", "+8835100012345"), ("Europe/Berlin", "Europe/Busingen")),
        (("", "XX", "no number"), ("Europe/Berlin", "Europe/Busingen")),
    ],
)
def test_zones_are_those_of_the_surest_fact(
    facts: tuple[str, str, str], expected: tuple[str, ...]
) -> None:
    assert candidate_zones(*facts) == expected


def test_number_without_an_area_keeps_to_its_country() -> None:
    """+1 800 is known for dozens of zones, of a dozen countries."""
    zones = candidate_zones("", "", "+18005551234")
    assert set(zones) <= set(zones_of_country("US"))
    assert {"America/New_York", "America/Los_Angeles"} <= set(zones)


def test_shop_without_a_known_country_falls_back_on_its_own_zone() -> None:
    with override_settings(CART_RECOVERY={**settings.CART_RECOVERY, "DEFAULT_COUNTRY": "XX"}):
        assert candidate_zones("", "", "") == ("Europe/Berlin",)
        with override_settings(TIME_ZONE="UTC"):
            assert candidate_zones("", "", "") == ("UTC",)


def test_zones_of_a_contact() -> None:
    assert zones_of(Contact(phone="+4915112345678")) == ("Europe/Berlin",)
    assert zones_of(Contact(country="AT", phone="+4915112345678")) == ("Europe/Vienna",)
