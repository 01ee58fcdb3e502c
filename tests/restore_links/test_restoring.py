"""What a link brings back, through the shop's own pages (PAINS 16 to 18)."""

from __future__ import annotations

import datetime as dt
import functools
import threading
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from oscar.apps.basket.middleware import BasketMiddleware
from oscar.core.loading import get_model

from cart_recovery import models
from tests import checkout, factories
from tests.pages import words
from tests.restore_links import kit

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def stock(product):
    return product.stockrecords.get()


def left_basket(*products, quantity=1, owner=None):
    return factories.make_basket(*products, quantity=quantity, owner=owner)


def make_child(parent, title, **kwargs):
    child = factories.make_product(title=title, **kwargs)
    type(child).objects.filter(pk=parent.pk).update(structure="parent")
    parent.stockrecords.all().delete()
    type(child).objects.filter(pk=child.pk).update(
        structure="child", parent=parent, product_class=None
    )
    return type(child).objects.get(pk=child.pk)


def make_option(product, *, required=False, kind="text"):
    option = get_model("catalogue", "Option").objects.create(
        name="Gravur", code=f"gravur{product.pk}", type=kind, required=required
    )
    product.product_options.add(option)
    return option


# --- the plain cases --------------------------------------------------------------------------------


def test_a_guests_basket_comes_back_on_another_device(client):
    tea, cup = factories.make_product("Teekanne"), factories.make_product("Tasse")
    basket = left_basket(tea, cup, quantity=2)
    token = kit.make_link(basket)
    response = kit.tap(client, token)
    assert kit.holding(client) == {"Teekanne": 2, "Tasse": 2}
    assert "Ihr Warenkorb ist wieder da." in words(response)
    assert kit.basket_of(client).pk != basket.pk
    assert "oscar_open_basket" in client.cookies
    basket.refresh_from_db()
    assert basket.status == "Open"
    assert basket.num_items == 4


def test_the_visitors_own_basket_is_simply_shown(client):
    checkout.add_to_basket(client, factories.make_product("Teekanne"))
    basket = kit.basket_of(client)
    token = kit.make_link(basket)
    response = kit.tap(client, token)
    assert kit.basket_of(client).pk == basket.pk
    assert kit.holding(client) == {"Teekanne": 1}
    assert "wieder da" not in words(response).split("Teekanne")[0]
    assert get_model("basket", "Basket").objects.count() == 1


def test_a_members_basket_is_shown_to_its_owner_and_copied_for_others(client):
    user = factories.make_user()
    basket = left_basket(factories.make_product("Teekanne"), owner=user, quantity=3)
    token = kit.make_link(basket, factories.make_contact(user=user))
    kit.tap(client, token)
    assert kit.basket_of(client).owner is None
    assert kit.holding(client) == {"Teekanne": 3}
    owner = Client()
    owner.force_login(user)
    kit.tap(owner, token)
    assert kit.basket_of(owner).pk == basket.pk
    assert kit.holding(owner) == {"Teekanne": 3}
    other = Client()
    other.force_login(factories.make_user())
    kit.tap(other, token)
    assert kit.basket_of(other).owner != user
    assert kit.holding(other) == {"Teekanne": 3}
    basket.refresh_from_db()
    assert basket.num_items == 3


def test_what_the_visitor_has_already_stays_as_it_is(client):
    tea, cup, mug = (factories.make_product(t) for t in ("Teekanne", "Tasse", "Becher"))
    checkout.add_to_basket(client, tea, quantity=5)
    checkout.add_to_basket(client, cup, quantity=1)
    checkout.add_to_basket(client, mug, quantity=1)
    token = kit.make_link(left_basket(tea, cup, quantity=2))
    kit.tap(client, token)
    assert kit.holding(client) == {"Teekanne": 5, "Tasse": 2, "Becher": 1}


