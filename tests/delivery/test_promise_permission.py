"""Promises 1 to 3 over random histories: what leaves is held against an oracle of its own.

Three people (in Germany; in New York; somewhere in the United States) leave baskets in two
campaigns over e-mail and SMS. They agree in every manner, say no, are blocked, pause, buy under
another spelling, come back and empty their baskets; the clock jumps over nights, Sundays, holidays
and a clock change; providers fail, workers die, and things happen between outbox and call. The
oracle knows what was done, and the law as written down here; it never asks the code under test.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partialmethod
from itertools import product
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import transaction
from django.test import override_settings
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from oscar.core.loading import get_model

from cart_recovery.campaigns.planning import plan
from cart_recovery.channels.base import Outcome, OutcomeKind, OutgoingMessage
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.consent import ledger, suppression
from cart_recovery.delivery import outbox
from cart_recovery.delivery.claims import new_claim_token
from cart_recovery.delivery.followups import claim_due, release_stale
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import (
    CartStage,
    CartState,
    ConsentAction,
    ConsentMethod,
    Contact,
    Message,
    Purpose,
    TrackedCart,
    Trigger,
    Variant,
)
from cart_recovery.provider_events import SuppressionReason
from tests.factories import make_basket, make_campaign, make_cart, make_contact, make_product

pytestmark = pytest.mark.django_db

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
PURPOSES = (Purpose.CART_REMINDER, Purpose.PROMOTION)
CHANNELS = {"email": "email", "sms": "phone"}
CAPS = ((("sms",), 1, 12 * HOUR), ((), 2, DAY), ((), 5, 7 * DAY))
#: the provider has the message, or may have it
LEFT = (OutcomeKind.ACCEPTED, OutcomeKind.UNKNOWN)

# --- the law, by hand -----------------------------------------------------------------------------

AMERICAN_ZONES = ("Pacific/Honolulu", "America/Anchorage", "America/Los_Angeles", "America/Chicago",
                  "America/New_York")  # fmt: skip
GERMAN_HOLIDAYS = {"2026-10-03", "2026-12-25", "2026-12-26", "2027-01-01"}
AMERICAN_HOLIDAYS = {"2026-06-19", "2026-07-03", "2026-07-04", "2026-10-12", "2026-12-25",
                     "2027-01-01", "2027-01-18"}  # fmt: skip
#: before Independence Day; before Unity Day and the clock change; before Christmas
BEGINNINGS = (
    dt.datetime(2026, 6, 16, 10, tzinfo=dt.UTC),
    dt.datetime(2026, 10, 1, 10, tzinfo=dt.UTC),
    dt.datetime(2026, 10, 22, 10, tzinfo=dt.UTC),
    dt.datetime(2026, 12, 22, 10, tzinfo=dt.UTC),
)


@dataclass(frozen=True, repr=False)
class Person:
    name: str
    phone: str
    country: str
    time_zone: str
    zones: tuple[str, ...]

    def __repr__(self) -> str:
        return self.name

    @property
    def is_american(self) -> bool:
        return self.phone.startswith("+1")

    def may_get_sms(self, moment: dt.datetime) -> bool:
        return all(self._is_day(moment.astimezone(ZoneInfo(zone))) for zone in self.zones)

    def _is_day(self, wall: dt.datetime) -> bool:
        date, minute = wall.date(), wall.hour * 60 + wall.minute
        if self.is_american:
            ends = {5: 17, 6: 0}.get(date.weekday(), 18)
            return date.isoformat() not in AMERICAN_HOLIDAYS and 600 <= minute < ends * 60
        is_free = date.weekday() == 6 or date.isoformat() in GERMAN_HOLIDAYS
        return not is_free and 480 <= minute < 1200

    def may_agree_by(self, method: str, channel: str) -> bool:
        if method == ConsentMethod.DOUBLE:
            return True
        if not self.is_american:
            return False
        return method == {"email": ConsentMethod.SINGLE, "sms": ConsentMethod.KEYWORD}[channel]


PEOPLE = (
    Person("anna", "+4915112345678", "", "", ("Europe/Berlin",)),
    Person("ben", "+12125551234", "US", "America/New_York", ("America/New_York",)),
    Person("cleo", "+12125551235", "US", "", AMERICAN_ZONES),
)


# --- what happens ---------------------------------------------------------------------------------


@dataclass
class Cart:
    row: TrackedCart
    person: Person
    last_activity: dt.datetime
    is_empty: bool = False


@dataclass(frozen=True)
class Call:
    key: str
    channel: str
    at: dt.datetime
    #: when its row was committed: from there on it counts for the caps
    written_at: dt.datetime
    kind: OutcomeKind


@dataclass
class World:
    """The rows, and beside them what the oracle remembers of how they came about."""

    now: dt.datetime
    contacts: dict[Person, Contact] = field(default_factory=dict)
    carts: list[Cart] = field(default_factory=list)
    #: the last yes in each manner, and the last no, by person, channel and purpose
    yes: dict[tuple[Person, str, str], dict[str, int]] = field(default_factory=dict)
    no: dict[tuple[Person, str, str], int] = field(default_factory=dict)
    blocked: set[tuple[Person, str]] = field(default_factory=set)
    paused: dict[Person, dt.datetime] = field(default_factory=dict)
    orders: list[tuple[Person, dt.datetime]] = field(default_factory=list)
    answers: list[OutcomeKind] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    written_at: dt.datetime = BEGINNINGS[0]
    steps: int = 0

    # ----- events, named as in HISTORY

    def wait(self, minutes: int) -> None:
        self.now += dt.timedelta(minutes=minutes)

    def leave(self, person: Person, stage: str) -> None:
        cart = make_cart(
            make_basket(self.product), self.contacts[person], created_at=self.now,
            last_activity_at=self.now, stage=stage, state=CartState.ACTIVE,
        )  # fmt: skip
        self.carts.append(Cart(cart, person, self.now))

    def touch(self, number: int) -> None:
        if self.carts:
            cart = self.carts[number % len(self.carts)]
            cart.last_activity = self.now
            TrackedCart.objects.filter(pk=cart.row.pk).update(
                state=CartState.ACTIVE, last_activity_at=self.now
            )

    def empty(self, number: int) -> None:
        if self.carts:
            cart = self.carts[number % len(self.carts)]
            cart.is_empty = True
            cart.row.basket.lines.all().delete()

    def agree(self, person: Person, channel: str, purpose: str, method: str) -> None:
        self._say(person, channel, purpose, ConsentAction.GRANTED, method)
        self.yes.setdefault((person, channel, purpose), {})[method] = self._tick()

    def refuse(self, person: Person, channel: str, purpose: str) -> None:
        self._say(person, channel, purpose, ConsentAction.WITHDRAWN, "")
        self.no[person, channel, purpose] = self._tick()

    def block(self, person: Person, channel: str) -> None:
        kind = CHANNELS[channel]
        address = self.contacts[person].address_for(kind)
        suppression.suppress(
            channel, kind, address, reason=SuppressionReason.HARD_BOUNCE, source="test"
        )
        self.blocked.add((person, channel))

    def pause(self, person: Person, hours: int) -> None:
        ends = self.now + hours * HOUR
        Contact.objects.filter(pk=self.contacts[person].pk).update(paused_until=ends)
        self.paused[person] = ends

    def buy(self, person: Person) -> None:
        """An order that no signal tells of: an import, in another spelling of the address."""
        self.orders.append((person, self.now))
        get_model("order", "Order").objects.create(
            number=f"n{len(self.orders)}-{person.name}", currency="EUR", date_placed=self.now,
            total_incl_tax=Decimal(1), total_excl_tax=Decimal(1), shipping_incl_tax=Decimal(0),
            shipping_excl_tax=Decimal(0), guest_email=self.contacts[person].email.upper(),
        )  # fmt: skip

    def fail(self, kind: OutcomeKind) -> None:
        self.answers.append(kind)

    def die(self) -> None:
        """A worker dies with its claim."""
        claim_due(self.now, limit=50, token=new_claim_token())

    # ----- delivery

    def deliver(self, meanwhile: Sequence[tuple[Any, ...]]) -> None:
        """A minute's work, with something that happens between outbox and call."""
        outbox.give_up_stuck(self.now)
        release_stale(self.now)
        plan(self.now)
        original = outbox.open_calls

        def opened(*args: Any, **kwargs: Any) -> Any:
            drafts = original(*args, **kwargs)
            self.written_at = self.now
            happens(self, meanwhile)
            return drafts

        before = len(self.calls)
        with mock.patch.object(outbox, "open_calls", opened):
            deliver_due(clock=lambda: self.now)
        for number in range(before, len(self.calls)):
            self._judge(self.calls[number], self.calls[:number])

    def answer(self, channel: LocmemChannel, message: OutgoingMessage) -> Outcome:
        kind = self.answers.pop(0) if self.answers else OutcomeKind.ACCEPTED
        self.calls.append(Call(message.key, channel.alias, self.now, self.written_at, kind))
        return Outcome(kind, provider_message_id=message.key, code="test")

    # ----- the oracle

    def _judge(self, call: Call, earlier: Sequence[Call]) -> None:
        message = self._message(call)
        enrolment = message.followup.enrolment
        cart = next(c for c in self.carts if c.row.pk == enrolment.cart_id)
        person, purpose = cart.person, enrolment.campaign.purpose
        about = f"{call.channel} to {person.name} at {call.at:%a %F %H:%M} UTC"
        assert self._agreed(person, call.channel, purpose), f"without permission: {about}"
        assert (person, call.channel) not in self.blocked, f"to a blocked address: {about}"
        assert call.at >= self.paused.get(person, call.at), f"during a pause: {about}"
        bought = [at for who, at in self.orders if who == person and at >= cart.last_activity]
        assert not bought, f"after the purchase: {about}"
        assert not cart.is_empty, f"an empty basket: {about}"
        assert call.at >= cart.last_activity + HOUR / 2, f"while the shopper is busy: {about}"
        left = [c for c in earlier if c.kind in LEFT]
        steps = [self._step(c) for c in earlier if c.kind != OutcomeKind.RETRY_SAFE]
        assert self._step(call) not in steps, f"twice: {about}"
        if call.channel == "sms":
            assert person.may_get_sms(call.at), f"in quiet hours: {about}"
            if person.is_american:
                texts = [c for c in left if c.channel == "sms" and self._cart(c) == cart.row.pk]
                assert not texts, f"a second SMS for a cart: {about}"
                assert call.at <= cart.last_activity + 48 * HOUR, f"after 48 hours: {about}"
        for channels, limit, per in CAPS:
            if channels and call.channel not in channels:
                continue
            counted = [
                c for c in left
                if self._person(c) == message.contact_id and c.written_at > call.written_at - per
                and (not channels or c.channel in channels)
            ]  # fmt: skip
            assert len(counted) < limit, f"above the cap of {limit} in {per}: {about}"

    def _agreed(self, person: Person, channel: str, purpose: str) -> bool:
        key = (person, channel, purpose)
        accepted = [
            moment
            for method, moment in self.yes.get(key, {}).items()
            if person.may_agree_by(method, channel)
        ]
        return max(accepted, default=-1) > self.no.get(key, -1)

    def _message(self, call: Call) -> Any:
        return Message.objects.select_related("followup__enrolment__campaign").get(
            public_id=call.key
        )

    def _step(self, call: Call) -> tuple[int, int]:
        followup = self._message(call).followup
        return followup.enrolment_id, followup.step_id

    def _cart(self, call: Call) -> int:
        return int(self._message(call).followup.enrolment.cart_id)

    def _person(self, call: Call) -> int:
        return int(self._message(call).contact_id)

    # ----- rows

    def build(self) -> None:
        self.product = make_product(stock=10_000)
        self._campaign(Trigger.BASKET_ABANDONED, Purpose.CART_REMINDER, priority=20)
        self._campaign(Trigger.CHECKOUT_ABANDONED, Purpose.PROMOTION, priority=10)
        for person in PEOPLE:
            self.contacts[person] = make_contact(
                f"{person.name}@example.de", phone=person.phone, country=person.country,
                time_zone=person.time_zone,
            )  # fmt: skip

    def _campaign(self, trigger: str, purpose: str, *, priority: int) -> None:
        campaign = make_campaign(
            delays=(HOUR / 2, 20 * HOUR, 40 * HOUR), channels=(), trigger=trigger,
            purpose=purpose, priority=priority,
        )  # fmt: skip
        for step in campaign.steps.all():
            for channel, weight in (("email", 1), ("sms", 2)):
                Variant.objects.create(
                    step=step, channel=channel, template_code="abandoned-basket-2", weight=weight
                )

    def _say(self, person: Person, channel: str, purpose: str, action: str, method: str) -> None:
        # a moment later than what was said before: at the very same one, the no holds
        self.now += dt.timedelta(seconds=1)
        ledger.record(
            self.contacts[person], channel=channel, purposes=[purpose], action=action,
            method=method, source="test", now=self.now,
        )  # fmt: skip

    def _tick(self) -> int:
        self.steps += 1
        return self.steps


