"""Taking the person out of rows that stay for the sake of their numbers.

Each function takes a query of rows, empties them in a constant number of statements and gives back
how many there were. Emptying twice changes nothing.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable
from typing import Any, Final

from django.db import transaction
from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat, Least

from cart_recovery.models import (
    CartState,
    Contact,
    Conversion,
    DeliveryEvent,
    LineReview,
    LinkClick,
    Message,
    Notice,
    OptIn,
    OptInState,
    OrderMilestone,
    Reply,
    RestoreLink,
    ReviewLink,
    ServiceRating,
    StaffTask,
    TrackedCart,
    TrackedOrder,
    VoucherGrant,
    WebhookMention,
    WebhookPayload,
)
from cart_recovery.reviews.writing import anonymous_name
from cart_recovery.shop.reviews import forget_authors

#: stands in unique columns before the row's own key: no token, order or visit looks like it
EMPTIED: Final = "emptied-"
OPEN_CARTS: Final = (CartState.ACTIVE, CartState.ABANDONED)


def empty_contacts(contact_ids: list[int], now: dt.datetime) -> int:
    """Addresses, account and everything else that the person told us."""
    return Contact.objects.filter(pk__in=contact_ids, erased_at__isnull=True).update(
        user=None, email="", email_key=None, phone=None, language="", country="", time_zone="",
        preferred_channel="", paused_until=None, erased_at=now,
    )  # fmt: skip


def empty_messages(messages: QuerySet[Message], now: dt.datetime) -> int:
    """Recipient and texts. What the message did for the shop is still counted."""
    return messages.update(
        to_address="", address_digest="", subject="", html="", text="", detail="",
        provider_message_id="", emptied_at=now,
    )  # fmt: skip


def empty_events(events: QuerySet[DeliveryEvent]) -> int:
    """Mail servers like to name the recipient in what they say."""
    return events.exclude(detail="").update(detail="")


def empty_links(links: QuerySet[RestoreLink], now: dt.datetime) -> int:
    """The link works no longer and says nothing of the basket; that it was followed stays."""
    return links.exclude(token_hash__startswith=EMPTIED).update(
        token_hash=_own_key(), contents=[], restored_basket=None,
        expires_at=Least(F("expires_at"), Value(now)),
    )  # fmt: skip


def empty_clicks(clicks: QuerySet[LinkClick]) -> int:
    return clicks.exclude(visit__startswith=EMPTIED).update(visit=_own_key(), basket=None)


def empty_carts(carts: QuerySet[TrackedCart], now: dt.datetime) -> int:
    """Whose cart it was, and of which basket. One that was still open is over."""
    carts.filter(state__in=OPEN_CARTS).update(state=CartState.DELETED, closed_at=now)
    return carts.update(contact=None, basket=None, order=None, language="", credited_at=now)


def empty_orders(orders: QuerySet[TrackedOrder], milestones: QuerySet[OrderMilestone]) -> int:
    """Whose order it was, and which; how far it got stays as a number."""
    milestones.update(line=None)
    return orders.update(contact=None, order=None, language="", named_digest="", changed_at=None)


def empty_conversions(conversions: QuerySet[Conversion]) -> int:
    """Which order it was. A refund that comes later can no longer take the credit back."""
    return conversions.exclude(order_number__startswith=EMPTIED).update(
        contact=None, order=None, order_number=_own_key()
    )


def empty_replies(replies: QuerySet[Reply]) -> int:
    return replies.exclude(sender="", body="").update(contact=None, sender="", body="")


def empty_notices(notices: QuerySet[Notice]) -> int:
    return notices.update(address_digest="", language="", basket=None, content=None)


def empty_opt_ins(opt_ins: QuerySet[OptIn], now: dt.datetime) -> int:
    """What was asked for and not confirmed is cancelled; a confirmed one has its proof elsewhere."""
    opt_ins.filter(state=OptInState.PENDING).update(state=OptInState.CANCELLED, settled_at=now)
    return opt_ins.update(
        address_digest="", token_hash=None, language="", source_url="", basket=None
    )


def empty_review_links(links: QuerySet[ReviewLink], now: dt.datetime) -> int:
    """The link works no longer and says nothing of the order; that it was answered stays."""
    return links.exclude(token_hash__startswith=EMPTIED).update(
        token_hash=_own_key(), order=None, line_ids=[], expires_at=Least(F("expires_at"), Value(now)),
    )  # fmt: skip


def empty_reviews(reviews: QuerySet[LineReview]) -> int:
    """What was said of a product stays the shop's, as a verified purchase of nobody's: without name,
    address and photo. Of a registered user's review the account says whose it is, and that is the
    shop's to erase."""
    rows = list(reviews.exclude(contact=None, order=None, photo=""))
    forget_authors({row.review_id for row in rows} - {None}, name=anonymous_name())
    delete_photos(rows)
    return LineReview.objects.filter(pk__in=[row.pk for row in rows]).update(
        contact=None, order=None, line=None, link=None, photo=""
    )


def delete_photos(rows: Iterable[LineReview]) -> None:
    """The files, once it is certain that no row names them any more."""
    for row in rows:
        if row.photo:
            remove = functools.partial(row.photo.storage.delete, str(row.photo.name))
            transaction.on_commit(remove, robust=True)


def empty_ratings(ratings: QuerySet[ServiceRating]) -> int:
    """The number stays."""
    return ratings.update(contact=None, order=None, comment="")


def empty_tasks(tasks: QuerySet[StaffTask], now: dt.datetime) -> int:
    """Nobody is left to look after."""
    tasks.filter(closed_at=None).update(closed_at=now)
    return tasks.update(contact=None, order=None, note="")


def empty_thanks(grants: QuerySet[VoucherGrant]) -> int:
    """The voucher goes with its time, whoever it was for."""
    return grants.update(contact=None, thanked_order=None)


def empty_webhooks(address_digests: set[str]) -> int:
    """Kept webhooks that speak of an address: their text goes, whoever else it speaks of."""
    mentions = WebhookMention.objects.filter(address_digest__in=address_digests)
    ids = set(mentions.values_list("webhook_id", flat=True))
    emptied = WebhookPayload.objects.filter(pk__in=ids).exclude(body="").update(body="")
    WebhookMention.objects.filter(webhook_id__in=ids).delete()
    return emptied


def of_contacts(contact_ids: list[int], *, through: str = "contact") -> Q:
    return Q(**{f"{through}__in": contact_ids})


def _own_key() -> Any:
    return Concat(Value(EMPTIED), Cast("pk", CharField()), output_field=CharField())
