"""The caps once more, where nobody can come in between: under a lock on the person.

The rules have judged each follow-up by what was sent before. Two workers, or two follow-ups of one
person in a batch, would both find room for the last message; whoever gets the lock first has it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from django.db import connection

from cart_recovery.eligibility import history
from cart_recovery.eligibility.caps import Sent, free_at, read_caps
from cart_recovery.eligibility.verdicts import Wait
from cart_recovery.markets.profiles import market_of
from cart_recovery.models import Contact, Enrolment, FollowUp, Reason

if TYPE_CHECKING:
    from cart_recovery.delivery.outbox import Draft

Refusal = tuple[FollowUp, Wait]
#: what is refused for another reason than a cap is judged anew
LOOK_AGAIN: Final = dt.timedelta(minutes=1)


def lock_people(enrolments: Iterable[Enrolment]) -> set[int]:
    """Lock these persons until the transaction ends; gives the contacts that are still persons of
    their own. One query."""
    ids = {enrolment.contact_id for enrolment in enrolments}
    rows = Contact.objects.filter(pk__in=ids, merged_into__isnull=True).order_by("pk")
    if connection.features.has_select_for_update:
        # new rows that point at a contact, such as a shopper's cart, need not wait for us
        rows = rows.select_for_update(no_key=connection.features.has_select_for_no_key_update)
    return set(rows.values_list("pk", flat=True))


def split(
    drafts: Sequence[Draft], people: Collection[int], now: dt.datetime
) -> tuple[list[Draft], list[Refusal]]:
    """Which drafts are within all caps, each one counting for those after it; the others with the
    moment to try again. `people` are locked. Two queries at the most."""
    caps = read_caps()
    sent = history.sent_to(people, caps, now)
    texts = history.count_texts(d.followup.enrolment for d in drafts)
    channels = set(history.text_channels())
    go: set[int] = set()
    refused: list[Refusal] = []
    for draft in sorted(drafts, key=lambda d: history.rank_of(d.followup)):
        enrolment, channel = draft.followup.enrolment, draft.message.channel
        person, cart = enrolment.contact_id, enrolment.cart_id
        account = history.account_of(enrolment)
        own_caps = caps.of(is_advertising=history.is_advertising(enrolment))
        free = free_at(own_caps, sent.get(account, ()), channel, now)
        is_text = channel in channels and cart is not None
        limit = market_of(enrolment.contact).sms_per_cart if is_text else None
        if person not in people or (limit is not None and texts.get(cart or 0, 0) >= limit):
            free = max(free, now + LOOK_AGAIN)
        if free > now:
            refused.append((draft.followup, Wait(free, Reason.CAPPED)))
            continue
        go.add(draft.followup.pk)
        if is_text and cart is not None:
            texts[cart] = texts.get(cart, 0) + 1
        sent.setdefault(account, []).append(Sent(channel, now))
    return [d for d in drafts if d.followup.pk in go], refused
