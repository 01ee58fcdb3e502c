from __future__ import annotations

import pytest
from twilio.request_validator import RequestValidator

from cart_recovery.consent.permissions import load
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.models import (
    ConsentRecord,
    ConsentState,
    DeliveryEvent,
    MessageState,
    Reply,
    Suppression,
    WebhookPayload,
)
from tests import factories
from tests.delivery.test_events import make_message, state_of
from tests.inbound.conftest import PUBLIC, TOKEN

pytestmark = pytest.mark.django_db
PHONE = "+4915112345678"


class TestDoor:
    def test_a_signed_status_is_taken(self, twilio):
        message = make_message(channel="sms")
        response = twilio.status("delivered", key=message.public_id)
        assert (response.status_code, response.content) == (204, b"")
        assert state_of(message) == MessageState.DELIVERED
        assert message.provider_message_id == "SM" + "1" * 32

    @pytest.mark.parametrize("signature", ["", "x", "ä", "QUJD", "=" * 28])
    def test_a_forged_status_is_refused_and_leaves_nothing(self, twilio, signature):
        assert twilio.status("delivered", signature=signature or False).status_code == 403
        assert not WebhookPayload.objects.exists()

    def test_a_status_signed_with_another_token_is_refused(self, twilio):
        assert twilio.status("delivered", token="anders").status_code == 403

    def test_a_status_signed_for_another_host_is_refused(self, twilio):
        assert twilio.status("delivered", base="https://evil.example").status_code == 403

    def test_a_status_signed_for_another_message_is_refused(self, twilio):
        form = {"MessageSid": "SM" + "1" * 32, "MessageStatus": "delivered"}
        signature = RequestValidator(TOKEN).compute_signature(
            f"{PUBLIC}/recovery/hooks/sms/status?message={'a' * 32}", form
        )
        path = f"/recovery/hooks/sms/status?message={'b' * 32}"
        assert twilio.post(path, form, signature=signature).status_code == 403

    def test_it_works_behind_a_proxy_that_ends_tls(self, twilio):
        response = twilio.status("delivered", HTTP_HOST="10.0.0.5:8000")
        assert response.status_code == 204

    def test_a_port_in_the_signed_url_is_fine(self, twilio):
        assert twilio.status("delivered", base=f"{PUBLIC}:443").status_code == 204

    def test_each_alias_has_its_own_address(self, twilio):
        form = {"MessageSid": "SM" + "1" * 32, "MessageStatus": "sent"}
        assert twilio.post("/recovery/hooks/sms-at/status", form).status_code == 204
        assert DeliveryEvent.objects.get().channel == "sms-at"

    def test_no_token_refuses_everything(self, twilio, settings):
        settings.CART_RECOVERY["CHANNELS"]["sms"]["OPTIONS"]["AUTH_TOKEN"] = ""
        assert twilio.status("delivered").status_code == 503

    def test_thousands_of_fields_are_refused(self, twilio):
        body = "&".join(f"a{n}=1" for n in range(5000))
        assert twilio.status("delivered", body=body).status_code == 403

    def test_an_empty_value_is_part_of_the_signature(self, twilio):
        form = {"MessageSid": "SM" + "1" * 32, "MessageStatus": "sent", "FromCity": ""}
        assert twilio.post("/recovery/hooks/sms/status", form).status_code == 204


class TestStatus:
    @pytest.mark.parametrize(
        ("status", "state"),
        [
            ("accepted", MessageState.SENT), ("queued", MessageState.SENT),
            ("sending", MessageState.SENT), ("sent", MessageState.SENT),
            ("delivered", MessageState.DELIVERED), ("read", MessageState.DELIVERED),
            ("undelivered", MessageState.BOUNCED), ("failed", MessageState.FAILED),
            ("canceled", MessageState.FAILED),
        ],
    )  # fmt: skip
    def test_each_status_has_its_state(self, twilio, status, state):
        message = make_message(MessageState.UNKNOWN, channel="sms")
        twilio.status(status, key=message.public_id)
        assert state_of(message) == state

    def test_a_message_is_found_by_its_sid(self, twilio):
        sid = "SM" + "7" * 32
        message = make_message(MessageState.SENT, channel="sms", provider_message_id=sid)
        twilio.status("delivered", sid=sid)
        assert state_of(message) == MessageState.DELIVERED

    @pytest.mark.parametrize("status", ["", "dancing", "DELIVERED"])
    def test_a_status_that_is_none_is_counted_and_not_asked_for_again(self, twilio, status):
        assert twilio.status(status).status_code == 204
        assert WebhookPayload.objects.get().rejected == 1
        assert not DeliveryEvent.objects.exists()

    @pytest.mark.parametrize("key", ["x", "' OR 1=1", "A" * 32, "a" * 33])
    def test_a_key_that_is_none_is_a_message_of_nobody(self, twilio, key):
        from urllib.parse import quote

        assert twilio.status("sent", key=quote(key)).status_code == 204
        assert DeliveryEvent.objects.get().message is None

    @pytest.mark.parametrize(
        ("code", "reason"),
        [("21610", "unsubscribed"), ("30005", "invalid_address"), ("30006", "invalid_address"),
         ("30640", "carrier_block"), ("30003", None), ("30007", None), ("99999", None),
         ("nonsense", None)],
    )  # fmt: skip
    def test_codes_are_sorted(self, twilio, code, reason):
        message = make_message(MessageState.SENT, channel="sms")
        twilio.status("undelivered", key=message.public_id, code=code)
        assert state_of(message) == MessageState.BOUNCED
        assert list(Suppression.objects.values_list("reason", flat=True)) == (
            [reason] if reason else []
        )

    def test_an_opt_out_at_the_provider_withdraws(self, twilio):
        message = make_message(MessageState.SENT, channel="sms")
        twilio.status("failed", key=message.public_id, code="21610")
        permissions = load([message.contact_id])
        assert permissions.is_withdrawn(message.contact_id, "sms", "cart_reminder")

    def test_a_replay_changes_nothing(self, twilio):
        message = make_message(channel="sms")
        for _ in range(3):
            twilio.status("failed", key=message.public_id, code="21610")
        assert DeliveryEvent.objects.count() == 1
        assert Suppression.objects.count() == 1


