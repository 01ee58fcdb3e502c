"""Addresses that must not be used on a channel, kept as keyed hashes that outlive an erasure.

Every block and every lifting of one leaves a `SuppressionChange`, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final, NamedTuple

from django.db import transaction

from cart_recovery.contacts.addresses import address_digest
from cart_recovery.models import Suppression, SuppressionChange
from cart_recovery.models.inserts import insert_new
from cart_recovery.provider_events import SuppressionReason

#: what a person undoes by confirming the address anew: it shows that they have it and want it. A
#: carrier's block and an address that does not exist are no wish of theirs
UNDONE_BY_LINK: Final = frozenset({
    SuppressionReason.STOP_REPLY, SuppressionReason.UNSUBSCRIBED, SuppressionReason.STAFF,
    SuppressionReason.COMPLAINT, SuppressionReason.HARD_BOUNCE, SuppressionReason.ERASED,
})  # fmt: skip
#: an answer from the very number also proves that the carrier lets it through
UNDONE_BY_REPLY: Final = UNDONE_BY_LINK | {SuppressionReason.CARRIER_BLOCK}


class SuppressionItem(NamedTuple):
    """One address to block; `digest` as made by `contacts.addresses.address_digest`."""

    channel: str
    digest: str
    reason: SuppressionReason
    source: str = ""


def suppress(
    channel: str, address_kind: str, address: str, *, reason: SuppressionReason, source: str
) -> None:
    """Block one address on a channel. Raises InvalidAddressError for what is no address."""
    digest = address_digest(address_kind, address)
    suppress_digests([SuppressionItem(channel, digest, reason, source)])


def suppress_digests(items: Iterable[tuple[str, str, SuppressionReason, str]]) -> None:
    """Block many (channel, digest, reason, source) at once, and note each new block.

    An address keeps its first reason. Three statements, however many there are.
    """
    wanted = {
        (item.channel, item.digest): item
        for item in (SuppressionItem(*item) for item in reversed(list(items)))
        if item.digest
    }
    if not wanted:
        return
    with transaction.atomic():
        held = suppressed(wanted)
        new = [item for pair, item in wanted.items() if pair not in held]
        insert_new([
            Suppression(
                channel=i.channel, address_digest=i.digest, reason=i.reason, source=i.source[:64]
            )
            for i in new
        ])  # fmt: skip
        insert_new([
            SuppressionChange(
                channel=i.channel, address_digest=i.digest, reason=i.reason, source=i.source[:64],
                change=SuppressionChange.Change.ADDED,
            )
            for i in new
        ])  # fmt: skip


def lift(  # noqa: PLR0913 what the note of a lifting consists of, all by keyword
    channel: str,
    digest: str,
    *,
    reasons: Collection[str] | None,
    source: str,
    note: str = "",
    user: Any = None,
) -> bool:
    """Free the address on the channel if it is blocked for one of these reasons (None: any).

    Whether it was. Leaves a `SuppressionChange` with the reason of the block.
    """
    with transaction.atomic():
        held = Suppression.objects.filter(channel=channel, address_digest=digest)
        if reasons is not None:
            held = held.filter(reason__in=reasons)
        row = held.first()
        if row is None or not held.filter(pk=row.pk).delete()[0]:
            return False
        SuppressionChange.objects.create(
            channel=channel, address_digest=digest, reason=row.reason, source=source[:64],
            change=SuppressionChange.Change.LIFTED, note=note[:500], user=user,
        )  # fmt: skip
        return True


def suppressed(pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the (channel, digest) pairs that are blocked. One query."""
    return set(reasons_of(pairs))


def reasons_of(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Why those of the (channel, digest) pairs are blocked that are. One query."""
    wanted = set(pairs)
    if not wanted:
        return {}
    # by the digest alone: with the channel in the question PostgreSQL, short of statistics, reads
    # all rows of the channel
    found = Suppression.objects.filter(
        address_digest__in={digest for _, digest in wanted}
    ).values_list("channel", "address_digest", "reason")
    return {
        (channel, digest): reason
        for channel, digest, reason in found
        if (channel, digest) in wanted
    }
