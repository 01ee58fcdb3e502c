"""By which of the shop's strategies prices and stock are judged outside a request."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib.auth import get_user_model
from oscar.core.loading import get_class


def strategies_for(user_ids: Collection[Any]) -> dict[Any, Any]:
    """The strategy for each user; for None, and for users that are gone, that of a guest.

    One query, none without users.
    """
    known = {user_id for user_id in user_ids if user_id is not None}
    users = get_user_model()._base_manager.in_bulk(known) if known else {}
    selector = get_class("partner.strategy", "Selector")()
    return {user_id: selector.strategy(user=users.get(user_id)) for user_id in user_ids}
