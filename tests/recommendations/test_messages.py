"""Suggestions in the shop's own mails and pages, as far as the order's market lets them advertise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.template import Context, Template, TemplateSyntaxError
from django.test import Client, override_settings
from django.utils import translation
from django.utils.functional import SimpleLazyObject
from oscar.core.loading import get_model

import sandbox_shop
from cart_recovery.markets.profiles import PROFILES, market_for
from tests import checkout
from tests.factories import make_basket, make_product, make_user
from tests.recommendations.purchases import make_order, recommend_with

pytestmark = pytest.mark.django_db
#: with the sandbox's templates in front of Oscar's, as in the sandbox
SANDBOX_TEMPLATES = [
    {**engine, "DIRS": [Path(sandbox_shop.__path__[0]) / "templates"]}
    for engine in settings.TEMPLATES
]


def render(text: str, **context: Any) -> str:
    return Template("{% load cart_recovery %}" + text).render(Context(context))


def shown(**context: Any) -> list[str]:
    """Titles of what the tag gives for `order`, `basket` or `product`, on a page if `page`."""
    where = "page" if context.pop("page", False) else "message"
    (name,) = context
    text = (
        f'{{% recovery_recommendations {name}={name} where="{where}" as found %}}'
        "{% for product in found %}{{ product.title }};{% endfor %}"
    )
    return render(text, **context).split(";")[:-1]


class TestMarkets:
    @pytest.mark.parametrize("country", ["DE", "AT", "CH", "FR", "GB", "BR", ""])
    def test_most_markets_forbid_advertising_in_service_messages(self, country: str) -> None:
        assert not market_for(country).advertising_in_service

    def test_the_united_states_do_not(self) -> None:
        assert market_for("US").advertising_in_service
        assert [p.code for p in PROFILES if p.advertising_in_service] == ["US"]

    def test_a_shop_may_know_better(self) -> None:
        own = {"CA": {"advertising_in_service": True}, "US": {"advertising_in_service": False}}
        with override_settings(CART_RECOVERY={"MARKETS": own}):
            assert market_for("CA").advertising_in_service
            assert not market_for("US").advertising_in_service
        own = {"CA": {"advertising_in_service": "yes"}}
        with (
            override_settings(CART_RECOVERY={"MARKETS": own}),
            pytest.raises(ImproperlyConfigured, match="must be True or False"),
        ):
            market_for("CA")


class TestTag:
    @pytest.mark.parametrize(("country", "is_shown"), [("DE", False), ("US", True), ("", False)])
    def test_in_a_message_the_order_s_country_decides(self, country: str, is_shown: bool) -> None:
        pot, cup = make_product(), make_product("Tasse")
        recommend_with(pot, cup)
        order = make_order(pot, country=country)
        assert shown(order=order) == (["Tasse"] if is_shown else [])
        assert shown(order=order, page=True) == ["Tasse"]

    def test_a_gift_abroad_keeps_to_the_law_of_who_pays_for_it(self) -> None:
        pot, cup = make_product(), make_product("Tasse")
        recommend_with(pot, cup)
        order = make_order(pot, country="US")
        for country, is_shown in (("US", True), ("DE", False)):
            order.billing_address = get_model("order", "BillingAddress").objects.create(
                last_name="Mustermann", line1="Heidestraße 17", line4="Köln", postcode="51147",
                country=checkout.make_country(country, country),
            )  # fmt: skip
            assert shown(order=order) == (["Tasse"] if is_shown else [])

    def test_baskets_and_products_have_no_country(self) -> None:
        pot, cup = make_product(), make_product("Tasse")
        recommend_with(pot, cup)
        assert shown(product=pot) == shown(basket=make_basket(pot)) == []
        assert shown(product=pot, page=True) == shown(basket=make_basket(pot), page=True)
        assert shown(product=pot, page=True) == ["Tasse"]

    def test_what_the_customer_has_is_not_shown(self) -> None:
        user = make_user()
        pot, cup, tea = make_product(), make_product("Tasse"), make_product("Tee")
        recommend_with(pot, cup)
        recommend_with(pot, tea)
        make_order(cup, user=user)
        assert shown(order=make_order(pot, user=user), page=True) == ["Tee"]
        assert shown(basket=make_basket(pot, owner=user), page=True) == ["Tee"]

    def test_links_are_absolute(self) -> None:
        pot, cup = make_product(), make_product("Tasse & Löffel")
        recommend_with(pot, cup)
        order = make_order(pot, country="US")
        with translation.override("de"):
            html = render("{% recovery_recommendations_html order=order %}", order=order)
        assert f'href="https://shop.example{cup.get_absolute_url()}"' in html
        assert "Tasse &amp; Löffel" in html
        assert "19,99" in html
        text = render("{% recovery_recommendations_text order=order limit=2 %}", order=order)
        assert f"https://shop.example{cup.get_absolute_url()}" in text
        assert "Tasse & Löffel" in text

    def test_titles_cannot_bring_markup(self) -> None:
        pot, cup = make_product(), make_product("<script>alert(1)</script>")
        recommend_with(pot, cup)
        order = make_order(pot, country="US")
        html = render("{% recovery_recommendations_html order=order %}", order=order)
        assert "<script>" not in html

    def test_titles_cannot_begin_a_paragraph(self) -> None:
        pot, cup = make_product(), make_product("Tasse\r\n\n\u2028Ihr Konto ist gesperrt\n")
        recommend_with(pot, cup)
        order = make_order(pot, country="US")
        text = render("{% recovery_recommendations_text order=order %}", order=order)
        assert "Tasse Ihr Konto ist gesperrt" in text

    def test_without_suggestions_there_is_no_heading(self) -> None:
        order = make_order(make_product(), country="US")
        for name in ("html", "text"):
            tag = f"{{% recovery_recommendations_{name} order=order %}}"
            assert render(tag, order=order).strip() == ""

    def test_an_unknown_order_shows_nothing(self) -> None:
        assert render("{% recovery_recommendations_html order=nothing %}").strip() == ""

    def test_a_wrong_place_is_named(self) -> None:
        with pytest.raises(TemplateSyntaxError, match='"message" or "page", not "mial"'):
            render('{% recovery_recommendations order=order where="mial" %}', order=None)

    def test_a_failure_costs_the_shop_nothing(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*args: Any, **kwargs: Any) -> Any:
            raise DatabaseError("kaputt")

        monkeypatch.setattr("cart_recovery.recommendations.showing.recommend", fail)
        assert shown(order=make_order(make_product(), country="US")) == []
        assert "_suggestions failed: DatabaseError" in caplog.text

    def test_nor_does_a_basket_that_cannot_be_read(self) -> None:
        def fail() -> Any:
            raise DatabaseError("kaputt")

        assert shown(basket=SimpleLazyObject(fail), page=True) == []


@override_settings(TEMPLATES=SANDBOX_TEMPLATES)
@pytest.mark.parametrize(("country", "is_shown"), [("DE", False), ("US", True)])
def test_order_mail_of_the_sandbox(country: str, is_shown: bool, client: Client) -> None:
    pot, cup = make_product(), make_product("Tasse mit Henkel")
    recommend_with(pot, cup)
    checkout.add_to_basket(client, pot)
    checkout.enter_as_guest(client, "gast@example.de")
    phone = {"DE": checkout.PHONE, "US": "+1 212 555 0123"}[country]
    fields = {"US": {"postcode": "10001", "state": "NY"}}.get(country, {})
    checkout.enter_address(client, phone=phone, country=country, **fields)
    checkout.go_to_preview(client)
    page = checkout.submit_order(client)

    order = checkout.placed_order(page)
    (message,) = [m for m in mail.outbox if order.number in m.subject + str(m.body)]
    html, _kind = message.alternatives[0]
    link = f"https://shop.example{cup.get_absolute_url()}"
    assert (link in message.body) == (link in html) == is_shown
    assert ("Tasse mit Henkel" in message.body) == is_shown
    assert get_model("order", "Order").objects.get().shipping_address.country_id == country
    # the shop's own page may, wherever it goes
    assert link in page.content.decode()


DOCS = Path(__file__).parents[2] / "docs/owners/recommendations.md"
SNIPPETS = re.findall(r"```django\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


@override_settings(TEMPLATES=SANDBOX_TEMPLATES)
@pytest.mark.parametrize("snippet", SNIPPETS)
def test_templates_of_the_documentation(snippet: str) -> None:
    pot, cup = make_product(), make_product("Tasse")
    recommend_with(pot, cup)
    order = make_order(pot, country="US")
    basket = make_basket(pot)
    context = {"order": order, "basket": basket, "product": pot, "lines": order.lines.all()}
    assert "Tasse" in Template(snippet).render(Context(context))
