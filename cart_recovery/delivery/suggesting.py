"""What messages suggest beside what they are about. In bulk, and only where a template shows it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db.models import Q

from cart_recovery.eligibility.facts import FollowUpFacts
from cart_recovery.eligibility.history import is_advertising
from cart_recovery.eligibility.verdicts import Send
from cart_recovery.markets.profiles import market_of
from cart_recovery.models import Contact, Enrolment, MessageTemplate
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
    """By the follow-ups' keys: goods that go with those of the basket, never what the person has ever
    ordered, and so neither what came back."""
    had = _had(wanting)
    wishes = [
        Wish(
            key=facts.followup.pk,
            product_ids=frozenset(
                line.product_id for line in facts.basket.lines if line.product_id is not None
            ),
            # also what was bought from a basket that this one was restored into
            exclude=facts.bought_products | had[facts.followup.pk],
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
    had = _had(wanting)
    wishes = []
    for facts in wanting:
        if facts.order is None or facts.order.progress is None:
            continue
        enrolment = facts.followup.enrolment
        bought = {line.product_id for line in facts.order.progress.lines if line.product_id}
        left = {line.product_id for line in facts.order.progress.open_lines if line.product_id}
        wishes.append(
            Wish(
                key=facts.followup.pk, product_ids=frozenset(left),
                exclude=had[facts.followup.pk] | bought,
                user_id=enrolment.contact.user_id, language=enrolment.language,
            )
        )  # fmt: skip
    return _chosen(wishes)


def _had(wanting: Sequence[FollowUpFacts]) -> dict[int, frozenset[int]]:
    """What each person has ever ordered under their account, address or number, by the follow-ups'
    keys. Two queries, none where nothing is wanted."""
    if not wanting:
        return {}
    keys = {facts.followup.pk: _keys_of(facts.followup.enrolment.contact) for facts in wanting}
    users, emails, phones = (
        {key for key in same if key} for same in zip(*keys.values(), strict=True)
    )
    ordered = bought_or_returned(users, emails, phones)
    return {
        pk: frozenset().union(*(ordered.get(key, ()) for key in mine)) for pk, mine in keys.items()
    }


def _keys_of(contact: Contact) -> tuple[Any, str, str]:
    """By what orders of this person are known: account, address and number."""
    return contact.user_id, contact.email_key or "", contact.address_for("phone")


def _chosen(wishes: Sequence[Wish]) -> Suggestions:
    if not wishes:
        return {}
    return {key: products for key, products in recommend(wishes).items() if isinstance(key, int)}
