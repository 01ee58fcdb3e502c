"""The real twilio library against the simulator, and each thing that Twilio refuses."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioRestException

from sandbox_shop.simulators.server import running_simulators

from .conftest import NUMBER, PHONE, send_sms, twilio_client

SERVICE = "MG" + "0" * 32


def create(sim: Any, **changes: Any) -> requests.Response:
    params = {"To": PHONE, "From": NUMBER, "Body": "Hallo"} | changes
    return requests.post(
        f"{sim.url}/2010-04-01/Accounts/{sim.options.account_sid}/Messages.json",
        data={name: value for name, value in params.items() if value is not ...},
        auth=(sim.options.account_sid, sim.options.auth_token),
        timeout=10,
    )


def in_minutes(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


def test_library_creates_a_message(sim: Any) -> None:
    message = send_sms(sim, validity_period=14_400, smart_encoded=True)
    assert re.fullmatch("SM[0-9a-f]{32}", message.sid)
    assert (message.status, message.num_segments, message.direction) == (
        "queued", "1", "outbound-api",
    )  # fmt: skip
    assert (message.to, message.from_) == (PHONE, NUMBER)
    assert message.error_code is None
    assert message.date_created is not None
    assert message.date_sent is None


def test_sms_is_kept_with_its_link(sim: Any) -> None:
    message = send_sms(sim)
    kept = sim.messages[0]
    assert kept["id"] == message.sid
    assert (kept["channel"], kept["to"], kept["from"]) == ("sms", PHONE, NUMBER)
    assert kept["links"] == ["https://shop.example/r/abc"]


def test_library_fetches_the_message(sim: Any) -> None:
    sid = send_sms(sim).sid
    fetched = twilio_client(sim).messages(sid).fetch()
    assert (fetched.sid, fetched.status) == (sid, "delivered")


def test_unknown_message_is_20404(sim: Any) -> None:
    with pytest.raises(TwilioRestException) as raised:
        twilio_client(sim).messages("SM" + "0" * 32).fetch()
    assert (raised.value.status, raised.value.code) == (404, 20404)


def test_library_lists_newest_first_over_pages(sim: Any) -> None:
    sids = [send_sms(sim, body=f"Nummer {i}").sid for i in range(5)]
    listed = twilio_client(sim).messages.list(page_size=2)
    assert [message.sid for message in listed] == sids[::-1]


def test_library_lists_by_recipient_and_date(sim: Any) -> None:
    wanted = send_sms(sim).sid
    send_sms(sim, to="+4915112345679")
    messages = twilio_client(sim).messages
    before = datetime.now(UTC) - timedelta(minutes=1)
    assert [m.sid for m in messages.list(to=PHONE, date_sent_after=before)] == [wanted]
    assert messages.list(to=PHONE, date_sent_before=before) == []
    assert [m.sid for m in messages.list(to=PHONE, date_sent=datetime.now(UTC).date())] == [wanted]
    assert messages.list(from_="+4915799900000") == []


@pytest.mark.parametrize("query", ["PageSize=0", "PageSize=1001", "Page=x", "DateSent=gestern"])
def test_wrong_list_query_is_400(sim: Any, query: str) -> None:
    path = f"/2010-04-01/Accounts/{sim.options.account_sid}/Messages.json?{query}"
    auth = (sim.options.account_sid, sim.options.auth_token)
    assert requests.get(sim.url + path, auth=auth, timeout=10).status_code == 400


def test_wrong_token_is_20003(sim: Any) -> None:
    with pytest.raises(TwilioRestException) as raised:
        twilio_client(sim, token="wrong").messages.create(to=PHONE, from_=NUMBER, body="x")
    assert (raised.value.status, raised.value.code) == (401, 20003)


@pytest.mark.parametrize("header", [None, "Basic", "Basic !!", "Bearer abc", "Basic YTpi"])
def test_missing_or_odd_authorization_is_401(sim: Any, header: str | None) -> None:
    path = f"/2010-04-01/Accounts/{sim.options.account_sid}/Messages.json"
    headers = {"Authorization": header} if header else {}
    answer = requests.post(sim.url + path, data={"To": PHONE}, headers=headers, timeout=10)
    assert answer.status_code == 401
    assert answer.json() == {
        "code": 20003,
        "message": "Authenticate",
        "more_info": "https://www.twilio.com/docs/errors/20003",
        "status": 401,
    }


def test_other_account_is_401(sim: Any) -> None:
    answer = requests.post(
        f"{sim.url}/2010-04-01/Accounts/AC{'1' * 32}/Messages.json",
        auth=(sim.options.account_sid, sim.options.auth_token),
        timeout=10,
    )
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": ...}, 21604),
        ({"To": ""}, 21604),
        ({"To": "015112345678"}, 21211),
        ({"To": "+49 151 12345678"}, 21211),
        ({"To": "+4915"}, 21211),
        ({"To": "+15551234567"}, 21211),
        ({"To": "4915112345678"}, 21211),
        ({"To": "+49301234567"}, 21614),
        ({"To": "whatsapp:+4915112345678"}, 63007),
        ({"To": "+15005550001"}, 21211),
        ({"To": "+15005550002"}, 21612),
        ({"To": "+15005550003"}, 21408),
        ({"To": "+15005550004"}, 21610),
        ({"To": "+15005550009"}, 21614),
        ({"From": ...}, 21603),
        ({"From": "Probeladen GmbH"}, 21212),
        ({"From": "12345678901"}, 21212),
        ({"From": "Läden"}, 21212),
        ({"From": PHONE}, 21266),
        ({"From": "+15005550001"}, 21212),
        ({"From": "+15005550007"}, 21606),
        ({"From": "+15005550008"}, 21611),
        ({"From": "Probeladen", "To": "+12125551234"}, 21612),
        ({"Body": ...}, 21602),
        ({"Body": " \n"}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"From": ..., "MessagingServiceSid": "MG1"}, 21701),
        ({"Body": ..., "ContentSid": "HX"}, 21655),
        ({"Body": ..., "ContentSid": "HX" + "0" * 32, "ContentVariables": "[]"}, 21656),
        ({"MediaUrl": "ftp://x.example/a.png"}, 21620),
        ({"MediaUrl": ["https://x.example/a.png"] * 11}, 21623),
        ({"StatusCallback": "/hook"}, 21609),
        ({"StatusCallback": ""}, 21609),
        ({"StatusCallback": "ftp://shop.example/hook"}, 21609),
        ({"StatusCallback": "https://my_shop.example/hook"}, 21609),
        ({"StatusCallback": "https://shop.example:99999/hook"}, 21609),
        ({"StatusCallback": "https://shop.example/ho ok"}, 21609),
        ({"ValidityPeriod": "0"}, 20001),
        ({"ValidityPeriod": "36001"}, 20001),
        ({"ValidityPeriod": "soon"}, 20001),
        ({"SmartEncoded": "yes"}, 20001),
        ({"RiskCheck": "on"}, 20001),
        ({"Statuscallback": "https://shop.example/hook"}, 20001),
        ({"IdempotencyKey": "1"}, 20001),
        ({"To": [PHONE, PHONE]}, 20001),
        ({"SendAt": in_minutes(60), "ScheduleType": "fixed"}, 35118),
        ({"SendAt": in_minutes(60), "MessagingServiceSid": SERVICE}, 35111),
        (
            {"SendAt": in_minutes(1), "ScheduleType": "fixed", "MessagingServiceSid": SERVICE},
            35114,
        ),
        (
            {"SendAt": "morgen", "ScheduleType": "fixed", "MessagingServiceSid": SERVICE},
            35114,
        ),
    ],
)
def test_message_is_refused_with_its_code(sim: Any, changes: dict[str, Any], code: int) -> None:
    answer = create(sim, **changes)
    assert answer.status_code == 400
    body = answer.json()
    assert set(body) == {"code", "message", "more_info", "status"}
    assert (body["code"], body["status"]) == (code, 400)
    assert body["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert sim.messages == []


@pytest.mark.parametrize(
    "changes",
    [
        {"Body": "x" * 1600},
        {"From": "Probeladen"},
        {"From": "+15005550006"},
        {"To": "+12125551234"},
        {"To": "+441212345678"},
        {"StatusCallback": "http://127.0.0.1:8000/hook?message=1"},
        {"ValidityPeriod": "36000"},
        {"Body": ..., "ContentSid": "HX" + "0" * 32, "ContentVariables": '{"1": "Kim"}'},
    ],
)
def test_message_at_the_limit_is_taken(sim: Any, changes: dict[str, Any]) -> None:
    assert create(sim, **changes).status_code == 201


def test_form_of_another_content_type_is_refused(sim: Any) -> None:
    answer = requests.post(
        f"{sim.url}/2010-04-01/Accounts/{sim.options.account_sid}/Messages.json",
        json={"To": PHONE},
        auth=(sim.options.account_sid, sim.options.auth_token),
        timeout=10,
    )
    assert answer.status_code == 400


def test_form_that_is_no_utf8_is_refused(sim: Any) -> None:
    answer = requests.post(
        f"{sim.url}/2010-04-01/Accounts/{sim.options.account_sid}/Messages.json",
        data=b"Body=%ff%fe",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        auth=(sim.options.account_sid, sim.options.auth_token),
        timeout=10,
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/2010-04-01/Accounts.json", "/2010-04-01/x"])
def test_unknown_resource_is_20404(sim: Any, path: str) -> None:
    auth = (sim.options.account_sid, sim.options.auth_token)
    answer = requests.get(sim.url + path, auth=auth, timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (404, 20404)


def test_messaging_service_answers_accepted_and_zero_segments(sim: Any) -> None:
    answer = create(sim, From=..., MessagingServiceSid=SERVICE).json()
    assert (answer["status"], answer["num_segments"], answer["from"]) == ("accepted", "0", None)
    assert answer["messaging_service_sid"] == SERVICE


def test_media_makes_an_mms(sim: Any) -> None:
    answer = create(sim, MediaUrl=["https://x.example/a.png", "https://x.example/b.png"]).json()
    assert answer["sid"].startswith("MM")
    assert answer["num_media"] == "2"


def test_scheduled_message_says_so(sim: Any) -> None:
    answer = create(
        sim, From=..., MessagingServiceSid=SERVICE, ScheduleType="fixed", SendAt=in_minutes(60)
    )
    assert answer.json()["status"] == "scheduled"


@pytest.mark.parametrize(
    ("body", "segments"),
    [
        ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3),
        ("€" * 80, 1), ("€" * 81, 2), ("a" * 152 + "€" + "a" * 20, 2),
        ("–" * 70, 1), ("–" * 71, 2), ("–" * 134, 2), ("–" * 135, 3),
        ("😀" * 35, 1), ("😀" * 36, 2), ("äöüÄÖÜß§" * 20, 1), ("Ç" * 160, 1), ("ç" * 71, 2),
    ],
)  # fmt: skip
def test_segments_are_counted_as_twilio_counts(sim: Any, body: str, segments: int) -> None:
    assert create(sim, Body=body).json()["num_segments"] == str(segments)


def test_sender_that_is_not_the_accounts_is_21606() -> None:
    with running_simulators(sms_numbers=(NUMBER,)) as sim:
        assert create(sim).status_code == 201
        assert create(sim, From="+4915799900001").json()["code"] == 21606
        assert create(sim, From="Probeladen").status_code == 201
