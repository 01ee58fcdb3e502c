"""Thanks for saying what one thinks: a voucher per order, whatever was said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction

from cart_recovery.incentives.granting import ATTEMPTS, facts_of, offers_for
from cart_recovery.models import Incentive, VoucherGrant
from cart_recovery.shop.orders import load_orders
from cart_recovery.shop.vouchers import (
    VoucherFacts,
    VoucherOrder,
    create_vouchers,
    load_terms,
    offers_of,
)


def thank(
    order_id: Any, contact_id: int, incentive: Incentive, now: dt.datetime
) -> VoucherFacts | None:
    """The order's voucher, made now unless there was one; None where it no longer works, or the
    incentive gives nothing. The row's unique order forbids a second one, whoever asks at once."""
    for attempt in range(ATTEMPTS):
        if thanked_orders([order_id]):
            break
        try:
            with transaction.atomic():
                _grant(order_id, contact_id, incentive, now)
            break
        except IntegrityError:
            # somebody else took the code, or was quicker
            if attempt + 1 == ATTEMPTS:
                raise
    return thanks_of([order_id], now).get(order_id)


def thanked_orders(order_ids: Collection[Any]) -> set[Any]:
    """Those of these orders that got their voucher, whether or not it still works. One query."""
    grants = VoucherGrant.objects.filter(thanked_order__in=set(order_ids))
    return set(grants.values_list("thanked_order", flat=True))


def thanks_of(order_ids: Collection[Any], now: dt.datetime) -> dict[Any, VoucherFacts]:
    """The vouchers that still work, by order. Four queries, one where there are none."""
    grants = list(VoucherGrant.objects.filter(thanked_order__in=order_ids, expires_at__gt=now))
    if not grants:
        return {}
    offers = offers_of([g.voucher_id for g in grants if g.voucher_id is not None])
    terms = load_terms(set(offers.values()))
    orders = load_orders([g.thanked_order_id for g in grants if g.thanked_order_id is not None])
    found: dict[Any, VoucherFacts] = {}
    for given in grants:
        offered = terms.get(offers.get(given.voucher_id or 0, 0))
        order = orders.get(given.thanked_order_id or 0)
        if offered is not None and order is not None:
            found[order.order_id] = replace(facts_of(given, offered), currency=order.currency)
    return found


def _grant(order_id: Any, contact_id: int, incentive: Incentive, now: dt.datetime) -> None:
    offers = offers_for({incentive.pk})
    if incentive.pk not in offers:
        return
    expires_at = now + incentive.valid_for
    order = VoucherOrder(offers[incentive.pk][0], incentive.name, expires_at)
    ((voucher_id, code),) = create_vouchers([order], now)
    VoucherGrant.objects.create(
        thanked_order_id=order_id, contact_id=contact_id, incentive=incentive,
        voucher_id=voucher_id, code=code, expires_at=expires_at, created_at=now,
    )  # fmt: skip
