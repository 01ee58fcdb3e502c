"""The thanks that a campaign promises to everybody who answers, whatever they say."""

from __future__ import annotations

import datetime as dt
import logging
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from cart_recovery.incentives.thanking import thank
from cart_recovery.models import FollowUp, Incentive, IncentiveKind, VoucherGrant
from cart_recovery.shop.money import price_text, shop_currency
from cart_recovery.shop.vouchers import OfferTerms, VoucherFacts

logger = logging.getLogger(__name__)


def promised(followup: FollowUp | None) -> Incentive | None:
    """What the campaign of this request gives; None where it gives nothing."""
    thanks = followup.enrolment.campaign.thanks if followup is not None else None
    return (
        thanks if thanks is not None and OfferTerms.wanted_by(thanks).is_worth_something else None
    )


def still_promised(followup: FollowUp | None, order_id: Any) -> Incentive | None:
    """The same for whom it was not given yet: it comes once per order."""
    incentive = promised(followup)
    if incentive is None or VoucherGrant.objects.filter(thanked_order=order_id).exists():
        return None
    return incentive


def give(
    followup: FollowUp | None, order_id: Any, contact_id: int, now: dt.datetime
) -> VoucherFacts | None:
    """The voucher of the order, made now if need be. Its failure costs nobody what they wrote."""
    incentive = promised(followup)
    if incentive is None:
        return None
    try:
        with transaction.atomic():
            return thank(order_id, contact_id, incentive, now)
    except Exception:
        logger.exception("No voucher could be made for order %s", order_id)
        return None


def gift_text(kind: str, value: Decimal, currency: str = "") -> str:
    """`10 % off the next order` in the active language."""
    if kind == IncentiveKind.FREE_SHIPPING:
        return _("free shipping on the next order")
    if kind == IncentiveKind.PERCENTAGE:
        number = number_format(value.normalize(), use_l10n=True)
        return _("%(value)s %% off the next order") % {"value": number}
    amount = price_text(value, currency or shop_currency())
    return _("%(amount)s off the next order") % {"amount": amount}
