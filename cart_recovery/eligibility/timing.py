"""Quiet hours and the rules of a person's market, asked for one channel of one follow-up."""

from __future__ import annotations

import datetime as dt

from cart_recovery.markets.hours import next_open, open_time
from cart_recovery.markets.profiles import market_of
from cart_recovery.markets.zones import zones_of
from cart_recovery.models import Contact, Enrolment


def opens_at(contact: Contact, address_kind: str, moment: dt.datetime) -> dt.datetime | None:
    """The first moment from this one on outside the person's quiet hours; None if none is near."""
    return next_open(market_of(contact), address_kind, zones_of(contact), moment)


def time_missed(
    contact: Contact, address_kind: str, planned_for: dt.datetime, moment: dt.datetime
) -> dt.timedelta:
    """How late a message is at this moment, quiet hours left out: nobody could send then."""
    return open_time(market_of(contact), address_kind, zones_of(contact), planned_for, moment)


def breaks_market_rule(
    enrolment: Enrolment, address_kind: str, arrives_at: dt.datetime | None, *, texts: int
) -> bool:
    """Whether the person's market forbids this message: no hour at which it may arrive (None), too
    many SMS for the cart (`texts` have been sent), or too long after it was left."""
    if arrives_at is None:
        return True
    if address_kind != "phone" or enrolment.cart_id is None:
        return False
    market = market_of(enrolment.contact)
    if market.sms_per_cart is not None and texts >= market.sms_per_cart:
        return True
    return market.sms_within is not None and arrives_at > enrolment.clock_at + market.sms_within
