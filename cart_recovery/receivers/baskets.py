"""Changes of baskets.

Oscar has no signal for changed quantities, removed lines, merging, freezing and thawing, and API
shops send none at all: the rows' own signals tell. `update()` and `bulk_create()` tell nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.db.models import QuerySet
from django.db.models.signals import post_delete, post_save, pre_delete
from django.http import HttpRequest
from django.utils import timezone
from oscar.apps.basket.signals import basket_addition, voucher_addition, voucher_removal
from oscar.core.loading import get_model

from cart_recovery.carts.closing import close
from cart_recovery.carts.guarding import guarded, guarded_with_savepoint
from cart_recovery.carts.tracking import touch
from cart_recovery.carts.troubles import carry_over
from cart_recovery.models import CartStage, CartState, ExclusionReason
from cart_recovery.receivers.visitors import contact_behind_link
from cart_recovery.shop.baskets import LIVE_STATUSES

#: what a basket's new status means for its cart: (state, reason)
CLOSING_STATUSES: Final = {
    "Merged": (CartState.MERGED, ""),
    "Saved": (CartState.EXCLUDED, ExclusionReason.SAVED),
}


def connect() -> None:
    basket, line = get_model("basket", "Basket"), get_model("basket", "Line")
    uid = "cart_recovery.{}".format
    post_save.connect(on_line_saved, sender=line, dispatch_uid=uid("line_saved"))
    post_delete.connect(on_line_deleted, sender=line, dispatch_uid=uid("line_deleted"))
    post_save.connect(on_basket_saved, sender=basket, dispatch_uid=uid("basket_saved"))
    pre_delete.connect(on_basket_deleted, sender=basket, dispatch_uid=uid("basket_deleted"))
    basket_addition.connect(on_basket_addition, dispatch_uid=uid("basket_addition"))
    voucher_addition.connect(on_voucher_changed, dispatch_uid=uid("voucher_addition"))
    voucher_removal.connect(on_voucher_changed, dispatch_uid=uid("voucher_removal"))
    if not hasattr(basket.merge, "is_tracked"):
        basket.merge = tracked_merge(basket.merge)


def tracked_merge(merge: Callable[..., Any]) -> Callable[..., Any]:
    """Oscar's `merge`, after which the one basket knows what the other one suffered. No signal says
    into which basket another one was merged."""

    @wraps(merge)
    def wrapper(self: Any, basket: Any, *args: Any, **kwargs: Any) -> Any:
        result = merge(self, basket, *args, **kwargs)
        on_merged(basket.pk, self.pk)
        return result

    wrapper.is_tracked = True  # type: ignore[attr-defined]  # a mark that connecting reads
    return wrapper


@guarded_with_savepoint
def on_merged(merged_id: Any, basket_id: Any) -> None:
    carry_over(merged_id, basket_id)


@guarded
def on_line_saved(instance: Any, raw: bool = False, **kwargs: Any) -> None:
    if not raw and is_worth_tracking(instance):
        touch(instance.basket_id)


@guarded
def on_line_deleted(instance: Any, origin: Any = None, **kwargs: Any) -> None:
    """Only where lines were meant: with a basket, user or product, lines go unasked."""
    if is_meant(instance, origin) and is_worth_tracking(instance):
        touch(instance.basket_id)


@guarded
def on_basket_addition(request: HttpRequest, **kwargs: Any) -> None:
    basket_id = request.basket.pk  # type: ignore[attr-defined]  # set by Oscar's middleware
    touch(basket_id, contact_id=contact_behind_link(request, basket_id))


@guarded
def on_voucher_changed(basket: Any, **kwargs: Any) -> None:
    touch(basket.pk)


@guarded
def on_basket_saved(instance: Any, created: bool, raw: bool = False, **kwargs: Any) -> None:
    """A new basket is empty. An order closes its cart itself; the sweep sees what sent no signal."""
    if created or raw:
        return
    if instance.status in CLOSING_STATUSES:
        close_behind_savepoint(instance.pk, *CLOSING_STATUSES[instance.status])
    elif instance.status in LIVE_STATUSES:
        # frozen: the shopper has gone on to pay
        is_frozen = instance.status == "Frozen"
        touch(instance.pk, stage=CartStage.CHECKOUT if is_frozen else CartStage.BASKET)


@guarded
def on_basket_deleted(instance: Any, **kwargs: Any) -> None:
    """One statement per deleted basket: before it is gone, since our row then loses its key."""
    close_behind_savepoint(instance.pk, CartState.DELETED, "")


@guarded_with_savepoint
def close_behind_savepoint(basket_id: Any, state: str, reason: str) -> None:
    close([basket_id], state, timezone.now(), reason=reason)


def is_worth_tracking(line: Any) -> bool:
    """False for a line of a basket that is known, without a query, to be saved or closed."""
    basket = line._state.fields_cache.get("basket")
    return basket is None or basket.status in LIVE_STATUSES


def is_meant(line: Any, origin: Any) -> bool:
    """Whether a deletion was asked for lines and not for something that takes them along."""
    model = origin.model if isinstance(origin, QuerySet) else type(origin)
    return isinstance(line, model)
