"""What is suggested with a purchase, what never is, and what it costs to find out."""

from __future__ import annotations

from collections.abc import Hashable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from oscar.apps.partner import strategy as oscar_strategy
from oscar.core.loading import get_model

from cart_recovery.recommendations.choosing import Wish, recommend
from cart_recovery.recommendations.history import bought_or_returned
from cart_recovery.recommendations.products import RecommendedProduct
from tests.factories import make_product, make_user
from tests.recommendations.purchases import (
    count_all,
    make_category,
    make_order,
    make_variants,
    recommend_with,
)

pytestmark = pytest.mark.django_db


def wish(*products: Any, exclude: tuple[Any, ...] = (), **fields: Any) -> Wish:
    return Wish(
        key="w", product_ids=frozenset(p.pk for p in products),
        exclude=frozenset(p.pk for p in exclude), **fields,
    )  # fmt: skip


def titles(asked: Wish, limit: int = 4) -> list[str]:
    return [product.title for product in recommend([asked], limit=limit)["w"]]


class TestOrderOfSources:
    def test_staff_go_first_then_other_orders_then_the_category(self) -> None:
        pot, cup, tea, jug, new = (make_product(t) for t in ("Topf", "Tasse", "Tee", "Krug", "Neu"))
        recommend_with(pot, jug, ranking=1)
        recommend_with(pot, tea, ranking=9)
        make_order(pot, cup)
        make_order(pot, tea)
        make_category("Küche", pot, cup, new)
        count_all()
        assert titles(wish(pot)) == ["Tee", "Krug", "Tasse", "Neu"]
        assert titles(wish(pot), limit=2) == ["Tee", "Krug"]

    def test_partners_of_several_products_add_up(self) -> None:
        pot, pan, lid, cup = (make_product(t) for t in ("Topf", "Pfanne", "Deckel", "Tasse"))
        for order in ((pot, cup), (pot, cup), (pot, lid), (pan, lid), (pan, lid)):
            make_order(*order)
        count_all()
        assert titles(wish(pot, pan)) == ["Deckel", "Tasse"]

    def test_in_the_category_the_newest_comes_first(self) -> None:
        products = [make_product(f"Ware {n}") for n in range(6)]
        make_category("Küche", *products)
        assert titles(wish(products[0])) == ["Ware 5", "Ware 4", "Ware 3", "Ware 2"]

    def test_one_full_category_leaves_room_for_the_other(self) -> None:
        pot, book, atlas = make_product("Topf"), make_product("Buch"), make_product("Atlas")
        make_category("Bücher", book, atlas)
        make_category("Küche", pot, *(make_product() for _ in range(80)))
        assert "Atlas" in titles(wish(pot, book))

    def test_nothing_is_known(self) -> None:
        assert titles(wish(make_product())) == []
        assert titles(wish()) == []
        assert recommend([]) == {}
        assert recommend([wish(make_product())], limit=0) == {"w": ()}

    def test_products_that_are_gone(self) -> None:
        gone = Wish(key="w", product_ids=frozenset({987654}))
        assert titles(gone) == []


class TestVariants:
    def test_a_variant_gets_what_goes_with_its_parent(self) -> None:
        shirt, blue = make_variants("Hemd", "blau")
        belt, tie, sock = make_product("Gürtel"), make_product("Krawatte"), make_product("Socken")
        recommend_with(shirt, belt)
        make_order(blue, tie)
        make_category("Herren", shirt, sock)
        count_all()
        assert titles(wish(blue)) == ["Gürtel", "Krawatte", "Socken"]

    def test_the_same_thing_is_not_offered_in_another_colour(self) -> None:
        shirt, blue, red = make_variants("Hemd", "blau", "rot")
        recommend_with(blue, red)
        recommend_with(blue, shirt)
        make_category("Herren", shirt)
        assert titles(wish(blue)) == []
        assert titles(wish(shirt)) == []

    def test_two_variants_are_one_suggestion(self) -> None:
        pot = make_product()
        _shirt, blue, red = make_variants("Hemd", "blau", "rot")
        recommend_with(pot, blue, ranking=2)
        recommend_with(pot, red, ranking=1)
        make_order(pot, red)
        count_all()
        assert titles(wish(pot)) == ["Hemd blau"]

    def test_a_parent_is_offered_while_a_variant_is_there(self) -> None:
        pot = make_product()
        shirt, blue, red = make_variants("Hemd", "blau", "rot")
        make_order(pot, blue)
        count_all()
        found = recommend([wish(pot)])["w"]
        assert [(p.product_id, p.price) for p in found] == [(shirt.pk, Decimal("19.99"))]
        get_model("partner", "StockRecord").objects.filter(product__in=[blue, red]).update(
            num_in_stock=0
        )
        assert titles(wish(pot)) == []


