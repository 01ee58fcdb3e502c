"""Everything the rules look at, loaded for a whole batch in a constant number of queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from cart_recovery.campaigns.copies import copies_of
from cart_recovery.campaigns.mix import MixOption
from cart_recovery.channels.registry import configured_aliases, get_channel
from cart_recovery.conf import conf
from cart_recovery.consent import permissions, soft_opt_ins, suppression
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.eligibility.history import History, load_history
from cart_recovery.eligibility.order_facts import load_subjects
from cart_recovery.eligibility.order_rules import OrderSubject, is_other_number
from cart_recovery.eligibility.purchases import load_purchases
from cart_recovery.models import (
    ChannelStatus,
    Contact,
    Enrolment,
    FollowUp,
    MessageTemplate,
    Purpose,
    TrackedCart,
    Trigger,
)
from cart_recovery.shop.baskets import BasketFacts, load_baskets
from cart_recovery.shop.orders import Purchase, purchased_products
from cart_recovery.shop.similarity import similar_to_orders


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    alias: str
    address_kind: str
    paused_until: dt.datetime | None
    is_paused: bool


@dataclass(frozen=True, slots=True)
class Reach:
    """What decides whether a batch's contacts may be reached, over all channels."""

    channels: Mapping[str, ChannelFacts]
    permissions: permissions.Permissions
    suppressed: frozenset[tuple[str, str]]

    def blocker(
        self, contact: Contact, channel: str, purpose: str, *, is_similar: bool = False
    ) -> str:
        """Why this contact cannot be reached on this channel for this purpose, or "".

        `is_similar`: the message is about goods like those that the person has bought.
        """
        facts = self.channels.get(channel)
        if facts is None:
            return "no_channel"
        address = contact.address_for(facts.address_kind)
        if not address:
            return "no_address"
        if not self._is_permitted(contact, facts, purpose, is_similar=is_similar):
            return "no_consent"
        if (channel, address_digest(facts.address_kind, address)) in self.suppressed:
            return "suppressed"
        return "channel_paused" if facts.is_paused else ""

    def order_blocker(
        self, enrolment: Enrolment, order: OrderSubject | None, channel: str, *, is_similar: bool
    ) -> str:
        """The same for an enrolment, whose order (None: it is about a cart) may have another number."""
        contact, purpose = enrolment.contact, enrolment.campaign.purpose
        why = self.blocker(contact, channel, purpose, is_similar=is_similar)
        # a pause ends, another's number stays another's
        is_reachable = why in ("", "channel_paused")
        if not is_reachable or order is None or self.channels[channel].address_kind != "phone":
            return why
        is_agreed = self.permissions.is_granted(contact, channel, purpose, "phone")
        return "other_number" if is_other_number(enrolment, order, is_agreed=is_agreed) else why

    def rests_on_sale(self, contact: Contact, channel: str, purpose: str) -> bool:
        """Whether nothing but a soft opt-in permits it (UWG §7(3))."""
        kind = self.channels[channel].address_kind
        return self.permissions.rests_on_sale(contact, channel, purpose, kind)

    def _is_permitted(
        self, contact: Contact, channel: ChannelFacts, purpose: str, *, is_similar: bool
    ) -> bool:
        if purpose == Purpose.ORDER_STATUS:
            # about what the person has ordered: no yes is needed, but a no is obeyed
            is_gone = contact.merged_into_id or contact.erased_at
            is_refused = self.permissions.is_withdrawn(contact.pk, channel.alias, purpose)
            return not (is_gone or is_refused)
        return self.permissions.is_granted(
            contact, channel.alias, purpose, channel.address_kind, is_similar=is_similar
        )


@dataclass(frozen=True, slots=True)
class FollowUpFacts:
    """One follow-up (enrolment, campaign, subject, contact, step loaded) and what was found.

    About an order: `order` is set, and what is said of baskets and purchases is empty.
    """

    followup: FollowUp
    options: tuple[MixOption, ...]
    order: OrderSubject | None
    basket: BasketFacts | None
    #: carts into which links of this one were restored
    copies: tuple[TrackedCart, ...]
    purchases: tuple[Purchase, ...]
    bought_products: frozenset[int]
    #: whether the basket holds goods like those on whose sale a soft opt-in rests
    is_similar: bool
    reach: Reach
    history: History
    templates: frozenset[tuple[str, str]]


def load_facts(followups: Sequence[FollowUp], now: dt.datetime) -> list[FollowUpFacts]:
    """Facts for a batch, in the order given. Needs what `with_relations` selects."""
    contacts = [f.enrolment.contact for f in followups]
    about_carts = [f for f in followups if f.enrolment.cart is not None]
    languages = {
        basket_id: f.enrolment.language
        for f in about_carts
        if (basket_id := f.enrolment.subject_cart.basket_id) is not None
    }
    baskets = load_baskets(languages.keys(), languages=languages)
    copies = copies_of({f.enrolment.subject_cart.pk for f in about_carts})
    purchases = purchases_by_followup(about_carts, copies)
    orders = load_subjects([f.enrolment for f in followups])
    products = purchased_products({p.order_id for found in purchases.values() for p in found})
    reach = load_reach(contacts, now)
    history = load_history(followups, now)
    similar = _similar(about_carts, baskets)
    templates = frozenset(MessageTemplate.objects.values_list("code", "channel").distinct())
    return [
        FollowUpFacts(
            followup=f,
            options=_options(f),
            order=orders.get(f.enrolment_id),
            basket=baskets.get((f.enrolment.cart and f.enrolment.cart.basket_id) or 0),
            copies=tuple(copies.get(f.enrolment.cart_id or 0, ())),
            purchases=tuple(purchases.get(f.pk, ())),
            bought_products=frozenset(
                product for p in purchases.get(f.pk, ()) for product in products.get(p.order_id, ())
            ),
            is_similar=f.pk in similar or asks_about_sale(f.enrolment),
            reach=reach,
            history=history,
            templates=templates,
        )
        for f in followups
    ]  # fmt: skip


