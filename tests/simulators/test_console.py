"""The viewer's JSON: what is listed, found, cleared, and the one-click unsubscribe."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import requests

from sandbox_shop.simulators.messages import find_links
from sandbox_shop.simulators.server import running_simulators

from .conftest import Shop, make_mail, send_sms, sendgrid_client


def get(sim: Any, path: str, **options: Any) -> requests.Response:
    return requests.get(sim.url + path, timeout=5, **options)


def test_messages_are_listed_newest_first_with_the_documented_fields(sim: Any) -> None:
    sendgrid_client(sim).send(make_mail())
    sid = send_sms(sim).sid
    sms, mail = get(sim, "/messages.json").json()
    assert (sms["id"], sms["channel"], mail["channel"]) == (sid, "sms", "email")
    expected = {
        "id", "channel", "to", "from", "subject", "text", "html", "links", "headers", "sent_at",
        "status", "events",
    }  # fmt: skip
    assert expected <= set(sms)
    assert expected <= set(mail)
    assert datetime.fromisoformat(mail["sent_at"]).tzinfo is not None
    assert mail["sent_at"] <= sms["sent_at"]


def test_list_is_narrowed_by_channel_recipient_and_number(sim: Any) -> None:
    for number in range(3):
        sendgrid_client(sim).send(make_mail(f"kim{number}@kunde.example"))
    send_sms(sim)
    assert [m["channel"] for m in get(sim, "/messages.json?channel=sms").json()] == ["sms"]
    assert len(get(sim, "/messages.json?to=kim1@kunde.example").json()) == 1
    assert len(get(sim, "/messages.json?limit=2").json()) == 2
    assert "html" not in get(sim, "/messages.json?summary=1").json()[0]
    assert get(sim, "/messages.json?limit=x").status_code == 400


def test_list_that_has_not_changed_is_304(sim: Any) -> None:
    send_sms(sim)
    etag = get(sim, "/messages.json").headers["ETag"]
    unchanged = get(sim, "/messages.json", headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    send_sms(sim)
    assert get(sim, "/messages.json", headers={"If-None-Match": etag}).status_code == 200


def test_one_message_as_json_and_as_page(sim: Any) -> None:
    message_id = sendgrid_client(sim).send(make_mail()).headers["X-Message-Id"]
    assert get(sim, f"/messages/{message_id}.json").json()["subject"] == "Ihr Warenkorb"
    page = get(sim, f"/messages/{message_id}.html")
    assert page.text.startswith("<p>Hallo</p>")
    assert "sandbox" in page.headers["Content-Security-Policy"]
    assert get(sim, "/messages/none.json").status_code == 404


def test_sms_as_page_is_escaped(sim: Any) -> None:
    sid = send_sms(sim, body="<script>alert(1)</script>").sid
    assert get(sim, f"/messages/{sid}.html").text == (
        "<pre>&lt;script&gt;alert(1)&lt;/script&gt;</pre>"
    )


@pytest.mark.parametrize("path", ["/messages", "/messages.json"])
def test_messages_are_cleared(sim: Any, path: str) -> None:
    send_sms(sim)
    assert requests.delete(sim.url + path, timeout=5).json() == {"cleared": 1}
    assert get(sim, "/messages.json").json() == []


def test_store_keeps_the_newest_only() -> None:
    with running_simulators(keep=3) as sim:
        sids = [send_sms(sim).sid for _ in range(5)]
        assert [message["id"] for message in sim.messages] == sids[:1:-1]


def test_light_mode_answers_the_same_and_keeps_nothing() -> None:
    with running_simulators(light=True) as sim:
        response = sendgrid_client(sim).send(make_mail())
        assert (response.status_code, bool(response.headers["X-Message-Id"])) == (202, True)
        assert send_sms(sim).status == "queued"
        assert requests.post(f"{sim.url}/v3/mail/send", timeout=5).status_code == 401
        assert (sim.messages, sim.requests_seen) == ([], [])
        assert sim.counts == {"sendgrid": 1, "twilio": 1}
        assert get(sim, "/stats.json").json() == {"accepted": {"sendgrid": 1, "twilio": 1}}


def test_unsubscribe_posts_as_a_mail_program_would(sim: Any, shop: Shop) -> None:
    mail = make_mail()
    mail.personalizations[0]._headers[0] = {
        "List-Unsubscribe": f"<mailto:x@shop.example>, <{shop.url}/u/token>"
    }
    message_id = sendgrid_client(sim).send(mail).headers["X-Message-Id"]
    answer = requests.post(f"{sim.url}/unsubscribe", json={"message": message_id}, timeout=5)
    assert answer.json()["status"] == 200
    ((path, headers, body),) = shop.requests
    assert (path, body) == ("/u/token", b"List-Unsubscribe=One-Click")
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Cookie" not in headers


def test_unsubscribe_without_the_header_is_400(sim: Any) -> None:
    sid = send_sms(sim).sid
    answer = requests.post(f"{sim.url}/unsubscribe", json={"message": sid}, timeout=5)
    assert answer.status_code == 400
    assert "List-Unsubscribe" in answer.json()["error"]


def test_unknown_path_and_wrong_method_say_so(sim: Any) -> None:
    assert get(sim, "/nothing").status_code == 404
    assert requests.put(f"{sim.url}/faults", timeout=5).status_code == 405
    assert requests.post(f"{sim.url}/messages/1.json", timeout=5).status_code == 405


def test_health_answers(sim: Any) -> None:
    assert get(sim, "/health").json() == {"status": "ok"}
    head = requests.head(f"{sim.url}/", timeout=5)
    assert (head.status_code, head.content) == (200, b"")


def test_webhook_calls_are_listed(sim_with_shop: Any) -> None:
    sendgrid_client(sim_with_shop).send(make_mail())
    assert sim_with_shop.wait_for_webhooks()
    listed = get(sim_with_shop, "/webhooks.json").json()
    assert listed["pending"] == 0
    assert listed["calls"][0]["status"] == 200


@pytest.mark.parametrize(
    ("html", "text", "links"),
    [
        ("", "", []),
        ("", "Siehe https://a.example/x.", ["https://a.example/x"]),
        ("", "(https://a.example/x)", ["https://a.example/x"]),
        ("", "https://a.example/x_(y)", ["https://a.example/x_(y)"]),
        ("", "„https://a.example/x“", ["https://a.example/x"]),
        ('<a href="https://a.example/?a=1&amp;b=2">x</a>', "", ["https://a.example/?a=1&b=2"]),
        ('<a href="mailto:x@y.example">x</a><a>y</a><a href="#z">z</a>', "", []),
        (
            '<a href="https://b.example/">x</a><a href="https://a.example/">y</a>',
            "https://a.example/ https://c.example/",
            ["https://b.example/", "https://a.example/", "https://c.example/"],
        ),
        ('<img src="https://a.example/x.png">', "", []),
    ],
)
def test_links_are_found_in_order(html: str, text: str, links: list[str]) -> None:
    assert find_links(html, text) == links
