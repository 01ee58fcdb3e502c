"""An SMS: what staff wrote, with sender and way out, in no more parts than the shop allows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from django.utils.translation import gettext as _

from cart_recovery.conf import conf
from cart_recovery.exceptions import RenderingError, TooLongError
from cart_recovery.models import TemplateSubject
from cart_recovery.rendering.contents import Content
from cart_recovery.rendering.engine import Program, Writer
from cart_recovery.rendering.labels import Style, with_labels
from cart_recovery.rendering.language import Text, parse
from cart_recovery.rendering.placeholders import PLACEHOLDERS
from cart_recovery.rendering.plaintext import tidy
from cart_recovery.rendering.requests import Rendered
from cart_recovery.rendering.scopes import Scope
from cart_recovery.rendering.sms import plainest, segment

#: lengths of product titles that are tried one after the other until the text fits
TITLE_LIMITS: Final = (255, 60, 40, 30, 22, 16, 12)
#: Twilio takes no longer body, in however many parts
MAX_CHARACTERS: Final = 1600
_STOP: Final = re.compile(r"\bSTOPP?\b")


class CompiledShortMessage:
    """A template of an SMS, ready to be rendered for one reader after the other."""

    def __init__(self, content: Content) -> None:
        self.language, self.about = content.language, content.about
        scope = Scope(PLACEHOLDERS[content.about])
        nodes = parse(content.text, field="text")
        if not content.text.strip():
            raise RenderingError(_("The text is empty."), field="text")
        writer = Writer("text")
        self._program = Program(writer.write(nodes, scope), is_html=False)
        self.missing, self.used = writer.missing, writer.used
        # only where it stands in every message
        self._offers_stop = any(
            isinstance(node, Text) and _STOP.search(node.value) for node in nodes
        )
        hint = "{% if can_reply %}[[sms_stop]]{% else %}[[sms_link]]{% endif %}"
        hint = with_labels(hint, Style(content.language, content.about))
        self._hint = Program(Writer("text").write(parse(hint), scope), is_html=False)

    def render(self, build: Callable[[int, bool], Mapping[str, Any]]) -> Rendered:
        """The SMS for one reader; `build` gives the context for a greatest length of titles, and
        whether they are spelled in the letters of an SMS: a single other one makes all take twice
        the room.

        Raises TooLongError where not even short titles make it fit, and RenderingError.
        """
        for is_plain in (False, True):
            previous = ""
            for limit in TITLE_LIMITS:
                text = self._text(build(limit, is_plain))
                parts = segment(text).parts
                if parts <= conf.SMS_MAX_PARTS and len(text) <= MAX_CHARACTERS:
                    return Rendered(
                        subject="", preheader="", html="", text=text, sms_parts=parts,
                        language=self.language,
                    )  # fmt: skip
                if text == previous:
                    break
                previous = text
        raise TooLongError(
            _("too long: %(parts)d parts, allowed %(allowed)d")
            % {"parts": parts, "allowed": conf.SMS_MAX_PARTS},
            field="text",
        )

    def _text(self, context: Mapping[str, Any]) -> str:
        text = tidy(self._program.run(context)).strip()
        # a reminder is for its link; that a parcel has arrived can be said without one
        if self.about == TemplateSubject.CART and context["restore_url"] not in text:
            raise RenderingError(
                _("The link to the basket is missing: write {{ restore_url }}."), field="text"
            )
        if context["shop_name"] not in text:
            text = f"{context['shop_name']}: {text}"
        can_stop = self._offers_stop and context["can_reply"]
        if not can_stop and context["unsubscribe_url"] not in text:
            text = f"{text}\n{self._hint.run(context)}"
        return plainest(text)


@lru_cache(maxsize=256)
def compile_short_message(content: Content) -> CompiledShortMessage:
    """The compiled template; raises RenderingError (and is asked again then)."""
    return CompiledShortMessage(content)
