"""What templates are tried out with: what most readers have, and what few have."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from django.utils import timezone

from cart_recovery.models import IncentiveKind, TemplateSubject
from cart_recovery.recommendations.products import RecommendedProduct
from cart_recovery.rendering.requests import OrderLineView, OrderView, RenderRequest
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


_ORDERED: Final = OrderLineView(
    title="Leinenhemd „Sommer“", quantity=2, total=Decimal("99.80"),
    product_path="/catalogue/shirt_1/", image_url="/media/samples/shirt.jpg",
)  # fmt: skip
_ORDERED_BAG: Final = OrderLineView("Rucksack 20 l", 1, None, "", "")
_ORDER_LINK: Final = "https://shop.example/b/3kQ9xTf2Lm4Wz8Yp"
_PARCEL: Final = "https://paket.example/track/00340434161094"
_RATINGS: Final = tuple((score, f"{_ORDER_LINK}/{score}") for score in range(1, 7))
_HOST: Final = "https://shop.example"


def sample_request(
    address_kind: str, language: str, about: str = TemplateSubject.CART
) -> RenderRequest:
    """A basket or an order with three products, no voucher and no suggestions."""
    request = RenderRequest(
        channel="",
        address_kind=address_kind,
        template_code="",
        language=language,
        unsubscribe_url="https://shop.example/u/b8Zc0p.x7Kq2mN4vR9sT1wY3zA5cE",
        preferences_url="https://shop.example/p/b8Zc0p.x7Kq2mN4vR9sT1wY3zA5cE",
    )
    if about == TemplateSubject.ORDER:
        return replace(request, order=_sample_order())
    return replace(
        request, basket=BasketFacts(0, "Open", None, (_SHIRT, _MUG, _BAG), ()),
        restore_url="https://shop.example/r/3kQ9xTf2Lm4Wz8Yp",
    )  # fmt: skip


def sample_voucher(kind: str = IncentiveKind.PERCENTAGE) -> VoucherFacts:
    """Ten per cent for three days, from 30 euros on."""
    expires_at = timezone.now() + dt.timedelta(days=3)
    return VoucherFacts("K7M2Q9XA4T", kind, Decimal(10), expires_at, Decimal(30), "EUR")


def sample_recommendations() -> tuple[RecommendedProduct, ...]:
    """One with everything, one with as little as there may be."""
    return (
        RecommendedProduct(
            7, "Hocker aus Eiche", "/catalogue/stool_7/", "/media/samples/stool.jpg",
            Decimal("89.00"), "EUR",
        ),
        RecommendedProduct(8, "Gutes Salz", "", "", None, ""),
    )  # fmt: skip


def sample_requests(
    address_kind: str, language: str, about: str = TemplateSubject.CART
) -> Iterator[RenderRequest]:
    """Requests that between them have and lack everything that may be there or not."""
    plain = sample_request(address_kind, language, about)
    yield plain
    yield replace(
        plain, voucher=sample_voucher(), supports_reply=True,
        recommendations=sample_recommendations(),
    )  # fmt: skip
    yield from _orders(plain) if about == TemplateSubject.ORDER else _baskets(plain)


def _baskets(plain: RenderRequest) -> Iterator[RenderRequest]:
    basket = BasketFacts(0, "Open", None, (), ())
    bare = replace(_BAG, options=(), product_path="", max_quantity=1, quantity=3)
    gone = replace(_MUG, is_available=False, price=None)
    yield replace(
        plain,
        basket=replace(basket, lines=(bare, gone)),
        voucher=replace(sample_voucher(IncentiveKind.FREE_SHIPPING), minimum_basket=None),
    )
    many = tuple(replace(_SHIRT, line_id=number) for number in range(25))
    yield replace(plain, basket=replace(basket, lines=many))


def _orders(plain: RenderRequest) -> Iterator[RenderRequest]:
    order = _sample_order()
    yield replace(
        plain,
        supports_reply=True,
        order=replace(
            order, order_url=f"{_HOST}/accounts/order-status/100482/", lines=(_ORDERED_BAG,),
            tracking_url=_PARCEL,
            payment_url=f"{_HOST}/pay/100482/", refund=Decimal("49.90"), other_lines=(_ORDERED,),
            amount_due=Decimal("149.70"),
            is_part=True,
        ),
    )  # fmt: skip
    yield replace(
        plain,
        order=replace(
            order, review_url=_ORDER_LINK, lines=(_ORDERED,) * 25, thanks=sample_voucher(),
            ratings=_RATINGS, tracking_url=_PARCEL, other_parcels=(_PARCEL[:-1] + "5",),
        ),
    )  # fmt: skip
    thanks = replace(sample_voucher(IncentiveKind.FREE_SHIPPING), minimum_basket=None)
    yield replace(plain, order=replace(order, thanks=thanks, ratings=_RATINGS), supports_reply=True)


def _sample_order() -> OrderView:
    """Three products, ordered two weeks ago, and nothing but what every order has."""
    return OrderView(
        number="100482", placed_at=timezone.now() - dt.timedelta(days=14),
        total=Decimal("1366.80"), currency="EUR", action_url=_ORDER_LINK,
        lines=(_ORDERED, replace(_ORDERED, title="Becher aus Steinzeug", quantity=1), _ORDERED_BAG),
    )  # fmt: skip
