"""Baskets as facts: constant queries, and never an error for what is gone."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from oscar.core.loading import get_model

from cart_recovery.shop.baskets import load_baskets
from tests.factories import make_basket, make_product, make_user

pytestmark = pytest.mark.django_db


def facts_of(basket):
    return load_baskets([basket.pk])[basket.pk]


def add_image(product, name="bild.jpg", order=0):
    return get_model("catalogue", "ProductImage").objects.create(
        product=product, original=name, display_order=order
    )


def make_child(parent, title="", **kwargs):
    parent.structure = "parent"
    parent.save()
    parent.stockrecords.all().delete()
    child = make_product(title="x", **kwargs)
    child.title, child.structure, child.parent, child.product_class = title, "child", parent, None
    child.save()
    return child


def delete_by_force(model, **kwargs):
    """As a row goes that somebody deletes behind Django's back."""
    with connection.constraint_checks_disabled():
        rows = model._base_manager.filter(**kwargs)
        rows._raw_delete(rows.db)


def test_basket_is_told_as_it_stands():
    user = make_user()
    product = make_product("Kanne", price="24.50", stock=3)
    add_image(product, "zweites.jpg", 2)
    add_image(product, "erstes.jpg", 1)
    basket = make_basket(product, owner=user, quantity=2)

    facts = facts_of(basket)

    line = facts.lines[0]
    assert (facts.owner_id, facts.status, facts.is_open, facts.is_empty) == (
        user.pk, "Open", True, False,
    )  # fmt: skip
    assert (facts.total, facts.currency, facts.is_buyable) == (Decimal("49.00"), "EUR", True)
    assert (line.title, line.quantity, line.max_quantity) == ("Kanne", 2, 3)
    assert (line.price, line.currency) == (Decimal("24.50"), "EUR")
    assert (line.product_id, line.parent_id) == (product.pk, None)
    assert line.image_url == "/media/erstes.jpg"
    assert line.product_path == product.get_absolute_url()
    assert line.buyable_quantity == 2


def test_price_and_stock_are_those_of_now():
    product = make_product(price="10.00", stock=5)
    basket = make_basket(product, quantity=4)
    product.stockrecords.update(price=Decimal("12.00"), num_in_stock=1)

    line = facts_of(basket).lines[0]

    assert (line.price, line.max_quantity, line.buyable_quantity) == (Decimal("12.00"), 1, 1)


def test_statements_are_constant_for_five_hundred_baskets():
    def count(baskets):
        with CaptureQueriesContext(connection) as queries:
            facts = load_baskets([b.pk for b in baskets])
        assert len(facts) == len(baskets)
        assert all(f.total > 0 and all(line.image_url for line in f.lines) for f in facts.values())
        return len(queries)

    products = [make_product() for _ in range(3)]
    parent = make_product()
    products.append(make_child(parent))
    for product in [*products[:3], parent]:
        add_image(product)
    few = [make_basket(*products, owner=make_user())]
    Basket = get_model("basket", "Basket")
    lines = list(few[0].lines.all())
    many = Basket.objects.bulk_create(Basket() for _ in range(500))
    many = list(Basket.objects.order_by("-pk")[:500])
    Line = get_model("basket", "Line")
    Line.objects.bulk_create(
        Line(
            basket=basket, product=line.product, stockrecord=line.stockrecord,
            line_reference=line.line_reference, price_currency="EUR",
        )
        for basket in many for line in lines
    )  # fmt: skip

    assert count(few) == count(many) <= 11


def test_child_takes_title_and_picture_from_its_parent():
    parent = make_product("Hemd")
    add_image(parent)
    child = make_child(parent, price="30.00")
    basket = make_basket(child)

    line = facts_of(basket).lines[0]

    assert (line.title, line.parent_id, line.image_url) == ("Hemd", parent.pk, "/media/bild.jpg")
    assert (line.price, line.is_available) == (Decimal("30.00"), True)


def test_options_are_told():
    basket = make_basket(make_product())
    option = get_model("catalogue", "Option").objects.create(name="Gravur", code="gravur")
    line = basket.lines.get()
    line.attributes.create(option=option, value="Für Oma")
    line.attributes.create(option=option, value=["rot", "blau"])
    line.attributes.create(option=option, value="")

    assert facts_of(basket).lines[0].options == (("Gravur", "Für Oma"), ("Gravur", "rot, blau"))


def test_vouchers_are_told(django_user_model):
    from tests.receivers.test_tracking import make_voucher

    basket = make_basket(make_product())
    basket.vouchers.add(make_voucher())

    assert facts_of(basket).voucher_codes == ("ZEHN",)


