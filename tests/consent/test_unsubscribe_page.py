from __future__ import annotations

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from cart_recovery.consent import permissions
from cart_recovery.consent.unsubscribe import headers, unsubscribe_token, unsubscribe_url
from cart_recovery.models import ConsentRecord, ConsentState, Contact, Purpose
from tests.consent.words import say
from tests.factories import make_contact, make_user

pytestmark = pytest.mark.django_db

ONE_CLICK = "List-Unsubscribe=One-Click"
BOUNDARY = "----mailbox"
MULTIPART = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
    f"One-Click\r\n--{BOUNDARY}--\r\n"
)
BODIES = [
    (ONE_CLICK, "application/x-www-form-urlencoded"),
    (MULTIPART, f"multipart/form-data; boundary={BOUNDARY}"),
]
ALL = tuple(Purpose.values)


@pytest.fixture
def contact():
    """Someone who agreed to everything by e-mail and by SMS."""
    contact = make_contact("mensch@example.de", phone="+4915112345678")
    say(contact, "granted", purposes=ALL)
    say(contact, "granted", channel="sms", purposes=ALL)
    return contact


@pytest.fixture
def client():
    """A mailbox provider: no cookies, and CSRF protection fully on."""
    return Client(enforce_csrf_checks=True)


def link(contact: Contact, channel: str = "email", purpose: str = "cart_reminder") -> str:
    return unsubscribe_url(contact.pk, channel, purpose, "de").removeprefix("https://shop.example")


def granted(contact: Contact) -> set[tuple[str, str]]:
    loaded = permissions.load([contact.pk])
    kinds = {"email": "email", "sms": "phone"}
    return {
        (channel, purpose)
        for channel, kind in kinds.items()
        for purpose in ALL
        if loaded.is_granted(contact, channel, purpose, kind)
    }


def everything(*channels: str) -> set[tuple[str, str]]:
    return {(channel, purpose) for channel in channels for purpose in ALL}


# --- looking --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_nothing_changes_when_a_scanner_looks_twice(client, contact, method, assert_rows_unchanged):
    for channel in ("email", "sms"):
        for purpose in ALL:
            url = link(contact, channel, purpose)
            with assert_rows_unchanged():
                for _ in range(2):
                    assert getattr(client, method)(url).status_code == 200


def test_the_page_reads_no_row_when_looked_at(client, contact, django_assert_num_queries):
    url = link(contact)
    # the savepoint of ATOMIC_REQUESTS and its release
    with django_assert_num_queries(2):
        client.get(url)


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_page_is_kept_nowhere_and_tells_nobody_when_shown(client, contact, method):
    response = getattr(client, method)(link(contact))
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["Cache-Control"] == "no-store"
    assert "noindex" in response["X-Robots-Tag"]
    assert not response.cookies
    page = response.content.decode()
    assert 'name="referrer" content="no-referrer"' in page
    for secret in ("mensch@example.de", "mensch", "15112345678"):
        assert secret not in page


def test_the_page_says_the_same_of_everyone_when_shown(client, contact):
    """Whether someone ever agreed to anything, or exists at all, is not for the page to tell."""
    stranger = make_contact(phone=None)
    pages = set()
    for person in (contact, stranger, Contact(pk=99999)):
        # the link onward has the same token as the page's own address
        token = unsubscribe_token(person.pk, "email", "cart_reminder")
        pages.add(client.get(link(person)).content.decode().replace(token, "TOKEN"))
    assert len(pages) == 1


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_page_speaks_the_language_of_the_message_when_the_browser_has_another(
    client, contact, language
):
    other = {"de": "en", "en": "de"}[language]
    url = unsubscribe_url(contact.pk, "email", "cart_reminder", language)
    response = client.get(url, headers={"Accept-Language": other})
    assert f'<html lang="{language}"' in response.content.decode()
    assert response["Content-Language"] == language


