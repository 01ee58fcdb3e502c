"""What goes into the renderer and what comes out: plain data, made anew for each message."""

from __future__ import annotations

from dataclasses import dataclass

from cart_recovery.shop.baskets import BasketFacts
from cart_recovery.shop.vouchers import VoucherFacts


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """One message to render. `basket` is loaded at the moment of sending, links are absolute."""

    #: alias of the channel, by which the template is found
    channel: str
    #: "email" (subject, HTML and text) or "phone" (one SMS body)
    address_kind: str
    template_code: str
    #: wanted language; the one that was used is in `Rendered.language`
    language: str
    basket: BasketFacts
    restore_url: str
    unsubscribe_url: str
    #: where the person chooses what they get; "" leaves the link out
    preferences_url: str = ""
    voucher: VoucherFacts | None = None
    #: whether an answer to an SMS reaches us: if not, STOP cannot be offered, but a link
    supports_reply: bool = False
    #: whether the reader never agreed but has bought: then the message says so, and how to object
    rests_on_sale: bool = False


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message ready to be handed to a channel. For an SMS only `text` and `sms_parts` are set."""

    subject: str
    preheader: str
    html: str
    text: str
    #: exact number of SMS segments; 0 for a mail
    sms_parts: int
    language: str
