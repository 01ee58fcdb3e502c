from __future__ import annotations

import time

import pytest
from django.test import Client

from cart_recovery.channels.sendgrid import MESSAGE_KEY_ARG
from cart_recovery.models import (
    ConsentRecord,
    DeliveryEvent,
    MessageState,
    Suppression,
    WebhookPayload,
)
from cart_recovery.provider_events import SuppressionReason
from tests.delivery.test_events import make_message, state_of

pytestmark = pytest.mark.django_db


def event(name="delivered", message=None, **kwargs):
    event.count += 1
    values = {
        "event": name, "email": "kunde@example.de", "timestamp": int(time.time()),
        "sg_event_id": f"id-{event.count}", "sg_message_id": "abc.recvd-1-1.0",
    }  # fmt: skip
    if message is not None:
        values[MESSAGE_KEY_ARG] = message.public_id
    return {**values, **kwargs}


event.count = 0


class TestDoor:
    def test_a_signed_report_is_taken(self, sendgrid):
        message = make_message()
        response = sendgrid.post([event(message=message)])
        assert response.status_code == 200
        assert state_of(message) == MessageState.DELIVERED
        assert message.provider_message_id == "abc"

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-Twilio-Email-Event-Webhook-Signature": None},
            {"X-Twilio-Email-Event-Webhook-Timestamp": None},
            {"X-Twilio-Email-Event-Webhook-Signature": ""},
            {"X-Twilio-Email-Event-Webhook-Signature": "!!!"},
            {"X-Twilio-Email-Event-Webhook-Signature": "QUJD"},
            {"X-Twilio-Email-Event-Webhook-Signature": "ä"},
            {"X-Twilio-Email-Event-Webhook-Timestamp": "1"},
            {"X-Twilio-Email-Event-Webhook-Timestamp": "now"},
            {"X-Twilio-Email-Event-Webhook-Timestamp": "9" * 5000},
            {"X-Twilio-Email-Event-Webhook-Timestamp": "-1"},
            {"X-Twilio-Email-Event-Webhook-Timestamp": "²"},
        ],
    )
    def test_a_forged_report_is_refused_and_leaves_nothing(self, sendgrid, headers):
        assert sendgrid.post([event()], **headers).status_code == 403
        assert not WebhookPayload.objects.exists()
        assert not DeliveryEvent.objects.exists()

    def test_a_changed_body_is_refused(self, sendgrid):
        signature = sendgrid.sign(str(int(time.time())), b"[]")
        response = sendgrid.post([event()], **{"X-Twilio-Email-Event-Webhook-Signature": signature})
        assert response.status_code == 403

    def test_a_report_signed_by_another_key_is_refused(self, sendgrid, client):
        other = type(sendgrid)(client)
        assert other.post([event()]).status_code == 403

    def test_no_key_refuses_everything(self, sendgrid, settings):
        channels = settings.CART_RECOVERY["CHANNELS"]
        for key in ("", "nonsense"):
            options = {"API_KEY": "SG.x", "WEBHOOK_PUBLIC_KEY": key}
            email = {**channels["email"], "OPTIONS": options}
            settings.CART_RECOVERY = {
                **settings.CART_RECOVERY, "CHANNELS": {**channels, "email": email}
            }  # fmt: skip
            assert sendgrid.post([event()]).status_code == 503
        assert not WebhookPayload.objects.exists()

    def test_a_key_in_pem_is_understood(self, sendgrid, settings):
        key = sendgrid.public_key
        lines = ["-----BEGIN PUBLIC KEY-----", key[:64], key[64:], "-----END PUBLIC KEY-----", ""]
        settings.CART_RECOVERY["CHANNELS"]["email"]["OPTIONS"]["WEBHOOK_PUBLIC_KEY"] = "\n".join(
            lines
        )
        assert sendgrid.post([event()]).status_code == 200

    def test_a_late_delivery_is_taken_and_an_old_one_refused(self, sendgrid):
        assert sendgrid.post([event()], age=3600).status_code == 200
        assert sendgrid.post([event()], age=30 * 24 * 3600).status_code == 403
        assert sendgrid.post([event()], age=-3600).status_code == 403
        assert DeliveryEvent.objects.count() == 1

    def test_a_huge_body_is_refused_unread(self, sendgrid, settings):
        settings.CART_RECOVERY = {**settings.CART_RECOVERY, "WEBHOOK_MAX_BYTES": 1000}
        assert sendgrid.post([event(reason="x" * 2000)]).status_code == 413
        assert not WebhookPayload.objects.exists()

    def test_the_limit_may_be_above_djangos_own(self, sendgrid, settings):
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
        assert sendgrid.post([event(reason="x" * 2000)]).status_code == 200

    @pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
    def test_only_post_is_taken(self, sendgrid, client, method):
        assert getattr(client, method)(sendgrid.path).status_code == 405

    @pytest.mark.parametrize(
        "path",
        ["/recovery/hooks/nothing/events", "/recovery/hooks/email/status",
         "/recovery/hooks/email/inbound", "/recovery/hooks/sms/events"],
    )  # fmt: skip
    def test_what_no_channel_has_is_not_found(self, sendgrid, path):
        assert sendgrid.post([event()], path=path).status_code == 404

    def test_a_slash_at_the_end_makes_no_redirect(self, sendgrid):
        assert sendgrid.post([event()], path=sendgrid.path + "/").status_code == 200

    def test_no_csrf_token_is_needed(self, sendgrid):
        sendgrid.client = Client(enforce_csrf_checks=True)
        assert sendgrid.post([event()]).status_code == 200

    def test_a_broken_channel_is_no_traceback(self, sendgrid, settings):
        settings.CART_RECOVERY = {
            **settings.CART_RECOVERY, "CHANNELS": {"email": {"BACKEND": "no.such.Thing"}}
        }  # fmt: skip
        assert sendgrid.post([event()]).status_code == 503


