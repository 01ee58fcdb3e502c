"""Credits orders to the messages that brought them about: once per order, by the last human click."""

from __future__ import annotations

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from cart_recovery.attribution.reversals import take_back
from cart_recovery.conf import conf
from cart_recovery.contacts.addresses import normalize_email, parse_phone
from cart_recovery.exceptions import InvalidAddressError
from cart_recovery.models import (
    Campaign,
    CartState,
    Contact,
    Conversion,
    CreditBasis,
    LinkClick,
    Message,
    TrackedCart,
)
from cart_recovery.shop.cancelling import is_cancelled
from cart_recovery.shop.orders import OrderFacts, load_orders
from cart_recovery.signals import order_credited

logger = logging.getLogger(__name__)


def credit_order(order_id: int, now: dt.datetime | None = None) -> Conversion | None:
    """The conversion of an order, made now if there is reason to; None if it is nobody's merit.

    Doing it twice, or in two processes at once, makes no second one.
    """
    return credit_orders([order_id], now or timezone.now()).get(order_id)


def credit_pending(now: dt.datetime, limit: int) -> int:
    """Credits orders of up to `limit` tracked carts that nobody looked at yet; how many it did.

    The net under the receivers, for orders whose signal was lost. Served by a partial index,
    constant queries per call.
    """
    pending = TrackedCart.objects.filter(state=CartState.ORDERED, credited_at__isnull=True)
    carts = list(pending.order_by("closed_at", "pk").values_list("pk", "order_id")[:limit])
    if not carts:
        return 0
    order_ids = {order_id for _pk, order_id in carts if order_id is not None}
    known = set(
        Conversion.objects.filter(order_id__in=order_ids).values_list("order_id", flat=True)
    )
    credited = credit_orders(order_ids - known, now)
    TrackedCart.objects.filter(pk__in=[pk for pk, _order_id in carts]).update(credited_at=now)
    return len(credited)


def credit_orders(order_ids: Collection[int], now: dt.datetime) -> dict[int, Conversion]:
    """The conversions of these orders, by order id. Constant queries whatever their number."""
    found = _conversions(order_ids)
    orders = load_orders(set(order_ids) - set(found))
    standing = [o for o in orders.values() if not is_cancelled(o.status)]
    if not standing:
        return found
    chosen = _choose_clicks(standing)
    rows = [_conversion(order, chosen[order.order_id], now) for order in standing
            if order.order_id in chosen]  # fmt: skip
    if not rows:
        return found
    _add_messages(rows, chosen)
    with transaction.atomic():
        # the unique order forbids a second one, whoever is at it in the same moment
        Conversion.objects.bulk_create(rows, ignore_conflicts=True)
        stored = _conversions([row.order_id for row in rows if row.order_id is not None])
        made = [conversion for conversion in stored.values() if conversion.credited_at == now]
        TrackedCart.objects.filter(order_id__in=stored, credited_at__isnull=True).update(
            credited_at=now
        )
        # the sweep may come after the refund
        take_back(list(stored), now)
        transaction.on_commit(partial(_announce, made), robust=True)
    return found | stored


def _conversions(order_ids: Collection[int]) -> dict[int, Conversion]:
    rows = Conversion.objects.filter(order_id__in=set(order_ids))
    return {row.order_id: row for row in rows if row.order_id is not None}


def _choose_clicks(orders: Sequence[OrderFacts]) -> dict[int, LinkClick]:
    """The last click before each order that counts for it, by order id."""
    contacts = _contacts_of(orders)
    contact_ids = {pk for keys in contacts.values() for pk in keys}
    longest = _longest_window()
    earliest = min(order.placed_at for order in orders) - longest
    baskets = {order.basket_id for order in orders if order.basket_id is not None}
    recent = Q(link__contact_id__in=contact_ids) | Q(link__cart__basket_id__in=baskets)
    clicks = (
        LinkClick.objects.filter(
            Q(basket_id__in=baskets) | (recent & Q(clicked_at__gte=earliest)), is_machine=False
        )
        .select_related("link__cart", "link__followup__step__campaign")
        .defer("link__contents")
        .order_by("clicked_at", "pk")
    )
    chosen = {}
    for click in clicks:
        for order in orders:
            if _counts(click, order, contacts[order.order_id]):
                chosen[order.order_id] = click
    return chosen


