"""What was written about the baskets of the past, and what came of it: three months of reports.

Real rows, summed up by the app itself. They belong to campaigns that are switched off and whose
steps are all done, so that nothing of it is ever sent, and a basket of the past that somebody
touches now is followed up by the campaigns of today.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db import transaction
from django.utils import timezone
from oscar.core.loading import get_model

from cart_recovery.attribution.reversals import take_back
from cart_recovery.campaigns.mix import ChoiceReason
from cart_recovery.consent import ledger
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.models import (
    Campaign,
    ConsentAction,
    ConsentState,
    Conversion,
    CreditBasis,
    DeliveryEvent,
    Enrolment,
    EnrolmentState,
    FollowUp,
    FollowUpState,
    LinkClick,
    Message,
    MessageState,
    Purpose,
    RestoreLink,
    Step,
    TrackedCart,
    Trigger,
    Variant,
)
from cart_recovery.provider_events import EventKind
from cart_recovery.reports import rolling
from sandbox_shop.people import SEED

#: stage of the cart: code, name, trigger, code of the templates without their number
CAMPAIGNS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "basket": (
        "past-basket", "Warenkorb (alte Fassung)", Trigger.BASKET_ABANDONED, "abandoned-basket",
    ),
    "checkout": (
        "past-checkout", "Kasse (alte Fassung)", Trigger.CHECKOUT_ABANDONED, "abandoned-checkout",
    ),
}  # fmt: skip
DELAYS: Final = (dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(days=3))
#: per step: channel, label, number of the template, weight
MIX: Final = (
    (("email", "A", 1, 50), ("email", "B", 2, 50)),
    (("email", "", 2, 30), ("sms", "", 2, 70)),
    (("email", "", 3, 50), ("sms", "", 2, 50)),
)
#: the last part of the past stays empty, as in `history`
QUIET: Final = dt.timedelta(hours=6)
#: of the orders by people who may be written to, how many were abandoned first and then recovered
RECOVERED_SHARE: Final = 0.55
CLICK_SHARE: Final = 0.16
OPT_OUT_SHARE: Final = 0.02
BOUNCE_SHARE: Final = 0.02


@dataclass(slots=True)
class Past:
    """All rows, in the order in which they are written."""

    enrolments: list[Enrolment] = field(default_factory=list)
    followups: list[FollowUp] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    events: list[DeliveryEvent] = field(default_factory=list)
    links: list[RestoreLink] = field(default_factory=list)
    clicks: list[LinkClick] = field(default_factory=list)
    conversions: list[Conversion] = field(default_factory=list)
    carts: list[TrackedCart] = field(default_factory=list)


class PastMessages:
    """Makes the rows. The same chance each time: the same shop each time."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now
        self.chance = random.Random(SEED + 2)
        self.past = Past()
        self.steps = _install_campaigns()
        self.channels: dict[int, set[str]] = defaultdict(set)
        for contact_id, channel in ConsentState.objects.filter(
            action=ConsentAction.GRANTED, purpose=Purpose.CART_REMINDER
        ).values_list("contact_id", "channel"):
            self.channels[contact_id].add(channel)

    def follow(self, cart: TrackedCart) -> None:
        """What was sent about one cart until its order, or until nobody answered."""
        allowed = self.channels[cart.contact_id or 0]
        if not allowed:
            return
        left_at, until = self._abandoned(cart)
        if left_at is None:
            return
        # an order says no longer where its cart was left
        stage = self.chance.choice(sorted(self.steps)) if cart.order_id else cart.stage
        enrolment = Enrolment(
            campaign=self.steps[stage][0][0].campaign, contact=cart.contact, cart=cart,
            state=EnrolmentState.STOPPED if cart.order_id else EnrolmentState.COMPLETED,
            clock_at=left_at, enrolled_at=left_at, ended_at=until,
        )  # fmt: skip
        sent = []
        for step, variants in self.steps[stage]:
            at = by_day(left_at + step.delay) + dt.timedelta(seconds=self.chance.randint(5, 300))
            may = [variant for variant in variants if variant.channel in allowed]
            if at > until - dt.timedelta(minutes=20) or not may:
                break
            sent.append(self._message(enrolment, step, self._draw(may), at))
            if sent[-1].state == MessageState.BOUNCED or self._opts_out(sent[-1], allowed):
                break
        if sent:
            self.past.enrolments.append(enrolment)
            self._answer(cart, sent)

    def write(self) -> None:
        past = self.past
        for rows in (past.enrolments, past.followups, past.messages, past.events, past.links,
                     past.clicks, past.conversions):  # fmt: skip
            type(rows[0])._base_manager.bulk_create(rows)  # type: ignore[arg-type] # all of one kind
        # filled in with the present when they were made
        for event in past.events:
            event.received_at = event.occurred_at
        DeliveryEvent.objects.bulk_update(past.events, ["received_at"], batch_size=200)
        TrackedCart.objects.bulk_update(past.carts, ["abandoned_at", "created_at"], batch_size=200)
        take_back([row.order_id for row in past.conversions if row.order_id], self.now)

    def _abandoned(self, cart: TrackedCart) -> tuple[dt.datetime | None, dt.datetime]:
        """When the cart was left, and until when it could be written about. Some orders are of
        carts that were left first."""
        if not cart.order_id:
            return cart.abandoned_at, self.now - QUIET
        if self.chance.random() > RECOVERED_SHARE or cart.closed_at is None:
            return None, self.now
        cart.abandoned_at = cart.closed_at - dt.timedelta(minutes=self.chance.randint(120, 4800))
        cart.created_at = cart.abandoned_at - dt.timedelta(minutes=42)
        self.past.carts.append(cart)
        return cart.abandoned_at, min(cart.closed_at, self.now - QUIET)

    def _draw(self, variants: Sequence[Variant]) -> Variant:
        return self.chance.choices(variants, weights=[each.weight for each in variants])[0]

    def _message(
        self, enrolment: Enrolment, step: Step, variant: Variant, at: dt.datetime
    ) -> Message:
        contact, is_mail = enrolment.contact, variant.channel == "email"
        address = contact.email if is_mail else contact.phone.as_e164
        kind = "email" if is_mail else "phone"
        followup = FollowUp(
            enrolment=enrolment, step=step, variant=variant, state=FollowUpState.DONE,
            planned_for=at, due_at=at, ended_at=at, choice_reason=ChoiceReason.DRAWN,
        )  # fmt: skip
        has_bounced = is_mail and self.chance.random() < BOUNCE_SHARE
        text = "Sie haben noch etwas im Warenkorb. Der Link führt dorthin zurück."
        message = Message(
            followup=followup, contact=contact, channel=variant.channel,
            public_id=f"{self.chance.getrandbits(128):032x}", language=contact.language or "de",
            state=MessageState.BOUNCED if has_bounced else MessageState.DELIVERED,
            to_address=address, address_digest=address_digest(kind, address), text=text,
            subject="Ihr Warenkorb bei Hafen & Hügel" if is_mail else "",
            sms_parts=0 if is_mail else 1, sending_at=at, sent_at=at, created_at=at,
            delivered_at=None if has_bounced else at + dt.timedelta(seconds=9),
        )  # fmt: skip
        self.past.followups.append(followup)
        self.past.messages.append(message)
        self._event(message, EventKind.BOUNCED if has_bounced else EventKind.DELIVERED, at)
        return message

    def _event(self, message: Message, kind: EventKind, at: dt.datetime) -> None:
        self.past.events.append(
            DeliveryEvent(
                message=message, channel=message.channel, kind=kind,
                occurred_at=at + dt.timedelta(seconds=9),
                dedupe_key=f"history-{len(self.past.events)}",
            )
        )  # fmt: skip

    def _opts_out(self, message: Message, allowed: set[str]) -> bool:
        if self.chance.random() > OPT_OUT_SHARE or message.sent_at is None:
            return False
        at = message.sent_at + dt.timedelta(minutes=self.chance.randint(2, 180))
        allowed.discard(message.channel)
        if at < self.now - QUIET:
            ledger.record(
                message.contact, channel=message.channel, purposes=[Purpose.CART_REMINDER],
                action=ConsentAction.WITHDRAWN, source="unsubscribe", now=at,
            )  # fmt: skip
        return True

    def _answer(self, cart: TrackedCart, sent: Sequence[Message]) -> None:
        """The order comes by the last message; who orders nothing clicks now and then."""
        for message in sent:
            is_last = message is sent[-1]
            if not (cart.order_id and is_last) and self.chance.random() > CLICK_SHARE:
                continue
            earliest = message.sent_at or self.now
            at = earliest + dt.timedelta(minutes=self.chance.randint(3, 18))
            self._click(cart, message, at)
        if cart.order is not None and cart.closed_at is not None:
            message, step = sent[-1], sent[-1].followup.step  # type: ignore[union-attr] # it has one
            self.past.conversions.append(
                Conversion(
                    order=cart.order, order_number=cart.order.number, contact=cart.contact,
                    cart=cart, message=message, campaign=step.campaign, step=step,
                    channel=message.channel, basis=CreditBasis.RESTORED_BASKET,
                    amount=cart.order.total_incl_tax, currency=cart.order.currency,
                    credited_at=cart.closed_at,
                )
            )  # fmt: skip

    def _click(self, cart: TrackedCart, message: Message, at: dt.datetime) -> None:
        link = RestoreLink(
            # the hash of no token that anybody knows
            token_hash=f"{self.chance.getrandbits(256):064x}", contact=message.contact, cart=cart,
            followup=message.followup, created_at=message.created_at,
            expires_at=message.created_at + dt.timedelta(days=30), clicked_at=at,
        )  # fmt: skip
        self.past.links.append(link)
        self.past.clicks.append(
            LinkClick(link=link, visit=f"{self.chance.getrandbits(128):032x}", clicked_at=at)
        )


