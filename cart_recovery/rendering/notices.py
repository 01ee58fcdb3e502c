"""What the app itself has to say: fixed texts, in the reader's language, without advertising.

No products but a basket that was asked for, no pictures, no voucher, no link to the shop: a message
that asks for consent must not be advertising itself (OLG Düsseldorf I-15 U 64/15).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Final

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cart_recovery.channels.names import channel_name
from cart_recovery.conf import conf
from cart_recovery.exceptions import RenderingError
from cart_recovery.models import NoticeKind, OptIn, Purpose, ServiceRating
from cart_recovery.rendering.batches import PHONE, fallbacks
from cart_recovery.rendering.blocks import shipped
from cart_recovery.rendering.formats import clean, deadline, locale_of
from cart_recovery.rendering.inlining import Inliner
from cart_recovery.rendering.plaintext import tidy
from cart_recovery.rendering.requests import Rendered
from cart_recovery.rendering.sms import plainest, segment
from cart_recovery.reviews.thanks import gift_text
from cart_recovery.shop.baskets import BasketFacts
from cart_recovery.shop.vouchers import VoucherFacts

#: products of a basket that are named
MAX_LINES: Final = 20


@dataclass(frozen=True, slots=True)
class NoticeRequest:
    """One notice to render. Links are absolute; `link` is "" where the kind has none."""

    kind: NoticeKind
    channel: str
    #: "email" or "phone"
    address_kind: str
    language: str
    link: str
    unsubscribe_url: str
    #: whether an answer to an SMS reaches us
    supports_reply: bool = False
    #: what an OPT_IN asks to confirm
    opt_in: OptIn | None = None
    #: what a SAVED_BASKET brings
    basket: BasketFacts | None = None
    #: what RATING_THANKS thanks for
    rating: ServiceRating | None = None
    voucher: VoucherFacts | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a mail, within our frame."""

    subject: str
    paragraphs: tuple[str, ...]
    #: the exact text that is agreed to
    quote: str = ""
    lines: tuple[str, ...] = ()
    button: str = ""
    small: tuple[str, ...] = ()
    #: why this person gets it
    why: str = ""
    can_unsubscribe: bool = field(default=False)


def render_notice(request: NoticeRequest) -> Rendered:
    """The message. Raises RenderingError where the imprint of a mail is missing, or an SMS is
    longer than the shop allows."""
    language = _spoken(request.language)
    with translation.override(language):
        if request.address_kind == PHONE:
            return _short_message(request, language)
        return _mail(request, language)


def _spoken(wanted: str) -> str:
    """The first language, best first, that the project speaks."""
    for language in fallbacks(wanted):
        try:
            return translation.get_supported_language_variant(language)
        except LookupError:
            continue
    return "en"


# --- mails ----------------------------------------------------------------------------------------


def _mail(request: NoticeRequest, language: str) -> Rendered:
    if not conf.IMPRINT:
        raise RenderingError(
            _('imprint missing: CART_RECOVERY["IMPRINT"] must hold the legal footer of mails.'),
            field="imprint",
        )
    words = MAILS[request.kind](request, language)
    context = {
        "words": words, "language": language, "link": request.link, "shop": _shop(),
        "direction": locale_of(language).text_direction, "imprint": conf.IMPRINT,
        "unsubscribe_url": request.unsubscribe_url if words.can_unsubscribe else "",
    }  # fmt: skip
    html = Inliner().inline(
        render_to_string("cart_recovery/notice_mail.html", context), shipped("mail.css")
    )
    # what depends on the screen cannot be inlined
    screens = f"<style>\n{shipped('mail-screens.css')}</style>\n</head>"
    return Rendered(
        subject=words.subject, preheader="", sms_parts=0, language=language,
        html=html.replace("</head>", screens, 1),
        text=tidy(render_to_string("cart_recovery/notice_mail.txt", context)),
    )  # fmt: skip


