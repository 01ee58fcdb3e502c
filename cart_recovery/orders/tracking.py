"""Tracking of orders: one indexed statement per change, inside the shop's own transaction.

What has changed is not written down: the sweep reads the order as it then stands (`orders.looking`).
So any number of changes, in any order and told twice, come to the same.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone, translation

from cart_recovery.carts import requests
from cart_recovery.carts.guarding import database, guarded
from cart_recovery.carts.tracking import Marker, send, watch
from cart_recovery.models import TrackedOrder


@guarded
def note_change(order_id: Any, *, is_placing: bool = False, now: dt.datetime | None = None) -> None:
    """Write down that something was said about an order. Never raises.

    Within a transaction of a request, once is enough; what is committed already a sweep may have
    looked at. `is_placing`: the request is the shopper's own, so that its language is theirs.
    """
    if order_id is None:
        return
    context = requests.current()
    connection = connections[database()]
    earlier = context.changed.get(order_id) if context else None
    if earlier is not None and _is_pending(earlier, connection):
        return
    language = (translation.get_language() or "") if is_placing else ""
    at = connection.ops.adapt_datetimefield_value(now or timezone.now())
    field_of_order = TrackedOrder._meta.get_field("order")
    order = field_of_order.get_db_prep_value(order_id, connection)
    send(connection, upsert_sql(connection.alias), [at, at, language[:16], order, at])
    marker = Marker()
    if context is not None and watch(marker, connection):
        context.changed[order_id] = marker


def _is_pending(marker: Marker, connection: BaseDatabaseWrapper) -> bool:
    return not marker.is_committed and marker.is_standing(connection)


@cache
def upsert_sql(alias: str) -> str:
    """The one statement. It reads the order's row by its key, so that no foreign key can dangle."""
    connection = connections[alias]
    quote = connection.ops.quote_name
    order: Any = TrackedOrder._meta.get_field("order").related_model._meta
    conflict = "ON CONFLICT (order_id) DO UPDATE SET"
    if connection.vendor == "mysql":
        conflict = "ON DUPLICATE KEY UPDATE"
    key = quote(order.pk.column)
    return (
        f"INSERT INTO {quote(TrackedOrder._meta.db_table)}"  # noqa: S608 only names; values go apart
        f" (order_id, created_at, changed_at, language) SELECT o.{key}, %s, %s, %s"
        f" FROM {quote(order.db_table)} o WHERE o.{key} = %s {conflict} changed_at = %s"
    )