@pytest.mark.parametrize("query", ["", "?l=", "?l=tlh", "?l=../../etc", "?l=" + "x" * 999])
def test_the_page_speaks_the_browsers_language_when_the_link_names_none(client, contact, query):
    token = unsubscribe_token(contact.pk, "email", "cart_reminder")
    url = reverse("cart_recovery:unsubscribe", args=[token]) + query
    response = client.get(url, headers={"Accept-Language": "en"})
    assert (response.status_code, response["Content-Language"]) == (200, "en")


# --- one click ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "content_type"), BODIES)
@pytest.mark.parametrize("slash", ["", "/"])
def test_one_click_withdraws_at_once_when_a_mailbox_posts(
    client, contact, body, content_type, slash
):
    path, _, query = link(contact).partition("?")
    response = client.generic("POST", f"{path}{slash}?{query}", body, content_type=content_type)

    assert response.status_code == 200
    assert granted(contact) == everything("sms") | {("email", "order_status")}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("", "application/x-www-form-urlencoded"),
        ("", ""),
        ("{}", "application/json"),
        ("List-Unsubscribe=One-Click", "text/plain"),
        ("scope=nonsense", "application/x-www-form-urlencoded"),
        ("no boundary at all", "multipart/form-data"),
        ("--x\r\nbroken", "multipart/form-data; boundary=x"),
        ("a=%ff%fe&b=\x00", "application/x-www-form-urlencoded; charset=utf-16"),
        ("x=" + "y" * 3_000_000, "application/x-www-form-urlencoded"),
        ("&".join(f"f{n}=1" for n in range(2000)), "application/x-www-form-urlencoded"),
    ],
)
def test_one_click_withdraws_when_the_body_makes_no_sense(client, contact, body, content_type):
    response = client.generic("POST", link(contact), body, content_type=content_type)
    assert response.status_code == 200
    assert ("email", "cart_reminder") not in granted(contact)


