"""The page behind the form "send me my basket"."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.urls import reverse
from django.utils.decorators import decorator_from_middleware
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from cart_recovery.consent.pages import page_language, public_page
from cart_recovery.consent.throttling import client_of, seconds_to_wait
from cart_recovery.preferences.bodies import FORM_TYPES, refusal_of
from cart_recovery.preferences.capture_forms import CaptureForm, make_forms, read_form
from cart_recovery.preferences.capturing import Submission, submit
from cart_recovery.preferences.stamps import Trust
from cart_recovery.shop.site import absolute_url


class FriendlyCsrf(CsrfViewMiddleware):
    """Django's own check, that gives the form back when it fails instead of an error page."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        form, _sender = read_form(request.POST, language=page_language(request))
        text = _("Your browser did not send the form's own cookie. Please send it once more.")
        return _form_page(request, form and form.refused("", text), status=403)


# the global check is left out, so that size and type are looked at first and ours answers
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def capture(request: HttpRequest) -> HttpResponseBase:
    """GET shows the form; POST takes it, and answers everybody alike."""
    if request.method == "POST":
        refusal = refusal_of(request, FORM_TYPES)
        if refusal:
            return _form_page(request, None, status=refusal, notice=_UNREADABLE)
    return _checked(request)


@decorator_from_middleware(FriendlyCsrf)
def _checked(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _form_page(request, None)
    wait = seconds_to_wait("capture", "client", client_of(request))
    if wait:
        return too_many(request, wait)
    form, sender = read_form(request.POST, language=page_language(request))
    if form is None:
        return _form_page(request, None, status=400, notice=_UNREADABLE)
    if sender is not Trust.ROBOT:
        if form.errors:
            return _form_page(request, form, status=400)
        submit(_submission(request, form))
    context = {"form": form, "is_mail": form.address_kind == "email"}
    return public_page(request, "capture_done.html", context)


def too_many(request: HttpRequest, wait: int) -> HttpResponse:
    """The page for whoever sends forms too often; `wait` in seconds."""
    minutes = max(1, -(-wait // 60))
    response = public_page(request, "too_many.html", {"minutes": minutes}, status=429)
    response["Retry-After"] = str(wait)
    return response


_UNREADABLE = _("Nothing of this could be read. Please fill in the form once more.")


def _submission(request: HttpRequest, form: CaptureForm) -> Submission:
    user: Any = getattr(request, "user", None)
    return Submission(
        form="capture",
        channel=form.channel,
        address=form.address,
        wording=form.wording,
        source=form.wording.code.removesuffix(f"-{form.channel}"),
        source_url=absolute_url(form.page or request.path),
        language=page_language(request),
        user=user if user is not None and user.is_authenticated else None,
        basket_id=getattr(getattr(request, "basket", None), "pk", None),
    )


def _form_page(
    request: HttpRequest, form: CaptureForm | None, *, status: int = 200, notice: str | Promise = ""
) -> HttpResponse:
    """The form alone on a page: as it came back, or empty ones for all channels."""
    language = page_language(request)
    forms = [form] if form else make_forms("capture", (), language=language)
    context = {
        "forms": forms,
        "notice": notice,
        "action": reverse("cart_recovery:capture"),
        "csrf_token": get_token(request),
        "page_language": language,
    }
    response = public_page(request, "capture.html", context, status=status, language=language)
    # `no-referrer` makes browsers send `Origin: null`, which Django's check refuses
    response["Referrer-Policy"] = "strict-origin"
    return response
