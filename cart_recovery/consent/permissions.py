"""What may be sent to whom, read from the states: no write ever happens here."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from cart_recovery.consent.addresses import digest_for
from cart_recovery.consent.persons import owners_of
from cart_recovery.models import ConsentAction, ConsentState, Contact


@dataclass(slots=True)
class Position:
    """What a person has said on one channel and purpose, over all contacts that were merged."""

    granted: dict[str, dt.datetime] = field(default_factory=dict)
    withdrawn_at: dt.datetime | None = None

    def add(self, state: ConsentState) -> None:
        if state.action == ConsentAction.GRANTED:
            earlier = self.granted.get(state.address_digest, state.since)
            self.granted[state.address_digest] = max(earlier, state.since)
        else:
            self.withdrawn_at = max(self.withdrawn_at or state.since, state.since)

    def is_granted(self, digest: str) -> bool:
        """A no counts for every address and wins over a yes of the same moment."""
        granted_at = self.granted.get(digest)
        if granted_at is None:
            return False
        return self.withdrawn_at is None or granted_at > self.withdrawn_at

    @property
    def is_withdrawn(self) -> bool:
        """The person said no, and nothing since."""
        return self.withdrawn_at is not None and not any(map(self.is_granted, self.granted))


@dataclass(frozen=True, slots=True)
class Permissions:
    """Positions by (contact id, channel, purpose). A contact that was not loaded has none."""

    positions: Mapping[tuple[int, str, str], Position]

    def is_granted(
        self, contact: Contact, channel: str, purpose: str, address_kind: str
    ) -> bool:  # fmt: skip
        """Whether the person agreed to this channel and purpose at the address they have now."""
        position = self.positions.get((contact.pk, channel, purpose))
        if position is None or contact.merged_into_id or contact.erased_at:
            return False
        digest = digest_for(contact, address_kind)
        return bool(digest) and position.is_granted(digest)

    def is_withdrawn(self, contact_id: int, channel: str, purpose: str) -> bool:
        """Whether the last word was a no; also for service messages that need no yes."""
        position = self.positions.get((contact_id, channel, purpose))
        return position is not None and position.is_withdrawn


def load(contact_ids: Collection[int]) -> Permissions:
    """The positions of these contacts: two queries, and one per level of merges."""
    owners = owners_of(contact_ids)
    positions: dict[tuple[int, str, str], Position] = defaultdict(Position)
    for state in ConsentState.objects.filter(contact_id__in=owners):
        key = (owners[state.contact_id], state.channel, state.purpose)
        positions[key].add(state)
    return Permissions(dict(positions))
