"""Somebody signs in: from then on we know who it is.

Django's signal and not Oscar's: the latter comes from one of several log-in views.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest
from django.utils import translation

from cart_recovery.carts.guarding import guarded, guarded_with_savepoint
from cart_recovery.carts.tracking import touch
from cart_recovery.contacts.identities import resolve_users
from cart_recovery.receivers.visitors import BASKET_KEY
from cart_recovery.restore_links.following import CONTACT_KEY
from cart_recovery.shop.baskets import open_basket_ids


def connect() -> None:
    user_logged_in.connect(on_user_logged_in, dispatch_uid="cart_recovery.user_logged_in")


@guarded
def on_user_logged_in(user: Any, request: HttpRequest | None = None, **kwargs: Any) -> None:
    forget_link(request)
    welcome(user.pk)


def forget_link(request: HttpRequest | None) -> None:
    """The visitor is not, or not only, the contact behind a link that was passed on."""
    session = getattr(request, "session", None)
    if session is not None:
        for key in {CONTACT_KEY, BASKET_KEY} & set(session.keys()):
            del session[key]


@guarded_with_savepoint
def welcome(user_id: Any) -> None:
    """Join the contacts of the former guest, and wake the basket that was left on another day."""
    language = translation.get_language() or ""
    contact = resolve_users([user_id]).get(user_id)
    if contact is not None and language and not contact.language:
        contact.language = language[:16]
        contact.save(update_fields=["language"])
    for basket_id in open_basket_ids(user_id):
        touch(basket_id)