class TestAnswers:
    @pytest.mark.parametrize("text", ["STOP", "stopp!", "Abmelden", "keine SMS"])
    def test_a_no_blocks_the_number_and_withdraws(self, twilio, text):
        contact = factories.make_contact(phone=PHONE)
        response = twilio.text(text)
        assert response.status_code == 200
        assert response["Content-Type"].startswith("text/xml")
        assert b"<Response/>" in response.content
        reply = Reply.objects.get()
        assert (reply.contact, reply.keyword, reply.body) == (contact, "STOP", text)
        assert load([contact.pk]).is_withdrawn(contact.pk, "sms", "cart_reminder")
        # whoever says STOP does not know that there are two aliases
        assert set(Suppression.objects.values_list("channel", "address_digest")) == {
            ("sms", address_digest("phone", PHONE)), ("sms-at", address_digest("phone", PHONE)),
        }  # fmt: skip

    def test_a_no_of_nobody_we_know_blocks_the_number(self, twilio):
        twilio.text("STOP")
        assert Suppression.objects.filter(channel="sms").count() == 1
        assert Reply.objects.get().contact is None

    def test_a_word_that_only_the_provider_knows_counts(self, twilio):
        twilio.text("ENOUGH", OptOutType="STOP")
        assert Reply.objects.get().keyword == "STOP"
        assert Suppression.objects.exists()

    def test_a_start_permits_nothing_where_the_market_wants_a_confirmation(self, twilio):
        contact = factories.make_contact(phone=PHONE)
        twilio.text("STOP")
        blocks, records = Suppression.objects.count(), ConsentRecord.objects.count()
        twilio.text("START", sid="SM" + "3" * 32, OptOutType="START")
        assert Reply.objects.get(keyword="START").contact == contact
        assert Suppression.objects.count() == blocks
        assert ConsentRecord.objects.count() == records
        assert not ConsentState.objects.filter(action="granted").exists()

    def test_any_other_answer_is_kept(self, twilio):
        twilio.text("Wann kommt mein Paket? 📦")
        reply = Reply.objects.get()
        assert (reply.body, reply.keyword) == ("Wann kommt mein Paket? 📦", "")
        assert not Suppression.objects.exists()

    def test_a_replay_changes_nothing(self, twilio):
        factories.make_contact(phone=PHONE)
        twilio.text("STOP")
        Suppression.objects.all().delete()
        records = ConsentRecord.objects.count()
        assert twilio.text("STOP").status_code == 200
        assert Reply.objects.count() == 1
        assert not Suppression.objects.exists()
        assert ConsentRecord.objects.count() == records

    @pytest.mark.parametrize("changes", [{"sid": ""}, {"sender": ""}, {"sender": " "}])
    def test_an_answer_of_nobody_is_counted(self, twilio, changes):
        assert twilio.text("Hallo", **changes).status_code == 200
        assert WebhookPayload.objects.get().rejected == 1
        assert not Reply.objects.exists()

    @pytest.mark.parametrize("sender", ["12345", "Bank", "+49301234567", "whatsapp:+4915112345678"])
    def test_any_sender_may_say_stop(self, twilio, sender):
        assert twilio.text("STOP", sender=sender).status_code == 200
        assert Reply.objects.get().sender == sender
        assert Suppression.objects.exists()

    def test_a_text_with_odd_letters_is_kept(self, twilio):
        assert twilio.text("a\x00b" + "ä" * 10_000).status_code == 200
        assert Reply.objects.get().body.startswith("ab")
