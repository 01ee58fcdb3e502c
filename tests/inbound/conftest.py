from __future__ import annotations

import base64
import json
import time
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from twilio.request_validator import RequestValidator

PUBLIC = "https://shop.example"
TOKEN = "geheim"


class SendGridCaller:
    """Posts events the way SendGrid does: signed, with a line end after the JSON."""

    path = "/recovery/hooks/email/events"

    def __init__(self, client) -> None:
        self.client = client
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.public_key = base64.b64encode(
            self.key.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        ).decode()

    def sign(self, timestamp: str, body: bytes) -> str:
        signature = self.key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return base64.b64encode(signature).decode()

    def post(self, events, *, path=None, age=0, **headers):
        body = events if isinstance(events, bytes) else json.dumps(events).encode() + b"\r\n"
        timestamp = str(int(time.time()) - age)
        signed = {
            "X-Twilio-Email-Event-Webhook-Signature": self.sign(timestamp, body),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }
        return self.client.post(
            path or self.path, data=body, content_type="application/json",
            headers={k: v for k, v in {**signed, **headers}.items() if v is not None},
        )  # fmt: skip


class TwilioCaller:
    """Posts forms the way Twilio does, signed for the URL that the shop has outside."""

    def __init__(self, client) -> None:
        self.client = client

    def post(self, path, form, *, token=TOKEN, base=PUBLIC, signature=None, body=None, **extra):
        if signature is None:
            signature = RequestValidator(token).compute_signature(base + path, form)
        return self.client.post(
            path, data=urlencode(form) if body is None else body,
            content_type="application/x-www-form-urlencoded; charset=UTF-8",
            headers={"X-Twilio-Signature": signature} if signature else {}, **extra,
        )  # fmt: skip

    def status(self, status, *, key="", sid="SM" + "1" * 32, code="", **kwargs):
        form = {"MessageSid": sid, "MessageStatus": status, "To": "+4915112345678",
                "From": "+15005550006", "AccountSid": "AC" + "0" * 32}  # fmt: skip
        form |= {"ErrorCode": code} if code else {}
        path = "/recovery/hooks/sms/status" + (f"?message={key}" if key else "")
        return self.post(path, form, **kwargs)

    def text(self, body, *, sid="SM" + "2" * 32, sender="+4915112345678", **extra):
        form = {"MessageSid": sid, "From": sender, "To": "+15005550006", "Body": body, **extra}
        return self.post("/recovery/hooks/sms/inbound", form)


@pytest.fixture
def sendgrid(client, settings):
    caller = SendGridCaller(client)
    configure(settings, caller.public_key)
    return caller


@pytest.fixture
def twilio(client, settings):
    configure(settings, "")
    return TwilioCaller(client)


def configure(settings, public_key: str) -> None:
    sms = {
        "BACKEND": "cart_recovery.channels.twilio.TwilioSmsChannel",
        "OPTIONS": {
            "ACCOUNT_SID": "AC" + "0" * 32,
            "AUTH_TOKEN": TOKEN,
            "FROM": "+15005550006",
        },
    }
    settings.CART_RECOVERY = {
        **settings.CART_RECOVERY,
        "PUBLIC_BASE_URL": PUBLIC,
        "CHANNELS": {
            "email": {
                "BACKEND": "cart_recovery.channels.sendgrid.SendGridChannel",
                "OPTIONS": {"API_KEY": "SG.x", "WEBHOOK_PUBLIC_KEY": public_key},
            },
            "sms": sms,
            "sms-at": sms,
        },
    }
