"""A story of a cart, a contact, an order or an address: loaded, ordered, judged."""

from __future__ import annotations

import datetime as dt

from cart_recovery.models import Message, SuppressionChange
from cart_recovery.stories import scopes
from cart_recovery.stories.facts import Fact, Story
from cart_recovery.stories.happenings import happenings, moment_of, of_block, of_message
from cart_recovery.stories.prospects import prospects, why_not_enrolled
from cart_recovery.stories.rows import Rows, load


def tell(scope: scopes.Scope, now: dt.datetime) -> Story:
    """The story of a scope. The number of queries does not depend on what there is to tell."""
    rows = load(scope)
    return Story(
        facts=tuple(happenings(rows)),
        prospects=tuple(prospects(rows.followups, now)),
        reasons=tuple(_reasons(rows, scope, now)),
        is_cut=rows.is_cut,
    )


def tell_address(digests: list[str]) -> Story:
    """What is known of an address that no contact has: blocks, and messages that once went there."""
    rows = Rows()
    blocks = rows.newest(SuppressionChange.objects.filter(address_digest__in=digests))
    messages = rows.newest(
        Message.objects.filter(address_digest__in=digests).defer("html", "text", "subject")
    )
    facts = [fact for block in blocks for fact in of_block(block)]
    facts += [fact for message in messages for fact in of_message(message, {}, {})]
    return Story(tuple(sorted(facts, key=moment_of)), is_cut=rows.is_cut)


def _reasons(rows: Rows, scope: scopes.Scope, now: dt.datetime) -> list[Fact]:
    """Why the cart that the story is about has no enrolment; of many carts only the latest is asked."""
    if not rows.carts:
        is_taken = any(enrolment.order is not None for enrolment in rows.enrolments)
        return [Fact("order_not_enrolled", None, {}, None)] if scope.orders and not is_taken else []
    cart = max(rows.carts, key=lambda row: row.last_activity_at)
    if any(enrolment.cart_id == cart.pk for enrolment in rows.enrolments):
        return []
    contact = next((c for c in rows.contacts if c.pk == cart.contact_id), None)
    return why_not_enrolled(cart, contact, now)
