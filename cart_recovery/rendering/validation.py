"""What staff write is tried out before it is saved: nothing gets in that could not be sent."""

from __future__ import annotations

from collections.abc import Iterator

from cart_recovery.conf import conf
from cart_recovery.exceptions import RenderingError
from cart_recovery.models import TemplateSubject
from cart_recovery.rendering.batches import PHONE, compile_content, render_content
from cart_recovery.rendering.blocks import expand
from cart_recovery.rendering.contents import Content
from cart_recovery.rendering.engine import Writer
from cart_recovery.rendering.labels import Style
from cart_recovery.rendering.language import parse
from cart_recovery.rendering.placeholders import PLACEHOLDERS
from cart_recovery.rendering.samples import sample_requests
from cart_recovery.rendering.scopes import Scope

_SAMPLE_SHOP = "https://shop.example"


def validate_template(  # noqa: PLR0913  # one argument per field of a template
    *,
    address_kind: str,
    subject: str = "",
    preheader: str = "",
    html: str = "",
    text: str = "",
    language: str = "",
    about: str = TemplateSubject.CART,
) -> list[RenderingError]:
    """Everything that keeps a template from being sent, with field and line; empty if it is good.

    Unknown placeholders are found wherever they stand, also where no sample leads. What may be
    missing (a voucher, a picture) must stand within its `{% if %}`.
    """
    language = language or next(iter(conf.LANGUAGES), "en")
    content = Content(language, subject, preheader, html, text, about)
    if address_kind == PHONE:
        content = Content(language, text=text, about=about)
    if mistakes := list(_mistakes(content, has_blocks=address_kind != PHONE)):
        return mistakes
    try:
        compiled = compile_content(content, address_kind)
    except RenderingError as error:
        return [error]
    if compiled.missing:
        return _once(compiled.missing)
    return _once(list(_failures(content, address_kind)))


def _mistakes(content: Content, *, has_blocks: bool) -> Iterator[RenderingError]:
    """The first thing of each field that is not understood or does not exist."""
    for field in ("subject", "preheader", "html", "text"):
        try:
            nodes = parse(getattr(content, field), field=field)
            if has_blocks and field in ("html", "text"):
                style = Style(content.language, content.about, is_html=field == "html")
                nodes = expand(nodes, style)
            Writer(field).write(nodes, Scope(PLACEHOLDERS[content.about]))
        except RenderingError as error:
            yield error


def _failures(content: Content, address_kind: str) -> Iterator[RenderingError]:
    for request in sample_requests(address_kind, content.language, content.about):
        try:
            render_content(content, request, base=_SAMPLE_SHOP)
        except RenderingError as error:
            if (
                error.field != "imprint"
            ):  # the setting's fault: a check says so, and nothing is sent
                yield error


def _once(errors: list[RenderingError]) -> list[RenderingError]:
    """Each complaint once, in the order in which they were found."""
    return list({(item.field, item.line, item.reason): item for item in errors}.values())
