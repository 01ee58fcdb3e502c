"""Who the visitor of a request is, as far as a session or a checkout tells."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils import translation

from cart_recovery.carts.guarding import guarded_with_savepoint
from cart_recovery.contacts.identities import resolve
from cart_recovery.restore_links.following import CONTACT_KEY
from cart_recovery.shop.customers import email_field_of, guest_email, shipping_phone

#: session key: the basket to which the contact behind the link was written down already
BASKET_KEY: Final = "cart_recovery_contact_basket"


def contact_behind_link(request: HttpRequest, basket_id: Any) -> Any | None:
    """The contact whose restore link an anonymous visitor followed, once per basket; else None.

    An e-mail address given at the checkout is nearer to the truth than a link that may have been
    passed on.
    """
    session = getattr(request, "session", None)
    contact_id = session.get(CONTACT_KEY) if session is not None else None
    if session is None or contact_id is None or is_member(request) or guest_email(request):
        return None
    if session.get(BASKET_KEY) == str(basket_id):
        return None
    session[BASKET_KEY] = str(basket_id)
    return contact_id


@guarded_with_savepoint
def contact_at_checkout(request: HttpRequest, basket_id: Any, email: str = "") -> Any | None:
    """Id of the contact whom user, e-mail address and shipping address of a checkout stand for."""
    phone, country = shipping_phone(request)
    contact = resolve(
        user_id=request.user.pk if is_member(request) else None,
        email=member_email(request) if is_member(request) else email or guest_email(request),
        phone=phone,
        country=country,
        language=translation.get_language() or "",
        basket_id=basket_id,
    )
    return contact.pk if contact is not None else None


def is_member(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return bool(user is not None and user.is_authenticated)


def member_email(request: HttpRequest) -> str:
    email_field = email_field_of(get_user_model())
    return str(getattr(request.user, email_field, "") or "") if email_field else ""
