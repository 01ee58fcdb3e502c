"""Double opt-in: asked for at a form, valid once it is confirmed at the address itself.

The form's half is a pending `OptIn`, its confirmation two records of the ledger. Whoever changes an
opt-in holds the person's row (`lock_person`), so that a confirmation, a withdrawal and a second
form cannot pass each other.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from typing import Any, Final, Literal

from django.db import transaction
from django.utils import timezone

from cart_recovery.conf import conf
from cart_recovery.consent import notices, permissions
from cart_recovery.consent.addresses import address_kind_of, digest_on
from cart_recovery.consent.ledger import record
from cart_recovery.consent.persons import lock_person, owners_of
from cart_recovery.consent.suppression import UNDONE_BY_LINK, UNDONE_BY_REPLY, lift, suppressed
from cart_recovery.exceptions import InvalidAddressError
from cart_recovery.markets.profiles import market_of
from cart_recovery.models import (
    ConsentAction,
    ConsentMethod,
    ConsentRecord,
    ConsentWording,
    Contact,
    NoticeKind,
    OptIn,
    OptInState,
    Suppression,
)
from cart_recovery.provider_events import SuppressionReason

#: 128 bits: 22 characters, which an SMS has room for
TOKEN_BYTES: Final = 16
TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")
#: how far back unconfirmed opt-ins of an address are counted
LIMIT_PERIOD: Final = dt.timedelta(days=30)
SOURCE: Final = "double_opt_in"


def ask(  # noqa: PLR0913 what a proof consists of, all by keyword
    contact: Contact,
    *,
    channel: str,
    wording: ConsentWording,
    source: str,
    source_url: str = "",
    language: str = "",
    basket_id: Any = None,
    now: dt.datetime | None = None,
) -> OptIn | None:
    """Someone said yes to `wording` at a form: make it a permission, or the question for one.

    Where the contact's market takes a form's yes for a permission and the address is not blocked,
    the yes is recorded at once and nothing waits: None. Else there is a pending opt-in and a notice
    that asks the address itself. Asking for the same again gives the one that waits; an address
    that was asked too often gets nothing (None). `basket_id` is the basket that the person wants to
    be sent; it goes out as soon as the channel is permitted. Raises InvalidAddressError for a
    contact without an address on the channel, ValueError for a wording of another channel.
    """
    if wording.channel != channel:
        raise ValueError(f"The wording {wording} is not for channel {channel}.")
    now = now or timezone.now()
    with transaction.atomic():
        person = Contact.objects.get(pk=lock_person(contact.pk))
        if not digest_on(person, channel):
            raise InvalidAddressError(f"No address to bind a consent for channel {channel} to.")
        is_free = not suppressed([(channel, digest_on(person, channel))])
        if not (is_free and _is_permitted(person, wording)):
            if not (is_free and _is_enough(person, channel)):
                draft = OptIn(
                    contact=person, channel=channel, purposes=list(wording.purposes),
                    wording=wording, address_digest=digest_on(person, channel),
                    language=(language or person.language)[:16], source=source[:64],
                    source_url=source_url[:500], basket_id=basket_id, requested_at=now,
                    expires_at=now + conf.OPT_IN_LIFETIME,
                )  # fmt: skip
                return _pend(draft)
            record(
                person, channel=channel, purposes=wording.purposes, action=ConsentAction.GRANTED,
                method=ConsentMethod.SINGLE, source=source, source_url=source_url, wording=wording,
                now=now,
            )  # fmt: skip
        if basket_id is not None:
            notices.plan(
                NoticeKind.SAVED_BASKET, person, channel=channel, language=language,
                basket_id=basket_id, now=now,
            )  # fmt: skip
        return None


def find(token: str) -> OptIn | None:
    """The opt-in of a link's token, whatever became of it; None for any other text.

    What phones and mail programs glue to the end of a link is overlooked.
    """
    trimmed = re.sub(r"[^A-Za-z0-9_-]+$", "", token[:100])
    if not TOKEN.fullmatch(trimmed):
        return None
    rows = OptIn.objects.select_related("contact", "wording")
    return rows.filter(token_hash=hash_token(trimmed)).first()


def is_open(opt_in: OptIn, now: dt.datetime | None = None) -> bool:
    """Whether it can be confirmed now."""
    return (
        opt_in.state == OptInState.PENDING
        and opt_in.expires_at > (now or timezone.now())
        and digest_on(opt_in.contact, opt_in.channel) == opt_in.address_digest
    )


def still_holds(opt_in: OptIn) -> bool:
    """Whether it was confirmed, and nothing of it was taken back since."""
    opt_in.refresh_from_db(fields=["state"])
    return opt_in.state == OptInState.CONFIRMED and _is_permitted(opt_in.contact, opt_in.wording)


def pending_at(
    channel: str, address_digest: str, now: dt.datetime | None = None
) -> list[OptIn]:  # fmt: skip
    """What an answer from this address would confirm, oldest first."""
    rows = OptIn.objects.select_related("contact", "wording").filter(
        channel=channel, address_digest=address_digest, state=OptInState.PENDING,
        expires_at__gt=now or timezone.now(),
    )  # fmt: skip
    return list(rows.order_by("requested_at", "pk"))


def confirm(
    opt_in: OptIn,
    *,
    by: Literal["link", "reply"],
    source_url: str = "",
    evidence: str = "",
    now: dt.datetime | None = None,
) -> list[ConsentRecord]:
    """Make the opt-in a permission and give its new records: the request and the yes.

    Nothing happens ([]) unless it is pending, not expired, and the person still has the address;
    of two confirmations at once one finds it done. `evidence` is what the person wrote, for a reply.
    Lifts the block of the address where it is the person's to lift.
    """
    now = now or timezone.now()
    with transaction.atomic():
        person = Contact.objects.get(pk=lock_person(opt_in.contact_id))
        if digest_on(person, opt_in.channel) != opt_in.address_digest:
            return []
        settled = OptIn.objects.filter(
            pk=opt_in.pk, state=OptInState.PENDING, expires_at__gt=now
        ).update(state=OptInState.CONFIRMED, settled_at=now, confirmed_by=by)
        if not settled:
            return []
        opt_in.refresh_from_db()
        records = _prove(opt_in, person, source_url=source_url, evidence=evidence)
        lift(
            opt_in.channel, opt_in.address_digest, source=f"{SOURCE}_{by}",
            reasons=_undone(opt_in, by),
        )  # fmt: skip
        if opt_in.basket_id is not None:
            notices.plan(
                NoticeKind.SAVED_BASKET, person, channel=opt_in.channel, language=opt_in.language,
                basket_id=opt_in.basket_id, now=now,
            )  # fmt: skip
        return records


def cancel(
    contact_id: int, *, channel: str | None = None, purposes: Collection[str] | None = None,
    now: dt.datetime | None = None,
) -> int:  # fmt: skip
    """End what waits to be confirmed by this person, and give its number: the person said no.

    `channel` and `purposes` None: any. An opt-in for several purposes ends with the first of them.
    """
    pending = OptIn.objects.filter(contact_id__in=owners_of([contact_id]), state=OptInState.PENDING)
    if channel is not None:
        pending = pending.filter(channel=channel)
    ids = [
        pk
        for pk, asked in pending.values_list("pk", "purposes")
        if purposes is None or set(asked).intersection(purposes)
    ]
    return _settle(ids, now or timezone.now())


def issue_tokens(opt_in_ids: Collection[int]) -> dict[int, str]:
    """A new token for each opt-in that is still pending, by its key. Only hashes are stored, so a
    message that is made again gets another link."""
    rows = list(OptIn.objects.filter(pk__in=opt_in_ids, state=OptInState.PENDING).only("pk"))
    tokens = {row.pk: _new_token() for row in rows}
    for row in rows:
        row.token_hash = hash_token(tokens[row.pk])
    OptIn.objects.bulk_update(rows, ["token_hash"])
    return tokens


def hash_token(token: str) -> str:
    """SHA-256 as hex. No key and no salt: 128 random bits leave nothing to try out."""
    return hashlib.sha256(f"cart_recovery.opt_in:{token}".encode()).hexdigest()


def _new_token() -> str:
    """Letters and digits at both ends, as phones drop others from a link."""
    while True:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        if token[0].isalnum() and token[-1].isalnum():
            return token


def _is_enough(contact: Contact, channel: str) -> bool:
    """Whether a form's yes is a permission for this person."""
    return market_of(contact).accepts(ConsentMethod.SINGLE, address_kind_of(channel))


