"""What the simulators remember: messages, requests, opt-outs, suppressed addresses. Bounded."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, deque
from datetime import UTC, datetime
from typing import Any

from sandbox_shop.simulators.messages import Message, SeenRequest
from sandbox_shop.simulators.vocabulary import further

KEPT_REQUESTS = 1_000


class Store:
    """Shared by the server's loop, the webhooks' thread and a test: every access takes the lock."""

    def __init__(self, keep: int) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.version = 0
        self.counts: Counter[str] = Counter()
        self.requests: deque[SeenRequest] = deque(maxlen=KEPT_REQUESTS)
        # (sender or messaging service, recipient) as Twilio blocks them
        self.opted_out: set[tuple[str, str]] = set()
        # address -> reason of SendGrid's later "dropped"
        self.suppressed: dict[str, str] = {}
        self.batch_ids: set[str] = set()
        self._keep = keep
        self._messages: OrderedDict[str, Message] = OrderedDict()

    def add(self, message: Message) -> None:
        with self.changed:
            self._messages[message.id] = message
            while len(self._messages) > self._keep:
                self._messages.popitem(last=False)
            self._touch()

    def get(self, message_id: str) -> Message | None:
        with self.lock:
            return self._messages.get(message_id)

    def newest_first(self, *, channel: str = "", to: str = "", limit: int = 0) -> list[Message]:
        """Messages, newest first; ``limit`` 0 means all."""
        with self.lock:
            found = [
                message
                for message in reversed(self._messages.values())
                if channel in ("", message.channel) and to in ("", message.to)
            ]
        return found[:limit] if limit else found

    def clear_messages(self) -> int:
        with self.changed:
            count = len(self._messages)
            self._messages.clear()
            self._touch()
        return count

    def forget_blocks(self) -> None:
        """Lift every opt-out and suppression, as if no one had ever said stop."""
        with self.changed:
            self.opted_out.clear()
            self.suppressed.clear()
            self._touch()

    def note_event(self, message: Message, event: str, **details: Any) -> None:
        """Append to the message's history and let its status follow."""
        with self.changed:
            at = datetime.now(UTC).isoformat()
            message.events.append({"event": event, "at": at, **details})
            message.status = further(message.status, event)
            self._touch()

    def note_reply(self, message: Message, text: str, *, author: str) -> None:
        """``author``: "phone" for the shopper, "carrier" for Twilio's own answers."""
        with self.changed:
            at = datetime.now(UTC).isoformat()
            message.replies.append({"text": text, "at": at, "author": author})
            self._touch()

    def note_request(self, seen: SeenRequest) -> None:
        with self.changed:
            self.requests.append(seen)
            self._touch()

    def _touch(self) -> None:
        self.version += 1
        self.changed.notify_all()