def _counts(click: LinkClick, order: OrderFacts, contact_ids: Collection[int]) -> bool:
    if click.clicked_at > order.placed_at:
        return False
    if order.basket_id is not None and click.basket_id == order.basket_id:
        # the very basket that the click led to: however long the shopper took
        return True
    is_theirs = click.link.contact_id in contact_ids or (
        order.basket_id is not None and click.link.cart.basket_id == order.basket_id
    )
    return is_theirs and order.placed_at - click.clicked_at <= _window(click)


def _window(click: LinkClick) -> dt.timedelta:
    followup = click.link.followup
    own = followup.step.campaign.attribution_window if followup else None
    return conf.ATTRIBUTION_WINDOW if own is None else own


def _longest_window() -> dt.timedelta:
    longest = Campaign.objects.aggregate(longest=Max("attribution_window"))["longest"]
    return max(conf.ATTRIBUTION_WINDOW, longest or dt.timedelta(0))


def _contacts_of(orders: Iterable[OrderFacts]) -> Mapping[int, set[int]]:
    """Keys of the contacts that stand for an order's buyer: the same user, mail or number."""
    users: dict[object, set[int]] = defaultdict(set)
    emails: dict[str, set[int]] = defaultdict(set)
    phones: dict[str, set[int]] = defaultdict(set)
    for order in orders:
        if order.user_id is not None:
            users[order.user_id].add(order.order_id)
        for key in _email_key(order):
            emails[key].add(order.order_id)
        for number in _number(order):
            phones[number].add(order.order_id)
    rows = Contact.objects.filter(
        Q(user_id__in=list(users)) | Q(email_key__in=list(emails)) | Q(phone__in=list(phones))
    )
    contacts: dict[int, set[int]] = defaultdict(set)
    for pk, user_id, email_key, phone in rows.values_list("pk", "user_id", "email_key", "phone"):
        number = phone.as_e164 if phone else ""
        for order_id in (
            users.get(user_id, set())
            | emails.get(email_key or "", set())
            | phones.get(number, set())
        ):
            contacts[order_id].add(pk)
    return contacts


def _email_key(order: OrderFacts) -> list[str]:
    try:
        return [normalize_email(order.email)[1]] if order.email else []
    except InvalidAddressError:
        return []


def _number(order: OrderFacts) -> list[str]:
    try:
        return [parse_phone(order.phone, order.country)] if order.phone else []
    except InvalidAddressError:
        return []


def _conversion(order: OrderFacts, click: LinkClick, now: dt.datetime) -> Conversion:
    link = click.link
    step = link.followup.step if link.followup else None
    is_restored = order.basket_id is not None and click.basket_id == order.basket_id
    return Conversion(
        order_id=order.order_id,
        order_number=order.number,
        contact_id=link.contact_id,
        cart_id=link.cart_id,
        campaign_id=step.campaign_id if step else None,
        step=step,
        basis=CreditBasis.RESTORED_BASKET if is_restored else CreditBasis.CLICK,
        amount=order.total_incl_tax,
        currency=order.currency,
        credited_at=now,
    )


def _add_messages(rows: Sequence[Conversion], chosen: Mapping[int, LinkClick]) -> None:
    """The message that carried the link, and its channel. One query, without the bodies."""
    followups = {order_id: click.link.followup_id or 0 for order_id, click in chosen.items()}
    messages = Message.objects.filter(followup_id__in=set(followups.values()))
    found = {m.followup_id: m for m in messages.only("pk", "followup_id", "channel")}
    for row in rows:
        message = found.get(followups[row.order_id or 0])
        row.message = message
        row.channel = message.channel if message else ""


def _announce(conversions: Sequence[Conversion]) -> None:
    for conversion in conversions:
        for _receiver, answer in order_credited.send_robust(
            sender=Conversion, conversion=conversion
        ):
            if isinstance(answer, Exception):
                logger.error("A receiver of order_credited failed", exc_info=answer)
