"""What messages suggest beside what they are about. In bulk, and only where a template shows it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from django.db.models import Q

from cart_recovery.eligibility.facts import FollowUpFacts
from cart_recovery.eligibility.history import is_advertising
from cart_recovery.eligibility.verdicts import Send
from cart_recovery.markets.profiles import market_of
from cart_recovery.models import Enrolment, MessageTemplate
from cart_recovery.recommendations.choosing import Wish, recommend
from cart_recovery.recommendations.history import bought_or_returned
from cart_recovery.recommendations.products import RecommendedProduct

Suggestions = Mapping[int, tuple[RecommendedProduct, ...]]


def may_advertise(enrolment: Enrolment) -> bool:
    """Whether a message may hold suggestions: what only serves a purchase, where the market's law
    lets it."""
    return is_advertising(enrolment) or market_of(enrolment.contact).advertising_in_service


def suggesting_templates(codes: Collection[str]) -> frozenset[tuple[str, str]]:
    """(code, channel) of the templates that show suggestions, in any language. One query."""
    shows = Q(html__contains="recommendations") | Q(text__contains="recommendations")
    rows = MessageTemplate.objects.filter(shows, code__in=set(codes))
    return frozenset(rows.values_list("code", "channel").distinct())


def is_suggesting(send: Send, templates: frozenset[tuple[str, str]]) -> bool:
    """Whether the message that was chosen shows suggestions."""
    return (send.choice.option.template_code, send.choice.option.channel) in templates


def suggestions_for_carts(wanting: Sequence[FollowUpFacts]) -> Suggestions:
    """By the follow-ups' keys: goods that go with those of the basket, but not what the person has
    bought since it was begun."""
    wishes = [
        Wish(
            key=facts.followup.pk,
            product_ids=frozenset(
                line.product_id for line in facts.basket.lines if line.product_id is not None
            ),
            exclude=facts.bought_products,
            user_id=facts.followup.enrolment.contact.user_id,
            language=facts.followup.enrolment.language,
        )
        for facts in wanting
        if facts.basket is not None
    ]
    return _chosen(wishes)


def suggestions_for_orders(wanting: Sequence[FollowUpFacts]) -> Suggestions:
    """By the follow-ups' keys: goods that go with those of the order, never what the person has ever
    ordered, and so neither what came back."""
    if not wanting:
        return {}
    people = {facts.followup.pk: facts.followup.enrolment.contact for facts in wanting}
    ordered = bought_or_returned(
        {c.user_id for c in people.values()} - {None},
        {c.email_key for c in people.values() if c.email_key},
    )
    wishes = []
    for facts in wanting:
        if facts.order is None or facts.order.progress is None:
            continue
        contact, enrolment = people[facts.followup.pk], facts.followup.enrolment
        mine = {
            product
            for key in (contact.user_id, contact.email_key)
            for product in ordered.get(key, ())
        }
        bought = {line.product_id for line in facts.order.progress.lines if line.product_id}
        left = {line.product_id for line in facts.order.progress.open_lines if line.product_id}
        wishes.append(
            Wish(
                key=facts.followup.pk, product_ids=frozenset(left), exclude=frozenset(mine | bought),
                user_id=contact.user_id, language=enrolment.language,
            )
        )  # fmt: skip
    return _chosen(wishes)


def _chosen(wishes: Sequence[Wish]) -> Suggestions:
    if not wishes:
        return {}
    return {key: products for key, products in recommend(wishes).items() if isinstance(key, int)}
