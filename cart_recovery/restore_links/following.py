"""The deed behind a restore link: whoever holds it gets the basket into their own.

Never logs anyone in, never hands out the old basket itself, says nothing about the person.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import F
from django.http import HttpRequest

from cart_recovery.carts.tracking import touch
from cart_recovery.models import LinkClick, RestoreLink, VoucherGrant
from cart_recovery.restore_links.tokens import contents_of, find_link, hash_token
from cart_recovery.shop.orders import purchases_since
from cart_recovery.shop.redeeming import VoucherReport, redeem
from cart_recovery.shop.restoring import LineReport, LineStatus, fill_basket, lock_basket
from cart_recovery.shop.sources import (
    FROZEN,
    OPEN,
    Source,
    load_source,
    ordered_products,
    standing_orders,
)
from cart_recovery.signals import basket_restored

logger = logging.getLogger(__name__)

#: keys of the shopper's session; tracking reads the first one
CONTACT_KEY = "cart_recovery_contact"
LINK_KEY = "cart_recovery_link"
CLICK_KEY = "cart_recovery_click"
#: a second tap on the same showing of the page counts as the same visit for this long
DOUBLE_TAP = dt.timedelta(minutes=10)


class Outcome(StrEnum):
    RESTORED = "restored"
    OWN_BASKET = "own_basket"  # the visitor stands before the very basket
    BOUGHT = "bought"
    EMPTY = "empty"  # the basket holds nothing any more
    NOTHING_LEFT = "nothing_left"  # nothing of it can be bought any more


@dataclass(frozen=True, slots=True)
class Visit:
    """How a confirmation came: which showing of the page, and whether a machine sent it."""

    key: str
    is_machine: bool


@dataclass(frozen=True, slots=True)
class RestoreReport:
    outcome: Outcome
    basket_id: int | None = None
    lines: tuple[LineReport, ...] = ()
    voucher: VoucherReport | None = None


def follow(request: HttpRequest, token: str, visit: Visit, now: dt.datetime) -> RestoreReport:
    """Rebuilds the link's basket in the visitor's own one and remembers the click.

    Raises InvalidTokenError. Safe to do twice, at once and from two devices: links and baskets are
    locked, and quantities are raised to what the link's basket holds, never added up.
    """
    with transaction.atomic():
        # takes the lock on every database, before anything is read
        RestoreLink.objects.filter(token_hash=hash_token(token)).update(token_hash=F("token_hash"))
        link = find_link(token, now)
        basket = _visitors_basket(request, link, visit, now)
        lock_basket(basket)
        report = _restore(request, link, basket, now)
        _remember(request, link, visit, report, now)
    return report


def _restore(
    request: HttpRequest, link: RestoreLink, basket: Any, now: dt.datetime
) -> RestoreReport:
    source = load_source(
        link.cart.basket_id,
        contents_of(link),
        linked_at=link.created_at,
        is_untouched=link.cart.last_activity_at <= link.created_at,
    )
    is_ordered, bought = _purchases(link, source)
    if is_ordered:
        return RestoreReport(Outcome.BOUGHT)
    if not source.lines:
        return RestoreReport(Outcome.EMPTY)
    lines = tuple(fill_basket(basket, source.lines, bought=bought))
    if all(line.status == LineStatus.BOUGHT for line in lines):
        return RestoreReport(Outcome.BOUGHT)
    if basket.is_empty:
        return RestoreReport(Outcome.NOTHING_LEFT, lines=lines)
    outcome = Outcome.OWN_BASKET if basket.pk == source.basket_id else Outcome.RESTORED
    return RestoreReport(outcome, basket.pk, lines, _redeem(request, link, basket, now))


def _visitors_basket(
    request: HttpRequest, link: RestoreLink, visit: Visit, now: dt.datetime
) -> Any:
    """The visitor's open basket, as Oscar finds it; it may not be saved yet.

    At a double tap the second request left before the first one's cookie came back. It gets the
    basket of the first one: nobody else can know the key of the visit.
    """
    shop_request: Any = request
    basket = shop_request.basket
    if basket.pk is not None:
        return basket
    first = link.clicks.filter(visit=visit.key, clicked_at__gt=now - DOUBLE_TAP).first()
    same = first.basket if first else None
    if same is None or same.owner_id is not None or same.status != OPEN:
        return basket
    same.strategy = shop_request.strategy
    # Oscar's middleware sets the cookie for the basket that it finds here
    shop_request.basket = same
    return same


def _purchases(link: RestoreLink, source: Source) -> tuple[bool, dict[int, dt.datetime]]:
    """Whether this basket was ordered, and when which product was bought by this person.

    Ordered counts for everyone: the basket itself, or any basket that one of its links led to.
    """
    contact = link.contact
    clicks = LinkClick.objects.filter(link__cart_id=link.cart_id, basket__isnull=False)
    baskets = {source.basket_id, *clicks.values_list("basket_id", flat=True)} - {None}
    purchases = purchases_since(
        min([link.cart.created_at, *(line.added_at for line in source.lines)]),
        user_ids=[contact.user_id] if contact.user_id else [],
        email_keys=[contact.email_key] if contact.email_key else [],
        phones=[contact.phone.as_e164] if contact.phone else [],
        basket_ids=[key for key in baskets if key is not None],
    )
    standing = standing_orders({p.order_id for p in purchases})
    is_ordered = any(p.order_id in standing and p.basket_id in baskets for p in purchases)
    return is_ordered, ordered_products(standing)


def _redeem(
    request: HttpRequest, link: RestoreLink, basket: Any, now: dt.datetime
) -> VoucherReport | None:
    """Applies the voucher that the link's message promised, if it did."""
    given = VoucherGrant.objects.filter(followup__isnull=False, followup=link.followup_id).first()
    if given is None:
        return None
    rivals = VoucherGrant.objects.filter(followup__enrolment__contact=link.contact_id)
    codes = list(rivals.exclude(pk=given.pk).values_list("code", flat=True))
    return redeem(request, basket, given.code, rivals=codes, now=now)


