"""The page behind a review link: no log-in, nothing about the person, nothing written by a GET."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone, translation
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from cart_recovery.conf import conf
from cart_recovery.consent.pages import public_page, visitors_language
from cart_recovery.consent.throttling import client_of, seconds_to_wait
from cart_recovery.exceptions import InvalidTokenError
from cart_recovery.models import ReviewLink, TrackedOrder
from cart_recovery.restore_links.tokens import ExpiredTokenError
from cart_recovery.reviews import links
from cart_recovery.reviews.pages import page_context
from cart_recovery.reviews.subjects import load_subjects
from cart_recovery.reviews.submitting import Outcome, take
from cart_recovery.reviews.uploads import bound_uploads, is_beyond_reading
from cart_recovery.shop.reviews import announce

ViewFunction = Callable[..., HttpResponseBase]


def with_bounded_uploads(view: ViewFunction) -> ViewFunction:
    """Before anything reads the body; where that goes wrong, with a page that says what to do."""

    @functools.wraps(view)
    def bounded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST":
            if is_beyond_reading(request):
                megabytes = max(1, conf.REVIEW_PHOTO_MAX_BYTES // (1024 * 1024))
                return _page(request, "review_too_large.html", {"megabytes": megabytes}, status=413)
            bound_uploads(request)
        try:
            return view(request, *args, **kwargs)
        except (TooManyFieldsSent, TooManyFilesSent, RequestDataTooBig):
            return _page(request, "review_too_large.html", {"megabytes": 0}, status=413)

    return bounded


# The link's token is the authority, and no cookie: who could forge a request would have to know it,
# and needs nobody's browser then. So cookies are not wanted, and none is set.
@method_decorator(csrf_exempt, name="dispatch")
@method_decorator(with_bounded_uploads, name="dispatch")
class ReviewView(View):
    """GET shows what can be said, with the tapped rating chosen; only a POST says it.

    The answer to a POST is the page itself and no redirect: the voucher shows to whoever sent
    something, not to whoever opens the link later. Sent twice it changes nothing.
    """

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        now = timezone.now()
        try:
            link = links.find_link(token, now)
        except InvalidTokenError as error:
            return _refusal(request, error)
        with translation.override(_language(request, link)):
            return _show(request, link, now)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        now = timezone.now()
        try:
            link = links.find_link(token, now - links.GRACE)
        except InvalidTokenError as error:
            return _refusal(request, error)
        with translation.override(_language(request, link)):
            wait = seconds_to_wait("reviews", "client", client_of(request)) or seconds_to_wait(
                "reviews", "address", str(link.pk)
            )
            if wait:
                return _too_often(request, link, now, wait)
            outcome = take(request, link, load_subjects(link, now), now)
            return _answer(request, link, outcome, now)


def _answer(
    request: HttpRequest, link: ReviewLink, outcome: Outcome, now: dt.datetime
) -> HttpResponse:
    notice = ""
    if outcome.is_foreign:
        notice = _("This page is for the products of this order only. Nothing was saved.")
    elif outcome.has_errors:
        notice = _("Something is missing, see below. What you have typed is still here.")
    elif outcome.refused:
        notice = _("Some of it can no longer be reviewed, see below.")
    elif not outcome.is_answer:
        notice = _("Nothing was filled in yet.")
    status = 200 if not notice or outcome.is_answer else 400
    response = _show(request, link, now, outcome=outcome, notice=notice, status=status)
    for review_id in outcome.new_review_ids:
        # once it is certain: receivers may look it up from elsewhere
        transaction.on_commit(
            functools.partial(announce, review_id, request, response), robust=True
        )
    return response


def _too_often(request: HttpRequest, link: ReviewLink, now: dt.datetime, wait: int) -> HttpResponse:
    minutes = max(1, -(-wait // 60))
    notice = ngettext(
        "This form was sent very often. Please send it again in %(minutes)d minute.",
        "This form was sent very often. Please send it again in %(minutes)d minutes.",
        minutes,
    ) % {"minutes": minutes}
    response = _show(request, link, now, notice=notice, status=429)
    response["Retry-After"] = str(wait)
    return response


def _show(  # noqa: PLR0913 what a page is made of, all but the first by keyword
    request: HttpRequest, link: ReviewLink, now: dt.datetime, *, outcome: Outcome | None = None,
    notice: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    context = page_context(request, link, outcome or Outcome(), now)
    context["notice"] = notice
    return _page(request, "review.html", context, status=status)


def _refusal(request: HttpRequest, error: InvalidTokenError) -> HttpResponse:
    """The same for a token that is unknown, tampered with or cut."""
    is_expired = isinstance(error, ExpiredTokenError)
    status = 410 if is_expired else 404
    return _page(request, "review_invalid.html", {"is_expired": is_expired}, status=status)


def _page(
    request: HttpRequest, name: str, context: dict[str, Any], *, status: int
) -> HttpResponse:  # fmt: skip
    language = translation.get_language() or ""
    response = public_page(request, name, context, status=status, language=language)
    response["X-Frame-Options"] = "DENY"
    return response


def _language(request: HttpRequest, link: ReviewLink) -> str:
    tracked = TrackedOrder.objects.filter(order=link.order_id).first() if link.order_id else None
    default = (tracked.language if tracked is not None else "") or link.contact.language
    return visitors_language(request, default)
