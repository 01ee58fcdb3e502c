"""Gives each follow-up its own voucher, in bulk."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from django.db import IntegrityError, transaction

from cart_recovery.models import FollowUp, Incentive, VoucherGrant
from cart_recovery.shop.vouchers import (
    OfferTerms,
    VoucherFacts,
    VoucherOrder,
    create_offer,
    create_vouchers,
    load_terms,
    offers_of,
)

logger = logging.getLogger(__name__)

ATTEMPTS = 3


def grant(
    followups: Sequence[FollowUp], currency_by_followup: Mapping[int, str], now: dt.datetime
) -> dict[int, VoucherFacts]:
    """A voucher for each follow-up whose step has an incentive, by the follow-up's key.

    A follow-up that already has one which still works keeps it: a message that is made again
    promises the same code. Left out are steps without incentive, and incentives that give nothing
    or whose offer staff have suspended. Constant queries per batch; needs `step__incentive` loaded.
    """
    wanted = {f.pk: f.step.incentive for f in followups if f.step.incentive is not None}
    if not wanted:
        return {}
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                facts = _grant(wanted, now)
            break
        except IntegrityError:
            # another worker took a code, or made a grant for one of the follow-ups, just now
            if attempt + 1 == ATTEMPTS:
                raise
    return {
        pk: replace(voucher, currency=currency_by_followup.get(pk, ""))
        for pk, voucher in facts.items()
    }


def _grant(wanted: Mapping[int, Incentive], now: dt.datetime) -> dict[int, VoucherFacts]:
    facts = _standing(wanted, now)
    missing = {pk: incentive for pk, incentive in wanted.items() if pk not in facts}
    if not missing:
        return facts
    offers = offers_for({incentive.pk for incentive in missing.values()})
    missing = {pk: incentive for pk, incentive in missing.items() if incentive.pk in offers}
    made = create_vouchers(
        [
            VoucherOrder(offers[incentive.pk][0], incentive.name, now + incentive.valid_for)
            for incentive in missing.values()
        ],
        now,
    )
    grants = [
        VoucherGrant(
            followup_id=pk, incentive=incentive, voucher_id=voucher_id, code=code,
            expires_at=now + incentive.valid_for, created_at=now,
        )
        for (pk, incentive), (voucher_id, code) in zip(missing.items(), made, strict=True)
    ]  # fmt: skip
    VoucherGrant.objects.bulk_create(grants)
    for given in grants:
        if given.followup_id is not None and given.incentive_id is not None:
            facts[given.followup_id] = facts_of(given, offers[given.incentive_id][1])
    return facts


def _standing(wanted: Mapping[int, Incentive], now: dt.datetime) -> dict[int, VoucherFacts]:
    """What earlier attempts gave and still works. The others let go of their follow-up."""
    grants = list(VoucherGrant.objects.filter(followup__in=wanted))
    if not grants:
        return {}
    offers = offers_of([g.voucher_id for g in grants if g.voucher_id is not None])
    terms = load_terms(set(offers.values()))
    facts: dict[int, VoucherFacts] = {}
    stale: list[int] = []
    for given in grants:
        offer_id = offers.get(given.voucher_id or 0)
        offered = terms.get(offer_id) if offer_id is not None else None
        if given.followup_id is None or offered is None or given.expires_at <= now:
            stale.append(given.pk)
        else:
            facts[given.followup_id] = facts_of(given, offered)
    if stale:
        VoucherGrant.objects.filter(pk__in=stale).update(followup=None)
    return facts


def offers_for(incentive_ids: set[int]) -> dict[int, tuple[int, OfferTerms]]:
    """The offer of each incentive, made anew if staff changed the incentive or deleted the offer.

    An old offer stays as it is: codes that were sent out keep what their message promised.
    """
    # two workers that need a new offer at the same time make one
    incentives = Incentive.objects.select_for_update().filter(pk__in=incentive_ids).order_by("pk")
    rows = list(incentives)
    existing = load_terms([row.offer_id for row in rows if row.offer_id is not None])
    offers: dict[int, tuple[int, OfferTerms]] = {}
    for row in rows:
        terms = OfferTerms.wanted_by(row)
        offer_id = row.offer_id
        if not terms.is_worth_something:
            logger.warning("Incentive %s gives nothing that Oscar can offer.", row.pk)
            continue
        if _is_withdrawn(row, existing):
            logger.warning("The offer of incentive %s is suspended or used up.", row.pk)
            continue
        if offer_id is None or existing.get(offer_id) != terms:
            offer_id = create_offer(terms, name=row.name)
            Incentive.objects.filter(pk=row.pk).update(offer=offer_id)
        offers[row.pk] = (offer_id, terms)
    return offers


def givable(incentives: Iterable[Incentive]) -> set[int]:
    """The keys of those that a voucher could be made of now; what `offers_for` would say, and nothing
    written. One query."""
    rows = list(incentives)
    existing = load_terms([row.offer_id for row in rows if row.offer_id is not None])
    return {
        row.pk
        for row in rows
        if OfferTerms.wanted_by(row).is_worth_something and not _is_withdrawn(row, existing)
    }


def _is_withdrawn(incentive: Incentive, existing: Mapping[int, OfferTerms | None]) -> bool:
    """Whether staff have suspended its offer; one that they deleted is made anew."""
    offer_id = incentive.offer_id
    return offer_id is not None and offer_id in existing and existing[offer_id] is None


def facts_of(given: VoucherGrant, terms: OfferTerms) -> VoucherFacts:
    return VoucherFacts(
        code=given.code,
        kind=terms.kind,
        value=terms.value,
        expires_at=given.expires_at,
        minimum_basket=terms.minimum_basket,
        currency="",
    )
