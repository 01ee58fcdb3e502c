"""The adapters against the provider simulators of the sandbox, over TLS."""

from __future__ import annotations

import pytest

from cart_recovery.channels.base import OutcomeKind, OutgoingMessage
from cart_recovery.channels.sendgrid import SendGridChannel
from cart_recovery.channels.twilio import TwilioSmsChannel
from sandbox_shop.simulators import defaults
from sandbox_shop.simulators.server import running_simulators
from tests.channels.servers import no_proxy  # noqa: F401 autouse


@pytest.fixture(scope="module")
def providers():
    with running_simulators(tls=True) as running:
        yield running


@pytest.fixture(autouse=True)
def clean(providers):
    providers.clear()


@pytest.fixture(params=["email", "sms"])
def channel(request, providers):
    options = {"BASE_URL": providers.url, "CA_BUNDLE": providers.ca_path, "CONCURRENCY": 16}
    if request.param == "email":
        channel = SendGridChannel("email", {**options, "API_KEY": defaults.DEFAULT_SENDGRID_KEY})
    else:
        channel = TwilioSmsChannel("sms", {
            **options, "ACCOUNT_SID": defaults.DEFAULT_TWILIO_SID,
            "AUTH_TOKEN": defaults.DEFAULT_TWILIO_TOKEN, "FROM": defaults.DEFAULT_TWILIO_NUMBER,
        })  # fmt: skip
    yield channel
    channel.close()


def messages(channel, count):
    to = "kunde{}@example.de" if channel.address_kind == "email" else "+491511234{:04d}"
    return [
        OutgoingMessage(
            key=f"{number:032x}", to=to.format(number), subject="Warenkorb", html="<p>Grüße</p>",
            text="Grüße", headers={"List-Unsubscribe": "<https://shop.example/u/x>"},
        )
        for number in range(count)
    ]  # fmt: skip


def test_every_message_arrives_once(channel, providers):
    outcomes = channel.send(messages(channel, 200))
    assert {o.kind for o in outcomes} == {OutcomeKind.ACCEPTED}
    arrived = providers.messages
    assert sorted(m["to"] for m in arrived) == sorted(m.to for m in messages(channel, 200))
    assert {o.provider_message_id for o in outcomes} == {m["id"].partition(".")[0] for m in arrived}


def test_an_untrusted_certificate_pauses_the_channel(channel, providers):
    stranger = type(channel)(channel.alias, {**channel.options, "CA_BUNDLE": ""})
    outcomes = stranger.send(messages(stranger, 3))
    assert (outcomes[0].kind, outcomes[0].code) == (OutcomeKind.CONFIGURATION, "certificate")
    assert providers.messages == []


def test_a_wrong_key_pauses_the_channel(channel, providers):
    name = "API_KEY" if channel.alias == "email" else "AUTH_TOKEN"
    stranger = type(channel)(channel.alias, {**channel.options, name: "wrong"})
    outcomes = stranger.send(messages(stranger, 3))
    assert outcomes[0].kind is OutcomeKind.CONFIGURATION
    assert providers.messages == []


@pytest.mark.parametrize(
    ("fault", "kind", "arrives"),
    [
        ({"kind": "status", "status": 429, "retry_after": 0.2}, OutcomeKind.ACCEPTED, True),
        ({"kind": "status", "status": 429, "retry_after": 600}, OutcomeKind.RETRY_SAFE, False),
        ({"kind": "status", "status": 500}, OutcomeKind.UNKNOWN, False),
        ({"kind": "html_error", "status": 502}, OutcomeKind.UNKNOWN, False),
        ({"kind": "html_error", "status": 413}, OutcomeKind.PERMANENT, False),
        ({"kind": "accept_and_drop"}, OutcomeKind.UNKNOWN, True),
        ({"kind": "drop"}, OutcomeKind.UNKNOWN, False),
        ({"kind": "redirect"}, OutcomeKind.CONFIGURATION, False),
        ({"kind": "status", "status": 401}, OutcomeKind.CONFIGURATION, False),
    ],
)
def test_faults_are_sorted(channel, providers, fault, kind, arrives):
    fault = dict(fault)
    providers.set_fault(fault.pop("kind"), **fault)
    (outcome,) = channel.send(messages(channel, 1))
    assert outcome.kind is kind
    assert len(providers.messages) == arrives


def test_an_answer_that_takes_too_long_is_unknown(channel, providers):
    hasty = type(channel)(channel.alias, {**channel.options, "TIMEOUT": 0.3})
    providers.set_fault("hang", seconds=3, accept=True)
    (outcome,) = hasty.send(messages(hasty, 1))
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNKNOWN, "timeout")
    assert len(providers.messages) == 1
