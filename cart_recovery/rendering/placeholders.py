"""The placeholders of templates, documented here and nowhere else.

The check of what staff write, the renderer's data, the documentation and the editor's palette all
follow this table. Values are plain text and numbers, formatted for the reader's language. What a
template is about, a basket or an order, decides which of them there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cart_recovery.models import TemplateSubject


class Kind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    #: yes or no; for `{% if %}` only
    FLAG = "flag"
    #: an absolute http(s) address; the only kind that may stand in `href` and `src`
    URL = "url"
    #: for `{% for %}` only; its members are the fields
    LIST = "list"
    #: has fields of its own: `{{ voucher.code }}`
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Placeholder:
    name: str
    kind: Kind
    description: str | Promise
    #: what it may look like; empty for lists and groups
    sample: str = ""
    #: may be missing, so it has to stand within `{% if name %}` or carry `|default("…")`
    optional: bool = False
    fields: tuple[Placeholder, ...] = ()
    #: makes a message advertising, by German law also by asking what somebody thinks of a purchase
    #: (BGH VI ZR 225/17): a service message may hold none of it
    is_advertising: bool = False

    def field(self, name: str) -> Placeholder | None:
        """The field of that name."""
        return next((field for field in self.fields if field.name == name), None)


_OPTION = (
    Placeholder("name", Kind.TEXT, _("what was chosen, such as the size"), "Größe"),
    Placeholder("value", Kind.TEXT, _("the choice"), "M"),
)
_GONE = (
    Placeholder("title", Kind.TEXT, _("title of the product"), "Leinenhemd „Sommer“"),
    Placeholder("quantity", Kind.NUMBER, _("how many were in the basket"), "1"),
)
_LINE = (
    Placeholder("title", Kind.TEXT, _("title of the product"), "Leinenhemd „Sommer“"),
    Placeholder("quantity", Kind.NUMBER, _("how many can be bought now"), "2"),
    Placeholder("wanted_quantity", Kind.NUMBER, _("how many are in the basket"), "2"),
    Placeholder("is_short", Kind.FLAG, _("fewer can be bought than are in the basket"), "0"),
    Placeholder("price", Kind.TEXT, _("price of one piece now"), "49,90 €"),
    Placeholder("total", Kind.TEXT, _("price of all pieces now"), "99,80 €"),
    Placeholder("url", Kind.URL, _("page of the product"), "https://shop.example/catalogue/1/"),
    Placeholder(
        "image_url", Kind.URL, _("picture of the product"),
        "https://shop.example/media/hemd.jpg", optional=True,
    ),
    Placeholder("options", Kind.LIST, _("what was chosen for the product"), fields=_OPTION),
)  # fmt: skip
_VALUE: Final = (
    Placeholder("value", Kind.TEXT, _("its value: “10 %”, “5,00 €”, “free shipping”"), "10 %"),
    Placeholder("is_free_shipping", Kind.FLAG, _("it waives the shipping costs"), "0"),
    Placeholder("minimum", Kind.TEXT, _("least value of the basket"), "30,00 €", optional=True),
)  # fmt: skip
_EXPIRES: Final = "3. Dezember 2026, 10:15 Uhr"
_VOUCHER = (
    Placeholder("code", Kind.TEXT, _("code of the voucher"), "K7M2-Q9XA"),
    *_VALUE,
    Placeholder("expires", Kind.TEXT, _("until when it can be used"), _EXPIRES),
)
_SCALE = (
    Placeholder("best", Kind.TEXT, _("the best score"), "1"),
    Placeholder("worst", Kind.TEXT, _("the worst score"), "6"),
)
_THANKS = (
    *_VALUE,
    Placeholder("expires", Kind.TEXT, _("until when it can be used at the least"), _EXPIRES),
)
_RECOMMENDATION = (
    Placeholder("title", Kind.TEXT, _("title of the product"), "Hocker aus Eiche"),
    Placeholder("price", Kind.TEXT, _("price of one piece now"), "89,00 €", optional=True),
    Placeholder("url", Kind.URL, _("page of the product"), "https://shop.example/catalogue/7/"),
    Placeholder(
        "image_url", Kind.URL, _("picture of the product"),
        "https://shop.example/media/hocker.jpg", optional=True,
    ),
)  # fmt: skip
_RATING = (
    Placeholder("score", Kind.NUMBER, _("the score, such as a school grade"), "1"),
    Placeholder("url", Kind.URL, _("link that gives this score"), "https://shop.example/b/3kQ9x/1"),
)
_ORDERED = (
    Placeholder("title", Kind.TEXT, _("title of the product"), "Leinenhemd „Sommer“"),
    Placeholder("quantity", Kind.NUMBER, _("how many of them the message is about"), "2"),
    Placeholder("total", Kind.TEXT, _("price of these pieces"), "99,80 €", optional=True),
    Placeholder("url", Kind.URL, _("page of the product"), "https://shop.example/catalogue/1/"),
    Placeholder(
        "image_url", Kind.URL, _("picture of the product"),
        "https://shop.example/media/hemd.jpg", optional=True,
    ),
)  # fmt: skip

_PARCEL = (
    Placeholder(
        "url", Kind.URL, _("page on which the parcel can be followed"),
        "https://paket.example/00340434161095",
    ),
)  # fmt: skip

#: in every template
COMMON: Final = (
    Placeholder("shop_name", Kind.TEXT, _("name of the shop"), "Probeladen"),
    Placeholder("shop_url", Kind.URL, _("the shop's first page"), "https://shop.example/"),
    Placeholder("language", Kind.TEXT, _("language of the message"), "de"),
    Placeholder(
        "unsubscribe_url", Kind.URL, _("link that ends these messages"),
        "https://shop.example/u/b8Zc0p",
    ),
    Placeholder(
        "preferences_url", Kind.URL, _("link to the page where people choose what they get"),
        "https://shop.example/p/b8Zc0p", optional=True,
    ),
    Placeholder(
        "help_contact", Kind.TEXT, _("e-mail address at which a person answers"),
        "hilfe@shop.example",
    ),
    Placeholder("imprint", Kind.TEXT, _("legal footer of the shop"), "Probeladen GmbH"),
    Placeholder(
        "imprint_rows", Kind.LIST, _("the same, row by row"),
        fields=(Placeholder("text", Kind.TEXT, _("one row"), "Probeladen GmbH"),),
    ),
    Placeholder(
        "recommendations", Kind.LIST,
        _("products that the reader may like as well, at most 8; there may be none"),
        fields=_RECOMMENDATION, is_advertising=True,
    ),
    Placeholder(
        "voucher", Kind.GROUP, _("personal voucher, if this step offers one"), optional=True,
        fields=_VOUCHER, is_advertising=True,
    ),
    Placeholder("can_reply", Kind.FLAG, _("SMS: an answer to this number reaches the shop"), "1"),
    Placeholder(
        "rests_on_sale", Kind.FLAG,
        _("the reader has not agreed but bought before (existing customer)"), "1",
    ),
)  # fmt: skip
_CART: Final = (
    Placeholder(
        "restore_url", Kind.URL, _("personal link that brings the basket back"),
        "https://shop.example/r/3kQ9xTf2",
    ),
    Placeholder("lines", Kind.LIST, _("products that can be bought now, at most 20"), fields=_LINE),
    Placeholder("first_line", Kind.GROUP, _("the first of these products"), fields=_LINE),
    Placeholder(
        "unavailable_lines", Kind.LIST, _("products that cannot be bought any more"), fields=_GONE
    ),
    Placeholder("line_count", Kind.NUMBER, _("number of products that can be bought"), "2"),
    Placeholder("item_count", Kind.NUMBER, _("number of pieces that can be bought"), "3"),
    Placeholder("more_count", Kind.NUMBER, _("further products that are not in “lines”"), "0"),
    Placeholder("total", Kind.TEXT, _("value of the basket now"), "149,70 €"),
)  # fmt: skip
_ORDER: Final = (
    Placeholder("order_number", Kind.TEXT, _("number of the order"), "100482"),
    Placeholder("order_date", Kind.TEXT, _("day of the order"), "18. November 2026"),
    Placeholder("total", Kind.TEXT, _("total of the order"), "149,70 €"),
    Placeholder(
        "lines", Kind.LIST,
        _("products that the message is about (shipped now, to be reviewed …), at most 20"),
        fields=_ORDERED,
    ),
    Placeholder("first_line", Kind.GROUP, _("the first of these products"), fields=_ORDERED),
    Placeholder("line_count", Kind.NUMBER, _("number of these products"), "2"),
    Placeholder("item_count", Kind.NUMBER, _("number of their pieces"), "3"),
    Placeholder("more_count", Kind.NUMBER, _("further products that are not in “lines”"), "0"),
    Placeholder(
        "other_lines", Kind.LIST,
        _("products of the order that are still to come, at most 20; there may be none"),
        fields=_ORDERED,
    ),
    Placeholder("other_count", Kind.NUMBER, _("number of products that are still to come"), "1"),
    Placeholder(
        "is_part", Kind.FLAG,
        _("the message is news of a part of the order alone: the rest has not got so far, or was not "
          "sent back"),
        "1",
    ),
    Placeholder(
        "action_url", Kind.URL,
        _("the link that the message is for: to the parcel, the review or the payment, else to the "
          "order"),
        "https://shop.example/b/3kQ9xTf2",
    ),
    Placeholder(
        "order_url", Kind.URL, _("page of the order"), "https://shop.example/bestellung/100482/",
        optional=True,
    ),
    Placeholder(
        "tracking_url", Kind.URL, _("page on which the parcel can be followed"),
        "https://paket.example/00340434161094", optional=True,
    ),
    Placeholder(
        "other_parcels", Kind.LIST,
        _("further parcels of this message that can be followed; mostly there are none"),
        fields=_PARCEL,
    ),
    Placeholder(
        "payment_url", Kind.URL, _("page on which the order can be paid"),
        "https://shop.example/bezahlen/100482/", optional=True,
    ),
    Placeholder(
        "amount_due", Kind.TEXT,
        _("what is still to be paid of an order that is not paid: without what was cancelled, and "
          "what has come in"),
        "149,70 €", optional=True,
    ),
    Placeholder("refund", Kind.TEXT, _("amount that was paid back"), "49,90 €", optional=True),
    Placeholder(
        "review_url", Kind.URL, _("personal link to the page on which these products are reviewed"),
        "https://shop.example/b/3kQ9xTf2", optional=True, is_advertising=True,
    ),
    Placeholder(
        "ratings", Kind.LIST,
        _("scores for the shop's service, the best first; there may be none"),
        fields=_RATING, is_advertising=True,
    ),
    Placeholder(
        "scale", Kind.GROUP, _("the ends of these scores"), optional=True, fields=_SCALE,
        is_advertising=True,
    ),
    Placeholder(
        "thanks", Kind.GROUP, _("voucher that everybody gets for a review, whatever it says"),
        optional=True, fields=_THANKS, is_advertising=True,
    ),
)  # fmt: skip

#: what a template is about -> what can be used in it
PLACEHOLDERS: Final[Mapping[str, tuple[Placeholder, ...]]] = {
    TemplateSubject.CART: (*COMMON, *_CART),
    TemplateSubject.ORDER: (*COMMON, *_ORDER),
}


def documented(
    placeholders: tuple[Placeholder, ...],
) -> Iterator[tuple[str, Placeholder]]:
    """Every placeholder with its full name, as `line.title` within a loop over `lines`."""
    singular = {
        "lines": "line",
        "unavailable_lines": "line",
        "other_lines": "line",
        "other_parcels": "parcel",
        "options": "option",
        "imprint_rows": "row",
        "recommendations": "product",
        "ratings": "rating",
    }

    def walk(prefix: str, fields: tuple[Placeholder, ...]) -> Iterator[tuple[str, Placeholder]]:
        for item in fields:
            yield prefix + item.name, item
            yield from walk(singular.get(item.name, prefix + item.name) + ".", item.fields)

    yield from walk("", placeholders)
