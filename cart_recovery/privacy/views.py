"""A person's own data, behind a one-time link: looking shows nothing, one POST shows all."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone, translation
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from cart_recovery.consent import data_links
from cart_recovery.consent.pages import page_language, public_page, unlisted
from cart_recovery.models import Contact, DataLink
from cart_recovery.privacy.export import as_json
from cart_recovery.privacy.readable import readable


# no cookie, so no check against forged requests: whoever has no token gets nothing, and who forges
# a request does not see its answer
@method_decorator(csrf_exempt, name="dispatch")
class DataView(View):
    """GET says what a press of the button does, POST does it: a page, or a file of JSON.

    404 for what is no link, 410 after its time. Works as often as wanted until then.
    """

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest, token: str) -> HttpResponseBase:
        now = timezone.now()
        link = data_links.find(token, now)
        if link is None:
            return _refusal(request, token, now)
        return _page(request, "data.html", link)

    def post(self, request: HttpRequest, token: str) -> HttpResponseBase:
        now = timezone.now()
        link = data_links.find(token, now)
        if link is None:
            return _refusal(request, token, now)
        if request.POST.get("form") == "json":
            return json_file(link.contact)
        with translation.override(_language(request, link)):
            sections = readable(link.contact)
        return _page(request, "data_shown.html", link, sections=sections)


def json_file(contact: Contact) -> StreamingHttpResponse:
    """All that is held on a contact, as a download that is written while it is read."""
    response = StreamingHttpResponse(as_json(contact), content_type="application/json")
    response["Content-Disposition"] = 'attachment; filename="data.json"'
    # it sets headers only, and so takes either kind
    unlisted(cast("HttpResponse", response))
    return response


def _page(request: HttpRequest, name: str, link: DataLink, **context: Any) -> HttpResponse:
    context |= {"expires_at": link.expires_at}
    response = public_page(request, name, context, language=_language(request, link))
    response["X-Frame-Options"] = "DENY"
    return response


def _language(request: HttpRequest, link: DataLink) -> str:
    return page_language(request, link.contact.language)


def _refusal(request: HttpRequest, token: str, now: dt.datetime) -> HttpResponse:
    is_expired = data_links.has_expired(token, now)
    status = 410 if is_expired else 404
    return public_page(request, "data_invalid.html", {"is_expired": is_expired}, status=status)