def _remember(
    request: HttpRequest, link: RestoreLink, visit: Visit, report: RestoreReport, now: dt.datetime
) -> None:
    click, _created = LinkClick.objects.get_or_create(
        link=link, visit=visit.key, defaults={"clicked_at": now, "is_machine": visit.is_machine}
    )
    if report.basket_id is not None:
        LinkClick.objects.filter(pk=click.pk).update(basket=report.basket_id)
    if visit.is_machine:
        return
    link.clicked_at = now
    link.restored_basket_id = report.basket_id or link.restored_basket_id
    link.save(update_fields=["clicked_at", "restored_basket"])
    is_contact = _may_be_the_contact(request, link)
    request.session[LINK_KEY] = link.pk
    request.session[CLICK_KEY] = click.pk
    if is_contact:
        request.session[CONTACT_KEY] = link.contact_id
    if report.basket_id is not None:
        _keep_awake(link, report, is_contact=is_contact, now=now)
        shop_request: Any = request
        basket = shop_request.basket
        transaction.on_commit(lambda: _announce(link, basket=basket, report=report), robust=True)


def _may_be_the_contact(request: HttpRequest, link: RestoreLink) -> bool:
    """A signed-in visitor is who they are: somebody else's link does not make them the contact."""
    return not request.user.is_authenticated or request.user.pk == link.contact.user_id


def _keep_awake(
    link: RestoreLink, report: RestoreReport, *, is_contact: bool, now: dt.datetime
) -> None:
    """The shopper is back: neither the basket at hand nor the old one counts as left now."""
    if report.basket_id is not None:
        touch(
            report.basket_id,
            contact_id=link.contact_id if is_contact else None,
            language=link.cart.language,
            now=now,
        )
    old = link.cart.basket
    if not is_contact or old is None or old.pk == report.basket_id:
        return
    if old.status in (OPEN, FROZEN):
        touch(old.pk, now=now)


def _announce(link: RestoreLink, *, basket: Any, report: RestoreReport) -> None:
    for _receiver, answer in basket_restored.send_robust(
        sender=RestoreLink, link=link, basket=basket, report=report
    ):
        if isinstance(answer, Exception):
            logger.error("A receiver of basket_restored failed", exc_info=answer)
