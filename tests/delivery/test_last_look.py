"""What happens between the committed outbox and the provider call is seen, and obeyed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from oscar.core.loading import get_model

from cart_recovery.channels.base import Outcome, OutcomeKind
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.channels.registry import get_channel
from cart_recovery.consent import suppression
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.inbound.replies import take_texts
from cart_recovery.models import FollowUp, FollowUpState, Message, MessageState, NoticeKind, Reason
from cart_recovery.provider_events import InboundText, SuppressionReason
from tests.checkout import place_order_as_guest
from tests.delivery.test_pipeline import happens_after_the_outbox
from tests.factories import (
    make_campaign,
    make_consent,
    make_contact,
    make_followup,
    make_product,
    make_user,
)

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = "+4915112345678"


def deliver_while(monkeypatch: pytest.MonkeyPatch, what: Callable[[], Any]) -> tuple[str, str]:
    """Deliver the one thing that is due and let something happen in between: state and reason."""
    happens_after_the_outbox(monkeypatch, what)
    deliver_due()
    message = Message.objects.get(followup__isnull=False)
    return message.state, message.reason


def test_stop_by_sms_is_obeyed_when_it_comes_between_outbox_and_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    campaign = make_campaign(channels=("sms",))
    campaign.steps.get().variants.update(template_code="abandoned-basket-2")
    make_followup(contact=make_consent(make_contact(phone=PHONE), "sms"), campaign=campaign)
    stop = InboundText(
        channel="sms", sender=PHONE, recipient="", body="Stopp", provider_message_id="SM1"
    )
    found = deliver_while(monkeypatch, lambda: take_texts([stop], get_channel("sms")))
    # nothing but the answer to the stop
    answers = Message.objects.filter(notice__kind=NoticeKind.STOP_CONFIRMED)
    assert [sent.key for sent in LocmemChannel.outbox] == [a.public_id for a in answers]
    assert found == (MessageState.WITHDRAWN, Reason.NO_CONSENT)


def test_suppression_is_obeyed_when_it_comes_between_outbox_and_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    contact = make_consent(make_contact())
    make_followup(contact=contact)
    found = deliver_while(
        monkeypatch,
        lambda: suppression.suppress(
            "email", "email", contact.email, reason=SuppressionReason.HARD_BOUNCE, source="test"
        ),
    )
    assert LocmemChannel.outbox == []
    assert found == (MessageState.WITHDRAWN, Reason.SUPPRESSED)


def test_order_without_signals_is_seen_when_it_comes_between_outbox_and_call(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import or an API: no receiver of ours has heard of it, nothing else tells than the order."""
    user = make_user()
    followup = make_followup(
        contact=make_consent(make_contact(user.email, user=user)),
        campaign=make_campaign(delays=(dt.timedelta(0), dt.timedelta(days=1))),
    )
    order = place_order_as_guest(client, make_product(), email="x@example.de")
    orders = get_model("order", "Order").objects.filter(pk=order.pk)
    found = deliver_while(monkeypatch, lambda: orders.update(user=user, guest_email=""))
    assert LocmemChannel.outbox == []
    assert found == (MessageState.WITHDRAWN, Reason.BOUGHT)
    followup.enrolment.refresh_from_db()
    assert (followup.enrolment.state, followup.enrolment.reason) == ("stopped", Reason.BOUGHT)


@pytest.mark.parametrize("comes_back", ["retry", "wait"])
def test_step_is_never_left_behind_when_the_worker_dies_before_it_is_planned_again(
    monkeypatch: pytest.MonkeyPatch, comes_back: str
) -> None:
    """A message that will be tried again and a follow-up that is open belong together."""
    followup = make_followup(contact=make_consent(make_contact()))
    if comes_back == "retry":
        LocmemChannel.answers.append(Outcome(OutcomeKind.RETRY_SAFE, code="429"))
    else:
        cart = followup.enrolment.cart
        happens_after_the_outbox(
            monkeypatch, lambda: type(cart).objects.filter(pk=cart.pk).update(state="active")
        )

    def die(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cart_recovery.delivery.followups.hand_back", die)
    with pytest.raises(KeyboardInterrupt):
        deliver_due()
    message, followup = Message.objects.get(), FollowUp.objects.get()
    # not yet: nobody would come back to a message in RETRY whose follow-up has ended
    assert (message.state, followup.state) == (MessageState.SENDING, FollowUpState.DONE)
