"""Nothing of a webhook is read before it is verified."""

from __future__ import annotations

from typing import Any

import pytest

from cart_recovery.inbound.sendgrid import SendGridEvents
from cart_recovery.inbound.twilio import TwilioInbound, TwilioStatus

pytestmark = pytest.mark.django_db


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which readers were asked to parse something."""
    asked: list[str] = []
    for receiver in (SendGridEvents, TwilioStatus, TwilioInbound):
        parse = receiver.parse

        def watched(self: Any, *args: Any, _parse: Any = parse) -> Any:
            asked.append(type(self).__name__)
            return _parse(self, *args)

        monkeypatch.setattr(receiver, "parse", watched)
    return asked


def test_no_reader_is_asked_when_a_report_of_sendgrid_is_forged(
    sendgrid: Any, read: list[str]
) -> None:
    signature = {"X-Twilio-Email-Event-Webhook-Signature": "QUJD"}
    assert sendgrid.post([{"event": "delivered"}], **signature).status_code == 403
    assert read == []


@pytest.mark.parametrize("kind", ["status", "inbound"])
def test_no_reader_is_asked_when_a_webhook_of_twilio_is_forged(
    twilio: Any, read: list[str], kind: str
) -> None:
    form = {"MessageSid": "SM" + "1" * 32, "Body": "STOP"}
    path = f"/recovery/hooks/sms/{kind}"
    assert twilio.post(path, form, signature="QUJD").status_code == 403
    assert read == []


def test_reader_is_asked_when_a_webhook_is_signed(sendgrid: Any, read: list[str]) -> None:
    assert sendgrid.post([]).status_code == 200
    assert read == ["SendGridEvents"]