# --- changed since ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("new", "said"),
    [("24.99", "teurer geworden: 24,99 € statt 19,99 €"),
     ("9.99", "günstiger geworden: 9,99 € statt 19,99 €")],
)  # fmt: skip
def test_a_changed_price_is_named_with_both_prices(client, new, said):
    product = factories.make_product("Teekanne", price="19.99")
    token = kit.make_link(left_basket(product))
    product.stockrecords.update(price=Decimal(new))
    response = kit.tap(client, token)
    page = words(response).replace("\xa0", " ")
    assert said in page.replace("€24.99", "24,99 €").replace("€19.99", "19,99 €").replace(
        "€9.99", "9,99 €"
    )
    assert kit.holding(client) == {"Teekanne": 1}


def test_an_unchanged_price_is_not_mentioned(client):
    token = kit.make_link(left_basket(factories.make_product("Teekanne")))
    assert " statt " not in words(kit.tap(client, token))


@pytest.mark.parametrize(("have", "left", "expected"), [(0, 2, 2), (1, 2, 2), (2, 1, 2)])
def test_no_more_than_the_stock_goes_in(client, have, left, expected):
    product = factories.make_product("Teekanne", stock=10)
    token = kit.make_link(left_basket(product, quantity=5))
    if have:
        checkout.add_to_basket(client, product, quantity=have)
    product.stockrecords.update(num_in_stock=left)
    response = kit.tap(client, token)
    assert kit.holding(client) == {"Teekanne": expected}
    assert f"nur noch {left} " in words(response).lower()


def test_the_stock_is_shared_by_lines_of_one_product(client):
    product = factories.make_product("Teekanne", stock=10)
    option = make_option(product)
    basket = left_basket(product, quantity=3)
    basket.add_product(product, 3, [{"option": option, "value": "Für Oma"}])
    token = kit.make_link(basket)
    product.stockrecords.update(num_in_stock=4)
    kit.tap(client, token)
    assert sorted(line.quantity for line in kit.basket_of(client).lines.all()) == [1, 3]


def gone_deleted(product):
    product.delete()


def gone_hidden(product):
    type(product).objects.filter(pk=product.pk).update(is_public=False)


def gone_sold_out(product):
    product.stockrecords.update(num_in_stock=0)


def gone_allocated(product):
    product.stockrecords.update(num_allocated=10)


def gone_stock_record(product):
    product.stockrecords.all().delete()


def gone_price(product):
    product.stockrecords.update(price=None)


def gone_parent(product):
    make_child(product, "Teekanne, rot", stock=0)


WAYS_TO_GO = [
    gone_deleted, gone_hidden, gone_sold_out, gone_allocated, gone_stock_record, gone_price,
    gone_parent,
]  # fmt: skip


@pytest.mark.parametrize("go", WAYS_TO_GO)
def test_a_product_that_is_gone_is_named_and_the_rest_comes_back(client, go):
    tea, cup = factories.make_product("Teekanne"), factories.make_product("Tasse")
    token = kit.make_link(left_basket(tea, cup))
    go(tea)
    response = kit.tap(client, token)
    assert response.status_code == 200
    assert kit.holding(client) == {"Tasse": 1}
    assert "„Teekanne“ ist nicht mehr verfügbar." in words(response)


@pytest.mark.parametrize("go", WAYS_TO_GO)
def test_a_basket_of_which_nothing_is_left_gets_an_honest_page(client, go):
    tea = factories.make_product("Teekanne")
    token = kit.make_link(left_basket(tea))
    go(tea)
    response = kit.tap(client, token)
    assert response.status_code == 200
    assert "„Teekanne“ ist nicht mehr verfügbar." in words(response)
    assert 'href="/"' in response.content.decode()
    assert kit.holding(client) == {}


