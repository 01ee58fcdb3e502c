"""Single values as a template sees them, for baskets and orders alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import override

from cart_recovery.exceptions import RenderingError
from cart_recovery.models import IncentiveKind
from cart_recovery.recommendations.products import RecommendedProduct
from cart_recovery.rendering.formats import MAX_TEXT, absolute, clean, deadline, money, percentage
from cart_recovery.rendering.sms import in_gsm
from cart_recovery.shop.vouchers import VoucherFacts

MAX_LINES: Final = 20


@dataclass(frozen=True, slots=True)
class Spelling:
    """How values are written: in which language, on which shop, and how long titles may be; `is_plain`:
    in letters that an SMS has."""

    language: str
    #: the shop's address without a slash at its end
    base_url: str
    title_limit: int
    is_plain: bool = False

    def title(self, text: str) -> str:
        """The title of a product; a dash where it has none."""
        return clean(in_gsm(text) if self.is_plain else text, self.title_limit) or "–"

    @property
    def is_short(self) -> bool:
        """Whether the message has to save characters."""
        return self.title_limit < MAX_TEXT


def required_link(url: str, name: str) -> str:
    """The link. Raises RenderingError where it is missing or not absolute."""
    link = absolute(url, "")
    if not link:
        raise RenderingError(_("A link is missing or is not an absolute address."), field=name)
    return link


def voucher_value(voucher: VoucherFacts, language: str) -> dict[str, Any]:
    """A voucher that there is."""
    return {"code": clean(voucher.code), **thanks_value(voucher, language)}


def thanks_value(voucher: VoucherFacts, language: str) -> dict[str, Any]:
    """A voucher that is yet to be earned, so without its code."""
    is_free_shipping = voucher.kind == IncentiveKind.FREE_SHIPPING
    if is_free_shipping:
        with override(language):
            value = _("free shipping")
    elif voucher.kind == IncentiveKind.PERCENTAGE:
        value = percentage(voucher.value, language)
    else:
        value = money(voucher.value, voucher.currency, language)
    minimum = voucher.minimum_basket
    return {
        "value": value,
        "is_free_shipping": is_free_shipping,
        "expires": deadline(voucher.expires_at, language),
        "minimum": money(minimum, voucher.currency, language) if minimum else None,
    }


def recommendation_value(product: RecommendedProduct, spelling: Spelling) -> dict[str, Any]:
    """A suggestion; one whose page has no address leads to the shop's first."""
    price, base_url = product.price, spelling.base_url
    is_priced = price is not None and product.currency
    return {
        "title": spelling.title(product.title),
        "price": money(price, product.currency, spelling.language) if is_priced else None,
        "url": absolute(product.path, base_url) or base_url + "/",
        "image_url": absolute(product.image_url, base_url) or None,
    }
