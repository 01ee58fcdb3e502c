"""Baskets that templates are tried out with: what most readers have, and what few have."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from django.utils import timezone

from cart_recovery.models import IncentiveKind
from cart_recovery.rendering.requests import RenderRequest
from cart_recovery.shop.baskets import BasketFacts, LineFacts
from cart_recovery.shop.vouchers import VoucherFacts

_SHIRT: Final = LineFacts(
    line_id=1, product_id=1, parent_id=None, title="Leinenhemd „Sommer“", quantity=2,
    max_quantity=None, is_available=True, price=Decimal("49.90"), currency="EUR",
    image_url="/media/samples/shirt.jpg", product_path="/catalogue/shirt_1/",
    options=(("Größe", "M"), ("Farbe", "Salbei")),
)  # fmt: skip
_MUG: Final = replace(
    _SHIRT, line_id=2, product_id=2, title="Becher aus Steinzeug", quantity=1,
    price=Decimal("18.00"), image_url="/media/samples/mug.jpg",
    product_path="/catalogue/mug_2/", options=(),
)  # fmt: skip
_BAG: Final = replace(
    _MUG, line_id=3, product_id=3, title="Rucksack 20 l", price=Decimal("1249.00"), quantity=1,
    image_url="", product_path="/catalogue/bag_3/",
)  # fmt: skip


def sample_request(address_kind: str, language: str) -> RenderRequest:
    """A basket with three products and no voucher."""
    return RenderRequest(
        channel="",
        address_kind=address_kind,
        template_code="",
        language=language,
        basket=BasketFacts(0, "Open", None, (_SHIRT, _MUG, _BAG), ()),
        restore_url="https://shop.example/r/3kQ9xTf2Lm4Wz8Yp",
        unsubscribe_url="https://shop.example/u/b8Zc0p.x7Kq2mN4vR9sT1wY3zA5cE",
        preferences_url="https://shop.example/p/b8Zc0p.x7Kq2mN4vR9sT1wY3zA5cE",
    )


def sample_voucher(kind: str = IncentiveKind.PERCENTAGE) -> VoucherFacts:
    """Ten per cent for three days, from 30 euros on."""
    expires_at = timezone.now() + dt.timedelta(days=3)
    return VoucherFacts("K7M2Q9XA4T", kind, Decimal(10), expires_at, Decimal(30), "EUR")


def sample_requests(address_kind: str, language: str) -> Iterator[RenderRequest]:
    """Requests that between them have and lack everything that may be there or not."""
    plain = sample_request(address_kind, language)
    yield plain
    yield replace(plain, voucher=sample_voucher(), supports_reply=True)
    bare = replace(_BAG, options=(), product_path="", max_quantity=1, quantity=3)
    gone = replace(_MUG, is_available=False, price=None)
    yield replace(
        plain,
        basket=replace(plain.basket, lines=(bare, gone)),
        voucher=replace(sample_voucher(IncentiveKind.FREE_SHIPPING), minimum_basket=None),
    )
    many = tuple(replace(_SHIRT, line_id=number) for number in range(25))
    yield replace(plain, basket=replace(plain.basket, lines=many))