class TestNever:
    def test_what_is_sold_out_hidden_or_without_price(self) -> None:
        pot = make_product()
        for other in (
            make_product(stock=0), make_product(is_public=False), make_product(price=None),
        ):  # fmt: skip
            recommend_with(pot, other)
            make_order(pot, other)
        make_order(pot, make_product("Tasse"))
        count_all()
        assert titles(wish(pot)) == ["Tasse"]

    def test_many_of_them_do_not_hide_the_rest(self) -> None:
        pot = make_product()
        for n in range(30):
            recommend_with(pot, make_product(f"Alt {n}", is_public=False), ranking=9)
        for n in range(30):
            recommend_with(pot, make_product(f"Leer {n}", stock=0), ranking=8)
        recommend_with(pot, make_product("Gut"))
        assert titles(wish(pot)) == ["Gut"]

    def test_a_variant_of_what_is_hidden(self) -> None:
        pot = make_product()
        shirt, blue = make_variants("Hemd", "blau")
        recommend_with(pot, blue)
        assert titles(wish(pot)) == ["Hemd blau"]
        shirt.is_public = False
        shirt.save()
        assert titles(wish(pot)) == []

    def test_what_is_of_another_kind_where_similar_goods_are_wanted(self) -> None:
        pot, pan, chair, lid = (make_product(t) for t in ("Topf", "Pfanne", "Stuhl", "Deckel"))
        make_category("Küche", pot, pan)
        make_category("Garten", chair)
        for other in (chair, pan, lid):
            recommend_with(pot, other)
        assert titles(wish(pot, similar_to=frozenset({pot.pk}))) == ["Pfanne"]
        assert titles(wish(pot, similar_to=frozenset({chair.pk, lid.pk}))) == ["Stuhl", "Deckel"]
        assert titles(wish(pot, similar_to=frozenset())) == []

    def test_what_is_excluded_with_all_its_kin(self) -> None:
        pot, cup = make_product(), make_product("Tasse")
        shirt, blue, red = make_variants("Hemd", "blau", "rot")
        for other in (cup, shirt):
            recommend_with(pot, other)
        assert titles(wish(pot)) == ["Tasse", "Hemd"]
        for known in (blue, red, shirt):
            assert titles(wish(pot, exclude=(known,))) == ["Tasse"]
        assert titles(wish(pot, exclude=(cup,))) == ["Hemd"]

    def test_a_sibling_of_what_is_excluded(self) -> None:
        pot = make_product()
        _shirt, blue, red = make_variants("Hemd", "blau", "rot")
        recommend_with(pot, red)
        assert titles(wish(pot, exclude=(blue,))) == []

    def test_what_the_strategy_cannot_judge(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        pot, cup, tea = make_product(), make_product("Tasse"), make_product("Tee")
        recommend_with(pot, cup)
        recommend_with(pot, tea)
        fetch = oscar_strategy.Default.fetch_for_product

        def fail(self: Any, product: Any, stockrecord: Any = None) -> Any:
            if product.pk == cup.pk:
                raise RuntimeError("kaputt")
            return fetch(self, product, stockrecord)

        monkeypatch.setattr(oscar_strategy.Default, "fetch_for_product", fail)
        assert titles(wish(pot)) == ["Tee"]
        assert f"product {cup.pk}" in caplog.text


class TestFacts:
    def test_a_suggestion_says_what_a_message_shows(self) -> None:
        pot, cup = make_product(), make_product("Tasse", price="7.50")
        recommend_with(pot, cup)
        (found,) = recommend([wish(pot)])["w"]
        assert found == RecommendedProduct(
            cup.pk, "Tasse", cup.get_absolute_url(), "", Decimal("7.50"), "EUR"
        )

    def test_each_wish_is_answered_in_its_language(self) -> None:
        pot, cup = make_product(), make_product("Tasse")
        recommend_with(pot, cup)
        languages = []
        model = get_model("catalogue", "Product")
        original = model.get_title

        def in_language(self: Any) -> str:
            from django.utils.translation import get_language

            languages.append(get_language())
            return f"{original(self)} ({get_language()})"

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(model, "get_title", in_language)
            wishes = [
                Wish(key=language, product_ids=frozenset({pot.pk}), language=language)
                for language in ("de", "en", "de")
            ]
            found = recommend(wishes)
        assert found["de"][0].title == "Tasse (de)"
        assert found["en"][0].title == "Tasse (en)"
        assert languages == ["de", "en"]

    def test_stock_and_price_are_those_of_the_user(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pot, cup = make_product(), make_product("Tasse")
        recommend_with(pot, cup)
        dealer = make_user()

        class ForDealers(oscar_strategy.Default):
            def availability_policy(self, product: Any, stockrecord: Any) -> Any:
                from oscar.apps.partner.availability import Unavailable

                return Unavailable()

        def choose(self: Any, request: Any = None, user: Any = None, **kwargs: Any) -> Any:
            return ForDealers() if user == dealer else oscar_strategy.Default()

        monkeypatch.setattr(oscar_strategy.Selector, "strategy", choose)
        assert titles(wish(pot)) == ["Tasse"]
        assert titles(wish(pot, user_id=make_user().pk)) == ["Tasse"]
        assert titles(wish(pot, user_id=dealer.pk)) == []


class TestCost:
    def fill(self) -> list[Wish]:
        products = [make_product(f"Ware {n}") for n in range(12)]
        parents = [make_variants(f"Hemd {n}", "blau", "rot")[0] for n in range(6)]
        make_category("Alles", *products, *parents)
        for n in range(12):
            make_order(products[n], products[n * 5 % 12], products[n * 7 % 12])
            recommend_with(products[n], parents[n % 6])
        count_all()
        users = [make_user() for _ in range(50)]
        return [
            Wish(
                key=n,
                product_ids=frozenset({products[n % 12].pk, parents[n % 6].pk}),
                exclude=frozenset({products[n * 3 % 12].pk}),
                user_id=users[n].pk if n % 2 else None,
                language=("de", "en")[n % 2],
                similar_to=frozenset(p.pk for p in products) if n % 3 else None,
            )
            for n in range(50)
        ]

    def test_fifty_wishes_take_the_queries_of_five(self) -> None:
        wishes = self.fill()

        def cost(asked: list[Wish]) -> tuple[int, dict[Hashable, Any]]:
            with CaptureQueriesContext(connection) as queries:
                found = recommend(asked)
            return len(queries), found

        few, _ = cost(wishes[:5])
        many, found = cost(wishes)
        assert few == many <= 23
        assert all(len(products) == 4 for products in found.values())
        for each in found.values():
            assert len({product.product_id for product in each}) == 4

    def test_the_strategy_is_asked_once_about_a_product(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wishes = [
            Wish(key=each.key, product_ids=each.product_ids, language=each.language)
            for each in self.fill()
        ]
        asked: list[Any] = []
        for name in ("fetch_for_product", "fetch_for_parent"):
            fetch = getattr(oscar_strategy.Default, name)

            def note(self: Any, product: Any, *args: Any, _fetch: Any = fetch) -> Any:
                asked.append(product.pk)
                return _fetch(self, product, *args)

            monkeypatch.setattr(oscar_strategy.Default, name, note)
        recommend(wishes)
        assert len(asked) == len(set(asked)) > 0


class TestHistory:
    def test_everything_a_person_ever_ordered(self) -> None:
        user, other = make_user(), make_user("Erika@Example.de")
        pot, cup, tea, jug = (make_product() for _ in range(4))
        make_order(pot, user=user)
        make_order(cup, user=user, status="Cancelled")
        make_order(tea, guest_email="Gast@example.de")
        make_order(jug, user=other)
        found = bought_or_returned([user.pk], ["gast@example.de", "erika@example.de", "no@x.de"])
        assert found == {
            user.pk: {pot.pk, cup.pk}, "gast@example.de": {tea.pk}, "erika@example.de": {jug.pk},
        }  # fmt: skip
        assert bought_or_returned([], []) == {}

    def test_it_takes_two_queries(self) -> None:
        users = [make_user() for _ in range(6)]
        for user in users:
            make_order(make_product(), user=user)
        with CaptureQueriesContext(connection) as queries:
            assert len(bought_or_returned([user.pk for user in users], ["a@b.de"])) == 6
        assert len(queries) == 2
