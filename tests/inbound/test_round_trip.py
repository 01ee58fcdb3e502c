"""Adapter -> provider simulator -> signed webhook -> message, over real HTTP and with real libraries."""

from __future__ import annotations

import pytest

from cart_recovery.channels.base import OutcomeKind, OutgoingMessage
from cart_recovery.channels.registry import get_channel
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.models import MessageState, Reply, Suppression
from sandbox_shop.simulators import defaults
from sandbox_shop.simulators.server import running_simulators
from tests import factories
from tests.channels.servers import no_proxy  # noqa: F401 autouse
from tests.delivery.test_events import make_message, state_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def providers(live_server, settings):
    with running_simulators(
        webhook_base=live_server.url,
        events_path="/recovery/hooks/email/events",
        inbound_path="/recovery/hooks/sms/inbound",
    ) as running:
        settings.CART_RECOVERY = {
            **settings.CART_RECOVERY,
            "PUBLIC_BASE_URL": live_server.url,
            "CHANNELS": {
                "email": {
                    "BACKEND": "cart_recovery.channels.sendgrid.SendGridChannel",
                    "OPTIONS": {
                        "API_KEY": defaults.DEFAULT_SENDGRID_KEY,
                        "BASE_URL": running.url,
                        "WEBHOOK_PUBLIC_KEY": running.sendgrid_public_key,
                    },
                },
                "sms": {
                    "BACKEND": "cart_recovery.channels.twilio.TwilioSmsChannel",
                    "OPTIONS": {
                        "ACCOUNT_SID": defaults.DEFAULT_TWILIO_SID,
                        "AUTH_TOKEN": defaults.DEFAULT_TWILIO_TOKEN,
                        "FROM": defaults.DEFAULT_TWILIO_NUMBER,
                        "BASE_URL": running.url,
                    },
                },
            },
        }
        yield running


def send(message, to, live_server):
    (outcome,) = get_channel(message.channel).send([
        OutgoingMessage(
            key=message.public_id, to=to, subject="Warenkorb", html="<p>Grüße</p>", text="Grüße",
            callback_url=f"{live_server.url}/recovery/hooks/sms/status?message={message.public_id}",
        )
    ])  # fmt: skip
    return outcome


@pytest.mark.parametrize(
    ("local", "state"),
    [("kunde", "delivered"), ("bounce", "bounced"), ("blocked", "bounced"), ("dropped", "failed"),
     ("deferred", "delivered"), ("spam", "complained"), ("unsubscribe", "delivered")],
)  # fmt: skip
@pytest.mark.parametrize("disorder", ["", "reorder_events", "duplicate_events"])
def test_a_mail_ends_as_the_provider_reports(providers, live_server, local, state, disorder):
    if disorder:
        providers.set_fault(disorder, provider="sendgrid")
    message = make_message(contact=factories.make_contact(f"{local}@example.de"))
    outcome = send(message, f"{local}@example.de", live_server)
    assert outcome.kind is OutcomeKind.ACCEPTED
    assert providers.wait_for_webhooks()
    assert {call.status for call in providers.webhook_calls} == {200}
    assert state_of(message) == state
    assert message.provider_message_id == outcome.provider_message_id
    is_blocked = local in {"bounce", "dropped", "spam", "unsubscribe"}
    assert Suppression.objects.exists() == is_blocked


def test_a_call_whose_answer_was_lost_is_cleared_up(providers, live_server):
    providers.set_fault("accept_and_drop", times=2)
    for channel, to in (("email", "kunde@example.de"), ("sms", "+4915112345678")):
        message = make_message(MessageState.UNKNOWN, channel=channel)
        assert send(message, to, live_server).kind is OutcomeKind.UNKNOWN
        assert providers.wait_for_webhooks()
        assert state_of(message) == MessageState.DELIVERED


def test_a_reply_of_stop_ends_the_channel(providers, live_server):
    contact = factories.make_contact(phone="+4915112345678")
    message = make_message(channel="sms", contact=contact)
    assert send(message, "+4915112345678", live_server).kind is OutcomeKind.ACCEPTED
    assert providers.wait_for_webhooks()
    assert state_of(message) == MessageState.DELIVERED
    (sent,) = providers.messages
    call = providers.reply(sent["id"], "Stopp!")
    assert (call.status, b"<Response/>" in call.answer) == (200, True)
    assert Reply.objects.get().contact == contact
    assert Suppression.objects.get().address_digest == address_digest("phone", "+4915112345678")
    # Twilio itself knows STOP, and then refuses the next one at once
    providers.reply(sent["id"], "STOP")
    again = send(make_message(channel="sms"), "+4915112345678", live_server)
    assert (again.kind, again.code) == (OutcomeKind.PERMANENT, "21610")
