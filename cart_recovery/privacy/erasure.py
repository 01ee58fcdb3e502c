"""Deleting what is known of a person (GDPR Art. 17), in batches of constant statements.

What stays, and why: the proofs of consent with a withdrawal at their end until the time for keeping
proofs is over (Art. 17(3)(e)); the keyed hash of each address in the suppression list, so that
nothing reaches it again (Art. 21(3)); numbers without a person. The account, the orders and the
basket are the shop's.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

from django.db import transaction

from cart_recovery.campaigns.planning import stop_by_id
from cart_recovery.channels.registry import configured_aliases, get_channel
from cart_recovery.consent.mass_withdrawals import withdraw_all
from cart_recovery.consent.persons import owners_of
from cart_recovery.consent.suppression import SuppressionItem, suppress_digests
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.exceptions import ChannelConfigurationError
from cart_recovery.models import (
    CheckoutTrouble,
    ConsentRecord,
    Contact,
    Conversion,
    DataLink,
    DeliveryEvent,
    EnrolledLine,
    Enrolment,
    EnrolmentState,
    FollowUp,
    FollowUpState,
    LineReview,
    LinkClick,
    Message,
    Notice,
    OptIn,
    OrderMilestone,
    Reason,
    Reply,
    RestoreLink,
    ReviewLink,
    ServiceRating,
    StaffTask,
    Suppression,
    SuppressionChange,
    TrackedCart,
    TrackedOrder,
    VoucherGrant,
)
from cart_recovery.models.inserts import insert_new
from cart_recovery.privacy import emptying, foreign_rows
from cart_recovery.provider_events import SuppressionReason

#: persons per transaction: what every database takes in one statement, and in little memory
CHUNK = 500
#: a message that is being made sees its follow-up gone, one that is made sees the last look
UNDER_WAY = (FollowUpState.PLANNED, FollowUpState.CLAIMED)


@dataclass(slots=True)
class ErasureReport:
    """How many rows were emptied. `contacts` counts persons and leaves out those erased before."""

    contacts: int = 0
    withdrawals: int = 0
    enrolments: int = 0
    notices: int = 0
    carts: int = 0
    messages: int = 0
    links: int = 0
    replies: int = 0
    webhooks: int = 0
    conversions: int = 0
    reviews: int = 0
    ratings: int = 0

    def __add__(self, other: ErasureReport) -> ErasureReport:
        names = [field.name for field in fields(self)]
        return ErasureReport(**{n: getattr(self, n) + getattr(other, n) for n in names})


def erase(
    contacts: Iterable[Contact], *, source: str, now: dt.datetime, is_asked_for: bool = True
) -> ErasureReport:
    """Empty these contacts, those that were merged with them and all that hangs on them.

    Each batch is a transaction of its own, or part of the caller's. May be repeated: what came to
    a contact since is emptied too. `source` says where it was asked for (64 characters).
    `is_asked_for=False` is for what the shop deletes by itself: then the addresses are not blocked.
    """
    report = ErasureReport()
    for ids in _batches(contact.pk for contact in contacts):
        with transaction.atomic():
            report += _erase_batch(ids, source, now, is_asked_for=is_asked_for)
    if report.contacts:
        foreign_rows.delete_failed_tasks()
    return report


def _batches(ids: Iterator[int]) -> Iterator[list[int]]:
    while batch := list(itertools.islice(ids, CHUNK)):
        yield batch


@dataclass(slots=True)
class _Person:
    """The people of a batch: their rows, tombstones included, and the addresses they ever had."""

    ids: list[int]
    living: list[int]
    phones: set[str]
    #: (channel, digest): what is to be blocked
    pairs: set[tuple[str, str]]
    digests: set[str]


def _erase_batch(
    ids: list[int], source: str, now: dt.datetime, *, is_asked_for: bool
) -> ErasureReport:
    people = _load(ids)
    if is_asked_for:
        suppress_digests(
            SuppressionItem(channel, digest, SuppressionReason.ERASED, source)
            for channel, digest in sorted(people.pairs)
        )
        _note_blocked_before(people.digests, source)
    report = ErasureReport(
        withdrawals=withdraw_all(people.living, source=f"erasure_{source}", now=now),
        enrolments=_stop(people.ids, now),
        notices=_cancel_notices(people.ids, now),
    )
    # the contacts last: what tells whose the rows are goes when they are empty
    _empty_rows(people, report, now)
    report.contacts = _empty_contacts(people, now)
    foreign_rows.empty_admin_log(people.ids)
    return report


def _load(ids: list[int]) -> _Person:
    """Lock the contacts and read what must be known before it is gone. Constant queries."""
    roots = {
        row.merged_into_id or row.pk
        for row in Contact.objects.filter(pk__in=ids).only("pk", "merged_into_id")
    }
    everyone = sorted(owners_of(roots))
    rows = list(Contact.objects.select_for_update().filter(pk__in=everyone).order_by("pk"))
    kinds = {alias: _kinds(alias) for alias in configured_aliases()}
    pairs = {
        (alias, address_digest(kind, address))
        for contact in rows
        for alias, of_channel in kinds.items()
        for kind in of_channel
        if (address := contact.address_for(kind))
    }
    for model in (ConsentRecord, Message, OptIn, Notice):
        found = model._base_manager.filter(contact_id__in=everyone).exclude(address_digest="")
        pairs |= set(found.order_by().values_list("channel", "address_digest").distinct())
    digests = {digest for _channel, digest in pairs} | {
        address_digest(kind, address)
        for contact in rows
        for kind in ("email", "phone")
        if (address := contact.address_for(kind))
    }
    return _Person(
        ids=everyone,
        living=[c.pk for c in rows if not c.merged_into_id],
        phones={c.address_for("phone") for c in rows} - {""},
        pairs=pairs,
        digests=digests,
    )


def _note_blocked_before(digests: set[str], source: str) -> None:
    """An address keeps the reason for which it was blocked first; that its owner was erased since
    must be known all the same, or reports about it would be kept again."""
    added = SuppressionChange.Change.ADDED
    pairs = ("channel", "address_digest")
    blocked = Suppression.objects.filter(address_digest__in=digests).values_list(*pairs)
    # two short look-ups: joined, PostgreSQL reads all that was ever erased for each batch
    noted = SuppressionChange.objects.filter(
        address_digest__in=digests, reason=SuppressionReason.ERASED, change=added
    ).values_list(*pairs)
    insert_new([
        SuppressionChange(
            channel=channel, address_digest=digest, change=added, source=source[:64],
            reason=SuppressionReason.ERASED,
        )
        for channel, digest in set(blocked) - set(noted)
    ])  # fmt: skip


def _kinds(alias: str) -> tuple[str, ...]:
    """What addresses the channel uses; both where its settings are broken."""
    try:
        return (get_channel(alias).address_kind,)
    except ChannelConfigurationError:
        return ("email", "phone")


def _stop(ids: list[int], now: dt.datetime) -> int:
    running = Enrolment.objects.filter(contact_id__in=ids, state=EnrolmentState.ACTIVE)
    stopped = stop_by_id(list(running.values_list("pk", flat=True)), Reason.ERASED, now)
    FollowUp.objects.filter(enrolment__contact__in=ids, state__in=UNDER_WAY).update(
        state=FollowUpState.CANCELLED, reason=Reason.ERASED, claim_token="", ended_at=now
    )
    return stopped


def _cancel_notices(ids: list[int], now: dt.datetime) -> int:
    return Notice.objects.filter(contact_id__in=ids, state__in=UNDER_WAY).update(
        state=FollowUpState.CANCELLED, reason=Reason.ERASED, claim_token="", ended_at=now
    )


def _empty_rows(people: _Person, report: ErasureReport, now: dt.datetime) -> None:
    ids = people.ids
    emptying.empty_events(DeliveryEvent.objects.filter(message__contact__in=ids))
    report.messages = emptying.empty_messages(Message.objects.filter(contact__in=ids), now)
    emptying.empty_clicks(LinkClick.objects.filter(link__contact__in=ids))
    report.links = emptying.empty_links(RestoreLink.objects.filter(contact__in=ids), now)
    report.conversions = emptying.empty_conversions(Conversion.objects.filter(contact__in=ids))
    report.carts = emptying.empty_carts(TrackedCart.objects.filter(contact__in=ids), now)
    EnrolledLine.objects.filter(enrolment__contact__in=ids).update(line=None)
    emptying.empty_orders(
        TrackedOrder.objects.filter(contact__in=ids),
        OrderMilestone.objects.filter(tracked__contact__in=ids),
    )
    # what is left is how often which reason came up
    CheckoutTrouble.objects.filter(contact__in=ids).update(contact=None)
    report.replies = emptying.empty_replies(Reply.objects.filter(contact__in=ids))
    report.replies += emptying.empty_replies(Reply.objects.filter(sender__in=people.phones))
    report.webhooks = emptying.empty_webhooks(people.digests)
    emptying.empty_notices(Notice.objects.filter(contact__in=ids))
    emptying.empty_opt_ins(OptIn.objects.filter(contact__in=ids), now)
    emptying.empty_review_links(ReviewLink.objects.filter(contact__in=ids), now)
    report.reviews = emptying.empty_reviews(LineReview.objects.filter(contact__in=ids))
    report.ratings = emptying.empty_ratings(ServiceRating.objects.filter(contact__in=ids))
    emptying.empty_tasks(StaffTask.objects.filter(contact__in=ids), now)
    emptying.empty_thanks(VoucherGrant.objects.filter(contact__in=ids))
    DataLink.objects.filter(contact__in=ids).delete()
    SuppressionChange.objects.filter(address_digest__in=people.digests).update(note="")


def _empty_contacts(people: _Person, now: dt.datetime) -> int:
    erased = Contact.objects.filter(pk__in=people.living, erased_at__isnull=True).count()
    emptying.empty_contacts(people.ids, now)
    return erased
