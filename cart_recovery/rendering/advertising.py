"""What makes a template advertising: a message about an order may hold none of it."""

from __future__ import annotations

from cart_recovery.exceptions import RenderingError
from cart_recovery.rendering.blocks import expand
from cart_recovery.rendering.contents import Content
from cart_recovery.rendering.engine import Writer
from cart_recovery.rendering.labels import Style
from cart_recovery.rendering.language import parse
from cart_recovery.rendering.placeholders import PLACEHOLDERS
from cart_recovery.rendering.scopes import Scope


def advertises(content: Content) -> list[str]:
    """Names of the placeholders in a template, those of its blocks included, that are advertising.

    Also those within an `{% if %}`: what is wrapped there is to be shown some day. A part that
    cannot be read is not sent either, and names none.
    """
    used: set[str] = set()
    for field in ("subject", "preheader", "html", "text"):
        used |= _used_in(content, field)
    names = {placeholder.name for placeholder in PLACEHOLDERS[content.about]
             if placeholder.is_advertising}  # fmt: skip
    return sorted(names & {name.partition(".")[0] for name in used})


def _used_in(content: Content, field: str) -> set[str]:
    writer = Writer(field)
    style = Style(content.language, content.about, is_html=field == "html")
    try:
        writer.write(
            expand(parse(getattr(content, field)), style), Scope(PLACEHOLDERS[content.about])
        )
    except RenderingError:
        return set()
    return writer.used
