from __future__ import annotations

import pytest
from oscar.core.loading import get_model

from cart_recovery.shop.similarity import similar_to_orders
from tests.factories import make_product

pytestmark = pytest.mark.django_db


def category(name: str):
    return get_model("catalogue", "Category").add_root(name=name)


def product(*categories):
    made = make_product()
    made.categories.add(*categories)
    return made


def order(*products, status: str = "", total: str = "10"):
    model = get_model("order", "Order")
    made = model.objects.create(
        number=str(model.objects.count() + 1), currency="EUR", total_incl_tax=total,
        total_excl_tax=total, status=status,
    )  # fmt: skip
    for bought in products:
        get_model("order", "Line").objects.create(
            order=made, product=bought, quantity=1, num_allocated=0, title="x",
            partner_name="x", partner_sku="x", line_price_incl_tax=1, line_price_excl_tax=1,
            line_price_before_discounts_incl_tax=1, line_price_before_discounts_excl_tax=1,
        )  # fmt: skip
    return made


def is_similar(wanted, *orders) -> bool:
    return bool(similar_to_orders({1: [wanted.pk]}, {1: [o.pk for o in orders]}))


def test_goods_of_one_category_are_similar():
    shoes, books = category("Schuhe"), category("Bücher")
    bought = order(product(shoes))
    assert is_similar(product(shoes), bought)
    assert not is_similar(product(books), bought)
    assert not is_similar(product(), bought)


def test_the_very_product_is_similar_when_it_has_no_category():
    bought = product()
    assert is_similar(bought, order(bought))


def test_a_child_has_the_categories_of_its_parent():
    shoes = category("Schuhe")
    parent = product(shoes)
    child = get_model("catalogue", "Product").objects.create(
        structure="child", parent=parent, title="Größe 42"
    )
    assert is_similar(child, order(product(shoes)))
    assert is_similar(product(shoes), order(child))


@pytest.mark.parametrize("how", [{"status": "Cancelled"}, {"status": "STORNIERT "}, {"total": "0"}])
def test_what_was_no_sale_speaks_for_nothing(how):
    shoes = category("Schuhe")
    assert not is_similar(product(shoes), order(product(shoes), **how))


def test_a_line_that_was_cancelled_speaks_for_nothing():
    shoes = category("Schuhe")
    sold = order(product(shoes), product(category("Bücher")))
    sold.lines.filter(product__categories=shoes).update(status="Storniert")
    assert not is_similar(product(shoes), sold)


def test_the_number_of_queries_does_not_grow(django_assert_num_queries):
    shoes = category("Schuhe")
    wanted = {n: [product(shoes).pk] for n in range(5)}
    orders = {n: [order(product(shoes)).pk] for n in range(5)}
    with django_assert_num_queries(4):
        assert similar_to_orders(wanted, orders) == set(wanted)
