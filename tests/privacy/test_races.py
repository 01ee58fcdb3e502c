"""An erasure that comes while a message is on its way: nothing leaves, nothing comes back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from cart_recovery.carts.idle import take_idle
from cart_recovery.channels.base import Outcome, OutcomeKind
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.consent import notices
from cart_recovery.contacts.identities import resolve
from cart_recovery.delivery import composing, events, outbox
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import (
    Contact,
    DeliveryEvent,
    FollowUp,
    FollowUpState,
    Message,
    MessageState,
    Notice,
    NoticeKind,
    Reason,
    TrackedCart,
)
from cart_recovery.privacy.erasure import erase
from cart_recovery.provider_events import EventKind, ProviderEvent
from tests.delivery.test_pipeline import happens_after_the_outbox
from tests.factories import (
    make_basket,
    make_cart,
    make_consent,
    make_contact,
    make_followup,
    make_product,
    make_user,
)
from tests.privacy.people import traces

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL = "grete.muster@example.de"


@pytest.fixture(autouse=True)
def _empty_outbox() -> None:
    LocmemChannel.reset()


def erase_all() -> None:
    erase(Contact.objects.all(), source="test", now=timezone.now())


def make_due() -> Contact:
    contact = make_consent(make_contact(EMAIL))
    make_followup(contact=contact)
    return contact


def test_planned_step_is_cancelled() -> None:
    make_due()
    erase_all()
    deliver_due()
    followup = FollowUp.objects.get()
    assert (followup.state, followup.reason) == (FollowUpState.CANCELLED, Reason.ERASED)
    assert followup.enrolment.reason == Reason.ERASED
    assert not Message.objects.exists()


def test_message_being_made_is_never_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker has claimed it and knows the address; then the person is erased."""
    make_due()
    original = composing.compose

    def composed(*args: Any, **kwargs: Any) -> Any:
        drafts = original(*args, **kwargs)
        erase_all()
        return drafts

    monkeypatch.setattr("cart_recovery.delivery.pipeline.compose", composed)
    deliver_due()
    assert LocmemChannel.outbox == []
    assert not Message.objects.exists()
    assert FollowUp.objects.get().reason == Reason.ERASED
    assert traces((EMAIL,)) == []


def test_message_that_is_written_does_not_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    make_due()
    happens_after_the_outbox(monkeypatch, erase_all)
    deliver_due()
    message = Message.objects.get()
    assert LocmemChannel.outbox == []
    assert (message.state, message.reason) == (MessageState.WITHDRAWN, Reason.ERASED)
    assert traces((EMAIL,)) == []


def test_answer_of_the_provider_brings_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call was under way: what the provider says about it is not written any more."""
    make_due()
    original = outbox.record

    def record(results: Any, now: dt.datetime) -> None:
        erase_all()
        answer = Outcome(OutcomeKind.PERMANENT, detail=f"550 {EMAIL}", provider_message_id="sg1")
        original([(draft, answer) for draft, _outcome in results], now)

    monkeypatch.setattr("cart_recovery.delivery.outbox.record", record)
    deliver_due()
    message = Message.objects.get()
    assert (message.state, message.detail, message.provider_message_id) == ("failed", "", "")
    assert traces((EMAIL,)) == []


def test_later_report_brings_nothing_back() -> None:
    make_due()
    deliver_due()
    erase_all()
    message = Message.objects.get()
    report = ProviderEvent(
        channel="email", kind=EventKind.BOUNCED, occurred_at=timezone.now(), dedupe_key="1",
        message_key=message.public_id, provider_message_id="sg1", detail=f"550 {EMAIL}",
        address=EMAIL,
    )  # fmt: skip
    assert events.ingest([report]).stored == 1
    message.refresh_from_db()
    assert (message.state, message.provider_message_id) == (MessageState.BOUNCED, "")
    assert DeliveryEvent.objects.get().detail == ""
    assert traces((EMAIL,)) == []


def test_notice_is_cancelled_or_does_not_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    contact = make_contact(EMAIL)
    notices.plan(NoticeKind.DATA_EXPORT, contact, channel="email")
    happens_after_the_outbox(monkeypatch, erase_all)
    deliver_due()
    assert LocmemChannel.outbox == []
    assert traces((EMAIL,)) == []
    other = make_contact("anders@example.de")
    notices.plan(NoticeKind.DATA_EXPORT, other, channel="email")
    erase_all()
    assert Notice.objects.get(contact=other).state == FollowUpState.CANCELLED


def test_customer_who_shops_on_is_a_new_contact() -> None:
    user = make_user("kundin@example.de")
    old = resolve(user_id=user.pk, email=user.email)
    basket = make_basket(make_product(), owner=user)
    make_cart(basket, old)
    erase([old], source="test", now=timezone.now())
    user.refresh_from_db()
    assert user.email == "kundin@example.de"
    cart = make_cart(basket)
    take_idle(timezone.now(), 10)
    cart.refresh_from_db()
    assert cart.contact is not None
    assert cart.contact != old
    assert cart.contact.email == "kundin@example.de"
    assert TrackedCart.objects.count() == 2
