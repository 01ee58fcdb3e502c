"""Existing customers (UWG §7(3), "soft opt-in"): by e-mail, about own similar goods, until they object.

Four things must come together, and each is kept or read again: the address comes from a sale (the
order is the record's evidence); a notice stood at its collection (the wording); the person has not
objected (no withdrawal, no block); the goods are similar (`shop.similarity`, at sending). Off unless
the shop sets SOFT_OPT_IN and the person's market knows the rule.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from typing import Any, Final

from django.http import HttpRequest

from cart_recovery.conf import conf
from cart_recovery.consent import permissions, wordings
from cart_recovery.consent.ledger import record
from cart_recovery.consent.persons import owners_of
from cart_recovery.consent.withdrawals import withdraw
from cart_recovery.contacts.claims import usable_email
from cart_recovery.contacts.identities import resolve
from cart_recovery.markets.profiles import market_for, market_of
from cart_recovery.models import (
    ConsentAction,
    ConsentMethod,
    ConsentRecord,
    ConsentState,
    ConsentWording,
)
from cart_recovery.shop.orders import OrderFacts, order_facts
from cart_recovery.shop.site import absolute_url

CHANNEL: Final = "email"
#: code of the notice: `checkout-soft-email`
WHERE: Final = "checkout-soft"
WORDING_FIELD: Final = "recovery_soft_email_wording"
OBJECTION_FIELD: Final = "recovery_soft_email_objection"
#: session key: what the notice at the checkout was, until the order is placed
SESSION_KEY: Final = "cart_recovery_soft_opt_in"
_UNTICKED: Final = frozenset({"", "0", "false", "off", "no"})


def is_offered() -> bool:
    """Whether a checkout shows the notice: the shop wants it, and its own market knows the rule."""
    return (
        conf.SOFT_OPT_IN
        and CHANNEL in conf.CHANNELS
        and market_for(conf.DEFAULT_COUNTRY).allows_soft_opt_in
    )


def remember(request: HttpRequest) -> None:
    """Keep with the session that an accepted form showed the notice, and what was said to it."""
    wording_id = request.POST.get(WORDING_FIELD, "")
    if not wording_id or not is_offered():
        return
    objected = request.POST.get(OBJECTION_FIELD, "").strip().lower() not in _UNTICKED
    request.session[SESSION_KEY] = [wording_id[:18], objected, request.path[:500]]


def take_up(request: HttpRequest, order_id: int) -> list[ConsentRecord]:
    """Write down, with the order, what its checkout's notice leads to. Nothing without a notice."""
    session = getattr(request, "session", None)
    if session is None or SESSION_KEY not in session:
        return []
    wording_id, objected, path = session.pop(SESSION_KEY)
    wording = wordings.shown(wording_id, channel=CHANNEL)
    order = order_facts(order_id)
    if wording is None or order is None or not is_offered():
        return []
    return note_sale(order, wording, objected=objected, source_url=absolute_url(path))


def note_sale(
    order: OrderFacts, wording: ConsentWording, *, objected: bool, source_url: str = ""
) -> list[ConsentRecord]:
    """A sale whose checkout showed `wording`: also for shops without sessions.

    An objection withdraws what the wording speaks of. Otherwise a record with method SOFT is written
    for the purposes on which the person has no standing yes, and has never said no.
    """
    contact = resolve(user_id=order.user_id, email=order.email, country=order.country)
    if contact is None or contact.email_key != usable_email(order.email)[1]:
        return []
    if objected:
        return withdraw(
            contact, channel=CHANNEL, purposes=wording.purposes, source=WHERE,
            source_url=source_url,
        )  # fmt: skip
    if order.total_incl_tax <= 0 or not market_of(contact).allows_soft_opt_in:
        return []
    standing = permissions.load([contact.pk])
    said = {
        purpose
        for purpose in wording.purposes
        if (position := standing.positions.get((contact.pk, CHANNEL, purpose)))
        and (position.withdrawn_at is not None or position.granted)
    }
    return record(
        contact, channel=CHANNEL, purposes=[p for p in wording.purposes if p not in said],
        action=ConsentAction.GRANTED, method=ConsentMethod.SOFT, wording=wording,
        source="order", source_url=source_url,
        evidence=json.dumps({"order": order.order_id, "number": order.number}),
    )  # fmt: skip


def orders_behind(contact_ids: Collection[int]) -> dict[int, set[int]]:
    """The orders on which the standing soft opt-ins of these contacts rest, by contact. Two queries,
    one where there are none."""
    owners = owners_of(contact_ids)
    states = ConsentState.objects.filter(
        contact_id__in=owners, method=ConsentMethod.SOFT, action=ConsentAction.GRANTED
    ).select_related("record")
    found: dict[int, set[int]] = defaultdict(set)
    for state in states:
        order_id = _order_id(state.record.evidence)
        if order_id is not None:
            found[owners[state.contact_id]].add(order_id)
    return found


def _order_id(evidence: str) -> int | None:
    try:
        said: Any = json.loads(evidence)
        return int(said["order"])
    except (ValueError, TypeError, KeyError):
        return None
