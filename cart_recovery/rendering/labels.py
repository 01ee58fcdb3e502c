"""The words that our own frame adds around what staff write, in the language of the template."""

from __future__ import annotations

import html
import re
from typing import Final

from django.utils.translation import gettext, gettext_noop, override

#: name -> English text. Braces are placeholders of the template language.
LABELS: Final = {
    "only_left": gettext_noop("Only {{ line.quantity }} left"),
    "no_picture": gettext_noop("No picture"),
    "total": gettext_noop("Total of the basket"),
    "more": gettext_noop("and {{ more_count }} more in your basket"),
    "gone": gettext_noop("No longer available:"),
    "why": gettext_noop("You receive this message because you left a basket at {{ shop_name }}."),
    "sale": gettext_noop(
        "You receive this message because you have bought from {{ shop_name }}. You can object at "
        "any time by the link below, at no cost other than that of sending it at basic rates."
    ),
    "unsubscribe": gettext_noop("Unsubscribe from these messages"),
    "preferences": gettext_noop("Choose what you get"),
    "sms_stop": gettext_noop("No more texts: reply STOP"),
    "sms_link": gettext_noop("No more texts: {{ unsubscribe_url }}"),
}
_LABEL = re.compile(r"\[\[(\w+)\]\]")


def with_labels(source: str, language: str, *, is_html: bool) -> str:
    """The source of a shipped piece with its `[[names]]` replaced by words."""
    with override(language):
        words = {name: gettext(text) for name, text in LABELS.items()}
    # what staff entered: it ends up in an attribute
    words["language"] = re.sub(r"[^A-Za-z0-9-]", "", language)

    def replace(found: re.Match[str]) -> str:
        word = words[found[1]]
        return html.escape(word, quote=False) if is_html else word

    return _LABEL.sub(replace, source)