@transaction.atomic
def install_messages(now: dt.datetime) -> bool:
    """Write the messages of the past and sum them up, where there are none; whether it did."""
    if Campaign.objects.filter(code=CAMPAIGNS["basket"][0]).exists():
        return False
    made = PastMessages(now)
    carts = TrackedCart.objects.filter(contact__isnull=False).select_related("contact", "order")
    for cart in carts.order_by("pk"):
        made.follow(cart)
    # one person marked a mail as spam
    complained = next(m for m in made.past.messages if m.channel == "email" and m.delivered_at)
    complained.state = MessageState.COMPLAINED
    made._event(complained, EventKind.COMPLAINED, complained.created_at)
    # and one order was cancelled after all, whatever chance had in mind for the others
    orders = get_model("order", "Order").objects
    orders.filter(pk=made.past.conversions[0].order_id).update(status="Cancelled")
    made.write()
    rolling.list_days(timezone.localdate(now, timezone.get_default_timezone()))
    while rolling.run(now):
        pass
    return True


def _install_campaigns() -> dict[str, list[tuple[Step, list[Variant]]]]:
    """Stage of a cart -> the steps of its campaign with their variants."""
    found: dict[str, list[tuple[Step, list[Variant]]]] = {}
    for stage, (code, name, trigger, template) in CAMPAIGNS.items():
        campaign = Campaign.objects.create(code=code, name=name, trigger=trigger, priority=900)
        found[stage] = []
        for position, (delay, mix) in enumerate(zip(DELAYS, MIX, strict=True), 1):
            step = Step.objects.create(campaign=campaign, position=position, delay=delay)
            variants = [
                Variant.objects.create(
                    step=step, channel=channel, label=label, weight=weight,
                    template_code=f"{template}-{number}",
                )
                for channel, label, number, weight in mix
            ]  # fmt: skip
            found[stage].append((step, variants))
    return found


def by_day(at: dt.datetime) -> dt.datetime:
    """Nobody was woken up: what falls into the night waits for nine o'clock."""
    local = timezone.localtime(at, timezone.get_default_timezone())
    if local.hour >= 20:
        local += dt.timedelta(days=1)
    elif local.hour >= 8:
        return at
    return local.replace(hour=9, minute=0, second=0, microsecond=0).astimezone(dt.UTC)