@pytest.mark.parametrize(
    ("change", "price_is_known"),
    [
        (lambda p: p.stockrecords.update(num_in_stock=0), True),
        (lambda p: p.stockrecords.update(num_in_stock=2, num_allocated=5), True),
        (lambda p: p.stockrecords.update(price=None), False),
        (lambda p: type(p).objects.filter(pk=p.pk).update(is_public=False), True),
        (lambda p: delete_by_force(get_model("partner", "StockRecord"), product=p), False),
        (lambda p: delete_by_force(type(p), pk=p.pk), False),
    ],
    ids=["sold out", "all allocated", "no price", "hidden", "no stock record", "no product"],
)
def test_line_is_told_when_it_cannot_be_bought(change, price_is_known):
    gone, other = make_product(price="7.00"), make_product(price="5.00")
    basket = make_basket(gone, other)
    with transaction.atomic():
        change(gone)
        facts = facts_of(basket)
        # what dangles now must not reach the commit
        transaction.set_rollback(True)

    line = facts.lines[0]
    assert not line.is_available
    assert (line.price is not None) is price_is_known
    assert line.currency == "EUR"
    assert line.buyable_quantity == 0
    assert (facts.total, facts.is_buyable, len(facts.lines)) == (Decimal("5.00"), True, 2)


@pytest.mark.parametrize("name", ["", "fort/nicht-mehr-da.jpg"])
def test_line_is_told_when_its_picture_is_gone(name):
    product = make_product()
    add_image(product, name)

    assert facts_of(make_basket(product)).lines[0].is_available


def test_line_is_told_when_the_strategy_fails(monkeypatch, caplog):
    from oscar.apps.partner.strategy import Default

    def fail(*args, **kwargs):
        raise RuntimeError("the shop's own code")

    basket = make_basket(make_product())
    monkeypatch.setattr(Default, "fetch_for_line", fail)

    facts = facts_of(basket)

    assert not facts.is_buyable
    assert "The strategy failed" in caplog.text


def test_basket_is_told_when_nothing_is_in_it():
    empty = make_basket()
    zero = make_basket(make_product())
    zero.lines.update(quantity=0)

    for facts in load_baskets([empty.pk, zero.pk]).values():
        assert facts.is_empty
        assert (facts.total, facts.currency, facts.is_buyable) == (Decimal(0), "", False)


def test_baskets_that_are_gone_are_left_out():
    assert load_baskets([]) == {}
    assert load_baskets([987654]) == {}


def test_untracked_stock_has_no_limit():
    product = make_product(stock=None)
    product.product_class.track_stock = False
    product.product_class.save()

    line = facts_of(make_basket(product, quantity=50)).lines[0]

    assert (line.max_quantity, line.buyable_quantity) == (None, 50)


@pytest.mark.parametrize(("allowed", "expected"), [(0, 0), (1, 1), (6, 6), (9, None), (99, None)])
def test_limit_is_found_when_a_policy_only_says_yes_and_no(monkeypatch, allowed, expected):
    from oscar.apps.partner.availability import StockRequired

    basket = make_basket(make_product(stock=100), quantity=9)
    monkeypatch.setattr(
        StockRequired, "is_purchase_permitted", lambda self, n: (n <= allowed, "no")
    )
    monkeypatch.setattr(StockRequired, "num_available", None, raising=False)
    monkeypatch.setattr(StockRequired, "__init__", lambda self, n: None)

    line = facts_of(basket).lines[0]

    assert line.max_quantity == expected
    assert line.is_available is (allowed > 0)


def test_tax_is_included_where_it_is_known(monkeypatch):
    from oscar.apps.partner import strategy

    basket = make_basket(make_product(price="100.00"))
    monkeypatch.setattr(strategy.Selector, "strategy", lambda *args, **kwargs: strategy.UK())
    assert facts_of(basket).lines[0].price == Decimal("120.0000")
    monkeypatch.setattr(strategy.Selector, "strategy", lambda *args, **kwargs: strategy.US())
    assert facts_of(basket).lines[0].price == Decimal("100.00")


def test_foreign_currency_does_not_get_into_the_total():
    first, second = make_product(price="10.00"), make_product(price="10.00")
    basket = make_basket(first, second)
    second.stockrecords.update(price_currency="CHF")

    facts = facts_of(basket)

    assert [line.currency for line in facts.lines] == ["EUR", "CHF"]
    assert (facts.currency, facts.total) == ("EUR", Decimal("10.00"))


def test_language_is_the_carts_own(monkeypatch):
    product_model = get_model("catalogue", "Product")
    monkeypatch.setattr(product_model, "get_title", lambda self: translation.get_language())
    one, two = make_basket(make_product()), make_basket(make_product())

    facts = load_baskets([one.pk, two.pk], languages={one.pk: "en", two.pk: "de"})

    assert [facts[b.pk].lines[0].title for b in (one, two)] == ["en", "de"]
