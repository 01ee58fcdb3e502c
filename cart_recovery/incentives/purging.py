"""Clears away vouchers that expired without being used."""

from __future__ import annotations

import datetime as dt

from cart_recovery.models import VoucherGrant
from cart_recovery.shop.vouchers import delete_unused


def purge_expired(now: dt.datetime, limit: int) -> int:
    """Settles up to `limit` expired grants and removes their vouchers from Oscar unless an order
    used them. Gives the number of settled grants: as long as it equals `limit`, there is more.

    The grant itself stays, so that the code of a message can still be explained. Served by a
    partial index; constant statements per call; two purges at once do no harm.
    """
    expired = VoucherGrant.objects.filter(expires_at__lt=now, settled_at__isnull=True)
    rows = list(expired.order_by("expires_at", "pk").values_list("pk", "voucher_id")[:limit])
    if not rows:
        return 0
    delete_unused([voucher_id for _pk, voucher_id in rows if voucher_id is not None])
    return VoucherGrant.objects.filter(
        pk__in=[pk for pk, _voucher_id in rows], settled_at__isnull=True
    ).update(settled_at=now)
