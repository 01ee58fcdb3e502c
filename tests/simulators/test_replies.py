"""A phone that answers: the signed inbound webhook, keywords and opt-outs as at Twilio."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator

from sandbox_shop.simulators.server import running_simulators
from sandbox_shop.simulators.twilio_callbacks import parse_twiml

from .conftest import NUMBER, PHONE, Shop, make_mail, send_sms, sendgrid_client


def reply(sim: Any, message: str, text: str, *, as_form: bool = False) -> requests.Response:
    data = {"message": message, "text": text}
    given: dict[str, Any] = {"data": data} if as_form else {"json": data}
    return requests.post(f"{sim.url}/reply", timeout=10, **given)


@pytest.mark.parametrize("as_form", [False, True])
def test_reply_reaches_the_shop_signed(sim_with_shop: Any, shop: Shop, as_form: bool) -> None:
    sid = send_sms(sim_with_shop).sid
    answer = reply(sim_with_shop, sid, "Wann kommt es? 😀 ä&=", as_form=as_form)
    assert answer.status_code == 200
    assert answer.json() == {"status": 200, "body": "<Response/>", "keyword": ""}
    ((path, headers, body),) = shop.requests
    params = dict(parse_qsl(body.decode(), keep_blank_values=True))
    url = f"{shop.url}/recovery/hooks/sms/inbound"
    assert path == "/recovery/hooks/sms/inbound"
    validator = RequestValidator(sim_with_shop.options.auth_token)
    assert validator.validate(url, params, headers["X-Twilio-Signature"])
    assert (params["From"], params["To"]) == (PHONE, NUMBER)
    assert params["Body"] == "Wann kommt es? 😀 ä&="
    assert (params["FromCountry"], params["NumMedia"]) == ("DE", "0")
    assert "OptOutType" not in params


def test_answer_of_the_shop_is_handed_back(sim_with_shop: Any, shop: Shop) -> None:
    sid = send_sms(sim_with_shop).sid
    shop.statuses = [403]
    shop.answer = b"no"
    answer = reply(sim_with_shop, sid, "Hallo")
    assert answer.status_code == 200
    assert answer.json() == {"status": 403, "body": "no", "keyword": ""}


def test_shop_that_is_away_is_502() -> None:
    with running_simulators(webhook_base="http://127.0.0.1:9") as sim:
        answer = reply(sim, send_sms(sim).sid, "Hallo")
        assert answer.status_code == 502
        assert answer.json()["status"] == 0


@pytest.mark.parametrize("word", ["STOP", "stop", " Stop\n", "UNSUBSCRIBE", "END", "OPTOUT"])
def test_stop_blocks_the_sender_and_still_reaches_the_shop(
    sim_with_shop: Any, shop: Shop, word: str
) -> None:
    sid = send_sms(sim_with_shop).sid
    assert reply(sim_with_shop, sid, word).json()["keyword"] == "STOP"
    assert dict(parse_qsl(shop.requests[0][2].decode()))["Body"] == word
    with pytest.raises(TwilioRestException) as raised:
        send_sms(sim_with_shop)
    assert (raised.value.status, raised.value.code) == (400, 21610)
    assert len(sim_with_shop.messages) == 1


@pytest.mark.parametrize("text", ["STOPP", "STOP PLEASE", "bitte stop", "ABMELDEN"])
def test_what_is_not_twilios_word_blocks_nothing(sim_with_shop: Any, text: str) -> None:
    sid = send_sms(sim_with_shop).sid
    assert reply(sim_with_shop, sid, text).json()["keyword"] == ""
    send_sms(sim_with_shop)


def test_block_is_per_sender_and_recipient(sim_with_shop: Any) -> None:
    reply(sim_with_shop, send_sms(sim_with_shop).sid, "STOP")
    send_sms(sim_with_shop, from_="+4915799900001")
    send_sms(sim_with_shop, to="+4915112345679")
    service = {"from_": None, "messaging_service_sid": "MG" + "0" * 32}
    send_sms(sim_with_shop, **service)


def test_start_lifts_the_block(sim_with_shop: Any) -> None:
    sid = send_sms(sim_with_shop).sid
    reply(sim_with_shop, sid, "STOP")
    assert reply(sim_with_shop, sid, "start").json()["keyword"] == "START"
    send_sms(sim_with_shop)


def test_block_outlives_cleared_messages(sim_with_shop: Any) -> None:
    reply(sim_with_shop, send_sms(sim_with_shop).sid, "STOP")
    requests.delete(f"{sim_with_shop.url}/messages", timeout=5)
    with pytest.raises(TwilioRestException):
        send_sms(sim_with_shop)
    requests.delete(f"{sim_with_shop.url}/blocks", timeout=5)
    send_sms(sim_with_shop)


def test_service_reply_names_the_service_and_blocks_it(sim_with_shop: Any, shop: Shop) -> None:
    service = {"from_": None, "messaging_service_sid": "MG" + "0" * 32}
    sid = send_sms(sim_with_shop, **service).sid
    reply(sim_with_shop, sid, "STOP")
    params = dict(parse_qsl(shop.requests[0][2].decode()))
    assert params["MessagingServiceSid"] == "MG" + "0" * 32
    with pytest.raises(TwilioRestException):
        send_sms(sim_with_shop, **service)
    send_sms(sim_with_shop)


def test_advanced_opt_out_names_the_kind(shop: Shop) -> None:
    with running_simulators(webhook_base=shop.url, advanced_opt_out=True) as sim:
        sid = send_sms(sim).sid
        for word, kind in (("STOP", "STOP"), ("START", "START"), ("INFO", "HELP")):
            reply(sim, sid, word)
            assert dict(parse_qsl(shop.requests[-1][2].decode()))["OptOutType"] == kind


def test_conversation_shows_phone_and_carrier(sim_with_shop: Any) -> None:
    sid = send_sms(sim_with_shop).sid
    reply(sim_with_shop, sid, "Danke")
    reply(sim_with_shop, sid, "STOP")
    told = [(each["author"], each["text"]) for each in sim_with_shop.messages[0]["replies"]]
    assert told[:2] == [("phone", "Danke"), ("phone", "STOP")]
    assert told[2][0] == "carrier"


def test_twiml_of_the_shop_is_delivered_to_the_phone(sim_with_shop: Any, shop: Shop) -> None:
    sid = send_sms(sim_with_shop).sid
    shop.answer = b"<Response><Message>Gern! https://shop.example/x</Message></Response>"
    reply(sim_with_shop, sid, "Hilfe bitte")
    newest = sim_with_shop.messages[0]
    assert (newest["direction"], newest["to"]) == ("outbound-reply", PHONE)
    assert newest["text"] == "Gern! https://shop.example/x"


def test_twiml_does_not_reach_a_phone_that_said_stop(sim_with_shop: Any, shop: Shop) -> None:
    shop.answer = b"<Response><Message>Schade!</Message></Response>"
    reply(sim_with_shop, send_sms(sim_with_shop).sid, "STOP")
    assert len(sim_with_shop.messages) == 1


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        (b"<Response/>", []),
        (b"", []),
        (b"ok", []),
        (b"<html></html>", []),
        (b"<Response><Message><Body>A</Body></Message><Message>B</Message></Response>", ["A", "B"]),
        (b"<Response><Message> </Message></Response>", []),
    ],
)
def test_twiml_is_read(answer: bytes, texts: list[str]) -> None:
    assert parse_twiml(answer) == texts


def test_sender_of_letters_cannot_be_answered(sim_with_shop: Any, shop: Shop) -> None:
    answer = reply(sim_with_shop, send_sms(sim_with_shop, from_="Probeladen").sid, "STOP")
    assert answer.status_code == 400
    assert "letters" in answer.json()["error"]
    assert shop.requests == []


def test_mail_cannot_be_answered(sim_with_shop: Any) -> None:
    message_id = sendgrid_client(sim_with_shop).send(make_mail()).headers["X-Message-Id"]
    assert reply(sim_with_shop, message_id, "STOP").status_code == 400


def test_reply_without_a_shop_says_how_to_set_one(sim: Any) -> None:
    answer = reply(sim, send_sms(sim).sid, "Hallo")
    assert answer.status_code == 400
    assert "--webhook-base" in answer.json()["error"]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"message": "none", "text": "Hallo"}, 404),
        ({"text": "Hallo"}, 404),
        ({"message": 7, "text": "Hallo"}, 404),
        ({"message": "none"}, 400),
        ({"message": "none", "text": " "}, 400),
        ({"message": "none", "text": "x" * 1601}, 400),
        ({"message": "none", "text": ["STOP"]}, 400),
        (["STOP"], 400),
    ],
)
def test_wrong_reply_is_refused(sim_with_shop: Any, data: Any, status: int) -> None:
    answer = requests.post(f"{sim_with_shop.url}/reply", json=data, timeout=5)
    assert answer.status_code == status
    assert answer.json()["error"]
