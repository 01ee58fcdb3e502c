"""A mail: what staff wrote, within our frame, compiled once and rendered many times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from html import escape
from typing import Any, Final

from django.utils.translation import gettext as _

from cart_recovery.conf import conf
from cart_recovery.exceptions import RenderingError
from cart_recovery.rendering.blocks import expand, shipped
from cart_recovery.rendering.contents import Content
from cart_recovery.rendering.engine import Program, Writer
from cart_recovery.rendering.formats import locale_of, shorten
from cart_recovery.rendering.inlining import Inliner
from cart_recovery.rendering.labels import Style, with_labels
from cart_recovery.rendering.language import For, If, Node, Text, parse
from cart_recovery.rendering.markup import check_markup
from cart_recovery.rendering.placeholders import PLACEHOLDERS
from cart_recovery.rendering.plaintext import tidy, without_tags
from cart_recovery.rendering.requests import Rendered
from cart_recovery.rendering.scopes import Scope

#: characters; mail programs cut off what is longer than about 100,000 bytes
MAX_HTML: Final = 200_000
MAX_SUBJECT: Final = 200
#: between the parts of a mail, which are rendered in one go; no value can hold it
_SEPARATOR: Final = "\x00"
#: keeps the list of messages from going on with the first words of the mail
_FILLER: Final = "&#8199;&#847; " * 40


class CompiledMail:
    """A template of a mail, ready to be rendered for one reader after the other.

    `missing` says what may be missing where it is used, for the check at saving.
    """

    def __init__(self, content: Content) -> None:
        self.language, self.about = content.language, content.about
        self._scope = Scope(PLACEHOLDERS[content.about])
        self.missing: list[RenderingError] = []
        self.used: set[str] = set()
        subject = parse(content.subject, field="subject")
        preheader = parse(content.preheader, field="preheader")
        body = parse(content.html, field="html")
        if not content.subject.strip():
            raise RenderingError(_("The subject is empty."), field="subject")
        if not body:
            raise RenderingError(_("The HTML is empty."), field="html")
        _checked(body, self._scope)
        text = parse(content.text, field="text") if content.text.strip() else without_tags(body)
        parts = [
            self._write(subject, "subject"),
            self._write(preheader, "preheader"),
            self._text_part(text, "text" if content.text.strip() else "html"),
        ]
        source = "{% autoescape false %}" + _SEPARATOR.join(parts) + "{% endautoescape %}"
        source += _SEPARATOR + self._document(body, preheader)
        self._program = Program(source, is_html=True)

    def render(self, context: Mapping[str, Any]) -> Rendered:
        """The mail for one reader. Raises RenderingError."""
        if not conf.IMPRINT:
            raise RenderingError(
                _('imprint missing: CART_RECOVERY["IMPRINT"] must hold the legal footer of mails.'),
                field="imprint",
            )
        parts = self._program.run(context).split(_SEPARATOR)
        html = parts[3]
        if len(html) > MAX_HTML:
            raise RenderingError(
                _("The mail has %(length)d characters; at most %(limit)d are sent.")
                % {"length": len(html), "limit": MAX_HTML},
                field="html",
            )
        subject = shorten(" ".join(parts[0].split()), MAX_SUBJECT)
        if not subject:
            raise RenderingError(_("The subject is empty."), field="subject")
        return Rendered(
            subject=subject,
            preheader=" ".join(parts[1].split()),
            html=html,
            text=tidy(parts[2]),
            sms_parts=0,
            language=self.language,
        )

    def _write(self, nodes: tuple[Node, ...], field: str, inliner: Inliner | None = None) -> str:
        writer = Writer(field, is_html=True, wrap=inliner.wrap) if inliner else Writer(field)
        style = Style(self.language, self.about, is_html=inliner is not None)
        source = writer.write(expand(nodes, style), self._scope)
        self.missing += writer.missing
        self.used |= writer.used
        return source

    def _text_part(self, nodes: tuple[Node, ...], field: str) -> str:
        frame = with_labels(shipped("layout.txt"), Style(self.language, self.about))
        head, _marker, tail = frame.partition("<<body>>")
        source = self._write(nodes, field)
        return self._write(parse(head), "text") + source + self._write(parse(tail), "text")

    def _document(self, body: tuple[Node, ...], preheader: tuple[Node, ...]) -> str:
        frame = with_labels(shipped("layout.html"), Style(self.language, self.about, is_html=True))
        frame = frame.replace("((direction))", locale_of(self.language).text_direction)
        head, _marker, tail = frame.partition("<<body>>")
        head, _marker, card = head.partition("<<preheader>>")
        inliner = Inliner()
        document = (
            self._write(parse(head), "html", inliner)
            + self._write(_escaped(preheader), "preheader", inliner)
            + (_FILLER if preheader else "")
            + self._write(parse(card), "html", inliner)
            + self._write(body, "html", inliner)
            + self._write(parse(tail), "html", inliner)
        )
        document = inliner.inline(document, shipped("mail.css"))
        style = f"<style>\n{shipped('mail-screens.css')}</style>\n"
        return document.replace("</head>", style.replace("{", '{{ "{" }}') + "</head>", 1)


@lru_cache(maxsize=256)
def compile_mail(content: Content) -> CompiledMail:
    """The compiled template; raises RenderingError (and is asked again then)."""
    return CompiledMail(content)


def _checked(body: tuple[Node, ...], scope: Scope) -> None:
    try:
        check_markup(body, scope)
    except RenderingError as error:
        raise RenderingError(error.reason, line=error.line, field="html") from None


def _escaped(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Plain text as part of HTML: its own words are escaped as its values are."""
    result: list[Node] = []
    for node in nodes:
        if isinstance(node, Text):
            result.append(replace(node, value=escape(node.value, quote=False)))
        elif isinstance(node, If):
            branches = [replace(item, body=_escaped(item.body)) for item in node.branches]
            result.append(replace(node, branches=tuple(branches)))
        elif isinstance(node, For):
            result.append(replace(node, body=_escaped(node.body)))
        else:
            result.append(node)
    return tuple(result)
