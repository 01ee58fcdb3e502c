"""Every fault that can be ordered, as the client libraries and the shop meet it."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from python_http_client.exceptions import HTTPError, TooManyRequestsError
from twilio.base.exceptions import TwilioRestException

from sandbox_shop.simulators.faults import InvalidFaultError, parse_fault

from .conftest import make_mail, send_sms, sendgrid_client


def order(sim: Any, **fault: Any) -> requests.Response:
    return requests.post(f"{sim.url}/faults", json=fault, timeout=5)


def send_mail(sim: Any) -> Any:
    return sendgrid_client(sim).send(make_mail())


SENDERS = pytest.mark.parametrize(
    ("provider", "send"), [("sendgrid", send_mail), ("twilio", send_sms)]
)


def test_sendgrid_says_when_to_come_back_after_429(sim: Any) -> None:
    order(sim, provider="sendgrid", kind="status", status=429, retry_after=30)
    with pytest.raises(TooManyRequestsError) as raised:
        send_mail(sim)
    assert raised.value.headers["X-RateLimit-Remaining"] == "0"
    assert 29 <= int(raised.value.headers["X-RateLimit-Reset"]) - time.time() <= 32
    assert b'"errors"' in raised.value.body
    assert send_mail(sim).status_code == 202


def test_twilio_answers_20429_after_429(sim: Any) -> None:
    order(sim, provider="twilio", kind="status", status=429, headers={"Retry-After": "7"})
    with pytest.raises(TwilioRestException) as raised:
        send_sms(sim)
    assert (raised.value.status, raised.value.code) == (429, 20429)
    assert sim.requests_seen[0].response.headers["Retry-After"] == "7"


def test_status_carries_the_code_that_was_ordered(sim: Any) -> None:
    order(sim, provider="twilio", kind="status", status=400, code=21610, message="opted out")
    with pytest.raises(TwilioRestException) as raised:
        send_sms(sim)
    assert (raised.value.code, raised.value.msg) == (21610, "Unable to create record: opted out")


@SENDERS
@pytest.mark.parametrize("status", [401, 403, 500, 502, 503, 504])
def test_status_is_answered_as_often_as_ordered(
    sim: Any, provider: str, send: Callable[[Any], Any], status: int
) -> None:
    order(sim, kind="status", status=status, times=2)
    for _ in range(2):
        with pytest.raises((HTTPError, TwilioRestException)):
            send(sim)
        assert sim.requests_seen[-1].status == status
    send(sim)
    assert len(sim.messages) == 1


def test_fault_of_one_provider_leaves_the_other_alone(sim: Any) -> None:
    order(sim, provider="twilio", kind="status", status=500)
    assert send_mail(sim).status_code == 202
    with pytest.raises(TwilioRestException):
        send_sms(sim)


@SENDERS
def test_accept_and_drop_keeps_the_message_and_never_answers(
    sim: Any, provider: str, send: Callable[[Any], Any]
) -> None:
    order(sim, provider=provider, kind="accept_and_drop")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError, IOError)):
        send(sim)
    assert len(sim.messages) == 1
    assert sim.requests_seen[0].status == 0


@SENDERS
def test_drop_closes_without_taking_the_message(
    sim: Any, provider: str, send: Callable[[Any], Any]
) -> None:
    order(sim, provider=provider, kind="drop")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError, IOError)):
        send(sim)
    assert sim.messages == []


@pytest.mark.parametrize(("accept", "kept"), [(False, 0), (True, 1)])
def test_hang_lasts_longer_than_the_clients_patience(sim: Any, accept: bool, kept: int) -> None:
    order(sim, provider="sendgrid", kind="hang", seconds=30, accept=accept)
    client = sendgrid_client(sim)
    client.client.timeout = 0.2
    with pytest.raises(TimeoutError):
        client.send(make_mail())
    assert len(sim.messages) == kept


def test_hang_ends_in_a_closed_connection(sim: Any) -> None:
    order(sim, provider="sendgrid", kind="hang", seconds=0.1)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        send_mail(sim)


def test_hanging_request_does_not_hold_up_others(sim: Any) -> None:
    order(sim, provider="twilio", kind="hang", seconds=5)
    client = sendgrid_client(sim)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(
            requests.post, f"{sim.url}/2010-04-01/x", timeout=3
        )  # fmt: skip
        assert client.send(make_mail()).status_code == 202
        assert not hanging.done()
        assert isinstance(hanging.exception(), requests.exceptions.Timeout)


def test_slow_answers_late_but_well(sim: Any) -> None:
    order(sim, provider="sendgrid", kind="slow", seconds=0.3)
    begun = time.monotonic()
    assert send_mail(sim).status_code == 202
    assert time.monotonic() - begun >= 0.3


def test_redirect_traps_a_client_that_follows_it(sim: Any) -> None:
    # urllib turns the POST into a GET and reports its 200 as a success
    order(sim, provider="sendgrid", kind="redirect")
    response = send_mail(sim)
    assert response.status_code == 200
    assert "X-Message-Id" not in response.headers
    assert sim.messages == []


def test_redirect_goes_where_ordered(sim: Any) -> None:
    order(sim, provider="twilio", kind="redirect", status=307, location="https://x.example/")
    url = f"{sim.url}/2010-04-01/x"
    answer = requests.post(url, allow_redirects=False, timeout=5)
    assert (answer.status_code, answer.headers["Location"]) == (307, "https://x.example/")


@SENDERS
def test_html_error_is_a_gateways_page(sim: Any, provider: str, send: Callable[[Any], Any]) -> None:
    order(sim, provider=provider, kind="html_error")
    with pytest.raises(Exception, match=r"502|Unable"):
        send(sim)
    assert sim.requests_seen[0].response.body.startswith(b"<html>")
    assert sim.requests_seen[0].status == 502


def test_faults_are_listed_with_what_is_left_and_cleared(sim: Any) -> None:
    assert order(sim, provider="sendgrid", kind="status", status=500, times=3).status_code == 201
    order(sim, kind="drop")
    with pytest.raises(HTTPError):
        send_mail(sim)
    listed = requests.get(f"{sim.url}/faults", timeout=5).json()["faults"]
    assert [(fault["kind"], fault["times"]) for fault in listed] == [("status", 2), ("drop", 1)]
    assert requests.delete(f"{sim.url}/faults", timeout=5).json() == {"cleared": 2}
    assert requests.get(f"{sim.url}/faults", timeout=5).json() == {"faults": []}
    assert send_mail(sim).status_code == 202


def test_several_faults_are_ordered_at_once(sim: Any) -> None:
    faults = [{"kind": "status", "status": 500}, {"kind": "status", "status": 503}]
    assert requests.post(f"{sim.url}/faults", json=faults, timeout=5).status_code == 201
    for status in (500, 503):
        with pytest.raises(HTTPError):
            send_mail(sim)
        assert sim.requests_seen[-1].status == status


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        ("drop", "JSON object"),
        ({}, "kind is None"),
        ({"kind": "explode"}, "accept_and_drop"),
        ({"kind": ["drop"]}, "write one of"),
        ({"kind": "drop", "provider": "mailgun"}, "sendgrid, twilio, any"),
        ({"kind": "drop", "times": 0}, "times"),
        ({"kind": "drop", "times": True}, "times"),
        ({"kind": "drop", "times": "3"}, "times"),
        ({"kind": "drop", "status": 500}, "status means nothing to drop"),
        ({"kind": "status", "status": 200}, "400 to 599"),
        ({"kind": "status", "status": "500"}, "400 to 599"),
        ({"kind": "redirect", "status": 500}, "300 to 399"),
        ({"kind": "redirect", "location": "/a\r\nX: b"}, "one line"),
        ({"kind": "status", "headers": ["a"]}, "object of texts"),
        ({"kind": "status", "headers": {"A": [1]}}, "object of texts"),
        ({"kind": "status", "headers": {"A": "1\r\nB: 2"}}, "object of texts"),
        ({"kind": "status", "body": {}}, "body"),
        ({"kind": "status", "message": 7}, "message"),
        ({"kind": "status", "code": -1}, "code"),
        ({"kind": "status", "retry_after": "soon"}, "retry_after"),
        ({"kind": "hang", "seconds": -1}, "seconds"),
        ({"kind": "hang", "seconds": 1e9}, "seconds"),
        ({"kind": "hang", "accept": "yes"}, "accept"),
        ({"kind": "event"}, "event is ''"),
        ({"kind": "event", "event": "exploded"}, "delivered"),
        ({"kind": "event", "event": ["bounce"]}, "event"),
        ({"kind": "event", "event": "click", "provider": "twilio"}, "undelivered"),
    ],
)
def test_wrong_order_is_400_and_says_what_to_write(sim: Any, wrong: Any, advice: str) -> None:
    answer = requests.post(f"{sim.url}/faults", json=wrong, timeout=5)
    assert answer.status_code == 400
    assert advice in answer.json()["error"]
    assert sim.faults.waiting() == []


def test_order_that_is_no_json_is_400(sim: Any) -> None:
    assert requests.post(f"{sim.url}/faults", data=b"{", timeout=5).status_code == 400


def test_channel_may_be_named_for_its_provider_and_header_values_be_numbers() -> None:
    fault = parse_fault(
        {"kind": "status", "provider": "email", "status": 429, "headers": {"Retry-After": 5}}
    )
    assert (fault.provider, fault.headers) == ("sendgrid", {"Retry-After": "5"})
    assert parse_fault({"kind": "drop", "provider": "sms"}).provider == "twilio"


def test_wrong_order_in_a_test_raises(sim: Any) -> None:
    with pytest.raises(InvalidFaultError):
        sim.set_fault("explode")


def test_event_that_one_provider_knows_waits_for_that_one() -> None:
    assert parse_fault({"kind": "event", "event": "click"}).provider == "sendgrid"
    assert parse_fault({"kind": "event", "event": "read"}).provider == "twilio"
    assert parse_fault({"kind": "event", "event": "bounced"}).provider == "any"
