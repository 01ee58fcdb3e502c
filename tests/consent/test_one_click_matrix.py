"""The one-click POST under everything that makes shops redirect, all at once (RFC 8058, PROVIDERS §1.1)."""

from __future__ import annotations

import itertools
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from cart_recovery.consent.unsubscribe import headers, preferences_url, unsubscribe_url
from cart_recovery.models import ConsentState
from tests.consent.words import say
from tests.factories import make_contact

pytestmark = pytest.mark.django_db

BOUNDARY = "----mailbox"
BODIES = {
    "application/x-www-form-urlencoded": "List-Unsubscribe=One-Click",
    f"multipart/form-data; boundary={BOUNDARY}": (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
        f"One-Click\r\n--{BOUNDARY}--\r\n"
    ),
}
MATRIX = list(
    itertools.product(
        ("tests.urls", "tests.consent.prefixed_urls"), (True, False), (True, False), (True, False)
    )
)


def configure(settings: Any, urlconf: str, *, slash: bool, ssl: bool, www: bool) -> str:
    """A shop with these settings, and its host."""
    settings.ROOT_URLCONF = urlconf
    settings.APPEND_SLASH = slash
    settings.SECURE_SSL_REDIRECT = ssl
    settings.PREPEND_WWW = www
    host = "www.shop.example" if www else "shop.example"
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "PUBLIC_BASE_URL": f"https://{host}"}
    return host


@pytest.mark.parametrize(("urlconf", "slash", "ssl", "www"), MATRIX)
@pytest.mark.parametrize("content_type", BODIES)
def test_one_click_is_done_in_one_request(
    settings: Any, urlconf: str, *, slash: bool, ssl: bool, www: bool, content_type: str
) -> None:
    host = configure(settings, urlconf, slash=slash, ssl=ssl, www=www)
    contact = make_contact()
    say(contact, "granted")
    sent = headers(unsubscribe_url(contact.pk, "email", "cart_reminder", "de"))
    url = urlsplit(sent["List-Unsubscribe"].strip("<>"))
    assert (url.scheme, url.netloc) == ("https", host)

    mailbox = Client(enforce_csrf_checks=True, headers={"Host": host})
    response = mailbox.generic(
        "POST", f"{url.path}?{url.query}", BODIES[content_type], content_type=content_type,
        secure=True,
    )  # fmt: skip

    assert response.status_code == 200
    assert not response.cookies
    assert ConsentState.objects.get(purpose="cart_reminder").action == "withdrawn"


@pytest.mark.parametrize(("urlconf", "slash", "ssl", "www"), MATRIX)
def test_the_preference_centre_needs_no_redirect_either(
    settings: Any, urlconf: str, *, slash: bool, ssl: bool, www: bool
) -> None:
    host = configure(settings, urlconf, slash=slash, ssl=ssl, www=www)
    contact = make_contact()
    say(contact, "granted")
    url = urlsplit(preferences_url(contact.pk, "email", "cart_reminder", "de"))
    browser = Client(enforce_csrf_checks=True, headers={"Host": host})
    for trailing in ("", "/"):
        path = f"{url.path}{trailing}?{url.query}"
        assert browser.get(path, secure=True).status_code == 200
        assert browser.post(path, {"action": "all_off"}, secure=True).status_code == 200


def test_plain_http_is_redirected_only_where_the_shop_says_so(settings: Any) -> None:
    """Hence PUBLIC_BASE_URL with https, see docs/owners/production.md: the link is then never http."""
    configure(settings, "tests.urls", slash=True, ssl=True, www=False)
    contact = make_contact()
    url = unsubscribe_url(contact.pk, "email", "cart_reminder", "de")
    path = url.removeprefix("https://shop.example")
    assert url.startswith("https://")
    assert Client().post(path).status_code == 301
    settings.SECURE_SSL_REDIRECT = False
    assert Client().post(path).status_code == 200
