"""Which addresses a webhook speaks of, so that an erasure finds it without reading all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote_plus

from django.db.models import Exists, OuterRef

from cart_recovery.channels.base import Channel
from cart_recovery.contacts.addresses import MAX_EMAIL_LENGTH, address_digest
from cart_recovery.inbound.receivers import Parsed
from cart_recovery.models import Suppression, SuppressionChange, WebhookMention, WebhookPayload
from cart_recovery.models.inserts import insert_new
from cart_recovery.provider_events import SuppressionReason

#: looked for word by word, which takes a time that grows with the text and no faster
WORD: Final = re.compile(r"""[^\s"'<>(),;:&=\[\]{}\\]+""")
PHONE: Final = re.compile(r"\+[1-9]\d{6,14}")


def keep(body: str, parsed: Parsed, channel: Channel) -> WebhookPayload:
    """Store a verified webhook with what it mentions: two inserts and a read, whatever its size.

    One that speaks of a person who had their data deleted is counted and kept without its text.
    """
    digests = digests_in(body, parsed, channel)
    erased = SuppressionChange.objects.filter(
        address_digest=OuterRef("address_digest"), reason=SuppressionReason.ERASED
    )
    # until the person comes back and confirms it at this address, which frees it
    blocked = Suppression.objects.filter(Exists(erased), address_digest__in=digests)
    is_of_erased = blocked.exists()
    payload = WebhookPayload.objects.create(
        channel=channel.alias,
        body="" if is_of_erased else body,
        accepted=len(parsed.events) + len(parsed.texts) + len(parsed.opt_outs),
        rejected=parsed.rejected,
    )
    if not is_of_erased:
        insert_new(
            [WebhookMention(webhook=payload, address_digest=digest) for digest in sorted(digests)]
        )
    return payload


def digests_in(body: str, parsed: Parsed, channel: Channel) -> set[str]:
    """Hashes of the addresses that were understood, and of all that look like one: an error's text
    names the recipient, and parts that make no sense name people too."""
    understood = [event.address for event in parsed.events]
    understood += [text.sender for text in parsed.texts]
    understood += [opt_out.sender for opt_out in parsed.opt_outs]
    digests = {address_digest(channel.address_kind, address) for address in understood if address}
    for spelling in _spellings(body):
        digests |= _digests("email", filter(_is_like_email, WORD.findall(spelling)))
        digests |= _digests("phone", PHONE.findall(spelling))
    return digests


def _spellings(body: str) -> list[str]:
    """A form's text is encoded; in JSON a plus is a plus."""
    is_json = body.lstrip()[:1] in ("[", "{")
    return [body] if is_json else [body, unquote_plus(body)]


def _is_like_email(word: str) -> bool:
    # normalising may shorten an address, but not to less than half
    local, _at, host = word.rpartition("@")
    return bool(local) and "." in host[1:-1] and len(word) <= 2 * MAX_EMAIL_LENGTH


def _digests(kind: str, addresses: Iterable[str]) -> set[str]:
    return {address_digest(kind, address.rstrip(".")) for address in set(addresses)}
