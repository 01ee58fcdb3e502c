"""An order ends everything that is planned for the person, at once.

The gate before each send reads the shop's orders itself; this only makes the plan say so early.
"""

from __future__ import annotations

import datetime as dt

from django.db.models import Q

from cart_recovery.campaigns.planning import stop_by_id
from cart_recovery.contacts.identities import find_by_address
from cart_recovery.models import Contact, Enrolment, EnrolmentState, LinkClick, Reason
from cart_recovery.shop.orders import order_facts


def stop_for_order(order_id: int, now: dt.datetime) -> int:
    """End the running enrolments of whoever placed the order, whichever basket they are for."""
    order = order_facts(order_id)
    if order is None:
        return 0
    whose = Q(cart__order_id=order_id)
    if order.basket_id is not None:
        restored = LinkClick.objects.filter(basket_id=order.basket_id).values("link__cart")
        whose |= Q(cart__basket_id=order.basket_id) | Q(cart__in=restored)
    if order.user_id is not None:
        whose |= Q(contact__user_id=order.user_id)
    for kind, address in (("email", order.email), ("phone", order.phone)):
        contact = _contact(kind, address)
        if contact is not None:
            whose |= Q(contact_id=contact.pk)
    # what is said about an order goes on: it is about what was bought
    running = Enrolment.objects.filter(
        whose, cart__isnull=False, state=EnrolmentState.ACTIVE, clock_at__lte=now
    )
    return stop_by_id(list(running.values_list("pk", flat=True)), Reason.BOUGHT, now)


def _contact(kind: str, address: str) -> Contact | None:
    return find_by_address(kind, address) if address else None
