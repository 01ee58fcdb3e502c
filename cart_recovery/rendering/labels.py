"""The words that our own frame adds around what staff write, in the language of the template."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext, gettext_noop, override

from cart_recovery.models import TemplateSubject

#: name -> English text. Braces are placeholders of the template language.
COMMON: Final = {
    "no_picture": gettext_noop("No picture"),
    "sale": gettext_noop(
        "You receive this message because you have bought from {{ shop_name }}. You can object at "
        "any time by the link below, at no cost other than that of sending it at basic rates."
    ),
    "unsubscribe": gettext_noop("Unsubscribe from these messages"),
    "preferences": gettext_noop("Choose what you get"),
    "sms_stop": gettext_noop("No more texts: reply STOP"),
    "sms_link": gettext_noop("No more texts: {{ unsubscribe_url }}"),
}
#: what the message is about -> the same for words that differ by it
LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    TemplateSubject.CART: {
        **COMMON,
        "only_left": gettext_noop("Only {{ line.quantity }} left"),
        "total": gettext_noop("Total of the basket"),
        "more": gettext_noop("and {{ more_count }} more in your basket"),
        "gone": gettext_noop("No longer available:"),
        "why": gettext_noop(
            "You receive this message because you left a basket at {{ shop_name }}."
        ),
    },
    TemplateSubject.ORDER: {
        **COMMON,
        "quantity": gettext_noop("Quantity: {{ line.quantity }}"),
        "more": gettext_noop("and {{ more_count }} more of your order"),
        "why": gettext_noop("You receive this message because you ordered from {{ shop_name }}."),
        "rate": gettext_noop("Rate us {{ rating.score }}"),
        "best": gettext_noop("very good"),
        "worst": gettext_noop("unsatisfactory"),
    },
}
_LABEL = re.compile(r"\[\[(\w+)\]\]")


@dataclass(frozen=True, slots=True)
class Style:
    """How a shipped piece is to be written."""

    language: str
    #: a `TemplateSubject`
    about: str
    is_html: bool = False


def with_labels(source: str, style: Style) -> str:
    """The source of a shipped piece with its `[[names]]` replaced by words."""
    with override(style.language):
        words = {name: gettext(text) for name, text in LABELS[style.about].items()}
    # what staff entered: it ends up in an attribute
    words["language"] = re.sub(r"[^A-Za-z0-9-]", "", style.language)

    def replace(found: re.Match[str]) -> str:
        word = words[found[1]]
        return html.escape(word, quote=False) if style.is_html else word

    return _LABEL.sub(replace, source)
