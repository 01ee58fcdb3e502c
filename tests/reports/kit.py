"""Rows of a past day, as the app would have left them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from cart_recovery import models
from cart_recovery.models import DailyFigure
from tests.factories import (
    counter,
    make_basket,
    make_campaign,
    make_cart,
    make_contact,
    make_product,
)

BERLIN = ZoneInfo("Europe/Berlin")
DAY = dt.date(2026, 6, 10)
#: in the middle of DAY
NOON = dt.datetime(2026, 6, 10, 12, tzinfo=BERLIN)
LATER = dt.timedelta(hours=1)
ONE_DAY = dt.timedelta(days=1)
#: DAY is over and stands
AFTER = NOON + ONE_DAY


def make_message(
    at: dt.datetime = NOON, *, campaign: models.Campaign | None = None, cart: Any = None,
    state: str = models.MessageState.DELIVERED, **values: Any,
) -> models.Message:  # fmt: skip
    """A follow-up's message that was handed over at that moment."""
    contact = values.pop("contact", None) or (cart.contact if cart else make_contact())
    campaign = campaign or make_campaign()
    cart = cart or make_cart(make_basket(make_product()), contact, last_activity_at=at)
    enrolment, _made = models.Enrolment.objects.get_or_create(
        campaign=campaign,
        cart=cart,
        defaults={"contact": contact, "clock_at": at, "enrolled_at": at},
    )
    used = enrolment.followups.values_list("step_id", flat=True)
    step = campaign.steps.exclude(pk__in=used).order_by("position")[0]
    followup = models.FollowUp.objects.create(
        enrolment=enrolment, step=step, variant=step.variants.first(), planned_for=at, due_at=at,
        state=models.FollowUpState.DONE,
    )  # fmt: skip
    is_accepted = state not in (models.MessageState.SENDING, models.MessageState.UNKNOWN)
    defaults = {
        "channel": "email", "language": "de", "sending_at": at, "created_at": at,
        "sent_at": at if is_accepted else None,
        "delivered_at": at if state == models.MessageState.DELIVERED else None,
        "to_address": contact.email, "address_digest": f"digest-{contact.pk}",
    }  # fmt: skip
    return models.Message.objects.create(
        followup=followup, contact=contact, state=state, **{**defaults, **values}
    )


def make_click(
    message: models.Message, at: dt.datetime = NOON + LATER, *, is_machine: bool = False
) -> models.LinkClick:
    followup = message.followup
    assert followup is not None
    link = models.RestoreLink.objects.create(
        token_hash=f"hash-{next(counter)}", contact=message.contact, cart=followup.enrolment.cart,
        followup=followup, created_at=at, expires_at=at + 30 * ONE_DAY,
    )  # fmt: skip
    return models.LinkClick.objects.create(
        link=link, visit=str(next(counter)), clicked_at=at, is_machine=is_machine
    )


def make_conversion(
    message: models.Message, at: dt.datetime = NOON + LATER, amount: str = "50.00", **values: Any
) -> models.Conversion:
    followup = message.followup
    assert followup is not None
    return models.Conversion.objects.create(
        order_number=f"n-{next(counter)}", contact=message.contact, message=message,
        campaign=followup.enrolment.campaign, step=followup.step, channel=message.channel,
        basis=models.CreditBasis.CLICK, amount=Decimal(amount), credited_at=at,
        **{"currency": "EUR", **values},
    )  # fmt: skip


def make_event(
    message: models.Message | None, kind: str, at: dt.datetime = NOON + LATER
) -> models.DeliveryEvent:
    event = models.DeliveryEvent.objects.create(
        message=message, channel="email", kind=kind, occurred_at=at,
        dedupe_key=f"key-{next(counter)}",
    )  # fmt: skip
    models.DeliveryEvent.objects.filter(pk=event.pk).update(received_at=at)
    return event


def figures(measure: str, *fields: str, day: dt.date | None = DAY) -> list[tuple[Any, ...]]:
    """The day's figures of a measure: these fields of each, sorted."""
    rows = DailyFigure.objects.filter(measure=measure)
    rows = rows if day is None else rows.filter(day=day)
    return sorted(rows.values_list(*(fields or ("count",))))