def _mail_opt_in(request: NoticeRequest, language: str) -> Words:
    asked = _opt_in(request)
    return Words(
        subject=_("Please confirm your e-mail address"),
        paragraphs=(
            _("On %(moment)s this address was entered at %(shop)s, together with this consent:")
            % {"moment": deadline(asked.requested_at, language), "shop": _shop()},
        ),
        quote=asked.wording.text,
        button=_("Yes, confirm"),
        small=(
            _("The link works until %(moment)s.")
            % {"moment": deadline(asked.expires_at, language)},
            _(
                "If it was not you, do nothing. You get no further message, and the request is "
                "deleted after %(days)d days."
            )
            % {"days": (asked.expires_at - asked.requested_at).days},
        ),
        why=_("This message was sent once, to ask the owner of the address."),
    )


def _mail_data_export(request: NoticeRequest, language: str) -> Words:
    return Words(
        subject=_("Your data at %(shop)s") % {"shop": _shop()},
        paragraphs=(
            _("You asked for the data that %(shop)s holds about you.") % {"shop": _shop()},
        ),
        button=_("Show my data"),
        small=(
            _("The link is for you alone and works for one day."),
            _("If it was not you, do nothing: nobody else gets your data."),
        ),
        why=_("You receive this message because someone asked for it at this address."),
    )


def _mail_saved_basket(request: NoticeRequest, language: str) -> Words:
    lines = request.basket.lines if request.basket is not None else ()
    return Words(
        subject=_("Your basket at %(shop)s") % {"shop": _shop()},
        paragraphs=(_("You asked us to send you your basket. Here it is:"),),
        lines=tuple(
            _("%(quantity)d × %(title)s") % {"quantity": n.quantity, "title": clean(n.title)}
            for n in lines[:MAX_LINES]
        ),
        button=_("To my basket"),
        why=_("You receive this message because someone asked for it at this address."),
        can_unsubscribe=True,
    )


def _mail_stop_confirmed(request: NoticeRequest, language: str) -> Words:
    return Words(
        subject=_("You are unsubscribed"),
        paragraphs=(
            _("%(shop)s sends you no more advertising by %(channel)s.")
            % {"shop": _shop(), "channel": channel_name(request.channel)},
        ),
        why=_("You receive this message because someone asked for it at this address."),
    )


def _mail_help(request: NoticeRequest, language: str) -> Words:
    return Words(
        subject=_("Help with messages from %(shop)s") % {"shop": _shop()},
        paragraphs=(
            _("%(shop)s writes to people who agreed to it. The link ends it at once.")
            % {"shop": _shop()},
        ),
        why=_("You receive this message because someone asked for it at this address."),
        can_unsubscribe=True,
    )


def _mail_rating_thanks(request: NoticeRequest, language: str) -> Words:
    given, voucher = _rating(request), request.voucher
    return Words(
        subject=_("Thank you for your rating"),
        paragraphs=(
            _("You gave %(shop)s the rating %(score)s. Thank you for it.")
            % {"shop": _shop(), "score": given.score},
            *((_("We are sorry. Somebody of us looks after it."),) if given.is_low else ()),
            *((_thanks(voucher, language),) if voucher is not None else ()),
        ),
        why=_("You receive this message because you rated us."),
        can_unsubscribe=True,
    )


MAILS: Final[Mapping[NoticeKind, Callable[[NoticeRequest, str], Words]]] = {
    NoticeKind.OPT_IN: _mail_opt_in,
    NoticeKind.DATA_EXPORT: _mail_data_export,
    NoticeKind.SAVED_BASKET: _mail_saved_basket,
    NoticeKind.STOP_CONFIRMED: _mail_stop_confirmed,
    NoticeKind.HELP: _mail_help,
    NoticeKind.RATING_THANKS: _mail_rating_thanks,
}


# --- SMS ------------------------------------------------------------------------------------------


def _short_message(request: NoticeRequest, language: str) -> Rendered:
    text = plainest(SHORT_MESSAGES[request.kind](request))
    parts = segment(text).parts
    if parts > conf.SMS_MAX_PARTS:
        raise RenderingError(
            _("too long: %(parts)d parts, allowed %(allowed)d")
            % {"parts": parts, "allowed": conf.SMS_MAX_PARTS},
            field="text",
        )
    return Rendered(
        subject="", preheader="", html="", text=text, sms_parts=parts, language=language
    )  # fmt: skip


