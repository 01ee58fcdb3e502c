"""The page behind a restore link: looking changes nothing, one POST does it all."""

from __future__ import annotations

import re
import secrets
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.shortcuts import resolve_url
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.decorators import decorator_from_middleware, method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from cart_recovery.carts.requests import is_machine_agent
from cart_recovery.conf import conf
from cart_recovery.consent.pages import visitors_language
from cart_recovery.exceptions import InvalidTokenError
from cart_recovery.models import RestoreLink, VoucherGrant
from cart_recovery.restore_links.following import Outcome, RestoreReport, Visit, follow
from cart_recovery.restore_links.notes import notes_of
from cart_recovery.restore_links.tokens import ExpiredTokenError, find_link

VISIT = re.compile(r"[A-Za-z0-9_-]{16,32}")
#: outcomes that lead to a basket; the others have nothing to show there
ONWARD = (Outcome.RESTORED, Outcome.OWN_BASKET)


class FriendlyCsrf(CsrfViewMiddleware):
    """Django's own check, with a page that tells a shopper what to do when it fails."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        return _page(request, "restore_no_cookies.html", {}, status=403)


# the global check is left out, so that ours answers; it must be the outermost decorator
@method_decorator(csrf_exempt, name="dispatch")
@method_decorator(decorator_from_middleware(FriendlyCsrf), name="dispatch")
class RestoreView(View):
    """GET shows what will happen and submits itself by script; POST does it.

    Scanners, previews and mail programs that fetch links get as far as the GET. Without the check
    against forged requests, a foreign page could put its own link's contact into a shopper's
    session.
    """

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            link = find_link(token, timezone.now())
        except InvalidTokenError as error:
            return _refusal(request, error)
        return _question(request, link)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        now = timezone.now()
        visit = Visit(_visit_key(request), is_machine_agent(request.headers.get("User-Agent", "")))
        try:
            link = find_link(token, now)
            if visit.is_machine and "tap" not in request.POST:
                # a machine that runs scripts; but a person whose browser looks like one can tap
                return _question(request, link)
            with translation.override(_language(request, link)):
                report = follow(request, token, visit, now)
                return _answer(request, link, report)
        except InvalidTokenError as error:
            return _refusal(request, error)


def _question(request: HttpRequest, link: RestoreLink) -> HttpResponse:
    context = {
        "visit": secrets.token_urlsafe(18),
        "has_voucher": link.followup_id is not None
        and VoucherGrant.objects.filter(followup=link.followup_id).exists(),
        "csrf_token": get_token(request),
    }
    with translation.override(_language(request, link)):
        return _page(request, "restore.html", context)


def _answer(request: HttpRequest, link: RestoreLink, report: RestoreReport) -> HttpResponse:
    notes = notes_of(report)
    if report.outcome not in ONWARD:
        context = {"outcome": report.outcome.value, "notes": notes}
        return _page(request, "restore_nothing.html", context)
    for note in notes:
        level = getattr(messages, note.level.upper())
        # the texts are made with format_html: only our own links are markup in them
        messages.add_message(request, level, note.text, extra_tags="safe", fail_silently=True)
    response = HttpResponseRedirect(resolve_url(conf.RESTORE_NEXT))
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        _keep_language(response, _language(request, link))
    return _guarded(response)


def _refusal(request: HttpRequest, error: InvalidTokenError) -> HttpResponse:
    is_expired = isinstance(error, ExpiredTokenError)
    status = 410 if is_expired else 404
    return _page(request, "restore_invalid.html", {"is_expired": is_expired}, status=status)


def _page(
    request: HttpRequest, name: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Rendered without context processors: those of a shop read baskets and persons, and may write
    a basket; nothing of that belongs on a page that a scanner fetches."""
    response = HttpResponse(render_to_string(f"cart_recovery/{name}", context), status=status)
    response["Content-Language"] = translation.get_language() or settings.LANGUAGE_CODE
    return _guarded(response)


def _guarded(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["X-Frame-Options"] = "DENY"
    # Only the origin goes out, to nobody the token. `no-referrer` would do too much: browsers then
    # send `Origin: null` with the form, which Django's check refuses.
    response["Referrer-Policy"] = "strict-origin"
    return response


def _visit_key(request: HttpRequest) -> str:
    key = request.POST.get("visit", "")
    return key if VISIT.fullmatch(key) else secrets.token_urlsafe(18)


def _language(request: HttpRequest, link: RestoreLink) -> str:
    return visitors_language(request, link.cart.language or link.contact.language)


def _keep_language(response: HttpResponse, language: str) -> None:
    """What the shopper began to read in one language goes on in it."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        path=settings.LANGUAGE_COOKIE_PATH,
        domain=settings.LANGUAGE_COOKIE_DOMAIN,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite=cast("Any", settings.LANGUAGE_COOKIE_SAMESITE),
    )
