from __future__ import annotations

import email
import email.policy

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from cart_recovery.channels.base import PROVIDER_FAILING, UNREACHABLE, OutcomeKind
from cart_recovery.channels.django_email import DjangoEmailChannel
from cart_recovery.provider_events import SuppressionReason
from tests.channels.contract import ODD_TEXT, ChannelContract
from tests.channels.servers import MailServer, free_port

SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture
def server():
    server = MailServer()
    yield server
    server.close()


class TestSmtp(ChannelContract):
    @pytest.fixture
    def make_channel(self, server):
        def make(**options):
            defaults = {"EMAIL_BACKEND": SMTP, "HOST": "127.0.0.1", "PORT": server.port,
                        "TIMEOUT": 5}  # fmt: skip
            return DjangoEmailChannel("email", {**defaults, **options})

        return make

    @pytest.fixture
    def accepted(self, server):
        return lambda: len(server.mails)

    def outcomes(self, make_channel, count=3, **options):
        channel = make_channel(**options)
        channel.send([self.message(99)])
        return channel.send(self.messages(count))

    def test_the_mail_is_whole(self, make_channel, server):
        message = self.message(subject=ODD_TEXT.replace("\t", " "), html=f"<p>{ODD_TEXT}</p>")
        (outcome,) = make_channel(REPLY_TO="hilfe@shop.example").send([message])
        parsed = email.message_from_bytes(server.mails[0].content, policy=email.policy.default)
        assert parsed["To"] == message.to
        assert parsed["List-Unsubscribe"] == "<https://shop.example/u/abc>"
        assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert parsed["Reply-To"] == "hilfe@shop.example"
        assert parsed["Message-ID"] == outcome.provider_message_id
        assert parsed["Message-ID"] == f"<{message.key}@shop.example>"
        assert [part.get_content_type() for part in parsed.iter_parts()] == [
            "text/plain", "text/html",
        ]  # fmt: skip
        assert "日本語" in parsed.get_body(("html",)).get_content()

    def test_one_connection_carries_a_batch(self, make_channel, server):
        make_channel().send([self.message(99)])
        server.connections = 0
        make_channel().send(self.messages(50))
        assert server.connections <= 2

    @pytest.mark.parametrize(
        ("command", "answer", "expected"),
        [
            (
                "RCPT",
                "550 5.1.1 no such user",
                (OutcomeKind.PERMANENT, SuppressionReason.HARD_BOUNCE),
            ),
            ("RCPT", "550 blocked", (OutcomeKind.PERMANENT, None)),
            ("RCPT", "450 4.2.0 greylisted", (OutcomeKind.RETRY_SAFE, None)),
            ("DATA", "554 5.7.1 spam", (OutcomeKind.PERMANENT, None)),
            ("DATA", "451 later", (OutcomeKind.RETRY_SAFE, None)),
            ("DATA", "drop", (OutcomeKind.UNKNOWN, None)),
            ("RCPT", "drop", (OutcomeKind.RETRY_SAFE, None)),
        ],
    )
    def test_a_mail_that_is_not_taken_is_sorted(
        self, make_channel, server, command, answer, expected
    ):
        server.rules[command, self.message(2).to] = answer
        outcomes = self.outcomes(make_channel)
        assert (outcomes[1].kind, outcomes[1].suppress) == expected
        assert [outcomes[0].kind, outcomes[2].kind] == [OutcomeKind.ACCEPTED] * 2

    @pytest.mark.parametrize("answer", ["530 log in first", "550 sender rejected"])
    def test_a_refused_sender_pauses_the_channel(self, make_channel, server, answer):
        server.rules["MAIL", "laden@"] = answer
        outcomes = make_channel().send(self.messages(5))
        assert [o.kind for o in outcomes] == [OutcomeKind.CONFIGURATION] + [
            OutcomeKind.RETRY_SAFE
        ] * 4

    def test_a_mail_that_is_too_large_is_alone(self, make_channel, server):
        server.rules["MAIL", "laden@"] = "552 too large"
        assert make_channel().send(self.messages(1))[0].kind is OutcomeKind.PERMANENT

    def test_a_wrong_password_pauses_the_channel(self, make_channel):
        (outcome,) = make_channel(USERNAME="x", PASSWORD="y").send([self.message()])
        assert outcome.kind is OutcomeKind.CONFIGURATION

    def test_a_refused_connection_is_safe_to_repeat(self, make_channel):
        outcomes = make_channel(PORT=free_port()).send(self.messages(20))
        assert {o.kind for o in outcomes} == {OutcomeKind.RETRY_SAFE}
        assert [o.code for o in outcomes[:3]] == [UNREACHABLE, UNREACHABLE, PROVIDER_FAILING]

    def test_a_refused_recipient_keeps_the_connection(self, make_channel, server):
        server.rules["RCPT", "kunde2@"] = "550 no"
        make_channel().send(self.messages(5))
        # one to see that the server is there, one for the rest
        assert server.connections <= 2

    @pytest.mark.parametrize(
        "changes",
        [{"subject": "two\nlines"}, {"headers": {"X-Bad": "a\r\nBcc: x@example.de"}},
         {"to": "kunde\n@example.de"}],
    )  # fmt: skip
    def test_a_message_that_breaks_its_header_is_permanent_and_alone(
        self, make_channel, server, changes
    ):
        outcomes = make_channel().send([self.message(1, **changes), self.message(2)])
        assert [o.kind for o in outcomes] == [OutcomeKind.PERMANENT, OutcomeKind.ACCEPTED]
        assert len(server.mails) == 1

    def test_the_address_stays_out_of_the_details(self, make_channel, server):
        server.rules["RCPT", "kunde1@"] = "550 kunde1@example.de is unknown"
        (outcome,) = make_channel().send([self.message(1)])
        assert outcome.detail == "[address] is unknown"

    def test_several_connections_share_the_work(self, make_channel, server):
        channel = make_channel(CONCURRENCY=4)
        assert {o.kind for o in channel.send(self.messages(40))} == {OutcomeKind.ACCEPTED}
        assert len(server.mails) == 40

    def test_a_backend_that_cannot_be_imported_is_found(self, make_channel):
        channel = make_channel(EMAIL_BACKEND="no.such.Backend")
        assert [m.id for m in channel.check() if m.is_serious()] == ["cart_recovery.E104"]
        assert channel.send([self.message()])[0].kind is OutcomeKind.CONFIGURATION

    def test_smtp_always_has_a_timeout(self, make_channel):
        assert make_channel(TIMEOUT=None).backend_arguments()["timeout"] == 10


class BrokenBackend(EmailBackend):
    def send_messages(self, messages):
        return 0


class TestLocmemBackend(ChannelContract):
    @pytest.fixture
    def make_channel(self):
        return lambda **options: DjangoEmailChannel("email", options)

    @pytest.fixture
    def accepted(self):
        return lambda: len(mail.outbox)

    def test_a_backend_that_confirms_nothing_is_unknown(self, make_channel):
        path = f"{__name__}.BrokenBackend"
        (outcome,) = make_channel(EMAIL_BACKEND=path).send([self.message()])
        assert (outcome.kind, outcome.code) == (OutcomeKind.UNKNOWN, "not_confirmed")
