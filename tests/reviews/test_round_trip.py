"""A rating by reply the whole way: provider's webhook, signature, reply, task, thanks by SMS."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from cart_recovery import models
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.delivery.pipeline import deliver_due
from tests import factories
from tests.channels.servers import no_proxy  # noqa: F401 autouse
from tests.delivery.test_events import make_message
from tests.inbound.test_round_trip import send
from tests.incentives.test_granting import make_incentive
from tests.reviews import kit

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = "+4915112345678"


@pytest.fixture
def asked(providers: Any, live_server: Any) -> Any:
    """A review request that has reached the phone; the order that it is about."""
    order = kit.make_order()
    contact = factories.make_contact(order.guest_email, phone=NUMBER)
    thanks = make_incentive(valid_for=dt.timedelta(days=30))
    followup = kit.make_request(order, channel="sms", contact=contact, thanks=thanks)
    message = make_message(
        channel="sms", contact=contact, followup=followup, sent_at=timezone.now()
    )
    models.Message.objects.update(to_address=NUMBER, address_digest=address_digest("phone", NUMBER))
    send(message, NUMBER, live_server)
    assert providers.wait_for_webhooks()
    return order


def reply(providers: Any, text: str) -> Any:
    request = next(m for m in providers.messages if "Grüße" in str(m))
    return providers.reply(request["id"], text)


@pytest.mark.parametrize(("text", "score", "is_low"), [("2", 2, False), ("Note 6!", 6, True)])
def test_rating_is_recorded_and_thanked(
    providers: Any,
    asked: Any,
    text: str,
    score: int,
    is_low: bool,
) -> None:
    call = reply(providers, text)
    # Twilio is told nothing: what we have to say goes out by itself
    assert (call.status, call.answer.decode().endswith("<Response/>")) == (200, True)
    rating = models.ServiceRating.objects.get()
    assert (rating.order, rating.score, rating.source) == (asked, score, "sms")
    assert models.StaffTask.objects.exists() is is_low
    deliver_due()
    code = models.VoucherGrant.objects.get().code
    assert len([m for m in providers.messages if code in str(m)]) == 1
    # as often as Twilio may deliver it
    reply(providers, text)
    deliver_due()
    assert models.ServiceRating.objects.count() == models.Notice.objects.count() == 1


def test_stop_with_a_number_is_a_stop(providers: Any, asked: Any) -> None:
    reply(providers, "6 STOP")
    assert not models.ServiceRating.objects.exists()
    assert models.Suppression.objects.exists()
