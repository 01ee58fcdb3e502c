"""What people have had: nobody is offered that again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Hashable
from typing import Any, Final

from cart_recovery.shop.orders import purchased_products, purchases_since

EVER: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def bought_or_returned(
    user_ids: Collection[Any], email_keys: Collection[str], phones: Collection[str] = ()
) -> dict[Hashable, frozenset[int]]:
    """The products that each of these people ever ordered, by user id, e-mail key and E.164 number.

    What came of the order makes no difference: who sent something back wants it even less. Who
    never ordered is left out. Two queries; the one for addresses and numbers reads all orders, so ask
    for many people at once.
    """
    purchases = purchases_since(EVER, user_ids=user_ids, email_keys=email_keys, phones=phones)
    products = purchased_products({purchase.order_id for purchase in purchases})
    wanted = {*user_ids, *email_keys, *phones}
    found: dict[Hashable, frozenset[int]] = {}
    for purchase in purchases:
        for person in {purchase.user_id, purchase.email_key, purchase.phone} & wanted:
            bought = products.get(purchase.order_id, frozenset())
            found[person] = found.get(person, frozenset()) | bought
    return found
