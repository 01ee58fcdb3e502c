"""The preference centre: everybody gets less at once, and more only after a confirmation."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cart_recovery.consent import permissions
from cart_recovery.consent.ledger import record
from cart_recovery.consent.suppression import suppress
from cart_recovery.consent.unsubscribe import unsubscribe_token
from cart_recovery.consent.withdrawals import ADVERTISING
from cart_recovery.contacts.identities import merge
from cart_recovery.models import (
    ConsentMethod,
    ConsentRecord,
    Contact,
    Notice,
    OptIn,
    OptInState,
    Purpose,
)
from cart_recovery.provider_events import SuppressionReason
from tests.factories import make_consent, make_contact
from tests.preferences.conftest import PHONE, centre, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def contact() -> Contact:
    """Someone who agreed to cart reminders by e-mail and by SMS."""
    return make_consent(make_contact("mensch@example.de", phone=PHONE), "email", "sms")


@pytest.fixture
def client() -> Client:
    """A browser without cookies, CSRF protection fully on."""
    return Client(enforce_csrf_checks=True)


def granted(contact: Contact) -> set[tuple[str, str]]:
    loaded = permissions.load([contact.pk])
    kinds = {"email": "email", "sms": "phone"}
    return {
        (channel, purpose)
        for channel, kind in kinds.items()
        for purpose in Purpose.values
        if loaded.is_granted(contact, channel, purpose, kind)
    }


def states(page: str) -> list[str]:
    """What stands beside each purpose, from top to bottom."""
    return re.findall(r'cr-state cr-state--(\w+)"', page)


def offer_id(page: str, channel: str) -> str:
    fields = f'name="channel" value="{channel}"><input type="hidden" name="wording"'
    found = re.search(rf'{fields} value="(\d+)"', page)
    assert found, page
    return found[1]


# --- looking --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("page", ["preferences", "preferences_erase"])
def test_nothing_changes_when_a_scanner_looks_twice(
    client: Client, contact: Contact, method: str, page: str, assert_rows_unchanged: Any
) -> None:
    token = unsubscribe_token(contact.pk, "email", "cart_reminder")
    with assert_rows_unchanged():
        for _n in range(2):
            url = reverse(f"cart_recovery:{page}", args=[token])
            assert getattr(client, method)(url).status_code == 200


def test_the_page_shows_what_is_agreed_and_no_whole_address(
    client: Client, contact: Contact
) -> None:
    page = text_of(client.get(centre(contact)))
    assert states(page) == ["yes", "no", "yes"]
    assert "m•••@e•••.de" in page
    assert "+49 ••• 78" in page
    assert "mensch@" not in page
    assert "1512345678" not in page


def test_the_page_is_kept_nowhere_and_tells_nobody(client: Client, contact: Contact) -> None:
    for response in (
        client.get(centre(contact)),
        client.post(centre(contact), {"action": "pause"}),
    ):
        assert response["Cache-Control"] == "no-store"
        assert response["Referrer-Policy"] == "no-referrer"
        assert "noindex" in response["X-Robots-Tag"]
        assert not response.cookies


def test_what_waits_for_a_confirmation_is_shown_as_waiting(client: Client) -> None:
    contact = make_contact("mensch@example.de")
    page = text_of(client.get(centre(contact)))
    client.post(
        centre(contact), {"action": "ask", "channel": "email", "wording": offer_id(page, "email")}
    )
    assert states(text_of(client.get(centre(contact)))) == ["waiting", "no"]


def test_a_box_alone_is_shown_as_no_where_the_market_wants_more(client: Client) -> None:
    contact = make_consent(make_contact(), method=ConsentMethod.SINGLE)
    assert "yes" not in states(text_of(client.get(centre(contact))))


def test_a_blocked_address_is_told_and_counts_as_no(client: Client, contact: Contact) -> None:
    suppress("email", "email", contact.email, reason=SuppressionReason.HARD_BOUNCE, source="test")
    page = text_of(client.get(centre(contact)))
    assert "Nothing is sent to this address at present" in page
    assert states(page) == ["no", "no", "yes"]


def test_the_page_of_a_merged_contact_is_that_of_the_person(
    client: Client, contact: Contact
) -> None:
    url = centre(contact)
    winner = make_contact("haupt@example.de")
    merge(winner, contact)
    assert "h•••@e•••.de" in text_of(client.get(url))


def test_few_queries_are_made_whatever_the_history(
    client: Client, contact: Contact, django_assert_max_num_queries: Any
) -> None:
    for n in range(500):
        action = "withdrawn" if n % 2 else "granted"
        record(
            contact, channel=("email", "sms")[n % 3 % 2], purposes=[Purpose.values[n % 6]],
            action=action, method="double" if action == "granted" else "", source="test",
        )  # fmt: skip
    for n in range(5):
        other = make_consent(make_contact(f"frueher{n}@example.de"))
        merge(contact, other)
    assert ConsentRecord.objects.count() > 500
    with django_assert_max_num_queries(12):
        assert client.get(centre(contact)).status_code == 200


# --- less -----------------------------------------------------------------------------------------


def test_one_purpose_ends_at_once_when_it_is_switched_off(client: Client, contact: Contact) -> None:
    data = {"action": "off", "channel": "sms", "purpose": "cart_reminder"}
    response = client.post(centre(contact), data)
    assert response.status_code == 200
    assert "Switched off" in text_of(response)
    assert granted(contact) == {("email", "cart_reminder")}
    last = ConsentRecord.objects.latest("pk")
    assert (last.source, last.source_url) == ("preferences", "/recovery/p/")


def test_all_advertising_ends_by_one_button(client: Client, contact: Contact) -> None:
    make_consent(contact, "email", purpose=Purpose.PROMOTION)
    assert client.post(centre(contact), {"action": "all_off"}).status_code == 200
    assert granted(contact) == set()
    withdrawn = ConsentRecord.objects.filter(action="withdrawn", channel="email")
    assert set(withdrawn.values_list("purpose", flat=True)) == set(ADVERTISING)


def test_a_question_that_waits_ends_when_it_is_switched_off(client: Client) -> None:
    contact = make_contact("mensch@example.de")
    page = text_of(client.get(centre(contact)))
    client.post(
        centre(contact), {"action": "ask", "channel": "email", "wording": offer_id(page, "email")}
    )
    client.post(centre(contact), {"action": "off", "channel": "email", "purpose": "cart_reminder"})
    assert OptIn.objects.get().state == OptInState.CANCELLED
    assert states(text_of(client.get(centre(contact)))) == ["no", "no"]


def test_a_pause_lasts_thirty_days_and_can_be_ended(client: Client, contact: Contact) -> None:
    page = text_of(client.post(centre(contact), {"action": "pause"}))
    contact.refresh_from_db()
    assert contact.paused_until is not None
    assert abs(contact.paused_until - timezone.now() - dt.timedelta(days=30)) < dt.timedelta(
        minutes=1
    )
    assert "no advertising before" in page
    client.post(centre(contact), {"action": "resume"})
    contact.refresh_from_db()
    assert contact.paused_until is None


# --- more -----------------------------------------------------------------------------------------


def test_more_comes_only_after_a_confirmation_at_the_address(
    client: Client, contact: Contact
) -> None:
    client.post(centre(contact), {"action": "off", "channel": "sms", "purpose": "cart_reminder"})
    page = text_of(client.get(centre(contact)))
    data = {"action": "ask", "channel": "sms", "wording": offer_id(page, "sms")}
    answer = text_of(client.post(centre(contact), data))
    assert "reply YES" in answer
    assert granted(contact) == {("email", "cart_reminder")}
    opt_in = OptIn.objects.get()
    assert (opt_in.channel, opt_in.source, opt_in.state) == ("sms", "preferences", "pending")
    assert Notice.objects.get().kind == "opt_in"


@pytest.mark.parametrize("wording", ["", "0", "99999999", "x", "1; DROP"])
def test_nothing_is_asked_for_without_the_text_that_was_shown(
    client: Client, contact: Contact, wording: str
) -> None:
    client.post(centre(contact), {"action": "ask", "channel": "email", "wording": wording})
    assert not OptIn.objects.exists()


def test_messages_about_orders_come_back_without_a_confirmation(
    client: Client, contact: Contact
) -> None:
    url = centre(contact, purpose="order_status")
    client.post(url, {"action": "off", "channel": "email", "purpose": "order_status"})
    assert permissions.load([contact.pk]).is_withdrawn(contact.pk, "email", "order_status")
    client.post(url, {"action": "orders_on", "channel": "email"})
    assert not permissions.load([contact.pk]).is_withdrawn(contact.pk, "email", "order_status")


def test_way_and_language_are_kept(client: Client, contact: Contact) -> None:
    client.post(centre(contact), {"action": "prefer", "channel": "sms"})
    response = client.post(centre(contact), {"action": "language", "language": "de"})
    contact.refresh_from_db()
    assert (contact.preferred_channel, contact.language) == ("sms", "de")
    assert response["Content-Language"] == "de"


# --- one's data -----------------------------------------------------------------------------------


def test_the_link_to_ones_data_goes_to_the_address_and_not_to_the_page(
    client: Client, contact: Contact
) -> None:
    page = text_of(client.post(centre(contact, "sms"), {"action": "data"}))
    notice = Notice.objects.get()
    assert (notice.kind, notice.channel, notice.contact_id) == ("data_export", "sms", contact.pk)
    assert "/d/" not in page


def test_deleting_asks_once_and_says_what_stays(client: Client, contact: Contact) -> None:
    page = text_of(client.get(centre(contact)))
    url = re.search(r'href="([^"]+/erase[^"]*)"', page)
    assert url
    assert "cannot be undone" in text_of(client.get(url[1]))
    contact.refresh_from_db()
    assert contact.erased_at is None

    done = client.post(url[1])
    contact.refresh_from_db()
    assert done.status_code == 200
    assert "What stays, and why" in text_of(done)
    assert contact.erased_at is not None
    assert contact.email == ""
    assert granted(contact) == set()


def test_whoever_is_erased_finds_nothing_and_may_still_unsubscribe(
    client: Client, contact: Contact, assert_rows_unchanged: Any
) -> None:
    token = unsubscribe_token(contact.pk, "email", "cart_reminder")
    client.post(reverse("cart_recovery:preferences_erase", args=[token]))
    with assert_rows_unchanged():
        for url in (centre(contact), reverse("cart_recovery:preferences_erase", args=[token])):
            assert client.get(url).status_code == 410
            assert client.post(url, {"action": "pause"}).status_code == 410
        assert client.post(reverse("cart_recovery:unsubscribe", args=[token])).status_code == 200


def test_a_contact_that_is_gone_altogether_is_answered_alike(client: Client) -> None:
    contact = make_contact()
    url = centre(contact)
    contact.delete()
    assert client.get(url).status_code == 410


# --- what is none of ours ---------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "head", "post"])
def test_a_token_that_is_not_ours_gets_a_friendly_page(
    client: Client, contact: Contact, method: str, assert_rows_unchanged: Any
) -> None:
    path = centre(contact).partition("?")[0]
    with assert_rows_unchanged():
        for url in (path[:-2], path + "x.y", "/recovery/p/", "/recovery/p", path[:-4] + "AAAA"):
            assert getattr(client, method)(url).status_code == 404, url


@pytest.mark.parametrize(
    "data",
    [
        {}, {"action": "nonsense"}, {"action": "off"}, {"action": "off", "channel": "email"},
        {"action": "off", "channel": "fax", "purpose": "promotion"},
        {"action": "off", "channel": "email", "purpose": "everything"},
        {"action": "prefer", "channel": "fax"}, {"action": "language", "language": "tlh"},
        {"action": "ask", "channel": "fax", "wording": "1"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_changes_nothing(
    client: Client, contact: Contact, data: dict[str, str], assert_rows_unchanged: Any
) -> None:
    with assert_rows_unchanged():
        response = client.post(centre(contact), data)
    assert response.status_code == 400
    assert "Nothing was changed" in text_of(response)


def test_bodies_that_are_too_large_or_of_another_kind_are_refused(
    client: Client, contact: Contact, assert_rows_unchanged: Any
) -> None:
    with assert_rows_unchanged():
        large = client.post(centre(contact), {"action": "pause", "x": "y" * 20_000})
        assert large.status_code == 413
        other = client.generic("POST", centre(contact), "{}", content_type="application/json")
        assert other.status_code == 415


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(client: Client, contact: Contact, method: str) -> None:
    assert getattr(client, method)(centre(contact)).status_code == 405


def test_the_unsubscribe_page_leads_here(client: Client, contact: Contact) -> None:
    url = centre(contact).replace("/p/", "/u/")
    for response in (client.get(url), client.post(url)):
        assert f'href="{centre(contact)}"' in response.content.decode()


# --- limits -----------------------------------------------------------------------------------------


def test_opting_out_is_never_limited_and_asking_is(
    client: Client, contact: Contact, settings: Any
) -> None:
    settings.CART_RECOVERY = {
        **settings.CART_RECOVERY,
        "FORM_RATE_LIMITS": {"preferences": {"client": (2, dt.timedelta(hours=1))}},
    }
    for _n in range(2):
        assert client.post(centre(contact), {"action": "data"}).status_code == 200
    refused = client.post(centre(contact), {"action": "data"})
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 3600
    data = {"action": "off", "channel": "email", "purpose": "cart_reminder"}
    for _n in range(5):
        assert client.post(centre(contact), data).status_code == 200
        assert client.post(centre(contact), {"action": "all_off"}).status_code == 200
        assert client.post(centre(contact), {"action": "pause"}).status_code == 200
    assert granted(contact) == set()
    token = unsubscribe_token(contact.pk, "email", "cart_reminder")
    for _n in range(5):
        assert client.post(reverse("cart_recovery:unsubscribe", args=[token])).status_code == 200
    assert client.post(reverse("cart_recovery:preferences_erase", args=[token])).status_code == 200