def _is_permitted(contact: Contact, wording: ConsentWording) -> bool:
    """Whether all that the wording asks for is permitted already: a signal and the middleware may
    both see the same form, impatient people send it twice, and a confirmed yes is not asked again.
    """
    standing = permissions.load([contact.pk])
    kind = address_kind_of(wording.channel)
    return all(
        standing.is_granted(contact, wording.channel, purpose, kind) for purpose in wording.purposes
    )


def _pend(draft: OptIn) -> OptIn | None:
    """Keep the opt-in and ask the address, unless that was done only just now or too often."""
    now = draft.requested_at
    waiting = pending_at(draft.channel, draft.address_digest, now)
    for row in waiting:
        if row.requested_at > now - conf.OPT_IN_REPEAT_AFTER and _is_same(row, draft):
            if draft.basket_id is not None and row.basket_id != draft.basket_id:
                OptIn.objects.filter(pk=row.pk).update(basket_id=draft.basket_id)
            return row
    asked = OptIn.objects.filter(
        channel=draft.channel, address_digest=draft.address_digest,
        requested_at__gt=now - LIMIT_PERIOD,
    ).exclude(state=OptInState.CONFIRMED)  # fmt: skip
    if asked.count() >= conf.OPT_IN_LIMIT:
        return None
    _settle([row.pk for row in waiting], now)
    draft.save(force_insert=True)
    notices.plan(
        NoticeKind.OPT_IN, draft.contact, channel=draft.channel, language=draft.language,
        opt_in=draft, now=now,
    )  # fmt: skip
    return draft


