"""What a batch's people have had already, and what else is due for them, in constant queries."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models.functions import Coalesce

from cart_recovery.channels.registry import configured_aliases, get_channel
from cart_recovery.eligibility.caps import Caps, Sent, read_caps
from cart_recovery.markets.profiles import market_of
from cart_recovery.models import (
    Enrolment,
    EnrolmentState,
    FollowUp,
    FollowUpState,
    Message,
    MessageState,
    Purpose,
)

#: the provider has the message, or may have it
WITH_PROVIDER: Final = (
    MessageState.SENDING, MessageState.SENT, MessageState.UNKNOWN, MessageState.DEFERRED,
    MessageState.DELIVERED, MessageState.BOUNCED, MessageState.COMPLAINED,
)  # fmt: skip
#: priority of the campaign, when the plan wanted it, primary key: the smallest goes first
Rank = tuple[int, dt.datetime, int]
#: contact, and whether it is about advertising: each kind has caps of its own
Account = tuple[int, bool]


@dataclass(frozen=True, slots=True)
class History:
    """What the caps and the markets' rules look at."""

    caps: Caps
    #: what was sent within the longest period of the caps
    sent: Mapping[Account, Sequence[Sent]]
    #: all that is due for the person
    due: Mapping[Account, Sequence[Rank]]
    #: cart -> SMS about it; only where the person's market counts them
    texts: Mapping[int, int]

    def rivals(self, followup: FollowUp) -> int:
        """How many follow-ups of the same person are due and go first."""
        mine = rank_of(followup)
        return sum(rank < mine for rank in self.due.get(account_of(followup.enrolment), ()))


def load_history(followups: Sequence[FollowUp], now: dt.datetime) -> History:
    """The history of a batch: three queries at the most."""
    caps = read_caps()
    people = {f.enrolment.contact_id for f in followups}
    return History(
        caps=caps,
        sent=sent_to(people, caps, now),
        due=_due_for(people, now) if caps.longest else {},
        texts=count_texts(f.enrolment for f in followups),
    )


def rank_of(followup: FollowUp) -> Rank:
    """Where a follow-up stands among those of the same person."""
    return followup.enrolment.campaign.priority, followup.planned_for, followup.pk


def account_of(enrolment: Enrolment) -> Account:
    """Which messages count together with those of this enrolment."""
    return enrolment.contact_id, is_advertising(enrolment)


def is_advertising(enrolment: Enrolment) -> bool:
    """All but news of an order."""
    return enrolment.campaign.purpose != Purpose.ORDER_STATUS


def sent_to(
    contact_ids: Collection[int], caps: Caps, now: dt.datetime
) -> dict[Account, list[Sent]]:
    """What may have reached people, as far back as the caps look. One query; none without caps.

    Notices answer what the person asked for, and do not count.
    """
    found: dict[Account, list[Sent]] = defaultdict(list)
    if not caps.longest:
        return found
    messages = (
        Message.objects.filter(
            contact_id__in=contact_ids, state__in=WITH_PROVIDER, followup__isnull=False
        )
        # the provider's answer is nearer to the truth than the moment we began to ask
        .annotate(left_at=Coalesce("sent_at", "sending_at"))
        .filter(left_at__gt=now - caps.longest)
    )
    rows = messages.values_list(
        "contact_id", "channel", "left_at", "followup__enrolment__campaign__purpose"
    )
    for contact_id, channel, at, purpose in rows:
        found[contact_id, purpose != Purpose.ORDER_STATUS].append(Sent(channel, at))
    return found


def count_texts(
    enrolments: Iterable[Enrolment], *, besides: Collection[int] = ()
) -> dict[int, int]:
    """Cart -> how many SMS about it may have reached the person, `besides` these messages.

    Only for carts whose person's market counts them: no query without one, else one. Needs the
    contact of each enrolment loaded.
    """
    carts = {
        e.cart_id
        for e in enrolments
        if e.cart_id is not None and market_of(e.contact).sms_per_cart is not None
    }
    if not carts:
        return {}
    messages = Message.objects.filter(
        followup__enrolment__cart_id__in=carts, state__in=WITH_PROVIDER, channel__in=text_channels()
    ).exclude(pk__in=besides)
    return Counter(messages.values_list("followup__enrolment__cart_id", flat=True))


def text_channels() -> list[str]:
    """The channels that reach a phone number."""
    return [alias for alias in configured_aliases() if get_channel(alias).address_kind == "phone"]


def _due_for(contact_ids: Collection[int], now: dt.datetime) -> dict[Account, list[Rank]]:
    found: dict[Account, list[Rank]] = defaultdict(list)
    due = FollowUp.objects.filter(
        enrolment__contact_id__in=contact_ids, enrolment__state=EnrolmentState.ACTIVE,
        state__in=(FollowUpState.PLANNED, FollowUpState.CLAIMED), due_at__lte=now,
    )  # fmt: skip
    rows = due.values_list(
        "enrolment__contact_id", "enrolment__campaign__purpose", "enrolment__campaign__priority",
        "planned_for", "pk",
    )  # fmt: skip
    for contact_id, purpose, priority, planned_for, pk in rows:
        found[contact_id, purpose != Purpose.ORDER_STATUS].append((priority, planned_for, pk))
    return found
