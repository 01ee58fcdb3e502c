"""What follows when the last look forbids a message whose row is already written."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction

from cart_recovery.campaigns.handing_over import settle
from cart_recovery.campaigns.planning import stop_by_id
from cart_recovery.delivery import followups as transitions
from cart_recovery.delivery import outbox
from cart_recovery.delivery.outbox import Draft
from cart_recovery.models import Enrolment, EnrolmentState, MessageState, Reason

#: these pass: the step is kept for later
FOR_NOW = frozenset(
    {Reason.CART_ACTIVE, Reason.CHANNEL_PAUSED, Reason.QUIET_HOURS, Reason.OTHER_PERSON}
)
#: these concern one channel or address, or another order; a later step may still go out
STEP_ONLY = frozenset(
    {
        Reason.NO_CONSENT, Reason.SUPPRESSED, Reason.NO_ADDRESS, Reason.OTHER_NUMBER,
        Reason.NO_CHANNEL, Reason.PAUSED_BY_PERSON, Reason.MARKET_RULE, Reason.ORDERED_AGAIN,
    }
)  # fmt: skip
#: there is nothing left that staff could see to
SETTLED = (Reason.ORDER_PAID, Reason.ORDER_CANCELLED)
LOOK_AGAIN = dt.timedelta(minutes=1)


def withdraw(forbidden: Sequence[tuple[Draft, Reason]], now: dt.datetime) -> None:
    """Take messages back; keep the step if the reason passes, end the enrolment if it lasts."""
    if not forbidden:
        return
    for_now = [(d, reason) for d, reason in forbidden if reason in FOR_NOW]
    for_good = [(d, reason) for d, reason in forbidden if reason not in FOR_NOW]
    again: dict[Reason, list[int]] = defaultdict(list)
    ended: dict[Reason, list[int]] = defaultdict(list)
    for draft, reason in for_now:
        again[reason].append(draft.followup.pk)
    for draft, reason in for_good:
        if reason not in STEP_ONLY:
            ended[reason].append(draft.followup.enrolment_id)
    with transaction.atomic():
        # both or none: nobody comes back to a message in RETRY whose follow-up has ended
        outbox.withdraw(for_now, MessageState.RETRY)
        for reason, ids in again.items():
            transitions.hand_back(ids, until=now + LOOK_AGAIN, reason=reason)
    outbox.withdraw(for_good, MessageState.WITHDRAWN)
    for reason, ids in ended.items():
        # what the withdrawn message was to complete is not complete
        Enrolment.objects.filter(pk__in=ids, state=EnrolmentState.COMPLETED).update(
            state=EnrolmentState.ACTIVE, ended_at=None
        )
        stop_by_id(ids, reason, now)
    orders = (d.followup.enrolment.order for d, reason in for_good if reason in SETTLED)
    settle([order.order_id for order in orders if order is not None and order.order_id], now)
