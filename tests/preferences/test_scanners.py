"""Whoever fetches the links of our messages before the reader does changes nothing."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone

from cart_recovery import models
from cart_recovery.campaigns.defaults import install_defaults as install_campaigns
from cart_recovery.campaigns.order_wants import KINDS
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.consent import notices, opt_ins
from cart_recovery.consent.wordings import current
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import MessageTemplate, NoticeKind, Purpose
from cart_recovery.reviews.links import rating_urls, review_url
from tests.factories import (
    make_basket,
    make_campaign,
    make_cart,
    make_consent,
    make_contact,
    make_followup,
    make_product,
)
from tests.orders.kit import make_order
from tests.reviews import kit as review_kit

pytestmark = pytest.mark.django_db

BASE = "https://shop.example"
URL = re.compile(r"(?:https?:)//[^\s\"'<>()]+", re.IGNORECASE)
SCANNERS = {
    "a mail scanner": "Mozilla/5.0 (compatible; SafeLinksBot/1.0; bot)",
    "a scanner that hides": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0",
}
#: what page views of the shop leave: sessions, counters, smaller pictures
COUNTING = {"sessions", "analytics", "thumbnail"}


@pytest.fixture(autouse=True)
def outbox() -> Iterator[list[Any]]:
    LocmemChannel.reset()
    yield LocmemChannel.outbox
    LocmemChannel.reset()


@pytest.fixture(autouse=True)
def at_any_hour(settings: Any) -> None:
    """Whether it is night where the tests run is not the question here."""
    settings.CART_RECOVERY = {
        **settings.CART_RECOVERY,
        "MARKETS": {"*": {"windows": {"phone": None}}},
    }


#: beginning of a template's code -> what sets it going, and the status of such an order
ABOUT_ORDERS = {
    "order-unpaid": (models.Trigger.ORDER_UNPAID, "Pending payment"),
    "order-shipped": (models.Trigger.ORDER_SHIPPED, "Shipped"),
    "order-partly-shipped": (models.Trigger.ORDER_PARTLY_SHIPPED, "Shipped"),
    "order-delivered": (models.Trigger.ORDER_DELIVERED, "Delivered"),
    "order-delayed": (models.Trigger.ORDER_DELAYED, "Delayed"),
    "order-returned": (models.Trigger.ORDER_RETURNED, "Returned"),
    "order-refunded": (models.Trigger.ORDER_REFUNDED, "Refunded"),
    "review-request": (models.Trigger.REVIEW_REQUEST, "Delivered"),
    "cross-sell": (models.Trigger.CROSS_SELL, "Delivered"),
}


def person(n: int) -> models.Contact:
    """Somebody who agreed to cart reminders on both channels."""
    contact = make_contact(phone=f"+49151123{n:05d}", country="DE")
    return make_consent(contact, "email", "sms")


def send_campaigns(now: dt.datetime) -> int:
    """One message of each shipped template, to somebody else each time."""
    install_campaigns()
    templates = MessageTemplate.objects.filter(about="cart")
    templates = templates.order_by("code", "channel", "language")
    sent = 0
    for n, template in enumerate(templates):
        campaign = make_campaign(channels=(template.channel,))
        models.Variant.objects.filter(step__campaign=campaign).update(template_code=template.code)
        step = campaign.steps.get()
        step.incentive = models.Incentive.objects.first()
        step.save()
        followup = make_followup(
            contact=person(n), campaign=campaign, due_at=now - dt.timedelta(minutes=1)
        )
        models.TrackedCart.objects.filter(pk=followup.enrolment.cart_id).update(
            language=template.language
        )
        sent += 1
    return sent


def send_order_campaigns(now: dt.datetime) -> int:
    """One message of each shipped template about orders, of an order of somebody else each time."""
    beside = make_product()
    templates = MessageTemplate.objects.filter(about="order")
    for n, template in enumerate(templates.order_by("code", "channel", "language"), 100):
        trigger, status = next(
            found for code, found in ABOUT_ORDERS.items() if template.code.startswith(code)
        )
        campaign = make_campaign(trigger=trigger, channels=(template.channel,))
        models.Variant.objects.filter(step__campaign=campaign).update(template_code=template.code)
        contact = make_consent(
            person(n), "email", "sms",
            purpose=models.FIXED_PURPOSES.get(trigger, Purpose.CART_REMINDER),
        )  # fmt: skip
        product = make_product()
        product.primary_recommendations.create(recommendation=beside)
        order = make_order(product, email=contact.email, phone=str(contact.phone), status=status)
        tracked = models.TrackedOrder.objects.get(order=order)
        enrolment = models.Enrolment.objects.create(
            campaign=campaign, contact=contact, order=tracked, clock_at=now, enrolled_at=now
        )
        line = order.lines.get()
        models.EnrolledLine.objects.create(enrolment=enrolment, line=line)
        if trigger in KINDS:
            models.OrderMilestone.objects.create(
                tracked=tracked, kind=KINDS[trigger], line=line, quantity=line.quantity, group="",
                reached_at=now,
            )  # fmt: skip
        due_at = now - dt.timedelta(minutes=1)
        models.FollowUp.objects.create(
            enrolment=enrolment, step=campaign.steps.get(), planned_for=due_at, due_at=due_at
        )
    return len(templates)


def send_notices(now: dt.datetime) -> int:
    """One notice of each kind on each channel."""
    planned = 0
    for n, channel in enumerate(("email", "sms"), 500):
        contact = person(n)
        basket = make_basket(make_product())
        make_cart(basket, contact)
        for kind in NoticeKind:
            if kind is NoticeKind.TEST:
                # staff's own; its links lead nowhere
                continue
            if kind is NoticeKind.OPT_IN:
                asked = opt_ins.ask(
                    make_contact(phone=f"+49151124{n:05d}", country="DE"), channel=channel,
                    wording=current(f"capture-{channel}", "de"), source="test", now=now,
                )  # fmt: skip
                assert asked is not None
            else:
                about: dict[str, Any] = {}
                if kind is NoticeKind.SAVED_BASKET:
                    about = {"basket_id": basket.pk}
                if kind is NoticeKind.RATING_THANKS:
                    rating = models.ServiceRating.objects.create(
                        order=review_kit.make_order(), contact=contact, score=2, best=1, worst=6,
                        source="sms", rated_at=now,
                    )  # fmt: skip
                    about = {"content": {"rating": rating.pk}}
                assert notices.plan(kind, contact, channel=channel, now=now, **about)
            planned += 1
    return planned


def urls_of(message: Any) -> set[str]:
    """Every address in the HTML, the text and the headers of a message."""
    parts = [html.unescape(message.html), message.text, *message.headers.values()]
    return {found.rstrip(".,;") for part in parts for found in URL.findall(part)}


def rows() -> dict[str, list[Any]]:
    """All rows of all models of the project, but clicks of machines and what any page view leaves."""
    found = {}
    for model in apps.get_models():
        if model._meta.app_label in COUNTING or not model._meta.managed:
            continue
        kept = model._base_manager.order_by("pk")
        if model is models.LinkClick:
            kept = kept.filter(is_machine=False)
        found[model._meta.label] = list(kept.values())
    return found


@override_settings(
    CART_RECOVERY={**settings.CART_RECOVERY, "UNPAID_ORDER_STATUSES": ["Pending payment"]}
)
def test_no_row_changes_when_scanners_fetch_every_link_of_every_message(outbox: list[Any]) -> None:
    now = timezone.now()
    expected = send_campaigns(now) + send_order_campaigns(now) + send_notices(now)
    deliver_due(clock=lambda: now)
    reasons = list(models.FollowUp.objects.exclude(state="sent").values_list("reason", flat=True))
    reasons += models.Notice.objects.exclude(state="sent").values_list("kind", "reason")
    assert len(outbox) == expected, reasons

    urls = {url for message in outbox for url in urls_of(message)}
    token = review_kit.make_link(review_kit.make_order())
    urls |= {review_url(token, "de"), *(url for _score, url in rating_urls(token, "de"))}
    paths = {url.removeprefix(BASE) for url in urls if url.startswith(BASE)}
    assert {url for url in urls if not url.startswith(BASE)} == set()
    kinds = {path.split("/")[2] for path in paths if path.startswith("/recovery/")}
    assert kinds >= {"r", "u", "p", "c", "d", "review"}
    before = rows()
    for user_agent in SCANNERS.values():
        for path in sorted(paths):
            for method in ("get", "head"):
                client = Client(headers={"User-Agent": user_agent})
                response = getattr(client, method)(path)
                assert response.status_code in (200, 302, 404), path
    assert rows() == before


def test_every_purpose_of_a_message_can_be_left_by_its_links(client: Client) -> None:
    """The page behind the footer opens for whatever a message was about."""
    from cart_recovery.consent.unsubscribe import preferences_url

    contact = person(1)
    for purpose in Purpose.values:
        for channel in ("email", "sms"):
            url = preferences_url(contact.pk, channel, purpose, "de").removeprefix(BASE)
            assert client.get(url).status_code == 200
