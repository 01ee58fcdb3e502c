"""Public pages behind a link: in the reader's language, kept nowhere, told to nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.utils import translation

from cart_recovery.conf import conf
from cart_recovery.consent.links import LANGUAGE_PARAMETER

R = TypeVar("R", bound=HttpResponseBase)


def public_page(
    request: HttpRequest,
    name: str,
    context: Mapping[str, Any],
    *,
    status: int = 200,
    language: str = "",
) -> HttpResponse:
    """The template `cart_recovery/<name>` in a language, else in that of the link.

    Rendered without context processors: those of a shop read sessions and baskets, and nothing of
    that belongs here. What in `context` is lazy is translated with the page.
    """
    language = language or page_language(request)
    with translation.override(language):
        body = render_to_string(f"cart_recovery/{name}", dict(context))
    response = HttpResponse(body, status=status)
    response["Content-Language"] = language
    return unlisted(response)


def page_language(request: HttpRequest, default: str = "") -> str:
    """The language that the link names, else the default, else the browser's."""
    for wanted in (request.GET.get(LANGUAGE_PARAMETER, ""), default):
        try:
            return translation.get_supported_language_variant(wanted)
        except LookupError:
            continue
    return translation.get_language() or conf.LANGUAGES[0]


def visitors_language(request: HttpRequest, default: str) -> str:
    """The language of the URL, else the one that the visitor chose in the shop, else the default:
    that of the message which brought them."""
    current = translation.get_language() or settings.LANGUAGE_CODE
    chosen = translation.get_language_from_path(request.path_info)
    if chosen or settings.LANGUAGE_COOKIE_NAME in request.COOKIES:
        return current
    try:
        return translation.get_supported_language_variant(default)
    except LookupError:
        return current


def unlisted(response: R) -> R:
    """Mark an answer: no cache keeps it, no search engine lists it, no other site sees its URL."""
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