def happens(world: World, events: Sequence[tuple[Any, ...]]) -> None:
    for name, *arguments in events:
        getattr(world, name)(*arguments)


def _answer(channel: LocmemChannel, world: World, message: OutgoingMessage) -> Outcome:
    return world.answer(channel, message)


@contextmanager
def new_world(begins: dt.datetime) -> Iterator[World]:
    """An empty shop at this moment; nothing of it stays."""
    world = World(begins)
    caps = [{"channels": channels, "limit": limit, "per": per} for channels, limit, per in CAPS]
    changes = {"MARKETS": {}, "FREQUENCY_CAPS": caps}
    with ExitStack() as stack:
        stack.enter_context(override_settings(CART_RECOVERY={**settings.CART_RECOVERY, **changes}))
        stack.enter_context(mock.patch("django.utils.timezone.now", lambda: world.now))
        stack.enter_context(
            mock.patch.object(LocmemChannel, "send_one", partialmethod(_answer, world))
        )
        stack.enter_context(transaction.atomic())
        world.build()
        yield world
        transaction.set_rollback(True)


METHODS = [m for m in ConsentMethod.values if m != ConsentMethod.IMPORTED]
people = st.sampled_from(PEOPLE)
channels = st.sampled_from(sorted(CHANNELS))
purposes = st.sampled_from(PURPOSES)
minutes = st.one_of(st.integers(1, 90), st.integers(60, 900), st.sampled_from([1440, 2880, 4320]))
EVENTS = st.one_of(
    st.tuples(st.just("leave"), people, st.sampled_from(CartStage.values)),
    st.tuples(st.just("leave"), people, st.sampled_from(CartStage.values)),
    st.tuples(st.just("touch"), st.integers(0, 9)),
    st.tuples(st.just("empty"), st.integers(0, 9)),
    st.tuples(
        st.just("agree"), people, channels, purposes,
        st.sampled_from(METHODS),
    ),
    st.tuples(st.just("refuse"), people, channels, purposes),
    st.tuples(st.just("refuse"), people, channels, purposes),
    st.tuples(st.just("block"), people, channels),
    st.tuples(st.just("pause"), people, st.integers(1, 48)),
    st.tuples(st.just("buy"), people),
    st.tuples(st.just("fail"), st.sampled_from([
        OutcomeKind.RETRY_SAFE, OutcomeKind.UNKNOWN, OutcomeKind.PERMANENT,
    ])),
    st.tuples(st.just("die")),
)  # fmt: skip
MEANWHILE = st.one_of(EVENTS, st.tuples(st.just("wait"), st.integers(1, 700)))
#: how each person has agreed to each channel and purpose at the beginning; "": not at all
YESES = st.lists(
    st.sampled_from(["", *METHODS, *[ConsentMethod.DOUBLE.value] * 5]), min_size=12, max_size=12
)
#: what happens, how long it takes until the next delivery, and what happens in the midst of that
HISTORY = st.lists(
    st.tuples(st.lists(EVENTS, max_size=3), minutes, st.lists(MEANWHILE, max_size=1)),
    min_size=4, max_size=14,
)  # fmt: skip


