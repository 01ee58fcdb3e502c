"""Counted in the database, and yet what the gate before each send would say."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cart_recovery.consent.suppression import suppress
from cart_recovery.consent.withdrawals import withdraw
from cart_recovery.eligibility.facts import load_reach
from cart_recovery.models import Contact
from cart_recovery.provider_events import SuppressionReason
from cart_recovery.reports.reach import contacts_by_country, markets, reach
from cart_recovery.reports.sampling import one_in
from tests.factories import make_consent, make_contact
from tests.settings import CART_RECOVERY

pytestmark = pytest.mark.django_db
PURPOSE = "cart_reminder"


def people() -> None:
    """Everybody who may or may not be written to, for a different reason each."""
    for country, phone in (
        ("", "+4915112345600"), ("DE", "+4915112345601"), ("GB", "+447911123451"),
        ("", "+447911123452"), ("US", "+12125550101"), ("", "+12125550102"), ("CA", "+14165550103"),
    ):  # fmt: skip
        for method in ("double", "single", "keyword", "imported", "soft"):
            number = (
                f"{phone[:-3]}{('double', 'single', 'keyword', 'imported', 'soft').index(method)}"
            )
            contact = make_contact(phone=number + phone[-2:], country=country)
            make_consent(contact, "email", "sms", method=method)
            make_consent(contact, "email", "sms", method=method, purpose="review_request")
    make_contact(phone="+4915112349999")
    make_consent(make_contact(None, phone="+4915112349998"), "sms")
    make_consent(make_contact(), "email")
    blocked = make_consent(make_contact(phone="+4915112349997"), "email", "sms")
    suppress("sms", "phone", "+4915112349997", reason=SuppressionReason.STOP_REPLY, source="t")
    suppress("email", "email", blocked.email, reason=SuppressionReason.COMPLAINT, source="t")
    said_no = make_consent(make_contact(phone="+4915112349996"), "email", "sms")
    withdraw(said_no, channel="sms", source="test")
    erased = make_consent(make_contact(phone="+4915112349995"), "email", "sms")
    Contact.objects.filter(pk=erased.pk).update(erased_at=timezone.now())
    make_consent(make_contact(phone="+4915112349994"), "email", "sms", purpose="promotion")


@pytest.mark.parametrize("home", ["DE", "GB", "US"])
@pytest.mark.parametrize("purpose", ["cart_reminder", "promotion"])
def test_is_what_the_gate_says(home: str, purpose: str) -> None:
    with override_settings(CART_RECOVERY={**CART_RECOVERY, "DEFAULT_COUNTRY": home}):
        people()
        contacts = list(Contact.objects.all())
        gate = load_reach(contacts, timezone.now())
        for channel, found in reach(purpose).items():
            reached = [c for c in contacts if not gate.blocker(c, channel, purpose)]
            assert found["reached"] == len(reached), channel


@pytest.mark.parametrize("home", ["DE", "US"])
@pytest.mark.parametrize("is_on", [True, False])
def test_a_sale_suffices_for_review_requests(home: str, is_on: bool) -> None:
    own = {**CART_RECOVERY, "DEFAULT_COUNTRY": home, "SOFT_OPT_IN": is_on}
    with override_settings(CART_RECOVERY=own):
        people()
        contacts = list(Contact.objects.all())
        gate = load_reach(contacts, timezone.now())
        for channel, found in reach("review_request").items():
            reached = [
                c
                for c in contacts
                if not gate.blocker(c, channel, "review_request", is_similar=True)
            ]
            assert found["reached"] == len(reached), channel


def test_says_what_keeps_the_others_out() -> None:
    people()
    found = reach(PURPOSE)["sms"]
    # German and unknown countries take no box and no START for a permission; British ones do
    assert found["unconfirmed"] > 0
    assert found["blocked"] == 1
    assert found["addresses"] == Contact.objects.filter(
        phone__isnull=False, erased_at__isnull=True
    ).count()  # fmt: skip


def test_takes_the_same_queries_however_many_contacts() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            reach(PURPOSE)
            contacts_by_country()
        return len(found)

    before = queries()
    people()
    assert queries() == before == 5


def test_markets_of_the_contacts_are_known_by_country_and_number() -> None:
    people()
    counts = contacts_by_country()
    found: dict[str, Any] = {market.code: count for market, count in markets(counts)}
    assert next(iter(found)) == "DE"
    assert (found["GB"], found["US"], found[""]) == (10, 10, 5)
    assert dt.timedelta(hours=48) in {m.sms_within for m, _count in markets(counts)}


def test_very_many_contacts_are_told_from_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    people()
    exact = reach(PURPOSE)["email"]
    monkeypatch.setattr("cart_recovery.reports.sampling.one_in.__kwdefaults__", {"largest": 15})
    about = reach(PURPOSE)["email"]
    assert (exact["one_in"], about["one_in"]) == (1, 3)
    assert about["addresses"] == exact["addresses"]
    assert about["reached"] == pytest.approx(exact["reached"], rel=0.5)


@pytest.mark.parametrize(
    ("total", "number"), [(0, 1), (100_000, 1), (100_001, 2), (350_000, 5), (1_000_000, 11)]
)
def test_sample_is_one_in_a_prime_number(total: int, number: int) -> None:
    assert one_in(total) == number
