"""Carts that end before they are found abandoned."""

from __future__ import annotations

import pytest
from django.utils import timezone

from cart_recovery.carts.closing import close, close_ordered
from cart_recovery.models import CartState, TrackedCart
from tests.factories import make_basket, make_cart, make_product

pytestmark = pytest.mark.django_db


def test_deleted_carts_are_left_alone_when_an_order_has_no_basket():
    cart = make_cart(make_basket(make_product()), state=CartState.DELETED)
    cart.basket.delete()

    assert close_ordered(None, 1, timezone.now()) == 0
    assert TrackedCart.objects.get().state == CartState.DELETED


@pytest.mark.parametrize("state", [CartState.MERGED, CartState.DELETED, CartState.EXCLUDED])
def test_ordered_cart_stays_ordered_whatever_becomes_of_its_basket(state):
    ordered, other = make_basket(make_product()), make_basket(make_product())
    make_cart(ordered, state=CartState.ORDERED)
    make_cart(other, state=CartState.ABANDONED)

    assert close([ordered.pk, other.pk], state, timezone.now(), reason="x") == 1

    assert TrackedCart.objects.get(basket=ordered).state == CartState.ORDERED
    closed = TrackedCart.objects.get(basket=other)
    assert (closed.state, closed.state_reason) == (state, "x")
