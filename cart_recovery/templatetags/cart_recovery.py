"""`{% load cart_recovery %}`: what a shop's templates and our own public pages need."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from django import template
from django.http import HttpRequest
from django.template.context import Context
from django.urls import get_script_prefix, reverse
from django.utils import translation

from cart_recovery.conf import conf
from cart_recovery.consent import soft_opt_ins
from cart_recovery.consent.capture import box_name, wording_name
from cart_recovery.consent.wordings import current
from cart_recovery.models import ConsentWording
from cart_recovery.preferences.capture_forms import make_forms

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
