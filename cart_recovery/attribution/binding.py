"""Binds an order to the click of its session, where neither basket nor person tells."""

from __future__ import annotations

import datetime as dt

from cart_recovery.conf import conf
from cart_recovery.models import LinkClick
from cart_recovery.shop.orders import orders_of_baskets


def bind_click(click_id: int, basket_id: int, now: dt.datetime) -> bool:
    """Notes that a human click led to this basket in the end; whether that is news.

    Somebody follows a link that was passed on and then signs in: Oscar merges the restored basket
    into their own one, and the order tells neither the link's contact nor its basket. A click whose
    basket was ordered itself stays as it is. Three statements at most.
    """
    click = LinkClick.objects.filter(
        pk=click_id, is_machine=False, clicked_at__gte=now - conf.ATTRIBUTION_WINDOW
    ).first()
    if click is None or click.basket_id == basket_id or orders_of_baskets([click.basket_id]):
        return False
    return bool(LinkClick.objects.filter(pk=click_id).update(basket=basket_id))
