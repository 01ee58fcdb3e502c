"""The pages that unsubscribe and that confirm: looking changes nothing, one POST is enough, from a
person or a mailbox."""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from cart_recovery.channels.names import channel_name
from cart_recovery.conf import conf
from cart_recovery.consent import opt_ins
from cart_recovery.consent.addresses import address_kind_of
from cart_recovery.consent.pages import page_language, public_page
from cart_recovery.consent.persons import current_id
from cart_recovery.consent.unsubscribe import UnsubscribeTarget, link_path, read_token
from cart_recovery.consent.withdrawals import ADVERTISING, withdraw, withdraw_everywhere
from cart_recovery.contacts.masking import masked
from cart_recovery.exceptions import ChannelConfigurationError, InvalidTokenError
from cart_recovery.models import Contact, OptIn, Purpose
from cart_recovery.shop.site import absolute_url

logger = logging.getLogger(__name__)


class Scope(StrEnum):
    """How much is unsubscribed. A mailbox provider's one-click POST names none: the channel's
    advertising as a whole, since that is what people expect of their mail program's button."""

    KIND = "kind"
    CHANNEL = "channel"
    EVERYTHING = "everything"


@method_decorator(csrf_exempt, name="dispatch")
class UnsubscribeView(View):
    """GET shows what can be unsubscribed, POST does it and says so. No cookie, no session, no
    redirect (RFC 8058), no hint at who the person is or what they had agreed to."""

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        target = _target(token)
        if target is None:
            return _page(request, "unsubscribe_invalid.html", {}, status=404)
        return _page(request, "unsubscribe.html", {"target": target})

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        target = _target(token)
        if target is None:
            return _page(request, "unsubscribe_invalid.html", {}, status=404)
        scope = _scope(request)
        # where it was said, without the token
        _withdraw(target, scope, source_url=request.path.partition(token)[0])
        return _page(request, "unsubscribe_done.html", {"target": target, "scope": scope})


def _target(token: str) -> UnsubscribeTarget | None:
    try:
        return read_token(token)
    except InvalidTokenError:
        return None


def _scope(request: HttpRequest) -> Scope:
    """How much was asked for. The POST itself is the will, whether its body can be read or not."""
    try:
        return Scope(request.POST.get("scope", Scope.CHANNEL))
    except (ValueError, BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError):
        return Scope.CHANNEL


def _withdraw(target: UnsubscribeTarget, scope: Scope, *, source_url: str) -> None:
    contact = Contact.objects.filter(pk=target.contact_id).first()
    if contact is None or contact.erased_at:
        # the person was deleted altogether: nothing can be sent, and the link still says so
        logger.info("unsubscribe by a contact that no longer exists")
        return
    if scope is Scope.EVERYTHING:
        withdraw_everywhere(
            contact, purposes=_purposes(target), source="unsubscribe", source_url=source_url
        )
        return
    withdraw(
        contact,
        channel=target.channel,
        purposes=[target.purpose] if scope is Scope.KIND else _purposes(target),
        source="unsubscribe",
        source_url=source_url,
    )


def _purposes(target: UnsubscribeTarget) -> list[str]:
    """All advertising, and what the message at hand was about if that was something else."""
    return list(dict.fromkeys([*ADVERTISING, target.purpose]))


def _page(
    request: HttpRequest, name: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """The page in the language of the message."""
    target = context.get("target")
    language = page_language(request)
    with translation.override(language):
        words = _words(target, language) if target else {}
    return public_page(request, name, {**context, **words}, status=status, language=language)


def _words(target: UnsubscribeTarget, language: str) -> dict[str, Any]:
    return {
        "preferences_url": link_path(
            "preferences", target.contact_id, target.channel, target.purpose, language
        ),
        "shop": conf.SHOP_NAME,
        "kind": Purpose(target.purpose).label,
        "channel": channel_name(target.channel, _("this channel")),
        "is_advertising": target.purpose in ADVERTISING,
    }


@method_decorator(csrf_exempt, name="dispatch")
class ConfirmView(View):
    """GET shows what is about to be agreed to, POST agrees and says so. No cookie, no session, no
    log-in: having the link shows that one reads what is sent to the address."""

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        opt_in = opt_ins.find(token)
        if opt_in is None:
            return _confirm_page(request, "confirm_invalid.html", status=404)
        if opt_ins.is_open(opt_in):
            return _confirm_page(request, "confirm.html", opt_in)
        return _settled_page(request, opt_in)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        opt_in = opt_ins.find(token)
        if opt_in is None:
            return _confirm_page(request, "confirm_invalid.html", status=404)
        # where it was said, without the token
        where = absolute_url(request.path.partition(token)[0])
        if opt_ins.confirm(opt_in, by="link", source_url=where):
            return _confirm_page(request, "confirm_done.html", opt_in)
        return _settled_page(request, opt_in)


def _settled_page(request: HttpRequest, opt_in: OptIn) -> HttpResponse:
    """What whoever comes again, late or after a no gets to read."""
    if opt_ins.still_holds(opt_in):
        return _confirm_page(request, "confirm_done.html", opt_in)
    return _confirm_page(request, "confirm_gone.html", opt_in, status=410)


def _confirm_page(
    request: HttpRequest, name: str, opt_in: OptIn | None = None, *, status: int = 200
) -> HttpResponse:
    language = page_language(request, opt_in.language if opt_in else "")
    with translation.override(language):
        context: dict[str, Any] = {"shop": conf.SHOP_NAME}
        if opt_in is not None:
            context |= {
                "opt_in": opt_in,
                "channel": channel_name(opt_in.channel, _("this channel")),
                "address": _masked(opt_in),
                "preferences_url": link_path(
                    "preferences",
                    current_id(opt_in.contact_id),
                    opt_in.channel,
                    opt_in.purposes[0],
                    language,
                ),
            }
    return public_page(request, name, context, status=status, language=language)


def _masked(opt_in: OptIn) -> str:
    """As much of the address as its owner needs to know it again."""
    try:
        kind = address_kind_of(opt_in.channel)
    except ChannelConfigurationError:
        return ""
    return masked(kind, opt_in.contact.address_for(kind))
