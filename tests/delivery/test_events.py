"""Provider reports in any order, again, early, late and for nobody."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
import uuid

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cart_recovery.consent.permissions import load
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.delivery.events import IngestResult, ingest
from cart_recovery.models import (
    ConsentRecord,
    DeliveryEvent,
    Message,
    MessageState,
    Reason,
    Suppression,
)
from cart_recovery.provider_events import EventKind, ProviderEvent, SuppressionReason
from tests import factories

NOW = timezone.now().replace(microsecond=0)
counter = itertools.count(1)


def make_message(state: str = MessageState.SENDING, **kwargs) -> Message:
    contact = kwargs.pop("contact", None) or factories.make_contact()
    followup = kwargs.pop("followup", None) or factories.make_followup(contact=contact)
    return Message.objects.create(
        followup=followup, contact=contact, state=state,
        channel=kwargs.pop("channel", "email"), language="de", to_address=contact.email,
        address_digest=address_digest("email", contact.email), sending_at=NOW, created_at=NOW,
        **kwargs,
    )  # fmt: skip


def make_event(kind: EventKind, message: Message | None = None, **kwargs) -> ProviderEvent:
    values = {
        "channel": "email", "kind": kind, "occurred_at": NOW, "dedupe_key": f"e-{next(counter)}",
        "message_key": message.public_id if message else "", "provider_message_id": "sg-1",
    }  # fmt: skip
    return ProviderEvent(**{**values, **kwargs})


def state_of(message: Message) -> str:
    message.refresh_from_db()
    return message.state


@pytest.mark.django_db
class TestStates:
    @pytest.mark.parametrize(
        ("kind", "state"),
        [
            (EventKind.ACCEPTED, MessageState.SENT),
            (EventKind.SENT, MessageState.SENT),
            (EventKind.DEFERRED, MessageState.DEFERRED),
            (EventKind.DELIVERED, MessageState.DELIVERED),
            (EventKind.FAILED, MessageState.FAILED),
            (EventKind.BOUNCED, MessageState.BOUNCED),
            (EventKind.COMPLAINED, MessageState.COMPLAINED),
        ],
    )
    @pytest.mark.parametrize(
        "before", [MessageState.SENDING, MessageState.UNKNOWN, MessageState.RETRY]
    )
    def test_what_was_open_is_cleared_up_by_a_report(self, before, kind, state):
        message = make_message(before, reason=Reason.OUTCOME_UNKNOWN)
        ingest([make_event(kind, message)])
        assert state_of(message) == state
        assert message.provider_message_id == "sg-1"
        assert message.sent_at == NOW
        assert message.reason != Reason.OUTCOME_UNKNOWN

    @pytest.mark.parametrize("kind", [EventKind.OPENED, EventKind.CLICKED])
    def test_opens_and_clicks_decide_nothing(self, kind):
        message = make_message(MessageState.UNKNOWN)
        result = ingest([make_event(kind, message, is_machine=True)])
        assert result == IngestResult(stored=1)
        assert state_of(message) == MessageState.UNKNOWN
        assert DeliveryEvent.objects.get().is_machine

    def test_a_late_report_does_not_lower_the_state(self):
        message = make_message()
        ingest([make_event(EventKind.DELIVERED, message)])
        ingest([make_event(EventKind.ACCEPTED, message), make_event(EventKind.DEFERRED, message)])
        assert state_of(message) == MessageState.DELIVERED

    def test_a_mail_that_comes_back_after_its_delivery_is_bounced(self):
        message = make_message()
        ingest([make_event(EventKind.DELIVERED, message)])
        ingest([make_event(EventKind.BOUNCED, message, code="5.1.1", detail="550 gone")])
        assert state_of(message) == MessageState.BOUNCED
        assert (message.reason, message.detail) == (Reason.REPORTED, "5.1.1 550 gone")
        assert message.delivered_at == NOW

    def test_a_report_keeps_the_earliest_times(self):
        message = make_message(MessageState.SENT, sent_at=NOW)
        later = NOW + dt.timedelta(minutes=5)
        ingest([make_event(EventKind.DELIVERED, message, occurred_at=later)])
        message.refresh_from_db()
        assert (message.sent_at, message.delivered_at) == (NOW, later)

    def test_a_message_is_found_by_the_providers_id(self):
        message = make_message(MessageState.SENT, provider_message_id="sg-9")
        ingest([make_event(EventKind.DELIVERED, provider_message_id="sg-9")])
        assert state_of(message) == MessageState.DELIVERED

    def test_a_report_about_nobody_is_kept(self):
        events = [
            make_event(EventKind.DELIVERED, message_key=uuid.uuid4().hex),
            make_event(EventKind.DELIVERED, provider_message_id=""),
        ]
        assert ingest(events) == IngestResult(stored=2, unmatched=2)
        assert DeliveryEvent.objects.filter(message=None).count() == 2

    def test_a_repeated_report_changes_nothing(self):
        message = make_message()
        event = make_event(EventKind.COMPLAINED, message, suppress=SuppressionReason.COMPLAINT)
        assert ingest([event, event]) == IngestResult(stored=1, repeated=1)
        Suppression.objects.all().delete()
        records = ConsentRecord.objects.count()
        assert ingest([event]) == IngestResult(repeated=1)
        assert not Suppression.objects.exists()
        assert ConsentRecord.objects.count() == records

    def test_values_of_any_length_fit(self):
        message = make_message()
        ingest([make_event(EventKind.BOUNCED, message, code="x" * 200, detail="ä" * 2000,
                           provider_message_id="y" * 500)])  # fmt: skip
        assert state_of(message) == MessageState.BOUNCED

    def test_no_event_is_no_work(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert ingest([]) == IngestResult()


@pytest.mark.django_db
class TestProtection:
    def test_a_hard_bounce_blocks_the_address_and_no_more(self):
        message = make_message()
        ingest([make_event(EventKind.BOUNCED, message, suppress=SuppressionReason.HARD_BOUNCE)])
        (block,) = Suppression.objects.all()
        assert (block.channel, block.address_digest) == ("email", message.address_digest)
        assert block.reason == SuppressionReason.HARD_BOUNCE
        assert not ConsentRecord.objects.exists()

    @pytest.mark.parametrize(
        ("kind", "reason"),
        [
            (EventKind.COMPLAINED, SuppressionReason.COMPLAINT),
            (EventKind.UNSUBSCRIBED, SuppressionReason.UNSUBSCRIBED),
            (EventKind.FAILED, SuppressionReason.UNSUBSCRIBED),
        ],
    )
    def test_a_no_blocks_the_address_and_withdraws(self, kind, reason):
        message = make_message()
        ingest([make_event(kind, message, suppress=reason)])
        assert Suppression.objects.get().reason == reason
        permissions = load([message.contact_id])
        assert permissions.is_withdrawn(message.contact_id, "email", "cart_reminder")

    def test_a_complaint_is_an_objection_on_every_channel(self):
        message = make_message()
        ingest([make_event(EventKind.COMPLAINED, message, suppress=SuppressionReason.COMPLAINT)])
        permissions = load([message.contact_id])
        assert permissions.is_withdrawn(message.contact_id, "sms", "cart_reminder")
        assert not permissions.is_withdrawn(message.contact_id, "sms", "order_status")

    def test_a_complaint_about_a_message_that_is_gone_blocks_its_address(self):
        ingest([make_event(EventKind.COMPLAINED, suppress=SuppressionReason.COMPLAINT,
                           address="Kunde@Example.de")])  # fmt: skip
        digest = address_digest("email", "kunde@example.de")
        assert Suppression.objects.get().address_digest == digest

    def test_a_channel_that_is_gone_blocks_nobody_and_breaks_nothing(self):
        event = make_event(EventKind.COMPLAINED, suppress=SuppressionReason.COMPLAINT,
                           channel="gone", address="kunde@example.de")  # fmt: skip
        assert ingest([event]).stored == 1


def count_queries(events) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        ingest(events)
    return len(queries)


@pytest.mark.django_db
def test_the_number_of_statements_does_not_grow():
    """Also on SQLite, where Django cuts its own bulk inserts at 999 parameters."""
    first, *others = [make_message(MessageState.UNKNOWN) for _ in range(1 + 60)]

    def report(messages):
        return [
            make_event(kind, message, suppress=suppress, code="5.1.1",
                       occurred_at=NOW + dt.timedelta(seconds=next(counter)))
            for message in messages
            for kind, suppress in (
                (EventKind.ACCEPTED, None), (EventKind.DELIVERED, None), (EventKind.OPENED, None),
                (EventKind.BOUNCED, SuppressionReason.HARD_BOUNCE),
            )
        ]  # fmt: skip

    def strangers():
        for number in range(1500):
            yield make_event(EventKind.BOUNCED, suppress=SuppressionReason.HARD_BOUNCE,
                             provider_message_id="", address=f"fremd{number}@example.de")  # fmt: skip

    one = count_queries([*report([first]), next(strangers())])
    many = count_queries([*report(others), *strangers()])
    assert many == one
    assert DeliveryEvent.objects.count() == 5 + 240 + 1500
    assert Suppression.objects.count() == 61 + 1500
    assert set(Message.objects.values_list("state", flat=True)) == {MessageState.BOUNCED}


KINDS = list(EventKind)


@st.composite
def histories(draw):
    """Some events about two messages, and two ways in which they may come in."""
    facts = draw(
        st.lists(
            st.tuples(
                st.sampled_from(KINDS), st.integers(0, 1), st.integers(0, 3),
                st.sampled_from(["", "5.1.1", "4.2.0"]),
            ),
            min_size=1, max_size=8,
        )
    )  # fmt: skip
    ways = []
    for _ in range(2):
        order = draw(st.permutations(range(len(facts))))
        again = draw(st.lists(st.sampled_from(range(len(facts))), max_size=4))
        calls = [*order, *again]
        cuts = sorted(draw(st.lists(st.integers(0, len(calls)), max_size=3)))
        ways.append([calls[a:b] for a, b in itertools.pairwise([0, *cuts, len(calls)])])
    return facts, ways


@pytest.fixture
def followups(db):
    return [factories.make_followup() for _ in range(2)]


@given(history=histories(), before=st.sampled_from(["sending", "unknown", "retry", "sent"]))
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_order_and_repetition_ends_in_the_same_state(followups, history, before):
    facts, ways = history
    ends = [play(facts, way, before, followups) for way in ways]
    assert ends[0] == ends[1]


def play(facts, way, before, followups):
    """What is left after the events came in this way. Undone at the end."""
    with transaction.atomic():
        messages = [
            make_message(before, contact=f.enrolment.contact, followup=f) for f in followups
        ]
        events = [
            make_event(kind, messages[which], code=code, dedupe_key=f"fact-{number}",
                       occurred_at=NOW + dt.timedelta(minutes=minute))
            for number, (kind, which, minute, code) in enumerate(facts)
        ]  # fmt: skip
        for request in way:
            ingest([events[number] for number in request])
        end = list(
            Message.objects.filter(pk__in=[m.pk for m in messages])
            .order_by("pk")
            .values_list(
                "state", "reason", "detail", "provider_message_id", "sent_at", "delivered_at"
            )
        )
        end.append(DeliveryEvent.objects.count())
        transaction.set_rollback(True)
    return end


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_requests_at_the_same_time_see_each_others_events():
    messages = [make_message() for _ in range(5)]
    kinds = [EventKind.ACCEPTED, EventKind.DEFERRED, EventKind.DELIVERED, EventKind.BOUNCED]
    batches = [[make_event(kind, message) for message in messages] for kind in kinds]
    batches += [list(reversed(batch)) for batch in batches]
    barrier, errors = threading.Barrier(len(batches)), []

    def work(batch):
        try:
            barrier.wait()
            ingest(batch)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert {state_of(message) for message in messages} == {MessageState.BOUNCED}
    assert DeliveryEvent.objects.count() == 20


@pytest.mark.django_db
def test_our_own_answer_after_a_report_does_not_lower_the_state():
    from cart_recovery.channels.base import Outcome, OutcomeKind, OutgoingMessage
    from cart_recovery.delivery import outbox

    message = make_message(MessageState.SENDING)
    ingest([make_event(EventKind.DELIVERED, message)])
    draft = outbox.Draft(
        message=message, outgoing=OutgoingMessage(key="", to=""), followup=message.followup
    )
    outbox.record([(draft, Outcome(OutcomeKind.ACCEPTED, provider_message_id="sg-1"))], NOW)
    assert state_of(message) == MessageState.DELIVERED
