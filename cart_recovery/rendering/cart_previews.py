"""Baskets that templates are looked at with: samples for the edges, and the newest of the shop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cart_recovery.exceptions import RenderingError
from cart_recovery.models import IncentiveKind, TrackedCart
from cart_recovery.rendering.preview_settings import (
    SAMPLE_LINK,
    Sample,
    Setting,
    empty_request,
    picture,
    sample_recommendations,
    sample_voucher,
)
from cart_recovery.rendering.requests import RenderRequest
from cart_recovery.restore_links.tokens import restore_url
from cart_recovery.shop.baskets import BasketFacts, LineFacts, count_lines, load_baskets
from cart_recovery.shop.money import shop_currency

#: what the key of a cart begins with, among the keys of samples
CART: Final = "cart-"
#: carts that are offered, and how many of the newest are looked through for them
MAX_CARTS: Final = 10
LOOKED_THROUGH: Final = 100
_HIDDEN: Final = "•••"


@dataclass(frozen=True, slots=True)
class RecentCart:
    """A cart of the shop that can be looked at: its key as data, and the row (contact loaded)."""

    key: str
    cart: TrackedCart
    lines: int


def recent_carts() -> list[RecentCart]:
    """The newest carts that hold something, without machines'. Two queries."""
    rows = (
        TrackedCart.objects.filter(basket__isnull=False)
        .select_related("contact")
        .order_by("-pk")[:LOOKED_THROUGH]
    )
    carts = {cart.basket_id: cart for cart in rows if cart.basket_id and not cart.is_machine}
    counts = count_lines(carts)
    filled = [(cart, counts[basket_id]) for basket_id, cart in carts.items() if basket_id in counts]
    return [RecentCart(f"{CART}{cart.pk}", cart, lines) for cart, lines in filled[:MAX_CARTS]]


def cart_request(data: str, setting: Setting) -> RenderRequest:
    """The request of a sample (its key) or of a cart (`cart-<pk>`)."""
    if data.startswith(CART):
        return replace(_normal(setting), basket=_cart_basket(data.removeprefix(CART), setting))
    sample = next((sample for sample in CART_SAMPLES if sample.key == data), CART_SAMPLES[0])
    with translation.override(setting.language):
        return sample.make(_normal(setting))


def _cart_basket(key: str, setting: Setting) -> BasketFacts:
    cart = TrackedCart.objects.filter(pk=key).first() if key.isdecimal() else None
    basket_id = cart.basket_id if cart is not None else None
    baskets = (
        load_baskets([basket_id], languages={basket_id: setting.language}) if basket_id else {}
    )
    if basket_id not in baskets:
        raise RenderingError(
            gettext("This cart is no longer there. Choose another one."), field="data"
        )
    basket = baskets[basket_id]
    if setting.shows_persons:
        return basket
    return replace(basket, lines=tuple(_without_wishes(line) for line in basket.lines))


def _without_wishes(line: LineFacts) -> LineFacts:
    return replace(line, options=tuple((name, _HIDDEN) for name, _value in line.options))


def _normal(setting: Setting) -> RenderRequest:
    with translation.override(setting.language):
        basket = BasketFacts(0, "Open", None, (_shirt(), _mug(), _bag()), ())
    return replace(
        empty_request(setting), basket=basket,
        restore_url=restore_url(SAMPLE_LINK, setting.language),
    )  # fmt: skip


def _line(line_id: int, title: str, price: str, photo: str = "", **more: Any) -> LineFacts:
    values: dict[str, Any] = {
        "line_id": line_id, "product_id": line_id, "parent_id": None, "title": title, "quantity": 1,
        "max_quantity": None, "is_available": True, "price": Decimal(price),
        "currency": shop_currency(), "product_path": "/", "options": (),
        "image_url": picture(photo) if photo else "",
    }  # fmt: skip
    return LineFacts(**(values | more))


def _shirt() -> LineFacts:
    options = ((gettext("Size"), "M"), (gettext("Color"), gettext("sage green")))
    return _line(
        1, gettext("Linen shirt “Summer”"), "49.90", "shirt", quantity=2, options=options
    )  # fmt: skip


def _mug() -> LineFacts:
    return _line(2, gettext("Stoneware mug"), "18.00", "mug")


def _bag() -> LineFacts:
    return _line(3, gettext("Rucksack, 20 liters"), "124.00", "bag")


# --- samples --------------------------------------------------------------------------------------


def _lines_of(request: RenderRequest) -> tuple[LineFacts, ...]:
    return request.basket.lines if request.basket is not None else ()


def _with_lines(request: RenderRequest, *lines: LineFacts) -> RenderRequest:
    return replace(request, basket=BasketFacts(0, "Open", None, lines, ()))


def _many(request: RenderRequest) -> RenderRequest:
    lines = _lines_of(request)
    return _with_lines(
        request, *(replace(lines[n % len(lines)], line_id=n, product_id=n) for n in range(1, 41))
    )


def _no_picture(request: RenderRequest) -> RenderRequest:
    return _with_lines(request, *(replace(line, image_url="") for line in _lines_of(request)))


def _long_title(request: RenderRequest) -> RenderRequest:
    words = gettext("Linen shirt with a very long title that its maker never shortened, ")
    return _with_lines(request, replace(_shirt(), title=(words * 4)[:200].rstrip()), _mug())


def _emoji(request: RenderRequest) -> RenderRequest:
    return _with_lines(request, replace(_mug(), title=gettext("Mug “Good morning” ☕😀")), _bag())


def _free(request: RenderRequest) -> RenderRequest:
    return _with_lines(request, replace(_mug(), price=Decimal(0)))


def _sold_out(request: RenderRequest) -> RenderRequest:
    short = replace(_shirt(), quantity=3, max_quantity=1)
    return _with_lines(request, short, replace(_mug(), is_available=False, price=None))


def _existing_customer(request: RenderRequest) -> RenderRequest:
    return replace(request, rests_on_sale=True)


def _with_recommendations(request: RenderRequest) -> RenderRequest:
    return replace(request, recommendations=sample_recommendations())


def _voucher(kind: str, value: int) -> Callable[[RenderRequest], RenderRequest]:
    def make(request: RenderRequest) -> RenderRequest:
        return replace(request, voucher=sample_voucher(kind, value, request.language))

    return make


CART_SAMPLES: Final[tuple[Sample, ...]] = (
    Sample("normal", _("three products"), lambda request: request),
    Sample("percentage", _("with a voucher in per cent"), _voucher(IncentiveKind.PERCENTAGE, 10)),
    Sample(
        "amount", _("with a voucher of a fixed amount"), _voucher(IncentiveKind.FIXED_AMOUNT, 5)
    ),
    Sample("shipping", _("with free shipping"), _voucher(IncentiveKind.FREE_SHIPPING, 0)),
    Sample("recommendations", _("with recommendations"), _with_recommendations),
    Sample("sold-out", _("something is sold out or short"), _sold_out),
    Sample("many", _("40 products"), _many),
    Sample("no-picture", _("products without a picture"), _no_picture),
    Sample("long-title", _("a title of 200 characters"), _long_title),
    Sample("emoji", _("a title with emoji"), _emoji),
    Sample("free", _("a product at no cost"), _free),
    Sample("existing-customer", _("a customer who never agreed, but bought"), _existing_customer),
)