class TestReading:
    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"[" * 100_000, b"null", b"[]", b"[null]", b"[[]]", b"[1]", b'"x"', b"{}",
         b'[{"event": []}]', b"NaN", b"1" * 5000],
    )  # fmt: skip
    def test_a_signed_body_that_makes_no_sense_is_kept_and_not_asked_for_again(
        self, sendgrid, body
    ):
        assert sendgrid.post(body).status_code == 200
        payload = WebhookPayload.objects.get()
        assert payload.body == body.decode()
        assert payload.accepted == 0
        assert payload.rejected == (0 if body == b"[]" else 1)

    def test_a_body_that_is_not_text_is_refused(self, sendgrid):
        assert sendgrid.post(b"\xff\xfe").status_code == 403

    @pytest.mark.parametrize(
        "broken",
        [
            {"event": None}, {"event": "no_such_event"}, {"timestamp": "soon"}, {"timestamp": None},
            {"timestamp": 1e30}, {"timestamp": -1}, {"timestamp": float("nan")},
            {"timestamp": float("inf")}, {"timestamp": True}, {"timestamp": []}, {"timestamp": 0},
        ],
    )  # fmt: skip
    def test_one_broken_event_does_not_cost_the_others(self, sendgrid, broken):
        events = [event() for _ in range(20)]
        events[7] |= broken
        assert sendgrid.post(events).status_code == 200
        assert DeliveryEvent.objects.count() == 19
        payload = WebhookPayload.objects.get()
        assert (payload.accepted, payload.rejected) == (19, 1)

    @pytest.mark.parametrize(
        "odd",
        [
            {"reason": "a\x00b"}, {"reason": "\ud83d"}, {"reason": 5}, {"reason": ["x"]},
            {"status": {"a": 1}}, {"sg_message_id": None}, {"sg_message_id": 5}, {"email": None},
            {"email": ["x"]}, {"sg_event_id": None}, {"sg_event_id": "x" * 5000},
            {MESSAGE_KEY_ARG: None}, {MESSAGE_KEY_ARG: "' OR 1=1"}, {MESSAGE_KEY_ARG: ["x"]},
            {"category": ["a", "b"]}, {"type": 5}, {"reason": "x" * 100_000},
            {"timestamp": str(int(time.time()))},
        ],
    )  # fmt: skip
    def test_an_odd_event_is_kept(self, sendgrid, odd):
        assert sendgrid.post([event("bounce") | odd]).status_code == 200
        assert DeliveryEvent.objects.count() == 1

    def test_a_thousand_events_cost_as_many_statements_as_one(
        self, sendgrid, django_assert_max_num_queries
    ):
        events = [event() for _ in range(1000)]
        events[500]["timestamp"] = "broken"
        with django_assert_max_num_queries(8):
            sendgrid.post(events)
        assert DeliveryEvent.objects.count() == 999
        assert WebhookPayload.objects.get().rejected == 1

    def test_a_replay_changes_nothing(self, sendgrid):
        message = make_message()
        events = [event("delivered", message), event("spamreport", message)]
        sendgrid.post(events)
        Suppression.objects.all().delete()
        records = ConsentRecord.objects.count()
        assert sendgrid.post(events).status_code == 200
        assert DeliveryEvent.objects.count() == 2
        assert not Suppression.objects.exists()
        assert ConsentRecord.objects.count() == records

    def test_ids_that_differ_in_case_are_two_events(self, sendgrid):
        sendgrid.post([event(sg_event_id="aBc"), event(sg_event_id="AbC")])
        assert DeliveryEvent.objects.count() == 2

    def test_an_event_without_an_id_is_known_by_what_it_says(self, sendgrid):
        one = event(sg_event_id=None, timestamp=1_700_000_000)
        other = event(sg_event_id=None, timestamp=1_700_000_001)
        sendgrid.post([one, one, other])
        assert DeliveryEvent.objects.count() == 2

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"event": "bounce", "type": "bounce", "status": "5.1.1"}, "hard_bounce"),
            ({"event": "bounce", "bounce_classification": "Invalid Address"}, "hard_bounce"),
            ({"event": "bounce", "type": "bounce", "status": "5.2.2"}, None),
            ({"event": "bounce", "type": "blocked", "status": "5.1.1"}, None),
            ({"event": "dropped", "reason": "Bounced Address"}, "hard_bounce"),
            ({"event": "dropped", "reason": "Unsubscribed Address"}, "unsubscribed"),
            ({"event": "dropped", "reason": "Spam Reporting Address"}, "complaint"),
            ({"event": "dropped", "reason": "Invalid SMTPAPI header"}, None),
            ({"event": "spamreport"}, "complaint"),
            ({"event": "unsubscribe"}, "unsubscribed"),
            ({"event": "group_unsubscribe"}, "unsubscribed"),
            ({"event": "delivered"}, None),
        ],
    )
    def test_addresses_are_blocked_for_good_reasons_only(self, sendgrid, changes, reason):
        message = make_message()
        sendgrid.post([event(message=message) | changes])
        reasons = list(Suppression.objects.values_list("reason", flat=True))
        assert reasons == ([SuppressionReason(reason)] if reason else [])

    def test_a_group_resubscription_gives_no_permission(self, sendgrid):
        assert sendgrid.post([event("group_resubscribe", make_message())]).status_code == 200
        assert not ConsentRecord.objects.exists()
        assert not DeliveryEvent.objects.exists()

    def test_opens_by_machines_are_marked(self, sendgrid):
        sendgrid.post([event("open", sg_machine_open=True), event("open", sg_machine_open=False)])
        flags = DeliveryEvent.objects.order_by("pk").values_list("is_machine", flat=True)
        assert list(flags) == [True, False]

    def test_the_address_stays_out_of_the_event(self, sendgrid):
        sendgrid.post([event("bounce", reason="550 <kunde@example.de> unknown")])
        assert DeliveryEvent.objects.get().detail == "550 <[address]> unknown"

    def test_the_payload_stays_when_the_work_fails(self, sendgrid, monkeypatch):
        def fail(events):
            raise RuntimeError("database away")

        monkeypatch.setattr("cart_recovery.inbound.views.ingest", fail)
        sendgrid.client.raise_request_exception = False
        assert sendgrid.post([event()]).status_code == 500
        assert WebhookPayload.objects.count() == 1
