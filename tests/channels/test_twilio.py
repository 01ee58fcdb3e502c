from __future__ import annotations

import itertools
import json
from urllib.parse import parse_qs

import pytest

from cart_recovery.channels.base import RATE_LIMITED, OutcomeKind
from cart_recovery.channels.twilio import TwilioSmsChannel
from cart_recovery.provider_events import SuppressionReason
from tests.channels.contract import ODD_TEXT, HttpChannelContract
from tests.channels.servers import HttpServer, Reply, no_proxy  # noqa: F401 autouse

SID = "AC" + "0" * 32


@pytest.fixture
def server():
    numbers = itertools.count(1)

    def accept(seen):
        body = {"sid": f"SM{next(numbers):032x}", "status": "queued", "error_code": None}
        return Reply(201, {"Content-Type": "application/json"}, json.dumps(body))

    server = HttpServer(accept)
    yield server
    server.close()


@pytest.fixture
def make_channel(server):
    channels = []

    def make(**options):
        defaults = {"ACCOUNT_SID": SID, "AUTH_TOKEN": "geheim", "FROM": "+15005550006",
                    "BASE_URL": server.url, "CONCURRENCY": 8}  # fmt: skip
        channel = TwilioSmsChannel("sms", {**defaults, **options})
        channel._server = server
        channels.append(channel)
        return channel

    yield make
    for channel in channels:
        channel.close()


@pytest.fixture
def accepted(server):
    return lambda: len(server.seen)


