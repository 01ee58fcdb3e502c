"""What a shop can listen to. Sent after the change is committed; receivers may fail safely."""

from __future__ import annotations

from django.dispatch import Signal

#: Carts turned out to be abandoned. Arguments: `carts` (list of TrackedCart).
carts_abandoned = Signal()
#: Messages were handed to their provider. Arguments: `messages` (list of Message).
messages_sent = Signal()
#: A person followed a link and the basket was rebuilt.
#: Arguments: `link` (RestoreLink), `basket`, `report`.
basket_restored = Signal()
#: A person said yes or no. Arguments: `record` (ConsentRecord).
consent_changed = Signal()
#: An order was credited. Arguments: `conversion` (Conversion).
order_credited = Signal()
#: A channel was paused because the provider refuses us. Arguments: `alias` (str), `reason` (str).
channel_paused = Signal()
#: The app has something to say to a person, as soon as may be.
#: Arguments: `notice_ids` (list of primary keys of Notice).
notice_planned = Signal()
