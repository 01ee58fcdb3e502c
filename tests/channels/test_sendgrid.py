from __future__ import annotations

import itertools
import json
import time

import pytest

from cart_recovery.channels.base import OutcomeKind
from cart_recovery.channels.sendgrid import MESSAGE_KEY_ARG, SendGridChannel
from cart_recovery.provider_events import SuppressionReason
from tests.channels.contract import ODD_TEXT, HttpChannelContract
from tests.channels.servers import HttpServer, Reply, no_proxy  # noqa: F401 autouse


@pytest.fixture
def server():
    numbers = itertools.count(1)
    server = HttpServer(lambda seen: Reply(202, {"X-Message-Id": f"sg-{next(numbers)}"}))
    yield server
    server.close()


@pytest.fixture
def make_channel(server):
    channels = []

    def make(**options):
        channel = SendGridChannel(
            "email", {"API_KEY": "SG.test", "BASE_URL": server.url, "CONCURRENCY": 8, **options}
        )
        channel._server = server
        channels.append(channel)
        return channel

    yield make
    for channel in channels:
        channel.close()


@pytest.fixture
def accepted(server):
    return lambda: len(server.seen)


class TestSendGrid(HttpChannelContract):
    @staticmethod
    def refusal(status, *, about_recipient=True, to=""):
        error = {"message": f"Bad address {to}.", "field": "personalizations.0.to.0.email"}
        if not about_recipient:
            error = {"message": "The provided authorization grant is invalid", "field": None}
        return Reply(status, body=json.dumps({"errors": [error]}))

    @pytest.mark.parametrize("status", [404, 405])
    def test_a_missing_page_is_permanent(self, make_channel, status):
        (outcome,) = self.send(make_channel, Reply(status, body=b"<html>nginx</html>"))
        assert (outcome.kind, outcome.code) == (OutcomeKind.PERMANENT, str(status))

    def test_a_202_without_an_id_is_unknown(self, make_channel):
        (outcome,) = self.send(make_channel, Reply(202))
        assert outcome.kind is OutcomeKind.UNKNOWN

    def test_a_reset_header_is_obeyed(self, make_channel, server):
        server.default = lambda seen: Reply(
            429, {"X-RateLimit-Reset": str(int(time.time()) + 120)}, self.refusal(429).body
        )
        (outcome, rest) = make_channel().send(self.messages(2))
        assert outcome.retry_after == pytest.approx(120, abs=3)
        assert rest.retry_after == pytest.approx(120, abs=3)

    def test_an_invalid_address_blocks_it(self, make_channel):
        (outcome,) = self.send(make_channel, self.refusal(400))
        assert outcome.suppress is SuppressionReason.INVALID_ADDRESS

    def test_another_complaint_blocks_nobody(self, make_channel):
        (outcome,) = self.send(make_channel, self.refusal(400, about_recipient=False))
        assert (outcome.kind, outcome.suppress) == (OutcomeKind.PERMANENT, None)

    def test_the_request_says_what_is_needed_and_nothing_more(self, make_channel, server):
        message = self.message(subject=ODD_TEXT)
        make_channel(FROM_EMAIL='"Müllers Laden, Inh. X" <laden@shop.example>',
                     REPLY_TO="Hilfe <hilfe@shop.example>").send([message])  # fmt: skip
        (seen,) = server.seen
        assert seen.path == "/v3/mail/send"
        assert seen.headers["Authorization"] == "Bearer SG.test"
        assert seen.headers["User-Agent"].startswith("sendgrid/")
        assert seen.json == {
            "from": {"name": "Müllers Laden, Inh. X", "email": "laden@shop.example"},
            "reply_to": {"name": "Hilfe", "email": "hilfe@shop.example"},
            "subject": ODD_TEXT,
            "personalizations": [{
                "to": [{"email": message.to}],
                "headers": dict(message.headers),
                "custom_args": {MESSAGE_KEY_ARG: message.key},
            }],
            "content": [{"type": "text/plain", "value": "Hallo"},
                        {"type": "text/html", "value": "<p>Hallo</p>"}],
            "tracking_settings": {
                "click_tracking": {"enable": False, "enable_text": False},
                "open_tracking": {"enable": False},
                "subscription_tracking": {"enable": False},
            },
        }  # fmt: skip

    def test_tracking_is_on_only_for_those_who_agreed(self, make_channel, server):
        make_channel().send([self.message(allow_tracking=True)])
        tracking = server.seen[0].json["tracking_settings"]
        assert tracking["click_tracking"] == {"enable": True, "enable_text": False}
        assert tracking["open_tracking"] == {"enable": True}
        assert tracking["subscription_tracking"] == {"enable": False}

    def test_headers_that_sendgrid_refuses_are_left_out(self, make_channel, server):
        make_channel().send([self.message(headers={"Reply-To": "x", "X-Own": "y"})])
        assert server.seen[0].json["personalizations"][0]["headers"] == {"X-Own": "y"}

    def test_the_sandbox_mode_is_an_acceptance(self, make_channel, server):
        server.default = lambda seen: Reply(200)
        (outcome,) = make_channel(SANDBOX=True).send([self.message()])
        assert outcome.kind is OutcomeKind.ACCEPTED
        assert server.seen[0].json["mail_settings"] == {"sandbox_mode": {"enable": True}}

    def test_a_text_that_the_library_refuses_is_permanent_and_alone(self, make_channel):
        poisoned = self.message(1, text="SG.abc.def is what a key looks like")
        outcomes = make_channel().send([poisoned, self.message(2)])
        assert [o.kind for o in outcomes] == [OutcomeKind.PERMANENT, OutcomeKind.ACCEPTED]

    def test_a_key_copied_with_its_line_end_is_found(self, make_channel):
        (error,) = [m for m in make_channel(API_KEY="SG.x\n").check() if m.is_serious()]
        assert "API_KEY" in error.msg

    def test_a_wrong_webhook_key_is_found(self, make_channel):
        (error,) = [m for m in make_channel(WEBHOOK_PUBLIC_KEY="abc").check() if m.is_serious()]
        assert "WEBHOOK_PUBLIC_KEY" in error.msg

    def test_a_missing_webhook_key_is_a_warning(self, make_channel):
        assert "cart_recovery.W107" in [m.id for m in make_channel().check()]

    def test_an_invalid_sender_is_found(self, make_channel):
        ids = [m.id for m in make_channel(FROM_EMAIL="no address").check() if m.is_serious()]
        assert ids == ["cart_recovery.E105"]
