"""What goes into the renderer and what comes out: plain data, made anew for each message."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from cart_recovery.models import TemplateSubject
from cart_recovery.recommendations.products import RecommendedProduct
from cart_recovery.shop.baskets import BasketFacts
from cart_recovery.shop.vouchers import VoucherFacts


@dataclass(frozen=True, slots=True)
class OrderLineView:
    """A line of an order, or some of its pieces. `total` is what they cost, in the order's currency."""

    title: str
    quantity: int
    total: Decimal | None
    product_path: str
    image_url: str


@dataclass(frozen=True, slots=True)
class OrderView:
    """What a message about an order can say. Loaded at the moment of sending, links are absolute.

    Links that there are none of are "".
    """

    number: str
    placed_at: dt.datetime
    total: Decimal
    currency: str
    #: what the message is about: shipped now, to be reviewed, paid back
    lines: tuple[OrderLineView, ...]
    #: ordered as well, and still to come
    other_lines: tuple[OrderLineView, ...] = ()
    #: news of a part of the order alone: the rest has not got so far, or was not sent back
    is_part: bool = False
    #: where the button leads: to the parcel, the review, the payment, else to the order
    action_url: str = ""
    #: the order's page in the shop, without log-in
    order_url: str = ""
    tracking_url: str = ""
    #: where the further parcels are followed that the message is about
    other_parcels: tuple[str, ...] = ()
    payment_url: str = ""
    #: what is still to be paid; None where no money is waited for
    amount_due: Decimal | None = None
    refund: Decimal | None = None
    review_url: str = ""
    #: (score, link) to rate the shop's service by one tap, the best score first
    ratings: tuple[tuple[int, str], ...] = ()
    #: what everybody gets who answers, whatever they say; its `code` is "" until then
    thanks: VoucherFacts | None = None


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """One message to render, about a basket or an order: exactly one of the two is set, loaded at the
    moment of sending. Links are absolute."""

    #: alias of the channel, by which the template is found
    channel: str
    #: "email" (subject, HTML and text) or "phone" (one SMS body)
    address_kind: str
    template_code: str
    #: wanted language; the one that was used is in `Rendered.language`
    language: str
    unsubscribe_url: str
    basket: BasketFacts | None = None
    #: brings the basket back; "" for an order
    restore_url: str = ""
    order: OrderView | None = None
    #: where the person chooses what they get; "" leaves the link out
    preferences_url: str = ""
    voucher: VoucherFacts | None = None
    #: whether an answer to an SMS reaches us: if not, STOP cannot be offered, but a link
    supports_reply: bool = False
    #: whether the reader never agreed but has bought: then the message says so, and how to object
    rests_on_sale: bool = False
    #: what the reader may like as well; there may be none
    recommendations: tuple[RecommendedProduct, ...] = ()
    #: False: a service message, in which vouchers, suggestions and questions for an opinion stay out
    #: whatever the template says
    may_advertise: bool = True

    @property
    def about(self) -> TemplateSubject:
        return TemplateSubject.CART if self.order is None else TemplateSubject.ORDER


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
