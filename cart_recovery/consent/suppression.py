"""Addresses that must not be used on a channel, kept as keyed hashes that outlive an erasure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cart_recovery.contacts.addresses import address_digest
from cart_recovery.models import Suppression
from cart_recovery.models.inserts import insert_new
from cart_recovery.provider_events import SuppressionReason


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
    """Block many (channel, digest, reason, source) at once. An address keeps its first reason."""
    rows = {
        (item.channel, item.digest): Suppression(
            channel=item.channel, address_digest=item.digest, reason=item.reason,
            source=item.source[:64],
        )
        for item in (SuppressionItem(*item) for item in reversed(list(items)))
        if item.digest
    }  # fmt: skip
    insert_new(list(rows.values()))


def suppressed(pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the (channel, digest) pairs that are blocked. One query."""
    wanted = set(pairs)
    if not wanted:
        return set()
    found = Suppression.objects.filter(
        channel__in={channel for channel, _ in wanted},
        address_digest__in={digest for _, digest in wanted},
    ).values_list("channel", "address_digest")
    return wanted.intersection(found)
