"""Tokens and pages: who may look, who may act, and what a link gives away."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oscar.core.loading import get_model

from cart_recovery import models
from cart_recovery.exceptions import InvalidTokenError
from cart_recovery.restore_links import tokens
from cart_recovery.restore_links.tokens import (
    ExpiredTokenError,
    LinkRequest,
    create_links,
    find_link,
    restore_url,
)
from tests import factories
from tests.pages import words
from tests.restore_links import kit

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def everything():
    """Number of rows of every table: what a page that changes nothing leaves as it is."""
    from django.apps import apps

    return {m._meta.label: m._base_manager.count() for m in apps.get_models() if m._meta.managed}


# --- tokens ---------------------------------------------------------------------------------------


def test_a_token_is_long_enough_and_only_its_hash_is_stored():
    token = kit.make_link(factories.make_basket(factories.make_product()))
    assert re.fullmatch(r"[A-Za-z0-9_-]{12}", token)
    stored = models.RestoreLink.objects.values().get()
    assert token not in str(stored)
    assert find_link(token, NOW).pk == stored["id"]


def test_tokens_never_begin_or_end_with_what_phones_drop():
    made = {tokens.new_token() for _ in range(2000)}
    assert len(made) == 2000
    assert all(t[0].isalnum() and t[-1].isalnum() for t in made)


def test_a_token_that_exists_already_is_drawn_again(monkeypatch):
    first = kit.make_link(factories.make_basket(factories.make_product()))
    drawn = iter([first, "fresh0000001"])
    monkeypatch.setattr(tokens, "new_token", lambda: next(drawn))
    assert kit.make_link(factories.make_basket(factories.make_product())) == "fresh0000001"


def test_500_links_take_as_many_statements_as_two():
    counts = []
    for size in (2, 500):
        contact, product = factories.make_contact(), factories.make_product()
        items = []
        for _ in range(size):
            cart = factories.make_cart(factories.make_basket(product), contact)
            items.append(LinkRequest(size * 1000 + len(items), contact.pk, cart.pk))
        items = [LinkRequest(factories.make_followup().pk, i.contact_id, i.cart_id) for i in items]
        with CaptureQueriesContext(connection) as queries:
            made = create_links(items, NOW)
        assert len(set(made.values())) == size
        # SQLite splits a large INSERT by its number of variables
        counts.append(len({q["sql"].split("VALUES")[0].split(" IN (")[0] for q in queries}))
    assert counts[0] == counts[1]


def test_the_url_is_absolute_short_and_leads_to_the_page(client):
    token = kit.make_link(factories.make_basket(factories.make_product()))
    url = restore_url(token, "de")
    assert url == f"https://shop.example/recovery/r/{token}"
    assert client.get(url.removeprefix("https://shop.example")).status_code == 200


@pytest.mark.parametrize("tail", ["", "/", ".", ").", ",", "!", "»", "%20", "/."])
def test_what_clings_to_a_link_does_no_harm(client, tail):
    token = kit.make_link(factories.make_basket(factories.make_product()))
    response = client.get(f"/recovery/r/{token}{tail}")
    assert response.status_code == 200


@pytest.mark.parametrize(
    "make",
    [
        lambda t: t[:-1], lambda t: t[:6], lambda t: t + t, lambda t: f"{t}/{t}", lambda t: "",
        lambda t: t.swapcase(), lambda t: t[::-1], lambda t: t + "x", lambda t: "A" * 12,
        lambda t: "../admin", lambda t: "%00", lambda t: "x" * 3000, lambda t: "ÄÖÜäöü", lambda t: f"{t}?",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["get", "head", "post"])
def test_a_token_that_is_not_ours_gets_a_friendly_page_and_nothing_else(client, make, method):
    token = kit.make_link(factories.make_basket(factories.make_product(title="Teekanne")))
    wrong = make(token)
    if wrong.rstrip("?") == token:
        return
    before = everything()
    response = getattr(client, method)(f"/recovery/r/{wrong}")
    assert response.status_code == 404
    assert "Teekanne" not in response.content.decode()
    if method != "head":
        assert 'href="/"' in response.content.decode()
    assert everything() == before


def test_an_expired_link_says_so_and_does_nothing(client):
    token = kit.make_link(factories.make_basket(factories.make_product(title="Teekanne")))
    models.RestoreLink.objects.update(expires_at=NOW - dt.timedelta(seconds=1))
    with pytest.raises(ExpiredTokenError):
        find_link(token, NOW)
    for response in (client.get(kit.link_path(token)), client.post(kit.link_path(token))):
        assert response.status_code == 410
        assert "abgelaufen" in words(response) or "expired" in words(response)
        assert "Teekanne" not in words(response)
    assert kit.holding(client) == {}


def test_the_lifetime_is_the_settings(settings):
    settings.CART_RECOVERY = {
        **settings.CART_RECOVERY,
        "RESTORE_LINK_LIFETIME": dt.timedelta(hours=1),
    }
    token = kit.make_link(factories.make_basket(factories.make_product()))
    made_at = models.RestoreLink.objects.get().created_at
    find_link(token, made_at + dt.timedelta(minutes=59))
    with pytest.raises(InvalidTokenError):
        find_link(token, made_at + dt.timedelta(minutes=61))
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "RESTORE_LINK_LIFETIME": 3600}
    with pytest.raises(ImproperlyConfigured):
        kit.make_link(factories.make_basket(factories.make_product()))


# --- looking ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_member", [False, True])
def test_looking_changes_nothing_however_often(client, is_member):
    token = kit.make_link(factories.make_basket(factories.make_product(title="Teekanne")))
    if is_member:
        client.force_login(factories.make_user())
    before = everything()
    link = models.RestoreLink.objects.values().get()
    for _ in range(2):
        shown = kit.show(client, token)
        assert shown.status_code == 200
        assert client.head(kit.link_path(token)).status_code == 200
        assert client.options(kit.link_path(token)).status_code == 200
    assert everything() == before
    assert models.RestoreLink.objects.values().get() == link
    assert "sessionid" not in shown.cookies
    assert "oscar_open_basket" not in shown.cookies


def test_the_page_says_what_will_happen_and_nothing_about_the_person(client):
    user = factories.make_user("erika@example.de", first_name="Erika", last_name="Mustermann")
    contact = factories.make_contact("erika@example.de", user=user, phone="+4915123456789")
    basket = factories.make_basket(factories.make_product(title="Teekanne"), owner=user)
    token = kit.make_link(basket, contact)
    for response in (kit.show(client, token), kit.tap(client, token)):
        page = response.content.decode()
        for secret in ("erika", "Erika", "Mustermann", "15123456789", str(user.pk) + "@"):
            assert secret not in page
    assert "_auth_user_id" not in client.session


def test_the_page_is_safe_to_serve(client):
    token = kit.make_link(factories.make_basket(factories.make_product()))
    response = kit.show(client, token)
    page = response.content.decode()
    assert response["Cache-Control"] == "no-store"
    assert "noindex" in response["X-Robots-Tag"]
    # `no-referrer` would turn the form's Origin into null, which Django refuses
    assert response["Referrer-Policy"] == "strict-origin"
    assert response["X-Frame-Options"] == "DENY"
    # a strict content security policy needs no exception for it
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|<style|\sstyle=|javascript:", page)
    assert not re.search(r'(src|href|action)="(https?:)?//', page)
    assert token not in page


@pytest.mark.parametrize(
    "agent", ["Googlebot/2.1", "Barracuda Sentinel (EE) bot", "FacebookExternalHit/1.1"]
)
def test_a_machine_that_runs_scripts_restores_nothing(client, agent):
    token = kit.make_link(factories.make_basket(factories.make_product()))
    before = everything()
    page = kit.show(client, token, HTTP_USER_AGENT=agent)
    response = kit.confirm(client, token, page, HTTP_USER_AGENT=agent)
    assert response.status_code == 200
    assert everything() == before


def test_a_person_whose_browser_looks_like_a_machine_can_still_tap_the_button(client):
    token = kit.make_link(factories.make_basket(factories.make_product(title="Teekanne")))
    response = client.post(kit.link_path(token), {"tap": "1"}, HTTP_USER_AGENT="MyBot/1.0")
    assert response.status_code == 302
    assert kit.holding(client) == {"Teekanne": 1}
    assert models.LinkClick.objects.get().is_machine
    assert models.RestoreLink.objects.get().clicked_at is None
    assert "cart_recovery_contact" not in client.session


# --- acting -----------------------------------------------------------------------------------------


def test_a_forged_post_is_refused_with_a_page_that_helps():
    token = kit.make_link(factories.make_basket(factories.make_product()))
    client = Client(enforce_csrf_checks=True)
    before = everything()
    response = client.post(kit.link_path(token), {"visit": "x" * 20})
    assert response.status_code == 403
    assert "Cookie" in words(response)
    assert response["Cache-Control"] == "no-store"
    assert everything() == before


def test_the_pages_own_form_passes_the_check():
    token = kit.make_link(factories.make_basket(factories.make_product(title="Teekanne")))
    client = Client(enforce_csrf_checks=True)
    page = kit.show(client, token).content.decode()
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
    assert {"csrfmiddlewaretoken", "visit"} <= set(fields)
    response = client.post(
        kit.link_path(token), fields, secure=True, HTTP_ORIGIN="https://testserver"
    )
    assert response.status_code == 302
    assert kit.holding(client) == {"Teekanne": 1}


def test_a_restore_sets_the_click_the_session_and_the_signal(
    client, django_capture_on_commit_callbacks
):
    from cart_recovery.signals import basket_restored

    heard = []

    def listen(sender, **kwargs):
        heard.append(kwargs)
        raise ValueError("a shop's receiver may fail")

    contact = factories.make_contact()
    token = kit.make_link(factories.make_basket(factories.make_product()), contact)
    basket_restored.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            assert kit.tap(client, token).status_code == 200
    finally:
        basket_restored.disconnect(listen)
    link = models.RestoreLink.objects.get()
    basket = kit.basket_of(client)
    click = link.clicks.get()
    assert link.clicked_at == click.clicked_at
    assert link.restored_basket_id == click.basket_id == basket.pk
    assert not click.is_machine
    assert client.session["cart_recovery_contact"] == contact.pk
    assert client.session["cart_recovery_link"] == link.pk
    assert [(h["link"], h["basket"].pk, h["report"].outcome) for h in heard] == [
        (link, basket.pk, "restored")
    ]


def test_somebody_elses_link_does_not_change_who_a_member_is(client):
    contact = factories.make_contact()
    token = kit.make_link(factories.make_basket(factories.make_product()), contact)
    client.force_login(factories.make_user())
    kit.tap(client, token)
    assert "cart_recovery_contact" not in client.session


@pytest.mark.parametrize("target", ["basket:summary", "checkout:index"])
def test_it_goes_on_to_where_the_setting_says(client, settings, target):
    from django.urls import reverse

    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "RESTORE_NEXT": target}
    token = kit.make_link(factories.make_basket(factories.make_product()))
    response = kit.confirm(client, token, kit.show(client, token))
    assert (response.status_code, response["Location"]) == (302, reverse(target))


def test_the_language_of_the_message_is_kept(client):
    contact = factories.make_contact(language="en")
    token = kit.make_link(factories.make_basket(factories.make_product()), contact)
    models.TrackedCart.objects.update(language="en")
    page = kit.show(client, token, HTTP_ACCEPT_LANGUAGE="de")
    assert page["Content-Language"] == "en"
    response = kit.tap(client, token, HTTP_ACCEPT_LANGUAGE="de")
    assert "Your basket is back." in words(response)
    assert 'lang="en' in response.content.decode()


def test_a_language_that_the_visitor_chose_is_left_alone(client, settings):
    token = kit.make_link(factories.make_basket(factories.make_product()))
    models.TrackedCart.objects.update(language="en")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"
    assert kit.show(client, token)["Content-Language"] == "de"


def test_a_language_that_the_shop_does_not_speak_falls_back(client):
    token = kit.make_link(factories.make_basket(factories.make_product()))
    models.TrackedCart.objects.update(language="tlh")
    assert kit.tap(client, token).status_code == 200


def test_deleted_oscar_rows_leave_the_links_standing(client):
    token = kit.make_link(factories.make_basket(factories.make_product(title="Teekanne")))
    get_model("basket", "Basket").objects.all().delete()
    assert kit.tap(client, token).status_code == 200
