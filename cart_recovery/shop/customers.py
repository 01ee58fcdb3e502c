"""What the shop knows about its customers: registered ones, and guests in their checkout."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.models import F
from django.http import HttpRequest
from oscar.core.loading import get_class, get_model, get_profile_class
from phonenumber_field.phonenumber import PhoneNumber, to_python

#: names that shops give to these fields of the user or of the profile
PHONE_FIELDS: Final = ("phone_number", "phone", "mobile", "mobile_phone", "mobile_number")
E164: Final = re.compile(r"\+[1-9]\d{6,14}")
LANGUAGE_FIELDS: Final = ("preferred_language", "language", "locale")


@dataclass(frozen=True, slots=True)
class UserFacts:
    """A registered customer. `phone` is as the shop stores it; `country` tells how to read it."""

    user_id: Any
    email: str
    phone: str
    language: str
    country: str


def user_facts(user_ids: Collection[Any]) -> dict[Any, UserFacts]:
    """Facts by user id, in three queries at most; unknown users are left out.

    The phone number is that of the default shipping address, else of the user or profile, else of
    any other address; a number without country code is read by the address's country.
    """
    if not user_ids:
        return {}
    user_model = get_user_model()
    email_field = email_field_of(user_model)
    users = user_model._base_manager.in_bulk(set(user_ids))
    profiles = profiles_of(user_ids)
    addresses = addresses_of(user_ids)
    facts = {}
    for user_id, user in users.items():
        own = addresses.get(user_id, [])
        profile = profiles.get(user_id)
        phone, country = choose_phone(user, profile, own)
        facts[user_id] = UserFacts(
            user_id=user_id,
            email=str(getattr(user, email_field, "") or "") if email_field else "",
            phone=phone,
            language=first_value((user, profile), LANGUAGE_FIELDS),
            country=country,
        )
    return facts


def email_field_of(user_model: Any) -> str:
    """Name of the user model's e-mail field; "" where it has none."""
    name = user_model.get_email_field_name() if hasattr(user_model, "get_email_field_name") else ""
    try:
        user_model._meta.get_field(name)
    except FieldDoesNotExist:
        return ""
    return str(name)


def profiles_of(user_ids: Collection[Any]) -> dict[Any, Any]:
    """Profiles by user id, of the model that Oscar's AUTH_PROFILE_MODULE names."""
    profile_model = get_profile_class()
    if profile_model is None:
        return {}
    return {row.user_id: row for row in profile_model._base_manager.filter(user_id__in=user_ids)}


def addresses_of(user_ids: Collection[Any]) -> dict[Any, list[dict[str, Any]]]:
    """Address book rows by user id, the default shipping address first, then the latest."""
    rows = (
        get_model("address", "UserAddress")
        ._base_manager.filter(user_id__in=user_ids)
        .order_by("-is_default_for_shipping", "-pk")
        .values("user_id", "phone_number", "is_default_for_shipping", country_code=F("country_id"))
    )
    addresses: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        addresses.setdefault(row["user_id"], []).append(row)
    return addresses


def choose_phone(user: Any, profile: Any, addresses: list[dict[str, Any]]) -> tuple[str, str]:
    """(phone, country): the default address goes first, then the profile, then other addresses."""
    country = addresses[0]["country_code"] if addresses else ""
    for address in addresses:
        if address["is_default_for_shipping"] and address["phone_number"]:
            return phone_text(address["phone_number"]), address["country_code"]
    phone = first_value((user, profile), PHONE_FIELDS)
    if phone:
        return phone, country
    for address in addresses:
        if address["phone_number"]:
            return phone_text(address["phone_number"]), address["country_code"]
    return "", country


def first_value(rows: Iterable[Any], names: Iterable[str]) -> str:
    """The first value that is set among the named fields of the rows; "" where none is.

    Reads fields only: an attribute of the same name could be anything, a query included.
    """
    for row in rows:
        for name in names:
            value = row.__dict__.get(name) if row is not None else None
            if value:
                return phone_text(value)
    return ""


def phone_text(number: Any) -> str:
    """A stored number as text: E.164 where the library can read it, else as typed."""
    if not number:
        return ""
    if isinstance(number, str) and not E164.fullmatch(number):
        number = to_python(number) if number.startswith("+") else number
    if isinstance(number, PhoneNumber):
        return str(number.as_e164 if number.is_valid() else number.raw_input or "")
    return str(number)


def guest_email(request: HttpRequest) -> str:
    """The address that a guest gave at the checkout's first page; "" where there is none."""
    session_data = checkout_data(request)
    return str(session_data.get_guest_email() or "") if session_data is not None else ""


def shipping_phone(request: HttpRequest) -> tuple[str, str]:
    """(phone, country) of the shipping address of the checkout in progress; "" where unknown."""
    session_data = checkout_data(request)
    if session_data is None:
        return "", ""
    fields = session_data.new_shipping_address_fields()
    if fields:
        return phone_text(fields.get("phone_number")), str(fields.get("country_id") or "")
    address_id = session_data.shipping_user_address_id()
    if not address_id or not request.user.is_authenticated:
        return "", ""
    address = (
        get_model("address", "UserAddress")
        ._base_manager.filter(pk=address_id, user_id=request.user.pk)
        .values_list("phone_number", "country_id")
        .first()
    )
    return (phone_text(address[0]), address[1]) if address else ("", "")


def submitted_basket_id(request: HttpRequest) -> Any | None:
    """The basket whose payment was begun in this session; None where there is none."""
    session_data = checkout_data(request)
    return session_data.get_submitted_basket_id() if session_data is not None else None


def checkout_data(request: HttpRequest) -> Any | None:
    """Oscar's view of the checkout in this session; None where no checkout was begun.

    Looks first: making the object writes to the session, which would give each visitor one.
    """
    data_class = get_class("checkout.utils", "CheckoutSessionData")
    session = getattr(request, "session", None)
    if session is None or not session.get(data_class.SESSION_KEY):
        return None
    return data_class(request)
