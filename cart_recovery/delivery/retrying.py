"""Failed messages that staff send on their way again: only those that surely reached no provider.

The message itself is not sent from here. Its follow-up is planned anew and goes the usual way: all
rules are asked again, the text is rendered again, and the message keeps its one row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction
from django.db.models import F, TextChoices
from django.utils.translation import gettext_lazy as _

from cart_recovery.delivery import followups as transitions
from cart_recovery.eligibility.facts import load_facts, with_relations
from cart_recovery.eligibility.rules import judge
from cart_recovery.eligibility.verdicts import Skip
from cart_recovery.models import (
    DeliveryEvent,
    FollowUp,
    FollowUpState,
    Message,
    MessageState,
    Reason,
)

#: the provider said no to the call itself, or was never reached. `reported` is not among them: a
#: provider that reports a failure had the message
SAFE_REASONS: Final = (Reason.PROVIDER_REFUSED, Reason.GAVE_UP)


class RetryObstacle(TextChoices):
    """Why a message is not tried again."""

    WITH_PROVIDER = "with_provider", _("the provider has it, or may have it: it could arrive twice")
    WAITS = "waits", _("it will be tried again anyway")
    WITHDRAWN = "withdrawn", _("it was taken back on purpose")
    NOTICE = "notice", _("it answered a wish of the person, who can ask again")
    GONE_ON = "gone_on", _("a later step has followed already")
    RULES = "rules", _("the rules forbid it now")


@dataclass(frozen=True, slots=True)
class RetryOutlook:
    """`obstacle` is None for a message that may be tried again; `reason`: which rule forbids it."""

    message: Message
    obstacle: RetryObstacle | None = None
    reason: Reason | None = None


_BY_STATE: Final[Mapping[str, RetryObstacle]] = {
    MessageState.RETRY: RetryObstacle.WAITS,
    MessageState.WITHDRAWN: RetryObstacle.WITHDRAWN,
}


def examine(messages: Sequence[Message], now: dt.datetime) -> list[RetryOutlook]:
    """What would become of each message, in the order given. Constant queries."""
    failed = [m.pk for m in messages if _was_refused(m)]
    reported: set[int | None] = set(
        DeliveryEvent.objects.filter(message__in=failed).values_list("message_id", flat=True)
    )
    overtaken: set[int | None] = _overtaken(
        [m.followup_id for m in messages if m.followup_id is not None]
    )
    first = [_outlook(m, reported, overtaken) for m in messages]
    open_ids = [o.message.followup_id for o in first if o.obstacle is None]
    forbidden = _forbidden([pk for pk in open_ids if pk is not None], now)
    return [
        RetryOutlook(o.message, RetryObstacle.RULES, forbidden[o.message.followup_id])
        if o.obstacle is None and o.message.followup_id in forbidden
        else o
        for o in first
    ]


def retry(messages: Collection[Message], now: dt.datetime) -> list[int]:
    """Plan the follow-ups of these messages anew, as far as that is safe; gives their keys.

    Everything is looked at again with the rows locked: a provider may have reported meanwhile.
    """
    with transaction.atomic():
        followups = FollowUp.objects.filter(
            message__in=[m.pk for m in messages], state=FollowUpState.DONE
        )
        rows = Message.objects.filter(
            followup__in=list(followups.values_list("pk", flat=True)), state=MessageState.FAILED
        )
        if connection.features.has_select_for_update:
            rows = rows.select_for_update()
        go = [o.message for o in examine(list(rows.order_by("pk")), now) if o.obstacle is None]
        Message.objects.filter(pk__in=[m.pk for m in go]).update(state=MessageState.RETRY)
        for reason in SAFE_REASONS:
            ids = [m.followup_id for m in go if m.reason == reason and m.followup_id is not None]
            transitions.hand_back(ids, until=now, reason=reason)
    return [message.pk for message in go]


def _was_refused(message: Message) -> bool:
    """The row itself says that no provider has it."""
    return (
        message.state == MessageState.FAILED
        and message.reason in SAFE_REASONS
        and not message.provider_message_id
        and message.sent_at is None
    )


def _outlook(
    message: Message, reported: set[int | None], overtaken: set[int | None]
) -> RetryOutlook:
    if message.state in _BY_STATE:
        return RetryOutlook(message, _BY_STATE[message.state])
    if not _was_refused(message) or message.pk in reported:
        return RetryOutlook(message, RetryObstacle.WITH_PROVIDER)
    if message.followup_id is None:
        return RetryOutlook(message, RetryObstacle.NOTICE)
    if message.followup_id in overtaken:
        return RetryOutlook(message, RetryObstacle.GONE_ON)
    return RetryOutlook(message)


def _overtaken(followup_ids: Sequence[int]) -> set[int | None]:
    """Follow-ups after which another step of the same enrolment has been worked on."""
    later = FollowUp.objects.filter(
        enrolment__followups__in=followup_ids,
        step__position__gt=F("enrolment__followups__step__position"),
    ).exclude(state=FollowUpState.PLANNED)
    found: set[int | None] = set(later.values_list("enrolment__followups", flat=True))
    return found & set(followup_ids)


def _forbidden(followup_ids: Sequence[int], now: dt.datetime) -> dict[int | None, Reason]:
    """Follow-ups that the rules would skip now, and why."""
    if not followup_ids:
        return {}
    verdicts = {
        facts.followup.pk: judge(facts, now)
        for facts in load_facts(with_relations(followup_ids), now)
    }
    return {pk: v.reason for pk, v in verdicts.items() if isinstance(v, Skip)}