def with_relations(followup_ids: Collection[int]) -> list[FollowUp]:
    """The follow-ups with all that facts and rendering need, oldest due first. Six queries."""
    return list(
        FollowUp.objects.filter(pk__in=followup_ids)
        .select_related("enrolment__cart", "enrolment__order", "enrolment__contact", "message")
        # not joined: a batch has many followers of few steps, and these are made once each
        .prefetch_related(
            "enrolment__campaign__thanks", "enrolment__lines", "step__incentive", "step__variants"
        )
        .order_by("due_at", "pk")
    )  # fmt: skip


def load_reach(contacts: Iterable[Contact], now: dt.datetime) -> Reach:
    """Permissions, suppressions and channels for these contacts. Four queries at the most."""
    people = list(contacts)
    channels = _channels(now)
    pairs = {
        (facts.alias, address_digest(facts.address_kind, contact.address_for(facts.address_kind)))
        for contact in people
        for facts in channels.values()
        if contact.address_for(facts.address_kind)
    }
    return Reach(
        channels=channels,
        permissions=permissions.load({contact.pk for contact in people}),
        suppressed=frozenset(suppression.suppressed(pairs)),
    )


def asks_about_sale(enrolment: Enrolment) -> bool:
    """Whether it is about the very goods that the person has bought, or offers what goes with them: of
    that, only what is similar to them where nothing but the sale permits it (delivery.suggesting)."""
    return enrolment.campaign.trigger in (Trigger.REVIEW_REQUEST, Trigger.CROSS_SELL)


def purchases_by_followup(
    followups: Sequence[FollowUp], copies: Mapping[int, Sequence[TrackedCart]]
) -> dict[int, list[Purchase]]:
    """Orders by the same person since the cart was begun, whichever basket, spelling or device.

    For follow-ups about carts.
    """
    found: dict[int, list[Purchase]] = {}
    if not followups:
        return found
    purchases = load_purchases(
        [f.enrolment.contact for f in followups],
        min(f.enrolment.subject_cart.created_at for f in followups),
        {basket for f in followups for basket in _baskets_of(f, copies)},
    )
    for followup in followups:
        enrolment = followup.enrolment
        mine = purchases.of(enrolment.contact, _baskets_of(followup, copies))
        found[followup.pk] = [p for p in mine if p.placed_at >= enrolment.subject_cart.created_at]
    return found


def _baskets_of(followup: FollowUp, copies: Mapping[int, Sequence[TrackedCart]]) -> list[int]:
    cart = followup.enrolment.subject_cart
    rows = (cart, *copies.get(cart.pk, ()))
    return [row.basket_id for row in rows if row.basket_id is not None]


def _similar(followups: Sequence[FollowUp], baskets: Mapping[int, BasketFacts]) -> set[int]:
    """Follow-ups whose baskets are like what soft opt-ins of their contacts rest on."""
    if not conf.SOFT_OPT_IN:
        return set()
    sales = soft_opt_ins.orders_behind({f.enrolment.contact_id for f in followups})
    orders = {
        f.pk: sales[f.enrolment.contact_id] for f in followups if f.enrolment.contact_id in sales
    }
    if not orders:
        return set()
    wanted: dict[int, set[int]] = {}
    for followup in followups:
        basket = baskets.get(followup.enrolment.subject_cart.basket_id or 0)
        if followup.pk in orders and basket is not None:
            products = {line.product_id for line in basket.lines if line.product_id is not None}
            wanted[followup.pk] = products
    return similar_to_orders(wanted, orders)


def _options(followup: FollowUp) -> tuple[MixOption, ...]:
    return tuple(
        MixOption(v.pk, v.channel, v.template_code, v.weight) for v in followup.step.variants.all()
    )


def _channels(now: dt.datetime) -> dict[str, ChannelFacts]:
    states = {row.channel: row for row in ChannelStatus.objects.all()}
    return {alias: _channel_facts(alias, states.get(alias), now) for alias in configured_aliases()}


def _channel_facts(alias: str, state: ChannelStatus | None, now: dt.datetime) -> ChannelFacts:
    held = state is not None and state.not_before is not None and state.not_before > now
    return ChannelFacts(
        alias=alias,
        address_kind=get_channel(alias).address_kind,
        paused_until=state.not_before if state is not None and held else None,
        is_paused=held or (state is not None and state.paused_at is not None),
    )