def _sms_opt_in(request: NoticeRequest) -> str:
    """US carriers want brand, kind, frequency, costs, HELP and STOP (PROVIDERS.md §2.2)."""
    asked = _opt_in(request)
    what = ", ".join(str(Purpose(purpose).label) for purpose in asked.purposes)
    words = {"shop": _shop(), "what": what, "url": request.link}
    if not request.supports_reply:
        return (
            _(
                "%(shop)s: To get recurring texts (%(what)s), confirm here: %(url)s "
                "Msg frequency varies. Msg&data rates may apply. Not you? Do nothing."
            )
            % words
        )
    return (
        _(
            "%(shop)s: Reply YES to get recurring texts (%(what)s) or confirm here: %(url)s "
            "Msg frequency varies. Msg&data rates may apply. HELP for help, STOP to end."
        )
        % words
    )


def _sms_data_export(request: NoticeRequest) -> str:
    words = {"shop": _shop(), "url": request.link}
    return _("%(shop)s: The data that we hold about you, for one day: %(url)s") % words


def _sms_saved_basket(request: NoticeRequest) -> str:
    count = len(request.basket.lines) if request.basket is not None else 0
    text = ngettext(
        "%(shop)s: Your basket with %(n)d product, as you asked: %(url)s",
        "%(shop)s: Your basket with %(n)d products, as you asked: %(url)s",
        count,
    ) % {"shop": _shop(), "n": count, "url": request.link}
    way_out = _("No more texts: %(url)s") % {"url": request.unsubscribe_url}
    return f"{text}\n{_('No more texts: reply STOP') if request.supports_reply else way_out}"


def _sms_stop_confirmed(request: NoticeRequest) -> str:
    return _("%(shop)s: You are unsubscribed. You get no more texts from us.") % {"shop": _shop()}


def _sms_help(request: NoticeRequest) -> str:
    words = {
        "shop": _shop(), "contact": parseaddr(conf.REPLY_TO or conf.FROM_EMAIL)[1],
        "url": request.unsubscribe_url,
    }  # fmt: skip
    if request.supports_reply:
        return (
            _(
                "%(shop)s: We text people who agreed to it (cart reminders). Reply STOP to end. "
                "Help: %(contact)s. Msg&data rates may apply."
            )
            % words
        )
    return (
        _(
            "%(shop)s: We text people who agreed to it (cart reminders). To end: %(url)s "
            "Help: %(contact)s"
        )
        % words
    )


def _sms_rating_thanks(request: NoticeRequest) -> str:
    given, voucher = _rating(request), request.voucher
    text = _("%(shop)s: Thank you for your rating (%(score)s).") % {
        "shop": _shop(), "score": given.score,
    }  # fmt: skip
    if given.is_low:
        text += " " + _("We are sorry. Somebody of us looks after it.")
    if voucher is not None:
        text += " " + _thanks(voucher, request.language)
    return text


SHORT_MESSAGES: Final[Mapping[NoticeKind, Callable[[NoticeRequest], str]]] = {
    NoticeKind.OPT_IN: _sms_opt_in,
    NoticeKind.DATA_EXPORT: _sms_data_export,
    NoticeKind.SAVED_BASKET: _sms_saved_basket,
    NoticeKind.STOP_CONFIRMED: _sms_stop_confirmed,
    NoticeKind.HELP: _sms_help,
    NoticeKind.RATING_THANKS: _sms_rating_thanks,
}


def _opt_in(request: NoticeRequest) -> OptIn:
    if request.opt_in is None:
        raise RenderingError(_("There is nothing to confirm."), field="opt_in")
    return request.opt_in


def _rating(request: NoticeRequest) -> ServiceRating:
    if request.rating is None:
        raise RenderingError(_("There is no rating to thank for."), field="rating")
    return request.rating


def _thanks(voucher: VoucherFacts, language: str) -> str:
    """Everybody gets it, whatever they say: so it says nothing of the rating."""
    return _("As thanks to everybody who answers: %(gift)s with %(code)s until %(moment)s.") % {
        "gift": gift_text(voucher.kind, voucher.value, voucher.currency),
        "code": voucher.code, "moment": deadline(voucher.expires_at, language),
    }  # fmt: skip


def _shop() -> str:
    return clean(conf.SHOP_NAME)
