"""The preference centre behind each message's link: the token is the authority, nobody logs in."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from cart_recovery.consent.pages import page_language, public_page
from cart_recovery.consent.throttling import client_of, seconds_to_wait
from cart_recovery.consent.unsubscribe import UnsubscribeTarget, read_token
from cart_recovery.exceptions import InvalidTokenError
from cart_recovery.models import Contact
from cart_recovery.preferences.bodies import FORM_TYPES, refusal_of
from cart_recovery.preferences.capture_views import too_many
from cart_recovery.preferences.changing import NEVER_LIMITED, SOURCE, Action, Told, Wish, change
from cart_recovery.preferences.overview import Overview, overview
from cart_recovery.privacy.erasure import erase


class TokenView(View):
    """Finds the person of the link first. A link of ours to nobody is answered by 410."""

    http_method_names = ["get", "head", "post", "options"]
    target: UnsubscribeTarget
    contact: Contact

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            self.target = read_token(str(kwargs.get("token", "")))
        except InvalidTokenError:
            return public_page(request, "unsubscribe_invalid.html", {}, status=404)
        contact = living(self.target.contact_id)
        if contact is None or contact.erased_at:
            return public_page(request, "preferences_gone.html", {}, status=410)
        self.contact = contact
        return super().dispatch(request, *args, **kwargs)


@method_decorator(csrf_exempt, name="dispatch")
class CentreView(TokenView):
    """GET shows, each POST changes one thing and shows the page again. No cookie, no redirect."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self._page(request, token)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        refusal = refusal_of(request, FORM_TYPES)
        if refusal:
            return self._page(request, token, status=refusal)
        now = timezone.now()
        action = read_action(request.POST)
        wait = wait_for(request, action, self.contact)
        if wait:
            return too_many(request, wait)
        told: Told = None
        if action is not None:
            wish = Wish(
                action, request.POST.dict(), self.target.channel,
                # where it was said, without the token
                source_url=request.path.partition(token)[0], language=self._language(request),
                now=now,
            )  # fmt: skip
            told = change(self.contact, self._overview(request, now), wish)
        status = 200 if told else 400
        # a choice of language shows at once
        language = self.contact.language if told and action is Action.LANGUAGE else ""
        return self._page(request, token, told=told, status=status, language=language)

    def _page(
        self,
        request: HttpRequest,
        token: str,
        *,
        told: Told = None,
        status: int = 200,
        language: str = "",
    ) -> HttpResponse:
        language = language or self._language(request)
        with translation.override(language):
            erase_url = reverse("cart_recovery:preferences_erase", kwargs={"token": token})
        context = {
            "overview": self._overview(request, timezone.now(), language),
            "told": told,
            "failed": status >= 400,
            "erase_url": f"{erase_url}?l={language}",
        }
        return public_page(request, "preferences.html", context, status=status, language=language)

    def _language(self, request: HttpRequest) -> str:
        return page_language(request, self.contact.language)

    def _overview(self, request: HttpRequest, now: dt.datetime, language: str = "") -> Overview:
        return overview(
            self.contact, language=language or self._language(request), now=now,
            about=[self.target.purpose],
        )  # fmt: skip


@method_decorator(csrf_exempt, name="dispatch")
class EraseView(TokenView):
    """Asks once more; the POST deletes. Never limited: whoever wants to go may go."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        language = page_language(request, self.contact.language)
        with translation.override(language):
            back = reverse("cart_recovery:preferences", kwargs={"token": token})
        context = {"back_url": f"{back}?l={language}"}
        return public_page(request, "preferences_erase.html", context, language=language)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        language = page_language(request, self.contact.language)
        erase([self.contact], source=SOURCE, now=timezone.now())
        return public_page(request, "preferences_erased.html", {}, language=language)


def living(contact_id: int) -> Contact | None:
    """The contact, or the one that it was merged into; one query for each of them."""
    contact = Contact.objects.filter(pk=contact_id).select_related("merged_into").first()
    seen: set[int] = set()
    while contact is not None and contact.merged_into is not None and contact.pk not in seen:
        seen.add(contact.pk)
        contact = contact.merged_into
    return contact


def read_action(data: QueryDict) -> Action | None:
    """The button that was pressed; None for none of ours."""
    try:
        return Action(data.get("action", ""))
    except ValueError:
        return None


def wait_for(request: HttpRequest, action: Action | None, contact: Contact) -> int:
    """Seconds until this may be asked again; 0 for what is never limited, as every opt-out is."""
    if action in NEVER_LIMITED:
        return 0
    return seconds_to_wait("preferences", "client", client_of(request)) or seconds_to_wait(
        "preferences", "address", str(contact.pk)
    )
