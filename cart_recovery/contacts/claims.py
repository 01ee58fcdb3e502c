"""Who somebody says, or the shop knows, they are, and how far that is believed.

- What the shop says about a **signed-in user** is true. The user's contact takes the account's
  e-mail address, and the contacts of a former guest with the same address or number, unless these
  belong to another user or, for a number, to another address.
- What a **guest typed** is a claim about an address that may be a stranger's. It finds a contact by
  e-mail address first, then by number. It joins addresses, or two contacts, only where nobody else
  could be meant: no user on either side, no address of the same kind that differs, and nothing
  under way but the guest's own basket. So nobody reads along in a stranger's baskets by typing the
  stranger's address and an own number, or the other way round.
- An address that is another contact's is never taken away from it, and a number that somebody
  agreed to be reached at is not replaced.

What this cannot know is who owns an address that nobody has used yet: that takes a double opt-in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils import timezone

from cart_recovery.conf import conf
from cart_recovery.contacts.addresses import address_digest, normalize_email, parse_phone
from cart_recovery.exceptions import InvalidAddressError
from cart_recovery.models import (
    CartState,
    ConsentAction,
    ConsentState,
    Contact,
    EnrolmentState,
    TrackedCart,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """Addresses are normalised or ""; `basket_id` is the basket of the guest's session."""

    user_id: Any | None
    email: str
    email_key: str
    phone: str
    country: str
    language: str
    basket_id: Any | None = None

    @property
    def is_empty(self) -> bool:
        return self.user_id is None and not self.email_key and not self.phone

    @property
    def is_member(self) -> bool:
        return self.user_id is not None


def make_claim(  # noqa: PLR0913 one argument per fact, all by name
    *, user_id: Any | None, email: str, phone: str, country: str, language: str,
    basket_id: Any | None = None,
) -> Claim:  # fmt: skip
    """A claim of what can be used of the given data; the number is read by the country."""
    address, key = usable_email(email)
    country = country.upper() if len(country) == 2 else ""
    return Claim(
        user_id=user_id, email=address, email_key=key, phone=usable_phone(phone, country),
        country=country, language=language[:16], basket_id=basket_id,
    )  # fmt: skip


def usable_email(raw: str) -> tuple[str, str]:
    """(address, key); ("", "") for what cannot be used."""
    try:
        return normalize_email(raw) if raw else ("", "")
    except InvalidAddressError:
        return "", ""


def usable_phone(raw: str, country: str) -> str:
    """E.164; "" for what cannot be used."""
    try:
        return parse_phone(raw, country) if raw else ""
    except InvalidAddressError:
        return ""


def may_take_over(claim: Claim, other: Contact) -> bool:
    """Whether a member's claim covers a contact that was found by one of its addresses. Pure."""
    is_free = other.user_id in (None, claim.user_id)
    return is_free and (not other.email_key or other.email_key == claim.email_key)


def has_news(claim: Claim, contact: Contact, holders: dict[str, Contact]) -> bool:
    """Whether a member's contact lacks an address that it may have. Pure.

    `holders` tells for addresses which contact has them.
    """
    if claim.email_key and contact.email_key != claim.email_key:
        holder = holders.get(claim.email_key)
        if holder is None or may_take_over(claim, holder):
            return True
    if claim.phone and not contact.phone:
        holder = holders.get(claim.phone)
        return holder is None or may_take_over(claim, holder)
    return False


def is_alone(contact: Contact, claim: Claim) -> bool:
    """Whether nobody but the guest of this claim can be meant by a contact. One query at most."""
    if contact.user_id is not None:
        return False
    under_way = Q(
        state__in=(CartState.ACTIVE, CartState.ABANDONED),
        last_activity_at__gte=timezone.now() - conf.MAX_CART_AGE,
    ) | Q(enrolments__state=EnrolmentState.ACTIVE)
    others = TrackedCart.objects.filter(under_way, contact=contact)
    if claim.basket_id is not None:
        others = others.exclude(basket_id=claim.basket_id)
    return not others.exists()


def is_phone_agreed(contact: Contact) -> bool:
    """Whether the person agreed to be reached at the contact's present number. One query."""
    digest = address_digest("phone", contact.phone)
    return ConsentState.objects.filter(
        contact=contact, address_digest=digest, action=ConsentAction.GRANTED
    ).exists()