class TestTwilio(HttpChannelContract):
    to = "+49151{:08d}"

    @staticmethod
    def refusal(status, *, about_recipient=True, to="", code=None):
        known = {400: 21211, 401: 20003, 403: 20003, 429: 20429}
        body = {"code": code or known.get(status, 20500), "message": f"Invalid 'To': {to}",
                "more_info": "https://www.twilio.com", "status": status}  # fmt: skip
        return Reply(status, {"Content-Type": "application/json"}, json.dumps(body))

    def test_the_request_says_what_is_needed_and_nothing_more(self, make_channel, server):
        message = self.message(text=ODD_TEXT)
        make_channel().send([message])
        (seen,) = server.seen
        assert seen.path == f"/2010-04-01/Accounts/{SID}/Messages.json"
        assert seen.headers["Authorization"].startswith("Basic ")
        assert "twilio-python" in seen.headers["User-Agent"]
        assert parse_qs(seen.body.decode(), strict_parsing=True) == {
            "To": [message.to], "From": ["+15005550006"], "Body": [ODD_TEXT],
            "StatusCallback": [message.callback_url], "ValidityPeriod": ["14400"],
        }  # fmt: skip

    def test_a_messaging_service_takes_the_senders_place(self, make_channel, server):
        service = "MG" + "1" * 32
        make_channel(FROM="", MESSAGING_SERVICE_SID=service, VALIDITY_PERIOD=600).send(
            [self.message(callback_url="")]
        )
        form = parse_qs(server.seen[0].body.decode())
        assert form["MessagingServiceSid"] == [service]
        assert form["ValidityPeriod"] == ["600"]
        assert "From" not in form
        assert "StatusCallback" not in form

    @pytest.mark.parametrize(
        ("code", "kind", "suppress"),
        [
            (21211, OutcomeKind.PERMANENT, SuppressionReason.INVALID_ADDRESS),
            (21610, OutcomeKind.PERMANENT, SuppressionReason.UNSUBSCRIBED),
            (21614, OutcomeKind.PERMANENT, SuppressionReason.INVALID_ADDRESS),
            (21635, OutcomeKind.PERMANENT, SuppressionReason.INVALID_ADDRESS),
            (21408, OutcomeKind.PERMANENT, None),
            (21612, OutcomeKind.PERMANENT, None),
            (30004, OutcomeKind.PERMANENT, None),
            (30007, OutcomeKind.PERMANENT, None),
            (30450, OutcomeKind.PERMANENT, None),
            (30610, OutcomeKind.PERMANENT, None),
            (30640, OutcomeKind.PERMANENT, SuppressionReason.CARRIER_BLOCK),
            (63016, OutcomeKind.PERMANENT, None),
            (21606, OutcomeKind.CONFIGURATION, None),
            (30034, OutcomeKind.CONFIGURATION, None),
            (30001, OutcomeKind.RETRY_SAFE, None),
            (99999, OutcomeKind.PERMANENT, None),
        ],
    )
    def test_codes_are_sorted(self, make_channel, code, kind, suppress):
        (outcome,) = self.send(make_channel, self.refusal(400, code=code))
        assert (outcome.kind, outcome.code, outcome.suppress) == (kind, str(code), suppress)

    @pytest.mark.parametrize(("status", "code"), [(400, 20429), (429, 20429), (429, 63018)])
    def test_rate_limits_are_one_thing(self, make_channel, server, status, code):
        server.default = lambda seen: Reply(
            status, {"Retry-After": "60"}, self.refusal(status, code=code).body
        )
        (outcome,) = make_channel().send([self.message()])
        assert (outcome.kind, outcome.code) == (OutcomeKind.RETRY_SAFE, RATE_LIMITED)
        assert outcome.retry_after == 60

    def test_an_unknown_code_is_told_to_staff(self, make_channel, caplog):
        self.send(make_channel, self.refusal(400, code=99999))
        (record,) = [r for r in caplog.records if r.levelname == "ERROR"]
        assert "99999" in record.getMessage()
        assert "+49" not in caplog.text

    def test_a_refusal_inside_an_accepted_answer_counts(self, make_channel):
        body = {"sid": "SM" + "1" * 32, "status": "failed", "error_code": 21610}
        (outcome,) = self.send(make_channel, Reply(201, body=json.dumps(body)))
        assert (outcome.kind, outcome.code) == (OutcomeKind.PERMANENT, "21610")
        assert outcome.suppress is SuppressionReason.UNSUBSCRIBED

    @pytest.mark.parametrize("status", [400, "400", None, "nonsense"])
    def test_the_librarys_second_kind_of_error_is_understood(self, make_channel, status):
        body = {"type": "https://x", "title": "Opted out", "status": status, "code": 21610}
        (outcome,) = self.send(make_channel, Reply(400, body=json.dumps(body)))
        assert (outcome.kind, outcome.code) == (OutcomeKind.PERMANENT, "21610")

    @pytest.mark.parametrize("code", ["21610 ", "abc", [], {}, None, 1e9, True, -1])
    def test_a_code_in_any_form_breaks_nothing(self, make_channel, code):
        body = json.dumps({"code": code, "message": "?", "status": 400})
        (outcome,) = self.send(make_channel, Reply(400, body=body))
        assert outcome.kind is OutcomeKind.PERMANENT

    def test_a_missing_account_pauses_the_channel(self, make_channel):
        (outcome,) = self.send(make_channel, self.refusal(404, code=20404))
        assert outcome.kind is OutcomeKind.CONFIGURATION

    @pytest.mark.parametrize("sender", ["+15005550006", "12345", "Mein Laden", "Laden24"])
    def test_senders_of_all_kinds_are_fine(self, make_channel, sender):
        assert [m for m in make_channel(FROM=sender).check() if m.is_serious()] == []

    @pytest.mark.parametrize(
        "sender", ["+0123", "015112345678", "Ein viel zu langer Name", "Läden"]
    )
    def test_senders_of_no_kind_are_found(self, make_channel, sender):
        assert [m.id for m in make_channel(FROM=sender).check() if m.is_serious()] == [
            "cart_recovery.E104"
        ]

    def test_one_sender_is_needed(self, make_channel):
        for options in ({"FROM": ""}, {"MESSAGING_SERVICE_SID": "MG" + "1" * 32}):
            ids = [m.id for m in make_channel(**options).check() if m.is_serious()]
            assert ids == ["cart_recovery.E105"]

    def test_nobody_can_answer_a_name(self, make_channel):
        assert make_channel(FROM="Mein Laden").supports_reply is False
        assert make_channel().supports_reply is True
