"""Finding, making and completing the contact behind a user, an e-mail address or a phone number.

The rules by which a claim is believed stand in `contacts.claims`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from django.db import IntegrityError, router, transaction
from django.db.models import Q

from cart_recovery.contacts import merging
from cart_recovery.contacts.claims import (
    Claim,
    has_news,
    is_alone,
    is_phone_agreed,
    make_claim,
    may_take_over,
    usable_email,
    usable_phone,
)
from cart_recovery.models import Contact
from cart_recovery.shop.customers import user_facts

K = TypeVar("K")

merge = merging.merge

ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class Guest:
    """What somebody without an account said of themselves. Texts may be ""."""

    email: str
    phone: str = ""
    country: str = ""
    language: str = ""
    basket_id: Any | None = None


def resolve(  # noqa: PLR0913 one argument per fact, all by name
    *,
    user_id: Any | None = None,
    email: str = "",
    phone: str = "",
    country: str = "",
    language: str = "",
    basket_id: Any | None = None,
) -> Contact | None:
    """The contact of a user or a guest, made or completed as the rules allow.

    Addresses that cannot be used are left out; None where nothing is left. `country` (ISO code)
    reads the number; `basket_id` is the basket of the session in which a guest says this.
    """
    claim = make_claim(
        user_id=user_id, email=email, phone=phone, country=country, language=language,
        basket_id=basket_id,
    )  # fmt: skip
    return None if claim.is_empty else settle(claim)


def resolve_users(user_ids: Iterable[Any]) -> dict[Any, Contact]:
    """Contacts by user id, made where missing; users that are gone are left out.

    A constant number of statements. Only a user who was known as a guest before, or whose account
    got another address, costs a few more, once.
    """
    ids = set(user_ids) - {None}
    claims = {
        user_id: make_claim(
            user_id=user_id, email=fact.email, phone=fact.phone, country=fact.country,
            language=fact.language,
        )
        for user_id, fact in user_facts(ids).items()
    }  # fmt: skip
    contacts = {c.user_id: c for c in Contact.objects.filter(user_id__in=ids)}
    holders = holders_of(claims.values())
    fresh = []
    unsettled = []
    for user_id, claim in claims.items():
        if user_id in contacts:
            unsettled += [claim] if has_news(claim, contacts[user_id], holders) else []
        elif any(may_take_over(claim, held) for held in held_by(claim, holders)):
            unsettled.append(claim)
        else:
            fresh.append(claim)
    contacts |= create(fresh, taken=set(holders))
    # whoever lost a race to another process is settled one by one, like those who need thought
    unsettled += [claim for claim in fresh if claim.user_id not in contacts]
    contacts |= {claim.user_id: settle(claim) for claim in unsettled}
    return {user_id: contacts[user_id] for user_id in claims}


def resolve_guests(guests: Mapping[K, Guest]) -> dict[K, Contact]:
    """Contacts of guests by the caller's keys; those without a usable address are left out.

    One query for all who are known by their e-mail address; a few for each one who is not, or of
    whom the number is new.
    """
    claims = {
        key: make_claim(
            user_id=None, email=guest.email, phone=guest.phone, country=guest.country,
            language=guest.language, basket_id=guest.basket_id,
        )
        for key, guest in guests.items()
    }  # fmt: skip
    claims = {key: claim for key, claim in claims.items() if not claim.is_empty}
    if not claims:
        return {}
    holders = holders_of(claims.values())
    found = {}
    for key, claim in claims.items():
        holder = holders.get(claim.email_key)
        is_known = holder is not None and (holder.phone or not claim.phone)
        found[key] = holder if holder is not None and is_known else settle(claim)
    return found


def find_by_address(address_kind: str, address: str) -> Contact | None:
    """The contact that has this address (`email` or `phone`), in any spelling."""
    if address_kind == "phone":
        number = usable_phone(address, "")
        return Contact.objects.filter(phone=number).first() if number else None
    key = usable_email(address)[1]
    return Contact.objects.filter(email_key=key).first() if key else None


def holders_of(claims: Iterable[Claim]) -> dict[str, Contact]:
    """The contacts that have the claims' addresses, by address. One query."""
    keys: set[str] = set()
    phones: set[str] = set()
    for claim in claims:
        keys.add(claim.email_key)
        phones.add(claim.phone)
    rows = Contact.objects.filter(Q(email_key__in=keys - {""}) | Q(phone__in=phones - {""}))
    holders: dict[str, Contact] = {}
    for row in rows:
        holders |= {str(address): row for address in (row.email_key, row.phone) if address}
    return holders


def held_by(claim: Claim, holders: dict[str, Contact]) -> list[Contact]:
    return [holders[address] for address in (claim.email_key, claim.phone) if address in holders]


