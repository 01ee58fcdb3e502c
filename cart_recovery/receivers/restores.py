"""A visitor who followed a restore link signs in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest

from cart_recovery.carts.guarding import guarded, guarded_with_savepoint
from cart_recovery.models import LinkClick
from cart_recovery.restore_links.following import CLICK_KEY
from cart_recovery.shop.merging import absorb_copy


def connect() -> None:
    user_logged_in.connect(on_user_logged_in, dispatch_uid="cart_recovery.absorb_copy")


@guarded
def on_user_logged_in(user: Any, request: HttpRequest | None = None, **kwargs: Any) -> None:
    session = getattr(request, "session", None)
    click_id = session.get(CLICK_KEY) if session is not None else None
    if click_id is not None:
        absorb(click_id, user.pk)


@guarded_with_savepoint
def absorb(click_id: int, user_id: Any) -> None:
    basket_id = LinkClick.objects.filter(pk=click_id).values_list("basket_id", flat=True).first()
    if basket_id is not None:
        absorb_copy(basket_id, user_id)
