"""What messages suggest beside what they are about. In bulk, and only where a template shows it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db.models import Q

from cart_recovery.consent import soft_opt_ins
from cart_recovery.eligibility.facts import FollowUpFacts
from cart_recovery.eligibility.history import is_advertising
from cart_recovery.eligibility.verdicts import Send
from cart_recovery.markets.profiles import market_for, market_of
from cart_recovery.models import Enrolment, MessageTemplate, Purpose
from cart_recovery.recommendations.choosing import Wish, recommend
from cart_recovery.recommendations.history import bought_or_returned
from cart_recovery.recommendations.products import RecommendedProduct
from cart_recovery.shop.similarity import sold_products

Approved = tuple[FollowUpFacts, Send]
Suggestions = Mapping[int, tuple[RecommendedProduct, ...]]


def may_advertise(enrolment: Enrolment, countries: Collection[str] = ()) -> bool:
    """Whether a message may hold suggestions: what only serves a purchase, where the law lets it in the
    person's market and in all `countries` of the order's addresses."""
    if is_advertising(enrolment):
        return True
    markets = (market_of(enrolment.contact), *map(market_for, countries))
    return all(market.advertising_in_service for market in markets)


def suggesting_templates(codes: Collection[str]) -> frozenset[tuple[str, str]]:
    """(code, channel) of the templates that show suggestions, in any language. One query."""
    shows = Q(html__contains="recommendations") | Q(text__contains="recommendations")
    rows = MessageTemplate.objects.filter(shows, code__in=set(codes))
    return frozenset(rows.values_list("code", "channel").distinct())


def is_suggesting(send: Send, templates: frozenset[tuple[str, str]]) -> bool:
    """Whether the message that was chosen shows suggestions."""
    return (send.choice.option.template_code, send.choice.option.channel) in templates


def may_suggest(facts: FollowUpFacts, send: Send) -> bool:
    """Whether the person permits suggestions in this message at all.

    Who agreed to be asked for a review did not agree to offers. Where nothing but a sale permits
    offers, the message has to say so, and does if it rests on that sale itself.
    """
    enrolment = facts.followup.enrolment
    if enrolment.campaign.purpose != Purpose.REVIEW_REQUEST:
        return True
    channel, reach = send.choice.option.channel, facts.reach
    says_so = reach.rests_on_sale(enrolment.contact, channel, enrolment.campaign.purpose)
    return not reach.blocker(enrolment.contact, channel, Purpose.PROMOTION, is_similar=says_so)


def suggestions_for_carts(wanting: Sequence[Approved]) -> Suggestions:
    """By the follow-ups' keys: goods that go with those of the basket, never what the person has ever
    ordered, and so neither what came back."""
    had, similar = _had(wanting), _similar_to(wanting)
    wishes = [
        Wish(
            key=facts.followup.pk,
            product_ids=frozenset(
                line.product_id for line in facts.basket.lines if line.product_id is not None
            ),
            # also what was bought from a basket that this one was restored into
            exclude=facts.bought_products | had[facts.followup.pk],
            similar_to=similar.get(facts.followup.pk),
            user_id=facts.followup.enrolment.contact.user_id,
            language=facts.followup.enrolment.language,
        )
        for facts, _send in wanting
        if facts.basket is not None
    ]
    return _chosen(wishes)


def suggestions_for_orders(wanting: Sequence[Approved]) -> Suggestions:
    """By the follow-ups' keys: goods that go with those of the order, never what the person has ever
    ordered, and so neither what came back."""
    had, similar = _had(wanting), _similar_to(wanting)
    wishes = []
    for facts, _send in wanting:
        if facts.order is None or facts.order.progress is None:
            continue
        enrolment = facts.followup.enrolment
        bought = {line.product_id for line in facts.order.progress.lines if line.product_id}
        left = {line.product_id for line in facts.order.progress.open_lines if line.product_id}
        wishes.append(
            Wish(
                key=facts.followup.pk, product_ids=frozenset(left),
                exclude=had[facts.followup.pk] | bought,
                similar_to=similar.get(facts.followup.pk),
                user_id=enrolment.contact.user_id, language=enrolment.language,
            )
        )  # fmt: skip
    return _chosen(wishes)


def _similar_to(wanting: Sequence[Approved]) -> dict[int, frozenset[int]]:
    """What was sold to those to whom nothing but a sale lets us offer anything (UWG §7(3)), by the
    follow-ups' keys. Four queries, none where there is nobody."""
    contacts = {
        facts.followup.pk: facts.followup.enrolment.contact_id
        for facts, send in wanting
        if _rests_on_sale(facts, send)
    }
    if not contacts:
        return {}
    orders = soft_opt_ins.orders_behind(set(contacts.values()))
    sold = sold_products({order_id for ids in orders.values() for order_id in ids})
    return {
        pk: frozenset(
            product for order_id in orders.get(contact_id, ()) for product in sold.get(order_id, ())
        )
        for pk, contact_id in contacts.items()
    }


def _rests_on_sale(facts: FollowUpFacts, send: Send) -> bool:
    enrolment = facts.followup.enrolment
    asks = enrolment.campaign.purpose == Purpose.REVIEW_REQUEST
    purpose = Purpose.PROMOTION if asks else enrolment.campaign.purpose
    return facts.reach.rests_on_sale(enrolment.contact, send.choice.option.channel, purpose)


def _had(wanting: Sequence[Approved]) -> dict[int, frozenset[int]]:
    """What each person has ever ordered under their account, address or number, by the follow-ups'
    keys. Two queries, none where nothing is wanted."""
    if not wanting:
        return {}
    keys = {facts.followup.pk: _keys_of(facts) for facts, _send in wanting}
    users, emails, *phones = zip(*keys.values(), strict=True)
    ordered = bought_or_returned(
        set(users) - {None}, set(emails) - {""}, set().union(*phones) - {""}
    )
    return {
        pk: frozenset().union(*(ordered.get(key, ()) for key in mine)) for pk, mine in keys.items()
    }


def _keys_of(facts: FollowUpFacts) -> tuple[Any, str, str, str]:
    """By what orders of this person are known: account, address, number, and that of the order at
    hand, which may be another contact's."""
    contact = facts.followup.enrolment.contact
    progress = facts.order.progress if facts.order is not None else None
    phone = progress.order.phone if progress is not None else ""
    return contact.user_id, contact.email_key or "", contact.address_for("phone"), phone


def _chosen(wishes: Sequence[Wish]) -> Suggestions:
    if not wishes:
        return {}
    return {key: products for key, products in recommend(wishes).items() if isinstance(key, int)}