def create(claims: Iterable[Claim], *, taken: set[str]) -> dict[Any, Contact]:
    """New contacts by user id, each without the addresses that are taken. Two statements."""
    rows = []
    for claim in claims:
        rows.append(new_contact(without(claim, taken)))
        taken |= {claim.email_key, claim.phone}
    if not rows:
        return {}
    Contact.objects.bulk_create(rows, ignore_conflicts=True)
    return {c.user_id: c for c in Contact.objects.filter(user_id__in=[r.user_id for r in rows])}


def new_contact(claim: Claim) -> Contact:
    return Contact(
        user_id=claim.user_id, email=claim.email, email_key=claim.email_key or None,
        phone=claim.phone or None, country=claim.country, language=claim.language,
    )  # fmt: skip


def without(claim: Claim, taken: Collection[str]) -> Claim:
    """The claim without the addresses that are somebody else's."""
    if claim.email_key in taken:
        claim = replace(claim, email="", email_key="")
    return replace(claim, phone="") if claim.phone in taken else claim


def settle(claim: Claim) -> Contact:
    """Find or make the claim's contact. What another process wrote meanwhile is read again."""
    for _attempt in range(ATTEMPTS - 1):
        try:
            return settle_once(claim)
        except IntegrityError:
            continue
    return settle_once(claim)


def settle_once(claim: Claim) -> Contact:
    condition = Q(user_id=claim.user_id) if claim.is_member else Q()
    if claim.email_key:
        condition |= Q(email_key=claim.email_key)
    if claim.phone:
        condition |= Q(phone=claim.phone)
    with transaction.atomic(using=router.db_for_write(Contact)):
        found = list(Contact.objects.filter(condition).order_by("pk"))
        contact = settle_member(claim, found) if claim.is_member else settle_guest(claim, found)
        taken = {
            str(address)
            for other in found
            for address in (other.email_key, other.phone)
            if address and other.pk != contact.pk and not other.merged_into_id
        }
        return complete(contact, without(claim, taken))


def settle_member(claim: Claim, found: list[Contact]) -> Contact:
    """The user's contact, joined with those of the former guest."""
    contact = next((c for c in found if c.user_id == claim.user_id), None)
    for other in found:
        if other is not contact and may_take_over(claim, other):
            contact = other if contact is None else join(contact, other)
    return contact or Contact(user_id=claim.user_id)


def settle_guest(claim: Claim, found: list[Contact]) -> Contact:
    """The contact with the typed e-mail address, else with the typed number, else a new one."""
    by_email = next((c for c in found if claim.email_key and c.email_key == claim.email_key), None)
    by_phone = next((c for c in found if claim.phone and str(c.phone) == claim.phone), None)
    if by_email is None:
        if by_phone is None or not claim.email_key:
            return by_phone or Contact()
        # the number without an address may be this guest's; with one it is somebody else's
        is_own = not by_phone.email_key and is_alone(by_phone, claim)
        return by_phone if is_own else Contact()
    if by_phone is None or by_phone is by_email or by_email.phone or by_phone.email_key:
        return by_email
    if is_alone(by_email, claim) and is_alone(by_phone, claim):
        return join(by_email, by_phone)
    return by_email


def join(one: Contact, other: Contact) -> Contact:
    """Merge two contacts; the one with a user stays, else the older one."""
    winner, loser = sorted((one, other), key=lambda c: (c.user_id is None, c.pk))
    kept = merge(winner, loser)
    loser.merged_into_id = kept.pk
    return kept


def complete(contact: Contact, claim: Claim) -> Contact:
    """Add what the contact lacks and the claim may give. Saves only where something changed."""
    values: dict[str, Any] = {}
    if claim.is_member and contact.user_id is None:
        values["user_id"] = claim.user_id
    if claim.email_key and contact.email_key != claim.email_key and may_set_email(contact, claim):
        values |= {"email": claim.email, "email_key": claim.email_key}
    if claim.phone and str(contact.phone or "") != claim.phone and may_set_phone(contact, claim):
        values["phone"] = claim.phone
    if claim.country and not contact.country:
        values["country"] = claim.country
    if claim.language and not contact.language:
        values["language"] = claim.language
    for name, value in values.items():
        setattr(contact, name, value)
    if contact.pk is None:
        contact.save()
    elif values:
        contact.save(update_fields=list(values))
    return contact


def may_set_email(contact: Contact, claim: Claim) -> bool:
    if contact.pk is None or claim.is_member:
        return True
    return not contact.email_key and is_alone(contact, claim)


def may_set_phone(contact: Contact, claim: Claim) -> bool:
    if contact.pk is None:
        return True
    if not claim.is_member and not is_alone(contact, claim):
        return False
    return not contact.phone or not is_phone_agreed(contact)
