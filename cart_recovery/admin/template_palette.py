"""What can be put into a template, with its explanation: made from the table of placeholders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cart_recovery.rendering.placeholders import PLACEHOLDERS, Kind, Placeholder

Words = str | Promise
#: said of the shop, not of the basket
_SHOPS: Final = frozenset({"shop_name", "language", "imprint"})


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


def palette() -> list[Group]:
    """The groups in the order in which they are looked for."""
    by_name = {placeholder.name: placeholder for placeholder in PLACEHOLDERS}
    plain = [p for p in PLACEHOLDERS if p.kind in (Kind.TEXT, Kind.NUMBER)]
    return [
        Group(_("Ready-made"), tuple(_blocks()), mail_only=True),
        Group(_("Basket"), tuple(_value(p) for p in plain if p.name not in _SHOPS)),
        Group(_("First product"), tuple(_fields("first_line", by_name["first_line"]))),
        Group(
            _("Every product"), tuple(_fields("line", by_name["lines"])),
            hint=_("Only within a loop over the products: see “for line in lines”."),
        ),
        Group(_("Voucher"), tuple(_voucher(by_name["voucher"]))),
        Group(_("Links"), tuple(_value(p) for p in PLACEHOLDERS if p.kind is Kind.URL)),
        Group(_("Shop"), tuple(_value(p) for p in plain if p.name in _SHOPS)),
        Group(_("If, and for each"), tuple(_logic())),
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


def _voucher(group: Placeholder) -> Iterator[Item]:
    """Each within its `{% if %}`: most steps offer none."""
    for item in _fields("voucher", group):
        yield Item(item.name, _if("voucher", item.text), item.explanation, item.sample)


def _blocks() -> Iterator[Item]:
    button = f'{{% button "{gettext("To my basket")}" %}}'
    yield Item(
        "products", "{% products %}",
        _("the products with pictures, prices and the total"), mail_only=True,
    )  # fmt: skip
    yield Item("button", button, _("the button that brings the basket back"), mail_only=True)


def _logic() -> Iterator[Item]:
    line = "{{ line.quantity }} × {{ line.title }}: {{ line.total }}"
    yield Item(
        "for line in lines", f"{{% for line in lines %}}\n{line}\n{{% endfor %}}",
        _("repeats what stands between for each product"),
        html=f"{{% for line in lines %}}\n<p>{line}</p>\n{{% endfor %}}",
    )  # fmt: skip
    gone = "{% for line in unavailable_lines %}\n{{ line.title }}\n{% endfor %}"
    yield Item(
        "for line in unavailable_lines", gone, _("the same for what cannot be bought any more"),
        html=gone.replace("{{ line.title }}", "<p>{{ line.title }}</p>"),
    )  # fmt: skip
    yield Item("if … else", "{% if line_count > 1 %}…{% else %}…{% endif %}",
               _("one text or the other; compares with >, <, == and joins with and, or, not"))  # fmt: skip
    yield Item("if voucher", _if("voucher", "…"), _("only where this step offers a voucher"))
    for flag in PLACEHOLDERS:
        if flag.kind is Kind.FLAG:
            yield Item(f"if {flag.name}", _if(flag.name, "…"), flag.description)
    yield Item("# …", "{# … #}", _("a note for yourselves, which is not sent"))


def _if(path: str, text: str) -> str:
    return f"{{% if {path} %}}{text}{{% endif %}}"