@pytest.mark.parametrize(
    ("settings", "request_kwargs"),
    [
        ({"APPEND_SLASH": True}, {}),
        ({"APPEND_SLASH": False}, {}),
        ({"SECURE_SSL_REDIRECT": True}, {"secure": True}),
        (
            {
                "SECURE_SSL_REDIRECT": True,
                "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
            },
            {"headers": {"X-Forwarded-Proto": "https"}},
        ),
        ({"PREPEND_WWW": True}, {"headers": {"Host": "www.shop.example"}}),
        ({"ROOT_URLCONF": "tests.consent.prefixed_urls"}, {}),
        (
            {"ROOT_URLCONF": "tests.consent.prefixed_urls", "APPEND_SLASH": True},
            {"headers": {"Accept-Language": "en"}},
        ),
        ({"CSRF_USE_SESSIONS": True}, {}),
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_one_click_is_answered_without_redirect_when_the_shop_redirects_elsewhere(
    client, contact, settings, request_kwargs, slash
):
    with override_settings(**settings):
        path, _, query = link(contact).partition("?")
        url = f"{path}{slash}?{query}"
        content_type = "application/x-www-form-urlencoded"
        response = client.generic(
            "POST", url, ONE_CLICK, content_type=content_type, **request_kwargs
        )
        assert client.get(url, **request_kwargs).status_code == 200
    assert response.status_code == 200
    assert ("email", "cart_reminder") not in granted(contact)


def test_the_link_carries_the_language_prefix_when_the_shop_uses_one(contact):
    with override_settings(ROOT_URLCONF="tests.consent.prefixed_urls"):
        for language in ("de", "en"):
            url = unsubscribe_url(contact.pk, "email", "cart_reminder", language)
            assert url.startswith(f"https://shop.example/{language}/recovery/u/")


def test_one_click_is_recorded_with_its_page_but_not_its_token_when_posted(client, contact):
    client.post(link(contact))
    record = ConsentRecord.objects.latest("pk")
    assert (record.action, record.source) == ("withdrawn", "unsubscribe")
    assert record.source_url == "/recovery/u/"


def test_nothing_more_is_written_when_a_mailbox_repeats_the_click(client, contact):
    for _ in range(3):
        assert client.post(link(contact)).status_code == 200
    assert ConsentRecord.objects.filter(action="withdrawn").count() == 5


# --- choosing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "gone"),
    [
        ("kind", {("email", "cart_reminder")}),
        ("channel", everything("email") - {("email", "order_status")}),
        (
            "everything",
            everything("email", "sms") - {("email", "order_status"), ("sms", "order_status")},
        ),
    ],
)
def test_just_what_was_chosen_is_withdrawn_when_a_button_is_pressed(client, contact, scope, gone):
    response = client.post(link(contact), {"scope": scope})
    assert response.status_code == 200
    assert granted(contact) == everything("email", "sms") - gone


def test_news_of_orders_end_when_the_message_was_one(client, contact):
    client.post(link(contact, "sms", "order_status"))
    assert granted(contact) == everything("email")


def test_someone_without_any_consent_may_object_too(client):
    stranger = make_contact()
    assert client.post(link(stranger)).status_code == 200
    assert set(ConsentState.objects.values_list("action", flat=True)) == {"withdrawn"}


def test_the_page_offers_more_but_no_way_back_when_something_was_unsubscribed(client, contact):
    kind = client.post(link(contact), {"scope": "kind"}).content.decode()
    channel = client.post(link(contact), {"scope": "channel"}).content.decode()
    everything_gone = client.post(link(contact), {"scope": "everything"}).content.decode()
    assert 'value="channel"' in kind
    assert 'value="everything"' in kind
    assert 'value="everything"' in channel
    assert 'value="channel"' not in channel
    assert "<form" not in everything_gone


# --- who is gone ----------------------------------------------------------------------------------


def test_the_link_still_answers_when_the_account_was_deleted(client):
    user = make_user()
    contact = make_contact(user=user)
    say(contact, "granted")
    url = link(contact)
    user.delete()
    assert client.post(url).status_code == 200
    assert granted(Contact.objects.get(pk=contact.pk)) == set()


def test_the_link_still_answers_when_the_contact_is_gone(client):
    contact = make_contact()
    url = link(contact)
    contact.delete()
    assert client.get(url).status_code == 200
    assert client.post(url).status_code == 200


def test_the_link_still_works_when_the_contact_was_merged(client, contact):
    from cart_recovery.contacts.identities import merge

    winner = make_contact()
    say(winner, "granted")
    url = link(contact)
    merge(winner, contact)
    assert client.post(url).status_code == 200
    assert ("email", "cart_reminder") not in granted(Contact.objects.get(pk=winner.pk))


# --- links that are none --------------------------------------------------------------------------


def broken_tokens(contact: Contact) -> list[str]:
    token = unsubscribe_token(contact.pk, "email", "cart_reminder")
    other = unsubscribe_token(contact.pk + 1, "email", "cart_reminder")
    payload, signature = token.split(".")
    swapped = f"{payload}.{other.split('.')[1]}"
    case = signature.swapcase()
    return [
        "", "x", ".", token[:-1], token[1:], token[:-2] + "AA", swapped, f"{payload}.{case}",
        payload, f"{payload}.", f".{signature}", token * 2, "a" * 5000, token.upper(), "ä€😀",
        f"{payload}x.{signature}", "%00", "..", "'--",
    ]  # fmt: skip


@pytest.mark.parametrize("method", ["get", "head", "post"])
def test_a_friendly_page_says_nothing_when_the_token_is_not_ours(
    client, contact, method, assert_rows_unchanged
):
    base = link(contact).partition("/u/")[0]
    with assert_rows_unchanged():
        for token in broken_tokens(contact):
            response = getattr(client, method)(f"{base}/u/{token}")
            assert response.status_code == 404, token
            assert response["Cache-Control"] == "no-store"
            if method != "head":
                assert 'class="cr-card"' in response.content.decode()
                assert "mensch@" not in response.content.decode()


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused_when_used(client, contact, method):
    assert getattr(client, method)(link(contact)).status_code == 405
    assert ("email", "cart_reminder") in granted(contact)


# --- headers --------------------------------------------------------------------------------------


def test_the_headers_are_those_of_the_standard_when_built(contact):
    url = unsubscribe_url(contact.pk, "email", "cart_reminder", "de")
    assert headers(url) == {
        "List-Unsubscribe": f"<{url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert url.startswith("https://shop.example/")
