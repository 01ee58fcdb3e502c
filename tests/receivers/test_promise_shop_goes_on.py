"""Promise 5: whatever breaks on our side, the shopper gets what they came for."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cart_recovery.carts import requests as request_contexts
from cart_recovery.carts.tracking import touch
from cart_recovery.models import TrackedCart
from cart_recovery.receivers import (
    attributions,
    baskets,
    checkout,
    checkout_session,
    consents,
    logins,
    orders,
    requests,
    troubles,
)
from tests.checkout import (
    add_to_basket,
    current_basket,
    place_order_as_guest,
    place_order_as_user,
)
from tests.factories import make_basket, make_contact, make_product, make_user

pytestmark = pytest.mark.django_db(transaction=True)

#: everything that our receivers call
INNER = [
    (attributions, "bind_click"), (attributions, "credit_order"),
    (baskets, "touch"), (baskets, "close"), (baskets, "contact_behind_link"),
    (baskets, "is_worth_tracking"),
    (checkout, "touch"), (checkout, "contact_at_checkout"), (checkout, "paid_basket"),
    (checkout_session, "touch"), (checkout_session, "capture_checkout"),
    (consents, "capture_guest"), (consents, "capture_registration"),
    (logins, "resolve_users"), (logins, "open_basket_ids"),
    (orders, "close_ordered"), (orders, "stop_for_order"), (orders, "note_change"),
    (troubles, "begin_attempt"), (troubles, "mark_paid"), (troubles, "note_thaw"),
    (troubles, "paid_basket"),
]  # fmt: skip


@pytest.fixture(params=[True, False], ids=["atomic", "autocommit"])
def atomic_requests(request, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", request.param)


@pytest.fixture
def no_tables():
    """All our tables are away, as between a deployment and its `migrate`."""
    tables = [model._meta.db_table for model in apps.get_app_config("cart_recovery").get_models()]
    rename = "ALTER TABLE {} RENAME TO {}".format
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(rename(table, f"gone_{table}"))
    yield
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(rename(f"gone_{table}", table))


@pytest.fixture
def all_raise(monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("ours is broken")

    for module, name in INNER:
        monkeypatch.setattr(module, name, fail)
    monkeypatch.setattr(requests.requests, "begin", fail)


@pytest.fixture
def all_send_bad_sql(monkeypatch):
    def fail(*args, **kwargs):
        with connection.cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")

    behind_savepoint = {"capture_guest", "capture_registration", "capture_checkout", "close",
                        "resolve_users", "close_ordered", "stop_for_order", "bind_click",
                        "credit_order"}  # fmt: skip
    for module, name in INNER:
        if name in behind_savepoint:
            monkeypatch.setattr(module, name, fail)
    monkeypatch.setattr("cart_recovery.receivers.visitors.resolve", fail)
    monkeypatch.setattr(
        "cart_recovery.carts.tracking.upsert_sql",
        lambda *args, **kwargs: "SELECT nothing FROM nowhere" + " WHERE %s" * 0,
    )
    monkeypatch.setattr("cart_recovery.carts.tracking.upsert_params", lambda *args: [])
    monkeypatch.setattr(
        "cart_recovery.orders.tracking.upsert_sql", lambda alias: "SELECT nothing FROM nowhere"
    )


@pytest.fixture(params=["no_tables", "all_raise", "all_send_bad_sql"])
def broken(request):
    request.getfixturevalue(request.param)


def log_in(client, email):
    return client.post(
        reverse("customer:login"),
        {"login-username": email, "login-password": "geheim-123", "login_submit": "x"},
    )


def test_guest_can_order_whatever_is_broken(atomic_requests, broken):
    client = Client()
    order = place_order_as_guest(client, make_product())

    assert order.lines.get().quantity == 1
    assert order.basket.status == "Submitted"


def test_member_can_order_whatever_is_broken(atomic_requests, broken):
    order = place_order_as_user(Client(), make_user(), make_product())

    assert order.basket.status == "Submitted"


def test_basket_is_right_whatever_is_broken(atomic_requests, broken):
    client, user = Client(), make_user("kunde@example.de")
    first, second = make_product(), make_product()
    own = make_basket(first, owner=user)
    add_to_basket(client, first, quantity=2)
    add_to_basket(client, second)
    lines = current_basket(client).lines.order_by("pk")
    form = {"form-TOTAL_FORMS": 2, "form-INITIAL_FORMS": 2}
    for index, line in enumerate(lines):
        form |= {f"form-{index}-id": line.pk, f"form-{index}-quantity": 3 - index}
    assert client.post(reverse("basket:summary"), form).status_code == 302
    assert client.post(reverse("basket:vouchers-add"), {"code": "x"}).status_code == 302
    assert log_in(client, "kunde@example.de").status_code == 302

    basket = current_basket(client)

    assert basket == own
    assert sorted(basket.lines.values_list("product", "quantity")) == [
        (first.pk, 3), (second.pk, 2),
    ]  # fmt: skip


def test_shopper_can_register_whatever_is_broken(atomic_requests, broken):
    client = Client()
    response = client.post(
        reverse("customer:register"),
        {"email": "neu@example.de", "password1": "geheim-123-xyz", "password2": "geheim-123-xyz"},
    )

    assert response.status_code == 302, response.context["form"].errors
    assert client.get(reverse("customer:profile-view")).status_code == 200


def test_failures_are_logged_without_personal_data(no_tables, caplog):
    place_order_as_guest(Client(), make_product(), email="geheim@example.de")

    text = caplog.text
    assert "touch failed" in text
    assert "geheim" not in text
    assert "23456789" not in text


def test_no_context_is_left_behind_after_a_request():
    add_to_basket(Client(), make_product())

    assert request_contexts.current() is None


def test_transaction_survives_when_the_statement_fails_inside_it(no_tables):
    with transaction.atomic():
        user = make_user()
        touch(1)
        touch(2, contact_id=3)
        user.first_name = "Erika"
        user.save()

    user.refresh_from_db()
    assert user.first_name == "Erika"


@pytest.mark.parametrize("basket_id", ["no number", object(), 10**30, "\x00"])
def test_transaction_survives_when_the_error_is_on_our_side_of_the_wire(basket_id):
    with transaction.atomic():
        user = make_user()
        touch(basket_id, language="\x00")
        with transaction.atomic():
            user.first_name = "Erika"
            user.save()
        touch(basket_id)

    user.refresh_from_db()
    assert user.first_name == "Erika"


@pytest.mark.postgres
def test_savepoint_and_statement_travel_together_on_postgresql():
    basket = make_basket(make_product())
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        touch(basket.pk)
    assert len(queries) == 1
    assert queries[0]["sql"].startswith("SAVEPOINT cart_recovery_touch; INSERT")


@pytest.mark.postgres
def test_tracking_works_with_server_side_binding_on_postgresql(monkeypatch):
    basket, contact = make_basket(make_product()), make_contact()
    before = TrackedCart.objects.get().last_activity_at
    monkeypatch.setitem(
        connection.settings_dict, "OPTIONS",
        {**connection.settings_dict["OPTIONS"], "server_side_binding": True},
    )  # fmt: skip
    connection.close()
    connection.features.__dict__.pop("uses_server_side_binding", None)
    try:
        assert connection.features.uses_server_side_binding
        touch(basket.pk)
        with transaction.atomic():
            touch(basket.pk, contact_id=contact.pk, stage="checkout")
        cart = TrackedCart.objects.get()
    finally:
        monkeypatch.undo()
        connection.close()
        connection.features.__dict__.pop("uses_server_side_binding", None)

    assert cart.last_activity_at > before
    assert (cart.contact, cart.stage) == (contact, "checkout")


@pytest.mark.postgres
def test_broken_transaction_of_the_shop_stays_the_shops_on_postgresql():
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        with pytest.raises(DatabaseError):
            cursor.execute("SELECT nothing FROM nowhere")
        touch(1)
        cursor.execute("SELECT 1")
