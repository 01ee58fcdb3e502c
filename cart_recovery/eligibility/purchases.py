"""Who has ordered what since: the same person, whichever user, address or number, in bulk."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

from cart_recovery.models import Contact, Enrolment, Trigger
from cart_recovery.shop.orders import Purchase, purchases_since
from cart_recovery.shop.progress import OrderProgress, load_progress


class Purchases:
    """Orders since a moment, to be looked up by who made them."""

    def __init__(self, purchases: Iterable[Purchase]) -> None:
        self._index: dict[tuple[str, object], list[Purchase]] = defaultdict(list)
        for purchase in purchases:
            keys = {
                "user": purchase.user_id, "email": purchase.email_key,
                "phone": purchase.phone, "basket": purchase.basket_id,
            }  # fmt: skip
            for key in keys.items():
                if key[1]:
                    self._index[key].append(purchase)

    def of(self, contact: Contact, basket_ids: Iterable[int] = ()) -> list[Purchase]:
        """Those of this person, or that came of one of these baskets; each order once."""
        keys: list[tuple[str, object]] = [
            ("user", contact.user_id), ("email", contact.email_key),
            ("phone", contact.address_for("phone")), *(("basket", pk) for pk in basket_ids),
        ]  # fmt: skip
        seen: dict[int, Purchase] = {}
        for key in keys:
            if key[1]:
                seen.update((p.order_id, p) for p in self._index.get(key, ()))
        return list(seen.values())


def load_purchases(
    contacts: Collection[Contact], since: dt.datetime, basket_ids: Collection[int] = ()
) -> Purchases:
    """Orders at or after `since` by these people or of these baskets. One query."""
    return Purchases(
        purchases_since(
            since,
            user_ids={c.user_id for c in contacts if c.user_id is not None},
            email_keys={c.email_key for c in contacts if c.email_key},
            phones={c.address_for("phone") for c in contacts} - {""},
            basket_ids=basket_ids,
        )
    )


def ordered_again(
    enrolments: Iterable[Enrolment], progress: Mapping[int, OrderProgress]
) -> set[int]:
    """The keys of those about an unpaid order of whose goods the person has ordered as many again since:
    a payment failed, and they did not come back to it but began anew. `progress` by order id. Constant
    queries, none where no enrolment is about an unpaid order."""
    unpaid = {
        e: found
        for e in enrolments
        if e.campaign.trigger == Trigger.ORDER_UNPAID
        and (found := progress.get(e.subject_order.order_id or 0)) is not None
    }
    if not unpaid:
        return set()
    purchases = load_purchases(
        [e.contact for e in unpaid], min(found.order.placed_at for found in unpaid.values())
    )
    later = {
        e.pk: {
            p.order_id
            for p in purchases.of(e.contact)
            if p.placed_at > found.order.placed_at and p.order_id != found.order.order_id
        }
        for e, found in unpaid.items()
    }
    standing = load_progress({order_id for ids in later.values() for order_id in ids})
    goods = {order_id: _goods(found) for order_id, found in standing.items()}
    return {
        e.pk
        for e, found in unpaid.items()
        if (wanted := _goods(found))
        and wanted <= sum((goods[pk] for pk in later[e.pk] if pk in goods), Counter())
    }


def _goods(progress: OrderProgress) -> Counter[int]:
    """What somebody still wants of an order: product -> pieces."""
    wanted: Counter[int] = Counter()
    if not progress.is_cancelled:
        for line in progress.open_lines:
            if line.product_id is not None:
                wanted[line.product_id] += line.open_quantity
    return wanted
