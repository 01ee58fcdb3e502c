"""What can be put into a template, with its explanation: made from the table of placeholders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cart_recovery.models import TemplateSubject
from cart_recovery.rendering.placeholders import PLACEHOLDERS, Kind, Placeholder

Words = str | Promise
#: said of the shop, not of the basket or the order
_SHOPS: Final = frozenset({"shop_name", "language", "help_contact", "imprint"})


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to insert. `html`: what is inserted into HTML instead of `text`, if anything."""

    name: str
    text: str
    explanation: Words
    sample: str = ""
    html: str = ""
    #: blocks are for mails
    mail_only: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    title: Words
    items: tuple[Item, ...]
    hint: Words = ""
    mail_only: bool = False


def palette(about: str) -> list[Group]:
    """What there is for a basket or an order: groups in the order in which they are looked for."""
    placeholders = PLACEHOLDERS[about]
    by_name = {placeholder.name: placeholder for placeholder in placeholders}
    plain = [p for p in placeholders if p.kind in (Kind.TEXT, Kind.NUMBER)]
    return [
        Group(_("Ready-made"), tuple(_blocks(about)), mail_only=True),
        Group(
            _("Basket") if about == TemplateSubject.CART else _("Order"),
            tuple(_value(p) for p in plain if p.name not in _SHOPS),
        ),
        Group(_("First product"), tuple(_fields("first_line", by_name["first_line"]))),
        Group(
            _("Every product"), tuple(_fields("line", by_name["lines"])),
            hint=_("Only within a loop over the products: see “for line in lines”."),
        ),
        Group(
            _("Every recommendation"), tuple(_fields("product", by_name["recommendations"])),
            hint=_("Only within a loop over them: see “for product in recommendations”."),
        ),
        *(_order_groups(by_name) if about == TemplateSubject.ORDER else ()),
        Group(_("Voucher"), tuple(_optional("voucher", by_name["voucher"]))),
        Group(_("Links"), tuple(_value(p) for p in placeholders if p.kind is Kind.URL)),
        Group(_("Shop"), tuple(_value(p) for p in plain if p.name in _SHOPS)),
        Group(_("If, and for each"), tuple(_logic(about))),
    ]  # fmt: skip


def _order_groups(by_name: Mapping[str, Placeholder]) -> list[Group]:
    return [
        Group(
            _("Every score"), tuple(_fields("rating", by_name["ratings"])),
            hint=_("Only within a loop over the scores: see “for rating in ratings”."),
        ),
        Group(_("Thank-you for a review"), tuple(_optional("thanks", by_name["thanks"]))),
    ]  # fmt: skip


def _value(item: Placeholder, path: str = "") -> Item:
    path = path or item.name
    text = f"{{{{ {path} }}}}"
    link = f'<a href="{text}">{gettext("Words of the link")}</a>' if item.kind is Kind.URL else ""
    if item.kind is Kind.URL and "image" in path:
        link = f'<img src="{text}" alt="" width="120">'
    return Item(
        path, _if(path, text) if item.optional else text, item.description, item.sample,
        html=_if(path, link) if item.optional and link else link,
    )  # fmt: skip


def _fields(prefix: str, group: Placeholder) -> Iterator[Item]:
    for field in group.fields:
        path = f"{prefix}.{field.name}"
        if field.kind is Kind.LIST:
            inner = "{{ option.name }}: {{ option.value }}"
            loop = f"{{% for option in {path} %}}{inner}{{% endfor %}}"
            yield Item(path, loop, field.description, html=loop)
        elif field.kind is Kind.FLAG:
            yield Item(path, _if(path, "…"), field.description)
        else:
            yield _value(field, path)


def _optional(name: str, group: Placeholder) -> Iterator[Item]:
    """Each within its `{% if %}`: most messages have none."""
    for item in _fields(name, group):
        yield Item(item.name, _if(name, item.text), item.explanation, item.sample)


def _blocks(about: str) -> Iterator[Item]:
    if about == TemplateSubject.CART:
        label, leads = gettext("To my basket"), _("the button that brings the basket back")
        products = _("the products with pictures, prices and the total")
    else:
        label, leads = gettext("View my order"), _("the button that leads to “action_url”")
        products = _("the products that it is about, with pictures")
    yield Item("products", "{% products %}", products, mail_only=True)
    yield Item("button", f'{{% button "{label}" %}}', leads, mail_only=True)
    # apart from the tags: what stands within another text is not found for translation
    heading, question = gettext("You may also like"), gettext("How satisfied were you with us?")
    yield Item(
        "recommendations", f'{{% recommendations "{heading}" %}}',
        _("what the reader may like as well, under a heading; nothing where there is none"),
        mail_only=True,
    )  # fmt: skip
    if about == TemplateSubject.ORDER:
        yield Item(
            "ratings", f'{{% ratings "{question}" %}}',
            _("the scores to tap on, under a question; nothing where none is asked for"),
            mail_only=True,
        )  # fmt: skip


def _logic(about: str) -> Iterator[Item]:
    is_cart = about == TemplateSubject.CART
    line = "{{ line.quantity }} × {{ line.title }}"
    yield _loop(
        "line", "lines", line + ": {{ line.total }}" if is_cart else line,
        _("repeats what stands between for each product"),
    )  # fmt: skip
    if is_cart:
        yield _loop(
            "line", "unavailable_lines", "{{ line.title }}",
            _("the same for what cannot be bought any more"),
        )  # fmt: skip
    else:
        yield _loop("line", "other_lines", line, _("the same for what is still to come"))
        yield _loop("parcel", "other_parcels", "{{ parcel.url }}",
                    _("the same for each further parcel"))  # fmt: skip
        yield _loop("rating", "ratings", "{{ rating.score }}: {{ rating.url }}",
                    _("the same for each score"))  # fmt: skip
    yield _loop("product", "recommendations", "{{ product.title }}: {{ product.url }}",
                _("the same for each recommendation"))  # fmt: skip
    yield Item("if … else", "{% if line_count > 1 %}…{% else %}…{% endif %}",
               _("one text or the other; compares with >, <, == and joins with and, or, not"))  # fmt: skip
    yield Item("if voucher", _if("voucher", "…"), _("only where this step offers a voucher"))
    for flag in PLACEHOLDERS[about]:
        if flag.kind is Kind.FLAG:
            yield Item(f"if {flag.name}", _if(flag.name, "…"), flag.description)
    yield Item("# …", "{# … #}", _("a note for yourselves, which is not sent"))


def _loop(name: str, items: str, inner: str, explanation: Words) -> Item:
    head = f"for {name} in {items}"
    return Item(
        head, f"{{% {head} %}}\n{inner}\n{{% endfor %}}", explanation,
        html=f"{{% {head} %}}\n<p>{inner}</p>\n{{% endfor %}}",
    )  # fmt: skip


def _if(path: str, text: str) -> str:
    return f"{{% if {path} %}}{text}{{% endif %}}"
