"""The same choices inside the customer's Oscar account, for whoever is signed in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from cart_recovery.conf import conf
from cart_recovery.contacts.identities import resolve
from cart_recovery.models import Contact
from cart_recovery.preferences.capture_views import too_many
from cart_recovery.preferences.centre import read_action, wait_for
from cart_recovery.preferences.changing import SOURCE, Told, Wish, change
from cart_recovery.preferences.overview import overview
from cart_recovery.privacy.erasure import erase
from cart_recovery.shop.customers import email_field_of

#: name of Oscar's log-in page
LOGIN = "customer:login"


@method_decorator([never_cache, csrf_protect], name="dispatch")
class MemberView(View):
    """For customers who are signed in; others are sent to the log-in and come back."""

    http_method_names = ["get", "head", "post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return redirect_to_login(request.get_full_path(), resolve_url(LOGIN))
        return super().dispatch(request, *args, **kwargs)


class AccountView(MemberView):
    """GET shows and writes nothing; a POST makes the customer's contact where there is none yet."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _page(request, contact_of(request.user) or _nobody(request.user))

    def post(self, request: HttpRequest) -> HttpResponse:
        contact = _made(request.user)
        action = read_action(request.POST)
        wait = wait_for(request, action, contact)
        if wait:
            return too_many(request, wait)
        now = timezone.now()
        told: Told = None
        if action is not None:
            language = translation.get_language() or conf.LANGUAGES[0]
            shown = overview(contact, language=language, now=now)
            wish = Wish(
                action, request.POST.dict(), "email", source_url=request.path, language=language,
                now=now,
            )  # fmt: skip
            told = change(contact, shown, wish)
        return _page(request, contact, told=told, status=200 if told else 400)


class AccountEraseView(MemberView):
    """Asks once more; the POST deletes what this app knows. Account and orders are the shop's."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _render(request, "account_erase.html", _("Delete my data"))

    def post(self, request: HttpRequest) -> HttpResponse:
        contact = contact_of(request.user)
        if contact is not None:
            erase([contact], source=SOURCE, now=timezone.now())
        return _render(request, "account_erased.html", _("Your data is deleted"))


def contact_of(user: Any) -> Contact | None:
    """The customer's contact, if there is one. One query."""
    return Contact.objects.filter(user_id=user.pk, erased_at__isnull=True).first()


def _made(user: Any) -> Contact:
    contact = contact_of(user)
    if contact is None:
        email = _email_of(user)
        language = translation.get_language() or ""
        contact = resolve(user_id=user.pk, email=email, language=language)
    if contact is None:
        raise LookupError("A customer's contact can always be made.")
    return contact


def _nobody(user: Any) -> Contact:
    """What the page shows of a customer whom we do not know yet. Not to be saved."""
    return Contact(email=_email_of(user))


def _email_of(user: Any) -> str:
    name = email_field_of(get_user_model())
    return str(getattr(user, name, "") or "") if name else ""


def _page(
    request: HttpRequest, contact: Contact, *, told: Told = None, status: int = 200
) -> HttpResponse:
    language = translation.get_language() or conf.LANGUAGES[0]
    context = {
        "overview": overview(contact, language=language, now=timezone.now()),
        "told": told,
        "failed": status >= 400,
        "erase_url": reverse("cart_recovery:account_erase"),
    }
    return _render(request, "account.html", _("Messages and data"), context, status=status)


def _render(
    request: HttpRequest,
    name: str,
    title: str,
    context: dict[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {"page_title": title, "active_tab": "recovery", **(context or {})}
    response = render(request, f"cart_recovery/{name}", context, status=status)
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
