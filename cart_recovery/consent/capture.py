"""Reading consent boxes from the shop's own forms and writing down who agreed to which text."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import translation

from cart_recovery.conf import conf
from cart_recovery.consent import opt_ins, wordings
from cart_recovery.consent.addresses import address_kind_of, digest_for
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.contacts.claims import usable_phone
from cart_recovery.contacts.identities import resolve
from cart_recovery.exceptions import ChannelConfigurationError
from cart_recovery.models import ConsentWording, Contact
from cart_recovery.shop.customers import guest_email, shipping_phone
from cart_recovery.shop.site import absolute_url

logger = logging.getLogger(__name__)

_UNTICKED = frozenset({"", "0", "false", "off", "no"})


def box_name(channel: str) -> str:
    """Name of the checkbox: `recovery_consent_email`."""
    return f"recovery_consent_{channel}"


def wording_name(channel: str) -> str:
    """Name of the hidden field with the id of the wording that stands beside the box."""
    return f"{box_name(channel)}_wording"


def ticked_channels(request: HttpRequest) -> list[str]:
    """Channels that are set up and whose box came ticked with this POST."""
    if request.method != "POST":
        return []
    return [
        channel
        for channel in conf.CHANNELS
        if request.POST.get(box_name(channel), "").strip().lower() not in _UNTICKED
    ]


def capture(
    request: HttpRequest,
    *,
    contact: Contact,
    where: str | None = None,
    addresses: Mapping[str, str] | None = None,
) -> list[str]:
    """Take each ticked box that showed one of our wordings for a yes; gives their channels.

    What becomes of the yes is the market's to say: a permission at once, or a double opt-in that
    waits to be confirmed at the address (see `opt_ins.ask`). The same box sent twice counts once.
    `where` is the form, as given to the template tag: `registration` expects the wording
    `registration-email`. None takes any form's. `addresses` are those the form spoke of, by kind
    (`email`, `phone`): where the contact has another one, the box is no yes to that. A box without
    a wording that we show proves nothing and is left out, as is a channel for which there is no
    address.
    """
    taken: list[str] = []
    for channel in ticked_channels(request):
        wording = _wording(request, channel, where)
        if wording is None:
            logger.warning("consent box for %s came without a wording that we show", channel)
        elif not _is_meant(contact, channel, addresses):
            logger.info("consent box for %s was ticked for no address of the contact", channel)
        else:
            opt_ins.ask(
                contact, channel=channel, wording=wording, source=_form_of(wording),
                source_url=absolute_url(request.path), language=_language(),
            )  # fmt: skip
            taken.append(channel)
    return taken


def capture_registration(request: HttpRequest, user: Any) -> list[str]:
    """The boxes of a registration form that made `user`. Makes no contact without a ticked box."""
    if not ticked_channels(request):
        return []
    contact = resolve(user_id=user.pk, email=user.email or "", language=_language())
    return capture(request, contact=contact, where="registration") if contact else []


def capture_guest(request: HttpRequest, email: str) -> list[str]:
    """The boxes of the page where a guest gives an e-mail address. No ticked box, no contact."""
    if not ticked_channels(request):
        return []
    contact = resolve(email=email, language=_language(), basket_id=_basket_id(request))
    if contact is None:
        return []
    return capture(
        request, contact=contact, where="checkout", addresses={"email": email, "phone": ""}
    )


def capture_checkout(request: HttpRequest) -> list[str]:
    """The boxes of any form that the shop has accepted, for its user or its guest.

    The phone number is taken up only together with a box for a channel that needs it [O1].
    """
    kinds = {kind for channel in ticked_channels(request) if (kind := _kind(channel))}
    if not kinds:
        return []
    phone, country = _submitted_phone(request) if "phone" in kinds else ("", "")
    user: Any = getattr(request, "user", None) or AnonymousUser()
    email = (user.email or "") if user.is_authenticated else guest_email(request)
    contact = resolve(
        user_id=user.pk, email=email, phone=phone, country=country,
        language=_language(), basket_id=_basket_id(request),
    )  # fmt: skip
    if contact is None:
        return []
    number = usable_phone(phone, country)
    if user.is_authenticated and number:
        _take_up(contact, number)
    return capture(request, contact=contact, addresses={"email": email, "phone": number})


def _take_up(contact: Contact, number: str) -> None:
    """A signed-in customer who agrees to SMS at another number than before means the new one."""
    if str(contact.phone or "") == number:
        return
    try:
        with transaction.atomic():
            Contact.objects.filter(pk=contact.pk).update(phone=number)
    except IntegrityError:
        logger.info("the number agreed to is another contact's")
    else:
        contact.refresh_from_db(fields=["phone"])


def _is_meant(contact: Contact, channel: str, addresses: Mapping[str, str] | None) -> bool:
    kind = _kind(channel)
    digest = digest_for(contact, kind) if kind else ""
    if not digest or addresses is None:
        return bool(digest)
    return digest == address_digest(kind, addresses.get(kind, ""))


def _wording(request: HttpRequest, channel: str, where: str | None) -> ConsentWording | None:
    wording = wordings.shown(request.POST.get(wording_name(channel), ""), channel=channel)
    if wording is None or (where is not None and _form_of(wording) != where):
        return None
    return wording


def _form_of(wording: ConsentWording) -> str:
    """The `where` of a wording: `checkout` for `checkout-sms`."""
    return wording.code.removesuffix(f"-{wording.channel}")


def _submitted_phone(request: HttpRequest) -> tuple[str, str]:
    """Phone and country of the checkout, or blanks where this very form gave another number.

    A form that was turned away (an empty basket, say) leaves an older number in the session: the
    box beside the new one does not speak for it.
    """
    phone, country = shipping_phone(request)
    given = next((v for k, v in request.POST.items() if k.endswith("phone_number") and v), "")
    if given and usable_phone(str(given), country) != usable_phone(phone, country):
        return "", ""
    return phone, country


def _kind(channel: str) -> str:
    try:
        return address_kind_of(channel)
    except ChannelConfigurationError:
        return ""


def _basket_id(request: HttpRequest) -> Any | None:
    return getattr(getattr(request, "basket", None), "pk", None)


def _language() -> str:
    return translation.get_language() or ""
