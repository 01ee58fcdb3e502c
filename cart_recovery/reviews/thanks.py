"""The thanks that a campaign promises to everybody who answers, whatever they say."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from cart_recovery.incentives.granting import givable
from cart_recovery.incentives.thanking import thank, thanked_orders
from cart_recovery.models import FollowUp, Incentive, IncentiveKind
from cart_recovery.shop.money import price_text, shop_currency
from cart_recovery.shop.vouchers import OfferTerms, VoucherFacts

logger = logging.getLogger(__name__)


def promised(followup: FollowUp | None) -> Incentive | None:
    """What the campaign of this request gives; None where it gives nothing."""
    thanks = followup.enrolment.campaign.thanks if followup is not None else None
    return (
        thanks if thanks is not None and OfferTerms.wanted_by(thanks).is_worth_something else None
    )


def still_promised(
    requests: Iterable[tuple[FollowUp | None, Any]],
) -> dict[int, Incentive]:
    """The same for many requests, each with its order, by the follow-ups' keys: without those whose
    order got it already (it comes once), and without what cannot be given now. Two queries."""
    wanted = {
        followup.pk: (incentive, order_id)
        for followup, order_id in requests
        if followup is not None and (incentive := promised(followup)) is not None
    }
    if not wanted:
        return {}
    thanked = thanked_orders({order_id for _incentive, order_id in wanted.values()})
    incentives = {i.pk: i for i, order_id in wanted.values() if order_id not in thanked}
    open_ones = givable(incentives.values())
    return {
        pk: incentive
        for pk, (incentive, order_id) in wanted.items()
        if order_id not in thanked and incentive.pk in open_ones
    }


def is_owed(followup: FollowUp | None, order_id: Any) -> bool:
    """Whether the campaign of this request gives something that the order never got."""
    return promised(followup) is not None and not thanked_orders([order_id])


def give(
    followup: FollowUp | None, order_id: Any, contact_id: int, now: dt.datetime
) -> VoucherFacts | None:
    """The voucher of the order, made now if need be. Its failure costs nobody what they wrote, and
    is logged for the shop: the customer may have been promised it."""
    incentive = promised(followup)
    if incentive is None:
        return None
    try:
        with transaction.atomic():
            voucher = thank(order_id, contact_id, incentive, now)
    except Exception:
        logger.exception("No voucher could be made for order %s", order_id)
        return None
    if voucher is None and not thanked_orders([order_id]):
        logger.error(
            "Incentive %s can give nothing now: order %s was answered for and got no voucher.",
            incentive.pk, order_id,
        )  # fmt: skip
    return voucher


def gift_text(kind: str, value: Decimal, currency: str = "") -> str:
    """`10 % off the next order` in the active language."""
    if kind == IncentiveKind.FREE_SHIPPING:
        return _("free shipping on the next order")
    if kind == IncentiveKind.PERCENTAGE:
        number = number_format(value.normalize(), use_l10n=True)
        return _("%(value)s %% off the next order") % {"value": number}
    amount = price_text(value, currency or shop_currency())
    return _("%(amount)s off the next order") % {"amount": amount}
