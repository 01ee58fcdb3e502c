"""What all previews share: whom a message is shown for, links that lead nowhere, and pictures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.templatetags.static import static
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext

from cart_recovery.consent.links import public_url
from cart_recovery.recommendations.products import RecommendedProduct
from cart_recovery.rendering.batches import PHONE
from cart_recovery.rendering.requests import RenderRequest
from cart_recovery.shop.money import shop_currency
from cart_recovery.shop.vouchers import VoucherFacts

#: as long as real ones, so that an SMS counts right. A real token begins and ends with a letter or
#: digit (`new_token`), and a signature is never guessed: these lead to a page that says so
SAMPLE_LINK: Final = "_Sample-Link"
SAMPLE_SIGNED: Final = "ce1k9c._sample_link_leads_no_"


@dataclass(frozen=True, slots=True)
class Setting:
    """Which message is to be shown, for whom."""

    channel: str
    address_kind: str
    language: str
    supports_reply: bool
    #: False: what shoppers wrote themselves (an engraving) is hidden
    shows_persons: bool
    #: False: a service message, in which vouchers and suggestions stay out
    may_advertise: bool = True


@dataclass(frozen=True, slots=True)
class Sample:
    """One basket or order to try a template with; `make` turns the normal one into it."""

    key: str
    label: str | Promise
    make: Callable[[RenderRequest], RenderRequest]


def empty_request(setting: Setting) -> RenderRequest:
    """A request that is about nothing yet."""
    language = setting.language
    is_mail = setting.address_kind != PHONE
    return RenderRequest(
        channel=setting.channel, address_kind=setting.address_kind, template_code="",
        language=language, supports_reply=setting.supports_reply,
        may_advertise=setting.may_advertise,
        unsubscribe_url=public_url("unsubscribe", SAMPLE_SIGNED, language),
        preferences_url=public_url("preferences", SAMPLE_SIGNED, language) if is_mail else "",
    )  # fmt: skip


def picture(name: str) -> str:
    """Path of one of the pictures that we ship."""
    try:
        return static(f"cart_recovery/admin/samples/{name}.png")
    except ValueError:
        # static files with names by content, and none collected on this host
        return ""


def sample_voucher(kind: str, value: int, language: str) -> VoucherFacts:
    """A voucher for three days."""
    zone = timezone.get_default_timezone()
    last_day = timezone.localtime(timezone.now() + dt.timedelta(days=3), zone)
    return VoucherFacts(
        # as long as a real one
        code="BEISPIEL2345" if language[:2] == "de" else "SAMPLE234567",
        kind=kind, value=Decimal(value), minimum_basket=Decimal(30), currency=shop_currency(),
        expires_at=last_day.replace(hour=23, minute=59, second=0, microsecond=0),
    )  # fmt: skip


def sample_recommendations() -> tuple[RecommendedProduct, ...]:
    """Two suggestions, named in the active language."""
    currency = shop_currency()
    return (
        RecommendedProduct(
            4,
            gettext("Linen shirt with short sleeves"),
            "/",
            picture("shirt"),
            Decimal("39.90"),
            currency,
        ),
        RecommendedProduct(
            5, gettext("Small stoneware mug"), "/", picture("mug"), Decimal("14.00"), currency
        ),
    )