# a shorter history of a failure takes minutes to find: add Phase.shrink when one is needed
@hypothesis_settings(
    max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(
    begins=st.sampled_from(BEGINNINGS), minute=st.integers(0, 1439), yeses=YESES, history=HISTORY
)
def test_nothing_leaves_against_the_rules_whatever_happens(
    begins: dt.datetime, minute: int, yeses: list[str], history: list[Any]
) -> None:
    """Permission, pauses, quiet hours, caps, purchases, once per step: at the moment of the call."""
    with new_world(begins + dt.timedelta(minutes=minute)) as world:
        for key, method in zip(product(PEOPLE, CHANNELS, PURPOSES), yeses, strict=True):
            if method:
                world.agree(*key, method)
        for person in PEOPLE:
            world.leave(person, CartStage.BASKET)
        for events, pause, meanwhile in history:
            happens(world, events)
            world.wait(pause)
            world.deliver(meanwhile)


def test_everybody_is_written_to_when_nothing_is_in_the_way() -> None:
    """Else the property above would hold for a shop that never sends anything."""
    with new_world(BEGINNINGS[0]) as world:
        for person, channel, purpose in product(PEOPLE, CHANNELS, PURPOSES):
            world.agree(person, channel, purpose, ConsentMethod.DOUBLE)
        for person in PEOPLE:
            world.leave(person, CartStage.BASKET)
        for _half_hour in range(5 * 48):
            world.wait(30)
            world.deliver(())
        steps = dict.fromkeys(PEOPLE, 0)
        for call in world.calls:
            contact = world._person(call)
            steps[next(p for p in PEOPLE if world.contacts[p].pk == contact)] += 1
        assert steps == dict.fromkeys(PEOPLE, 3)
        assert {call.channel for call in world.calls} == {"email", "sms"}
