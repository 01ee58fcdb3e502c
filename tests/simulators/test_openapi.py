"""The providers' own documents as judges of the requests and of the simulators' answers.

They are not part of this repository: ``CART_RECOVERY_SPECS`` names the folder that holds them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from .conftest import PHONE, make_mail, send_sms, sendgrid_client, twilio_client

SPECS = Path(
    os.environ.get("CART_RECOVERY_SPECS")
    or Path(__file__).resolve().parents[3] / "shared" / "specs"
)
pytestmark = pytest.mark.skipif(
    not SPECS.is_dir(), reason="the providers' OpenAPI documents are not here (CART_RECOVERY_SPECS)"
)
MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
MESSAGE = "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json"


@pytest.fixture(scope="module")
def sendgrid_document() -> OpenAPI:
    document = json.loads((SPECS / "sendgrid_mail_v3.json").read_text("utf-8"))
    # faults of the document: the real answers carry null for field and help (the document says
    # "nullable", which OpenAPI 3.1 no longer knows, and takes help for an object)
    error = document["components"]["schemas"]["ErrorResponse"]["properties"]["errors"]
    error["items"]["properties"]["field"] = {"type": ["string", "null"]}
    error["items"]["properties"]["help"] = {"type": ["string", "object", "null"]}
    return OpenAPI.from_dict(document)


@pytest.fixture(scope="module")
def twilio_document() -> OpenAPI:
    document = json.loads((SPECS / "twilio_messages_v2010.json").read_text("utf-8"))
    document["paths"] = {path: document["paths"][path] for path in (MESSAGES, MESSAGE)}
    return OpenAPI.from_dict(document)


def asked(seen: Any, host: str, pattern: str = "", **view: str) -> MockRequest:
    """The recorded request in the words of the validator."""
    headers = {name.title(): value for name, value in seen.request.headers.items()}
    return MockRequest(
        host,
        seen.request.method,
        seen.request.path,
        path_pattern=pattern or seen.request.path,
        view_args=view,
        args={name: values[0] for name, values in parse_qs(seen.request.query).items()},
        headers=headers,
        data=seen.request.body,
        content_type=seen.request.content_type or "application/json",
    )


def answered(seen: Any) -> MockResponse:
    kind = seen.response.headers.get("Content-Type", "application/json")
    return MockResponse(
        seen.response.body, seen.response.status, seen.response.headers, content_type=kind
    )


def test_mail_of_the_library_and_its_answer_fit_the_document(
    sim: Any, sendgrid_document: OpenAPI
) -> None:
    sendgrid_client(sim).send(make_mail())
    (seen,) = sim.requests_seen
    request = asked(seen, "https://api.sendgrid.com")
    sendgrid_document.validate_request(request)
    sendgrid_document.validate_response(request, answered(seen))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 500])
def test_sendgrids_errors_fit_the_document(
    sim: Any, sendgrid_document: OpenAPI, status: int
) -> None:
    sim.set_fault("status", status=status)
    requests.post(f"{sim.url}/v3/mail/send", timeout=5)
    (seen,) = sim.requests_seen
    request = asked(seen, "https://api.sendgrid.com")
    sendgrid_document.validate_response(request, answered(seen))


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"personalizations": "x"},
        {"personalizations": [{}]},
        {"personalizations": [{"to": [{"email": "a@b.example"}]}] * 1001},
        {"personalizations": [{"to": [{"name": "x"}]}]},
        {"from": {"name": "x"}},
        {"subject": ""},
        {"content": [{"type": "text/plain"}]},
        {"categories": ["x"] * 2},
        {"categories": ["x" * 256]},
        {"send_at": "soon"},
        {"ip_pool_name": "x"},
        {"tracking_settings": {"click_tracking": {"enable": "no"}}},
        {"attachments": [{"content": "eA=="}]},
    ],
)
def test_what_the_document_forbids_the_simulator_refuses(
    sim: Any, sendgrid_document: OpenAPI, wrong: dict[str, Any]
) -> None:
    good = make_mail().get()
    body = {**good, **wrong} if wrong else {}
    headers = {"Authorization": f"Bearer {sim.options.sendgrid_key}"}
    answer = requests.post(f"{sim.url}/v3/mail/send", json=body, headers=headers, timeout=5)
    assert answer.status_code == 400
    (seen,) = sim.requests_seen
    request = asked(seen, "https://api.sendgrid.com")
    with pytest.raises(OpenAPIError):
        sendgrid_document.validate_request(request)
    sendgrid_document.validate_response(request, answered(seen))


def test_batch_answers_fit_the_document(sim: Any, sendgrid_document: OpenAPI) -> None:
    client = sendgrid_client(sim)
    batch_id = json.loads(client.client.mail.batch.post().body)["batch_id"]
    client.client.mail.batch._(batch_id).get()
    made, found = sim.requests_seen
    request = asked(made, "https://api.sendgrid.com")
    sendgrid_document.validate_response(request, answered(made))
    request = asked(
        found, "https://api.sendgrid.com", "/v3/mail/batch/{batch_id}", batch_id=batch_id
    )
    sendgrid_document.validate_response(request, answered(found))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"status_callback": "https://shop.example/hook?message=1", "validity_period": 14_400},
        {"from_": "Probeladen", "smart_encoded": True},
        {"from_": None, "messaging_service_sid": "MG" + "a" * 32},
        {"media_url": ["https://shop.example/a.png"]},
    ],
)
def test_sms_of_the_library_and_its_answer_fit_the_document(
    sim: Any, twilio_document: OpenAPI, options: dict[str, Any]
) -> None:
    send_sms(sim, **options)
    (seen,) = sim.requests_seen
    account = sim.options.account_sid
    request = asked(seen, "https://api.twilio.com", MESSAGES, AccountSid=account)
    twilio_document.validate_request(request)
    twilio_document.validate_response(request, answered(seen))


def test_fetched_and_listed_messages_fit_the_document(sim: Any, twilio_document: OpenAPI) -> None:
    sid, account = send_sms(sim).sid, sim.options.account_sid
    messages = twilio_client(sim).messages
    messages(sid).fetch()
    messages.list(to=PHONE)
    _, fetched, listed = sim.requests_seen
    request = asked(fetched, "https://api.twilio.com", MESSAGE, AccountSid=account, Sid=sid)
    twilio_document.validate_response(request, answered(fetched))
    request = asked(listed, "https://api.twilio.com", MESSAGES, AccountSid=account)
    twilio_document.validate_response(request, answered(listed))
