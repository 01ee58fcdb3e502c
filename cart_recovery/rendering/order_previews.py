"""Orders that templates are looked at with: samples for the edges, and the newest of the shop."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cart_recovery.exceptions import RenderingError
from cart_recovery.models import IncentiveKind
from cart_recovery.rendering.order_facts import order_view
from cart_recovery.rendering.preview_settings import (
    SAMPLE_LINK,
    Sample,
    Setting,
    empty_request,
    picture,
    sample_recommendations,
    sample_voucher,
)
from cart_recovery.rendering.requests import OrderLineView, OrderView, RenderRequest
from cart_recovery.reviews.links import rating_urls, review_url
from cart_recovery.shop.money import shop_currency
from cart_recovery.shop.order_views import load_order_contents, newest_orders, stored_key
from cart_recovery.shop.orders import OrderFacts, load_orders

#: what the key of an order begins with, among the keys of samples
ORDER: Final = "order-"
MAX_ORDERS: Final = 10
#: a parcel of nobody
_TRACKING: Final = "https://parcel.example/00340434161094000000"


@dataclass(frozen=True, slots=True)
class RecentOrder:
    """An order of the shop that can be looked at: its key as data, and its facts."""

    key: str
    order: OrderFacts
    lines: int


def recent_orders() -> list[RecentOrder]:
    """The newest orders that hold something. Eight queries."""
    ids = newest_orders(MAX_ORDERS)
    facts, contents = load_orders(ids), load_order_contents(ids)
    return [
        RecentOrder(f"{ORDER}{order_id}", facts[order_id], len(contents[order_id].lines))
        for order_id in ids
        if order_id in facts and order_id in contents and contents[order_id].lines
    ]


def order_request(data: str, setting: Setting) -> RenderRequest:
    """The request of a sample (its key) or of an order (`order-<pk>`).

    Raises RenderingError for an order that is not there (any more).
    """
    with translation.override(setting.language):
        normal = replace(empty_request(setting), order=_normal(setting.language))
        if data.startswith(ORDER):
            return replace(normal, order=_of_the_shop(data.removeprefix(ORDER), setting))
        samples = {sample.key: sample for sample in ORDER_SAMPLES}
        return samples.get(data, ORDER_SAMPLES[0]).make(normal)


# --- data -----------------------------------------------------------------------------------------


def _of_the_shop(key: str, setting: Setting) -> OrderView:
    """A whole order, with links that lead nowhere: its own would open its page."""
    order_id = stored_key(key)
    found = load_order_contents([order_id]) if order_id is not None else {}
    if order_id not in found:
        raise RenderingError(
            gettext("This order is no longer there. Choose another one."), field="data"
        )
    link = review_url(SAMPLE_LINK, setting.language)
    return replace(order_view(found[order_id], action_url=link), order_url=link)


def _normal(language: str) -> OrderView:
    # not that of the unsubscribe link: an SMS that names it has its way out
    link = review_url(SAMPLE_LINK, language)
    return OrderView(
        number="100482", placed_at=timezone.now() - dt.timedelta(days=9), total=Decimal("241.80"),
        currency=shop_currency(), lines=(_shirt(), _mug(), _bag()), action_url=link, order_url=link,
        tracking_url=_TRACKING, payment_url=link, review_url=link,
        amount_due=Decimal("241.80"),
        ratings=rating_urls(SAMPLE_LINK, language),
    )  # fmt: skip


def _shirt() -> OrderLineView:
    title = gettext("Linen shirt “Summer”")
    return OrderLineView(title, 2, Decimal("99.80"), "/", picture("shirt"))


def _mug() -> OrderLineView:
    return OrderLineView(gettext("Stoneware mug"), 1, Decimal("18.00"), "/", picture("mug"))


def _bag() -> OrderLineView:
    title = gettext("Rucksack, 20 liters")
    return OrderLineView(title, 1, Decimal("124.00"), "/", picture("bag"))


# --- samples --------------------------------------------------------------------------------------


def _changed(request: RenderRequest, **changes: object) -> RenderRequest:
    if request.order is None:  # never: the normal request is about one
        raise TypeError("not about an order")
    return replace(request, order=replace(request.order, **changes))  # type: ignore[arg-type]  # mypy cannot tell fields by name


def _one(request: RenderRequest) -> RenderRequest:
    return _changed(request, lines=(_mug(),), total=Decimal("18.00"), amount_due=Decimal("18.00"))


def _many(request: RenderRequest) -> RenderRequest:
    lines = (_shirt(), _mug(), _bag(), _mug()) * 10
    return _changed(request, lines=lines, other_parcels=(_TRACKING[:-1] + "1",))


def _partial(request: RenderRequest) -> RenderRequest:
    return _changed(request, lines=(_shirt(),), other_lines=(_mug(), _bag()), is_part=True)


def _refund(request: RenderRequest) -> RenderRequest:
    return _changed(request, lines=(_bag(),), refund=Decimal("124.00"))


def _no_picture(request: RenderRequest) -> RenderRequest:
    return _changed(
        request, lines=tuple(replace(line, image_url="") for line in (_shirt(), _mug(), _bag()))
    )


def _long_title(request: RenderRequest) -> RenderRequest:
    words = gettext("Linen shirt with a very long title that its maker never shortened, ")
    return _changed(request, lines=(replace(_shirt(), title=(words * 4)[:200].rstrip()), _mug()))


def _bare(request: RenderRequest) -> RenderRequest:
    without = dict.fromkeys(("order_url", "tracking_url", "payment_url", "review_url"), "")
    return _changed(request, ratings=(), amount_due=None, **without)


def _thanks(request: RenderRequest) -> RenderRequest:
    voucher = sample_voucher(IncentiveKind.PERCENTAGE, 10, request.language)
    return _changed(request, thanks=replace(voucher, code=""))


def _with_recommendations(request: RenderRequest) -> RenderRequest:
    return replace(request, recommendations=sample_recommendations())


def _with_voucher(request: RenderRequest) -> RenderRequest:
    voucher = sample_voucher(IncentiveKind.PERCENTAGE, 10, request.language)
    return replace(_with_recommendations(request), voucher=voucher)


def _existing_customer(request: RenderRequest) -> RenderRequest:
    return replace(request, rests_on_sale=True)


ORDER_SAMPLES: Final[tuple[Sample, ...]] = (
    Sample("normal", _("three products"), lambda request: request),
    Sample("one", _("one product"), _one),
    Sample("many", _("40 products in two parcels"), _many),
    Sample("partial", _("something is still to come"), _partial),
    Sample("refund", _("with a refund"), _refund),
    Sample("thanks", _("with a thank-you for a review"), _thanks),
    Sample("recommendations", _("with recommendations"), _with_recommendations),
    Sample("voucher", _("with recommendations and a voucher"), _with_voucher),
    Sample("bare", _("without any link but the main one"), _bare),
    Sample("no-picture", _("products without a picture"), _no_picture),
    Sample("long-title", _("a title of 200 characters"), _long_title),
    Sample("existing-customer", _("a customer who never agreed, but bought"), _existing_customer),
)