@pytest.mark.parametrize("go", [gone_deleted, gone_hidden, gone_sold_out, gone_stock_record])
def test_a_gone_product_comes_with_alternatives_that_can_be_bought(client, go):
    category = get_model("catalogue", "Category").add_root(name="Kannen")
    tea, other, sold, hidden = (
        factories.make_product(t) for t in ("Teekanne", "Kaffeekanne", "Milchkanne", "Gießkanne")
    )
    for product in (tea, other, sold, hidden):
        product.categories.add(category)
    gone_sold_out(sold)
    gone_hidden(hidden)
    token = kit.make_link(left_basket(tea))
    go(tea)
    page = kit.tap(client, token).content.decode()
    assert f'href="{other.get_absolute_url()}">Kaffeekanne</a>' in page
    assert "Milchkanne" not in page
    assert "Gießkanne" not in page


def test_recommended_products_come_before_those_of_the_category(client):
    category = get_model("catalogue", "Category").add_root(name="Kannen")
    tea = factories.make_product("Teekanne", stock=5)
    near = [factories.make_product(f"Nachbar {n}") for n in range(5)]
    for product in (tea, *near):
        product.categories.add(category)
    best = factories.make_product("Empfohlen <b>")
    get_model("catalogue", "ProductRecommendation").objects.create(
        primary=tea, recommendation=best, ranking=1
    )
    token = kit.make_link(left_basket(tea))
    gone_sold_out(tea)
    page = kit.tap(client, token).content.decode()
    assert page.index("Empfohlen &lt;b&gt;") < page.index("Nachbar")
    assert page.count("Nachbar") == 2


def test_a_variant_comes_back_and_a_gone_one_offers_its_sisters(client):
    parent = factories.make_product("Shirt")
    red = make_child(parent, "Shirt rot")
    blue = make_child(parent, "Shirt blau")
    token = kit.make_link(left_basket(red))
    kit.tap(client, token)
    assert kit.holding(client) == {"Shirt rot": 1}
    gone_sold_out(red)
    response = kit.tap(Client(), token)
    assert "Shirt blau" in words(response)
    type(parent).objects.filter(pk=parent.pk).update(is_public=False)
    response = kit.tap(Client(), token)
    assert "nicht mehr verfügbar" in words(response)
    assert blue.get_absolute_url() not in response.content.decode()


def test_titles_are_escaped(client):
    product = factories.make_product("<script>alert(1)</script>")
    token = kit.make_link(left_basket(product, factories.make_product()))
    gone_deleted(product)
    assert "<script>alert(1)" not in kit.tap(client, token).content.decode()


def test_another_currency_does_not_go_into_the_same_basket(client):
    tea, cup = factories.make_product("Teekanne"), factories.make_product("Tasse")
    token = kit.make_link(left_basket(tea, cup))
    tea.stockrecords.update(price_currency="CHF")
    checkout.add_to_basket(client, cup)
    response = kit.tap(client, token)
    assert kit.holding(client) == {"Tasse": 1}
    assert "anderen Währung" in words(response)


def test_a_whole_basket_in_a_new_currency_comes_back_without_comparing_prices(client):
    tea = factories.make_product("Teekanne", price="19.99")
    token = kit.make_link(left_basket(tea))
    tea.stockrecords.update(price_currency="CHF", price=Decimal("29.99"))
    response = kit.tap(client, token)
    assert kit.holding(client) == {"Teekanne": 1}
    assert " statt " not in words(response)


def test_the_shops_limit_of_a_basket_holds(client, settings):
    product, other = factories.make_product("Teekanne", stock=50), factories.make_product("Tasse")
    token = kit.make_link(left_basket(product, quantity=9))
    settings.OSCAR_MAX_BASKET_QUANTITY_THRESHOLD = 5
    checkout.add_to_basket(client, other)
    response = kit.tap(client, token)
    assert kit.holding(client) == {"Teekanne": 4, "Tasse": 1}
    assert "4 von 9" in words(response)