def _is_same(one: OptIn, other: OptIn) -> bool:
    return one.wording_id == other.wording_id and set(one.purposes) == set(other.purposes)


def _undone(opt_in: OptIn, by: str) -> frozenset[SuppressionReason]:
    """Which blocks the confirmation lifts. What staff set after the question was asked, stays."""
    reasons = UNDONE_BY_REPLY if by == "reply" else UNDONE_BY_LINK
    set_since = Suppression.objects.filter(
        channel=opt_in.channel, address_digest=opt_in.address_digest,
        reason=SuppressionReason.STAFF, created_at__gt=opt_in.requested_at,
    )  # fmt: skip
    return reasons - {SuppressionReason.STAFF} if set_since.exists() else reasons


def _prove(
    opt_in: OptIn, person: Contact, *, source_url: str, evidence: str
) -> list[ConsentRecord]:
    """Both halves of a confirmed opt-in, each with its own moment and place."""
    requested = record(
        person, channel=opt_in.channel, purposes=opt_in.purposes, wording=opt_in.wording,
        action=ConsentAction.REQUESTED, source=opt_in.source, source_url=opt_in.source_url,
        now=opt_in.requested_at,
    )  # fmt: skip
    by = opt_in.confirmed_by
    granted = record(
        person, channel=opt_in.channel, purposes=opt_in.purposes, wording=opt_in.wording,
        action=ConsentAction.GRANTED, method=ConsentMethod.DOUBLE, source=SOURCE,
        source_url=source_url, evidence=f"{by}: {evidence}" if evidence else by,
        now=opt_in.settled_at,
    )  # fmt: skip
    return requested + granted


def _settle(ids: Sequence[int], now: dt.datetime) -> int:
    if not ids:
        return 0
    return OptIn.objects.filter(pk__in=ids, state=OptInState.PENDING).update(
        state=OptInState.CANCELLED, settled_at=now
    )
