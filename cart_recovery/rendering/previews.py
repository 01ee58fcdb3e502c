"""What a template is looked at with: samples for the edges, and rows of the shop. No live links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.utils.translation import gettext

from cart_recovery.exceptions import RenderingError
from cart_recovery.models import TemplateSubject
from cart_recovery.rendering.batches import PHONE, render_content
from cart_recovery.rendering.cart_previews import CART_SAMPLES, cart_request
from cart_recovery.rendering.contents import Content
from cart_recovery.rendering.order_previews import ORDER_SAMPLES, order_request
from cart_recovery.rendering.preview_settings import Sample, Setting
from cart_recovery.rendering.requests import Rendered, RenderRequest
from cart_recovery.rendering.short_messages import MAX_CHARACTERS
from cart_recovery.shop.site import base_url

#: in front of the subject of a mail or of the text of an SMS
TEST_MARK: Final = "[Test] "
#: what a template is about -> what it can be tried out with
SAMPLES: Final[Mapping[str, tuple[Sample, ...]]] = {
    TemplateSubject.CART: CART_SAMPLES, TemplateSubject.ORDER: ORDER_SAMPLES,
}  # fmt: skip
#: parts of a content that a TEST notice keeps
_TEXTS: Final = ("subject", "preheader", "html", "text")


@dataclass(frozen=True, slots=True)
class TestText:
    """What a TEST notice keeps: the texts as they were typed, and what they are filled with."""

    #: pytest takes it for a test otherwise
    __test__ = False

    content: Content
    data: str
    shows_persons: bool
    may_advertise: bool = True

    def as_json(self) -> dict[str, Any]:
        texts = {name: getattr(self.content, name) for name in _TEXTS}
        return {
            "texts": texts, "about": self.content.about, "data": self.data,
            "shows_persons": self.shows_persons, "may_advertise": self.may_advertise,
        }  # fmt: skip

    @classmethod
    def from_json(cls, kept: Mapping[str, Any] | None, language: str) -> TestText:
        """Raises RenderingError where nothing is kept (any more)."""
        if not kept:
            raise RenderingError(gettext("There is nothing to try out."), field="text")
        # what was planned before templates could be about orders says nothing of it
        about = kept.get("about", TemplateSubject.CART)
        content = Content(language, **kept["texts"], about=about)
        return cls(
            content, kept["data"], kept["shows_persons"], kept.get("may_advertise", True)
        )  # fmt: skip


def preview_request(
    data: str, setting: Setting, about: str = TemplateSubject.CART
) -> RenderRequest:
    """The request of a sample (its key), of a cart (`cart-<pk>`) or of an order (`order-<pk>`), with
    links that lead nowhere.

    Raises RenderingError for data that is not there (any more). A cart takes eleven queries, an
    order six.
    """
    make = order_request if about == TemplateSubject.ORDER else cart_request
    return make(data, setting)


def render_test(kept: TestText, setting: Setting) -> Rendered:
    """The message of a test send: what the preview shows, marked as a test."""
    request = preview_request(kept.data, setting, kept.content.about)
    rendered = render_content(kept.content, request, base=base_url())
    if setting.address_kind != PHONE:
        return replace(rendered, subject=TEST_MARK + rendered.subject)
    if len(TEST_MARK + rendered.text) > MAX_CHARACTERS:
        raise RenderingError(gettext("The SMS is too long to be marked as a test."), field="text")
    return replace(rendered, text=TEST_MARK + rendered.text)