# --- options ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["Für Oma", ["a", "b"], 3, True, 1.5, "2026-12-24"])
def test_what_was_chosen_for_a_line_comes_back_with_it(client, value):
    product = factories.make_product("Teekanne")
    option = make_option(product)
    basket = factories.make_basket()
    basket.add_product(product, 2, [{"option": option, "value": value}])
    token = kit.make_link(basket)
    for _ in range(2):
        kit.tap(client, token)
        line = kit.basket_of(client).lines.get()
        assert (line.quantity, line.attributes.get().value) == (2, value)


def test_lines_that_differ_in_their_options_stay_apart(client):
    product = factories.make_product("Teekanne")
    option = make_option(product)
    basket = factories.make_basket(product)
    for text in ("A", "B"):
        basket.add_product(product, 1, [{"option": option, "value": text}])
    token = kit.make_link(basket)
    kit.tap(client, token)
    kit.tap(client, token)
    assert [line.quantity for line in kit.basket_of(client).lines.all()] == [1, 1, 1]


def test_a_product_that_needs_a_choice_now_asks_for_it(client):
    product = factories.make_product("Teekanne")
    token = kit.make_link(left_basket(product, factories.make_product("Tasse")))
    make_option(product, required=True)
    response = kit.tap(client, token)
    assert kit.holding(client) == {"Tasse": 1}
    assert "wählen Sie die Optionen neu" in words(response)
    assert f'href="{product.get_absolute_url()}"' in response.content.decode()


# --- the basket's own fate ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Frozen", "Submitted", "Saved"])
def test_a_basket_that_is_not_open_is_copied_and_left_as_it_is(client, status):
    user = factories.make_user()
    basket = left_basket(factories.make_product("Teekanne"), owner=user, quantity=2)
    token = kit.make_link(basket, factories.make_contact(user=user))
    get_model("basket", "Basket").objects.filter(pk=basket.pk).update(status=status)
    for visitor in (client, Client()):
        if visitor is not client:
            visitor.force_login(user)
        kit.tap(visitor, token)
        assert kit.basket_of(visitor).pk != basket.pk
        assert kit.holding(visitor) == {"Teekanne": 2}
    basket.refresh_from_db()
    assert basket.status == status
    assert basket.lines.get().quantity == 2


def test_a_guest_who_left_the_payment_page_gets_a_copy_and_a_late_payment_still_matches(client):
    checkout.add_to_basket(client, factories.make_product("Teekanne"), quantity=2)
    frozen = kit.basket_of(client)
    token = kit.make_link(frozen)
    frozen.freeze()
    kit.tap(client, token)
    copy = kit.basket_of(client)
    assert copy.pk != frozen.pk
    assert kit.holding(client) == {"Teekanne": 2}
    frozen.refresh_from_db()
    assert frozen.status == "Frozen"
    # the payment comes through after all: the order belongs to the frozen basket
    place_directly(frozen)
    response = kit.tap(Client(), token)
    assert "schon bestellt" in words(response)


def test_a_merged_basket_is_found_where_its_lines_went(client):
    user = factories.make_user()
    contact = factories.make_contact(user=user)
    mug = factories.make_product("Becher")
    own = left_basket(mug, owner=user)
    guest = Client()
    tea = factories.make_product("Teekanne")
    checkout.add_to_basket(guest, tea, quantity=2)
    checkout.add_to_basket(guest, mug, quantity=3)
    left = kit.basket_of(guest)
    token = kit.make_link(left, contact)
    guest.force_login(user)
    assert kit.holding(guest) == {"Teekanne": 2, "Becher": 3}
    left.refresh_from_db()
    assert left.status == "Merged"
    # on the same device everything is there; on another one it comes along
    kit.tap(guest, token)
    assert kit.holding(guest) == {"Teekanne": 2, "Becher": 3}
    kit.tap(client, token)
    assert kit.holding(client) == {"Teekanne": 2, "Becher": 3}
    own.refresh_from_db()
    assert own.num_items == 5


