from __future__ import annotations

import pytest

from cart_recovery.consent.suppression import suppress, suppress_digests, suppressed
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.models import Suppression
from cart_recovery.provider_events import SuppressionReason as Reason

pytestmark = pytest.mark.django_db


def test_any_spelling_is_blocked_when_one_is():
    suppress("email", "email", "Mensch@Example.DE", reason=Reason.HARD_BOUNCE, source="sendgrid")
    pair = ("email", address_digest("email", " mensch@example.de "))
    assert suppressed([pair]) == {pair}


def test_another_channel_stays_free_when_one_is_blocked():
    suppress("sms", "phone", "+4915112345678", reason=Reason.STOP_REPLY, source="reply")
    digest = address_digest("phone", "+4915112345678")
    assert suppressed([("sms", digest), ("whatsapp", digest)]) == {("sms", digest)}


def test_no_address_can_be_read_when_the_list_is_stolen():
    suppress("email", "email", "mensch@example.de", reason=Reason.STAFF, source="admin")
    assert "mensch" not in repr(Suppression.objects.values().get())


def test_the_first_reason_stays_when_more_are_reported():
    for reason in (Reason.HARD_BOUNCE, Reason.COMPLAINT):
        suppress("email", "email", "mensch@example.de", reason=reason, source="sendgrid")
    assert Suppression.objects.get().reason == Reason.HARD_BOUNCE


def test_the_first_reason_stays_when_one_report_holds_several():
    suppress_digests([
        ("email", "a" * 64, Reason.COMPLAINT, "one"),
        ("email", "a" * 64, Reason.HARD_BOUNCE, "two"),
        ("email", "", Reason.HARD_BOUNCE, "no address"),
    ])  # fmt: skip
    assert Suppression.objects.get().reason == Reason.COMPLAINT


@pytest.mark.parametrize("count", [1, 600])
def test_one_statement_each_is_enough_when_many_are_blocked(count, django_assert_num_queries):
    pairs = {("email", f"{n:064}") for n in range(count)}
    items = [(channel, digest, Reason.HARD_BOUNCE, "") for channel, digest in pairs]
    with django_assert_num_queries(5):  # two of them the savepoint's
        suppress_digests(items)
    with django_assert_num_queries(1):
        assert suppressed([*pairs, ("sms", "x")]) == pairs


def test_no_query_is_made_when_there_is_nothing_to_ask(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert suppressed([]) == set()
        suppress_digests([])
