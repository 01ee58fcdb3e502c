"""May this follow-up go out now? Pure rules over loaded facts, asked in this order:

the person first (bought, gone, paused), then the shop (campaign, basket), then permission with the
rules of the person's market, which together choose the channel, then time: lateness, quiet hours,
caps. A channel that may not be used at all gives way to the next one of the mix; one that may only
not be used *now* makes the follow-up wait. Otherwise each night would turn the mix into e-mail.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cart_recovery.campaigns.mix import MixChoice, MixOption, choose
from cart_recovery.conf import conf
from cart_recovery.eligibility.caps import Sent, free_at
from cart_recovery.eligibility.cart_rules import judge_basket, judge_cart, judge_purchases
from cart_recovery.eligibility.facts import FollowUpFacts
from cart_recovery.eligibility.history import account_of, is_advertising
from cart_recovery.eligibility.order_rules import ORDER_RULES, OrderRule
from cart_recovery.eligibility.timing import breaks_market_rule, opens_at, time_missed
from cart_recovery.eligibility.verdicts import Send, Skip, Verdict, Wait
from cart_recovery.models import (
    Enrolment,
    EnrolmentState,
    Reason,
)
from cart_recovery.orders.naming import is_somebody_elses

#: until then the sweep has seen whose an order is by now
PERSON_RETRY = dt.timedelta(minutes=1)
#: a paused channel without a known end is looked at again after this time
PAUSE_RETRY = dt.timedelta(minutes=5)
#: what goes first is being sent just now; then it is known how much room it has left
RIVAL_RETRY = dt.timedelta(minutes=1)

#: why no channel may be used: what says most about the person goes first
PERSONAL: Final = (
    Reason.MARKET_RULE, Reason.SUPPRESSED, Reason.NO_CONSENT, Reason.OTHER_NUMBER,
    Reason.NO_ADDRESS,
)  # fmt: skip

Rule = Callable[[FollowUpFacts, dt.datetime], Verdict | None]


def judge(facts: FollowUpFacts, now: dt.datetime) -> Verdict:
    """SEND, WAIT(until) or SKIP(reason) for one follow-up at this moment."""
    for rule in rules_for(facts).values():
        verdict = rule(facts, now)
        if verdict is not None:
            return verdict
    choice = choose_channel(facts, now)
    if not isinstance(choice, MixChoice):
        return choice
    moment = moment_of(facts, choice, now)
    for moment_rule in MOMENT_RULES.values():
        verdict = moment_rule(moment)
        if verdict is not None:
            return verdict
    return Send(choice)


def judge_enrolment(facts: FollowUpFacts, now: dt.datetime) -> Verdict | None:
    """Stopped, completed or erased meanwhile?"""
    enrolment = facts.followup.enrolment
    if enrolment.state == EnrolmentState.STOPPED:
        return Skip(Reason(enrolment.reason or Reason.STAFF), ends_enrolment=True)
    if enrolment.contact.erased_at is not None:
        return Skip(Reason.ERASED, ends_enrolment=True)
    if not enrolment.campaign.is_active:
        return Skip(Reason.CAMPAIGN_OFF, ends_enrolment=True)
    return None


def judge_pause(facts: FollowUpFacts, now: dt.datetime) -> Verdict | None:
    """Did the person ask for peace? A later step may still go out."""
    enrolment = facts.followup.enrolment
    if is_advertising(enrolment) and is_paused(enrolment, now):
        return Skip(Reason.PAUSED_BY_PERSON)
    return None


def is_paused(enrolment: Enrolment, now: dt.datetime) -> bool:
    """Whether the person's pause lasts beyond this moment."""
    ends = enrolment.contact.paused_until
    return ends is not None and ends > now


def judge_order(rule: OrderRule) -> Rule:
    """A rule about orders, asked for a follow-up about one."""

    def judge_followup(facts: FollowUpFacts, now: dt.datetime) -> Verdict | None:
        if facts.order is None:
            raise LookupError("This follow-up is about a cart.")
        return rule(facts.followup.enrolment, facts.order)

    return judge_followup


def judge_person(facts: FollowUpFacts, now: dt.datetime) -> Verdict | None:
    """Is the order still this person's? If not, what is planned moves to whose it is."""
    if facts.order is None or facts.order.progress is None:
        return None
    enrolment = facts.followup.enrolment
    order = facts.order.progress.order
    if is_somebody_elses(enrolment.subject_order, order, enrolment.contact_id):
        return Wait(now + PERSON_RETRY, Reason.OTHER_PERSON)
    return None


#: about the person and the shop, in the order in which they are asked: what one of them refuses, no
#: channel can save. The names are kept by stories
CART_RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "purchases": judge_purchases,
        "enrolment": judge_enrolment,
        "cart": judge_cart,
        "basket": judge_basket,
        "pause": judge_pause,
    }
)
#: the same where the follow-up is about an order
RULES_ABOUT_ORDERS: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "enrolment": judge_enrolment,
        **{name: judge_order(rule) for name, rule in ORDER_RULES.items()},
        "person": judge_person,
        "pause": judge_pause,
    }
)


def rules_for(facts: FollowUpFacts) -> Mapping[str, Rule]:
    """The rules about person and shop that a follow-up is judged by."""
    return RULES_ABOUT_ORDERS if facts.order is not None else CART_RULES


def options_of(facts: FollowUpFacts) -> list[MixOption]:
    """The variants of the step that have a template."""
    return [o for o in facts.options if (o.template_code, o.channel) in facts.templates]


