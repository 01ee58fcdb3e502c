"""What may be sent to whom, read from the states: no write ever happens here."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from cart_recovery.consent.addresses import digest_for
from cart_recovery.consent.persons import owners_of
from cart_recovery.markets.profiles import market_of
from cart_recovery.models import ConsentAction, ConsentMethod, ConsentState, Contact

#: columns of a state: whose and for what, and what was said
_KEY: Final = ("contact_id", "channel", "purpose")
_SAID: Final = ("action", "method", "address_digest", "since")


@dataclass(slots=True)
class Position:
    """What a person has said on one channel and purpose, over all contacts that were merged."""

    #: digest of the address -> the moments of the last yes to it, by ConsentMethod
    granted: dict[str, dict[str, dt.datetime]] = field(default_factory=dict)
    withdrawn_at: dt.datetime | None = None

    def add(self, action: str, method: str, address_digest: str, since: dt.datetime) -> None:
        """Take in what one state says."""
        if action == ConsentAction.GRANTED:
            moments = self.granted.setdefault(address_digest, {})
            moments[method] = max(moments.get(method, since), since)
        elif action == ConsentAction.WITHDRAWN:
            self.withdrawn_at = max(self.withdrawn_at or since, since)

    def methods(self, digest: str) -> frozenset[str]:
        """How the person agreed to this address, where that still holds.

        A no counts for every address and wins over a yes of the same moment.
        """
        return frozenset(
            method
            for method, moment in self.granted.get(digest, {}).items()
            if self.withdrawn_at is None or moment > self.withdrawn_at
        )

    @property
    def is_withdrawn(self) -> bool:
        """The person said no, and nothing since."""
        return self.withdrawn_at is not None and not any(map(self.methods, self.granted))


@dataclass(frozen=True, slots=True)
class Permissions:
    """Positions by (contact id, channel, purpose). A contact that was not loaded has none."""

    positions: Mapping[tuple[int, str, str], Position]

    def is_granted(
        self,
        contact: Contact,
        channel: str,
        purpose: str,
        address_kind: str,
        *,
        is_similar: bool = False,
    ) -> bool:
        """Whether the person agreed to this channel and purpose at the address they have now, in a
        way that their market takes for a permission.

        A soft opt-in counts only for goods like those bought (`is_similar`, shop.similarity).
        """
        methods = self.methods(contact, channel, purpose, address_kind)
        return bool(methods if is_similar else methods - {ConsentMethod.SOFT})

    def rests_on_sale(
        self, contact: Contact, channel: str, purpose: str, address_kind: str
    ) -> bool:  # fmt: skip
        """Whether nothing but a soft opt-in permits it: then the message has to say so."""
        return self.methods(contact, channel, purpose, address_kind) == {ConsentMethod.SOFT}

    def methods(
        self, contact: Contact, channel: str, purpose: str, address_kind: str
    ) -> frozenset[str]:
        """In which of the ways that the person's market accepts they have agreed."""
        position = self.positions.get((contact.pk, channel, purpose))
        if position is None or contact.merged_into_id or contact.erased_at:
            return frozenset()
        digest = digest_for(contact, address_kind)
        said = position.methods(digest) if digest else frozenset()
        if not said:
            return said
        market = market_of(contact)
        return frozenset(method for method in said if market.accepts(method, address_kind))

    def is_withdrawn(self, contact_id: int, channel: str, purpose: str) -> bool:
        """Whether the last word was a no; also for service messages that need no yes."""
        position = self.positions.get((contact_id, channel, purpose))
        return position is not None and position.is_withdrawn


def load(contact_ids: Collection[int]) -> Permissions:
    """The positions of these contacts: two queries, and one per level of merges."""
    owners = owners_of(contact_ids)
    positions: dict[tuple[int, str, str], Position] = defaultdict(Position)
    rows = ConsentState.objects.filter(contact_id__in=owners).order_by()
    # plain values: a batch reads hundreds of rows, twice
    for contact_id, channel, purpose, *said in rows.values_list(*_KEY, *_SAID):
        positions[owners[contact_id], channel, purpose].add(*said)
    return Permissions(dict(positions))