def test_only_what_the_link_was_about_comes_out_of_a_merged_basket(client):
    user = factories.make_user()
    left_basket(factories.make_product("Geheimes"), owner=user)
    guest = Client()
    checkout.add_to_basket(guest, factories.make_product("Teekanne"))
    token = kit.make_link(kit.basket_of(guest))
    guest.force_login(user)
    assert set(kit.holding(guest)) == {"Geheimes", "Teekanne"}
    kit.tap(client, token)
    assert kit.holding(client) == {"Teekanne": 1}


def test_a_deleted_basket_is_rebuilt_from_what_the_link_knows(client):
    basket = left_basket(factories.make_product("Teekanne"), quantity=2)
    token = kit.make_link(basket)
    basket.delete()
    kit.tap(client, token)
    assert kit.holding(client) == {"Teekanne": 2}


def test_what_the_shopper_took_out_stays_out(client):
    tea, cup = factories.make_product("Teekanne"), factories.make_product("Tasse")
    basket = left_basket(tea, cup)
    token = kit.make_link(basket)
    basket.lines.get(product=tea).delete()
    models.TrackedCart.objects.update(last_activity_at=timezone.now())
    kit.tap(client, token)
    assert kit.holding(client) == {"Tasse": 1}


def test_what_the_shopper_added_since_comes_along(client):
    basket = left_basket(factories.make_product("Teekanne"))
    token = kit.make_link(basket)
    basket.add_product(factories.make_product("Tasse"), 2)
    kit.tap(client, token)
    assert kit.holding(client) == {"Teekanne": 1, "Tasse": 2}


def test_an_emptied_basket_says_so(client):
    basket = left_basket(factories.make_product("Teekanne"))
    token = kit.make_link(basket)
    basket.flush()
    models.TrackedCart.objects.update(last_activity_at=timezone.now())
    response = kit.tap(client, token)
    assert "jetzt leer" in words(response)
    assert kit.holding(client) == {}


def test_a_stock_record_that_was_imported_anew_is_not_a_loss(client):
    product = factories.make_product("Teekanne")
    token = kit.make_link(left_basket(product, quantity=2))
    old = stock(product)
    old.delete()
    models.TrackedCart.objects.update(last_activity_at=NOW - dt.timedelta(hours=1))
    old.pk = None
    old.save()
    kit.tap(client, token)
    assert kit.holding(client) == {"Teekanne": 2}


def test_another_stock_record_does_not_double_the_line(client):
    product = factories.make_product("Teekanne")
    token = kit.make_link(left_basket(product, quantity=2))
    checkout.add_to_basket(client, product)
    other = stock(product)
    other.pk, other.partner_sku = None, "anders"
    other.save()
    product.stockrecords.exclude(pk=other.pk).update(num_in_stock=10)
    get_model("basket", "Line").objects.filter(basket__owner=None).update(stockrecord=other)
    kit.tap(client, token)
    assert kit.holding(client) == {"Teekanne": 2}


# --- after the purchase -------------------------------------------------------------------------------


def place_directly(basket, user=None, email="gast@example.de"):
    """An order as a payment provider's callback makes it."""
    from oscar.apps.order.utils import OrderCreator
    from oscar.apps.shipping.methods import Free
    from oscar.core import prices

    kit.with_strategy(basket)
    method = Free()
    total = prices.Price("EUR", basket.total_excl_tax, basket.total_incl_tax)
    order = OrderCreator().place_order(
        basket, total, method, method.calculate(basket), user=user, guest_email=email
    )
    basket.submit()
    return order


def test_a_basket_that_was_ordered_is_not_filled_again(client):
    checkout.add_to_basket(client, factories.make_product("Teekanne"))
    token = kit.make_link(kit.basket_of(client))
    checkout.place_order_as_guest(client, None)
    response = kit.tap(client, token)
    assert "schon bestellt" in words(response)
    assert kit.holding(client) == {}


