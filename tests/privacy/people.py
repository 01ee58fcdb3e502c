"""A person of whom there is a row in every table, each with something of theirs in it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.utils import timezone
from django_q.models import Task
from oscar.core.loading import get_model
from oscar.test.factories import create_order

from cart_recovery import models
from cart_recovery.consent import data_links, wordings
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.restore_links.tokens import LinkRequest, create_links
from cart_recovery.reviews.links import ReviewRequest, create_review_tokens
from tests.factories import (
    make_basket,
    make_campaign,
    make_consent,
    make_contact,
    make_followup,
    make_product,
    make_user,
)
from tests.orders.kit import make_order

EMAIL = "Grete.Muster@example.de"
PHONE = "+4915112345678"
NAME = "Grete Muster"
#: every spelling under which the person could be found
SPELLINGS = (
    EMAIL, EMAIL.lower(), "grete.muster", NAME, "Grete", PHONE, PHONE[1:], "0151 12345678",
    "015112345678", "%2B4915112345678", "grete.muster%40example.de",
)  # fmt: skip


def make_known_person(*, user: Any = None, email: str = EMAIL, phone: str = PHONE) -> Any:
    """The contact; all that the app can hold on somebody hangs on it."""
    now = timezone.now()
    wordings.install_defaults()
    contact = make_contact(email, phone=phone, user=user, country="DE", time_zone="Europe/Berlin")
    make_consent(contact, "email", "sms")
    basket = make_basket(make_product("Lampe"), owner=user)
    followup = make_followup(contact=contact, basket=basket, campaign=make_campaign())
    _add_message(followup, contact, now)
    models.CheckoutTrouble.objects.create(
        cart=followup.enrolment.cart, contact=contact, kind=models.TroubleKind.PAYMENT_REFUSED,
        reason="card_expired", stage="checkout:preview", occurred_at=now,
    )  # fmt: skip
    _add_order(contact, now)
    _add_links(followup, contact, basket, now)
    _add_notice(contact, now)
    _add_foreign_rows(contact)
    models.Reply.objects.create(
        channel="sms", contact=contact, sender=phone, body=f"Bitte nicht, {NAME}",
        provider_message_id=f"SM{contact.pk}",
    )  # fmt: skip
    models.Reply.objects.create(
        channel="sms", sender=phone, body=f"Nochmal {NAME}", provider_message_id=f"SN{contact.pk}"
    )
    digests = [address_digest("email", email), address_digest("phone", phone)]
    webhook = models.WebhookPayload.objects.create(
        channel="email",
        body=f'[{{"email": "{email}", "event": "open"}}, {{"email": "fremd@example.de"}}]',
    )
    models.WebhookMention.objects.create(webhook=webhook, address_digest=digests[0])
    models.SuppressionChange.objects.create(
        channel="sms", address_digest=digests[1], change="added", note=f"{NAME} rief an"
    )
    data_links.create(contact.pk, now)
    _add_opinions(contact, basket, now)
    return contact


def _add_opinions(contact: Any, basket: Any, now: dt.datetime) -> None:
    """What the person said of an order, and what staff did about it."""
    order = create_order(number=f"P{contact.pk}", basket=basket)
    line = order.lines.get()
    create_review_tokens([ReviewRequest(contact.pk, order.pk, (line.pk,), None)], now)
    review = get_model("reviews", "ProductReview").objects.create(
        product=line.product, score=2, title="Naja", body="Geht so.", name=NAME, email=EMAIL
    )
    row = models.LineReview(
        line=line, order=order, contact=contact, link=models.ReviewLink.objects.latest("pk"),
        review=review, written_at=now,
    )  # fmt: skip
    row.photo.save("photo.jpg", ContentFile(b"a picture of " + NAME.encode()))
    models.ServiceRating.objects.create(
        order=order, contact=contact, score=5, best=1, worst=6, source="sms", rated_at=now,
        comment=f"Rufen Sie mich an: {PHONE}",
    )  # fmt: skip
    models.StaffTask.objects.create(
        kind="low_rating", order=order, contact=contact, opened_at=now, note=f"{NAME} angerufen"
    )
    models.VoucherGrant.objects.create(
        thanked_order=order, contact=contact, code="DANKE-10", expires_at=now, created_at=now
    )


def _add_message(followup: Any, contact: Any, now: dt.datetime) -> None:
    message = models.Message.objects.create(
        followup=followup, contact=contact, channel="email", language="de",
        state=models.MessageState.BOUNCED, detail=f"550 <{contact.email}> unknown",
        to_address=contact.email, address_digest=address_digest("email", contact.email),
        subject=f"Hallo {NAME}", html=f"<p>{NAME}</p>", text=f"Hallo {NAME}",
        provider_message_id=f"sg-{followup.pk}", sending_at=now, created_at=now,
    )  # fmt: skip
    models.DeliveryEvent.objects.create(
        message=message, channel="email", kind="bounced", occurred_at=now,
        dedupe_key=f"e{message.pk}", detail=f"550 <{contact.email}> unknown",
    )  # fmt: skip
    models.Conversion.objects.create(
        order_number=f"1000{message.pk}", contact=contact, cart=followup.enrolment.cart,
        message=message, channel="email", basis="click", amount="19.99", currency="EUR",
        credited_at=now,
    )  # fmt: skip
    models.VoucherGrant.objects.create(
        followup=followup, code="LAMPE-10", expires_at=now, created_at=now
    )


def _add_order(contact: Any, now: dt.datetime) -> None:
    order = make_order(email=contact.email)
    tracked = models.TrackedOrder.objects.get(order=order)
    models.TrackedOrder.objects.filter(pk=tracked.pk).update(contact=contact, language="de")
    models.OrderMilestone.objects.create(
        tracked=tracked, kind=models.Milestone.SHIPPED, line=order.lines.get(), quantity=1,
        key="1", group="g", reached_at=now,
    )  # fmt: skip
    enrolment = models.Enrolment.objects.create(
        campaign=make_campaign(trigger=models.Trigger.ORDER_SHIPPED), contact=contact,
        order=tracked, key="g", clock_at=now, enrolled_at=now,
    )  # fmt: skip
    models.EnrolledLine.objects.create(enrolment=enrolment, line=order.lines.get())


def _add_links(followup: Any, contact: Any, basket: Any, now: dt.datetime) -> None:
    create_links([LinkRequest(followup.pk, contact.pk, followup.enrolment.cart_id)], now)
    link = models.RestoreLink.objects.get(followup=followup)
    models.RestoreLink.objects.filter(pk=link.pk).update(clicked_at=now, restored_basket=basket)
    models.LinkClick.objects.create(link=link, visit="v" * 20, clicked_at=now, basket=basket)


def _add_notice(contact: Any, now: dt.datetime) -> None:
    wording = models.ConsentWording.objects.filter(channel="sms").first()
    digest = address_digest("phone", str(contact.phone))
    opt_in = models.OptIn.objects.create(
        contact=contact, channel="sms", purposes=["cart_reminder"], wording=wording,
        address_digest=digest, token_hash=f"h{contact.pk}", language="de", source="checkout",
        requested_at=now, expires_at=now + dt.timedelta(days=14),
    )  # fmt: skip
    notice = models.Notice.objects.create(
        kind=models.NoticeKind.OPT_IN, contact=contact, channel="sms", address_digest=digest,
        language="de", opt_in=opt_in, created_at=now, due_at=now, expires_at=now,
    )  # fmt: skip
    models.Message.objects.create(
        notice=notice, contact=contact, channel="sms", language="de", to_address=str(contact.phone),
        address_digest=digest, text=f"Antworten Sie JA, {NAME}", sending_at=now, created_at=now,
        state=models.MessageState.SENT,
    )  # fmt: skip


def _add_foreign_rows(contact: Any) -> None:
    Task.objects.create(
        id=f"task{contact.pk}", name="fail", func="cart_recovery.tasks.deliver",
        started=timezone.now(), stopped=timezone.now(), success=False,
        result=f"Traceback: {contact.email}",
    )  # fmt: skip
    LogEntry.objects.create(
        user=make_user("chefin@example.de", is_staff=True), action_flag=CHANGE,
        content_type=ContentType.objects.get_for_model(models.Contact), object_id=str(contact.pk),
        object_repr=str(contact.email), change_message="",
    )  # fmt: skip


def traces(spellings: tuple[str, ...] = SPELLINGS) -> list[str]:
    """Where any of the spellings stands in a table of ours, of the queue or of the admin log."""
    found = []
    for label in ("cart_recovery", "django_q", "admin", "reviews"):
        for model in apps.get_app_config(label).get_models():
            for row in model._base_manager.values():
                text = " ".join(map(str, row.values())).casefold()
                found += [
                    f"{model.__name__} {row}" for s in spellings if s.casefold() in text
                ]  # fmt: skip
    return found
