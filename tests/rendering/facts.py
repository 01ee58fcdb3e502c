"""Baskets and requests as facts, without a shop behind them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.utils import timezone

from cart_recovery.rendering.batches import render_content
from cart_recovery.rendering.contents import Content
from cart_recovery.rendering.requests import (
    OrderLineView,
    OrderView,
    Rendered,
    RenderRequest,
)
from cart_recovery.shop.baskets import BasketFacts, LineFacts
from cart_recovery.shop.vouchers import VoucherFacts

BASE = "https://shop.example"
RESTORE = "https://shop.example/r/3kQ9xTf2Lm4Wz8Yp"
ACTION = "https://shop.example/recovery/review/3kQ9xTf2Lm4Wz8Yp"
UNSUBSCRIBE = "https://shop.example/u/b8Zc0p.x7Kq2mN4vR9sT1wY3zA5cE"


def line(title: str = "Becher", **kwargs: Any) -> LineFacts:
    values: dict[str, Any] = {
        "line_id": 1, "product_id": 1, "parent_id": None, "quantity": 1, "max_quantity": None,
        "is_available": True, "price": Decimal("18.00"), "currency": "EUR",
        "image_url": "/media/becher.jpg", "product_path": "/catalogue/becher_1/", "options": (),
    }  # fmt: skip
    return LineFacts(title=title, **(values | kwargs))


def voucher(**kwargs: Any) -> VoucherFacts:
    values: dict[str, Any] = {
        "code": "K7M2Q9XA4T", "kind": "percentage", "value": Decimal("10.00"),
        "expires_at": dt.datetime(2026, 12, 3, 12, tzinfo=dt.UTC), "minimum_basket": None,
        "currency": "EUR",
    }  # fmt: skip
    return VoucherFacts(**(values | kwargs))


def request(*lines: LineFacts, **kwargs: Any) -> RenderRequest:
    values: dict[str, Any] = {
        "channel": "email", "address_kind": "email", "template_code": "test", "language": "de",
        "restore_url": RESTORE, "unsubscribe_url": UNSUBSCRIBE,
    }  # fmt: skip
    values["basket"] = BasketFacts(1, "Open", None, lines or (line(),), ())
    return RenderRequest(**(values | kwargs))


def ordered(title: str = "Becher", **kwargs: Any) -> OrderLineView:
    values: dict[str, Any] = {
        "quantity": 1, "total": Decimal("18.00"), "product_path": "/catalogue/becher_1/",
        "image_url": "/media/becher.jpg",
    }  # fmt: skip
    return OrderLineView(title=title, **(values | kwargs))


def order(*lines: OrderLineView, **kwargs: Any) -> OrderView:
    values: dict[str, Any] = {
        "number": "100482", "placed_at": dt.datetime(2026, 11, 18, 12, tzinfo=dt.UTC),
        "total": Decimal("1234.50"), "currency": "EUR", "action_url": ACTION,
    }  # fmt: skip
    return OrderView(lines=lines or (ordered(),), **(values | kwargs))


def order_request(facts: OrderView | None = None, **kwargs: Any) -> RenderRequest:
    return request(order=facts or order(), basket=None, restore_url="", **kwargs)


def mail(html: str, render_request: RenderRequest | None = None, **texts: str) -> Rendered:
    """A mail from a template that is nowhere stored."""
    render_request = render_request or request()
    content = Content(
        texts.pop("language", render_request.language), html=html, about=render_request.about,
        **{"subject": "Betreff"} | texts,
    )  # fmt: skip
    return render_content(content, render_request, base=BASE)


def text_message(text: str, *lines: LineFacts, **kwargs: Any) -> Rendered:
    """An SMS from a template that is nowhere stored."""
    sent = request(*lines, **{"address_kind": "phone", "channel": "sms"} | kwargs)
    return render_content(Content(sent.language, text=text, about=sent.about), sent, base=BASE)


def tomorrow() -> dt.datetime:
    return timezone.now() + dt.timedelta(days=1)
