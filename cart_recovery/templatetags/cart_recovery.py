"""`{% load cart_recovery %}`: what a shop's templates and our own public pages need."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import template
from django.http import HttpRequest
from django.template.context import Context
from django.urls import get_script_prefix, reverse
from django.utils import translation

from cart_recovery.carts.guarding import guarded_with_savepoint
from cart_recovery.conf import conf
from cart_recovery.consent import soft_opt_ins
from cart_recovery.consent.capture import box_name, wording_name
from cart_recovery.consent.wordings import current
from cart_recovery.models import ConsentWording
from cart_recovery.preferences.capture_forms import make_forms
from cart_recovery.recommendations.products import RecommendedProduct
from cart_recovery.recommendations.showing import Place, suggestions
from cart_recovery.reviews import marks

logger = logging.getLogger(__name__)
register = template.Library()


@dataclass(frozen=True, slots=True)
class ConsentBox:
    """One checkbox with the text beside it."""

    field: str
    wording_field: str
    wording: ConsentWording
    is_ticked: bool


@register.inclusion_tag("cart_recovery/consent_boxes.html", takes_context=True)
def recovery_consent(context: Context, where: str, channels: str = "email") -> dict[str, Any]:
    """Checkboxes inside a form: `{% recovery_consent where="checkout" channels="email,sms" %}`.

    One per channel that is set up and has a wording `<where>-<channel>`, in the language at hand.
    Never ticked, but by the person's own hand when the form comes back with an error.
    """
    language = translation.get_language() or ""
    request = context.get("request")
    boxes = [
        _box(wording, channel, request)
        for channel in (name.strip() for name in channels.split(","))
        if channel in conf.CHANNELS and (wording := _wording(f"{where}-{channel}", language))
    ]
    return {"boxes": boxes, "page_language": language}


@register.inclusion_tag("cart_recovery/soft_opt_in.html")
def recovery_soft_opt_in() -> dict[str, Any]:
    """The notice for existing customers inside a form of the checkout, with a box to object.

    Nothing unless SOFT_OPT_IN is on and the shop's market knows the rule.
    """
    language = translation.get_language() or ""
    code = f"{soft_opt_ins.WHERE}-{soft_opt_ins.CHANNEL}"
    return {
        "wording": _wording(code, language) if soft_opt_ins.is_offered() else None,
        "wording_field": soft_opt_ins.WORDING_FIELD,
        "objection_field": soft_opt_ins.OBJECTION_FIELD,
        "page_language": language,
    }


@register.inclusion_tag("cart_recovery/capture_form.html", takes_context=True)
def recovery_capture(
    context: Context, where: str = "capture", channels: str = ""
) -> dict[str, Any]:
    """ "Send me my basket", a form of its own: `{% recovery_capture %}`, outside any other form.

    One address field per channel that is set up and has a wording `<where>-<channel>`; `channels`
    ("email,sms") chooses and orders them. `where="footer"` asks for offers and news instead.
    """
    request = context.get("request")
    language = translation.get_language() or ""
    names = [name.strip() for name in channels.split(",") if name.strip()]
    return {
        "forms": make_forms(where, names, language=language, page=request.path if request else ""),
        "action": reverse("cart_recovery:capture"),
        "csrf_token": context.get("csrf_token", ""),
        "page_language": language,
    }


@register.filter
def verified_reviews(reviews: Iterable[Any]) -> list[Any]:
    """Oscar's reviews with a note on each that is a verified purchase; one query for all of them:
    `{% for review in reviews|verified_reviews %}{% recovery_review_mark review %}`."""
    return marks.mark(reviews)


@register.simple_tag(takes_context=True)
def recovery_is_verified(context: Context, review: Any) -> bool:
    """Whether a review was written behind one of our links: `{% recovery_is_verified review as it %}`.

    One query for the page where its reviews went through `verified_reviews`, or are the `reviews`
    of Oscar's list; otherwise one for each.
    """
    return marks.mark_of(review, context.get("reviews")) is not None


@register.inclusion_tag("cart_recovery/review_mark.html", takes_context=True)
def recovery_review_mark(context: Context, review: Any) -> dict[str, Any]:
    """What shoppers must know of a review: that the purchase is verified, whether the author got a
    voucher for it, and their photo."""
    return {"mark": marks.mark_of(review, context.get("reviews"))}


@register.simple_tag
def recovery_recommendations(
    *, order: Any = None, basket: Any = None, product: Any = None, limit: int = 4,
    where: str = "message",
) -> Sequence[RecommendedProduct]:  # fmt: skip
    """Products that go with an order, a basket or a product, with absolute links, perhaps none:
    `{% recovery_recommendations order=order limit=4 as products %}`.

    In mails it keeps to the law of the order's country: `where="page"` is for pages of the shop alone.
    That cannot be told from the context: Oscar's mails have a request in theirs.
    """
    if where not in list(Place):
        raise template.TemplateSyntaxError(
            f'recovery_recommendations: where must be "message" or "page", not "{where}"'
        )
    found = _suggestions(order, basket, product, place=Place(where), limit=limit)
    return found or ()


@register.inclusion_tag("cart_recovery/recommendations.html")
def recovery_recommendations_html(**wish: Any) -> dict[str, Any]:
    """The same as a piece of an HTML mail: `{% recovery_recommendations_html order=order %}`."""
    return {"products": recovery_recommendations(**wish)}


@register.inclusion_tag("cart_recovery/recommendations.txt")
def recovery_recommendations_text(**wish: Any) -> dict[str, Any]:
    """The same as lines of a plain text."""
    return {"products": recovery_recommendations(**wish)}


@register.simple_tag
def recovery_shop_name() -> str:
    """The shop's name as messages show it."""
    return conf.SHOP_NAME


@register.simple_tag
def recovery_shop_url() -> str:
    """The shop's front page on the host at hand."""
    return get_script_prefix()


@register.simple_tag
def recovery_imprint() -> str:
    """The legal footer, several lines, or ""."""
    return conf.IMPRINT


@guarded_with_savepoint
def _suggestions(
    order: Any, basket: Any, product: Any, **wish: Any
) -> Sequence[RecommendedProduct]:
    """Never raises: an order must not fail for want of suggestions."""
    # what the template does not know comes as ""; whether a lazy basket is there, the database says
    return suggestions(
        order=order or None, basket=basket or None, product=product or None, **wish
    )  # fmt: skip


def _wording(code: str, language: str) -> ConsentWording | None:
    try:
        return current(code, language)
    except ConsentWording.DoesNotExist:
        # no text, no box: what nobody can read proves nothing
        logger.error(  # noqa: TRY400 the traceback says nothing more
            "no consent wording %s: run migrate, or publish one", code
        )
        return None


def _box(wording: ConsentWording, channel: str, request: HttpRequest | None) -> ConsentBox:
    field, wording_field = box_name(channel), wording_name(channel)
    posted = request.POST if request is not None and request.method == "POST" else {}
    return ConsentBox(
        field=field,
        wording_field=wording_field,
        wording=wording,
        is_ticked=posted.get(field) == "yes" and posted.get(wording_field) == str(wording.pk),
    )
