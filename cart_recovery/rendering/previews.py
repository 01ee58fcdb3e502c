"""What a template is looked at with: samples for the edges, and carts of the shop. No live links."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from django.templatetags.static import static
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cart_recovery.consent.links import public_url
from cart_recovery.exceptions import RenderingError
from cart_recovery.models import IncentiveKind, TrackedCart
from cart_recovery.rendering.batches import PHONE, render_content
from cart_recovery.rendering.contents import Content
from cart_recovery.rendering.requests import Rendered, RenderRequest
from cart_recovery.rendering.short_messages import MAX_CHARACTERS
from cart_recovery.restore_links.tokens import restore_url
from cart_recovery.shop.baskets import BasketFacts, LineFacts, count_lines, load_baskets
from cart_recovery.shop.money import shop_currency
from cart_recovery.shop.site import base_url
from cart_recovery.shop.vouchers import VoucherFacts

#: as long as real ones, so that an SMS counts right. A real token begins and ends with a letter or
#: digit (`new_token`), and a signature is never guessed: these lead to a page that says so
SAMPLE_LINK: Final = "_Sample-Link"
SAMPLE_SIGNED: Final = "ce1k9c._sample_link_leads_no_"
#: carts that are offered, and how many of the newest are looked through for them
MAX_CARTS: Final = 10
LOOKED_THROUGH: Final = 100
_CART: Final = "cart-"
_HIDDEN: Final = "•••"
#: in front of the subject of a mail or of the text of an SMS
TEST_MARK: Final = "[Test] "


@dataclass(frozen=True, slots=True)
class Setting:
    """Which message is to be shown, for whom."""

    channel: str
    address_kind: str
    language: str
    supports_reply: bool
    #: False: what shoppers wrote themselves (an engraving) is hidden
    shows_persons: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """One basket to try a template with; `make` turns the normal one into it."""

    key: str
    label: str | Promise
    make: Callable[[RenderRequest], RenderRequest]


@dataclass(frozen=True, slots=True)
class RecentCart:
    """A cart of the shop that can be looked at: its key as data, and the row (contact loaded)."""

    key: str
    cart: TrackedCart
    lines: int


@dataclass(frozen=True, slots=True)
class TestText:
    """What a TEST notice keeps: the texts as they were typed, and what they are filled with."""

    #: pytest takes it for a test otherwise
    __test__ = False

    content: Content
    data: str
    shows_persons: bool

    def as_json(self) -> dict[str, Any]:
        texts = {name: getattr(self.content, name) for name in _TEXTS}
        return {"texts": texts, "data": self.data, "shows_persons": self.shows_persons}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any] | None, language: str) -> TestText:
        """Raises RenderingError where nothing is kept (any more)."""
        if not kept:
            raise RenderingError(gettext("There is nothing to try out."), field="text")
        return cls(Content(language, **kept["texts"]), kept["data"], kept["shows_persons"])


_TEXTS: Final = ("subject", "preheader", "html", "text")


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
    return [RecentCart(f"{_CART}{cart.pk}", cart, lines) for cart, lines in filled[:MAX_CARTS]]


def preview_request(data: str, setting: Setting) -> RenderRequest:
    """The request of a sample (its key) or of a cart (`cart-<pk>`), with links that lead nowhere.

    Raises RenderingError for data that is not there (any more). A cart takes eleven queries.
    """
    if data.startswith(_CART):
        return replace(_normal(setting), basket=_cart_basket(data.removeprefix(_CART), setting))
    sample = next((sample for sample in SAMPLES if sample.key == data), SAMPLES[0])
    with translation.override(setting.language):
        return sample.make(_normal(setting))


def render_test(kept: TestText, setting: Setting) -> Rendered:
    """The message of a test send: what the preview shows, marked as a test."""
    rendered = render_content(kept.content, preview_request(kept.data, setting), base=base_url())
    if setting.address_kind != PHONE:
        return replace(rendered, subject=TEST_MARK + rendered.subject)
    if len(TEST_MARK + rendered.text) > MAX_CHARACTERS:
        raise RenderingError(gettext("The SMS is too long to be marked as a test."), field="text")
    return replace(rendered, text=TEST_MARK + rendered.text)


# --- data -----------------------------------------------------------------------------------------


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
    language = setting.language
    with translation.override(language):
        basket = BasketFacts(0, "Open", None, (_shirt(), _mug(), _bag()), ())
    is_mail = setting.address_kind != PHONE
    return RenderRequest(
        channel=setting.channel, address_kind=setting.address_kind, template_code="",
        language=language, basket=basket, restore_url=restore_url(SAMPLE_LINK, language),
        unsubscribe_url=public_url("unsubscribe", SAMPLE_SIGNED, language),
        preferences_url=public_url("preferences", SAMPLE_SIGNED, language) if is_mail else "",
        supports_reply=setting.supports_reply,
    )  # fmt: skip


def _line(line_id: int, title: str, price: str, picture: str = "", **more: Any) -> LineFacts:
    values: dict[str, Any] = {
        "line_id": line_id, "product_id": line_id, "parent_id": None, "title": title, "quantity": 1,
        "max_quantity": None, "is_available": True, "price": Decimal(price),
        "currency": shop_currency(), "product_path": "/", "options": (),
        "image_url": _picture(picture) if picture else "",
    }  # fmt: skip
    return LineFacts(**(values | more))


def _picture(name: str) -> str:
    try:
        return static(f"cart_recovery/admin/samples/{name}.png")
    except ValueError:
        # static files with names by content, and none collected on this host
        return ""


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


def _with_lines(request: RenderRequest, *lines: LineFacts) -> RenderRequest:
    return replace(request, basket=replace(request.basket, lines=lines))


def _many(request: RenderRequest) -> RenderRequest:
    lines = request.basket.lines
    return _with_lines(
        request, *(replace(lines[n % len(lines)], line_id=n, product_id=n) for n in range(1, 41))
    )


def _no_picture(request: RenderRequest) -> RenderRequest:
    return _with_lines(request, *(replace(line, image_url="") for line in request.basket.lines))


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


def _voucher(kind: str, value: int) -> Callable[[RenderRequest], RenderRequest]:
    def make(request: RenderRequest) -> RenderRequest:
        zone = timezone.get_default_timezone()
        last_day = timezone.localtime(timezone.now() + dt.timedelta(days=3), zone)
        voucher = VoucherFacts(
            # as long as a real one
            code="BEISPIEL2345" if request.language[:2] == "de" else "SAMPLE234567",
            kind=kind, value=Decimal(value), minimum_basket=Decimal(30), currency=shop_currency(),
            expires_at=last_day.replace(hour=23, minute=59, second=0, microsecond=0),
        )  # fmt: skip
        return replace(request, voucher=voucher)

    return make


SAMPLES: Final[tuple[Sample, ...]] = (
    Sample("normal", _("three products"), lambda request: request),
    Sample("percentage", _("with a voucher in per cent"), _voucher(IncentiveKind.PERCENTAGE, 10)),
    Sample(
        "amount", _("with a voucher of a fixed amount"), _voucher(IncentiveKind.FIXED_AMOUNT, 5)
    ),
    Sample("shipping", _("with free shipping"), _voucher(IncentiveKind.FREE_SHIPPING, 0)),
    Sample("sold-out", _("something is sold out or short"), _sold_out),
    Sample("many", _("40 products"), _many),
    Sample("no-picture", _("products without a picture"), _no_picture),
    Sample("long-title", _("a title of 200 characters"), _long_title),
    Sample("emoji", _("a title with emoji"), _emoji),
    Sample("free", _("a product at no cost"), _free),
    Sample("existing-customer", _("a customer who never agreed, but bought"), _existing_customer),
)
