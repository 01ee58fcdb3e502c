"""Oscar's vouchers and the offers they hang on: made and removed in bulk, told as plain data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat
from oscar.core.loading import get_class, get_model

from cart_recovery.models import Incentive, IncentiveKind

CODE_LENGTH = 12
NAME_LENGTH = 100
CLOCK_SKEW = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class VoucherFacts:
    """What a message says of a voucher. `kind`: an `IncentiveKind`; `value`: per cent or amount."""

    code: str
    kind: str
    value: Decimal
    expires_at: dt.datetime
    minimum_basket: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class OfferTerms:
    """What an offer gives (`kind` is an `IncentiveKind`), and from which value of a basket on."""

    kind: str
    value: Decimal
    minimum_basket: Decimal | None

    @classmethod
    def wanted_by(cls, incentive: Incentive) -> OfferTerms:
        """What the incentive asks for, in the spelling in which its offer is read back."""
        is_shipping = incentive.kind == IncentiveKind.FREE_SHIPPING
        value = Decimal(100) if is_shipping else incentive.value
        return cls(incentive.kind, value, incentive.minimum_basket or None)

    @property
    def is_worth_something(self) -> bool:
        """Whether Oscar can make an offer of it: nothing for nothing, and not over 100 per cent."""
        limit = Decimal(100) if self.kind == IncentiveKind.PERCENTAGE else Decimal("Infinity")
        return self.kind in IncentiveKind.values and 0 < self.value <= limit


@dataclass(frozen=True, slots=True)
class VoucherOrder:
    """One voucher to be made. `title` is shown to the shopper beside the code."""

    offer_id: int
    title: str
    expires_at: dt.datetime


def load_terms(offer_ids: Collection[int]) -> dict[int, OfferTerms | None]:
    """The terms of those offers that still exist; None: suspended, used up or foreign. 1 query."""
    ConditionalOffer = get_model("offer", "ConditionalOffer")
    if not offer_ids:
        return {}
    rows = ConditionalOffer.objects.filter(pk__in=set(offer_ids)).select_related(
        "condition", "benefit"
    )
    return {row.pk: _terms_of(row) if row.is_available() else None for row in rows}


def create_offer(terms: OfferTerms, *, name: str) -> int:
    """A voucher offer with these terms over all products that may be discounted; gives its key."""
    Benefit = get_model("offer", "Benefit")
    Condition = get_model("offer", "Condition")
    ConditionalOffer = get_model("offer", "ConditionalOffer")
    everything, _ = get_model("offer", "Range").objects.get_or_create(
        name="Cart recovery: all products", defaults={"includes_all_products": True}
    )
    if terms.minimum_basket:
        condition = {"type": Condition.VALUE, "value": terms.minimum_basket}
    else:
        condition = {"type": Condition.COUNT, "value": 1}
    is_shipping = terms.kind == IncentiveKind.FREE_SHIPPING
    offer = ConditionalOffer.objects.create(
        name=_free_name(name),
        offer_type=ConditionalOffer.VOUCHER,
        condition=Condition.objects.create(range=everything, **condition),
        benefit=Benefit.objects.create(
            # Oscar refuses a range on what is taken off the shipping
            range=None if is_shipping else everything,
            type=_benefit_types()[terms.kind],
            value=terms.value,
        ),
        max_basket_applications=1,
    )
    return int(offer.pk)


def create_vouchers(orders: Sequence[VoucherOrder], now: dt.datetime) -> list[tuple[int, str]]:
    """Single-use vouchers, (key, code) in the same order. Four statements whatever the number,
    and one for each title.

    A code that another transaction takes at the same moment raises IntegrityError.
    """
    Voucher = get_model("voucher", "Voucher")
    if not orders:
        return []
    codes = _unused_codes(len(orders))
    Voucher.objects.bulk_create(
        Voucher(
            # until it has a number, see below
            name=code,
            code=code,
            usage=Voucher.SINGLE_USE,
            # a shopper may be quicker than the clocks of two hosts agree
            start_datetime=now - CLOCK_SKEW,
            end_datetime=order.expires_at,
        )
        for order, code in zip(orders, codes, strict=True)
    )
    # MySQL gives no keys back from a bulk insert
    keys = dict(Voucher.objects.filter(code__in=codes).values_list("code", "pk"))
    _name_vouchers({keys[c]: o.title[:NAME_LENGTH] for o, c in zip(orders, codes, strict=True)})
    link = Voucher.offers.through
    voucher_column = Voucher.offers.field.m2m_field_name()
    offer_column = Voucher.offers.field.m2m_reverse_field_name()
    link.objects.bulk_create(
        link(**{f"{voucher_column}_id": keys[code], f"{offer_column}_id": order.offer_id})
        for order, code in zip(orders, codes, strict=True)
    )
    return [(keys[code], code) for code in codes]


def _name_vouchers(titles: Mapping[int, str]) -> None:
    """Title and number: Oscar shows the name beside the code, and wants it to be unique."""
    Voucher = get_model("voucher", "Voucher")
    for title in set(titles.values()):
        keys = [key for key, wanted in titles.items() if wanted == title]
        number = Cast("pk", CharField(max_length=20))
        Voucher.objects.filter(pk__in=keys).update(name=Concat(Value(f"{title} #"), number))


def offers_of(voucher_ids: Collection[int]) -> dict[int, int]:
    """The offer that each of these vouchers hangs on. One query."""
    if not voucher_ids:
        return {}
    Voucher = get_model("voucher", "Voucher")
    rows = Voucher.objects.filter(pk__in=voucher_ids, offers__isnull=False)
    return dict(rows.values_list("pk", "offers__pk"))


def delete_unused(voucher_ids: Collection[int]) -> set[int]:
    """Removes those that no order has used; gives the removed ones. Constant statements.

    The rows are locked first, as Oscar does when it places an order: an order that is being placed
    with one of them either counts as a use here, or finds that the voucher has gone.
    """
    Voucher = get_model("voucher", "Voucher")
    VoucherApplication = get_model("voucher", "VoucherApplication")
    with transaction.atomic():
        rows = Voucher.objects.select_for_update().filter(pk__in=voucher_ids).order_by("pk")
        existing = set(rows.values_list("pk", flat=True))
        used = VoucherApplication.objects.filter(voucher_id__in=existing)
        unused = existing - set(used.values_list("voucher_id", flat=True))
        if unused:
            Voucher.objects.filter(pk__in=unused).delete()
    return unused


def _benefit_types() -> Mapping[str, str]:
    Benefit = get_model("offer", "Benefit")
    return {
        IncentiveKind.PERCENTAGE: Benefit.PERCENTAGE,
        IncentiveKind.FIXED_AMOUNT: Benefit.FIXED,
        IncentiveKind.FREE_SHIPPING: Benefit.SHIPPING_PERCENTAGE,
    }


def _terms_of(offer: Any) -> OfferTerms | None:
    """None where staff made the offer into something that we have no words for."""
    kinds = {value: kind for kind, value in _benefit_types().items()}
    kind = kinds.get(offer.benefit.type)
    if kind is None or not offer.is_voucher_offer_type or offer.benefit.value is None:
        return None
    has_minimum = offer.condition.type == offer.condition.VALUE
    return OfferTerms(kind, offer.benefit.value, offer.condition.value if has_minimum else None)


def _free_name(name: str) -> str:
    """The name with a number behind it if another offer has it (Oscar wants it to be unique)."""
    ConditionalOffer = get_model("offer", "ConditionalOffer")
    name = name[:NAME_LENGTH]
    taken = set(
        ConditionalOffer.objects.filter(name__startswith=name).values_list("name", flat=True)
    )
    if name not in taken:
        return name
    numbered = (f"{name} ({number})" for number in range(2, len(taken) + 3))
    return next(candidate for candidate in numbered if candidate not in taken)


def _unused_codes(count: int) -> list[str]:
    Voucher = get_model("voucher", "Voucher")
    generate = get_class("voucher.utils", "generate_code")
    codes: list[str] = []
    while len(codes) < count:
        fresh = _distinct((generate(CODE_LENGTH) for _ in range(count - len(codes))), codes)
        taken = set(Voucher.objects.filter(code__in=fresh).values_list("code", flat=True))
        codes += [code for code in fresh if code not in taken]
    return codes


def _distinct(codes: Iterable[str], known: Collection[str]) -> list[str]:
    # Oscar looks codes up in upper case, and a bulk insert does not convert them
    return [code for code in dict.fromkeys(c.upper() for c in codes) if code not in set(known)]