def choose_channel(facts: FollowUpFacts, now: dt.datetime) -> MixChoice | Verdict:
    """The first channel in line that may be used, or the verdict where none may."""
    enrolment = facts.followup.enrolment
    options = options_of(facts)
    if facts.options and not options:
        return Skip(Reason.TEMPLATE_MISSING)
    choice, blocked = choose(
        options,
        seed=seed_of(facts),
        preferred=enrolment.contact.preferred_channel,
        blocker=lambda channel: blocker(facts, channel, now),
    )
    if choice is not None:
        return choice
    is_late = _is_late(facts, options, now)
    return Skip(Reason.MISSED) if is_late else _why_nobody(facts, blocked, now)


def seed_of(facts: FollowUpFacts) -> str:
    """What the draw depends on: the same person draws the same channel each time."""
    return f"{facts.followup.enrolment.contact_id}:{facts.followup.step_id}"


def blocker(facts: FollowUpFacts, channel: str, now: dt.datetime) -> str:
    """Why the channel cannot be used for this follow-up, now or when its quiet hours end, or ""."""
    enrolment = facts.followup.enrolment
    why = facts.reach.order_blocker(enrolment, facts.order, channel, is_similar=facts.is_similar)
    if why:
        return why
    kind = facts.reach.channels[channel].address_kind
    arrives_at = opens_at(enrolment.contact, kind, now)
    texts = facts.history.texts.get(enrolment.cart_id or 0, 0)
    is_forbidden = breaks_market_rule(enrolment, kind, arrives_at, texts=texts)
    return "market_rule" if is_forbidden else ""


@dataclass(frozen=True, slots=True)
class Moment:
    """A follow-up whose channel is chosen. `opens_at`: when the person's quiet hours end, or now."""

    facts: FollowUpFacts
    choice: MixChoice
    now: dt.datetime
    opens_at: dt.datetime


def moment_of(facts: FollowUpFacts, choice: MixChoice, now: dt.datetime) -> Moment:
    kind = facts.reach.channels[choice.option.channel].address_kind
    opens = opens_at(facts.followup.enrolment.contact, kind, now) or now
    return Moment(facts, choice, now, opens)


def judge_lateness(moment: Moment) -> Verdict | None:
    """Too late is skipped by policy, never sent in a burst after an outage.

    Quiet hours are no lateness, since nobody was allowed to send then.
    """
    if _is_late(moment.facts, [moment.choice.option], moment.opens_at):
        return Skip(Reason.MISSED)
    return None


def judge_quiet_hours(moment: Moment) -> Verdict | None:
    if moment.opens_at > moment.now:
        return Wait(moment.opens_at, Reason.QUIET_HOURS)
    return None


def judge_caps(moment: Moment) -> Verdict | None:
    """Has the person had enough? Being over a cap for too long is being late."""
    option = moment.choice.option
    free = _free_at(moment.facts, option.channel, moment.now)
    if _is_late(moment.facts, [option], free):
        return Skip(Reason.CAPPED)
    return Wait(free, Reason.CAPPED) if free > moment.now else None


#: about time, once the channel is chosen
MOMENT_RULES: Final[Mapping[str, Callable[[Moment], Verdict | None]]] = MappingProxyType(
    {"lateness": judge_lateness, "quiet_hours": judge_quiet_hours, "caps": judge_caps}
)


def _free_at(facts: FollowUpFacts, channel: str, now: dt.datetime) -> dt.datetime:
    """When the caps have room: what is due for the person and goes first counts as sent."""
    followup, history = facts.followup, facts.history
    caps = history.caps.of(is_advertising=is_advertising(followup.enrolment))
    sent = history.sent.get(account_of(followup.enrolment), ())
    free = free_at(caps, sent, channel, now)
    rivals = history.rivals(followup)
    if free > now or not rivals:
        return free
    # on which channel the others go is not known yet, so they count for every cap
    expected = [*sent, *(Sent(channel, now) for _rival in range(rivals))]
    has_room = free_at(caps, expected, channel, now) <= now
    return now if has_room else now + RIVAL_RETRY


def _is_late(facts: FollowUpFacts, options: Iterable[MixOption], moment: dt.datetime) -> bool:
    """Whether the step would be too late at this moment on all of these channels."""
    followup, channels = facts.followup, facts.reach.channels
    own = followup.step.missed_after
    tolerance = conf.MISSED_AFTER if own is None else own
    if moment - followup.planned_for <= tolerance:
        return False
    contact = followup.enrolment.contact
    kinds = {channels[o.channel].address_kind for o in options if o.channel in channels}
    return all(
        time_missed(contact, kind, followup.planned_for, moment) > tolerance for kind in kinds
    )


def _why_nobody(
    facts: FollowUpFacts, blocked: Sequence[tuple[str, str]], now: dt.datetime
) -> Verdict:
    paused = [channel for channel, why in blocked if why == "channel_paused"]
    if paused:
        ends = [facts.reach.channels[channel].paused_until for channel in paused]
        return Wait(min((e for e in ends if e), default=now + PAUSE_RETRY), Reason.CHANNEL_PAUSED)
    detail = ", ".join(f"{channel} {why}" for channel, why in blocked)
    for reason in PERSONAL:
        if any(why == reason.value for _channel, why in blocked):
            return Skip(reason, detail=detail)
    return Skip(Reason.NO_CHANNEL, detail=detail)
