"""Puts a voucher into a shopper's basket, by the rules of Oscar's own voucher form."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.http import HttpRequest
from oscar.apps.basket.signals import voucher_addition
from oscar.core.loading import get_class, get_model


class VoucherStatus(StrEnum):
    APPLIED = "applied"
    ALREADY = "already"  # lay in the basket before, and counts
    EXPIRED = "expired"
    USED = "used"
    GONE = "gone"
    NO_EFFECT = "no_effect"  # the basket is below the minimum, or another offer goes first


@dataclass(frozen=True, slots=True)
class VoucherReport:
    status: VoucherStatus
    code: str


def redeem(
    request: HttpRequest, basket: Any, code: str, *, rivals: Collection[str], now: dt.datetime
) -> VoucherReport:
    """Applies the voucher to the basket if it gives something there.

    `rivals` are codes that were sent for the same basket: one of them counts at a time, and they
    give way to this one. A voucher without effect is taken out again, as Oscar does: an order would
    use it up for nothing.
    """
    voucher = get_model("voucher", "Voucher").objects.filter(code=code).first()
    if voucher is None:
        return VoucherReport(VoucherStatus.GONE, code)
    if not voucher.is_active(now):
        return VoucherReport(VoucherStatus.EXPIRED, code)
    if not voucher.is_available_to_user(user=request.user)[0]:
        return VoucherReport(VoucherStatus.USED, code)
    others = [v for v in basket.vouchers.all() if v.code in set(rivals) - {code}]
    was_there = basket.vouchers.filter(pk=voucher.pk).exists()
    basket.vouchers.remove(*others)
    basket.vouchers.add(voucher)
    if _gives_something(request, basket, voucher):
        if not was_there:
            voucher_addition.send(sender=voucher, basket=basket, voucher=voucher)
        status = VoucherStatus.ALREADY if was_there else VoucherStatus.APPLIED
        return VoucherReport(status, code)
    basket.vouchers.remove(voucher)
    basket.vouchers.add(*others)
    return VoucherReport(VoucherStatus.NO_EFFECT, code)


def _gives_something(request: HttpRequest, basket: Any, voucher: Any) -> bool:
    # discounts that were applied before would hide what this voucher gives
    basket.reset_offer_applications()
    get_class("offer.applicator", "Applicator")().apply(basket, request.user, request)
    return any(
        application["voucher"] == voucher
        and (application["discount"] > 0 or not application["result"].affects_basket)
        for application in basket.offer_applications
    )
