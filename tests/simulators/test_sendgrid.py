"""The real sendgrid library against the simulator, and each thing that SendGrid refuses."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import requests
from python_http_client.exceptions import BadRequestsError, UnauthorizedError

from .conftest import make_mail, sendgrid_client


def a_mail(**changes: Any) -> dict[str, Any]:
    mail: dict[str, Any] = {
        "personalizations": [{"to": [{"email": "kim@kunde.example"}]}],
        "from": {"email": "laden@shop.example", "name": "Laden"},
        "subject": "Ihr Warenkorb",
        "content": [{"type": "text/plain", "value": "Hallo"}],
    }
    mail |= changes
    return {name: value for name, value in mail.items() if value is not ...}


def to(*addresses: str, **more: Any) -> dict[str, Any]:
    return {"to": [{"email": address} for address in addresses], **more}


def post(sim: Any, data: object, **headers: str) -> requests.Response:
    return requests.post(
        f"{sim.url}/v3/mail/send",
        data=data if isinstance(data, bytes) else json.dumps(data).encode(),
        headers={
            "Authorization": f"Bearer {sim.options.sendgrid_key}",
            "Content-Type": "application/json",
            **headers,
        },
        timeout=10,
    )


def test_library_gets_202_with_message_id_and_empty_body(sim: Any) -> None:
    response = sendgrid_client(sim).send(make_mail())
    assert response.status_code == 202
    assert response.body == b""
    assert response.headers["X-Message-Id"] == sim.messages[0]["id"]


def test_mail_is_kept_as_it_was_sent(sim: Any) -> None:
    sendgrid_client(sim).send(make_mail())
    message = sim.messages[0]
    assert message["channel"] == "email"
    assert message["to"] == "kim@kunde.example"
    assert message["from"] == "Probeladen <laden@shop.example>"
    assert message["subject"] == "Ihr Warenkorb"
    assert message["text"] == "Hallo"
    assert message["links"] == ["https://shop.example/r/abc?a=1&b=2"]
    assert message["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["custom_args"] == {"message_id": "key-1"}
    assert message["tracking"] == {"open": False, "click": False, "subscription": False}


def test_tracking_counts_as_on_when_the_mail_does_not_say_otherwise(sim: Any) -> None:
    post(sim, a_mail())
    assert sim.messages[0]["tracking"] == {"open": True, "click": True, "subscription": False}


def test_each_recipient_gets_a_message_with_ids_that_differ(sim: Any) -> None:
    blocks = [to("a@kunde.example"), to("b@kunde.example", cc=[{"email": "c@kunde.example"}])]
    answer = post(sim, a_mail(personalizations=blocks))
    assert [message["to"] for message in reversed(sim.messages)] == [
        "a@kunde.example",
        "b@kunde.example",
        "c@kunde.example",
    ]
    ids = {message["id"] for message in sim.messages}
    assert len(ids) == 3
    assert {each.partition(".")[0] for each in ids} == {answer.headers["X-Message-Id"]}


def test_sandbox_mode_checks_and_answers_200_without_sending(sim: Any) -> None:
    answer = post(sim, a_mail(mail_settings={"sandbox_mode": {"enable": True}}))
    assert answer.status_code == 200
    assert sim.messages == []


def test_wrong_key_raises_unauthorized(sim: Any) -> None:
    with pytest.raises(UnauthorizedError) as raised:
        sendgrid_client(sim, key="SG.wrong").send(make_mail())
    assert json.loads(raised.value.body) == {
        "errors": [
            {
                "message": "The provided authorization grant is invalid, expired, or revoked",
                "field": None,
                "help": None,
            }
        ]
    }


def test_missing_key_is_401(sim: Any) -> None:
    answer = requests.post(f"{sim.url}/v3/mail/send", json=a_mail(), timeout=10)
    assert answer.status_code == 401


def test_refusal_has_the_real_shape(sim: Any) -> None:
    mail = make_mail()
    mail.subject = None
    with pytest.raises(BadRequestsError) as raised:
        sendgrid_client(sim).send(mail)
    (error,) = json.loads(raised.value.body)["errors"]
    assert error["field"] == "subject"
    assert error["message"].startswith("The subject is required.")
    assert error["help"].startswith("http")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"personalizations": ...}, "personalizations"),
        ({"personalizations": []}, "personalizations"),
        ({"personalizations": "kim"}, "personalizations"),
        ({"personalizations": [to(f"a{i}@b.example") for i in range(1001)]}, "personalizations"),
        ({"personalizations": [{"to": []}]}, "personalizations.0.to"),
        ({"personalizations": [{}]}, "personalizations.0.to"),
        ({"personalizations": ["kim"]}, "personalizations.0"),
        ({"personalizations": [to("kim")]}, "personalizations.0.to.0.email"),
        ({"personalizations": [to("kim@kunde")]}, "personalizations.0.to.0.email"),
        ({"personalizations": [to("kim@@kunde.example")]}, "personalizations.0.to.0.email"),
        ({"personalizations": [to(" kim@kunde.example")]}, "personalizations.0.to.0.email"),
        ({"personalizations": [to("jörg@kunde.example")]}, "personalizations.0.to.0.email"),
        ({"personalizations": [to("a..b@kunde.example")]}, "personalizations.0.to.0.email"),
        ({"personalizations": [to("a" * 65 + "@b.example")]}, "personalizations.0.to.0.email"),
        ({"personalizations": [{"to": ["kim@kunde.example"]}]}, "personalizations.0.to.0"),
        ({"personalizations": [to("a@b.example", "A@b.example")]}, "personalizations.0.to"),
        (
            {"personalizations": [to("a@b.example"), to("c@b.example", "a@b.example")]},
            "personalizations.1.to",
        ),
        (
            {"personalizations": [to("a@b.example", bcc=[{"email": "a@b.example"}])]},
            "personalizations.0.bcc",
        ),
        (
            {"personalizations": [to(*(f"a{i}@b.example" for i in range(1001)))]},
            "personalizations",
        ),
        ({"personalizations": [to("a@b.example", foo=1)]}, "personalizations.0.foo"),
        (
            {"personalizations": [to("a@b.example", custom_args={"key": 7})]},
            "personalizations.0.custom_args",
        ),
        (
            {"personalizations": [to("a@b.example", custom_args={})]},
            "personalizations.0.custom_args",
        ),
        (
            {"personalizations": [to("a@b.example", custom_args={"key": "x" * 10_000})]},
            "personalizations.0.custom_args",
        ),
        (
            {"personalizations": [to("a@b.example", headers={"Reply-To": "x@y.example"})]},
            "personalizations.0.headers",
        ),
        (
            {"personalizations": [to("a@b.example", substitutions={"-a-": 1})]},
            "personalizations.0.substitutions",
        ),
        (
            {"personalizations": [to("a@b.example", send_at=int(time.time()) + 80 * 3600)]},
            "personalizations.0.send_at",
        ),
        ({"from": ...}, "from.email"),
        ({"from": {"email": "laden"}}, "from.email"),
        ({"from": {"name": "Laden"}}, "from.email"),
        ({"from": {"email": "a@b.example", "name": "x\r\nBcc: y"}}, "from.name"),
        ({"from": "laden@shop.example"}, "from"),
        ({"reply_to": {"email": ""}}, "reply_to.email"),
        (
            {"reply_to": {"email": "a@b.example"}, "reply_to_list": [{"email": "a@b.example"}]},
            "reply_to_list",
        ),
        ({"subject": ...}, "subject"),
        ({"subject": ""}, "subject"),
        ({"subject": 7}, "subject"),
        ({"subject": "a\nBcc: x@y.example"}, "subject"),
        ({"content": ...}, "content"),
        ({"content": []}, "content"),
        ({"content": [{"type": "text/plain", "value": ""}]}, "content.0.value"),
        ({"content": [{"type": "text/plain"}]}, "content.0.value"),
        ({"content": [{"value": "Hallo"}]}, "content.0.type"),
        ({"content": ["Hallo"]}, "content.0"),
        (
            {"content": [{"type": t, "value": "x"} for t in ("text/html", "text/plain")]},
            "content",
        ),
        ({"content": [{"type": "text/plain", "value": "x"}] * 2}, "content"),
        ({"template_id": "d-1"}, "template_id"),
        ({"headers": {"X-A": 1}}, "headers.X-A"),
        ({"headers": {"X-Ä": "1"}}, "headers"),
        ({"headers": {"X A": "1"}}, "headers"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "headers"),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "headers.X-A"),
        *(
            ({"headers": {name: "x"}}, "headers")
            for name in (
                "x-sg-id", "X-SG-EID", "Received", "DKIM-Signature", "Content-Type",
                "Content-Transfer-Encoding", "To", "From", "Subject", "Reply-To", "CC", "bcc",
            )
        ),
        ({"custom_args": "x"}, "custom_args"),
        ({"categories": [f"c{i}" for i in range(11)]}, "categories"),
        ({"categories": ["a", "a"]}, "categories"),
        ({"categories": ["x" * 256]}, "categories"),
        ({"categories": ["ä"]}, "categories"),
        ({"categories": [1]}, "categories"),
        ({"send_at": int(time.time()) + 73 * 3600}, "send_at"),
        ({"send_at": "soon"}, "send_at"),
        ({"send_at": True}, "send_at"),
        ({"batch_id": "made-up"}, "batch_id"),
        ({"asm": {"group_id": "1"}}, "asm.group_id"),
        ({"asm": {"group_id": 1}}, "asm.group_id"),
        ({"ip_pool_name": "x"}, "ip_pool_name"),
        ({"attachments": [{"content": "eA=="}]}, "attachments.0.filename"),
        ({"attachments": [{"content": "?", "filename": "a"}]}, "attachments.0.content"),
        (
            {"attachments": [{"content": "eA==", "filename": "a", "disposition": "x"}]},
            "attachments.0.disposition",
        ),
        ({"tracking_settings": {"click_tracking": {"enable": "no"}}},
         "tracking_settings.click_tracking.enable"),
        ({"tracking_settings": {"klick": {"enable": False}}}, "tracking_settings.klick"),
        ({"tracking_settings": {"open_tracking": False}}, "tracking_settings.open_tracking"),
        ({"mail_settings": {"footer": {"on": True}}}, "mail_settings.footer.on"),
        ({"idempotency_key": "x"}, "idempotency_key"),
    ],
)  # fmt: skip
def test_mail_is_refused_with_its_field(sim: Any, changes: dict[str, Any], field: str) -> None:
    answer = post(sim, a_mail(**changes))
    assert answer.status_code == 400
    errors = answer.json()["errors"]
    assert field in [error["field"] for error in errors]
    assert all(set(error) == {"message", "field", "help"} for error in errors)
    assert sim.messages == []
    assert sim.counts == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"personalizations": [to(f"a{i}@b.example") for i in range(1000)]},
        {"personalizations": [to("a@b.example", subject="Eigener Betreff")], "subject": ...},
        {"personalizations": [to("a@b.example", custom_args={"k": "x" * 9_900})]},
        {"custom_args": {"k": "v"}},
        {"categories": [f"c{i}" for i in range(10)]},
        {"send_at": int(time.time()) + 71 * 3600},
        {"reply_to_list": [{"email": "a@b.example"}, {"email": "b@b.example", "name": "B"}]},
        {"personalizations": [to("a+b@xn--mller-kva.example")]},
        {"attachments": [{"content": "eA==", "filename": "a.txt", "type": "text/plain"}]},
    ],
)
def test_mail_at_the_limit_is_taken(sim: Any, changes: dict[str, Any]) -> None:
    assert post(sim, a_mail(**changes)).status_code == 202


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b'{"subject": NaN}', b"\xff\xfe", b"[" * 100_000],
)
def test_what_is_no_mail_is_a_bad_request(sim: Any, body: bytes) -> None:
    answer = post(sim, body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"]


def test_wrong_content_type_is_415(sim: Any) -> None:
    assert post(sim, a_mail(), **{"Content-Type": "text/plain"}).status_code == 415
    assert post(sim, a_mail(), **{"Content-Encoding": "gzip"}).status_code == 415


def test_more_than_30_megabytes_is_413_in_html(sim: Any) -> None:
    answer = post(sim, b" " * (30 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "text/html"
    assert b"413 Request Entity Too Large" in answer.content


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/v3/mail/send", 405),
    ("PUT", "/v3/mail/send", 405),
    ("POST", "/v3/mail/sent", 404),
    ("GET", "/v3/mail/batch/none", 400),
])  # fmt: skip
def test_wrong_place_is_refused(sim: Any, method: str, path: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {sim.options.sendgrid_key}"}
    answer = requests.request(method, sim.url + path, headers=headers, timeout=10)
    assert answer.status_code == status


def test_batch_id_is_made_found_and_taken(sim: Any) -> None:
    client = sendgrid_client(sim)
    batch_id = json.loads(client.client.mail.batch.post().body)["batch_id"]
    found = client.client.mail.batch._(batch_id).get()
    assert json.loads(found.body) == {"batch_id": batch_id}
    assert post(sim, a_mail(batch_id=batch_id)).status_code == 202