def test_a_copy_that_was_ordered_counts_for_the_link(client):
    token = kit.make_link(left_basket(factories.make_product("Teekanne")))
    kit.tap(client, token)
    checkout.place_order_as_guest(client, None, email="jemand-anders@example.de")
    assert "schon bestellt" in words(kit.tap(Client(), token))


def test_another_order_of_the_same_person_counts_product_by_product(client):
    tea, cup = factories.make_product("Teekanne"), factories.make_product("Tasse")
    contact = factories.make_contact("erika@example.de")
    token = kit.make_link(left_basket(tea, cup), contact)
    checkout.place_order_as_guest(Client(), tea, email="ERIKA@example.de")
    response = kit.tap(client, token)
    assert kit.holding(client) == {"Tasse": 1}
    assert "„Teekanne“ haben Sie inzwischen gekauft" in words(response)
    checkout.place_order_as_guest(Client(), cup, email="Erika@Example.de")
    assert "schon bestellt" in words(kit.tap(Client(), token))


def test_an_order_from_before_does_not_count(client):
    tea = factories.make_product("Teekanne")
    checkout.place_order_as_guest(Client(), tea, email="erika@example.de")
    get_model("order", "Order").objects.update(date_placed=NOW - dt.timedelta(days=1))
    token = kit.make_link(left_basket(tea), models.Contact.objects.get())
    kit.tap(client, token)
    assert kit.holding(client) == {"Teekanne": 1}


def test_a_cancelled_order_does_not_count(client):
    checkout.add_to_basket(client, factories.make_product("Teekanne", stock=10))
    token = kit.make_link(kit.basket_of(client))
    checkout.place_order_as_guest(client, None).set_status("Cancelled")
    kit.tap(client, token)
    assert kit.holding(client) == {"Teekanne": 1}


# --- once is as good as twice -------------------------------------------------------------------------


def test_restoring_again_and_again_changes_nothing(client):
    token = kit.make_link(left_basket(factories.make_product("Teekanne"), quantity=2))
    for _ in range(3):
        response = kit.tap(client, token)
        assert kit.holding(client) == {"Teekanne": 2}
    assert "liegt schon alles" in words(response)
    assert get_model("basket", "Basket").objects.count() == 2


def test_a_double_tap_is_one_visit_and_one_basket(client):
    token = kit.make_link(left_basket(factories.make_product("Teekanne"), quantity=2))
    page = kit.show(client, token)
    second = Client()
    second.cookies = client.cookies.copy()
    kit.confirm(client, token, page)
    # the second request left before the cookies of the first answer came
    kit.confirm(second, token, page)
    assert kit.basket_of(client).pk == kit.basket_of(second).pk
    assert kit.holding(second) == {"Teekanne": 2}
    assert models.LinkClick.objects.count() == 1
    assert get_model("basket", "Basket").objects.count() == 2


def test_a_replayed_visit_gives_nobody_the_basket_of_the_first(client):
    token = kit.make_link(left_basket(factories.make_product("Teekanne")))
    page = kit.show(client, token)
    kit.confirm(client, token, page)
    models.LinkClick.objects.update(clicked_at=NOW - dt.timedelta(minutes=11))
    thief = Client()
    kit.confirm(thief, token, page)
    assert kit.basket_of(thief).pk != kit.basket_of(client).pk
    # and never that of a member, not even at once
    member = Client()
    member.force_login(factories.make_user())
    page = kit.show(member, token)
    kit.confirm(member, token, page)
    kit.confirm(thief, token, page)
    assert kit.basket_of(thief).pk != kit.basket_of(member).pk


