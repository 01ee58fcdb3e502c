"""What the simulators call back: signatures as the libraries verify them, order, retries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
from sendgrid.helpers.eventwebhook import EventWebhook
from twilio.request_validator import RequestValidator

from sandbox_shop.simulators.server import running_simulators
from sandbox_shop.simulators.signing import EventSigner, ensure_key_file

from .conftest import NUMBER, PHONE, Shop, make_mail, send_sms, sendgrid_client

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"


def events_of(shop: Shop) -> list[dict[str, Any]]:
    return [event for _, _, body in shop.requests for event in json.loads(body)]


def send_mail(sim: Any, to: str = "kim@kunde.example", **options: Any) -> str:
    return str(sendgrid_client(sim).send(make_mail(to, **options)).headers["X-Message-Id"])


def test_events_are_signed_as_the_library_verifies(sim_with_shop: Any, shop: Shop) -> None:
    send_mail(sim_with_shop)
    assert sim_with_shop.wait_for_webhooks()
    webhook = EventWebhook(sim_with_shop.sendgrid_public_key)
    assert shop.requests
    for path, headers, body in shop.requests:
        assert path == "/recovery/hooks/email/events"
        assert body.endswith(b"\r\n")
        signature, timestamp = headers[SIGNATURE], headers[TIMESTAMP]
        assert webhook.verify_signature(body.decode(), signature, timestamp)
        assert not webhook.verify_signature(body.decode().strip(), signature, timestamp)


def test_events_carry_ids_and_custom_args(sim_with_shop: Any, shop: Shop) -> None:
    message_id = send_mail(sim_with_shop)
    assert sim_with_shop.wait_for_webhooks()
    events = events_of(shop)
    assert [event["event"] for event in events] == ["processed", "delivered"]
    assert {event["sg_message_id"].partition(".")[0] for event in events} == {message_id}
    assert len({event["sg_event_id"] for event in events}) == 2
    assert all(event["message_id"] == "key-1" for event in events)
    assert all(event["email"] == "kim@kunde.example" for event in events)
    assert all(isinstance(event["timestamp"], int) for event in events)


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("bounce@kunde.example", ["processed", "bounce"]),
        ("bounce+7@kunde.example", ["processed", "bounce"]),
        ("blocked@kunde.example", ["processed", "bounce"]),
        ("dropped@kunde.example", ["dropped"]),
        ("deferred@kunde.example", ["processed", "deferred", "delivered"]),
        ("spam@kunde.example", ["processed", "delivered", "spamreport"]),
        ("unsubscribe@kunde.example", ["processed", "delivered", "unsubscribe"]),
    ],
)
def test_address_decides_what_becomes_of_the_mail(
    sim_with_shop: Any, shop: Shop, to: str, expected: list[str]
) -> None:
    send_mail(sim_with_shop, to)
    assert sim_with_shop.wait_for_webhooks()
    assert [event["event"] for event in events_of(shop)] == expected


def test_bounce_is_hard_and_block_is_not(sim_with_shop: Any, shop: Shop) -> None:
    send_mail(sim_with_shop, "bounce@kunde.example")
    send_mail(sim_with_shop, "blocked@kunde.example")
    assert sim_with_shop.wait_for_webhooks()
    bounces = [event for event in events_of(shop) if event["event"] == "bounce"]
    told = [(e["type"], e["bounce_classification"], e["status"]) for e in bounces]
    assert told == [("bounce", "Invalid Address", "5.1.1"), ("blocked", "Reputation", "5.7.1")]


def test_later_mail_to_a_bounced_address_is_dropped(sim_with_shop: Any, shop: Shop) -> None:
    send_mail(sim_with_shop, "bounce@kunde.example")
    assert sim_with_shop.wait_for_webhooks()
    shop.requests.clear()
    send_mail(sim_with_shop, "Bounce@kunde.example")
    assert sim_with_shop.wait_for_webhooks()
    (event,) = events_of(shop)
    assert (event["event"], event["reason"]) == ("dropped", "Bounced Address")


def test_status_callbacks_are_signed_as_the_library_verifies(
    sim_with_shop: Any, shop: Shop
) -> None:
    url = f"{shop.url}/recovery/hooks/sms/status?message=key-1"
    sid = send_sms(sim_with_shop, status_callback=url).sid
    assert sim_with_shop.wait_for_webhooks()
    validator = RequestValidator(sim_with_shop.options.auth_token)
    statuses = []
    for path, headers, body in shop.requests:
        params = dict(parse_qsl(body.decode(), keep_blank_values=True))
        assert path == "/recovery/hooks/sms/status?message=key-1"
        assert validator.validate(url, params, headers["X-Twilio-Signature"])
        assert not validator.validate(url + "x", params, headers["X-Twilio-Signature"])
        assert (params["MessageSid"], params["To"], params["From"]) == (sid, PHONE, NUMBER)
        statuses.append(params["MessageStatus"])
    assert statuses == ["sent", "delivered"]


def test_sms_without_callback_calls_nobody(sim_with_shop: Any, shop: Shop) -> None:
    send_sms(sim_with_shop)
    assert sim_with_shop.wait_for_webhooks()
    assert shop.requests == []
    assert sim_with_shop.messages[0]["status"] == "delivered"


@pytest.mark.parametrize("status", [400, 403, 500])
def test_events_come_again_until_the_shop_takes_them(
    sim_with_shop: Any, shop: Shop, status: int
) -> None:
    shop.statuses = [status, status]
    send_mail(sim_with_shop)
    assert sim_with_shop.wait_for_webhooks()
    attempts = [(call.status, call.attempt) for call in sim_with_shop.webhook_calls]
    assert {(status, 1), (200, 1)} <= set(attempts) or (200, 3) in attempts
    taken = [call for call in sim_with_shop.webhook_calls if call.is_taken]
    events = [event["event"] for call in taken for event in json.loads(call.body)]
    assert sorted(events) == ["delivered", "processed"]


def test_events_are_given_up_after_the_last_retry(sim_with_shop: Any, shop: Shop) -> None:
    shop.statuses = [500] * 100
    send_mail(sim_with_shop)
    assert sim_with_shop.wait_for_webhooks()
    assert max(call.attempt for call in sim_with_shop.webhook_calls) == 4


def test_shop_that_is_away_is_called_again(shop: Shop) -> None:
    with running_simulators(webhook_base="http://127.0.0.1:9", retry_delays=(0.01,)) as sim:
        send_mail(sim)
        assert sim.wait_for_webhooks()
        assert [call.status for call in sim.webhook_calls][-1] == 0
        assert max(call.attempt for call in sim.webhook_calls) == 2


def test_redirect_of_the_shop_is_not_followed(sim_with_shop: Any, shop: Shop) -> None:
    shop.statuses = [302] * 100
    send_mail(sim_with_shop)
    assert sim_with_shop.wait_for_webhooks()
    assert {call.status for call in sim_with_shop.webhook_calls} == {302}


def test_nothing_is_posted_when_no_shop_is_set(sim: Any, shop: Shop) -> None:
    send_mail(sim)
    send_sms(sim, status_callback=f"{shop.url}/status")
    assert sim.wait_for_webhooks()
    assert shop.requests == []
    assert [event["event"] for event in sim.messages[1]["events"]] == ["processed", "delivered"]
    assert not any(event["reported"] for event in sim.messages[1]["events"])


def test_public_base_is_signed_and_named_but_the_base_is_called(shop: Shop) -> None:
    public = "https://shop.example"
    with running_simulators(webhook_base=shop.url, public_base=public) as sim:
        url = f"{public}/status?message=1"
        send_sms(sim, status_callback=url)
        assert sim.wait_for_webhooks()
        path, headers, body = shop.requests[0]
        params = dict(parse_qsl(body.decode()))
        validator = RequestValidator(sim.options.auth_token)
        assert validator.validate(url, params, headers["X-Twilio-Signature"])
        assert (path, headers["Host"]) == ("/status?message=1", "shop.example")
        assert headers["X-Forwarded-Proto"] == "https"


def test_duplicate_events_come_twice_with_the_same_id(sim_with_shop: Any, shop: Shop) -> None:
    sim_with_shop.set_fault("duplicate_events", provider="sendgrid")
    send_mail(sim_with_shop)
    assert sim_with_shop.wait_for_webhooks()
    events = events_of(shop)
    assert sorted(e["event"] for e in events) == ["delivered"] * 2 + ["processed"] * 2
    assert len({event["sg_event_id"] for event in events}) == 2


def test_reordered_events_come_backwards_and_leave_the_status(
    sim_with_shop: Any, shop: Shop
) -> None:
    sim_with_shop.set_fault("reorder_events", times=2)
    send_mail(sim_with_shop)
    send_sms(sim_with_shop, status_callback=f"{shop.url}/status")
    assert sim_with_shop.wait_for_webhooks()
    mails = [body for path, _, body in shop.requests if path.endswith("events")]
    assert [e["event"] for body in mails for e in json.loads(body)] == ["delivered", "processed"]
    texts = [body for path, _, body in shop.requests if path == "/status"]
    assert [dict(parse_qsl(body.decode()))["MessageStatus"] for body in texts] == [
        "delivered",
        "sent",
    ]
    assert {message["status"] for message in sim_with_shop.messages} == {"delivered"}


def test_lost_events_never_come(sim_with_shop: Any, shop: Shop) -> None:
    sim_with_shop.set_fault("lose_events", provider="sendgrid")
    send_mail(sim_with_shop)
    assert sim_with_shop.wait_for_webhooks()
    assert shop.requests == []
    assert sim_with_shop.messages[0]["status"] == "delivered"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("bounced", ["processed", "bounce"]),
        ("complaint", ["processed", "delivered", "spamreport"]),
        ("dropped", ["dropped"]),
        ("deferred", ["processed", "deferred"]),
    ],
)
def test_ordered_event_ends_the_next_mail(
    sim_with_shop: Any, shop: Shop, event: str, expected: list[str]
) -> None:
    sim_with_shop.set_fault("event", provider="sendgrid", event=event)
    send_mail(sim_with_shop)
    assert sim_with_shop.wait_for_webhooks()
    assert [each["event"] for each in events_of(shop)] == expected


def test_ordered_event_ends_the_next_sms_with_its_code(sim_with_shop: Any, shop: Shop) -> None:
    sim_with_shop.set_fault("event", provider="twilio", event="undelivered", error_code=30006)
    sid = send_sms(sim_with_shop, status_callback=f"{shop.url}/status").sid
    assert sim_with_shop.wait_for_webhooks()
    last = dict(parse_qsl(shop.requests[-1][2].decode()))
    assert (last["MessageStatus"], last["ErrorCode"]) == ("undelivered", "30006")
    path = f"/2010-04-01/Accounts/{sim_with_shop.options.account_sid}/Messages/{sid}.json"
    auth = (sim_with_shop.options.account_sid, sim_with_shop.options.auth_token)
    fetched = requests.get(sim_with_shop.url + path, auth=auth, timeout=5).json()
    assert (fetched["status"], fetched["error_code"]) == ("undelivered", 30006)


def test_ordered_event_for_a_message_comes_at_once(sim_with_shop: Any, shop: Shop) -> None:
    message_id = send_mail(sim_with_shop)
    assert sim_with_shop.wait_for_webhooks()
    fault = {"kind": "event", "event": "complaint", "message": message_id}
    answer = requests.post(f"{sim_with_shop.url}/faults", json=fault, timeout=5)
    assert answer.status_code == 201
    assert sim_with_shop.wait_for_webhooks()
    assert events_of(shop)[-1]["event"] == "spamreport"
    assert sim_with_shop.faults.waiting() == []


def test_ordered_event_for_an_unknown_message_is_404(sim: Any) -> None:
    fault = {"kind": "event", "event": "bounce", "message": "none"}
    assert requests.post(f"{sim.url}/faults", json=fault, timeout=5).status_code == 404


@pytest.mark.parametrize("event", ["open", "click"])
def test_opens_and_clicks_are_reported_only_when_tracked(
    sim_with_shop: Any, shop: Shop, event: str
) -> None:
    for tracked, status in ((False, 400), (True, 202)):
        order = {"message": send_mail(sim_with_shop, tracked=tracked), "event": event}
        answer = requests.post(f"{sim_with_shop.url}/events", json=order, timeout=5)
        assert answer.status_code == status
    assert sim_with_shop.wait_for_webhooks()
    assert [each["event"] for each in events_of(shop)].count(event) == 1


def test_events_that_are_due_together_come_as_one_array(shop: Shop) -> None:
    with running_simulators(webhook_base=shop.url, events_every=0.2) as sim:
        for number in range(20):
            send_mail(sim, f"kim{number}@kunde.example")
        assert sim.wait_for_webhooks()
        assert len(events_of(shop)) == 40
        assert len(shop.requests) < 40


def test_key_file_is_made_once_and_signs_for_its_public_key(tmp_path: Path) -> None:
    path = tmp_path / "var" / "key.pem"
    made = ensure_key_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert ensure_key_file(path).public_key == made.public_key
    with running_simulators(sendgrid_private_key=path.read_text()) as sim:
        assert sim.sendgrid_public_key == made.public_key
        keys = requests.get(f"{sim.url}/keys.json", timeout=5).json()
        assert keys["sendgrid_webhook_public_key"] == made.public_key


@pytest.mark.parametrize(
    "text", ["no key", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----"]
)
def test_text_that_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        EventSigner(text)
