"""The form "send me my basket": the same answer for everybody, and nothing without a yes."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.http import QueryDict
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone, translation

from cart_recovery.consent import wordings
from cart_recovery.consent.suppression import suppress
from cart_recovery.consent.wordings import current, publish
from cart_recovery.models import ConsentRecord, Contact, Notice, OptIn, TrackedCart
from cart_recovery.preferences import stamps
from cart_recovery.preferences.stamps import HONEYPOT, Trust, make_stamp, trust
from cart_recovery.provider_events import SuppressionReason
from tests import checkout
from tests.factories import make_consent, make_contact, make_product, make_user
from tests.preferences.conftest import PHONE, text_of

pytestmark = pytest.mark.django_db

ENGLISH = {"Accept-Language": "en", "User-Agent": "Mozilla/5.0 Firefox/140"}


def entry(channel: str = "email", where: str = "capture", **changes: Any) -> dict[str, str]:
    """What a browser sends ten seconds after the form was shown."""
    values = {
        "where": where, "channel": channel, "wording": str(current(f"{where}-{channel}", "en").pk),
        "page": "/basket/", "stamp": make_stamp(timezone.now() - dt.timedelta(seconds=10)),
        HONEYPOT: "", "agree": "yes",
        "address": "neu@example.de" if channel == "email" else "0151 12345678",
    } | changes  # fmt: skip
    return {key: value for key, value in values.items() if value is not None}


@pytest.fixture
def shopper() -> Client:
    """A browser with something in the basket."""
    client = Client(headers=ENGLISH)
    checkout.add_to_basket(client, make_product())
    return client


def send(client: Client, **kwargs: Any) -> Any:
    return client.post(reverse("cart_recovery:capture"), entry(**kwargs))


# --- the tag --------------------------------------------------------------------------------------


def render(source: str, language: str = "en", **context: Any) -> str:
    request = RequestFactory().get("/basket/")
    with translation.override(language):
        template = Template("{% load cart_recovery %}" + source)
        return template.render(Context({"request": request, "csrf_token": "tok", **context}))


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_form_is_plain_and_unticked(language: str) -> None:
    html = render("{% recovery_capture %}", language)
    assert html.count("<form") == 2
    assert html.count('type="checkbox"') == 2
    assert "checked" not in html
    assert "<script" not in html
    assert 'value="tok"' in html
    assert 'name="page" value="/basket/"' in html
    for channel, kind in (("email", "email"), ("sms", "tel")):
        wording = current(f"capture-{channel}", language)
        assert wording.text in html
        assert f'name="wording" value="{wording.pk}"' in html
        assert f'type="{kind}"' in html
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_only_what_is_configured_and_worded_is_offered(settings: Any) -> None:
    assert render('{% recovery_capture channels="sms" %}').count("<form") == 1
    assert render('{% recovery_capture channels="fax" %}').count("<form") == 0
    footer = render('{% recovery_capture where="footer" %}')
    assert footer.count("<form") == 1
    assert current("footer-email", "en").text in footer
    channels = settings.CART_RECOVERY["CHANNELS"]
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "CHANNELS": {"sms": channels["sms"]}}
    assert 'type="email"' not in render("{% recovery_capture %}")


# --- good entries ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("channel", "address"), [("email", "neu@example.de"), ("sms", PHONE)])
def test_an_address_is_asked_and_the_cart_gets_its_contact(
    shopper: Client, channel: str, address: str
) -> None:
    response = send(shopper, channel=channel)
    assert response.status_code == 200
    assert 'role="status"' in text_of(response)
    assert 'href="/basket/"' in text_of(response)
    contact = Contact.objects.get()
    assert contact.address_for("phone" if channel == "sms" else "email") == address
    cart = TrackedCart.objects.get()
    assert cart.contact == contact
    opt_in = OptIn.objects.get()
    assert (opt_in.contact, opt_in.basket_id, opt_in.channel) == (contact, cart.basket_id, channel)
    assert (opt_in.source, opt_in.source_url) == ("capture", "https://shop.example/basket/")
    assert opt_in.wording == current(f"capture-{channel}", "en")
    assert Notice.objects.get().opt_in == opt_in
    # a box alone permits nothing here
    assert not ConsentRecord.objects.filter(action="granted").exists()


def test_the_footer_asks_for_offers(shopper: Client) -> None:
    send(shopper, where="footer")
    assert OptIn.objects.get().purposes == ["promotion"]


def test_a_customer_gets_the_number_into_the_account(shopper: Client) -> None:
    user = make_user("kunde@example.de")
    shopper.force_login(user)
    send(shopper, channel="sms")
    contact = Contact.objects.get(user=user)
    assert (contact.email, contact.address_for("phone")) == ("kunde@example.de", PHONE)
    assert OptIn.objects.get().contact == contact


def test_a_strangers_address_is_not_tied_to_a_customers_account(shopper: Client) -> None:
    user = make_user("kunde@example.de")
    shopper.force_login(user)
    send(shopper, address="fremd@example.de")
    assert OptIn.objects.get().contact.user is None
    assert Contact.objects.get(user=user).email == "kunde@example.de"


# --- the same answer for everybody ------------------------------------------------------------------


def test_the_answer_is_the_same_for_known_unknown_blocked_and_tired_addresses(
    shopper: Client,
) -> None:
    make_consent(make_contact("bekannt@example.de"))
    make_contact("gesperrt@example.de")
    suppress(
        "email", "email", "gesperrt@example.de", reason=SuppressionReason.COMPLAINT, source="t"
    )
    answers = {
        send(shopper, address=address).content
        for address in (
            "neu@example.de", "bekannt@example.de", "gesperrt@example.de", *["oft@example.de"] * 8
        )
    }  # fmt: skip
    assert len(answers) == 1


def test_an_address_is_not_asked_again_and_again_by_many_networks(shopper: Client) -> None:
    for n in range(12):
        response = shopper.post(
            reverse("cart_recovery:capture"), entry(address="oft@example.de"),
            REMOTE_ADDR=f"192.0.2.{n}",
        )  # fmt: skip
        assert response.status_code == 200
    assert Notice.objects.count() <= 3


# --- bad entries ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"address": ""}, "Please fill in"),
        ({"address": "kein@"}, "no e-mail address"),
        ({"address": "anna@exаmple.de"}, "alphabets"),
        ({"address": "noreply@example.de"}, "Nobody reads"),
        ({"agree": None}, "tick the box"),
        ({"agree": "no"}, "tick the box"),
        ({"channel": "sms", "address": "030 123456"}, "cannot receive text messages"),
        ({"channel": "sms", "address": "12"}, "no phone number"),
        ({"channel": "sms", "agree": None}, "tick the box"),
        ({"stamp": ""}, "send it once more"),
        ({"stamp": "1.x"}, "send it once more"),
        ({"stamp": "now"}, "send it once more"),
        ({"stamp": "old"}, "send it once more"),
        ({"wording": "999999"}, "send it once more"),
        ({"wording": "x"}, "send it once more"),
    ],
)
def test_a_bad_entry_comes_back_with_the_reason_and_what_was_typed(
    shopper: Client, changes: dict[str, Any], words: str
) -> None:
    ages = {"now": dt.timedelta(), "old": dt.timedelta(hours=25)}
    if changes.get("stamp") in ages:
        changes = {"stamp": make_stamp(timezone.now() - ages[changes["stamp"]])}
    response = send(shopper, **changes)
    page = text_of(response)
    assert response.status_code == 400
    assert words in page
    typed = entry(**changes).get("address", "")
    assert f'name="address" value="{typed}"' in page
    assert not OptIn.objects.exists()
    assert not Contact.objects.exists()
    # what comes back can be sent after a moment
    stamp = re.search(r'name="stamp" value="([^"]+)"', page)
    wording = re.search(r'name="wording" value="(\d+)"', page)
    assert stamp
    assert wording
    assert int(wording[1]) == current(f"capture-{entry(**changes)['channel']}", "en").pk


def test_a_replaced_wording_is_shown_anew_and_not_agreed_to_unseen(
    shopper: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = entry()
    publish("capture-email", "en", channel="email", purposes=["promotion"], text="New text.")
    later = timezone.now() + wordings.GRACE + dt.timedelta(minutes=1)
    monkeypatch.setattr(wordings.timezone, "now", lambda: later)
    old["stamp"] = make_stamp(later - dt.timedelta(seconds=10))
    response = shopper.post(reverse("cart_recovery:capture"), old)
    page = text_of(response)
    assert response.status_code == 400
    assert "New text." in page
    assert "checked" not in page
    assert not OptIn.objects.exists()


@pytest.mark.parametrize(
    "changes", [{"channel": None}, {"channel": "fax"}, {"channel": "fax", "where": "../x"}]
)
def test_what_is_no_form_of_ours_is_told_so(shopper: Client, changes: dict[str, Any]) -> None:
    data = {key: value for key, value in {**entry(), **changes}.items() if value is not None}
    response = shopper.post(reverse("cart_recovery:capture"), data)
    assert response.status_code == 400
    assert "could be read" in text_of(response)


def test_a_program_that_fills_in_everything_is_thanked_and_ignored(shopper: Client) -> None:
    good = send(shopper, address="mensch@example.de")
    OptIn.objects.all().delete()
    response = send(shopper, address="opfer@example.de", **{HONEYPOT: "https://spam.example"})
    assert response.content == good.content
    assert not OptIn.objects.exists()


def test_bodies_that_are_too_large_or_of_another_kind_are_refused(shopper: Client) -> None:
    assert send(shopper, note="x" * 20_000).status_code == 413
    url = reverse("cart_recovery:capture")
    assert shopper.generic("POST", url, "{}", content_type="application/json").status_code == 415
    assert shopper.put(url).status_code == 405
    assert shopper.get(url).status_code == 200


@pytest.mark.parametrize(
    "page", ["//evil.example/", "https://evil.example/", "javascript:x", "/a b", ""]
)
def test_the_way_back_leads_to_this_shop_only(shopper: Client, page: str) -> None:
    response = send(shopper, page=page)
    assert response.status_code == 200
    assert 'class="cr-button cr-button--quiet" href="/"' in text_of(response)


def test_a_form_without_its_cookie_comes_back_filled_in() -> None:
    client = Client(enforce_csrf_checks=True, headers=ENGLISH)
    url = reverse("cart_recovery:capture")
    response = client.post(url, entry())
    page = text_of(response)
    assert response.status_code == 403
    assert 'name="address" value="neu@example.de"' in page
    assert not OptIn.objects.exists()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    assert client.post(url, entry(csrfmiddlewaretoken=token[1])).status_code == 200
    assert OptIn.objects.count() == 1


def test_a_network_that_sends_too_often_has_to_wait(shopper: Client, settings: Any) -> None:
    settings.CART_RECOVERY = {
        **settings.CART_RECOVERY,
        "FORM_RATE_LIMITS": {"capture": {"client": (2, dt.timedelta(minutes=5))}},
    }
    statuses = [send(shopper, address=f"a{n}@example.de").status_code for n in range(3)]
    assert statuses == [200, 200, 429]
    refused = send(shopper)
    assert 0 < int(refused["Retry-After"]) <= 300
    assert OptIn.objects.count() == 2


@pytest.mark.parametrize(
    ("age", "expected"),
    [(0, Trust.STALE), (1.9, Trust.STALE), (2.1, Trust.GOOD), (86_000, Trust.GOOD),
     (86_500, Trust.STALE), (-60, Trust.STALE)],
)  # fmt: skip
def test_a_person_takes_some_seconds_and_at_most_a_day(age: float, expected: Trust) -> None:
    now = timezone.now()
    data = QueryDict(mutable=True)
    data[stamps.STAMP] = make_stamp(now - dt.timedelta(seconds=age))
    assert trust(data, now) is expected