@pytest.mark.parametrize("order", ["restore first", "log in first"])
@pytest.mark.parametrize("mine", [0, 1, 2, 5])
def test_restore_log_in_restore_again_on_two_devices(order, mine):
    user = factories.make_user()
    contact = factories.make_contact(user=user)
    product = factories.make_product("Teekanne", stock=50)
    basket = left_basket(product, owner=user, quantity=2)
    token = kit.make_link(basket, contact)
    for device in (Client(), Client()):
        if mine:
            checkout.add_to_basket(device, product, quantity=mine)
        if order == "restore first":
            kit.tap(device, token)
            device.force_login(user)
        else:
            device.force_login(user)
            kit.tap(device, token)
        assert kit.holding(device) == {"Teekanne": max(2, mine)}
        kit.tap(device, token)
        assert kit.holding(device) == {"Teekanne": max(2, mine)}


def test_a_line_with_options_does_not_double_at_log_in(client):
    user = factories.make_user()
    product = factories.make_product("Teekanne")
    option = make_option(product, kind="date")
    basket = factories.make_basket(owner=user)
    basket.add_product(product, 2, [{"option": option, "value": dt.date(2026, 12, 24)}])
    token = kit.make_link(basket, factories.make_contact(user=user))
    kit.tap(client, token)
    client.force_login(user)
    assert kit.holding(client) == {"Teekanne": 2}


class AddingMiddleware(BasketMiddleware):
    """A shop that adds quantities up when it merges baskets, as older ones do."""

    def merge_baskets(self, master, slave):
        master.merge(slave, add_quantities=True)


@pytest.mark.parametrize("own", [0, 1, 2, 5])
def test_a_shop_that_adds_up_at_log_in_does_not_double_a_restored_basket(client, settings, own):
    settings.MIDDLEWARE = [
        f"{__name__}.AddingMiddleware" if name.endswith("BasketMiddleware") else name
        for name in settings.MIDDLEWARE
    ]
    user = factories.make_user()
    tea, cup = factories.make_product("Teekanne"), factories.make_product("Tasse")
    basket = left_basket(tea, owner=user, quantity=2)
    token = kit.make_link(basket, factories.make_contact(user=user))
    if own:
        checkout.add_to_basket(client, tea, quantity=own)
    kit.tap(client, token)
    checkout.add_to_basket(client, cup)
    client.force_login(user)
    assert kit.holding(client) == {"Teekanne": max(2, own), "Tasse": 1}


# --- at the same moment -------------------------------------------------------------------------------


def at_once(*calls):
    barrier = threading.Barrier(len(calls), timeout=20)
    answers = []

    def run(call):
        try:
            barrier.wait()
            answers.append(call())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [answer.status_code for answer in answers] == [302] * len(calls)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_devices_of_one_member_at_once_with_two_links():
    user = factories.make_user()
    contact = factories.make_contact(user=user)
    tea, cup = factories.make_product("Teekanne"), factories.make_product("Tasse")
    guest_basket = left_basket(tea, cup, quantity=2)
    tokens = [kit.make_link(guest_basket, contact)]
    enrolment = models.Enrolment.objects.get()
    step = models.Step.objects.create(
        campaign=enrolment.campaign, position=2, delay=dt.timedelta(1)
    )
    tokens.append(kit.make_later_link(enrolment, step))
    devices = [Client(), Client()]
    for device in devices:
        device.force_login(user)
        kit.basket_of(device)
    pages = [kit.show(d, t) for d, t in zip(devices, tokens, strict=True)]
    at_once(
        *(
            functools.partial(kit.confirm, *arguments)
            for arguments in zip(devices, tokens, pages, strict=True)
        )
    )
    for device in devices:
        assert kit.holding(device) == {"Teekanne": 2, "Tasse": 2}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_double_tap_at_the_same_moment_is_one_basket():
    token = kit.make_link(left_basket(factories.make_product("Teekanne"), quantity=2))
    first, second = Client(), Client()
    page = kit.show(first, token)
    at_once(
        functools.partial(kit.confirm, first, token, page),
        functools.partial(kit.confirm, second, token, page),
    )
    assert kit.basket_of(first).pk == kit.basket_of(second).pk
    assert kit.holding(first) == {"Teekanne": 2}
    assert models.LinkClick.objects.count() == 1
