"""From facts to what a template sees: dicts, lists, strings and numbers, nothing else."""

from __future__ import annotations

from email.utils import parseaddr
from typing import Any, Final

from django.utils.translation import gettext as _

from cart_recovery.conf import conf
from cart_recovery.exceptions import RenderingError
from cart_recovery.rendering.cart_context import cart_values
from cart_recovery.rendering.formats import absolute, clean
from cart_recovery.rendering.order_context import order_values
from cart_recovery.rendering.requests import RenderRequest
from cart_recovery.rendering.values import (
    Spelling,
    recommendation_value,
    required_link,
    voucher_value,
)

MAX_RECOMMENDATIONS: Final = 8

Context = dict[str, Any]


def build_context(
    request: RenderRequest,
    *,
    language: str,
    base_url: str,
    title_limit: int = 255,
    plain_titles: bool = False,
) -> Context:
    """The values of `placeholders.PLACEHOLDERS` for what the request is about.

    `language` is the one that numbers and dates are written in, `base_url` the shop's address
    without a slash at its end, `title_limit` the longest title; `plain_titles`: titles are spelled in
    the letters of an SMS. Raises RenderingError where there
    is nothing to speak of (any more) or a link is not absolute.
    """
    spelling = Spelling(language, base_url, title_limit, plain_titles)
    if request.order is not None:
        subject = order_values(request.order, spelling, may_advertise=request.may_advertise)
    elif request.basket is not None:
        subject = cart_values(request.basket, request, spelling)
    else:
        raise RenderingError(_("There is neither a basket nor an order."), field="basket")
    return {
        "shop_name": clean(conf.SHOP_NAME),
        "shop_url": required_link(base_url + "/", "shop_url"),
        "language": language,
        "unsubscribe_url": required_link(request.unsubscribe_url, "unsubscribe_url"),
        "preferences_url": absolute(request.preferences_url, "") or None,
        "help_contact": clean(parseaddr(conf.REPLY_TO or conf.FROM_EMAIL)[1]),
        "imprint": conf.IMPRINT,
        "imprint_rows": [{"text": clean(row)} for row in conf.IMPRINT.splitlines()],
        "can_reply": request.supports_reply,
        "rests_on_sale": request.rests_on_sale,
        **_advertising(request, spelling),
        **subject,
    }


def _advertising(request: RenderRequest, spelling: Spelling) -> Context:
    """What a service message leaves out, whatever its template says."""
    if not request.may_advertise:
        return {"voucher": None, "recommendations": []}
    products = request.recommendations[:MAX_RECOMMENDATIONS]
    return {
        "voucher": request.voucher and voucher_value(request.voucher, spelling.language),
        "recommendations": [recommendation_value(product, spelling) for product in products],
    }
